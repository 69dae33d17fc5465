//! The curve of learning as an SVG.

use anyhow::{Result, anyhow};
use plotters::prelude::*;

use super::figures::Line;
use crate::picture::{self, BLUE, GREEN, GREY, GRID, INK, ORANGE, PAPER, SIZE};

/// RMSE by number of ratings given: N, B, R where there is one, and D.
///
/// # Errors
/// If the drawing library refuses, which it has no reason to.
pub fn svg(lines: &[Line], title: &str) -> Result<String> {
    let mut text = String::new();
    draw(&mut text, lines, title).map_err(|error| anyhow!("can't draw: {error}"))?;
    Ok(picture::for_dark_pages_too(&text))
}

fn draw(text: &mut String, lines: &[Line], title: &str) -> Result<(), Box<dyn std::error::Error>> {
    let all = lines.iter().flat_map(|line| {
        [line.nothing, line.biases, line.device]
            .into_iter()
            .chain(line.retrained)
    });
    let (low, high) = all.fold((f64::MAX, f64::MIN), |(low, high), x| {
        (low.min(x), high.max(x))
    });
    let room = (high - low).max(0.01);
    let root = SVGBackend::with_string(text, SIZE).into_drawing_area();
    root.fill(&PAPER)?;
    let font = |size: i32| ("sans-serif", size).into_font().color(&INK);
    let mut chart = ChartBuilder::on(&root)
        .caption(title, font(20))
        .margin(16)
        .margin_right(28)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d(0.0..20.4, low - room * 0.06..high + room * 0.08)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .x_labels(11)
        .y_labels(8)
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|y| format!("{y:.2}"))
        .x_desc("Ratings given on the device")
        .y_desc("RMSE of the other ratings, in stars")
        .label_style(font(14))
        .axis_desc_style(font(15))
        .draw()?;
    type Curve<'a> = (&'a str, RGBColor, fn(&Line) -> Option<f64>);
    let curves: [Curve<'_>; 4] = [
        ("N: no learning", GREY, |line| Some(line.nothing)),
        ("B: the person's bias, best shrinkage", GREEN, |line| {
            Some(line.biases)
        }),
        ("R: retrained with these ratings", BLUE, |line| {
            line.retrained
        }),
        ("D: the device", ORANGE, |line| Some(line.device)),
    ];
    for (name, color, of) in curves {
        let points: Vec<(f64, f64)> = lines
            .iter()
            .filter_map(|line| Some((line.k as f64, of(line)?)))
            .collect();
        if points.is_empty() {
            continue;
        }
        chart
            .draw_series(LineSeries::new(points.clone(), color.stroke_width(3)))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 22, y)], color.stroke_width(3)));
        chart.draw_series(
            points
                .iter()
                .map(|point| Circle::new(*point, 4, color.filled())),
        )?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::Coordinate(450, 80))
        .background_style(PAPER.mix(0.9))
        .border_style(GRID)
        .label_font(font(14))
        .margin(10)
        .legend_area_size(28)
        .draw()?;
    root.present()?;
    Ok(())
}
