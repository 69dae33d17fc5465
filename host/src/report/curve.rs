//! The course of training as a table and as a picture.

use std::fmt::Write;

use anyhow::{Result, anyhow};
use plotters::prelude::*;

use pocketrec_evaluate::picture::{self, BLUE, GREY, GRID, INK, ORANGE, PAPER, SIZE};
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

/// Training and validation MAE by epoch against the baseline (the mean of each movie), as SVG text that ends with the
/// run's name.
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
    let mut text = String::new();
    draw(&mut text, history, baseline_mae, best_epoch, title)
        .map_err(|error| anyhow!("can't draw: {error}"))?;
    text.push_str(&format!("<!-- run {run} -->\n"));
    Ok(picture::for_dark_pages_too(&text))
}

fn draw(
    text: &mut String,
    history: &[Epoch],
    baseline: f64,
    best_epoch: usize,
    title: &str,
) -> Result<(), Box<dyn std::error::Error>> {
    let last = history.len().max(2) as f64;
    let (low, high) = range(history, baseline);
    let root = SVGBackend::with_string(text, SIZE).into_drawing_area();
    root.fill(&PAPER)?;
    let font = |size: i32| ("sans-serif", size).into_font().color(&INK);
    let mut chart = ChartBuilder::on(&root)
        .caption(title, font(20))
        .margin(16)
        .margin_right(28)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d(1.0..last, low..high)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .x_labels(history.len().clamp(2, 20))
        .y_labels(8)
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|y| format!("{y:.2}"))
        .x_desc("Epoch")
        .y_desc("Mean absolute error in stars")
        .label_style(font(14))
        .axis_desc_style(font(15))
        .draw()?;
    let key = |color: RGBColor| {
        move |(x, y)| PathElement::new([(x, y), (x + 22, y)], color.stroke_width(3))
    };
    let points =
        |value: fn(&Epoch) -> f64| history.iter().map(move |e| (e.number as f64, value(e)));
    chart
        .draw_series(DashedLineSeries::new(
            [(1.0, baseline), (last, baseline)],
            8,
            5,
            GREY.stroke_width(2),
        ))?
        .label(format!("baseline: each movie's mean ({baseline:.3})"))
        .legend(key(GREY));
    chart
        .draw_series(LineSeries::new(
            points(|e| e.train_mae),
            BLUE.stroke_width(3),
        ))?
        .label("training")
        .legend(key(BLUE));
    let best = history.iter().find(|e| e.number == best_epoch);
    let label = best.map_or_else(
        || "validation".into(),
        |best| {
            format!(
                "validation ({:.3} in epoch {}, kept)",
                best.validation_mae, best.number
            )
        },
    );
    chart
        .draw_series(LineSeries::new(
            points(|e| e.validation_mae),
            ORANGE.stroke_width(3),
        ))?
        .label(label)
        .legend(key(ORANGE));
    if let Some(best) = best {
        chart.draw_series([Circle::new(
            (best.number as f64, best.validation_mae),
            6,
            ORANGE.filled(),
        )])?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(PAPER.mix(0.9))
        .border_style(GRID)
        .label_font(font(14))
        .margin(10)
        .legend_area_size(28)
        .draw()?;
    root.present()?;
    Ok(())
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
