//! From errors to figures: RMSE pooled over ratings, and 95 % intervals by resampling people.

use std::fmt::Write;

use serde::Serialize;

use super::biases;
use super::outcome::{AFTER, PersonErrors};
use pocketrec_base::print::{Align, number, table};
use pocketrec_base::random::Sequence;
use pocketrec_metrics::Errors;

/// Resamples of an interval.
const RESAMPLES: usize = 2000;

/// A figure and its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// The figure.
    pub value: f64,
    /// Where 2.5 % of the resamples are below.
    pub low: f64,
    /// Where 2.5 % of the resamples are above.
    pub high: f64,
}

/// Everything about one k.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// Ratings given.
    #[serde(rename = "ratings")]
    pub k: usize,
    /// RMSE of N.
    pub nothing: f64,
    /// RMSE of B, by the shrinkages that are best at this k.
    pub biases: f64,
    /// RMSE of R, where it was trained.
    pub retrained: Option<f64>,
    /// RMSE of D.
    pub device: f64,
    /// D - N.
    pub to_nothing: Interval,
    /// D - B.
    pub to_biases: Interval,
    /// (N - D) / (N - R).
    pub share: Option<Interval>,
    /// Share of people whose RMSE is higher after learning than before.
    pub worse: f64,
    /// By how much, as the mean over those.
    pub worse_by: f64,
}

/// The figures for each of [`AFTER`]; `retrained` says whether every person has R.
pub fn lines(people: &[PersonErrors], retrained: bool) -> Vec<Line> {
    let draws = resamples(people.len());
    AFTER
        .iter()
        .enumerate()
        .map(|(at, k)| {
            let best = (0..biases::shrinkages().len())
                .min_by(|a, b| {
                    let all = |pair: usize| people.iter().map(move |p| p.biases[pair][at]);
                    let rmse = |pair: usize| all(pair).sum::<Errors>().rmse();
                    rmse(*a).total_cmp(&rmse(*b))
                })
                .unwrap_or_default();
            let rmse = |draw: &[usize], of: &dyn Fn(&PersonErrors) -> Errors| {
                draw.iter().map(|i| of(&people[*i])).sum::<Errors>().rmse()
            };
            let n = |p: &PersonErrors| p.nothing;
            let b = |p: &PersonErrors| p.biases[best][at];
            let d = |p: &PersonErrors| p.device[at];
            let r = |p: &PersonErrors| p.retrained.map_or(p.nothing, |all| all[at]);
            let interval = |figure: &dyn Fn(&[usize]) -> f64| {
                let all: Vec<usize> = (0..people.len()).collect();
                let mut values: Vec<f64> = draws.iter().map(|draw| figure(draw)).collect();
                values.sort_unstable_by(f64::total_cmp);
                let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
                Interval {
                    value: figure(&all),
                    low: at(0.025),
                    high: at(0.975),
                }
            };
            let to_nothing = interval(&|draw| rmse(draw, &d) - rmse(draw, &n));
            let to_biases = interval(&|draw| rmse(draw, &d) - rmse(draw, &b));
            let share = (retrained && *k > 0).then(|| {
                interval(&|draw| {
                    let from = rmse(draw, &n);
                    (from - rmse(draw, &d)) / (from - rmse(draw, &r))
                })
            });
            let losses: Vec<f64> = people
                .iter()
                .map(|p| p.device[at].rmse() - p.nothing.rmse())
                .filter(|loss| *loss > 0.0)
                .collect();
            let all: Vec<usize> = (0..people.len()).collect();
            Line {
                k: *k,
                nothing: rmse(&all, &n),
                biases: rmse(&all, &b),
                retrained: (retrained && *k > 0).then(|| rmse(&all, &r)),
                device: rmse(&all, &d),
                to_nothing,
                to_biases,
                share,
                worse: losses.len() as f64 / people.len().max(1) as f64,
                worse_by: losses.iter().sum::<f64>() / losses.len().max(1) as f64,
            }
        })
        .collect()
}

/// Draws of as many people with replacement, the same on every machine (Efron 1979).
fn resamples(people: usize) -> Vec<Vec<usize>> {
    let mut random = Sequence::new(0x626f_6f74); // "boot"
    (0..RESAMPLES)
        .map(|_| (0..people).map(|_| random.below(people)).collect())
        .collect()
}

/// The figures as a table for people.
pub fn text(lines: &[Line]) -> String {
    let mut rows = vec![
        [
            "Ratings",
            "N",
            "B",
            "R",
            "D",
            "D - N",
            "D - B",
            "(N-D)/(N-R)",
            "Worse",
            "by",
        ]
        .map(String::from)
        .to_vec(),
    ];
    let shown = |i: &Interval| format!("{:+.4} [{:+.4}, {:+.4}]", i.value, i.low, i.high);
    for line in lines {
        let learned = line.k > 0;
        let when = |text: String| if learned { text } else { String::new() };
        rows.push(vec![
            line.k.to_string(),
            format!("{:.4}", line.nothing),
            format!("{:.4}", line.biases),
            line.retrained.map_or(String::new(), |r| format!("{r:.4}")),
            format!("{:.4}", line.device),
            when(shown(&line.to_nothing)),
            shown(&line.to_biases),
            line.share.map_or(String::new(), |i| {
                format!("{:.2} [{:.2}, {:.2}]", i.value, i.low, i.high)
            }),
            when(number::percent(line.worse, 0)),
            when(format!("{:.3}", line.worse_by)),
        ]);
    }
    table(&[Align::Right; 10], &rows)
}

/// The figures as CSV.
pub fn csv(lines: &[Line]) -> String {
    let mut text = String::from(
        "ratings,nothing,biases,retrained,device,to_nothing,to_nothing_low,to_nothing_high,to_biases,to_biases_low,to_biases_high,share,share_low,share_high,worse,worse_by\n",
    );
    for line in lines {
        let three = |i: Interval| format!("{:.5},{:.5},{:.5}", i.value, i.low, i.high);
        // Writing to a string can't fail.
        let _ = writeln!(
            text,
            "{},{:.5},{:.5},{},{:.5},{},{},{},{:.4},{:.4}",
            line.k,
            line.nothing,
            line.biases,
            line.retrained.map_or(String::new(), |r| format!("{r:.5}")),
            line.device,
            three(line.to_nothing),
            three(line.to_biases),
            line.share.map_or(",,".into(), three),
            line.worse,
            line.worse_by,
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(of: &[f32]) -> Errors {
        let mut errors = Errors::default();
        for error in of {
            errors.add(3.0 + error, 3.0);
        }
        errors
    }

    #[test]
    fn figures_are_pooled_over_ratings_and_intervals_hold_them() {
        let person = |n: f32, d: f32, r: f32, ratings: usize| PersonErrors {
            nothing: errors(&vec![n; ratings]),
            biases: vec![[errors(&vec![n; ratings]); AFTER.len()]; biases::shrinkages().len()],
            retrained: Some([errors(&vec![r; ratings]); AFTER.len()]),
            device: [errors(&vec![d; ratings]); AFTER.len()],
        };
        let people = vec![
            person(1.0, 0.5, 0.5, 30),
            person(2.0, 2.5, 1.5, 10),
            person(1.0, 0.75, 0.5, 60),
        ];
        let lines = lines(&people, true);
        let line = &lines[3];
        assert_eq!(line.k, 5);
        let rmse = |parts: [f64; 3]| {
            let sum = 30.0 * parts[0] * parts[0]
                + 10.0 * parts[1] * parts[1]
                + 60.0 * parts[2] * parts[2];
            (sum / 100.0).sqrt()
        };
        let (n, d, r) = (
            rmse([1.0, 2.0, 1.0]),
            rmse([0.5, 2.5, 0.75]),
            rmse([0.5, 1.5, 0.5]),
        );
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} for {b}");
        close(line.nothing, n);
        close(line.device, d);
        close(line.retrained.unwrap(), r);
        close(line.to_nothing.value, d - n);
        close(line.share.unwrap().value, (n - d) / (n - r));
        close(line.worse, 1.0 / 3.0);
        close(line.worse_by, 0.5);
        assert!(line.to_nothing.low < d - n && d - n < line.to_nothing.high);
        assert_eq!((lines[0].share, lines[0].retrained), (None, None));
        assert_eq!(csv(&lines).lines().count(), 7);
    }
}
