//! The tables of interests: found and checked.

use super::{ANY, Found};
use crate::image::ImageError;
use crate::image::TableKind;
use crate::model::interest::{Interests, LATEST, Latest};
use crate::numeric::pace::{Pace, walked};

/// The most stars for a likeness of 1, and the fewest.
const WEIGHTS: core::ops::RangeInclusive<f32> = 1.0 / 1024.0..=128.0;

/// Cycles that looking at the latest movies of a user takes at most, on a Cortex-M0.
const OF_USER: u32 = 1_600;

/// What the image says of people's interests, where it says how much they count; `kin` says whether it has movies that
/// belong together.
#[inline(never)]
pub(super) fn open<'a, P: Pace>(
    found: &Found<'a, P>,
    (movies, users): (u32, u32),
    kin: bool,
) -> Option<Interests<'a>> {
    let kind = TableKind::InterestCourse;
    if !found.has(kind) {
        if found.has(TableKind::UserLatest) {
            found.refuse(ImageError::Missing(kind));
        }
        return None;
    }
    if !kin {
        found.refuse(ImageError::Missing(TableKind::KinCode));
    }
    let [weight, fade] = *found.floats(kind, ANY, ANY) else {
        found.shape(kind);
        return None;
    };
    if !WEIGHTS.contains(&weight) || !(0.0..=1.0).contains(&fade) {
        found.value(kind);
    }
    let users = found
        .has(TableKind::UserLatest)
        .then(|| latest(found, movies, users));
    Some(Interests {
        weight,
        // At most 2^12.
        fade: (fade * 4096.0) as u32,
        users,
    })
}

/// The users' latest movies.
fn latest<'a, P: Pace>(found: &Found<'a, P>, movies: u32, users: u32) -> Latest<'a> {
    let kind = TableKind::UserLatest;
    let width = if movies < 1 << 16 { 2 } else { 3 };
    if users == 0 {
        found.shape(kind);
    }
    let rows = found.bytes(kind, users, (LATEST * width) as u32);
    let latest = Latest { rows, width };
    let known = found
        .pace
        .walk(users as usize, OF_USER, [0; 3], |mut part, sums| {
            walked(part.len(), OF_USER);
            let are = |user| latest.of(user).all(|row| row < movies);
            part.all(are).then_some(sums).ok_or(())
        });
    if known.is_err() {
        found.value(kind);
    }
    latest
}
