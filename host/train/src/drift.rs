//! How people's biases have drifted: what their latest ratings leave over.
//!
//! A model takes a user's bias to be the same from the first rating to the last. People change how they rate, so what lies
//! ahead is predicted better from where the bias has come to. With e_i = r_i - score_i, i counting back from the latest
//! rating (0), a bias moves by
//!
//! ```text
//! sum over i of fade^i e_i / (pull + sum over i of fade^i)
//! ```
//!
//! Fade and pull are chosen on validation ratings that are in the later half of their user's, each predicted with what the
//! user's earlier training ratings leave over. They are the ones that help most, if by more than chance; else nobody's bias
//! moves.

use super::parameters::{Parameters, clamp};
use pocketrec_base::threads;
use pocketrec_data::{InOrder, Ratings};

/// What is tried: how much less an older rating counts than the next one.
const FADES: [f64; 6] = [0.5, 0.7, 0.8, 0.9, 0.95, 0.98];
/// And how many ratings of no error each bias is held by.
const PULLS: [f64; 7] = [0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0];
/// Users whose validation ratings choose, at most, evenly spaced.
const USERS: usize = 50_000;
/// Users that a thread takes at a time.
const PEOPLE: usize = 512;
/// Standard errors (over users) by which moving must help.
const SURE: f64 = 2.0;

/// Where biases have come to.
#[derive(Clone, Debug, PartialEq)]
pub struct Drift {
    /// What counts of a rating, as a share of what counts of the next one.
    pub fade: f32,
    /// Ratings of no error that a bias is held by.
    pub pull: f32,
    /// By how much each user's bias is higher after their last rating than over all of them, in stars.
    pub users: Vec<f32>,
}

/// One user's ratings: which are learned from and which are held out, both in the order in which they were given.
#[derive(Clone, Copy)]
struct Person<'a> {
    user: usize,
    train: &'a [u32],
    held: &'a [u32],
}

/// The drift of the users of `parameters`, which ratings to learn from made; `None` where those that are held out, the
/// second of `orders`, don't show that moving helps, or there are none. Times must be known.
///
/// Costs a prediction a rating, and 42 for each of the validation ratings of at most 50,000 users.
pub fn find(
    parameters: &Parameters,
    ratings: &Ratings,
    (train, held): &(InOrder, InOrder),
) -> Option<Drift> {
    if !parameters.model.has_biases() {
        return None;
    }
    let people: Vec<Person> = (train.each().zip(held.each()).enumerate())
        .map(|(user, (train, held))| Person { user, train, held })
        .collect();
    let with_held = || people.iter().filter(|one| !one.held.is_empty());
    let step = with_held().count().div_ceil(USERS).max(1);
    let asked: Vec<Person> = with_held().step_by(step).copied().collect();
    if asked.is_empty() {
        return None;
    }
    let gains = threads::share(
        threads::for_memory(),
        asked.chunks(PEOPLE),
        || (),
        |(), some| {
            let of = some.iter();
            of.map(|one| gains(parameters, ratings, *one))
                .collect::<Vec<_>>()
        },
    );
    let gains: Vec<[f64; TRIALS]> = gains.concat();
    let (best, sure) = (0..TRIALS)
        .map(|trial| (trial, certainty(gains.iter().map(|of| of[trial]))))
        .max_by(|a, b| a.1.0.total_cmp(&b.1.0))
        .map(|(trial, (_, sure))| (trial, sure))?;
    if sure < SURE {
        return None;
    }
    let (fade, pull) = trial(best);
    let users = threads::share(
        threads::for_memory(),
        people.chunks(PEOPLE),
        || (),
        |(), some| {
            let of = some.iter();
            of.map(|one| {
                let mut latest = Latest::default();
                for &row in one.train {
                    latest.take_in(left_over(parameters, ratings, row, one.user), fade);
                }
                latest.moved(pull) as f32
            })
            .collect::<Vec<f32>>()
        },
    );
    Some(Drift {
        fade: fade as f32,
        pull: pull as f32,
        users: users.concat(),
    })
}

const TRIALS: usize = FADES.len() * PULLS.len();

fn trial(number: usize) -> (f64, f64) {
    (FADES[number / PULLS.len()], PULLS[number % PULLS.len()])
}

/// Sums over somebody's ratings so far, the latest counting most.
#[derive(Clone, Copy, Default)]
struct Latest {
    errors: f64,
    weights: f64,
}

impl Latest {
    fn take_in(&mut self, error: f64, fade: f64) {
        self.errors = self.errors * fade + error;
        self.weights = self.weights * fade + 1.0;
    }

    fn moved(self, pull: f64) -> f64 {
        self.errors / (pull + self.weights)
    }
}

/// What a rating leaves over of its score.
fn left_over(parameters: &Parameters, ratings: &Ratings, row: u32, user: usize) -> f64 {
    let movie = ratings.movies[row as usize] as usize;
    f64::from(ratings.stars[row as usize]) - f64::from(parameters.raw(user, movie))
}

/// By how much the squared errors of somebody's validation ratings fall, together, by each trial.
fn gains(parameters: &Parameters, ratings: &Ratings, person: Person<'_>) -> [f64; TRIALS] {
    let mut gains = [0.0; TRIALS];
    let mut latest = [Latest::default(); FADES.len()];
    let mut train = person.train.iter().peekable();
    for &held in person.held {
        // What is asked for is what comes after all of them.
        let earlier = (person.train).partition_point(|&row| ratings.when(row) < ratings.when(held));
        if earlier * 2 < person.train.len() {
            continue;
        }
        while let Some(row) = train.next_if(|row| ratings.when(**row) < ratings.when(held)) {
            let error = left_over(parameters, ratings, *row, person.user);
            for (latest, fade) in latest.iter_mut().zip(FADES) {
                latest.take_in(error, fade);
            }
        }
        let raw = parameters.raw(person.user, ratings.movies[held as usize] as usize);
        let stars = f64::from(ratings.stars[held as usize]);
        let error = |moved: f64| {
            let predicted = clamp(raw + moved as f32, parameters.scale);
            (f64::from(predicted) - stars).powi(2)
        };
        let still = error(0.0);
        for (number, gain) in gains.iter_mut().enumerate() {
            let moved = latest[number / PULLS.len()].moved(trial(number).1);
            *gain += still - error(moved);
        }
    }
    gains
}

/// The mean of numbers, and that in its standard errors.
fn certainty(numbers: impl Iterator<Item = f64>) -> (f64, f64) {
    let (mut count, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for x in numbers {
        count += 1.0;
        sum += x;
        squares += x * x;
    }
    let mean = sum / f64::max(count, 1.0);
    let variance = (squares / f64::max(count, 1.0) - mean * mean).max(0.0);
    let error = (variance / f64::max(count - 1.0, 1.0)).sqrt();
    (mean, if error > 0.0 { mean / error } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{ModelKind, Options};
    use pocketrec_base::random::Sequence;
    use pocketrec_data::Split;

    fn found(p: &Parameters, ratings: &Ratings, split: &Split) -> Option<Drift> {
        find(p, ratings, &split.in_order(ratings))
    }

    /// 60 people with 50 ratings each, one in ten held out, and a model that knows nothing of them but the mean. Biases
    /// go from -`by` to +`by` stars over each one's ratings.
    fn drifting(by: f32) -> (Parameters, Ratings, Split) {
        let (users, movies) = (60u32, 50u32);
        let mut ratings = Ratings {
            user_ids: (1..=users).collect(),
            movie_ids: (1..=movies).collect(),
            ..Ratings::default()
        };
        let mut random = Sequence::new(3);
        for user in 0..users {
            for movie in 0..movies {
                let time = (movie * 7 + user) % movies;
                let way = 2.0 * time as f32 / movies as f32 - 1.0;
                ratings.users.push(user);
                ratings.movies.push(movie);
                ratings
                    .stars
                    .push(3.0 + by * way + random.unit() as f32 - 0.5);
                ratings.times.push(time);
            }
        }
        let options = Options {
            scale: (0.5, 5.5),
            ..crate::recipe::options(ModelKind::Hybrid)
        };
        let mut p = Parameters::initial(&options, users as usize, movies as usize, 3.0);
        p.tables_mut().into_iter().for_each(|table| table.fill(0.0));
        let (validation, train) = (0..users * movies).partition(|row| row % 10 == 4);
        (p, ratings, Split { train, validation })
    }

    #[test]
    fn biases_move_to_where_the_latest_ratings_are() {
        let (p, ratings, split) = drifting(1.0);
        let drift = found(&p, &ratings, &split).unwrap();
        assert_eq!(drift.users.len(), 60);
        // Nobody's last ratings are all above or below by chance alone, and a pull holds each a little.
        let mean = drift.users.iter().sum::<f32>() / 60.0;
        assert!((0.5..1.0).contains(&mean), "{drift:?}");
        assert!(drift.users.iter().all(|moved| *moved > 0.2), "{drift:?}");
    }

    #[test]
    fn nobodys_bias_moves_without_drift_or_validation_ratings() {
        let (p, ratings, split) = drifting(0.0);
        assert_eq!(found(&p, &ratings, &split), None);
        let (p, ratings, split) = drifting(1.0);
        let whole = Split {
            validation: Vec::new(),
            ..split
        };
        assert_eq!(found(&p, &ratings, &whole), None);
    }
}
