//! Cold start on paper: how well core's own learning predicts for people whom training has never seen.

use std::str::FromStr;

use anyhow::Result;
use pocketrec::ids::MovieId;
use pocketrec::learn::FoldIn;
use pocketrec::model::{Interval, Model};
use pocketrec::profile::Rating;
use serde::Serialize;

use super::odds;
use super::protocol::Fold;
use super::{checkpoint, refusal};
use pocketrec_base::error::BadInput;
use pocketrec_base::print::number::{count, there};
use pocketrec_base::print::{Align, table};
use pocketrec_base::random::Sequence;
use pocketrec_data::{Dataset, Ratings, Split};
use pocketrec_export::{Chosen, Precision, build};
use pocketrec_metrics::baselines::Baselines;
use pocketrec_metrics::{Coverage, Errors};
use pocketrec_train::random::{Random, Stream};
use pocketrec_train::{Options, Recipe, Trained, recipe, train};

/// Numbers of known ratings at which people are looked at.
pub const KNOWN: [usize; 6] = [0, 1, 2, 5, 10, 20];
/// The fewest ratings of somebody who can be looked at: ten remain after the last of [`KNOWN`].
const FEWEST: usize = 30;

/// In which order people are taken to have rated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// As they did.
    #[default]
    Time,
    /// At random: what somebody's first ratings have in common then makes no difference.
    Random,
}

impl FromStr for Order {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "time" => Ok(Self::Time),
            "random" => Ok(Self::Random),
            _ => Err(format!(
                "`{text}` is not an order of ratings: time or random"
            )),
        }
    }
}

/// RMSE over the same ratings of the same people, with so many of each one's first ratings known.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Point {
    /// How many.
    pub known: usize,
    /// The mean of the movie in training.
    pub movie_mean: f64,
    /// The image's mean user, as whom an owner starts.
    pub mean_user: f64,
    /// Core's fold-in of the known ratings, from the image.
    pub learned: f64,
    /// Training again with the known ratings of all these people; absent where there are none.
    pub retrained: Option<f64>,
    /// How core's intervals held the ratings; absent unless it was asked for.
    pub odds: Option<Coverage>,
}

/// What is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// How many people are left out of training.
    pub people: usize,
    /// The order in which they are taken to have rated.
    pub order: Order,
    /// Whether training is done again with what is known of them.
    pub retrain: bool,
    /// Whether it is measured how many ratings lie in their intervals; some training ratings are then held back to find those
    /// by.
    pub odds: bool,
}

/// The curve.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Curve {
    /// People left out of training.
    pub people: usize,
    /// Ratings predicted at each point.
    pub ratings: usize,
    /// The order in which they are taken to have rated.
    pub order: Order,
    /// A point for each of [`KNOWN`].
    pub points: Vec<Point>,
}

/// Somebody whom training doesn't see: numbers of ratings, the first 20 and the others.
struct Stranger {
    first: Vec<u32>,
    rest: Vec<u32>,
}

/// Leaves people out, drawn from those with at least 30 ratings, trains on the others, and predicts what
/// each gave after the first 20 ratings in that order. Training again trains six times. `tell` hears of each training that begins.
///
/// # Errors
/// [`BadInput`] where too few people have enough ratings; else what training or export says.
pub fn curve(data: &Dataset, options: &Options, look: Look, tell: &dyn Fn(&str)) -> Result<Curve> {
    let ratings = &data.ratings;
    let strangers = strangers(ratings, look.people, look.order, options.seed)?;
    let hidden: std::collections::HashSet<u32> = strangers
        .iter()
        .flat_map(|one| one.first.iter().chain(&one.rest))
        .copied()
        .collect();
    let seen: Vec<u32> = (0..ratings.len() as u32)
        .filter(|row| !hidden.contains(row))
        .collect();
    let test: Vec<u32> = strangers
        .iter()
        .flat_map(|one| &one.rest)
        .copied()
        .collect();
    let fold = |known: usize| {
        let mut train = seen.clone();
        train.extend(strangers.iter().flat_map(|one| &one.first[..known]));
        train.sort_unstable();
        Fold {
            name: format!("{known} known"),
            data,
            split: Split {
                train,
                validation: test.clone(),
            },
        }
    };
    tell("training without them");
    let base = fold(0);
    let share = if look.odds { recipe::VALIDATION } else { 0.0 };
    let trained = fitted(&base, options, share)?;
    let movie_mean = Baselines::of(ratings, &base.split)
        .score_movies(ratings, &base.split)
        .rmse;
    let checkpoint = checkpoint(&base, &trained);
    let chosen = Chosen {
        users: Vec::new(),
        movies: (0..checkpoint.movie_ids.len()).collect(),
        seen: None,
        facets: None,
    };
    let image = build(&checkpoint, &chosen, Precision::F16)?;
    let model = Model::open(image.as_ref())
        .map_err(|why| anyhow::anyhow!("the image can't be opened: {why}"))?;
    let predicted = |known: usize| predicted(&model, ratings, &strangers, known);
    let mean_user = predicted(0).0.rmse();
    let mut points = Vec::new();
    for known in KNOWN {
        let retrained = if look.retrain && known > 0 {
            tell(&format!("training with {} of each", count(known, "rating")));
            let again = fold(known);
            let parameters = fitted(&again, options, 0.0)?.fit.parameters;
            Some(pocketrec_train::validate(&parameters, ratings, &test).rmse())
        } else {
            None
        };
        let (errors, intervals) = predicted(known);
        points.push(Point {
            known,
            movie_mean,
            mean_user,
            learned: errors.rmse(),
            retrained,
            odds: Coverage::of(intervals).filter(|_| look.odds),
        });
    }
    Ok(Curve {
        people: strangers.len(),
        ratings: test.len(),
        order: look.order,
        points,
    })
}

/// Trains on a fold, with a share of its training ratings held back.
fn fitted(fold: &Fold<'_>, options: &Options, share: f64) -> Result<Trained> {
    let all = &fold.split.train;
    let inner = Split::random(all.len(), share, options.seed);
    let pick = |rows: &[u32]| rows.iter().map(|&row| all[row as usize]).collect();
    let split = Split {
        train: pick(&inner.train),
        validation: pick(&inner.validation),
    };
    let recipe = Recipe::new(options.clone(), false);
    train(fold.data, &split, recipe, &mut ()).map_err(refusal)
}

/// The errors of what core predicts once it knows so many of each one's first ratings, and its intervals beside the stars
/// that were given.
fn predicted(
    model: &Model<'_>,
    ratings: &Ratings,
    strangers: &[Stranger],
    known: usize,
) -> (Errors, Vec<(Interval, f32)>) {
    let mut errors = Errors::default();
    let mut intervals = Vec::new();
    for one in strangers {
        let fold = learn(model, ratings, &one.first[..known]);
        let private = fold.private();
        let user = model.user_state(&private.row, private.bias);
        for &row in &one.rest {
            let (movie, stars) = (ratings.movies[row as usize], ratings.stars[row as usize]);
            let movie = MovieId(ratings.movie_ids[movie as usize]);
            let Ok(row) = model.movie_row(movie) else {
                continue;
            };
            errors.add(model.scale().clamp(model.score(&user, row)), stars);
            let deviation = fold.deviation(model, row);
            let interval = deviation.and_then(|deviation| model.interval(&user, row, deviation));
            intervals.extend(interval.map(|interval| (interval, stars)));
        }
    }
    (errors, intervals)
}

/// What core makes of some ratings.
fn learn(model: &Model<'_>, ratings: &Ratings, known: &[u32]) -> FoldIn {
    let log: Vec<Rating> = known
        .iter()
        .zip(0u32..)
        .filter_map(|(&row, sequence)| {
            let movie = ratings.movie_ids[ratings.movies[row as usize] as usize];
            Rating::new(MovieId(movie), ratings.stars[row as usize], sequence)
        })
        .collect();
    let mut fold = FoldIn::new(model);
    while !fold.advance(model, &log, u32::MAX).is_done() {}
    fold
}

fn strangers(ratings: &Ratings, people: usize, order: Order, seed: u64) -> Result<Vec<Stranger>> {
    let mut able: Vec<Vec<u32>> = ratings
        .in_order(0..ratings.len() as u32)
        .each()
        .filter(|rows| rows.len() >= FEWEST)
        .map(<[u32]>::to_vec)
        .collect();
    if people > able.len() / 2 || people == 0 {
        return Err(BadInput::new(format!(
            "{} with {FEWEST} ratings or more: at least one and at most half of them can be left out, not {people}",
            there(able.len(), "person")
        ))
        .into());
    }
    let random = Random::new(seed, Stream::Order, u64::MAX - 1);
    for last in (1..able.len()).rev() {
        able.swap(last, random.below(last as u64, last as u64 + 1) as usize);
    }
    able.truncate(people);
    let mut shuffle = Sequence::new(seed);
    Ok(able
        .into_iter()
        .map(|mut rows| {
            if order == Order::Random {
                shuffle.shuffle(&mut rows);
            }
            let rest = rows.split_off(KNOWN[KNOWN.len() - 1]);
            Stranger { first: rows, rest }
        })
        .collect())
}

impl Curve {
    /// The curve as a table.
    pub fn text(&self) -> String {
        let mut rows = vec![
            [
                "Ratings known",
                "Movie's mean",
                "Mean user",
                "Learned by core",
                "Trained again",
            ]
            .map(String::from)
            .to_vec(),
        ];
        for point in &self.points {
            rows.push(vec![
                point.known.to_string(),
                format!("{:.4}", point.movie_mean),
                format!("{:.4}", point.mean_user),
                format!("{:.4}", point.learned),
                point
                    .retrained
                    .map_or_else(|| "-".into(), |rmse| format!("{rmse:.4}")),
            ]);
        }
        let mut out = table(&[Align::Right; 5], &rows);
        let intervals = self.points.iter();
        let intervals: Vec<_> = intervals
            .map(|point| (point.known.to_string(), point.odds.iter().collect()))
            .collect();
        let intervals = odds::text("Ratings known", &intervals);
        if !intervals.is_empty() {
            out += &format!("\n{intervals}");
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pocketrec_data::Titles;
    use pocketrec_train::ModelKind;
    use pocketrec_train::recipe;

    /// 60 people of two tastes, 40 ratings each of 50 movies.
    fn data() -> Dataset {
        let mut ratings = Ratings {
            user_ids: (1..=60).collect(),
            movie_ids: (1..=50).collect(),
            ..Ratings::default()
        };
        let random = Random::new(1, Stream::Order, 0);
        for user in 0..60u32 {
            for step in 0..40u32 {
                let movie = (user * 7 + step * 3) % 50;
                let liked = movie % 2 == user % 2;
                ratings.users.push(user);
                ratings.movies.push(movie);
                let mood = random.below(u64::from(user * 40 + step), 5) as f32 * 0.5 - 1.0;
                ratings.stars.push(mood + if liked { 4.0 } else { 2.0 });
                ratings.times.push(step);
            }
        }
        Dataset::new("tastes".into(), ratings, Titles::default(), String::new())
    }

    #[test]
    fn a_few_ratings_tell_a_taste_that_training_knows_of_others() {
        let options = Options {
            threads: Some(1),
            sweeps: Some(40),
            ..recipe::options(ModelKind::Hybrid)
        };
        let curve = curve(
            &data(),
            &options,
            Look {
                people: 12,
                order: Order::Time,
                retrain: true,
                odds: true,
            },
            &|_| (),
        )
        .unwrap();
        assert_eq!((curve.people, curve.ratings), (12, 12 * 20));
        let (none, many) = (&curve.points[0], &curve.points[5]);
        assert_eq!(none.learned, none.mean_user);
        assert!(many.learned < 0.75 * none.learned, "{curve:?}");
        assert!(many.learned < 0.75 * many.movie_mean, "{curve:?}");
        assert_eq!(none.retrained, None);
        assert!(curve.text().contains("Learned by core"));
    }

    #[test]
    fn the_same_people_rate_other_movies_first_in_a_random_order() {
        let data = data();
        let ratings = &data.ratings;
        let drawn = |order| strangers(ratings, 12, order, 3).unwrap();
        let sorted = |one: &Stranger| {
            let mut all = [&one.first[..], &one.rest].concat();
            all.sort_unstable();
            all
        };
        let (by_time, at_random) = (drawn(Order::Time), drawn(Order::Random));
        for (one, other) in by_time.iter().zip(&at_random) {
            assert!(
                one.first
                    .iter()
                    .all(|&row| ratings.times[row as usize] < 20)
            );
            assert!(
                other
                    .first
                    .iter()
                    .any(|&row| ratings.times[row as usize] >= 20)
            );
            assert_eq!(other.first.len(), 20);
            assert_eq!(sorted(one), sorted(other));
        }
    }

    #[test]
    fn more_people_than_there_are_cannot_be_left_out() {
        let options = recipe::options(ModelKind::Hybrid);
        for people in [31, usize::MAX] {
            let look = Look {
                people,
                order: Order::Time,
                retrain: false,
                odds: false,
            };
            let error = curve(&data(), &options, look, &|_| ()).unwrap_err();
            assert!(error.to_string().contains("60 people"), "{error}");
        }
    }
}
