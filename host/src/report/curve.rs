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

/// The epochs of what [`csv()`] wrote, if it is of that run.
pub fn epochs(text: &str, run: &str) -> Option<Vec<Epoch>> {
    let epoch = |line: &str| {
        let mut cells = line.split(',');
        let number = cells.next()?.parse().ok()?;
        let mut next = || cells.next()?.parse::<f64>().ok();
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
    text.lines().skip(1).map(epoch).collect()
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
