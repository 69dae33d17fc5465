//! The tables of how sure predictions are: optional, so that a reader that doesn't know them predicts without.

use pocketrec::image::TableKind as K;
use pocketrec::image::builder::OwnedTable;

use super::Chosen;
use super::pick::pick;
use super::spread::unit;
use pocketrec_train::Parameters;
use pocketrec_train::odds::Odds;

/// The tables for the chosen users.
pub(super) fn tables(odds: &Odds, p: &Parameters, chosen: &Chosen) -> Vec<OwnedTable> {
    let users = pick(&odds.users, 1, &chosen.users);
    let most = users.iter().fold(0.0f32, |most, one| most.max(*one));
    let mut numbers = [
        unit(p) as f32,
        odds.noise,
        odds.slope,
        odds.low,
        odds.high,
        most / 255.0,
    ];
    // An image holds no subnormal numbers.
    let subnormal = numbers.iter_mut().filter(|number| number.is_subnormal());
    subnormal.for_each(|number| *number = 0.0);
    let [.., step] = numbers;
    let steps = |deviation: &f32| match step > 0.0 {
        true => (deviation / step).round() as u8,
        false => 0,
    };
    let mut tables = vec![OwnedTable::of(K::Odds, 1, &numbers).optional()];
    if !users.is_empty() {
        let bytes: Vec<u8> = users.iter().map(steps).collect();
        tables.push(OwnedTable::of(K::UserOdds, bytes.len(), &bytes).optional());
    }
    tables
}
