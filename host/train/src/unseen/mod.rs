//! A movie that training has never seen: its bias and row from its genres and its year, and from few ratings.
//!
//! Rows of known movies are regressed on genres and year (ridge regression, each movie counting by how well its own
//! ratings have settled its row). What that leaves unexplained is how far a newcomer may be from what is expected of it:
//! its ratings are then folded in from the movie's side, as a person's are on a device.

#[cfg(test)]
mod tests;

use crate::dense::{PIVOT, cholesky, solve_lower, solve_upper};
use crate::parameters::Parameters;

/// What is known of a movie that nobody has rated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traits {
    /// Its genres.
    pub genres: Vec<String>,
    /// The year it came out.
    pub year: Option<u16>,
}

/// Ratings of which a movie counts half in the regression.
const SETTLED: f64 = 10.0;
/// Movies' worth of evidence that genre and year make no difference.
const RIDGE: f64 = 10.0;
/// Years of a step of the year's feature.
const STEP: f64 = 20.0;

/// What is expected of movies by genre and year, and how far they are from it.
#[derive(Clone, Debug)]
pub struct Unseen {
    /// The genres that are features, ascending.
    genres: Vec<String>,
    /// The mean year of those that have one.
    year: f64,
    /// Numbers of a bias and a row.
    width: usize,
    /// Rows of `width`: what each feature adds.
    adds: Vec<f64>,
    /// Covariance of what is left, `width` by `width`.
    spread: Vec<f64>,
    /// Variance of a rating about its prediction.
    noise: f64,
}

impl Unseen {
    /// Learns from the movies of a model, in the order of its rows: how many ratings each has, and what it is. `noise` is
    /// the variance of a rating about its prediction. Movies times features squared multiply-adds.
    ///
    /// # Errors
    /// A sentence for a model with dense layers or without biases, of whose rows nothing of the kind can be said.
    pub fn learn(
        p: &Parameters,
        counts: &[u32],
        traits: &[Traits],
        noise: f64,
    ) -> Result<Unseen, String> {
        if !p.layers.is_empty() || p.movie_bias.len() != p.movies || p.user_dim != p.movie_dim {
            return Err(
                "a movie can be added to a model of biases and a dot product, and this one has dense layers".into(),
            );
        }
        let mut genres: Vec<String> = traits.iter().flat_map(|t| t.genres.clone()).collect();
        genres.sort();
        genres.dedup();
        let years: Vec<f64> = traits
            .iter()
            .filter_map(|t| t.year)
            .map(f64::from)
            .collect();
        let width = p.movie_dim + 1;
        let mut made = Unseen {
            genres,
            year: years.iter().sum::<f64>() / years.len().max(1) as f64,
            width,
            adds: Vec::new(),
            spread: vec![0.0; width * width],
            noise: noise.max(1e-6),
        };
        let features = made.genres.len() + 2;
        let weight = |row: usize| {
            let count = f64::from(counts.get(row).copied().unwrap_or(0));
            count / (count + SETTLED)
        };
        let all: Vec<Vec<f64>> = traits.iter().map(|traits| made.features(traits)).collect();
        let mut gram = vec![0.0; features * features];
        let mut right = vec![0.0; features * width];
        for (row, x) in all.iter().enumerate().take(p.movies) {
            let (weight, y) = (weight(row), numbers(p, row));
            for (i, &a) in x.iter().enumerate().filter(|(_, a)| **a != 0.0) {
                for (sum, &b) in gram[i * features..].iter_mut().zip(x) {
                    *sum += weight * a * b;
                }
                for (sum, &b) in right[i * width..][..width].iter_mut().zip(&y) {
                    *sum += weight * a * b;
                }
            }
        }
        for i in 0..features {
            // What all have in common isn't held back.
            gram[i * features + i] += if i == 0 { 1e-9 } else { RIDGE };
        }
        cholesky(&mut gram, features, PIVOT);
        let mut adds = vec![0.0; features * width];
        for column in 0..width {
            let mut x: Vec<f64> = (0..features).map(|i| right[i * width + column]).collect();
            solve_lower(&gram, features, &mut x);
            solve_upper(&gram, features, &mut x);
            for (i, x) in x.into_iter().enumerate() {
                adds[i * width + column] = x;
            }
        }
        made.adds = adds;
        let mut total = 0.0;
        for (row, traits) in traits.iter().enumerate().take(p.movies) {
            let weight = weight(row);
            let due = made.expected(traits);
            let left: Vec<f64> = numbers(p, row)
                .iter()
                .zip(&due)
                .map(|(y, due)| y - due)
                .collect();
            for (i, a) in left.iter().enumerate() {
                for (sum, b) in made.spread[i * width..].iter_mut().zip(&left) {
                    *sum += weight * a * b;
                }
            }
            total += weight;
        }
        made.spread
            .iter_mut()
            .for_each(|sum| *sum /= f64::max(total, 1e-9));
        Ok(made)
    }

    /// One, then a one for each genre that it has, then the year's distance from the mean.
    fn features(&self, traits: &Traits) -> Vec<f64> {
        let has = |genre: &String| f64::from(u8::from(traits.genres.contains(genre)));
        let year = traits
            .year
            .map_or(0.0, |year| (f64::from(year) - self.year) / STEP);
        std::iter::once(1.0)
            .chain(self.genres.iter().map(has))
            .chain([year])
            .collect()
    }

    /// The genres that make a difference, for messages.
    pub fn genres(&self) -> &[String] {
        &self.genres
    }

    /// Bias and row of a movie that nobody has rated.
    pub fn expected(&self, traits: &Traits) -> Vec<f64> {
        let mut sum = vec![0.0; self.width];
        for (x, adds) in self
            .features(traits)
            .iter()
            .zip(self.adds.chunks_exact(self.width))
        {
            for (sum, add) in sum.iter_mut().zip(adds) {
                *sum += x * add;
            }
        }
        sum
    }

    /// Bias and row of a movie with these ratings, each of a user's row and in stars: with `x = (1, p_u)`, what is expected
    /// and `(S^-1 + sum x x^T / noise)^-1 sum x (r - prediction) / noise`.
    pub fn row(
        &self,
        p: &Parameters,
        traits: &Traits,
        ratings: &[(usize, f32)],
    ) -> (f32, Vec<f32>) {
        let n = self.width;
        let expected = self.expected(traits);
        let mut spread = self.spread.clone();
        let trace: f64 = (0..n).map(|i| spread[i * n + i]).sum();
        for i in 0..n {
            spread[i * n + i] += 1e-6 * trace + 1e-9;
        }
        cholesky(&mut spread, n, PIVOT);
        // The inverse of the covariance, a column at a time.
        let mut precision = vec![0.0; n * n];
        for column in 0..n {
            let mut x = vec![0.0; n];
            x[column] = 1.0;
            solve_lower(&spread, n, &mut x);
            solve_upper(&spread, n, &mut x);
            for (row, x) in x.into_iter().enumerate() {
                precision[row * n + column] = x;
            }
        }
        let mut right = vec![0.0; n];
        for &(user, stars) in ratings {
            let row = p.user_row(user).iter().map(|&x| f64::from(x));
            let x: Vec<f64> = std::iter::once(1.0).chain(row).collect();
            let base = f64::from(p.mean) + f64::from(p.user_bias[user]);
            let due: f64 = x.iter().zip(&expected).map(|(x, e)| x * e).sum();
            let off = f64::from(stars) - base - due;
            for (i, a) in x.iter().enumerate() {
                right[i] += a * off / self.noise;
                for (sum, b) in precision[i * n..].iter_mut().zip(&x) {
                    *sum += a * b / self.noise;
                }
            }
        }
        cholesky(&mut precision, n, PIVOT);
        solve_lower(&precision, n, &mut right);
        solve_upper(&precision, n, &mut right);
        let found: Vec<f32> = expected
            .iter()
            .zip(&right)
            .map(|(e, x)| (e + x) as f32)
            .collect();
        (found[0], found[1..].to_vec())
    }
}

/// A movie's bias and row.
fn numbers(p: &Parameters, row: usize) -> Vec<f64> {
    let rest = p.movie_row(row).iter().copied();
    std::iter::once(p.movie_bias[row])
        .chain(rest)
        .map(f64::from)
        .collect()
}
