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
    let interest = find(&parameters, &ratings, &split, 0.1, &options, &|| false).unwrap();
    (interest, ratings)
}

#[test]
fn people_look_for_their_kind_of_movie() {
    let (interest, _) = found(1);
    let row = |movie: usize| {
        let code = usize::from(interest.codes[movie]);
        &interest.codebook[code * interest.dim..][..interest.dim]
    };
    let mut right = 0;
    for user in 0..150 {
        let x = &interest.users[user * interest.dim..][..interest.dim];
        let mean = |kind: usize| -> f32 {
            let of = |movie: usize| -> f32 { row(movie).iter().zip(x).map(|(a, b)| a * b).sum() };
            (kind * 20..kind * 20 + 20).map(of).sum()
        };
        let own = mean(user % 3);
        right += usize::from((0..3).all(|kind| kind == user % 3 || mean(kind) < own));
    }
    assert_eq!(right, 150);
}

#[test]
fn what_is_found_does_not_depend_on_the_threads() {
    assert_eq!(found(1).0, found(3).0);
}

#[test]
fn levels_rise_to_255_and_bytes_follow_the_logarithm() {
    let counts = [0, 1, 10, 100, 341];
    assert_eq!(confidence_bytes(&counts)[0], 0);
    assert_eq!(confidence_bytes(&counts)[4], 255);
    let levels = levels(&counts, 0.5);
    assert!(levels.is_sorted() && levels[63] > 250);
    // (1 + 10)^0.5 / (1 + 341)^0.5
    let ten = f32::from(levels[usize::from(confidence_bytes(&counts)[2] >> 2)]) / 256.0;
    assert!((ten - 0.179).abs() < 0.01, "{ten}");
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
    let interest = find(&parameters, &ratings, &few, 0.0, &options, &|| false).unwrap();
    let all = interest
        .users
        .iter()
        .chain(&interest.codebook)
        .chain(&interest.spread);
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
        find(&parameters, &ratings, &split, 0.1, &options, &stop)
    };
    assert!(search(usize::MAX).is_some());
    let whole = asked.load(Ordering::Relaxed);
    assert!(whole > 100, "asked only {whole} times");
    for after in [0, 1, whole / 4, whole / 2, whole - 1] {
        assert!(search(after).is_none(), "{after} of {whole}");
    }
}
