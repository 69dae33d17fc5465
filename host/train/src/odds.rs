//! Odds: how far ratings lie from their predictions, whose more and where on the scale.
//!
//! A user's ratings lie around their predictions with a variance that training's own ratings tell, held to everybody's:
//!
//! ```text
//! v_u = (pull s^2 + sum of squared errors of u's training ratings) / (pull + n_u)
//! ```
//!
//! s^2 being the mean over all training ratings. A model fits those better than others, and near the top of the scale ratings
//! lie closer together. So held-out ratings choose three things: the slope by which deviations change with the predicted
//! stars, where a Gaussian of such deviations gives them the highest likelihood; by how much deviations are too small; and how
//! many of them the tenth and the ninetieth of a hundred ratings are away, which takes no distribution for granted.

use super::parameters::{Parameters, clamp};
use pocketrec::model::odds::{FACTORS, SHARE};
use pocketrec_base::threads::{for_memory, in_parts, share};
use pocketrec_data::{Ratings, Split};

/// Ratings of the common variance that a user's own is held by: as the sampler's prior has it, twice the shape of its gamma.
const PULL: f64 = 16.0;
/// The fewest held-out ratings from which a tenth can be counted off.
const FEWEST: usize = 200;
/// The slopes that are tried, in hundredths a star of a scale of 4.5 stars.
const SLOPES: std::ops::RangeInclusive<i32> = -40..=20;
/// From one to the next.
const STEP: usize = 5;
/// The share of ratings below the lower end, and above the upper.
const TAIL: f64 = (1.0 - SHARE as f64) / 2.0;
/// Ratings that are predicted before their errors are added up.
const PIECE: usize = 1 << 20;

/// How far ratings lie from their predictions.
#[derive(Clone, Debug, PartialEq)]
pub struct Odds {
    /// The variance of a rating around its prediction by somebody whose own isn't known, in squared stars.
    pub noise: f32,
    /// By what share deviations change for each star above the mean.
    pub slope: f32,
    /// How many deviations from the score the tenth of a hundred ratings is.
    pub low: f32,
    /// And the ninetieth.
    pub high: f32,
    /// The standard deviation of each user's ratings at the mean of all, in stars.
    pub users: Vec<f32>,
}

/// The odds of `parameters`, which `split`'s training ratings made, by its validation ratings; `None` where those are fewer
/// than 200. Costs a prediction a rating.
pub fn find(parameters: &Parameters, ratings: &Ratings, split: &Split) -> Option<Odds> {
    if split.validation.len() < FEWEST {
        return None;
    }
    let (variances, common) = variances(parameters, ratings, &split.train);
    let scale = parameters.scale;
    let held: Vec<Held> = split
        .validation
        .iter()
        .zip(scores(parameters, ratings, &split.validation))
        .map(|(&row, score)| {
            let row = row as usize;
            Held {
                left: f64::from(ratings.stars[row]) - f64::from(score),
                above: f64::from(clamp(score, scale)) - f64::from(parameters.mean),
                deviation: variances[ratings.users[row] as usize].sqrt(),
            }
        })
        .collect();
    let range = f64::from(scale.1) - f64::from(scale.0);
    let slopes: Vec<i32> = SLOPES.step_by(STEP).collect();
    let tried = share(
        for_memory(),
        slopes,
        || (),
        |(), hundredths| {
            let slope = f64::from(hundredths) / 100.0 * 4.5 / range;
            let (unlikely, size) = unlikely(&held, slope);
            (unlikely, slope, size)
        },
    );
    let (_, slope, size) = tried.into_iter().min_by(|a, b| a.0.total_cmp(&b.0))?;
    let mut away: Vec<f64> = held.iter().map(|one| one.away(slope) / size).collect();
    away.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| away[((away.len() - 1) as f64 * share).round() as usize];
    let odds = Odds {
        noise: (common * size * size) as f32,
        slope: slope as f32,
        // An interval has its prediction in it.
        low: at(TAIL).min(0.0) as f32,
        high: at(1.0 - TAIL).max(0.0) as f32,
        users: (variances.iter())
            .map(|variance| (variance.sqrt() * size) as f32)
            .collect(),
    };
    let numbers = [odds.noise, odds.slope, odds.low, odds.high];
    let mut numbers = numbers.iter().chain(&odds.users);
    numbers.all(|number| number.is_finite()).then_some(odds)
}

/// A rating that was held out.
struct Held {
    /// What it leaves over of its score.
    left: f64,
    /// How far the prediction is above the mean of all ratings.
    above: f64,
    /// The deviation of its user's training ratings.
    deviation: f64,
}

impl Held {
    /// The deviation that a slope gives it.
    fn deviation(&self, slope: f64) -> f64 {
        let (least, most) = (f64::from(FACTORS.0), f64::from(FACTORS.1));
        self.deviation * (1.0 + slope * self.above).clamp(least, most)
    }

    /// How many of them it is away from its score.
    fn away(&self, slope: f64) -> f64 {
        self.left / self.deviation(slope).max(f64::MIN_POSITIVE)
    }
}

/// How unlikely ratings are by a slope (the mean of the negative logarithms, less what is the same for all), and what
/// deviations must be multiplied by.
fn unlikely(held: &[Held], slope: f64) -> (f64, f64) {
    let count = held.len().max(1) as f64;
    let square = held.iter().map(|one| one.away(slope).powi(2)).sum::<f64>() / count;
    let logarithms = held.iter().map(|one| libm::log(one.deviation(slope)));
    let mean = logarithms.sum::<f64>() / count;
    (mean + 0.5 * libm::log(square), square.sqrt())
}

/// The variance of each user's training ratings, and of all.
fn variances(parameters: &Parameters, ratings: &Ratings, train: &[u32]) -> (Vec<f64>, f64) {
    let mut sums = vec![(0.0f64, 0u32); parameters.users];
    for rows in train.chunks(PIECE) {
        for (&row, score) in rows.iter().zip(scores(parameters, ratings, rows)) {
            let row = row as usize;
            let predicted = clamp(score, parameters.scale);
            let error = f64::from(ratings.stars[row]) - f64::from(predicted);
            let (squares, count) = &mut sums[ratings.users[row] as usize];
            *squares += error * error;
            *count += 1;
        }
    }
    let all = sums.iter().map(|(squares, _)| squares).sum::<f64>();
    let common = all / train.len().max(1) as f64;
    let own = |(squares, count): (f64, u32)| (PULL * common + squares) / (PULL + f64::from(count));
    (sums.into_iter().map(own).collect(), common)
}

/// The scores of some ratings.
fn scores(parameters: &Parameters, ratings: &Ratings, rows: &[u32]) -> Vec<f32> {
    let parts = in_parts(rows.len(), |part| {
        let rows = rows[part].iter().map(|&row| row as usize);
        let mut scores = vec![0.0; rows.len()];
        let pair = |row: usize| (ratings.users[row] as usize, ratings.movies[row] as usize);
        parameters.raw_many(rows.map(pair), &mut scores);
        scores
    });
    parts.concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{ModelKind, Options};
    use crate::random::{Random, Stream};

    /// Forty careful people and forty careless ones, whose ratings are spread evenly around a model that knows only means.
    fn made() -> (Parameters, Ratings, Split) {
        let (users, movies) = (80u32, 100u32);
        let options = Options {
            user_dim: 2,
            movie_dim: 2,
            scale: (0.0, 10.0),
            ..crate::recipe::options(ModelKind::Hybrid)
        };
        let mut p = Parameters::initial(&options, users as usize, movies as usize, 5.0);
        p.layers.clear();
        p.user_bias.fill(0.0);
        p.movie_bias.fill(0.0);
        p.user_embedding.fill(0.0);
        let mut ratings = Ratings {
            user_ids: (1..=users).collect(),
            movie_ids: (1..=movies).collect(),
            ..Ratings::default()
        };
        let random = Random::new(1, Stream::Order, 0);
        for user in 0..users {
            for movie in 0..movies {
                let even =
                    random.below(u64::from(user * movies + movie), 2001) as f32 / 1000.0 - 1.0;
                ratings.users.push(user);
                ratings.movies.push(movie);
                ratings.times.push(0);
                ratings
                    .stars
                    .push(5.0 + even * if user < 40 { 0.5 } else { 2.0 });
            }
        }
        let (validation, train) = (0..users * movies).partition(|row| row % 8 == 3);
        (p, ratings, Split { train, validation })
    }

    #[test]
    fn a_careless_users_ratings_lie_farther_away_and_four_of_five_in_between() {
        let (p, ratings, split) = made();
        let odds = find(&p, &ratings, &split).unwrap();
        // Of a uniform distribution the deviation is half its width by the root of 3: 1.15 and 0.29 before they are held.
        let careful = odds.users[..40].iter().sum::<f32>() / 40.0;
        let careless = odds.users[40..].iter().sum::<f32>() / 40.0;
        assert!(careless > 2.2 * careful, "{careful} {careless}");
        assert!((0.9..1.2).contains(&careless), "{careless}");
        let inside = split.validation.iter().filter(|&&row| {
            let row = row as usize;
            let deviation = odds.users[ratings.users[row] as usize];
            let left = ratings.stars[row] - 5.0;
            (odds.low * deviation..=odds.high * deviation).contains(&left)
        });
        let share = inside.count() as f64 / split.validation.len() as f64;
        assert!((share - 0.8).abs() < 0.005, "{share}");
        assert!(odds.low < -1.0 && odds.high > 1.0, "{odds:?}");
    }

    #[test]
    fn few_held_out_ratings_tell_nothing() {
        let (p, ratings, mut split) = made();
        split.validation.truncate(FEWEST - 1);
        assert_eq!(find(&p, &ratings, &split), None);
    }
}
