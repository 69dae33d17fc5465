//! A record as it stands in flash: five words.
//!
//! ```text
//! movie 4 | tag 4 | number 4 | owner 1, kind 1, check 2 | CRC 4
//! ```
//!
//! Number and check are those of the request that the change was made for; a part of a movie has 12 bytes of it in place of
//! movie, tag and number, and its own number for an owner. The CRC takes the page's generation in, so
//! that no record of an earlier round can pass for one of this.

use super::{Asked, Change, Done, Record};
use crate::ids::MovieId;
use crate::numeric::crc32::Crc32;
use crate::profile::{Rating, Undo};

/// Bytes of a record.
pub const RECORD: u32 = 20;

/// A record without its CRC.
pub(super) type Body = [u32; 4];

const RATED: u8 = 1;
const UNDONE: u8 = 2;
const FORGOT: u8 = 3;
const FORGOT_ALL: u8 = 4;
const LIVE: u8 = 5;
const UNDOABLE_BEFORE: u8 = 6;
const UNDOABLE_NEW: u8 = 7;
const COMMIT: u8 = 8;
const DID: u8 = 9;
const DID_UNDO_BEFORE: u8 = 10;
const DID_UNDO_NEW: u8 = 11;
#[cfg(feature = "grow")]
const PART: u8 = 12;
#[cfg(feature = "grow")]
const ADDED: u8 = 13;
#[cfg(feature = "grow")]
const REMOVED: u8 = 14;

/// The CRC of some words in a page of `generation`.
pub(super) fn crc_of(generation: u32, words: &[u32]) -> u32 {
    let mut crc = Crc32::new();
    crc.update(&generation.to_le_bytes());
    for word in words {
        crc.update(&word.to_le_bytes());
    }
    crc.finish()
}

/// The last record of a compaction whose first page has the generation `first`.
pub(super) const fn commit_of(first: u32) -> Body {
    [first, 0, 0, (COMMIT as u32) << 8]
}

/// The generation of a commit's first page, where it is a commit.
pub(super) const fn commit([first, _, _, last]: Body) -> Option<u32> {
    let [_, kind, ..] = last.to_le_bytes();
    if kind == COMMIT { Some(first) } else { None }
}

pub(super) fn body_of(record: Record) -> Body {
    let undo = |undo: Undo, before, new| match undo.before {
        Some(tag) => (undo.movie.0, tag, before),
        None => (undo.movie.0, 0, new),
    };
    let (movie, tag, kind) = match record.change {
        Change::Rated(rating) => (rating.movie().0, rating.tag(), RATED),
        Change::Undone => (0, 0, UNDONE),
        Change::Forgot(MovieId(movie)) => (movie, 0, FORGOT),
        Change::ForgotAll => (0, 0, FORGOT_ALL),
        Change::Live(rating) => (rating.movie().0, rating.tag(), LIVE),
        Change::Undoable(step) => undo(step, UNDOABLE_BEFORE, UNDOABLE_NEW),
        Change::Did(Done::Changes(count)) => (count.into(), 0, DID),
        Change::Did(Done::Undone(step)) => undo(step, DID_UNDO_BEFORE, DID_UNDO_NEW),
        #[cfg(feature = "grow")]
        Change::Part([first, second, _]) => (first, second, PART),
        #[cfg(feature = "grow")]
        Change::Added { image, check } => (image, check, ADDED),
        #[cfg(feature = "grow")]
        Change::Removed(MovieId(movie)) => (movie, 0, REMOVED),
    };
    let Asked { number, check } = record.asked;
    #[cfg(feature = "grow")]
    let number = match record.change {
        Change::Part([.., third]) => third,
        _ => number,
    };
    let [low, high] = check.to_le_bytes();
    let last = u32::from_le_bytes([record.owner, kind, low, high]);
    [movie, tag, number, last]
}

/// The change of a record, or `None` for a commit or a kind that a later version wrote.
pub(super) fn record_of([movie, tag, number, last]: Body) -> Option<Record> {
    let [owner, kind, low, high] = last.to_le_bytes();
    let rating = Rating::from_words(movie, tag);
    let undo = |before| Undo {
        movie: MovieId(movie),
        before,
    };
    let change = match kind {
        RATED => Change::Rated(rating),
        UNDONE => Change::Undone,
        FORGOT => Change::Forgot(MovieId(movie)),
        FORGOT_ALL => Change::ForgotAll,
        LIVE => Change::Live(rating),
        UNDOABLE_BEFORE => Change::Undoable(undo(Some(tag))),
        UNDOABLE_NEW => Change::Undoable(undo(None)),
        DID => Change::Did(Done::Changes(movie as u8)),
        DID_UNDO_BEFORE => Change::Did(Done::Undone(undo(Some(tag)))),
        DID_UNDO_NEW => Change::Did(Done::Undone(undo(None))),
        #[cfg(feature = "grow")]
        PART => {
            return Some(Record {
                owner,
                change: Change::Part([movie, tag, number]),
                asked: Asked::default(),
            });
        }
        #[cfg(feature = "grow")]
        ADDED => Change::Added {
            image: movie,
            check: tag,
        },
        #[cfg(feature = "grow")]
        REMOVED => Change::Removed(MovieId(movie)),
        _ => return None,
    };
    let check = u16::from_le_bytes([low, high]);
    Some(Record {
        owner,
        change,
        asked: Asked { number, check },
    })
}

impl Record {
    /// As bytes: `movie 4 | tag 4 | number 4 | owner 1, kind 1, check 2`, little-endian, without a check of their own.
    pub fn to_bytes(self) -> [u8; 16] {
        let [[a, b, c, d], [e, f, g, h], [i, j, k, l], [m, n, o, p]] =
            body_of(self).map(u32::to_le_bytes);
        [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]
    }

    /// What [`to_bytes`](Self::to_bytes) wrote; `None` for a kind that a later version wrote.
    pub fn from_bytes(bytes: &[u8; 16]) -> Option<Self> {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = *bytes;
        let words = [[a, b, c, d], [e, f, g, h], [i, j, k, l], [m, n, o, p]];
        record_of(words.map(u32::from_le_bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record_with(change: Change) -> Record {
        Record {
            owner: 0,
            change,
            asked: Asked::default(),
        }
    }

    #[test]
    fn every_record_comes_back_as_it_was() {
        let rating = Rating::new(MovieId(u32::MAX), 4.5, 9).unwrap();
        let undo = |before| Undo {
            movie: MovieId(7),
            before,
        };
        for change in [
            Change::Rated(rating),
            Change::Undone,
            Change::Forgot(MovieId(8)),
            Change::ForgotAll,
            Change::Live(rating),
            Change::Undoable(undo(Some(3))),
            Change::Undoable(undo(None)),
            Change::Did(Done::Changes(8)),
            Change::Did(Done::Undone(undo(Some(3)))),
            Change::Did(Done::Undone(undo(None))),
            #[cfg(feature = "grow")]
            Change::Part([1, u32::MAX, 3]),
            #[cfg(feature = "grow")]
            Change::Added {
                image: 0xdead_beef,
                check: 7,
            },
            #[cfg(feature = "grow")]
            Change::Removed(MovieId(9)),
        ] {
            let asked = match body_of(record_with(change)) {
                // It has no room for which request it was.
                [.., last] if last.to_le_bytes()[1] == 12 => Asked::default(),
                _ => Asked {
                    number: 0x0123_4567,
                    check: 0x89ab,
                },
            };
            let record = Record {
                owner: 5,
                change,
                asked,
            };
            assert_eq!(record_of(body_of(record)), Some(record));
            assert_eq!(commit(body_of(record)), None);
            assert_eq!(Record::from_bytes(&record.to_bytes()), Some(record));
        }
        assert_eq!(commit(commit_of(77)), Some(77));
        assert_eq!(record_of(commit_of(77)), None);
    }
}
