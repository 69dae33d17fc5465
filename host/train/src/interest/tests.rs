//! Promises of what is found of interests.

use super::*;
use crate::options::ModelKind;

/// People who watch one of three kinds of movie, twenty in each, and a few of all; the last of each is held back
/// for validation.
fn ratings() -> (Ratings, Split) {
    let (users, movies) = (150u32, 60u32);
    let mut ratings = Ratings {
        user_ids: (1..=users).collect(),
        movie_ids: (1..=movies).collect(),
        ..Ratings::default()
    };
    let mut split = Split {
        train: Vec::new(),
        validation: Vec::new(),
    };
    for user in 0..users {
        for nth in 0..13u32 {
            let kind = if nth % 6 == 5 { nth } else { user };
            ratings.users.push(user);
            ratings
                .movies
                .push(kind % 3 * 20 + (user * 7 + nth * 3) % 20);
            ratings.stars.push(3.0 + (nth % 3) as f32);
            ratings.times.push(nth * 60);
            let row = ratings.stars.len() as u32 - 1;
            if nth == 12 {
                split.validation.push(row);
            } else {
                split.train.push(row);
            }
        }
    }
    (ratings, split)
}

fn found(threads: usize) -> (Interest, Ratings) {
    let (ratings, split) = ratings();
    let options = Options {
        model: ModelKind::Mf,
        threads: Some(threads),
        ..Options::default()
    };
    let parameters = Parameters::initial(&options, 150, 60, 3.5);
    let all = (&split, &split.in_order(&ratings));
    let interest = find(&parameters, &ratings, all, &options, &|| false).unwrap();
    (interest, ratings)
}

#[test]
fn people_look_for_their_kind_of_movie() {
    let (interest, _) = found(1);
    let kin = kin::Found {
        codes: interest.kin_codes,
        codebook: interest.kin_codebook,
    };
    let mut right = 0;
    for user in 0..150 {
        let mut latest = interest.latest[user * LATEST..][..LATEST].to_vec();
        latest.retain(|movie| *movie != u32::MAX);
        latest.reverse();
        let terms = kin.terms(&kin.direction(&latest, interest.fade));
        let mean = |kind: usize| -> f32 {
            let of = |movie: usize| -> f32 { kin.sum(&terms, movie) };
            (kind * 20..kind * 20 + 20).map(of).sum()
        };
        let own = mean(user % 3);
        right += usize::from((0..3).all(|kind| kind == user % 3 || mean(kind) < own));
    }
    assert_eq!(right, 150);
}

#[test]
fn the_latest_movies_come_first_and_those_held_back_are_among_them() {
    let (interest, ratings) = found(1);
    for user in 0..150 {
        let latest = &interest.latest[user * LATEST..][..LATEST];
        let own = &ratings.movies[user * 13..][..13];
        assert!(latest[..13].iter().eq(own.iter().rev()));
        assert!(latest[13..].iter().all(|row| *row == u32::MAX));
    }
}

#[test]
fn what_is_found_does_not_depend_on_the_threads() {
    assert_eq!(found(1).0, found(3).0);
}

#[test]
fn levels_rise_with_ratings_from_none_and_bytes_follow_the_logarithm() {
    let counts = [0, 1, 10, 100, 341];
    assert_eq!(confidence_bytes(&counts)[0], 0);
    assert_eq!(confidence_bytes(&counts)[4], 255);
    let levels = kin_levels(&counts);
    assert!(levels.is_sorted() && levels[0] == 0 && levels[63] > 240);
    let ten = f32::from(levels[usize::from(confidence_bytes(&counts)[2] >> 2)]) / 255.0;
    assert!((ten - 0.5).abs() < 0.02, "{ten}");
}

#[test]
fn nobody_and_no_validation_give_something_finite() {
    let (ratings, split) = ratings();
    let options = Options::default();
    let parameters = Parameters::initial(&options, 150, 60, 3.5);
    let few = Split {
        train: split.train[..3].to_vec(),
        validation: Vec::new(),
    };
    let interest = find(
        &parameters,
        &ratings,
        (&few, &few.in_order(&ratings)),
        &options,
        &|| false,
    )
    .unwrap();
    let course = [interest.fade, interest.weight, interest.fame];
    let all = interest.kin_codebook.iter().chain(&course);
    assert!(all.into_iter().all(|x| x.is_finite()));
}

#[test]
fn a_search_that_is_stopped_anywhere_ends_and_gives_nothing() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    let (ratings, split) = ratings();
    let options = Options {
        model: ModelKind::Mf,
        threads: Some(2),
        ..Options::default()
    };
    let parameters = Parameters::initial(&options, 150, 60, 3.5);
    let asked = AtomicUsize::new(0);
    let search = |after: usize| {
        asked.store(0, Ordering::Relaxed);
        let stop = || asked.fetch_add(1, Ordering::Relaxed) >= after;
        find(
            &parameters,
            &ratings,
            (&split, &split.in_order(&ratings)),
            &options,
            &stop,
        )
    };
    assert!(search(usize::MAX).is_some());
    let whole = asked.load(Ordering::Relaxed);
    assert!(whole > 100, "asked only {whole} times");
    for after in [0, 1, whole / 4, whole / 2, whole - 1] {
        assert!(search(after).is_none(), "{after} of {whole}");
    }
}
