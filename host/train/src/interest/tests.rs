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

/// Of two movies that the same people rated the sum is wanted and the difference is not, though its eigenvalue is as far
/// below 0 as few are above.
#[test]
fn directions_are_the_largest_eigenvectors_and_not_the_lowest() {
    use crate::dense::svd;
    use pocketrec::model::kin::NUMBERS;
    use settings::{KIN_DAMPING, KIN_FADE, KIN_OWN, KIN_SHARE};
    // As many pairs as there are directions, rated by 8 to 47 people; 36 more by two; and people who rate two pairs.
    let (pairs, movies) = (100, 200);
    let mut people = Vec::new();
    for pair in 0..pairs as u32 {
        let times = if pair < NUMBERS as u32 {
            8 + pair * 5 % 40
        } else {
            2
        };
        people.extend((0..times).map(|_| vec![2 * pair, 2 * pair + 1]));
        let other = pair * 7 % pairs as u32;
        people.push(vec![2 * pair + 1, 2 * other, 2 * pair, 2 * other + 1]);
    }
    let mut counts = vec![0; movies];
    let rated = people.iter().flatten();
    rated.for_each(|movie| counts[*movie as usize] += 1);
    let options = Options::default();
    let found = kin::directions(&people, &counts, &options, &|| false).unwrap();

    // K, number by number, and all of its eigenvectors.
    let mut whole = vec![0.0f64; movies * movies];
    for rated in &people {
        let share = f64::from(KIN_SHARE) / (rated.len() as f64).sqrt();
        for (i, a) in rated.iter().enumerate() {
            for (j, b) in rated.iter().enumerate() {
                let own = f64::from(KIN_OWN) * f64::from(u8::from(i == j));
                let near = f64::from(KIN_FADE).powi(i.abs_diff(j) as i32);
                whole[*a as usize * movies + *b as usize] += near + share - own * (1.0 + share);
            }
        }
    }
    let shift = 1_000.0;
    (0..movies).for_each(|at| whole[at * movies + at] += shift);
    let all = svd(whole, movies);
    let values: Vec<f64> = all.values.iter().map(|value| value - shift).collect();
    let (least, lowest) = (values[NUMBERS - 1], values[movies - 1]);
    assert!(-lowest > least, "{lowest} is nearer to 0 than {least}");
    let direction = |movie: usize| -> Vec<f64> {
        let number = |at: usize| {
            let kept = values[at] / (values[at] + KIN_DAMPING * least);
            all.left[at * movies + movie] * kept.sqrt()
        };
        let numbers: Vec<f64> = (0..NUMBERS).map(number).collect();
        let length = numbers.iter().map(|x| x * x).sum::<f64>().sqrt();
        numbers.iter().map(|x| x / length).collect()
    };
    // How much alike any two movies are is the same however directions are turned.
    let right: Vec<Vec<f64>> = (0..2 * NUMBERS).map(direction).collect();
    for a in 0..2 * NUMBERS {
        for b in 0..2 * NUMBERS {
            let found: f32 = found[a].iter().zip(&found[b]).map(|(x, y)| x * y).sum();
            let right: f64 = right[a].iter().zip(&right[b]).map(|(x, y)| x * y).sum();
            let error = (f64::from(found) - right).abs();
            assert!(error < 0.01, "{a} and {b}: {found} for {right}");
        }
    }
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
fn what_was_rated_a_star_below_what_somebody_gives_is_not_looked_for() {
    let (mut ratings, split) = ratings();
    // The second and the last, which is held back, of each third person's.
    for row in (0..ratings.stars.len()).filter(|row| matches!(row % 39, 1 | 12)) {
        ratings.stars[row] = 2.0;
    }
    let options = Options {
        model: ModelKind::Mf,
        ..Options::default()
    };
    let mut parameters = Parameters::initial(&options, 150, 60, 3.5);
    // A person who gives half a star less looks for what they gave two stars.
    parameters.user_bias[3] = -0.5;
    let all = (&split, &split.in_order(&ratings));
    let interest = find(&parameters, &ratings, all, &options, &|| false).unwrap();
    for user in 0..150 {
        let own = (user * 13..user * 13 + 13).rev();
        let liked = own.filter(|row| user == 3 || ratings.stars[*row] > 2.0);
        let due: Vec<u32> = liked.map(|row| ratings.movies[row]).collect();
        let latest = &interest.latest[user * LATEST..][..LATEST];
        assert_eq!(latest[..due.len()], due);
        assert!(latest[due.len()..].iter().all(|row| *row == u32::MAX));
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
