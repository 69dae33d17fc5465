//! The table of counts as a file: written, read again and compared.

use anyhow::{Context, Result, bail};
use std::fmt;
use std::str::FromStr;

use super::trace::Region;

/// How much a count may grow before the check fails.
pub const ALLOWED: f64 = 0.02;

/// A table of counts and the compiler they hold for.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The compiler's version line.
    pub compiler: String,
    /// One line a piece of work.
    pub lines: Vec<Line>,
}

/// What a piece of work costs a unit: a prediction, a movie, a step.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    core: String,
    build: String,
    work: String,
    units: u64,
    instructions: f64,
    cycles: Option<f64>,
    stack: u64,
}

impl Line {
    /// The line of a counted region.
    pub fn new(core: &str, build: &str, region: &Region) -> Self {
        let a_unit = |count: u64| (count as f64 / region.units.max(1) as f64 * 10.0).round() / 10.0;
        Self {
            core: core.into(),
            build: build.into(),
            work: region.name.clone(),
            units: region.units,
            instructions: a_unit(region.instructions),
            cycles: region.cycles.map(a_unit),
            stack: region.stack,
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        self.core == other.core && self.build == other.build && self.work == other.work
    }
}

/// How much more a piece of work may cost where all but core is compiled for size than where it is for speed.
pub const ALLOWED_CALLER: f64 = 0.03;

const HEAD: &str = "\
# What core's work costs on a device, a unit of it: instructions counted in the emulator, cycles by the core's
# manual at zero wait states. Written by `cargo xtask bench device --bless`.
";

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HEAD)?;
        writeln!(f, "# compiler: {}", self.compiler)?;
        writeln!(
            f,
            "# {:4} {:14} {:16} {:>6} {:>13} {:>10} {:>6}",
            "core", "build", "work", "units", "instructions", "cycles", "stack"
        )?;
        for line in &self.lines {
            let cycles = line
                .cycles
                .map_or_else(|| "-".into(), |cycles| format!("{cycles:.1}"));
            writeln!(
                f,
                "{:6} {:14} {:16} {:>6} {:>13.1} {:>10} {:>6}",
                line.core, line.build, line.work, line.units, line.instructions, cycles, line.stack
            )?;
        }
        Ok(())
    }
}

impl FromStr for Snapshot {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let compiler = text
            .lines()
            .find_map(|line| line.strip_prefix("# compiler: "))
            .context("the snapshot names no compiler")?
            .to_string();
        let mut lines = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            if line.starts_with('#') || line.trim().is_empty() {
                continue;
            }
            lines.push(parse(line).with_context(|| format!("line {number} of the snapshot"))?);
        }
        Ok(Self { compiler, lines })
    }
}

fn parse(line: &str) -> Result<Line> {
    let words = line.split_whitespace().collect::<Vec<_>>();
    let [core, build, work, units, instructions, cycles, stack] = words[..] else {
        bail!("seven columns are needed: `{line}`");
    };
    Ok(Line {
        core: core.into(),
        build: build.into(),
        work: work.into(),
        units: units.parse()?,
        instructions: instructions.parse()?,
        cycles: match cycles {
            "-" => None,
            cycles => Some(cycles.parse()?),
        },
        stack: stack.parse()?,
    })
}

/// A count that isn't what it was.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    what: String,
    before: Option<f64>,
    now: Option<f64>,
}

impl Change {
    /// Whether it grew by more than [`ALLOWED`].
    pub fn too_much(&self) -> bool {
        matches!((self.before, self.now), (Some(before), Some(now)) if now > before * (1.0 + ALLOWED))
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.before, self.now) {
            (Some(before), Some(now)) => write!(
                f,
                "{}: {before:.1} -> {now:.1} ({:+.1} %)",
                self.what,
                (now / before - 1.0) * 100.0
            ),
            (None, _) => write!(f, "{}: new", self.what),
            (_, None) => write!(f, "{}: gone", self.what),
        }
    }
}

impl Snapshot {
    /// What costs more in the build `other` of a core than in the build `build` of the same core, by more than
    /// [`ALLOWED_CALLER`], in instructions or in cycles, and a sentence that says so.
    pub fn dearer(&self, build: &str, other: &str) -> Vec<(String, String)> {
        let mut sentences = Vec::new();
        for line in self.lines.iter().filter(|line| line.build == other) {
            let Some(usual) = self.lines.iter().find(|usual| {
                usual.build == build && usual.core == line.core && usual.work == line.work
            }) else {
                continue;
            };
            for (what, before, now) in [
                (
                    "instructions",
                    Some(usual.instructions),
                    Some(line.instructions),
                ),
                ("cycles", usual.cycles, line.cycles),
            ] {
                if let (Some(before), Some(now)) = (before, now)
                    && now > before * (1.0 + ALLOWED_CALLER)
                {
                    let sentence = format!(
                        "{} on {} takes {now:.1} {what} in the build {other} and {before:.1} in {build}: {:.1} % \
                         more, of {:.0} % that are allowed",
                        line.work,
                        line.core,
                        (now / before - 1.0) * 100.0,
                        ALLOWED_CALLER * 100.0
                    );
                    sentences.push((format!("{} {} {what}", line.core, line.work), sentence));
                }
            }
        }
        sentences
    }

    /// The lines of some cores and builds.
    pub fn keeping(mut self, keep: impl Fn(&str, &str) -> bool) -> Self {
        self.lines.retain(|line| keep(&line.core, &line.build));
        self
    }

    /// With the lines of `now` in place of those of its core and build; the others stay as they are.
    ///
    /// # Errors
    /// When they hold for different compilers.
    pub fn with(self, now: Self) -> Result<Self> {
        if self.compiler != now.compiler {
            bail!(
                "the snapshot is of {} and this compiler is {}: bless all of it, without --only",
                self.compiler,
                now.compiler
            );
        }
        let place = |line: &Line| (line.core.clone(), line.build.clone());
        let counted = now.lines.iter().map(place).collect::<Vec<_>>();
        let first = self
            .lines
            .iter()
            .position(|line| counted.contains(&place(line)));
        let mut others = self.lines;
        let behind = others.split_off(first.unwrap_or(others.len()));
        others.extend(now.lines);
        others.extend(
            behind
                .into_iter()
                .filter(|line| !counted.contains(&place(line))),
        );
        Ok(Self {
            lines: others,
            ..now
        })
    }

    /// What is different in `now`.
    pub fn changes(&self, now: &Self) -> Vec<Change> {
        let mut changes = Vec::new();
        for new in &now.lines {
            let what = format!("{} {} {}", new.core, new.build, new.work);
            let Some(old) = self.lines.iter().find(|old| old.is_same(new)) else {
                changes.push(Change {
                    what,
                    before: None,
                    now: Some(new.instructions),
                });
                continue;
            };
            for (count, before, after) in [
                (
                    "instructions",
                    Some(old.instructions),
                    Some(new.instructions),
                ),
                ("cycles", old.cycles, new.cycles),
                ("stack", Some(old.stack as f64), Some(new.stack as f64)),
            ] {
                if before != after {
                    changes.push(Change {
                        what: format!("{what} {count}"),
                        before,
                        now: after,
                    });
                }
            }
        }
        for old in &self.lines {
            if !now.lines.iter().any(|new| new.is_same(old)) {
                changes.push(Change {
                    what: format!("{} {} {}", old.core, old.build, old.work),
                    before: Some(old.instructions),
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

    fn snapshot(instructions: u64) -> Snapshot {
        let region = Region {
            name: "rank".into(),
            units: 10,
            instructions,
            cycles: Some(12_345),
            stack: 300,
        };
        Snapshot {
            compiler: "rustc 1.0.0 (abc 2020-01-01)".into(),
            lines: vec![Line::new("M4F", "no-flags", &region)],
        }
    }

    #[test]
    fn a_snapshot_is_read_as_it_was_written() {
        let written = snapshot(10_000);
        assert_eq!(written.to_string().parse::<Snapshot>().unwrap(), written);
        assert!("nothing".parse::<Snapshot>().is_err());
        assert!("# compiler: x\nM4F\n".parse::<Snapshot>().is_err());
    }

    #[test]
    fn what_was_counted_alone_takes_its_place_among_the_others() {
        let of = |build: &str, instructions| {
            let mut lines = snapshot(instructions).lines;
            lines[0].build = build.into();
            lines
        };
        let whole = |lines: [Vec<Line>; 3]| Snapshot {
            lines: lines.concat(),
            ..snapshot(0)
        };
        let before = whole([of("a", 1), of("b", 2), of("c", 3)]);
        let alone = |build, instructions| Snapshot {
            lines: of(build, instructions),
            ..snapshot(0)
        };
        let after = |now| before.clone().with(now).unwrap();
        assert_eq!(
            after(alone("b", 7)),
            whole([of("a", 1), of("b", 7), of("c", 3)])
        );
        assert_eq!(
            after(alone("d", 7)).lines,
            [before.lines.clone(), of("d", 7)].concat()
        );
        let other = Snapshot {
            compiler: "rustc 2.0.0".into(),
            ..alone("b", 7)
        };
        let error = before.with(other).unwrap_err().to_string();
        assert!(error.contains("without --only"), "{error}");
    }

    #[test]
    fn work_that_costs_more_than_for_a_caller_at_3_is_named() {
        let both = |instructions| {
            let mut both = snapshot(10_000);
            both.lines[0].build = "caller-at-3".into();
            let mut other = snapshot(instructions).lines;
            other[0].build = "workspace".into();
            both.lines.append(&mut other);
            both.dearer("caller-at-3", "workspace")
                .into_iter()
                .map(|(_, sentence)| sentence)
                .collect::<Vec<_>>()
        };
        assert_eq!(both(10_290), Vec::<String>::new());
        assert_eq!(
            both(10_400),
            [
                "rank on M4F takes 1040.0 instructions in the build workspace and 1000.0 in caller-at-3: 4.0 % more, of \
              3 % that are allowed"
            ]
        );
    }

    #[test]
    fn growth_beyond_the_allowance_is_told_from_growth_within() {
        let before = snapshot(10_000);
        let small = before.changes(&snapshot(10_100));
        assert_eq!(small.len(), 1);
        assert!(!small[0].too_much());
        assert!(before.changes(&snapshot(10_300))[0].too_much());
        assert!(!before.changes(&snapshot(9_000))[0].too_much());
        assert_eq!(before.changes(&before), []);
    }
}
