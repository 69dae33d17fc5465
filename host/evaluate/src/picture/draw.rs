//! Curves over two axes, and bars beside each other, as SVG.

use std::error::Error;
use std::ops::Range;

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;

use super::{GRID, INK, PAPER, SIZE, for_dark_pages_too};

type Drawn = Result<(), Box<dyn Error>>;
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// An axis.
pub struct Axis<'a> {
    /// What it counts, and in what.
    pub name: &'a str,
    /// From where to where it goes.
    pub range: Range<f64>,
    /// About how many numbers stand beside it.
    pub labels: usize,
    /// Decimals of these numbers.
    pub decimals: usize,
    /// Whether a step along it doubles: what lies at x stands for 2^x.
    pub doubling: bool,
}

impl Axis<'_> {
    fn label(&self, at: f64) -> String {
        let decimals = self.decimals;
        match self.doubling {
            true => format!("{:.decimals$}", at.exp2()),
            false => format!("{at:.decimals$}"),
        }
    }
}

/// How a curve is drawn.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Stroke {
    /// A line.
    Line,
    /// A line with a dot at each of its points.
    Dotted,
    /// A broken line.
    Dashed,
}

/// A curve.
pub struct Curve {
    /// What the legend calls it.
    pub name: String,
    /// Its colour, one of this module's.
    pub color: RGBColor,
    /// How it is drawn.
    pub stroke: Stroke,
    /// Its points, from left to right.
    pub points: Vec<(f64, f64)>,
    /// A point of it that stands out.
    pub mark: Option<(f64, f64)>,
}

/// A picture of curves.
pub struct Lines<'a> {
    /// Width and height in pixels.
    pub size: (u32, u32),
    /// Above it; may be empty.
    pub title: &'a str,
    /// The axis below.
    pub x: Axis<'a>,
    /// The axis on the left.
    pub y: Axis<'a>,
    /// The curves, the last above the others.
    pub curves: Vec<Curve>,
    /// Where the legend stands.
    pub legend: SeriesLabelPosition,
}

impl Lines<'_> {
    /// As SVG.
    ///
    /// # Errors
    /// If the drawing library refuses, which it has no reason to.
    pub fn svg(&self) -> Result<String> {
        svg(self.size, |root, measures| self.draw(root, measures))
    }

    fn draw(&self, root: &Area<'_>, measures: Measures) -> Drawn {
        let (font, margin, areas) = (measures.font, measures.margin, measures.areas);
        let mut chart = ChartBuilder::on(root);
        if !self.title.is_empty() {
            chart.caption(self.title, font(6));
        }
        let mut chart = chart
            .margin(margin)
            .margin_right(margin + 12)
            .x_label_area_size(areas.0)
            .y_label_area_size(areas.1)
            .build_cartesian_2d(self.x.range.clone(), self.y.range.clone())?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID)
            .x_labels(self.x.labels)
            .y_labels(self.y.labels)
            .x_label_formatter(&|x| self.x.label(*x))
            .y_label_formatter(&|y| self.y.label(*y))
            .x_desc(self.x.name)
            .y_desc(self.y.name)
            .label_style(font(0))
            .axis_desc_style(font(1))
            .draw()?;
        for curve in self.curves.iter().filter(|curve| !curve.points.is_empty()) {
            let color = curve.color;
            let points = || curve.points.iter().copied();
            let drawn = match curve.stroke {
                Stroke::Dashed => chart.draw_series(DashedLineSeries::new(
                    points(),
                    8,
                    5,
                    color.stroke_width(2),
                ))?,
                Stroke::Line | Stroke::Dotted => {
                    chart.draw_series(LineSeries::new(points(), color.stroke_width(3)))?
                }
            };
            drawn.label(&curve.name).legend(move |(x, y)| {
                PathElement::new([(x, y), (x + 22, y)], color.stroke_width(3))
            });
            if curve.stroke == Stroke::Dotted {
                chart.draw_series(points().map(|point| Circle::new(point, 4, color.filled())))?;
            }
            chart.draw_series(
                curve
                    .mark
                    .map(|point| Circle::new(point, 6, color.filled())),
            )?;
        }
        chart
            .configure_series_labels()
            .position(self.legend.clone())
            .background_style(PAPER.mix(0.9))
            .border_style(GRID)
            .label_font(font(0))
            .margin(margin.min(10))
            .legend_area_size(28)
            .draw()?;
        Ok(())
    }
}

/// A picture of bars: in each group one of every series.
pub struct Bars<'a> {
    /// Width and height in pixels.
    pub size: (u32, u32),
    /// What the groups are.
    pub x: &'a str,
    /// What the bars' heights are.
    pub y: &'a str,
    /// What each group is called.
    pub groups: &'a [String],
    /// Name, colour, and a height for each group, where it has one.
    pub series: &'a [(&'a str, RGBColor, Vec<Option<f64>>)],
    /// The least height shown; 0 unless bars differ by little.
    pub lowest: f64,
    /// Decimals of the numbers on the left.
    pub decimals: usize,
}

impl Bars<'_> {
    /// As SVG.
    ///
    /// # Errors
    /// If the drawing library refuses, which it has no reason to.
    pub fn svg(&self) -> Result<String> {
        svg(self.size, |root, measures| self.draw(root, measures))
    }

    fn draw(&self, root: &Area<'_>, measures: Measures) -> Drawn {
        let (font, margin, areas) = (measures.font, measures.margin, measures.areas);
        let heights = self.series.iter().flat_map(|(.., heights)| heights);
        let highest = heights.flatten().fold(self.lowest, |high, y| high.max(*y));
        let span = (highest - self.lowest).max(1e-9);
        // A group is as wide as 1, from half before its number to half behind it; above the bars the legend has room.
        let mut chart = ChartBuilder::on(root)
            .margin(margin)
            .margin_right(margin + 4)
            .x_label_area_size(areas.0)
            .y_label_area_size(areas.1)
            .build_cartesian_2d(
                -0.5..self.groups.len() as f64 - 0.5,
                self.lowest..self.lowest + span * 1.3,
            )?;
        let decimals = self.decimals;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID)
            .x_labels(self.groups.len() * 2 + 1)
            .y_labels(6)
            .x_label_formatter(&|x| match (x - x.round()).abs() < 0.01 {
                true => self
                    .groups
                    .get(x.round() as usize)
                    .cloned()
                    .unwrap_or_default(),
                false => String::new(),
            })
            .y_label_formatter(&|y| format!("{y:.decimals$}"))
            .x_desc(self.x)
            .y_desc(self.y)
            .label_style(font(0))
            .axis_desc_style(font(1))
            .draw()?;
        let width = 0.8 / self.series.len().max(1) as f64;
        for (at, (name, color, heights)) in self.series.iter().enumerate() {
            let bars = (0..).zip(heights).filter_map(|(group, height)| {
                let left = f64::from(group) - 0.4 + at as f64 * width;
                let corners = [(left, self.lowest), (left + width * 0.94, (*height)?)];
                Some(Rectangle::new(corners, color.filled()))
            });
            let color = *color;
            chart.draw_series(bars)?.label(*name).legend(move |(x, y)| {
                Rectangle::new([(x + 8, y - 5), (x + 20, y + 5)], color.filled())
            });
        }
        if self.series.len() > 1 {
            chart
                .configure_series_labels()
                .position(SeriesLabelPosition::UpperLeft)
                .background_style(PAPER.mix(0.9))
                .border_style(GRID)
                .label_font(font(0))
                .margin(margin.min(10))
                .legend_area_size(24)
                .draw()?;
        }
        Ok(())
    }
}

/// What follows from a picture's size.
struct Measures {
    /// A font as much larger than that of labels.
    font: fn(i32) -> TextStyle<'static>,
    margin: u32,
    /// Room for the numbers and names of the axes: below, and on the left.
    areas: (u32, u32),
}

impl Measures {
    fn of(size: (u32, u32)) -> Self {
        match size.0 < SIZE.0 {
            true => Self {
                font: |more| ("sans-serif", 12 + more).into_font().color(&INK),
                margin: 6,
                areas: (38, 52),
            },
            false => Self {
                font: |more| ("sans-serif", 14 + more).into_font().color(&INK),
                margin: 16,
                areas: (44, 64),
            },
        }
    }
}

fn svg(size: (u32, u32), draw: impl FnOnce(&Area<'_>, Measures) -> Drawn) -> Result<String> {
    let mut text = String::new();
    let drawn = (|| {
        let root = SVGBackend::with_string(&mut text, size).into_drawing_area();
        root.fill(&PAPER)?;
        draw(&root, Measures::of(size))?;
        root.present()?;
        Ok(())
    })();
    drawn.map_err(|error: Box<dyn Error>| anyhow!("can't draw: {error}"))?;
    Ok(for_dark_pages_too(&text))
}
