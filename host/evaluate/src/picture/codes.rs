//! What an image loses for each byte that a movie's row and bias take: the picture of [`FIGURES`].

use anyhow::{Context, Result};
use plotters::prelude::{RGBColor, SeriesLabelPosition};

use super::{Axis, BLUE, Curve, GREEN, Lines, ORANGE, SIZE, Stroke};

/// Measured figures: a line of names, then dimensions, bytes of a movie's row and bias, precision, RMSE, and how many of a
/// list's ten movies stay, by stars alone and as a device ranks.
pub const FIGURES: &str = include_str!("../../../../docs/codes.csv");

/// Error by bytes, a curve for each number of dimensions. The dots are the precisions.
///
/// # Errors
/// For figures that aren't of that form; and if the drawing library refuses, which it has no reason to.
pub fn svg(figures: &str) -> Result<String> {
    let mut found = points(figures)?;
    found.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    let colors: [RGBColor; 3] = [BLUE, GREEN, ORANGE];
    let curves = found.chunk_by(|a, b| a.0 == b.0).zip(colors);
    let curves = curves.map(|(of, color)| Curve {
        name: format!("{} dimensions", of[0].0),
        color,
        stroke: Stroke::Dotted,
        points: of
            .iter()
            .map(|(_, bytes, rmse)| (bytes.log2(), *rmse))
            .collect(),
        mark: None,
    });
    let errors = || found.iter().map(|(.., rmse)| *rmse);
    let (low, high) = (
        errors().fold(f64::MAX, f64::min),
        errors().fold(f64::MIN, f64::max),
    );
    let room = (high - low) * 0.06;
    Lines {
        size: SIZE,
        title: "1 to 4 bytes are codes; then 8-bit integers; then half precision",
        x: Axis {
            name: "Bytes of a movie's row and bias",
            range: -0.1..5.8,
            labels: 7,
            decimals: 0,
            doubling: true,
        },
        y: Axis {
            name: "RMSE, in stars, 5 folds of the built-in ratings",
            range: low - room..high + room,
            labels: 8,
            decimals: 3,
            doubling: false,
        },
        curves: curves.collect(),
        legend: SeriesLabelPosition::UpperRight,
    }
    .svg()
}

/// Dimensions, bytes and RMSE of each line.
fn points(figures: &str) -> Result<Vec<(u32, f64, f64)>> {
    let lines = figures.lines().skip(1).enumerate();
    let point = |(at, line): (usize, &str)| {
        let cells: Vec<&str> = line.split(',').collect();
        let number = |cell: usize| cells.get(cell).and_then(|cell| cell.parse::<f64>().ok());
        let found = match (number(0), number(1), number(3)) {
            (Some(dimensions), Some(bytes), Some(rmse)) => Some((dimensions as u32, bytes, rmse)),
            _ => None,
        };
        found.with_context(|| format!("line {} is no line of figures: {line}", at + 2))
    };
    lines.map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_in_the_docs_is_drawn_from_the_figures_beside_it() {
        let drawn = svg(FIGURES).unwrap();
        let kept = include_str!("../../../../docs/codes.svg");
        assert!(
            drawn == kept,
            "`cargo run -p host --example codes` draws docs/codes.svg anew"
        );
    }

    #[test]
    fn a_line_that_is_none_is_named() {
        let error = svg("dimensions,bytes\n8,4,codes,none\n").unwrap_err();
        assert!(error.to_string().contains("line 2"), "{error}");
    }
}
