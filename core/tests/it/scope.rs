//! What learns beside the private row, against learning as anybody would write it down and against finite differences.
#![cfg(feature = "learn")]

use crate::plain::{Layer, MOVIES, Plain, held};
use pocketrec::error::ScopeError;
use pocketrec::learn::scope::{Learner, Network, OutputLayer, Row, Scope, ScopeOptions, weights};
use pocketrec::learn::{FoldIn, StepOptions};
use pocketrec::model::Model;
use pocketrec::profile::Rating;
use pocketrec::{MAX_DIM, MAX_UNITS};
use proptest::prelude::*;

const DIM: usize = 4;
const UNITS: [usize; 3] = [6, 3, 1];
const WEIGHTS: usize = weights(DIM, DIM, &UNITS);

/// Steps that move everything.
const OPTIONS: ScopeOptions = ScopeOptions {
    row: StepOptions {
        rate: 0.03,
        l2: 0.05,
    },
    network: StepOptions {
        rate: 0.02,
        l2: 0.1,
    },
    passes: 2,
};

fn log() -> impl Strategy<Value = Vec<Rating>> {
    proptest::collection::vec((1..=MOVIES as u32, 1_u8..=10), 0..25).prop_map(|pairs| {
        let ratings = (0..).zip(pairs);
        ratings
            .map(|(at, (movie, half))| Rating::new(movie, f32::from(half) / 2.0, at).unwrap())
            .collect()
    })
}

/// Somebody whose first `fixed` layers stay as they are.
struct Person {
    now: Plain,
    image: Plain,
    x: Vec<f32>,
    fixed: usize,
}

impl Person {
    fn new(image: &Plain, fixed: usize) -> Self {
        let mean = [vec![image.mean_user_bias], image.mean_user.clone()].concat();
        Self {
            now: image.clone(),
            image: image.clone(),
            x: mean,
            fixed,
        }
    }

    fn step(&mut self, movie: usize, stars: f32, options: &ScopeOptions) {
        let descend = |own: f32, mean: f32, e: f32, g: f32, o: StepOptions| {
            let pull = o.l2 * (own - mean);
            held(own + o.rate * (e * held(g, 8.0) - pull), 64.0)
        };
        let user = self.x[1..].to_vec();
        let units = self.now.units(&user, movie);
        let deltas = self.now.deltas(&units);
        let g = self.now.gradient(&user, movie);
        let e = held(stars - self.now.score(&user, self.x[0], movie), 4.0);
        let rows = [user, self.now.movies[movie].clone()].concat();
        for at in self.fixed..self.now.layers.len() {
            let inputs = if at == 0 { &rows } else { &units[at - 1] };
            let (own, image) = (&mut self.now.layers[at], &self.image.layers[at]);
            for (j, delta) in deltas[at].iter().enumerate() {
                for (i, x) in inputs.iter().enumerate() {
                    let w = &mut own.weights[i][j];
                    *w = descend(*w, image.weights[i][j], e, delta * x, options.network);
                }
                own.bias[j] = descend(own.bias[j], image.bias[j], e, *delta, options.network);
            }
        }
        let mean = [
            vec![self.image.mean_user_bias],
            self.image.mean_user.clone(),
        ]
        .concat();
        for ((x, mean), g) in self.x.iter_mut().zip(mean).zip(g) {
            *x = descend(*x, mean, e, g, options.row);
        }
    }

    fn learn(&mut self, log: &[Rating], options: &ScopeOptions) {
        self.now = self.image.clone();
        self.x = self.image.fold(log);
        for rating in std::iter::repeat_n(log, options.passes as usize).flatten() {
            self.step(rating.movie() as usize - 1, rating.stars(), options);
        }
    }
}

/// Every bit of what a scope has learned, by the scores of all movies and by the row.
fn bits<S: Scope>(learner: &Learner<S>, model: &Model<'_>) -> Vec<u32> {
    let private = learner.private();
    let row = private.row[..DIM].iter().copied();
    let scores = (0..MOVIES as u32).map(|row| learner.score(model, row));
    let all = [private.bias].into_iter().chain(row).chain(scores);
    all.map(f32::to_bits).collect()
}

fn plain_bits(person: &Person) -> Vec<u32> {
    let scores = (0..MOVIES).map(|movie| person.now.score(&person.x[1..], person.x[0], movie));
    let all = person.x.iter().copied().chain(scores);
    all.map(f32::to_bits).collect()
}

/// Learns a log by steps and anew, and compares every bit after each.
fn compare<S: Scope>(fixed: usize, log: &[Rating]) {
    let plain = Plain::new(DIM, &UNITS, 5);
    let image = plain.image();
    let model = Model::open(image.bytes()).unwrap();
    let mut learner = Learner::<S>::new(&model).unwrap();
    let mut person = Person::new(&plain, fixed);
    for rating in log {
        let row = rating.row(&model).unwrap();
        learner.step(&model, row, rating.stars(), &OPTIONS);
        person.step(row as usize, rating.stars(), &OPTIONS);
        assert_eq!(bits(&learner, &model), plain_bits(&person));
    }
    learner.learn(&model, log, &OPTIONS).unwrap();
    person.learn(log, &OPTIONS);
    assert_eq!(bits(&learner, &model), plain_bits(&person));
}

proptest! {
    #[test]
    fn every_scope_learns_to_the_bits_of_a_plain_implementation(log in log()) {
        compare::<Row>(UNITS.len(), &log);
        compare::<OutputLayer>(UNITS.len() - 1, &log);
        compare::<Network<WEIGHTS>>(0, &log);
    }

    #[test]
    fn a_rating_that_has_left_the_log_has_left_the_network(log in log(), gone in 0_usize..25) {
        let image = Plain::new(DIM, &UNITS, 5).image();
        let model = Model::open(image.bytes()).unwrap();
        let mut learner = Learner::<Network<WEIGHTS>>::new(&model).unwrap();
        learner.learn(&model, &log, &OPTIONS).unwrap();
        let mut rest = log.clone();
        if gone < rest.len() {
            rest.remove(gone);
        }
        learner.learn(&model, &rest, &OPTIONS).unwrap();
        let mut fresh = Learner::<Network<WEIGHTS>>::new(&model).unwrap();
        fresh.learn(&model, &rest, &OPTIONS).unwrap();
        prop_assert_eq!(learner, fresh);
    }

    #[test]
    fn for_any_shape_the_row_alone_is_the_fold_in_and_has_the_plain_filters_bits(
        dim in 1_usize..=8,
        hidden in proptest::collection::vec(1_usize..=8, 0..3),
        mlp in any::<bool>(),
        seed in 100_u32..200,
        log in log(),
    ) {
        let units = if mlp { [hidden, vec![1]].concat() } else { Vec::new() };
        let plain = Plain::new(dim, &units, seed);
        let image = plain.image();
        let model = Model::open(image.bytes()).unwrap();
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
        let mut row = Learner::<Row>::new(&model).unwrap();
        row.learn(&model, &log, &ScopeOptions::DEFAULT).unwrap();
        prop_assert_eq!(row.private(), &private);
    }
}

/// The score of a plain network in double precision, its numbers as in the image but for one.
fn precisely(plain: &Plain, layers: &[Layer], movie: usize, change: (usize, usize, f64)) -> f64 {
    let mut input: Vec<f64> = [&plain.mean_user[..], &plain.movies[movie]]
        .concat()
        .into_iter()
        .map(f64::from)
        .collect();
    for (at, layer) in layers.iter().enumerate() {
        let units = layer.bias.len();
        input.push(1.0);
        let rows = layer.weights.iter().chain([&layer.bias]);
        let mut sums = vec![0.0; units];
        for (i, (x, row)) in input.iter().zip(rows).enumerate() {
            for (j, w) in row.iter().enumerate() {
                let moved = (at, i * units + j) == (change.0, change.1);
                sums[j] += x * (f64::from(*w) + if moved { change.2 } else { 0.0 });
            }
        }
        input = sums;
        if layer.relu {
            input.iter_mut().for_each(|x| *x = x.max(0.0));
        }
    }
    input[0]
}

#[test]
fn a_step_goes_along_the_slope_of_the_score_by_every_weight() {
    let plain = Plain::new(DIM, &UNITS, 5);
    let step = 1e-4;
    // An error of 1 and no pull: a number moves by the rate times its slope.
    let options = ScopeOptions {
        network: StepOptions { rate: 1.0, l2: 0.0 },
        row: StepOptions { rate: 0.0, l2: 0.0 },
        passes: 1,
    };
    let (mut checked, mut not_flat) = (0, 0);
    for movie in 0..MOVIES {
        let mut person = Person::new(&plain, 0);
        let score = plain.score(&plain.mean_user, plain.mean_user_bias, movie);
        person.step(movie, score + 1.0, &options);
        for (at, (after, before)) in person.now.layers.iter().zip(&plain.layers).enumerate() {
            let flat = |layer: &Layer| [layer.weights.concat(), layer.bias.clone()].concat();
            for (number, (after, before)) in flat(after).iter().zip(flat(before)).enumerate() {
                let there = precisely(&plain, &plain.layers, movie, (at, number, step));
                let here = precisely(&plain, &plain.layers, movie, (at, number, 0.0));
                let back = precisely(&plain, &plain.layers, movie, (at, number, -step));
                let slope = (there - back) / (2.0 * step);
                // Where the slopes differ a relu bends in between.
                if ((there - here) - (here - back)).abs() < 1e-9 {
                    checked += 1;
                    not_flat += usize::from(slope.abs() > 1e-3);
                    let moved = f64::from(after - before);
                    assert!((moved - slope).abs() < 1e-4, "{moved} {slope}");
                }
            }
        }
    }
    assert!(checked > 2500 && not_flat > 500, "{checked}, {not_flat}");
}

#[test]
fn what_ram_a_scope_takes_is_known_before_flashing() {
    assert_eq!(weights(8, 8, &[32, 4, 1]), 681);
    assert_eq!(WEIGHTS, 8 * 6 + 6 + 6 * 3 + 3 + 3 + 1);
    const { assert!(Row::RAM_BYTES == 0) };
    const { assert!(OutputLayer::RAM_BYTES == 4 * (MAX_UNITS + 1)) };
    const { assert!(Network::<681>::RAM_BYTES == 2724) };
    let row = 4 * (MAX_DIM + 1);
    assert_eq!(Learner::<Row>::RAM_BYTES, row);
    assert_eq!(Learner::<Network<681>>::RAM_BYTES, row + 2724);
}

#[test]
fn a_model_that_a_scope_does_not_fit_is_refused_by_name() {
    fn of<S: Scope>(image: &Plain) -> Option<ScopeError> {
        let image = image.image();
        let model = Model::open(image.bytes()).unwrap();
        Learner::<S>::new(&model).err()
    }
    let without = Plain::new(DIM, &[], 1);
    assert_eq!(of::<Row>(&without), None);
    assert_eq!(of::<OutputLayer>(&without), Some(ScopeError::NoMlp));
    assert_eq!(of::<Network<WEIGHTS>>(&without), Some(ScopeError::NoMlp));
    let flat = Plain::new(DIM, &[1], 1);
    assert_eq!(of::<OutputLayer>(&flat), Some(ScopeError::OneLayer));
    assert_eq!(of::<Network<9>>(&flat), None);
    let (needed, room) = (9, 8);
    let too_small = ScopeError::Room { needed, room };
    assert_eq!(of::<Network<8>>(&flat), Some(too_small));
    let mut large = Plain::new(DIM, &UNITS, 1);
    large.layers[1].bias[0] = 64.5;
    assert_eq!(of::<Network<WEIGHTS>>(&large), Some(ScopeError::Weight));
    assert_eq!(of::<Row>(&large), None);
}

#[test]
fn learning_stays_finite_whatever_the_rates_are() {
    let plain = Plain::new(DIM, &UNITS, 9);
    let image = plain.image();
    let model = Model::open(image.bytes()).unwrap();
    for rate in [1.0, 1e3, 1e30, f32::MAX, -1e30, f32::INFINITY, f32::NAN] {
        let step = StepOptions { rate, l2: rate };
        let options = ScopeOptions {
            row: step,
            network: step,
            passes: 1,
        };
        let mut learner = Learner::<Network<WEIGHTS>>::new(&model).unwrap();
        for movie in 1..=MOVIES as u32 {
            let stars = if movie % 2 == 0 { 5.0 } else { 0.5 };
            learner.step(&model, movie - 1, stars, &options);
            let stars = learner.predict(&model, movie).unwrap();
            assert!((0.5..=5.0).contains(&stars), "{rate}: {stars}");
            assert!(learner.score(&model, movie - 1).is_finite(), "{rate}");
        }
    }
}
