//! Requests from postcard's bytes, on a board.
//!
//! What serde derives reads each variant by code of its own. Requests are made of few kinds of fields, always in the
//! same order, so that one piece of code reads them all: which request has which field is a bit mask.

use super::reader::Reader;
use crate::model::Wanted;
use crate::rank::{Agreement, Order};
use crate::wire::{MAX_IMPORT, Request, Who};

/// Requests, by the numbers of their variants, that have a field.
const fn among(codes: &[u32]) -> u32 {
    let mut mask = 0;
    let mut rest = codes;
    while let [code, behind @ ..] = rest {
        mask |= 1 << *code;
        rest = behind;
    }
    mask
}

const WHO: u32 = among(&[3, 4, 6, 7, 11, 12, 13, 14, 15, 16, 17, 22, 23]);
/// A movie's id, or a request's number.
const MOVIE: u32 = among(&[3, 5, 6, 8, 12, 17, 23, 25]);
const COUNT: u32 = among(&[4, 5, 15, 16, 22, 26]);

/// The request that all of `bytes` are.
pub(crate) fn request(bytes: &[u8]) -> Option<Request> {
    let mut reader = Reader::new(bytes);
    let code = reader.varint(u32::MAX as usize) as u32;
    let has = |mask: u32| mask.wrapping_shr(code) & 1 != 0;
    let who = if has(WHO) {
        reader.who()
    } else {
        Who::Owner(0)
    };
    let movie = if has(MOVIE) {
        reader.varint(u32::MAX as usize) as u32
    } else {
        0
    };
    let count = if has(COUNT) { reader.byte() } else { 0 };
    let request = match code {
        0 => Request::Hello,
        1 => Request::Limits,
        2 => Request::ModelInfo,
        3 => Request::Predict { who, movie },
        4 => Request::TopN {
            who,
            count,
            include_rated: reader.flag(),
            include_below: reader.flag(),
            order: order(&mut reader),
            wanted: wanted(&mut reader),
        },
        5 => Request::Similar { movie, count },
        6 => Request::Rate {
            who,
            movie,
            stars: f32::from_bits(reader.word()),
        },
        7 => Request::Profile { who },
        8 => Request::Cancel { number: movie },
        9 => Request::LinkCounters,
        10 => Request::Health,
        11 => Request::Undo { who },
        12 => Request::Forget { who, movie },
        13 => Request::ForgetMe { who },
        14 => Request::Ratings {
            who,
            first: reader.varint(u16::MAX.into()) as u16,
        },
        15 => {
            let mut ratings = [(0, 0.0); MAX_IMPORT];
            for (movie, stars) in &mut ratings {
                *movie = reader.varint(u32::MAX as usize) as u32;
                *stars = f32::from_bits(reader.word());
            }
            Request::Import {
                who,
                count,
                ratings,
            }
        }
        16 => Request::Suggest { who, count },
        17 => Request::Explain { who, movie },
        18 => Request::Owners,
        19 => Request::Storage,
        20 => Request::Compact,
        21 => Request::Format,
        22 => Request::Together {
            who,
            count,
            with: reader.who(),
            agreement: if reader.flag() {
                Agreement::Mean
            } else {
                Agreement::Least
            },
            order: order(&mut reader),
            wanted: wanted(&mut reader),
        },
        23 => Request::Likely { who, movie },
        #[cfg(feature = "grow")]
        24 => Request::AddMovie {
            image: reader.word(),
            entry: entry(&mut reader),
        },
        #[cfg(feature = "grow")]
        25 => Request::RemoveMovie { movie },
        #[cfg(feature = "grow")]
        26 => Request::Added { at: count },
        _ => return None,
    };
    match reader.end(request) {
        Some((request, [])) => Some(request),
        _ => None,
    }
}

/// The entry of a movie that is added.
#[cfg(feature = "grow")]
#[inline(never)]
fn entry(reader: &mut Reader<'_>) -> crate::wire::Entry {
    let bytes = reader.bytes();
    reader.failed |= bytes.len() > crate::wire::MAX_ENTRY;
    bytes.iter().copied().collect()
}

/// What a list is sorted by.
#[inline(never)]
fn order(reader: &mut Reader<'_>) -> Order {
    let code = reader.byte();
    reader.failed |= code > 4;
    match code {
        0 => Order::Score,
        1 => Order::Stars,
        2 => Order::Taste,
        3 => Order::Fame,
        _ => Order::Surprise,
    }
}

/// Which movies a list may have.
#[inline(never)]
fn wanted(reader: &mut Reader<'_>) -> Wanted {
    let [all_of, none_of] = [(); 2].map(|()| reader.varint(u32::MAX as usize) as u32);
    let [from, to] = [(); 2].map(|()| reader.varint(u16::MAX.into()) as u16);
    Wanted {
        all_of,
        none_of,
        from,
        to,
    }
}
