//! The table of sizes as a file: written, read again and compared.

use anyhow::{Context, Result, bail};
use std::fmt;
use std::str::FromStr;

/// How much a size may grow before the check fails.
pub const ALLOWED: f64 = 0.02;

/// A table of sizes and the compiler they hold for.
#[derive(Clone, Debug, PartialEq)]
pub struct Sizes {
    /// The compiler's version line.
    pub compiler: String,
    /// One line a firmware.
    pub lines: Vec<Line>,
}

/// What a firmware takes, in bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The board.
    pub board: String,
    /// The cargo profile.
    pub profile: String,
    /// Features beside the board's, `-` where there are none.
    pub features: String,
    /// Code, constants and the first values of variables.
    pub flash: u64,
    /// Variables.
    pub ram: u64,
    /// The deepest that the stack was, where that was measured.
    pub stack: Option<u64>,
}

impl Line {
    fn is_same(&self, other: &Self) -> bool {
        self.board == other.board
            && self.profile == other.profile
            && self.features == other.features
    }
}

const HEAD: &str = "\
# What the firmware takes of a board, in bytes: flash and variables as the linker laid them out, and the deepest that
# the stack was while the emulated firmware answered every request. Written by `cargo xtask size --bless`.
";

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HEAD)?;
        writeln!(f, "# compiler: {}", self.compiler)?;
        writeln!(
            f,
            "# {:8} {:11} {:10} {:>6} {:>6} {:>6}",
            "board", "profile", "features", "flash", "ram", "stack"
        )?;
        for line in &self.lines {
            let stack = line.stack.map_or_else(|| "-".into(), |n| n.to_string());
            writeln!(
                f,
                "{:10} {:11} {:10} {:>6} {:>6} {:>6}",
                line.board, line.profile, line.features, line.flash, line.ram, stack
            )?;
        }
        Ok(())
    }
}

impl FromStr for Sizes {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let compiler = text
            .lines()
            .find_map(|line| line.strip_prefix("# compiler: "))
            .context("the table of sizes names no compiler")?
            .to_string();
        let mut lines = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            if line.starts_with('#') || line.trim().is_empty() {
                continue;
            }
            lines.push(parse(line).with_context(|| format!("line {number} of the sizes"))?);
        }
        Ok(Self { compiler, lines })
    }
}

fn parse(line: &str) -> Result<Line> {
    let words = line.split_whitespace().collect::<Vec<_>>();
    let [board, profile, features, flash, ram, stack] = words[..] else {
        bail!("six columns are needed: `{line}`");
    };
    Ok(Line {
        board: board.into(),
        profile: profile.into(),
        features: features.into(),
        flash: flash.parse()?,
        ram: ram.parse()?,
        stack: match stack {
            "-" => None,
            stack => Some(stack.parse()?),
        },
    })
}

/// A size that isn't what it was.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    what: String,
    before: Option<u64>,
    now: Option<u64>,
}

impl Change {
    /// Whether it grew by more than [`ALLOWED`].
    pub fn too_much(&self) -> bool {
        matches!((self.before, self.now), (Some(before), Some(now)) if now as f64 > before as f64 * (1.0 + ALLOWED))
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.before, self.now) {
            (Some(before), Some(now)) => write!(
                f,
                "{}: {before} -> {now} ({:+.1} %)",
                self.what,
                (now as f64 / before as f64 - 1.0) * 100.0
            ),
            (None, _) => write!(f, "{}: new", self.what),
            (_, None) => write!(f, "{}: gone", self.what),
        }
    }
}

impl Sizes {
    /// Takes over the lines of all boards but one, whose lines come where their names' order has them.
    pub fn take_others(&mut self, old: &Self, board: &str) {
        let others = old.lines.iter().filter(|line| line.board != board);
        let (before, after): (Vec<_>, Vec<_>) = others
            .cloned()
            .partition(|line| line.board.as_str() < board);
        let own = std::mem::take(&mut self.lines);
        self.lines = [before, own, after].concat();
    }

    /// Notes the stack of a firmware.
    pub fn set_stack(&mut self, board: &str, profile: &str, features: &str, bytes: u64) {
        for line in &mut self.lines {
            if line.board == board && line.profile == profile && line.features == features {
                line.stack = Some(bytes);
            }
        }
    }

    /// Takes over the stacks of another table.
    pub fn take_stacks(&mut self, other: &Self) {
        for line in &mut self.lines {
            line.stack = other
                .lines
                .iter()
                .find(|old| old.is_same(line))
                .and_then(|old| old.stack);
        }
    }

    /// What is different in `now`.
    pub fn changes(&self, now: &Self) -> Vec<Change> {
        let mut changes = Vec::new();
        let name = |line: &Line| format!("{} {} {}", line.board, line.profile, line.features);
        for new in &now.lines {
            let old = self.lines.iter().find(|old| old.is_same(new));
            for (what, before, after) in [
                ("flash", old.map(|old| old.flash), new.flash),
                ("ram", old.map(|old| old.ram), new.ram),
            ] {
                if before != Some(after) {
                    changes.push(Change {
                        what: format!("{} {what}", name(new)),
                        before,
                        now: Some(after),
                    });
                }
            }
        }
        for old in &self.lines {
            if !now.lines.iter().any(|new| new.is_same(old)) {
                changes.push(Change {
                    what: name(old),
                    before: Some(old.flash),
                    now: None,
                });
            }
        }
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(flash: u64) -> Sizes {
        Sizes {
            compiler: "rustc 1.0.0 (abc 2020-01-01)".into(),
            lines: vec![Line {
                board: "toaster".into(),
                profile: "firmware".into(),
                features: "learn,log".into(),
                flash,
                ram: 3_000,
                stack: Some(900),
            }],
        }
    }

    #[test]
    fn a_table_is_read_as_it_was_written() {
        let mut written = sizes(60_000);
        assert_eq!(written.to_string().parse::<Sizes>().unwrap(), written);
        written.lines[0].stack = None;
        assert_eq!(written.to_string().parse::<Sizes>().unwrap(), written);
        assert!("nothing".parse::<Sizes>().is_err());
        assert!("# compiler: x\ntoaster 1\n".parse::<Sizes>().is_err());
    }

    #[test]
    fn growth_beyond_the_allowance_is_told_from_growth_within() {
        let before = sizes(60_000);
        let small = before.changes(&sizes(61_000));
        assert_eq!(small.len(), 1);
        assert!(!small[0].too_much());
        assert!(before.changes(&sizes(61_300))[0].too_much());
        assert!(!before.changes(&sizes(50_000))[0].too_much());
        assert_eq!(before.changes(&before), []);
    }

    #[test]
    fn stacks_are_taken_over_and_set_by_name() {
        let mut now = sizes(1);
        now.lines[0].stack = None;
        now.take_stacks(&sizes(2));
        assert_eq!(now.lines[0].stack, Some(900));
        now.set_stack("toaster", "firmware", "learn", 7);
        assert_eq!(now.lines[0].stack, Some(900));
        now.set_stack("toaster", "firmware", "learn,log", 7);
        assert_eq!(now.lines[0].stack, Some(7));
    }

    #[test]
    fn one_boards_lines_take_the_place_of_its_old_ones_among_the_others() {
        let named = |names: &[&str], flash| {
            let mut table = sizes(flash);
            let line = table.lines[0].clone();
            let lines = names.iter().map(|name| Line {
                board: (*name).into(),
                ..line.clone()
            });
            table.lines = lines.collect();
            table
        };
        for old in [&["kettle", "toaster", "vase"][..], &["kettle", "vase"]] {
            let mut now = named(&["toaster"], 2);
            now.take_others(&named(old, 1), "toaster");
            let found = now.lines.iter().map(|line| (&*line.board, line.flash));
            let due = [("kettle", 1), ("toaster", 2), ("vase", 1)];
            assert_eq!(found.collect::<Vec<_>>(), due);
        }
    }
}
