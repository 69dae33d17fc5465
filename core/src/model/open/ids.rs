//! An index of ids: found in one of its forms, and checked.

use super::{Found, words};
use crate::error::ImageError;
use crate::ids::{BLOCK_WORDS, IdIndex};
use crate::image::TableKind;

/// The ids in the one form of the four `kinds` that is there, if any is.
pub(super) fn open<'a>(
    found: &Found<'a>,
    kinds: [TableKind; 4],
) -> Result<Option<IdIndex<'a>>, ImageError> {
    let mut there = None;
    for kind in kinds {
        if let Some(table) = found.get(kind) {
            if there.is_some() {
                return Err(ImageError::Duplicate(kind));
            }
            there = Some((kind, table));
        }
    }
    let Some((kind, table)) = there else {
        return Ok(None);
    };
    let words = words(table, kind)?;
    let [range, bitmap, sorted, _] = kinds;
    let index = if kind == range {
        let [first, count] = *words else {
            return Err(ImageError::Shape(kind));
        };
        IdIndex::range(first, count)
    } else {
        let (fits, of) = if kind == bitmap {
            (
                table.columns as usize == BLOCK_WORDS,
                IdIndex::bitmap(words.as_chunks().0),
            )
        } else if kind == sorted {
            (table.columns == 1, IdIndex::sorted(words))
        } else {
            (table.rows == 1, IdIndex::elias_fano(words))
        };
        if !fits {
            return Err(ImageError::Shape(kind));
        }
        of
    };
    index.map(Some).ok_or(ImageError::Ids(kind))
}
