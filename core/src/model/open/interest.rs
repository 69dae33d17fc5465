//! The tables of interests: found and checked.

use super::{ANY, Found, cast, covariance};
use crate::image::ImageError;
use crate::image::{Element, TableKind};
use crate::model::interest::{Interests, MAX_CODES, MAX_INTEREST};

/// The most stars for an interest of 1.
const WEIGHT_LIMIT: f32 = 4096.0;

/// The other tables, which stand for nothing without [`TableKind::InterestCode`].
const KINDS: [TableKind; 5] = [
    TableKind::InterestCodebook,
    TableKind::InterestLevels,
    TableKind::InterestSpread,
    TableKind::InterestCourse,
    TableKind::UserInterest,
];

/// What the image says of people's interests, where it has a code for each movie.
#[inline(never)]
pub(super) fn open<'a, const CALLER: bool>(
    found: &Found<'a, CALLER>,
    movies: u32,
    users: u32,
) -> Option<Interests<'a>> {
    let kind = TableKind::InterestCode;
    if !found.has(kind) {
        if KINDS.into_iter().any(|kind| found.has(kind)) {
            found.refuse(ImageError::Missing(kind));
        }
        return None;
    }
    let codes = found.bytes(kind, movies, 1);
    found.need(TableKind::MovieConfidence, 0, ANY, ANY);

    let kind = TableKind::InterestCodebook;
    let table = found.need(kind, 0, ANY, ANY);
    let (count, dimensions) = (table.rows as usize, table.columns as usize);
    if count > MAX_CODES || dimensions > MAX_INTEREST {
        found.shape(kind);
    }
    let (codebook, scale) = small(found, kind, ANY, ANY);
    if codes.iter().any(|code| usize::from(*code) >= count) {
        found.value(TableKind::InterestCode);
    }

    let kind = TableKind::InterestLevels;
    let Ok(levels) = found.bytes(kind, ANY, ANY).try_into() else {
        found.shape(kind);
        return None;
    };
    let spread = covariance(found, TableKind::InterestSpread, dimensions);

    let kind = TableKind::InterestCourse;
    let [weight, fade] = *found.floats(kind, ANY, ANY) else {
        found.shape(kind);
        return None;
    };
    if !(0.0..=WEIGHT_LIMIT).contains(&weight) || !(0.0..=1.0).contains(&fade) {
        found.value(kind);
    }

    let kind = TableKind::UserInterest;
    let users = found.has(kind).then(|| {
        if users == 0 {
            found.shape(kind);
        }
        small(found, kind, users, dimensions as u32)
    });
    Some(Interests {
        codes,
        codebook,
        scale,
        dimensions,
        levels,
        spread,
        weight,
        fade,
        users,
    })
}

/// A table of 8-bit integers with a scale of at most 1.
#[inline(never)]
fn small<'a, const CALLER: bool>(
    found: &Found<'a, CALLER>,
    kind: TableKind,
    rows: u32,
    columns: u32,
) -> (&'a [i8], f32) {
    let scale = found.need(kind, 0, ANY, ANY).scale;
    // Written so that a NaN is refused too.
    if !(f32::MIN_POSITIVE..=1.0).contains(&scale) {
        found.value(kind);
    }
    let values = found.bytes_of((kind, 0), Element::I8, rows, columns);
    (cast(values), scale)
}
