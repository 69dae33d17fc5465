//! How much RAM public types take, as their docs say it. A board's memory is laid out by these.

use core::mem::size_of;
use pocketrec::model::{Interest, MovieVector, UserState};
use pocketrec::profile::{Log, Private, Profile, Rating, UNDO_DEPTH, Undo};
use pocketrec::rank::{Hit, TopN};
use pocketrec::{MAX_DIM, MAX_UNITS};

/// A length of a list is a word.
const WORD: usize = size_of::<usize>();

#[test]
fn values_without_pointers_take_the_bytes_that_their_docs_say() {
    assert_eq!(size_of::<Rating>(), 8);
    assert_eq!(size_of::<Hit>(), 8);
    assert_eq!(size_of::<Undo>(), 12);
    assert_eq!(size_of::<Interest>(), 520);
    assert_eq!(size_of::<MovieVector>(), 4 * (MAX_DIM + 1));
    assert_eq!(size_of::<Private>(), 4 * (MAX_DIM + 1));
    // In single precision and in integers: a row (two numbers a word), a half of each unit, a base; and a shift.
    let state = 4 * (MAX_DIM + MAX_UNITS + 1) + 4 * (MAX_UNITS + MAX_DIM / 2 + 2);
    assert_eq!(size_of::<UserState>(), state);
    assert_eq!(state, if cfg!(feature = "wide") { 716 } else { 316 });
}

#[test]
fn lists_and_profiles_take_what_their_docs_say_for_each_entry() {
    let log = |ratings: usize| 8 * ratings + 12 * UNDO_DEPTH + 2 * WORD;
    assert_eq!(size_of::<Log<1>>(), log(1));
    assert_eq!(size_of::<Log<256>>(), log(256));
    assert_eq!(
        size_of::<Profile<256>>() - size_of::<Log<256>>(),
        (4 * (MAX_DIM + 1)).next_multiple_of(WORD)
    );
    // "8 bytes a kept movie, and 580": what a list of none takes.
    assert_eq!(size_of::<TopN<20>>() - size_of::<TopN<0>>(), 8 * 20);
    let bare = size_of::<TopN<0>>();
    let most = if cfg!(feature = "codes") {
        580 + 4_464
    } else {
        580
    };
    assert!(bare <= most && bare + 100 > most, "{bare} and {most}");
}

#[cfg(feature = "learn")]
#[test]
fn learning_takes_the_working_memory_that_its_docs_say() {
    use pocketrec::learn::{Belief, FoldIn, MAX_LEARNED, suggest::Suggest};

    let triangle = 4 * MAX_LEARNED * (MAX_LEARNED + 1) / 2;
    let belief = triangle.next_multiple_of(WORD) + WORD;
    assert_eq!(size_of::<Belief>(), belief);
    let vectors = 3 * 4 * MAX_LEARNED;
    let fold = belief + vectors + size_of::<UserState>() + 4;
    assert_eq!(size_of::<FoldIn>(), fold.next_multiple_of(WORD));
    if cfg!(feature = "wide") {
        assert!(belief <= 2_256 && size_of::<FoldIn>() <= 3_400);
    }
    assert_eq!(size_of::<Suggest<20>>() - size_of::<Suggest<0>>(), 8 * 20);
    assert!(size_of::<Suggest<0>>() <= 24);
}
