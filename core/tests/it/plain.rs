//! Learning as anybody would write it down, in single precision and in the order that core's docs give: vectors of
//! vectors, whole square matrices, no slices of work. What core does has these bits.

use pocketrec::image::builder::{DenseLayer, OwnedTable, Title, dense_tables, write};
use pocketrec::image::{AlignedBytes, TableKind as K};
use pocketrec::numeric::activation::Activation;
use pocketrec::profile::Rating;

/// Movies of a synthetic model; they have the ids 1, 2, and so on.
pub const MOVIES: usize = 40;

/// Numbers between -1 and 1, the same for the same seed.
pub fn numbers(seed: u32, count: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// A number held between two others.
pub fn held(x: f32, limit: f32) -> f32 {
    if x > limit {
        limit
    } else if x >= -limit {
        x
    } else {
        -limit
    }
}

/// A dense layer: weights by input, then by unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    pub weights: Vec<Vec<f32>>,
    pub bias: Vec<f32>,
    pub relu: bool,
}

/// A synthetic `hybrid` model. Layer 0's inputs are the user's row, then the movie's.
#[derive(Clone, Debug, PartialEq)]
pub struct Plain {
    pub dim: usize,
    pub movies: Vec<Vec<f32>>,
    pub movie_bias: Vec<f32>,
    pub mean_user: Vec<f32>,
    pub mean_user_bias: f32,
    /// Covariance of bias and row.
    pub spread: Vec<Vec<f32>>,
    pub layers: Vec<Layer>,
}

pub const MEAN: f32 = 3.5;

impl Plain {
    /// Rows of `dim` numbers, and an MLP of `units` (the last of which is 1) where there are any.
    pub fn new(dim: usize, units: &[usize], seed: u32) -> Self {
        let rows = |numbers: Vec<f32>, columns: usize| -> Vec<Vec<f32>> {
            numbers.chunks(columns).map(<[f32]>::to_vec).collect()
        };
        let n = dim + 1;
        let b = rows(numbers(seed + 77, n * n), n);
        let product = |i: usize, j: usize| b[i].iter().zip(&b[j]).map(|(x, y)| x * y).sum();
        let mut inputs = 2 * dim;
        let layers = (0..).zip(units).map(|(at, units)| {
            let weights = rows(numbers(seed + 10 + at, inputs * units), *units);
            inputs = *units;
            Layer {
                weights,
                bias: numbers(seed + 20 + at, *units),
                relu: *units > 1,
            }
        });
        Self {
            dim,
            layers: layers.collect(),
            movies: rows(numbers(seed + 1, MOVIES * dim), dim),
            movie_bias: numbers(seed + 2, MOVIES),
            mean_user: numbers(seed + 3, dim),
            mean_user_bias: 0.125,
            spread: (0..n)
                .map(|i| (0..n).map(|j| product(i, j)).collect())
                .collect(),
        }
    }

    /// The image of the model.
    pub fn image(&self) -> AlignedBytes<4096> {
        let triangle: Vec<f32> = (0..=self.dim)
            .flat_map(|i| self.spread[i][..=i].to_vec())
            .collect();
        let parts: u8 = if self.layers.is_empty() { 3 } else { 7 };
        let mut tables = vec![
            OwnedTable::of(K::RatingScale, 1, &[MEAN, 0.5, 5.0, 0.5]),
            OwnedTable::of(K::Parts, 1, &[parts]),
            OwnedTable::of(K::MovieIdRange, 1, &[1_u32, MOVIES as u32]),
            OwnedTable::of(K::MovieEmbedding, MOVIES, &self.movies.concat()),
            OwnedTable::of(K::MovieBias, MOVIES, &self.movie_bias),
            OwnedTable::of(K::MeanUser, 1, &self.mean_user),
            OwnedTable::of(K::MeanUserBias, 1, &[self.mean_user_bias]),
            OwnedTable::of(K::UserSpread, 1, &triangle),
        ];
        let weights: Vec<Vec<f32>> = self.layers.iter().map(|l| l.weights.concat()).collect();
        let layers = weights.iter().zip(&self.layers);
        let layers = layers.map(|(weights, layer)| DenseLayer {
            weights,
            bias: &layer.bias,
            activation: if layer.relu {
                Activation::Relu
            } else {
                Activation::Linear
            },
        });
        let layers: Vec<_> = layers.collect();
        if !layers.is_empty() {
            tables.extend(dense_tables(&layers, self.dim));
        }
        let title = Title {
            name: "random",
            fingerprint: 0,
            license: "none",
        };
        let mut storage = AlignedBytes::new();
        let length = write(title, &tables, storage.bytes_mut()).unwrap();
        storage.truncate(length);
        storage
    }

    /// The values of every layer's units for a user's row and a movie.
    pub fn units(&self, user: &[f32], movie: usize) -> Vec<Vec<f32>> {
        let mut input = [user, &self.movies[movie]].concat();
        let mut all = Vec::new();
        for layer in &self.layers {
            let mut units = layer.bias.clone();
            for (j, unit) in units.iter_mut().enumerate() {
                for (x, weights) in input.iter().zip(&layer.weights) {
                    *unit += weights[j] * x;
                }
                if layer.relu && *unit <= 0.0 {
                    *unit = 0.0;
                }
            }
            all.push(units.clone());
            input = units;
        }
        all
    }

    pub fn score(&self, user: &[f32], bias: f32, movie: usize) -> f32 {
        let mut score = MEAN + bias;
        score += self.movie_bias[movie];
        let mut dot = 0.0;
        for (q, p) in self.movies[movie].iter().zip(user) {
            dot += q * p;
        }
        score += dot;
        if let Some(output) = self.units(user, movie).last() {
            score += output[0];
        }
        score
    }

    /// The score's derivatives by every layer's units before their activation.
    pub fn deltas(&self, units: &[Vec<f32>]) -> Vec<Vec<f32>> {
        let mut deltas = vec![Vec::new(); units.len()];
        let mut behind = vec![1.0];
        for (at, layer) in self.layers.iter().enumerate().rev() {
            for (delta, unit) in behind.iter_mut().zip(&units[at]) {
                if layer.relu && *unit <= 0.0 {
                    *delta = 0.0;
                }
            }
            deltas[at] = behind.clone();
            behind = layer
                .weights
                .iter()
                .map(|weights| sum(weights, &deltas[at]))
                .collect();
        }
        deltas
    }

    /// The score's derivatives by the bias and by the user's row.
    pub fn gradient(&self, user: &[f32], movie: usize) -> Vec<f32> {
        let units = self.units(user, movie);
        let mut by_row = vec![0.0; self.dim];
        if let Some(deltas) = self.deltas(&units).first() {
            for (j, delta) in deltas.iter().enumerate() {
                for (g, weights) in by_row.iter_mut().zip(&self.layers[0].weights) {
                    *g += delta * weights[j];
                }
            }
        }
        for (g, q) in by_row.iter_mut().zip(&self.movies[movie]) {
            *g += q;
        }
        [vec![1.0], by_row].concat()
    }

    /// The Kalman filter over a log, with whole matrices: the bias, then the row.
    pub fn fold(&self, log: &[Rating]) -> Vec<f32> {
        let start = [vec![self.mean_user_bias], self.mean_user.clone()].concat();
        let n = start.len();
        let mut x = vec![0.0; n];
        let at = |x: &[f32]| -> Vec<f32> {
            let sums = start.iter().zip(x).map(|(a, b)| held(a + b, 64.0));
            sums.collect()
        };
        for _ in 0..if self.layers.is_empty() { 1 } else { 2 } {
            let z = x.clone();
            let point = at(&z);
            x = vec![0.0; n];
            let mut p = self.spread.clone();
            for rating in log {
                let movie = rating.movie().0 as usize - 1;
                let g = self.gradient(&point[1..], movie);
                let u: Vec<f32> = p.iter().map(|row| sum(row, &g)).collect();
                let variance = sum(&g, &u);
                let total = 1.0 + if variance > 0.0 { variance } else { 0.0 };
                let gain: Vec<f32> = u.iter().map(|u| u / total).collect();
                for i in 0..n {
                    for j in 0..=i {
                        p[i][j] = held(p[i][j] - gain[i] * u[j], 65536.0);
                        p[j][i] = p[i][j];
                    }
                }
                let score = self.score(&point[1..], point[0], movie);
                let surprise = held(rating.stars() - score, 64.0) + sum(&g, &z);
                let error = surprise - sum(&g, &x);
                for (x, gain) in x.iter_mut().zip(&gain) {
                    *x = held(*x + gain * error, 128.0);
                }
            }
        }
        at(&x)
    }
}

/// a[0] b[0] + a[1] b[1] + …, in order.
pub fn sum(a: &[f32], b: &[f32]) -> f32 {
    let mut sum = 0.0;
    for (x, y) in a.iter().zip(b) {
        sum += x * y;
    }
    sum
}
