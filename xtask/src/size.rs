//! The `size` verb: flash, variables and stack of every firmware, against what its board has and the table of old.

mod table;

use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::boards::{self, Board};
use crate::elf;
use crate::firmware::{self, Options, Profile};
use crate::shell;
use crate::toolchain::Toolchain;
use table::{Line, Sizes};

/// The table's place in the repository; `host inspect --board` reads it too.
fn path() -> PathBuf {
    shell::root().join("bench").join("size.txt")
}

/// What a firmware is built with beside its board's own features: as the table has them, with `-` for nothing.
const FEATURES: [&str; 3] = ["learn,log", "learn", "-"];

/// Further models and owners, without logs: for the small firmware of the board that is meant where nobody names one.
const MORE: [&str; 5] = [
    "learn,shapes",
    "learn,integers",
    "learn,codes",
    "learn,owners",
    "learn,integers,shapes,wide,owners",
];

/// Builds each board's firmware in each profile, with logs, without, and without learning, and one with further models
/// and owners; prints what each takes, and compares it with the table in the repository, or writes that where told to `bless`.
/// Stacks are measured only then. With a board, its firmware alone.
///
/// # Errors
/// When one doesn't build, is larger than its board's limits, or has grown by more than [`table::ALLOWED`] with the
/// compiler that the table names.
pub fn run(toolchain: &Toolchain, bless: bool, only: Option<Board>) -> Result<()> {
    let chosen = |board: &&Board| only.is_none_or(|only| only.name == board.name);
    let boards: Vec<Board> = boards::all().iter().filter(chosen).copied().collect();
    let mut lines = Vec::new();
    let mut excess = Vec::new();
    for &board in &boards {
        for profile in Profile::ALL {
            let more = board.name == ::boards::DEFAULT.name && profile == Profile::FirmwareS;
            let more = if more { &MORE[..] } else { &[] };
            for &features in FEATURES.iter().chain(more) {
                let line = build(toolchain, board, profile, features)?;
                let (flash, ram) = (board.firmware_flash as u64, board.ram as u64);
                if line.flash > flash || line.ram > ram {
                    let (name, profile) = (board.name, profile.name());
                    excess.push(format!("{name} with {profile} and {features}"));
                }
                lines.push(line);
            }
        }
    }
    let mut now = Sizes {
        compiler: toolchain.version(),
        lines,
    };
    let old = std::fs::read_to_string(path()).unwrap_or_default();
    let old = old.parse::<Sizes>();
    if let (Some(only), Ok(old)) = (only, &old) {
        now.take_others(old, only.name);
    }
    match (bless, &old) {
        // An emulator is needed for it.
        (true, _) if boards.iter().any(|board| board.emulator.is_some()) => {
            measure_stacks(&mut now)?
        }
        (_, Ok(old)) => now.take_stacks(old),
        _ => {}
    }
    println!("{now}");
    for board in &boards {
        let (flash, ram) = (board.firmware_flash as u64, board.ram as u64);
        let name = board.name;
        println!(
            "{name} has {flash} bytes of flash for it, and {ram} of RAM for variables and stack"
        );
    }
    learning(&now);
    if !excess.is_empty() {
        bail!("too large: {}", excess.join(", "));
    }
    if bless {
        let path = path();
        std::fs::write(&path, now.to_string())
            .with_context(|| format!("writing {}", path.display()))?;
        eprintln!("wrote {}", path.display());
        return Ok(());
    }
    let old = old.with_context(|| format!("{}: run with --bless to write it", path().display()))?;
    compare(&old, &now)
}

/// Says what changed.
fn compare(old: &Sizes, now: &Sizes) -> Result<()> {
    let changes = old.changes(now);
    for change in &changes {
        println!("{change}");
    }
    let grown = changes.iter().filter(|change| change.too_much()).count();
    if grown == 0 {
        return Ok(());
    }
    if old.compiler == now.compiler {
        bail!(
            "{grown} sizes grew by more than {} %: see above, and bless them with `cargo xtask size --bless` if \
             that is meant",
            table::ALLOWED * 100.0
        );
    }
    println!(
        "{grown} sizes grew, with another compiler than the table's ({}): not held against the code",
        old.compiler
    );
    Ok(())
}

fn build(toolchain: &Toolchain, board: Board, profile: Profile, features: &str) -> Result<Line> {
    let elf = match features {
        "-" => firmware::build_board(toolchain, board, &boards::usual_features(board), profile)?,
        features => {
            let more = features
                .split(',')
                .filter(|name| ::boards::BESIDE.contains(name));
            let options = Options {
                profile,
                log: features.contains("log"),
                features: more.map(String::from).collect(),
            };
            firmware::build(toolchain, board, &options)?
        }
    };
    let sizes = elf::sizes(&elf, board.ram_addresses())?;
    Ok(Line {
        board: board.name.into(),
        profile: profile.name().into(),
        features: features.into(),
        flash: sizes.flash,
        ram: sizes.ram,
        stack: None,
    })
}

/// What core's feature `learn` adds.
fn learning(sizes: &Sizes) {
    println!("\n| board | profile | flash that `learn` adds | RAM that it adds |");
    println!("|---|---|---|---|");
    for with in sizes.lines.iter().filter(|line| line.features == "learn") {
        let without = sizes.lines.iter().find(|line| {
            line.features == "-" && line.board == with.board && line.profile == with.profile
        });
        if let Some(without) = without {
            println!(
                "| {} | {} | {} | {} |",
                with.board,
                with.profile,
                with.flash.saturating_sub(without.flash),
                with.ram.saturating_sub(without.ram)
            );
        }
    }
}

/// The test that asks a firmware everything in the emulator, and then looks how deep its stack has been.
const STACK_TEST: &str = "the_stack_keeps_away_from_the_variables_whatever_is_asked";

/// Runs it and takes over what it measured.
fn measure_stacks(sizes: &mut Sizes) -> Result<()> {
    let mut command: Command = shell::cargo();
    command
        .args(["test", "--quiet", "-p", "tests", "--features", "emulator"])
        .args(["--test", "it", STACK_TEST, "--", "--nocapture"])
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit());
    eprintln!("$ {}", shell::words(&command));
    let output = command.output().context("cargo could not be started")?;
    // Its verdict is on the table of old, so it doesn't count here.
    let text = String::from_utf8_lossy(&output.stdout);
    let mut found = 0;
    for &board in boards::all() {
        for profile in Profile::ALL {
            let head = format!("stack of {} {} ", board.name, profile.name());
            let bytes = text
                .lines()
                .find_map(|line| line.split_once(&head)?.1.split(',').next()?.parse().ok());
            let Some(bytes) = bytes else {
                eprintln!("the test `{STACK_TEST}` doesn't boot {}", board.name);
                continue;
            };
            found += 1;
            let log = Options::usual(profile).log;
            let features = if log { "learn,log" } else { "learn" };
            sizes.set_stack(board.name, profile.name(), features, bytes);
        }
    }
    if found == 0 {
        bail!("the test `{STACK_TEST}` measured no stack");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::STACK_TEST;

    #[test]
    fn the_test_that_measures_stacks_is_where_it_is_looked_for() {
        let program = include_str!("../../tests/tests/it/firmware.rs");
        assert!(program.contains(&format!("fn {STACK_TEST}()")));
    }
}
