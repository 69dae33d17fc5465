//! What users of an image have rated: the table, and the lists without it.

use crate::image::{Forged, answers_in_bounds, forge};
use pocketrec::ids::{MovieId, UserId};
use pocketrec::ids::{elias_fano_size, fill_elias_fano};
use pocketrec::image::ImageError;
use pocketrec::image::{Element, Table, TableKind, example};
use pocketrec::model::Wanted;
use pocketrec::rank::{Order, TopN};
use proptest::prelude::*;
use std::collections::BTreeSet;

const KIND: TableKind = TableKind::UserSeen;

/// The example's users, movies and how many pairs of them there are.
const USERS: [u32; 3] = [1, 2, 3];
const MOVIES: [u32; 4] = [10, 20, 300, 4000];
const PAIRS: u32 = 12;

fn words(pairs: &[u32]) -> Vec<u32> {
    let (size, low_bits) = elias_fano_size(pairs).unwrap();
    let mut words = vec![0; size];
    fill_elias_fano(pairs, low_bits, &mut words);
    words
}

/// The example with a table of these words, without the tables that `keep` refuses.
fn with(words: &[u32], keep: impl Fn(TableKind) -> bool) -> Forged {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let table = Table {
        kind: KIND.number(),
        index: 0,
        required: false,
        element: Element::U32.code(),
        rows: 1,
        columns: words.len() as u32,
        scale: 1.0,
        padding: &[],
        bytes: &bytes,
    };
    forge(
        |table| TableKind::from_number(table.kind).is_none_or(&keep),
        &[table],
    )
}

fn refusal(words: &[u32]) -> Option<ImageError> {
    crate::open(with(words, |_| true).bytes()).err()
}

proptest! {
    #[test]
    fn what_an_image_says_of_rated_movies_is_what_a_set_says(
        pairs in proptest::collection::btree_set(0..PAIRS, 1..12)
    ) {
        let listed: Vec<u32> = pairs.iter().copied().collect();
        let image = with(&words(&listed), |_| true);
        let model = crate::open(image.bytes()).unwrap();
        prop_assert!(model.has_seen());
        for (row, user) in (0..).zip(USERS) {
            let seen = model.seen(UserId(user)).unwrap();
            for (movie_row, movie) in (0..).zip(MOVIES) {
                prop_assert_eq!(seen.contains(MovieId(movie)), pairs.contains(&(row * 4 + movie_row)));
            }
            // Movies that there aren't, next to those that there are.
            for movie in [0, 11, 4001, u32::MAX] {
                prop_assert!(!seen.contains(MovieId(movie)));
            }
            let mut top = TopN::<4>::new().with_below_mean();
            let state = model.user(UserId(user)).unwrap();
            while !top.advance(&model, &state, |movie| !seen.contains(movie), 1).is_done() {}
            let list: BTreeSet<u32> = top.hits().iter().map(|hit| hit.movie.0).collect();
            let due: BTreeSet<u32> = MOVIES.into_iter().filter(|movie| !seen.contains(MovieId(*movie))).collect();
            prop_assert_eq!(list, due);
        }
        prop_assert!(model.seen(UserId(4)).is_none());
    }
}

#[test]
fn an_image_without_the_table_says_nothing_of_anybody() {
    let image = example();
    let model = crate::open(image.bytes()).unwrap();
    assert!(!model.has_seen());
    assert!(
        USERS
            .into_iter()
            .all(|user| model.seen(UserId(user)).is_none())
    );
}

#[test]
fn pairs_that_are_nobodys_or_of_no_movie_are_refused_by_name() {
    assert_eq!(refusal(&words(&[0, 5, PAIRS - 1])), None);
    assert_eq!(refusal(&words(&[0, 5, PAIRS])), Some(ImageError::Ids(KIND)));
    assert_eq!(refusal(&words(&[u32::MAX])), Some(ImageError::Ids(KIND)));
    assert_eq!(refusal(&[0, 0]), Some(ImageError::Ids(KIND)));
    let mut longer = words(&[0, 5]);
    longer.push(0);
    assert_eq!(refusal(&longer), Some(ImageError::Ids(KIND)));
    // Without users nobody can have rated anything.
    let of_users = [
        TableKind::UserIdRange,
        TableKind::UserEmbedding,
        TableKind::UserBias,
    ];
    let image = with(&words(&[0]), |kind| !of_users.contains(&kind));
    assert_eq!(
        crate::open(image.bytes()).err(),
        Some(ImageError::Shape(KIND))
    );
}

#[test]
fn every_flip_of_the_table_is_refused_or_names_other_pairs_that_there_are() {
    let original = with(&words(&[1, 2, 6, 11]), |_| true);
    let (mut accepted, mut refused) = (0, 0);
    for bit in 0..original.bytes().len() * 8 {
        let mut image = original.clone();
        image.bytes_mut()[bit / 8] ^= 1 << (bit % 8);
        assert!(crate::open(image.bytes()).is_err(), "bit {bit}");
        image.reseal();
        match crate::open(image.bytes()) {
            Ok(model) => {
                accepted += 1;
                answers_in_bounds(&model);
                for user in USERS {
                    let seen = model.seen(UserId(user));
                    let count = seen.map_or(0, |seen| {
                        MOVIES
                            .into_iter()
                            .filter(|movie| seen.contains(MovieId(*movie)))
                            .count()
                    });
                    assert!(count <= MOVIES.len());
                }
            }
            Err(ImageError::Ids(KIND) | ImageError::Shape(KIND) | ImageError::Size(KIND)) => {
                refused += 1;
            }
            Err(_) => {}
        }
    }
    assert!(accepted > 500 && refused > 200, "{accepted}, {refused}");
}

#[cfg(feature = "learn")]
mod on_a_device {
    use super::*;
    use crate::device::Device;
    use pocketrec::store::InRam;
    use pocketrec::wire::{Reply, Request, Who};

    fn list(device: &mut Device<'_, 1, 8, InRam>, who: Who, include_rated: bool) -> Vec<u32> {
        let request = Request::TopN {
            who,
            count: 4,
            include_rated,
            include_below: true,
            order: Order::Score,
            wanted: Wanted::ANY,
        };
        match device.ask(request) {
            Reply::Movies(list) => {
                let mut list: Vec<u32> = list.iter().map(|ranked| ranked.movie).collect();
                list.sort_unstable();
                list
            }
            other => panic!("{other:?}"),
        }
    }

    fn tells(device: &mut Device<'_, 1, 8, InRam>) -> bool {
        match device.ask(Request::ModelInfo) {
            Reply::ModelInfo(info) => info.seen,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_list_leaves_out_what_its_user_has_rated_unless_it_is_asked_for() {
        // User 1 has rated 20, user 2 all but 4000, user 3 nothing.
        let image = with(&words(&[1, 4, 5, 6]), |_| true);
        let mut device = Device::<1, 8, _>::new(crate::open(image.bytes()), InRam);
        assert!(tells(&mut device));
        for (user, due) in [(1, &[10, 300, 4000][..]), (2, &[4000]), (3, &MOVIES)] {
            let who = Who::ImageUser(user);
            assert_eq!(list(&mut device, who, false), due, "user {user}");
            assert_eq!(list(&mut device, who, true), MOVIES, "user {user}");
        }
        // An owner's own ratings are, and nobody else's.
        let who = Who::Owner(0);
        device.ask(Request::Rate {
            who,
            movie: 300,
            stars: 5.0,
        });
        assert_eq!(list(&mut device, who, false), [10, 20, 4000]);
        assert_eq!(list(&mut device, who, true), MOVIES);
    }

    #[test]
    fn a_device_whose_image_does_not_tell_says_so_and_lists_everything() {
        let image = example();
        let mut device = Device::<1, 8, _>::new(crate::open(image.bytes()), InRam);
        assert!(!tells(&mut device));
        assert_eq!(list(&mut device, Who::ImageUser(2), false), MOVIES);
    }
}
