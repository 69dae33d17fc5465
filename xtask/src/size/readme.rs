//! The sizes that firmware/README.md shows: taken from the table, so that neither tells what the other doesn't.

use anyhow::{Result, bail};
use std::path::PathBuf;

use super::table::Sizes;
use super::{MORE, usual_features};
use crate::firmware::Profile;
use crate::shell;

/// Where the figures are shown.
pub fn path() -> PathBuf {
    shell::root().join("firmware").join("README.md")
}

/// The board on which the README shows what features take.
const FEATURES_OF: &str = ::boards::DEFAULT.name;

/// The README's two tables, by their first columns.
#[derive(Clone, Copy, PartialEq)]
enum Of {
    Boards,
    Features,
}

/// The README with the table's figures in place of its own.
///
/// # Errors
/// When it shows a firmware that the table lacks, or lacks one that it should show: which.
pub fn updated(readme: &str, sizes: &Sizes) -> Result<String> {
    let mut text = String::with_capacity(readme.len());
    let mut table = None;
    let mut shown = Vec::new();
    for (number, line) in (1..).zip(readme.lines()) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let row = match (table, &cells[..]) {
            (_, ["", "board", "for speed, with logs", ..]) => {
                table = Some(Of::Boards);
                None
            }
            (_, ["", "feature", _, "flash", ..]) => {
                table = Some(Of::Features);
                None
            }
            (Some(of), ["", name, second, _, _, ""]) if !name.starts_with("---") => {
                Some((of, *name, *second))
            }
            (_, ["", ..]) if line.starts_with('|') => None,
            _ => {
                table = None;
                None
            }
        };
        match row {
            Some((of, name, what)) => {
                let Some(figures) = figures(of, name, sizes) else {
                    bail!("firmware/README.md, line {number}: bench/size.txt has no {name}");
                };
                shown.push((of, plain(name)));
                text += &match (of, figures.map(grouped)) {
                    (Of::Boards, [speed, size, ram]) => {
                        format!("| {name} | {speed} | {size} | {ram} |")
                    }
                    (Of::Features, [_, flash, ram]) => {
                        format!("| {name} | {what} | {flash} | {ram} |")
                    }
                };
            }
            None => text += line,
        }
        text.push('\n');
    }
    for due in due(sizes) {
        if !shown.contains(&due) {
            bail!("firmware/README.md has no row of `{}`: add one", due.1);
        }
    }
    Ok(text)
}

/// A row's first cell without its marks: `none`, or names with commas.
fn plain(name: &str) -> String {
    name.replace(['`', ' '], "")
}

/// The rows that there must be.
fn due(sizes: &Sizes) -> Vec<(Of, String)> {
    let mut boards: Vec<String> = sizes.lines.iter().map(|line| line.board.clone()).collect();
    boards.dedup();
    let features = MORE.iter().map(|more| more.trim_start_matches("learn,"));
    let features = features.chain(["none"]).map(String::from);
    let boards = boards.into_iter().map(|board| (Of::Boards, board));
    let features = features.map(|more| (Of::Features, more));
    boards.chain(features).collect()
}

/// What a row shows: flash for speed, flash for size, and variables for size.
fn figures(of: Of, name: &str, sizes: &Sizes) -> Option<[u64; 3]> {
    let name = plain(name);
    let learn = usual_features(Profile::FirmwareS);
    let (board, small) = match of {
        Of::Boards => (&*name, learn.to_owned()),
        Of::Features if name == "none" => (FEATURES_OF, learn.to_owned()),
        Of::Features => (FEATURES_OF, format!("{learn},{name}")),
    };
    let line = |profile: Profile, features: &str| {
        sizes.lines.iter().find(|line| {
            (&*line.board, &*line.profile, &*line.features) == (board, profile.name(), features)
        })
    };
    let fast = line(Profile::Firmware, usual_features(Profile::Firmware))?;
    let small = line(Profile::FirmwareS, &small)?;
    Some([fast.flash, small.flash, small.ram])
}

/// A number as the README writes it, with a comma before each three digits.
fn grouped(number: u64) -> String {
    match number {
        0..1000 => number.to_string(),
        _ => format!("{},{:03}", grouped(number / 1000), number % 1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const README: &str = include_str!("../../../firmware/README.md");
    const TABLE: &str = include_str!("../../../bench/size.txt");

    #[test]
    fn the_readme_shows_the_sizes_of_the_table() {
        let due = updated(README, &TABLE.parse().unwrap()).unwrap();
        for (number, (told, due)) in (1..).zip(README.lines().zip(due.lines())) {
            assert_eq!(told, due, "firmware/README.md, line {number}");
        }
        assert_eq!(README, due);
    }

    #[test]
    fn every_figure_that_the_readme_shows_is_the_tables() {
        let mut sizes: Sizes = TABLE.parse().unwrap();
        for line in &mut sizes.lines {
            (line.flash, line.ram) = (1_234_567, 89);
        }
        let text = updated(README, &sizes).unwrap();
        let changed = README.lines().zip(text.lines()).filter(|(a, b)| a != b);
        let changed: Vec<_> = changed.map(|(_, line)| line).collect();
        assert_eq!(changed.len(), due(&sizes).len());
        assert!(changed.contains(&"| `pico` | 1,234,567 | 1,234,567 | 89 |"));
        let of_a_feature = "| `integers` | i16 and i8 | 1,234,567 | 89 |";
        assert!(changed.contains(&of_a_feature));
    }

    #[test]
    fn a_row_without_a_size_and_a_size_without_a_row_are_told_by_name() {
        let sizes: Sizes = TABLE.parse().unwrap();
        let told = |readme: &str| updated(readme, &sizes).unwrap_err().to_string();
        let row = |of: &str| {
            let start = format!("| `{of}` | ");
            let found = README.lines().zip(1..).find(|(line, _)| {
                line.starts_with(&start) && line.ends_with(" |") && line.contains(",")
            });
            found.unwrap()
        };
        let shapes = row("shapes").0;
        assert_eq!(
            told(&README.replace(shapes, "")),
            "firmware/README.md has no row of `shapes`: add one"
        );
        let (line, number) = row("shapes");
        assert_eq!(
            told(&README.replace(line, &line.replace("shapes", "toaster"))),
            format!("firmware/README.md, line {number}: bench/size.txt has no `toaster`")
        );
    }
}
