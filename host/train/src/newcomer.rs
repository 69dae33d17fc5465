//! Where somebody of whom nothing is known starts: near the one bias and row that predict everybody's ratings best.
//!
//! The mean of the users' rows is not that: where heavy users are unlike light ones it may predict worse than each movie's
//! mean does. A regression of the training ratings on the movies' rows never falls far behind those, by weighted least
//! squares:
//!
//! ```text
//! min over b, p of  sum over ratings of n_u^-1/2 (r - mean - b_m - b - <p, q_m>)^2  +  pull (b^2 + |p|^2)
//! ```
//!
//! where n_u is how many ratings the user has. The weights lie between everybody counting once (a light user's few ratings
//! are mostly noise) and every rating counting once (the heaviest users would decide). But the movies' rows are made for
//! the very ratings that the regression is of, so it fits them better than those of somebody new. A newcomer is most of the
//! way from the mean user to it.

use super::dense::{PIVOT, cholesky, solve_lower, solve_upper};
use super::parameters::Parameters;
use pocketrec_base::random::Sequence;
use pocketrec_data::Ratings;

/// Ratings that are looked at, at most: nine numbers follow from far fewer.
const RATINGS: usize = 1_000_000;
/// What holds the row where ratings say nothing, in ratings of weight 1.
const PULL: f64 = 1.0;

/// How far from the mean user to the regression a newcomer is.
const SHARE: f64 = 0.75;

/// The bias, then the row, of a newcomer to `parameters`, by the ratings with the numbers `rows` (ascending). `None` for a
/// model with dense layers, whose scores aren't linear, or without biases, and where there are no ratings.
///
/// Costs dim^2 / 2 multiply-adds a rating, of at most a million.
pub fn newcomer(parameters: &Parameters, ratings: &Ratings, rows: &[u32]) -> Option<Vec<f32>> {
    let best = regression(parameters, ratings, rows)?;
    let p = parameters;
    let users = p.users.max(1) as f64;
    let mut mean = vec![0.0; p.user_dim + 1];
    for user in 0..p.users {
        let numbers = std::iter::once(&p.user_bias[user]).chain(p.user_row(user));
        for (sum, x) in mean.iter_mut().zip(numbers) {
            *sum += f64::from(*x) / users;
        }
    }
    let found = mean
        .iter()
        .zip(best)
        .map(|(mean, best)| mean + SHARE * (best - mean));
    let found: Vec<f32> = found.map(|x| x as f32).collect();
    found.iter().all(|x| x.is_finite()).then_some(found)
}

/// The regression.
fn regression(parameters: &Parameters, ratings: &Ratings, rows: &[u32]) -> Option<Vec<f64>> {
    let p = parameters;
    let linear = p.layers.is_empty() && p.model.has_dot() && p.model.has_biases();
    if !linear || rows.is_empty() {
        return None;
    }
    let mut counts = vec![0u32; p.users];
    for &row in rows {
        counts[ratings.users[row as usize] as usize] += 1;
    }
    let n = p.user_dim + 1;
    let (mut left, mut right) = (vec![0.0f64; n * n], vec![0.0f64; n]);
    let mut g = vec![1.0f64; n];
    for row in sample(rows) {
        let row = row as usize;
        let (user, movie) = (ratings.users[row] as usize, ratings.movies[row] as usize);
        let weight = 1.0 / f64::from(counts[user].max(1)).sqrt();
        for (g, q) in g[1..].iter_mut().zip(p.movie_row(movie)) {
            *g = f64::from(*q);
        }
        let known = p.mean + p.movie_bias[movie];
        let rest = f64::from(ratings.stars[row]) - f64::from(known);
        for i in 0..n {
            let own = weight * g[i];
            right[i] += own * rest;
            for (entry, other) in left[i * n..][..=i].iter_mut().zip(&g) {
                *entry += own * other;
            }
        }
    }
    (0..n).for_each(|i| left[i * n + i] += PULL);
    cholesky(&mut left, n, PIVOT);
    solve_lower(&left, n, &mut right);
    solve_upper(&left, n, &mut right);
    Some(right)
}

/// At most [`RATINGS`] of `rows`, one drawn from each of so many stretches of equal length.
fn sample(rows: &[u32]) -> Vec<u32> {
    let count = rows.len().min(RATINGS);
    let mut random = Sequence::new(0x006e_6577); // "new"
    let start = |stretch: usize| (stretch as u128 * rows.len() as u128 / count as u128) as usize;
    (0..count)
        .map(|stretch| {
            let (from, to) = (start(stretch), start(stretch + 1));
            rows[from + random.below(to - from)]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{ModelKind, Options};

    /// Forty light users and a heavy one, of other tastes than the model's users have on average.
    fn made() -> (Parameters, Ratings, Vec<u32>) {
        let (users, movies) = (41u32, 60u32);
        let options = Options {
            user_dim: 3,
            movie_dim: 3,
            scale: (0.5, 5.0),
            ..crate::recipe::options(ModelKind::Hybrid)
        };
        let mut p = Parameters::initial(&options, users as usize, movies as usize, 3.0);
        p.layers.clear();
        p.movie_embedding.iter_mut().for_each(|x| *x *= 20.0);
        let mut ratings = Ratings {
            user_ids: (1..=users).collect(),
            movie_ids: (1..=movies).collect(),
            ..Ratings::default()
        };
        let mut random = Sequence::new(1);
        for user in 0..users {
            let (count, taste) = if user == 0 { (60, -1.0) } else { (6, 0.7) };
            for step in 0..count {
                let movie = (user * 11 + step * 7) % movies;
                let row = p.movie_row(movie as usize);
                let noise = random.unit() as f32 - 0.5;
                ratings.users.push(user);
                ratings.movies.push(movie);
                ratings
                    .stars
                    .push(3.2 + taste * row[0] - 0.4 * row[2] + noise);
                ratings.times.push(0);
            }
        }
        let rows = (0..ratings.len() as u32)
            .filter(|row| row % 5 != 0)
            .collect();
        (p, ratings, rows)
    }

    /// What the regression makes least, the slow way.
    fn loss(p: &Parameters, ratings: &Ratings, rows: &[u32], of: &[f64]) -> f64 {
        let errors = rows.iter().map(|&row| {
            let (user, movie) = (ratings.users[row as usize], ratings.movies[row as usize]);
            let others = rows.iter();
            let count = others.filter(|other| ratings.users[**other as usize] == user);
            let products = p.movie_row(movie as usize).iter().zip(&of[1..]);
            let score = f64::from(p.mean + p.movie_bias[movie as usize])
                + of[0]
                + products.map(|(q, p)| f64::from(*q) * p).sum::<f64>();
            let error = f64::from(ratings.stars[row as usize]) - score;
            error * error / (count.count() as f64).sqrt()
        });
        errors.sum::<f64>() + of.iter().map(|x| PULL * x * x).sum::<f64>()
    }

    #[test]
    fn no_other_bias_or_row_predicts_everybodys_ratings_better() {
        let (p, ratings, rows) = made();
        let found = regression(&p, &ratings, &rows).unwrap();
        assert_eq!(found.len(), 4);
        let least = loss(&p, &ratings, &rows, &found);
        for place in 0..found.len() {
            for by in [-0.02, 0.02] {
                let mut other = found.clone();
                other[place] += by;
                assert!(loss(&p, &ratings, &rows, &other) > least, "{place} {by}");
            }
        }
        // The many light users have it, and the heavy one is heard.
        assert!((0.2..0.7).contains(&found[1]), "{found:?}");
        // The users of this model are near nothing, and somebody new is not.
        let new = newcomer(&p, &ratings, &rows).unwrap();
        assert!((0.15..0.55).contains(&new[1]), "{new:?}");
    }

    #[test]
    fn models_whose_scores_are_not_linear_have_no_newcomer() {
        let (p, ratings, rows) = made();
        for model in [ModelKind::Mlp, ModelKind::Hybrid] {
            let options = Options {
                model,
                ..Options::default()
            };
            let deep = Parameters::initial(&options, p.users, p.movies, 3.0);
            assert_eq!(newcomer(&deep, &ratings, &rows), None);
        }
        assert_eq!(newcomer(&p, &ratings, &[]), None);
    }

    #[test]
    fn of_many_ratings_one_of_each_stretch_is_looked_at() {
        let rows: Vec<u32> = (0..3 * RATINGS as u32).collect();
        let some = sample(&rows);
        assert!(some.is_sorted_by(|a, b| a < b));
        assert!(
            some.iter()
                .zip(0..)
                .all(|(row, stretch)| row / 3 == stretch)
        );
        assert_eq!(sample(&rows[..100]), rows[..100]);
    }
}
