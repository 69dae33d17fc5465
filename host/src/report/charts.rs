//! What a model does with ratings that it didn't learn from, in figures and pictures.

use std::ops::RangeInclusive;

use anyhow::Result;
use pocketrec_data::{Ratings, Scale, Split};
use pocketrec_evaluate::picture::{BLUE, Bars, GREY, ORANGE, SMALL};
use pocketrec_metrics::Errors;

use super::page::Section;
use crate::print::count;

/// What was predicted of a rating that was held out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Predicted {
    /// Stars that were given.
    pub stars: f32,
    /// Stars that were predicted.
    pub predicted: f32,
    /// The mean of its movie's ratings in training; of all of them where it has none.
    pub mean: f32,
    /// How many of those there are.
    pub ratings: u32,
}

/// Of each movie, by its place in `ratings`: how many of its ratings are for training, and their mean.
pub fn means(ratings: &Ratings, split: &Split) -> Vec<(u32, f32)> {
    let mut sums = vec![(0_u32, 0.0_f64); ratings.movie_count()];
    let mut all = 0.0;
    for rating in &split.train {
        let stars = f64::from(ratings.stars[*rating as usize]);
        let (count, sum) = &mut sums[ratings.movies[*rating as usize] as usize];
        (*count, *sum) = (*count + 1, *sum + stars);
        all += stars;
    }
    let mean = all / split.train.len().max(1) as f64;
    let each = |(count, sum): (u32, f64)| match count {
        0 => (0, mean as f32),
        _ => (count, (sum / f64::from(count)) as f32),
    };
    sums.into_iter().map(each).collect()
}

/// Most groups of a picture of stars: a scale with more steps is shown in as many parts.
const MOST: usize = 10;

/// How ratings and predictions are spread, how far they are apart, and how that depends on how well a movie is known.
///
/// # Errors
/// If the drawing library refuses, which it has no reason to.
pub fn held_out(held: &[Predicted], scale: Scale) -> Result<Section> {
    let errors = errors(held.iter(), |one| one.predicted);
    let means = errors_of_means(held.iter());
    let mut section = Section::new(
        "Ratings that it didn't learn from",
        format!(
            "{} were held out of training. Predicted from the image, their RMSE is {:.4} and their MAE {:.4}; the mean of \
             each movie has {:.4} and {:.4}.",
            count(held.len(), "rating"),
            errors.rmse(),
            errors.mae(),
            means.rmse(),
            means.mae()
        ),
    );
    let (groups, given, predicted) = spread(held, scale);
    section.picture(
        "How many ratings, and how many predictions, are nearest to each number of stars",
        &Bars {
            size: SMALL,
            x: "Stars",
            y: "Share of ratings, %",
            groups: &groups,
            series: &[("given", BLUE, given), ("predicted", ORANGE, predicted)],
            lowest: 0.0,
            decimals: 0,
        }
        .svg()?,
    );
    let (groups, shares) = misses(held, scale);
    section.picture(
        "How far predictions are from what was given, in stars: on the left too low, on the right too high",
        &Bars {
            size: SMALL,
            x: "Predicted less given, in stars",
            y: "Share of ratings, %",
            groups: &groups,
            series: &[("error", ORANGE, shares)],
            lowest: 0.0,
            decimals: 0,
        }
        .svg()?,
    );
    let known: Vec<(String, Vec<Predicted>)> = KNOWN
        .iter()
        .map(|(name, range)| {
            let some = held.iter().filter(|one| range.contains(&one.ratings));
            ((*name).to_owned(), some.copied().collect())
        })
        .collect();
    let groups: Vec<String> = known.iter().map(|(name, _)| name.clone()).collect();
    let each = |of: &dyn Fn(&[Predicted]) -> Errors| {
        let each = known.iter().map(|(_, some)| {
            let found = of(some);
            (found.count > 0).then(|| found.rmse())
        });
        each.collect::<Vec<_>>()
    };
    let series = [
        (
            "each movie's mean",
            GREY,
            each(&|some| errors_of_means(some.iter())),
        ),
        (
            "model",
            ORANGE,
            each(&|some| self::errors(some.iter(), |one| one.predicted)),
        ),
    ];
    section.picture(
        "Errors by how many people rated the movie in training",
        &Bars {
            size: SMALL,
            x: "Ratings of the movie in training",
            y: "RMSE, in stars",
            groups: &groups,
            series: &series,
            lowest: 0.0,
            decimals: 2,
        }
        .svg()?,
    );
    Ok(section)
}

/// How well known movies are.
const KNOWN: [(&str, RangeInclusive<u32>); 6] = [
    ("0", 0..=0),
    ("1-4", 1..=4),
    ("5-19", 5..=19),
    ("20-49", 20..=49),
    ("50-99", 50..=99),
    ("100+", 100..=u32::MAX),
];

fn errors<'a>(held: impl Iterator<Item = &'a Predicted>, of: impl Fn(&Predicted) -> f32) -> Errors {
    let mut errors = Errors::default();
    held.for_each(|one| errors.add(of(one), one.stars));
    errors
}

fn errors_of_means<'a>(held: impl Iterator<Item = &'a Predicted>) -> Errors {
    errors(held, |one| one.mean)
}

/// What each group of stars is called, and the shares of ratings and of predictions in it, in per cent.
fn spread(held: &[Predicted], scale: Scale) -> (Vec<String>, Vec<Option<f64>>, Vec<Option<f64>>) {
    let steps = ((scale.max - scale.min) / scale.step).round().max(1.0) as usize + 1;
    let parts = steps.min(MOST);
    let width = (scale.max - scale.min) / (parts - 1).max(1) as f32;
    let decimals = usize::from(width.fract() != 0.0);
    let names = (0..parts).map(|at| format!("{:.decimals$}", scale.min + at as f32 * width));
    let shares = |of: fn(&Predicted) -> f32| {
        let mut counts = vec![0_usize; parts];
        for one in held {
            let at = ((of(one) - scale.min) / width).round().max(0.0) as usize;
            counts[at.min(parts - 1)] += 1;
        }
        percent(&counts, held.len())
    };
    (
        names.collect(),
        shares(|one| one.stars),
        shares(|one| one.predicted),
    )
}

/// Names of groups of errors, an eighth of the scale's width each, and the shares of predictions in them, in per cent.
fn misses(held: &[Predicted], scale: Scale) -> (Vec<String>, Vec<Option<f64>>) {
    let width = (scale.max - scale.min) / 9.0;
    const EACH: i32 = 4;
    let names = (-EACH..=EACH).map(|at| format!("{:+.1}", at as f32 * width));
    let mut counts = vec![0_usize; 2 * EACH as usize + 1];
    for one in held {
        let at = ((one.predicted - one.stars) / width).round() as i32;
        counts[(at.clamp(-EACH, EACH) + EACH) as usize] += 1;
    }
    (names.collect(), percent(&counts, held.len()))
}

fn percent(counts: &[usize], all: usize) -> Vec<Option<f64>> {
    let share = |count: &usize| Some(100.0 * *count as f64 / all.max(1) as f64);
    counts.iter().map(share).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALVES: Scale = Scale {
        min: 0.5,
        max: 5.0,
        step: 0.5,
    };

    fn one(stars: f32, predicted: f32, ratings: u32) -> Predicted {
        Predicted {
            stars,
            predicted,
            mean: 3.0,
            ratings,
        }
    }

    #[test]
    fn each_rating_and_each_error_is_in_one_group() {
        let held = [
            one(0.5, 0.7, 0),
            one(5.0, 4.8, 3),
            one(5.0, 0.5, 7),
            one(3.0, 3.2, 200),
        ];
        let (names, given, predicted) = spread(&held, HALVES);
        assert_eq!(names[0], "0.5");
        assert_eq!(names[9], "5.0");
        assert_eq!(given[9], Some(50.0));
        assert_eq!(predicted[0], Some(50.0));
        let (names, shares) = misses(&held, HALVES);
        assert_eq!((names[0].as_str(), names[4].as_str()), ("-2.0", "+0.0"));
        // The one that is 4.5 too low is in the last group on that side.
        assert_eq!((shares[0], shares[4]), (Some(25.0), Some(75.0)));
        let all: f64 = shares.iter().flatten().sum();
        assert!((all - 100.0).abs() < 1e-9);
    }

    #[test]
    fn a_section_tells_the_errors_and_a_fine_scale_has_ten_groups() {
        let held = [one(1.0, 2.0, 1), one(3.0, 3.0, 60)];
        let section = held_out(&held, HALVES).unwrap();
        assert!(
            section
                .text
                .contains("their RMSE is 0.7071 and their MAE 0.5000")
        );
        assert_eq!(section.body.matches("<figure").count(), 3);
        let fine = Scale {
            min: 0.0,
            max: 100.0,
            step: 1.0,
        };
        assert_eq!(spread(&held, fine).0.len(), MOST);
    }
}
