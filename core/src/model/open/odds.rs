//! The tables of odds: found and checked.

use super::Found;
use crate::image::{ImageError, TableKind};
use crate::model::odds::{NUMBERS, Odds};
use crate::numeric::pace::Pace;

/// The largest variance in squared stars, and the largest magnitude of an end in deviations and of a slope.
const LARGEST: f32 = 10_000.0;

/// What the image says of how sure predictions are for so many `users`.
#[inline(never)]
pub(super) fn open<'a, P: Pace>(found: &Found<'a, P>, users: u32) -> Option<Odds<'a>> {
    let kind = TableKind::Odds;
    if !found.has(kind) {
        if found.has(TableKind::UserOdds) {
            found.refuse(ImageError::Missing(kind));
        }
        return None;
    }
    let values = found.floats(kind, 1, NUMBERS as u32);
    let numbers: &[f32; NUMBERS] = values.try_into().ok()?;
    let [unit, noise, slope, low, high, step] = *numbers;
    let fits = [unit, noise, -low, high, step]
        .iter()
        .all(|number| (0.0..=LARGEST).contains(number));
    if !fits || !(-LARGEST..=LARGEST).contains(&slope) {
        found.value(kind);
    }
    let users = match users {
        0 => &[],
        users => found.bytes(TableKind::UserOdds, users, 1),
    };
    Some(Odds { numbers, users })
}
