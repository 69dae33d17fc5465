//! Predictions for a moment that is known: what somebody's ratings around it leave over.
//!
//! People rate higher or lower for a while, and what they rate after one another is alike. Whoever knows when a rating was
//! given knows that of it, from the ratings before and after; a device that is asked doesn't, as what it is asked for has no
//! ratings around it yet. So this measures what dates tell, beside libraries that use them, and is no part of a model.
//!
//! With e_i = r_i - score_i of a user's known ratings, and d_i how many of them lie between rating i and the moment t,
//!
//! ```text
//! prediction(t) = score + sum of w_i e_i / (pull + sum of w_i),    w_i = fade^d_i, times `far` half a day and more from t
//! ```
//!
//! Fade, far and pull are chosen on ratings that are held back from the training ratings.

use pocketrec_base::threads;
use pocketrec_data::{Ratings, Split};
use pocketrec_metrics::Errors;
use pocketrec_train::Parameters;
use pocketrec_train::parameters::clamp;

/// What is tried for each.
const FADES: [f64; 5] = [0.5, 0.7, 0.8, 0.9, 0.95];
const FARS: [f64; 4] = [0.0, 0.3, 0.6, 1.0];
const PULLS: [f64; 6] = [1.0, 2.0, 4.0, 8.0, 16.0, 64.0];
/// Seconds that make a rating far.
const FAR: u32 = 43_200;
/// Ratings on either side of a moment that are looked at, at most.
const REACH: usize = 60;

/// Errors on the ratings `asked`, whose times are known, of a model that `split`'s training ratings made; `split`'s validation
/// ratings choose how much those around a moment count, and then are known too.
///
/// Costs a prediction a rating, and some hundred multiply-adds for each that is asked for.
pub fn errors(parameters: &Parameters, ratings: &Ratings, split: &Split, asked: &[u32]) -> Errors {
    let known = Known::new(parameters, ratings, split.train.iter().copied());
    let tried = threads::in_parts(split.validation.len(), |part| {
        let mut squares = [0.0; TRIALS];
        for &row in &split.validation[part] {
            let around = FADES.map(|fade| known.around(row, fade));
            for (trial, sum) in squares.iter_mut().enumerate() {
                let (fade, far, pull) = trial_of(trial);
                let predicted = known.predict(row, around[fade].moved(far, pull));
                *sum += (predicted - f64::from(ratings.stars[row as usize])).powi(2);
            }
        }
        squares
    });
    let squares = |trial: usize| tried.iter().map(|part| part[trial]).sum::<f64>();
    let best = (0..TRIALS).min_by(|a, b| squares(*a).total_cmp(&squares(*b)));
    let (fade, far, pull) = trial_of(best.unwrap_or_default());
    let all = split.train.iter().chain(&split.validation).copied();
    let known = Known::new(parameters, ratings, all);
    let predicted = threads::in_parts(asked.len(), |part| {
        let rows = asked[part].iter();
        rows.map(|row| {
            let moved = known.around(*row, FADES[fade]).moved(far, pull);
            (
                known.predict(*row, moved) as f32,
                ratings.stars[*row as usize],
            )
        })
        .collect::<Vec<_>>()
    });
    predicted.into_iter().flatten().collect()
}

const TRIALS: usize = FADES.len() * FARS.len() * PULLS.len();

/// Which fade, and far and pull.
fn trial_of(number: usize) -> (usize, f64, f64) {
    let (fade, rest) = (number % FADES.len(), number / FADES.len());
    (fade, FARS[rest % FARS.len()], PULLS[rest / FARS.len()])
}

/// What is known of everybody's ratings: when they were given and what they leave over, by time.
struct Known<'a> {
    parameters: &'a Parameters,
    ratings: &'a Ratings,
    users: Vec<Vec<(u32, f64)>>,
}

/// Weighted errors and weights of the ratings around a moment: near ones, and far ones.
#[derive(Clone, Copy, Default)]
struct Around([(f64, f64); 2]);

impl Around {
    fn moved(self, far: f64, pull: f64) -> f64 {
        let [(near, weight), (far_errors, far_weight)] = self.0;
        (near + far * far_errors) / (pull + weight + far * far_weight)
    }
}

impl<'a> Known<'a> {
    fn new(
        parameters: &'a Parameters,
        ratings: &'a Ratings,
        rows: impl Iterator<Item = u32> + Clone,
    ) -> Self {
        let mut known = Self {
            parameters,
            ratings,
            users: Vec::new(),
        };
        let by_time = ratings.in_order(rows);
        known.users = threads::in_parts(by_time.users(), |part| {
            part.map(|user| by_time.of(user).iter())
                .map(|rows| rows.map(|row| known.left_over(*row)).collect())
                .collect::<Vec<_>>()
        })
        .concat();
        known
    }

    fn score(&self, row: u32) -> f64 {
        let (user, movie) = (
            self.ratings.users[row as usize],
            self.ratings.movies[row as usize],
        );
        f64::from(self.parameters.raw(user as usize, movie as usize))
    }

    fn left_over(&self, row: u32) -> (u32, f64) {
        let stars = f64::from(self.ratings.stars[row as usize]);
        (self.ratings.times[row as usize], stars - self.score(row))
    }

    fn predict(&self, row: u32, moved: f64) -> f64 {
        f64::from(clamp(
            (self.score(row) + moved) as f32,
            self.parameters.scale,
        ))
    }

    /// What the ratings around that one leave over, which isn't among them.
    fn around(&self, row: u32, fade: f64) -> Around {
        let at = self.ratings.times[row as usize];
        let ratings = &self.users[self.ratings.users[row as usize] as usize];
        let before = ratings.partition_point(|(time, _)| *time < at);
        let after = ratings.partition_point(|(time, _)| *time <= at);
        let mut around = Around::default();
        let mut add = |(time, error): (u32, f64), weight: f64| {
            let sums = &mut around.0[usize::from(time.abs_diff(at) >= FAR)];
            *sums = (sums.0 + weight * error, sums.1 + weight);
        };
        ratings[before..after].iter().for_each(|one| add(*one, 1.0));
        let earlier = ratings[..before].iter().rev();
        let sides = [
            earlier.take(REACH).collect(),
            ratings[after..].iter().take(REACH).collect(),
        ];
        for side in sides {
            let side: Vec<&(u32, f64)> = side;
            let mut weight = 1.0;
            for one in side {
                add(*one, weight);
                weight *= fade;
            }
        }
        around
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pocketrec_train::{ModelKind, Options};

    /// Forty people who rate six movies on each of ten days, in a mood of `mood` stars that lasts a day; the model knows
    /// nothing of it.
    fn errors_in(mood: f32) -> (f64, f64) {
        let movies = 60u32;
        let mut ratings = Ratings {
            user_ids: (0..40).collect(),
            movie_ids: (0..movies).collect(),
            ..Ratings::default()
        };
        for user in 0..40u32 {
            for movie in 0..movies {
                let day = movie / 6;
                let sign = [-1.0, 1.0][((user * 7 + day * 13) % 5 % 2) as usize];
                // Noise that no mood makes.
                let noise = ((user * 31 + movie * 17) % 11) as f32 / 11.0 - 0.45;
                ratings.users.push(user);
                ratings.movies.push(movie);
                ratings.stars.push(3.0 + mood * sign + noise);
                ratings.times.push(day * 86_400 * 3 + movie % 6 * 60);
            }
        }
        let options = Options {
            model: ModelKind::Mf,
            scale: (0.5, 5.0),
            ..Options::default()
        };
        let mut parameters = Parameters::initial(&options, 40, movies as usize, 3.0);
        parameters.user_embedding.fill(0.0);
        let part = |which: u32| {
            (0..40 * movies)
                .filter(|row| row * 7 % 10 == which)
                .collect()
        };
        let (validation, asked): (Vec<u32>, Vec<u32>) = (part(3), part(5));
        let train = (0..40 * movies).filter(|row| row * 7 % 10 > 5).collect();
        let plain = pocketrec_train::validate(&parameters, &ratings, &asked);
        let split = Split { train, validation };
        let dated = errors(&parameters, &ratings, &split, &asked);
        assert_eq!(dated.count, plain.count);
        (plain.rmse(), dated.rmse())
    }

    #[test]
    fn a_mood_that_lasts_a_day_is_seen_from_the_ratings_around_and_none_is_made_up() {
        let (plain, dated) = errors_in(0.8);
        assert!(plain > 0.8 && dated < 0.6, "{plain} {dated}");
        let (plain, dated) = errors_in(0.0);
        assert!(dated < plain + 0.01, "{plain} {dated}");
    }
}
