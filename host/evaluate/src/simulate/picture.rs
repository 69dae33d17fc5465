//! The curve of learning as an SVG.

use anyhow::Result;
use plotters::prelude::{RGBColor, SeriesLabelPosition};

use super::figures::Line;
use crate::picture::{Axis, BLUE, Curve, GREEN, GREY, Lines, ORANGE, SIZE, Stroke};

/// RMSE by number of ratings given: N, B, R where there is one, and D.
///
/// # Errors
/// If the drawing library refuses, which it has no reason to.
pub fn svg(lines: &[Line], title: &str) -> Result<String> {
    drawn(lines, title, SIZE, SeriesLabelPosition::Coordinate(450, 80))
}

/// As [`svg`], of another size, and with the legend elsewhere.
///
/// # Errors
/// If the drawing library refuses, which it has no reason to.
pub fn drawn(
    lines: &[Line],
    title: &str,
    size: (u32, u32),
    legend: SeriesLabelPosition,
) -> Result<String> {
    let all = lines.iter().flat_map(|line| {
        [line.nothing, line.biases, line.device]
            .into_iter()
            .chain(line.retrained)
    });
    let (low, high) = all.fold((f64::MAX, f64::MIN), |(low, high), x| {
        (low.min(x), high.max(x))
    });
    let room = (high - low).max(0.01);
    // In a small picture the legend stands below the curves.
    let below = if size.0 < SIZE.0 { 0.45 } else { 0.06 };
    type Course = (&'static str, RGBColor, fn(&Line) -> Option<f64>);
    let curves: [Course; 4] = [
        ("N: no learning", GREY, |line| Some(line.nothing)),
        ("B: the person's bias, best shrinkage", GREEN, |line| {
            Some(line.biases)
        }),
        ("R: retrained with these ratings", BLUE, |line| {
            line.retrained
        }),
        ("D: the device", ORANGE, |line| Some(line.device)),
    ];
    let curves = curves.map(|(name, color, of)| Curve {
        name: name.into(),
        color,
        stroke: Stroke::Dotted,
        points: lines
            .iter()
            .filter_map(|line| Some((line.k as f64, of(line)?)))
            .collect(),
        mark: None,
    });
    Lines {
        size,
        title,
        x: Axis {
            name: "Ratings given on the device",
            range: 0.0..20.4,
            labels: 11,
            decimals: 0,
            doubling: false,
        },
        y: Axis {
            name: "RMSE of the other ratings, in stars",
            range: low - room * below..high + room * 0.08,
            labels: 8,
            decimals: 2,
            doubling: false,
        },
        curves: curves.into(),
        legend,
    }
    .svg()
}
