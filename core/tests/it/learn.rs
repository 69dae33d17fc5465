//! Learning against plain readings of its formulas: finite differences, the ridge regression, a replay from nothing.
#![cfg(feature = "learn")]

use crate::plain::{MOVIES, Plain, numbers};
use pocketrec::ids::MovieId;
use pocketrec::image::{AlignedBytes, Element, ImageWriter, TableKind as K};
use pocketrec::learn::{FoldIn, MAX_LEARNED, gradient, suggest::Suggest, why::Influence};
use pocketrec::model::Model;
use pocketrec::profile::{LogError, Private, Profile, Rating, UNDO_DEPTH};
use proptest::prelude::*;

const DIM: usize = 4;

/// Covariance of bias and row, in units of the noise: B B' of a random B.
fn covariance() -> Vec<Vec<f64>> {
    let b = numbers(77, (DIM + 1) * (DIM + 1));
    let row = |i: usize| &b[i * (DIM + 1)..(i + 1) * (DIM + 1)];
    let product = |i, j| -> f64 {
        let pairs = row(i).iter().zip(row(j));
        pairs.map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
    };
    (0..=DIM)
        .map(|i| (0..=DIM).map(|j| product(i, j)).collect())
        .collect()
}

/// A model of random numbers, `mf` or, with an MLP of 6 and 3 units, `hybrid`; movies have the ids 1 to 40.
fn image(mlp: bool) -> AlignedBytes<1024> {
    steep_image(mlp, 1.0)
}

/// The same with movies' rows `steep` times as long, and users' as much shorter: scores are the same.
fn steep_image(mlp: bool, steep: f32) -> AlignedBytes<1024> {
    let by = |factor: f32, numbers: Vec<f32>| -> Vec<f32> {
        numbers.into_iter().map(|x| x * factor).collect()
    };
    let mut storage = AlignedBytes::new();
    let f = bytemuck::cast_slice::<f32, u8>;
    let spread: Vec<f32> = (0..=DIM)
        .flat_map(|i| (0..=i).map(move |j| (i, j)))
        .map(|(i, j)| {
            let rows = [i, j].into_iter().filter(|at| *at > 0);
            rows.fold(covariance()[i][j] as f32, |x, _| x / steep)
        })
        .collect();
    let tables = if mlp { 16 } else { 8 };
    let mut w = ImageWriter::new(storage.bytes_mut(), "random", 0, "none", tables).unwrap();
    let float = Element::F32;
    let mut put = |kind, index, element, rows, columns, bytes: &[u8]| {
        w.table(kind, index, element, rows, columns, bytes).unwrap();
    };
    put(K::RatingScale, 0, float, 1, 4, f(&[3.5, 0.5, 5.0, 0.5]));
    put(K::Parts, 0, Element::U8, 1, 1, &[if mlp { 7 } else { 3 }]);
    let ids = bytemuck::bytes_of(&[1_u32, MOVIES as u32]).to_vec();
    put(K::MovieIdRange, 0, Element::U32, 1, 2, &ids);
    put(
        K::MovieEmbedding,
        0,
        float,
        MOVIES,
        DIM,
        f(&by(steep, numbers(1, MOVIES * DIM))),
    );
    put(K::MovieBias, 0, float, MOVIES, 1, f(&numbers(2, MOVIES)));
    let mean = by(1.0 / steep, numbers(3, DIM));
    put(K::MeanUser, 0, float, 1, DIM, f(&mean));
    put(K::MeanUserBias, 0, float, 1, 1, f(&[0.125]));
    put(K::UserSpread, 0, float, 1, spread.len(), f(&spread));
    if mlp {
        put(
            K::DenseUserWeights,
            0,
            float,
            6,
            DIM,
            f(&numbers(4, 6 * DIM)),
        );
        put(
            K::DenseMovieWeights,
            0,
            float,
            6,
            DIM,
            f(&numbers(5, 6 * DIM)),
        );
        put(K::DenseBias, 0, float, 1, 6, f(&numbers(6, 6)));
        put(K::DenseWeights, 1, float, 6, 3, f(&numbers(7, 18)));
        put(K::DenseBias, 1, float, 1, 3, f(&[0.5, 0.5, 0.5]));
        put(K::DenseWeights, 2, float, 3, 1, f(&[0.5, -0.25, 0.25]));
        put(K::DenseBias, 2, float, 1, 1, f(&[0.0625]));
        put(K::Activations, 0, Element::U8, 1, 3, &[1, 1, 0]);
    }
    let length = w.finish().unwrap();
    storage.truncate(length);
    storage
}

fn fold(model: &Model<'_>, log: &[Rating]) -> FoldIn {
    let mut fold = FoldIn::new(model);
    while !fold.advance(model, log, 3).is_done() {}
    fold
}

fn log_of(ratings: &[(u32, f32)]) -> Vec<Rating> {
    (0..)
        .zip(ratings)
        .map(|(sequence, (movie, stars))| Rating::new(MovieId(*movie), *stars, sequence).unwrap())
        .collect()
}

/// Solves a x = b by Gaussian elimination.
fn solve(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
    let n = b.len();
    for i in 0..n {
        let pivot = (i..n)
            .max_by(|x, y| a[*x][i].abs().total_cmp(&a[*y][i].abs()))
            .unwrap();
        a.swap(i, pivot);
        b.swap(i, pivot);
        for j in i + 1..n {
            let factor = a[j][i] / a[i][i];
            let pivot = a[i].clone();
            for (x, p) in a[j].iter_mut().zip(&pivot).skip(i) {
                *x -= factor * p;
            }
            b[j] -= factor * b[i];
        }
    }
    for i in (0..n).rev() {
        for j in i + 1..n {
            b[i] -= a[i][j] * b[j];
        }
        b[i] /= a[i][i];
    }
    b
}

/// The ridge regression in double precision: the x that has the least (x - x0)' P0^-1 (x - x0) + Σ (r - s(x))^2.
/// With K = I + G P0 G': x = x0 + P0 G' K^-1 y.
fn ridge(model: &Model<'_>, log: &[Rating]) -> Vec<f64> {
    let (mean_row, mean_bias) = model.mean_row();
    let start: Vec<f64> = [mean_bias]
        .iter()
        .chain(mean_row)
        .map(|x| f64::from(*x))
        .collect();
    let p0 = covariance();
    let user = model.mean_user();
    let mut g = Vec::new();
    let mut y = Vec::new();
    for rating in log {
        let row = rating.row(model).unwrap();
        let mut q = [0.0; DIM];
        model.movie_table().read(row as usize, &mut q);
        g.push(
            [1.0]
                .iter()
                .chain(&q)
                .map(|x| f64::from(*x))
                .collect::<Vec<_>>(),
        );
        y.push(f64::from(rating.stars()) - f64::from(model.score(&user, row)));
    }
    let along = |g: &[f64]| -> Vec<f64> {
        let row = |p: &Vec<f64>| p.iter().zip(g).map(|(p, g)| p * g).sum();
        p0.iter().map(row).collect()
    };
    let spread: Vec<Vec<f64>> = g.iter().map(|g| along(g)).collect();
    let mut k = vec![vec![0.0; g.len()]; g.len()];
    for i in 0..g.len() {
        for j in 0..g.len() {
            k[i][j] = g[i].iter().zip(&spread[j]).map(|(a, b)| a * b).sum();
        }
        k[i][i] += 1.0;
    }
    let weights = solve(k, y);
    let mut x = start;
    for (weight, spread) in weights.iter().zip(&spread) {
        for (x, s) in x.iter_mut().zip(spread) {
            *x += weight * s;
        }
    }
    x
}

fn arbitrary_log(most: usize) -> impl Strategy<Value = Vec<Rating>> {
    let movies = proptest::sample::subsequence((1..=MOVIES as u32).collect::<Vec<_>>(), 0..most);
    (
        movies.prop_shuffle(),
        proptest::collection::vec(1_u8..=10, most),
    )
        .prop_map(|(movies, stars)| {
            let pairs = movies.into_iter().zip(stars);
            log_of(
                &pairs
                    .map(|(m, s)| (m, f32::from(s) / 2.0))
                    .collect::<Vec<_>>(),
            )
        })
}

/// Single precision against double, after up to 30 updates of numbers around 1.
const RIDGE_TOLERANCE: f64 = 2e-4;

proptest! {
    #[test]
    fn for_mf_a_fold_in_is_the_ridge_regression(log in arbitrary_log(30)) {
        let image = image(false);
        let model = crate::open(image.bytes()).unwrap();
        let private = fold(&model, &log).private();
        let learned = [private.bias].into_iter().chain(private.row);
        for (x, expected) in learned.zip(ridge(&model, &log)) {
            prop_assert!((f64::from(x) - expected).abs() < RIDGE_TOLERANCE, "{x} for {expected}");
        }
    }

    #[test]
    fn the_parts_of_an_explanation_add_up_to_what_the_ratings_moved(log in arbitrary_log(20), movie in 0..MOVIES as u32) {
        let image = image(false);
        let model = crate::open(image.bytes()).unwrap();
        let fold = fold(&model, &log);
        let influence = Influence::on(&model, &fold, movie);
        let moved: f32 = log.iter().map(|rating| influence.of(&model, &fold, *rating)).sum();
        let after = model.score(&fold.private().state(&model), movie);
        let before = model.score(&model.mean_user(), movie);
        prop_assert!((moved - (after - before)).abs() < 1e-3, "{moved} for {}", after - before);
    }

    /// Training decides how the length of a product is shared between users' rows and movies'; with ratings that
    /// have hardly any noise, movies' can get all of it. By a power of two, so that no rounding differs.
    #[test]
    fn however_steep_the_movies_rows_are_a_fold_in_ends_at_the_same_scores(log in arbitrary_log(20)) {
        const STEEP: f32 = 256.0;
        let (image, steep) = (image(false), steep_image(false, STEEP));
        let learned = fold(&crate::open(image.bytes()).unwrap(), &log).private();
        let steeply = fold(&crate::open(steep.bytes()).unwrap(), &log).private();
        prop_assert_eq!(learned.bias, steeply.bias);
        prop_assert_eq!(learned.row, steeply.row.map(|x| x * STEEP));
    }

    #[test]
    fn slices_of_any_size_give_the_same_bits(log in arbitrary_log(20), slices in proptest::collection::vec(1_u32..7, 50)) {
        let image = image(true);
        let model = crate::open(image.bytes()).unwrap();
        let mut sliced = FoldIn::new(&model);
        for slice in slices {
            sliced.advance(&model, &log, slice);
        }
        prop_assert_eq!(sliced.private(), fold(&model, &log).private());
    }
}

#[test]
fn the_gradient_is_the_slope_of_the_score() {
    let image = image(true);
    let model = crate::open(image.bytes()).unwrap();
    let step = 1.0 / 4096.0;
    let mut checked = 0;
    for seed in 0..50 {
        let row = numbers(100 + seed, DIM);
        for movie in 0..MOVIES as u32 {
            let at = model.user_state(&row, 0.25);
            let g = gradient(&model, &at, movie);
            assert_eq!(g.score, model.score(&at, movie));
            assert_eq!(g.by[0], 1.0);
            for i in 0..DIM {
                let mut there = row.clone();
                there[i] += step;
                let mut back = row.clone();
                back[i] -= step;
                let up = model.score(&model.user_state(&there, 0.25), movie) - g.score;
                let down = g.score - model.score(&model.user_state(&back, 0.25), movie);
                // Where the slopes differ a relu bends in between.
                if (up - down).abs() < 1e-5 {
                    checked += 1;
                    assert!(
                        (g.by[i + 1] - up / step).abs() < 0.01,
                        "{} {}",
                        g.by[i + 1],
                        up / step
                    );
                }
            }
            assert!(g.by[DIM + 1..].iter().all(|x| *x == 0.0));
        }
    }
    assert!(checked > 7000, "{checked}");
}

fn log() -> impl Strategy<Value = Vec<Rating>> {
    proptest::collection::vec((1..=MOVIES as u32, 1_u8..=10), 0..25).prop_map(|pairs| {
        let ratings = (0..).zip(pairs);
        ratings
            .map(|(at, (movie, half))| {
                Rating::new(MovieId(movie), f32::from(half) / 2.0, at).unwrap()
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn for_any_shape_a_fold_in_has_the_plain_filters_bits(
        dim in 1_usize..=8,
        hidden in proptest::collection::vec(1_usize..=8, 0..3),
        mlp in any::<bool>(),
        seed in 100_u32..200,
        log in log(),
    ) {
        let units = if mlp { [hidden, vec![1]].concat() } else { Vec::new() };
        let plain = Plain::new(dim, &units, seed);
        let image = plain.image();
        let model = crate::open(image.bytes()).unwrap();
        let mut fold = FoldIn::new(&model);
        while !fold.advance(&model, &log, 3).is_done() {}
        let private = fold.private();
        let learned: Vec<u32> = [private.bias]
            .iter()
            .chain(&private.row[..dim])
            .map(|x| x.to_bits())
            .collect();
        let expected: Vec<u32> = plain.fold(&log).iter().map(|x| x.to_bits()).collect();
        prop_assert_eq!(learned, expected);
    }
}

#[test]
fn a_fold_in_stays_finite_on_the_wildest_legal_numbers() {
    // The spread is legal but no covariance: correlations above 1, variances up to the limit.
    let mut storage = image(true);
    let wild = [
        65536.0_f32,
        -65536.0,
        0.0,
        65536.0,
        65536.0,
        1.0,
        -1.0,
        1.0,
        -65536.0,
        0.0,
    ];
    let bytes = storage.bytes_mut();
    let spread = covariance()[0][0] as f32;
    let at = bytes
        .windows(4)
        .position(|w| w == spread.to_le_bytes())
        .unwrap();
    bytes[at..at + 40].copy_from_slice(bytemuck::cast_slice(&wild));
    storage.reseal();
    let model = crate::open(storage.bytes()).unwrap();
    let log: Vec<_> = (1..=MOVIES as u32)
        .map(|m| (m, if m % 2 == 0 { 5.0 } else { 0.5 }))
        .collect();
    let log = log_of(&log);
    for length in 0..=log.len() {
        let private = fold(&model, &log[..length]).private();
        let all = private.row.iter().chain([&private.bias]);
        assert!(all.into_iter().all(|x| x.abs() <= 64.0), "{private:?}");
    }
}

#[test]
fn a_spread_that_does_not_fit_is_refused_by_name() {
    use pocketrec::image::ImageError;
    let sound = image(false);
    let spread = covariance()[0][0] as f32;
    let at = sound
        .bytes()
        .windows(4)
        .position(|w| w == spread.to_le_bytes())
        .unwrap();
    for (value, error) in [
        (-1.0, ImageError::Value(K::UserSpread)),
        (70_000.0, ImageError::Value(K::UserSpread)),
        (f32::NAN, ImageError::NotFinite(K::UserSpread)),
        (f32::INFINITY, ImageError::NotFinite(K::UserSpread)),
        (1.0e-40, ImageError::Subnormal(K::UserSpread)),
    ] {
        let mut broken = sound.clone();
        broken.bytes_mut()[at..at + 4].copy_from_slice(&f32::to_le_bytes(value));
        broken.reseal();
        assert_eq!(crate::open(broken.bytes()).unwrap_err(), error);
    }
}

#[test]
fn suggestions_teach_more_than_what_they_leave_out() {
    let image = image(true);
    let model = crate::open(image.bytes()).unwrap();
    let log = log_of(&[(3, 4.0), (17, 1.5)]);
    let fold = fold(&model, &log);
    let mut search = Suggest::<5>::with_limit(5);
    let unseen = |movie| log.iter().all(|rating| rating.movie() != movie);
    while !search.advance(&model, &fold, unseen, 7).is_done() {}
    let variance = |movie: u32| {
        let state = fold.private().state(&model);
        fold.belief()
            .variance(&gradient(&model, &state, movie - 1).by)
    };
    let hits = search.hits();
    assert_eq!(hits.len(), 5);
    assert!(hits.iter().all(|hit| unseen(hit.movie)));
    assert!(hits.is_sorted_by(|a, b| a.score >= b.score));
    let least = hits
        .iter()
        .map(|hit| variance(hit.movie.0))
        .min_by(f32::total_cmp)
        .unwrap();
    let others = (1..=MOVIES as u32).filter(|movie| {
        unseen(MovieId(*movie)) && hits.iter().all(|hit| hit.movie != MovieId(*movie))
    });
    // The gradients of the search are taken where the last pass began, a little off the row itself.
    assert!(others.map(variance).all(|v| v <= least * 1.5), "{least}");
}

#[test]
fn a_belief_narrows_with_every_rating() {
    let image = image(false);
    let model = crate::open(image.bytes()).unwrap();
    let log = log_of(&(1..=20).map(|movie| (movie, 3.0)).collect::<Vec<_>>());
    let mut g = [0.0; MAX_LEARNED];
    g[..3].copy_from_slice(&[1.0, -0.5, 0.25]);
    let mut last = f32::MAX;
    for length in 0..=log.len() {
        let variance = fold(&model, &log[..length]).belief().variance(&g);
        assert!(
            variance < last && variance > 0.0,
            "{length}: {variance}, {last}"
        );
        last = variance;
    }
}

#[derive(Clone, Copy, Debug)]
enum Action {
    Rate(u32, u8),
    Undo,
    Forget(u32),
}

fn actions(count: usize) -> impl Strategy<Value = Vec<Action>> {
    let movie = 1_u32..=12;
    let action = prop_oneof![
        4 => (movie.clone(), 1_u8..=10).prop_map(|(movie, half)| Action::Rate(movie, half)),
        2 => Just(Action::Undo),
        1 => movie.prop_map(Action::Forget),
    ];
    proptest::collection::vec(action, 0..count)
}

/// A person's ratings as anybody would write them down: live ones with the time they were given at, and what each
/// rating replaced.
#[derive(Clone, Default)]
struct PlainLog {
    live: std::collections::BTreeMap<u32, (u32, f32)>,
    replaced: Vec<(u32, Option<(u32, f32)>)>,
    clock: u32,
}

impl PlainLog {
    fn act(&mut self, action: Action, capacity: usize) -> Result<(), LogError> {
        match action {
            Action::Rate(movie, half) => {
                if self.live.len() == capacity && !self.live.contains_key(&movie) {
                    return Err(LogError::Full);
                }
                self.clock += 1;
                let before = self.live.insert(movie, (self.clock, f32::from(half) / 2.0));
                self.replaced.push((movie, before));
                let surplus = self.replaced.len().saturating_sub(UNDO_DEPTH);
                self.replaced.drain(..surplus);
            }
            Action::Undo => {
                let (movie, before) = self.replaced.pop().ok_or(LogError::NothingToUndo)?;
                self.live.remove(&movie);
                if let Some(before) = before {
                    self.live.insert(movie, before);
                }
            }
            Action::Forget(movie) => {
                let known = self.live.remove(&movie).is_some();
                let before = self.replaced.len();
                self.replaced.retain(|(replaced, _)| *replaced != movie);
                if !known && self.replaced.len() == before {
                    return Err(LogError::NotRated(MovieId(movie)));
                }
            }
        }
        Ok(())
    }

    /// The live ratings in the order in which they were given, rated by somebody new.
    fn row<const LOG: usize>(&self, model: &Model<'_>) -> Private {
        let mut live: Vec<_> = self
            .live
            .iter()
            .map(|(movie, (at, stars))| (*at, *movie, *stars))
            .collect();
        live.sort_by_key(|(at, ..)| *at);
        let mut fresh = Profile::<LOG>::new(Some(model));
        for (sequence, (_, movie, stars)) in (0..).zip(live) {
            let rating = Rating::new(MovieId(movie), stars, sequence).unwrap();
            fresh.log_mut().rate(rating).unwrap();
        }
        fresh.learn(model);
        *fresh.private()
    }
}

proptest! {
    #[test]
    fn after_any_session_the_row_is_bit_for_bit_that_of_somebody_with_the_live_ratings_only(session in actions(60)) {
        const LOG: usize = 8;
        let image = image(true);
        let model = crate::open(image.bytes()).unwrap();
        let mut profile = Profile::<LOG>::new(Some(&model));
        let mut plain = PlainLog::default();
        for action in session {
            let before = profile.log().clone();
            let log = profile.log_mut();
            let done = match action {
                Action::Rate(movie, half) => {
                    let rating = Rating::new(MovieId(movie), f32::from(half) / 2.0, log.next_sequence()).unwrap();
                    log.rate(rating)
                }
                Action::Undo => log.undo().map(|_| ()),
                Action::Forget(movie) => log.forget(MovieId(movie)),
            };
            prop_assert_eq!(done, plain.act(action, LOG));
            if done.is_err() {
                prop_assert_eq!(&before, profile.log());
            }
            profile.learn(&model);
            let bits = |private: &Private| {
                private.row.iter().chain([&private.bias]).map(|x| x.to_bits()).collect::<Vec<_>>()
            };
            prop_assert_eq!(bits(profile.private()), bits(&plain.row::<LOG>(&model)));
        }
    }
}
