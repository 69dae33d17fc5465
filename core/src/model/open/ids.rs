//! An index of ids: found in one of its forms, and checked.

use super::{ANY, Found, cast};
use crate::error::ImageError;
use crate::ids::{BLOCK_WORDS, IdIndex};
use crate::image::{Element, TableKind};

/// The ids in the one form of the four `kinds` that is there, if any is.
#[inline(never)]
pub(super) fn open<'a, const CALLER: bool>(
    found: &Found<'a, CALLER>,
    kinds: [TableKind; 4],
) -> Option<IdIndex<'a>> {
    let mut index = None;
    let mut there = false;
    for (form, kind) in kinds.into_iter().enumerate() {
        if !found.has(kind) {
            continue;
        }
        if there {
            found.refuse(ImageError::Duplicate(kind));
            break;
        }
        there = true;
        let (rows, columns) = match form {
            0 => (ANY, ANY),
            1 => (ANY, BLOCK_WORDS as u32),
            2 => (ANY, 1),
            _ => (1, ANY),
        };
        let words = cast(found.bytes_of((kind, 0), Element::U32, rows, columns));
        index = match form {
            0 => match *words {
                [first, count] => IdIndex::range(first, count),
                _ => {
                    found.shape(kind);
                    None
                }
            },
            1 => IdIndex::bitmap(words.as_chunks().0),
            2 => IdIndex::sorted(words),
            _ => IdIndex::elias_fano(words),
        };
        if index.is_none() {
            found.refuse(ImageError::Ids(kind));
        }
    }
    index
}
