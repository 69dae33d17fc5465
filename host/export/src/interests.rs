//! The tables of which movies belong together and of what people look for: optional, so that a reader that doesn't know
//! them ranks without.

use pocketrec::image::TableKind as K;
use pocketrec::image::builder::OwnedTable;

use super::Chosen;
use super::pick::pick;
use pocketrec::model::interest::LATEST;
use pocketrec::model::kin;
use pocketrec_train::interest::{Interest, kin_levels, kin_scale};

/// Adds the tables for movies with so many ratings, and for the chosen users.
pub(super) fn tables(
    interest: &Interest,
    counts: &[u32],
    chosen: &Chosen,
    tables: &mut Vec<OwnedTable>,
) {
    let mut add = |table: OwnedTable| tables.push(table.optional());
    let codes = pick(&interest.kin_codes, kin::BYTES, &chosen.movies);
    add(OwnedTable::of(K::KinCode, chosen.movies.len(), &codes));
    let scale = kin_scale(&interest.kin_codebook);
    let codebook = small(&interest.kin_codebook, scale);
    let words = kin::BOOKS * kin::WORDS;
    add(OwnedTable::of(K::KinCodebook, words, &codebook).with_scale(scale));
    add(OwnedTable::of(K::KinLevels, 1, &kin_levels(counts)));
    let course = [interest.weight, interest.fade];
    add(OwnedTable::of(K::InterestCourse, 1, &course));
    if !chosen.users.is_empty() {
        let latest = latest(interest, chosen);
        add(OwnedTable::of(K::UserLatest, chosen.users.len(), &latest));
    }
}

/// The rows in the image of the movies that the chosen users rated last, of those that it has.
fn latest(interest: &Interest, chosen: &Chosen) -> Vec<u8> {
    let most = chosen.movies.iter().max().map_or(0, |row| row + 1);
    let mut places = vec![u32::MAX; most];
    for (place, row) in (0..).zip(&chosen.movies) {
        places[*row] = place;
    }
    let width = if chosen.movies.len() < 1 << 16 { 2 } else { 3 };
    let mut bytes = Vec::with_capacity(chosen.users.len() * LATEST * width);
    for user in &chosen.users {
        let rows = &interest.latest[user * LATEST..][..LATEST];
        let rows = rows.iter().filter_map(|row| places.get(*row as usize));
        let rows = rows.copied().filter(|place| *place != u32::MAX);
        for place in rows.chain(std::iter::repeat(u32::MAX)).take(LATEST) {
            bytes.extend_from_slice(&place.to_le_bytes()[..width]);
        }
    }
    bytes
}

/// The values as multiples of `scale`.
fn small(values: &[f32], scale: f32) -> Vec<i8> {
    let round = |x: &f32| (x / scale).round().clamp(-127.0, 127.0) as i8;
    values.iter().map(round).collect()
}
