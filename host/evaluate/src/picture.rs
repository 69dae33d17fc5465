//! What all pictures share: their size, their colours, how curves and bars are drawn, and how they look on a dark page.

pub mod codes;
mod draw;

use plotters::prelude::RGBColor;

pub use draw::{Axis, Bars, Curve, Lines, Stroke};

/// Width and height in pixels of a picture that stands alone.
pub const SIZE: (u32, u32) = (840, 480);
/// Width and height in pixels of one among others, which a phone shows without shrinking it.
pub const SMALL: (u32, u32) = (400, 280);
/// Behind everything.
pub const PAPER: RGBColor = RGBColor(0xff, 0xff, 0xff);
/// Text and axes.
pub const INK: RGBColor = RGBColor(0x00, 0x00, 0x00);
/// Lines of the grid.
pub const GRID: RGBColor = RGBColor(0xe6, 0xe6, 0xe6);
/// What others are compared with.
pub const GREY: RGBColor = RGBColor(0x66, 0x66, 0x66);
/// The first curve.
pub const BLUE: RGBColor = RGBColor(0x1f, 0x77, 0xb4);
/// The curve that matters.
pub const ORANGE: RGBColor = RGBColor(0xd6, 0x4a, 0x12);
/// One more curve.
pub const GREEN: RGBColor = RGBColor(0x2c, 0x8a, 0x4b);

/// Each colour, and what it is on a dark page. All but the grid have a contrast of at least 4.2 to 1 with their paper.
const DARK: [(RGBColor, RGBColor); 7] = [
    (PAPER, RGBColor(0x0d, 0x11, 0x17)),
    (INK, RGBColor(0xe6, 0xed, 0xf3)),
    (GRID, RGBColor(0x30, 0x36, 0x3d)),
    (GREY, RGBColor(0x9d, 0xa7, 0xb3)),
    (BLUE, RGBColor(0x58, 0xa6, 0xff)),
    (ORANGE, RGBColor(0xff, 0x8a, 0x5b)),
    (GREEN, RGBColor(0x56, 0xd3, 0x64)),
];

/// The SVG as it was drawn, with the colours of `DARK` where the reader's page is dark.
pub fn for_dark_pages_too(svg: &str) -> String {
    // Behind the opening tag, which the first line is.
    let (opening, rest) = svg.split_once('\n').unwrap_or((svg, ""));
    format!("{opening}\n{}\n{rest}", style())
}

fn style() -> String {
    let rules = DARK.iter().map(|(light, dark)| {
        let [light, dark] =
            [light, dark].map(|RGBColor(r, g, b)| format!("#{r:02X}{g:02X}{b:02X}"));
        format!("[fill=\"{light}\"]{{fill:{dark}}}[stroke=\"{light}\"]{{stroke:{dark}}}")
    });
    let rules: String = rules.collect();
    format!("<style>@media (prefers-color-scheme: dark){{{rules}}}</style>")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The colours that shapes of a picture have.
    fn colours(svg: &str) -> Vec<&str> {
        let shapes = svg.lines().filter(|line| !line.starts_with("<style>"));
        let parts = shapes.flat_map(|line| line.split("=\"#").skip(1));
        parts.map(|part| part.split('"').next().unwrap()).collect()
    }

    #[test]
    fn every_colour_of_the_pictures_in_the_docs_has_one_for_dark_pages() {
        for svg in [
            include_str!("../../../docs/learning-curve.svg"),
            include_str!("../../../docs/codes.svg"),
            include_str!("../../../docs/learning/curve-builtin.svg"),
            include_str!("../../../docs/learning/curve-ml-100k.svg"),
        ] {
            assert_eq!(svg.lines().nth(1), Some(style().as_str()));
            let colours = colours(svg);
            assert!(colours.len() > 20);
            for colour in colours {
                assert!(
                    style().contains(&format!("[fill=\"#{colour}\"]")),
                    "{colour}"
                );
            }
        }
    }

    #[test]
    fn the_style_stands_behind_the_opening_tag_and_nothing_else_changes() {
        let drawn = "<svg>\n<rect fill=\"#FFFFFF\"/>\n</svg>\n";
        let styled = for_dark_pages_too(drawn);
        assert_eq!(styled.replace(&format!("{}\n", style()), ""), drawn);
        assert!(styled.starts_with("<svg>\n<style>"));
    }
}
