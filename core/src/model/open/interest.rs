//! The tables of interests: found and checked.

use super::{Found, bytes, covariance, floats, numbers};
use crate::error::ImageError;
use crate::image::{Element, Table, TableKind};
use crate::interest::{Interests, MAX_CODES, MAX_INTEREST};

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
pub(super) fn open<'a>(
    found: &Found<'a>,
    movies: u32,
    users: u32,
) -> Result<Option<Interests<'a>>, ImageError> {
    let kind = TableKind::InterestCode;
    let Some(table) = found.get(kind) else {
        let alone = KINDS.into_iter().find(|kind| found.get(*kind).is_some());
        return alone.map_or(Ok(None), |_| Err(ImageError::Missing(kind)));
    };
    if table.rows != movies || table.columns != 1 {
        return Err(ImageError::Shape(kind));
    }
    let codes = bytes(table, kind)?;
    found.need(TableKind::MovieConfidence)?;

    let kind = TableKind::InterestCodebook;
    let table = found.need(kind)?;
    let (count, dimensions) = (table.rows as usize, table.columns as usize);
    if count > MAX_CODES || dimensions > MAX_INTEREST {
        return Err(ImageError::Shape(kind));
    }
    let (codebook, scale) = small(table, kind)?;
    if codes.iter().any(|code| usize::from(*code) >= count) {
        return Err(ImageError::Value(TableKind::InterestCode));
    }

    let kind = TableKind::InterestLevels;
    let levels = bytes(found.need(kind)?, kind)?
        .try_into()
        .map_err(|_| ImageError::Shape(kind))?;

    let kind = TableKind::InterestSpread;
    let spread = covariance(found.need(kind)?, kind, dimensions as u32)?;

    let kind = TableKind::InterestCourse;
    let course = floats(found.need(kind)?, kind)?;
    numbers(course, kind)?;
    let [weight, fade] = *course else {
        return Err(ImageError::Shape(kind));
    };
    if !(0.0..=WEIGHT_LIMIT).contains(&weight) || !(0.0..=1.0).contains(&fade) {
        return Err(ImageError::Value(kind));
    }

    let kind = TableKind::UserInterest;
    let users = match found.get(kind) {
        None => None,
        Some(table) if table.rows == users && table.columns as usize == dimensions => {
            Some(small(table, kind)?)
        }
        Some(_) => return Err(ImageError::Shape(kind)),
    };
    Ok(Some(Interests {
        codes,
        codebook,
        scale,
        dimensions,
        levels,
        spread,
        weight,
        fade,
        users,
    }))
}

/// A table of 8-bit integers with a scale of at most 1.
fn small<'a>(table: &Table<'a>, kind: TableKind) -> Result<(&'a [i8], f32), ImageError> {
    if table.element != Element::I8.code() {
        return Err(ImageError::Element(kind));
    }
    // Written so that a NaN is refused too.
    if !(f32::MIN_POSITIVE..=1.0).contains(&table.scale) {
        return Err(ImageError::Value(kind));
    }
    Ok((bytemuck::must_cast_slice(table.bytes), table.scale))
}
