//! The course of training as a table and as a picture.

use std::fmt::Write;

use anyhow::Result;
use plotters::prelude::SeriesLabelPosition;

use pocketrec_evaluate::picture::{Axis, BLUE, Curve, GREY, Lines, ORANGE, SIZE, Stroke};
use pocketrec_train::Epoch;

/// One line an epoch: `epoch,train_mse,train_mae,validation_mse,validation_mae,seconds,run`, the last being the name of
/// the run as its other files have it.
pub fn csv(history: &[Epoch], run: &str) -> String {
    let mut text =
        String::from("epoch,train_mse,train_mae,validation_mse,validation_mae,seconds,run\n");
    for e in history {
        // Writing to a string can't fail.
        let _ = writeln!(
            text,
            "{},{:.6},{:.6},{:.6},{:.6},{:.3},{run}",
            e.number, e.train_mse, e.train_mae, e.validation_mse, e.validation_mae, e.seconds
        );
    }
    text
}

/// The epochs of what [`csv()`] wrote, if it is of that run and whole: numbers that can be drawn, epoch after epoch.
pub fn epochs(text: &str, run: &str) -> Option<Vec<Epoch>> {
    let epoch = |line: &str| {
        let mut cells = line.split(',');
        let number = cells.next()?.parse().ok()?;
        // Without ratings that were held out there is no number. More than this is none of what an epoch has.
        let can_be = |number: &f64| number.is_nan() || (0.0..1e9).contains(number);
        let number_in = |cell: &str| cell.parse().ok().filter(can_be);
        let mut next = || cells.next().and_then(number_in);
        let epoch = Epoch {
            number,
            train_mse: next()?,
            train_mae: next()?,
            validation_mse: next()?,
            validation_mae: next()?,
            seconds: next()?,
            improved: false,
        };
        (cells.next() == Some(run)).then_some(epoch)
    };
    let epochs: Option<Vec<Epoch>> = text.lines().skip(1).map(epoch).collect();
    epochs.filter(|epochs| {
        (1..)
            .zip(epochs)
            .all(|(number, epoch)| epoch.number == number)
    })
}

/// As [`drawn`], alone, and as text that ends with the run's name.
///
/// # Errors
/// If the drawing library refuses, which it has no reason to.
pub fn svg(
    history: &[Epoch],
    baseline_mae: f64,
    best_epoch: usize,
    title: &str,
    run: &str,
) -> Result<String> {
    let svg = drawn(history, baseline_mae, best_epoch, title, SIZE)?;
    Ok(svg + &format!("<!-- run {run} -->\n"))
}

/// Training and validation MAE by epoch against the baseline, the mean of each movie, as SVG.
///
/// # Errors
/// If the drawing library refuses, which it has no reason to.
pub fn drawn(
    history: &[Epoch],
    baseline_mae: f64,
    best_epoch: usize,
    title: &str,
    size: (u32, u32),
) -> Result<String> {
    let last = history.len().max(2) as f64;
    let (low, high) = range(history, baseline_mae);
    let points = |value: fn(&Epoch) -> f64| {
        let points = history.iter().map(|e| (e.number as f64, value(e)));
        points.collect::<Vec<_>>()
    };
    let best = history.iter().find(|e| e.number == best_epoch);
    let validation = best.map_or_else(
        || "validation".into(),
        |best| {
            format!(
                "validation ({:.3} in epoch {}, kept)",
                best.validation_mae, best.number
            )
        },
    );
    let curves = vec![
        Curve {
            name: format!("baseline: each movie's mean ({baseline_mae:.3})"),
            color: GREY,
            stroke: Stroke::Dashed,
            points: vec![(1.0, baseline_mae), (last, baseline_mae)],
            mark: None,
        },
        Curve {
            name: "training".into(),
            color: BLUE,
            stroke: Stroke::Line,
            points: points(|e| e.train_mae),
            mark: None,
        },
        Curve {
            name: validation,
            color: ORANGE,
            stroke: Stroke::Line,
            points: points(|e| e.validation_mae),
            mark: best.map(|best| (best.number as f64, best.validation_mae)),
        },
    ];
    Lines {
        size,
        title,
        x: Axis {
            name: "Epoch",
            range: 1.0..last,
            labels: history.len().clamp(2, size.0 as usize / 40),
            decimals: 0,
            doubling: false,
        },
        y: Axis {
            name: "Mean absolute error in stars",
            range: low..high,
            labels: 8,
            decimals: 2,
            doubling: false,
        },
        curves,
        legend: SeriesLabelPosition::UpperRight,
    }
    .svg()
}

/// The range of MAE to show: all that occurs, and room for the legend above it.
fn range(history: &[Epoch], baseline: f64) -> (f64, f64) {
    let all = history
        .iter()
        .flat_map(|e| [e.train_mae, e.validation_mae])
        .chain([baseline]);
    let (low, high) = all.fold((f64::MAX, f64::MIN), |(low, high), v| {
        (low.min(v), high.max(v))
    });
    let room = (high - low).max(0.01);
    (low - room * 0.08, high + room * 0.45)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::damage::{damaged, no_memory_is_claimed, some};

    const RUN: &str = "00ff00ff00ff00ff";

    fn history() -> Vec<Epoch> {
        let epoch = |number| Epoch {
            number,
            train_mse: 0.75,
            train_mae: 0.625,
            validation_mse: 0.875,
            validation_mae: 0.75,
            seconds: 1.5,
            improved: false,
        };
        (1..=4).map(epoch).collect()
    }

    #[test]
    fn epochs_come_back_from_their_table_and_those_of_another_run_do_not() {
        let text = csv(&history(), RUN);
        assert_eq!(epochs(&text, RUN), Some(history()));
        assert_eq!(epochs(&text, "another"), None);
        for (from, to) in [
            ("0.625000", "inf"),
            ("0.625000", "-1"),
            ("\n3,", "\n999999999999,"),
        ] {
            assert_eq!(epochs(&text.replacen(from, to, 1), RUN), None, "{to}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        #[test]
        fn a_damaged_table_is_none_or_can_be_drawn(damages in some()) {
            let bytes = damaged(csv(&history(), RUN).as_bytes(), &damages);
            if let Some(read) = epochs(&String::from_utf8_lossy(&bytes), RUN)
                && !read.is_empty()
            {
                assert!(drawn(&read, 0.75, 2, "", SIZE).unwrap().contains("</svg>"));
            }
            no_memory_is_claimed();
        }
    }
}
