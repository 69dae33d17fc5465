//! B: the prediction that a person's bias alone gives, in closed form.
//!
//! ```text
//! b_m = Σ (r - mean - b_u) / (n_m + s),   b_u = Σ (r - mean - b_m) / (n_u + s)     in turn, over training
//! prediction = mean + c + b_m + Σ_k (r - mean - c - b_m) / (k + t)
//! ```
//!
//! with c the mean b_u. The shrinkages s and t aren't chosen here: all are measured, and whoever compares takes the
//! pair that is best on the very ratings it is compared on.

use std::collections::HashMap;

use super::outcome::AFTER;
use super::people::Person;
use pocketrec_data::Ratings;
use pocketrec_metrics::Errors;

/// Shrinkages of a movie's bias.
const MOVIE: [f64; 4] = [1.0, 2.0, 4.0, 8.0];
/// Shrinkages of the person's bias.
const PERSON: [f64; 9] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 11.0, 16.0];
/// Turns in which biases settle.
const TURNS: usize = 15;

/// Movies' biases for one shrinkage.
pub struct Biases {
    base: f64,
    movies: HashMap<u32, f64>,
}

/// Every pair of shrinkages, in the order of [`errors`].
pub fn shrinkages() -> Vec<(f64, f64)> {
    let pairs = MOVIE
        .iter()
        .flat_map(|s| PERSON.iter().map(move |t| (*s, *t)));
    pairs.collect()
}

/// Movies' biases by the training ratings, for every shrinkage of theirs.
pub fn fit(ratings: &Ratings) -> Vec<Biases> {
    let mean =
        ratings.stars.iter().map(|s| f64::from(*s)).sum::<f64>() / ratings.len().max(1) as f64;
    MOVIE
        .iter()
        .map(|s| {
            let mut user = vec![0.0; ratings.user_count()];
            let mut movie = vec![0.0; ratings.movie_count()];
            for _ in 0..TURNS {
                settle(
                    &mut movie,
                    &ratings.movies,
                    &user,
                    &ratings.users,
                    &ratings.stars,
                    mean,
                    *s,
                );
                settle(
                    &mut user,
                    &ratings.users,
                    &movie,
                    &ratings.movies,
                    &ratings.stars,
                    mean,
                    *s,
                );
            }
            Biases {
                base: mean + user.iter().sum::<f64>() / user.len().max(1) as f64,
                movies: ratings.movie_ids.iter().copied().zip(movie).collect(),
            }
        })
        .collect()
}

fn settle(
    own: &mut [f64],
    own_rows: &[u32],
    other: &[f64],
    other_rows: &[u32],
    stars: &[f32],
    mean: f64,
    shrinkage: f64,
) {
    let mut sums = vec![(0.0, shrinkage); own.len()];
    for ((row, other_row), stars) in own_rows.iter().zip(other_rows).zip(stars) {
        let (sum, count) = &mut sums[*row as usize];
        *sum += f64::from(*stars) - mean - other[*other_row as usize];
        *count += 1.0;
    }
    for (bias, (sum, count)) in own.iter_mut().zip(sums) {
        *bias = sum / count;
    }
}

/// A person's errors for every pair of shrinkages, after each of [`AFTER`].
pub fn errors(biases: &[Biases], person: &Person, scale: (f32, f32)) -> Vec<[Errors; AFTER.len()]> {
    let mut all = Vec::new();
    for biases in biases {
        let start =
            |movie: u32| biases.base + biases.movies.get(&movie).copied().unwrap_or_default();
        for t in PERSON {
            all.push(AFTER.map(|k| {
                let left = person.given[..k]
                    .iter()
                    .map(|r| f64::from(r.stars) - start(r.movie));
                let bias = left.sum::<f64>() / (k as f64 + t);
                let mut errors = Errors::default();
                for rating in &person.rest {
                    let predicted =
                        (start(rating.movie) + bias).clamp(scale.0.into(), scale.1.into());
                    errors.add(predicted as f32, rating.stars);
                }
                errors
            }));
        }
    }
    all
}
