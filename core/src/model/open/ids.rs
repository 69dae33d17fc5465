//! An index of ids: found in one of its forms, and checked.

use super::{ANY, Found, cast};
use crate::ids::{BLOCK_WORDS, IdIndex};
use crate::image::ImageError;
use crate::image::{Element, TableKind};
use crate::numeric::pace::Pace;

/// The ids in the one form of the four `kinds` that is there, if any is.
#[inline(never)]
pub(super) fn open<'a, P: Pace>(
    found: &Found<'a, P>,
    kinds: [TableKind; 4],
) -> Option<IdIndex<'a>> {
    let mut there = None;
    for kind in kinds {
        if found.has(kind) {
            if there.is_some() {
                found.refuse(ImageError::Duplicate(kind));
                return None;
            }
            there = Some(kind);
        }
    }
    let kind = there?;
    let [range, bitmap, sorted, _] = kinds;
    let mut rows = ANY;
    let mut columns = ANY;
    if kind == bitmap {
        columns = BLOCK_WORDS as u32;
    } else if kind == sorted {
        columns = 1;
    } else if kind != range {
        rows = 1;
    }
    let words = cast(found.bytes_of((kind, 0), Element::U32, rows, columns));
    let index = if kind == range {
        let [first, count] = *words else {
            found.shape(kind);
            return None;
        };
        IdIndex::range(first, count)
    } else if kind == bitmap {
        IdIndex::bitmap_by(words.as_chunks().0, found.pace)
    } else if kind == sorted {
        IdIndex::sorted_by(words, found.pace)
    } else {
        IdIndex::elias_fano_by(words, found.pace)
    };
    if index.is_none() {
        found.refuse(ImageError::Ids(kind));
    }
    index
}
