//! The `size` verb: flash, variables and stack of every firmware, against what its board has and the table of old.

mod readme;
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

/// A firmware to build: the features beside its board's as the table has them.
type Wanted = (Board, Profile, &'static str);

/// Each board's firmware in each profile, with logs, without, and without learning, and one with further models and owners.
fn all(boards: &[Board]) -> Vec<Wanted> {
    let mut all = Vec::new();
    for &board in boards {
        for profile in Profile::ALL {
            let more = board.name == ::boards::DEFAULT.name && profile == Profile::FirmwareS;
            let more = if more { &MORE[..] } else { &[] };
            let features = FEATURES.iter().chain(more);
            all.extend(features.map(|features| (board, profile, *features)));
        }
    }
    all
}

/// Those of a profile that people build unless they ask for another, and the ones with further models and owners.
fn is_usual(profile: &str, features: &str) -> bool {
    let usual = |of: &Profile| of.name() == profile && usual_features(*of) == features;
    Profile::ALL.iter().any(usual) || MORE.contains(&features)
}

/// What the usual firmware of a profile is built with, in the table's words.
fn usual_features(profile: Profile) -> &'static str {
    match Options::usual(profile).log {
        true => "learn,log",
        false => "learn",
    }
}

/// Builds every board's usual firmware and compares what each takes with the table in the repository.
///
/// # Errors
/// As [`run`].
pub fn usual(toolchain: &Toolchain) -> Result<()> {
    let mut wanted = all(boards::all());
    wanted.retain(|(_, profile, features)| is_usual(profile.name(), features));
    let lines = build_all(toolchain, &wanted)?;
    let now = Sizes {
        compiler: toolchain.version(),
        lines,
    };
    println!("{now}");
    check_room(&now)?;
    let mut old = read()?;
    old.lines
        .retain(|line| is_usual(&line.profile, &line.features));
    compare(&old, &now)
}

/// Builds the firmware of each board, or of one alone, with each set of features; prints what each takes, and compares it with the
/// table in the repository, or writes that and the figures of firmware/README.md where told to `bless`. Stacks are measured only
/// then.
///
/// # Errors
/// When one doesn't build, is larger than its board's limits, or has grown by more than [`table::ALLOWED`] with the
/// compiler that the table names.
pub fn run(toolchain: &Toolchain, bless: bool, only: Option<Board>) -> Result<()> {
    let chosen = |board: &&Board| only.is_none_or(|only| only.name == board.name);
    let boards: Vec<Board> = boards::all().iter().filter(chosen).copied().collect();
    let lines = build_all(toolchain, &all(&boards))?;
    let mut now = Sizes {
        compiler: toolchain.version(),
        lines,
    };
    let old = read();
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
    check_room(&now)?;
    if bless {
        let path = path();
        std::fs::write(&path, now.to_string())
            .with_context(|| format!("writing {}", path.display()))?;
        eprintln!("wrote {}", path.display());
        return write_readme(&now);
    }
    compare(&old?, &now)
}

/// Brings the README's figures to those of the table.
fn write_readme(sizes: &Sizes) -> Result<()> {
    let path = readme::path();
    let old =
        std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let new = readme::updated(&old, sizes)?;
    if new != old {
        std::fs::write(&path, new).with_context(|| format!("writing {}", path.display()))?;
        eprintln!("wrote {}", path.display());
    }
    Ok(())
}

/// The table in the repository.
fn read() -> Result<Sizes> {
    let text = std::fs::read_to_string(path()).unwrap_or_default();
    let table = text.parse::<Sizes>();
    table.with_context(|| format!("{}: run with --bless to write it", path().display()))
}

/// Looks for a firmware that its board has no room for.
fn check_room(sizes: &Sizes) -> Result<()> {
    let is_too_large = |line: &&Line| {
        let mut boards = boards::all().iter();
        let board = boards.find(|board| board.name == line.board);
        let has_room = |board: &Board| {
            line.flash <= board.firmware_flash as u64 && line.ram <= board.ram as u64
        };
        !board.is_some_and(has_room)
    };
    let too_large = sizes.lines.iter().filter(is_too_large);
    let too_large = too_large
        .map(|line| format!("{} with {} and {}", line.board, line.profile, line.features))
        .collect::<Vec<_>>();
    if !too_large.is_empty() {
        bail!("too large: {}", too_large.join(", "));
    }
    Ok(())
}

/// Builds them, a profile beside the other: each firmware is linked as one unit, on one core, and cargo locks a profile's folder.
fn build_all(toolchain: &Toolchain, wanted: &[Wanted]) -> Result<Vec<Line>> {
    let of_a_profile = |of: Profile| {
        let places = wanted.iter().enumerate();
        let own = places.filter(|(_, (_, profile, _))| *profile == of);
        own.map(|(at, &(board, profile, features))| {
            Ok((at, build(toolchain, board, profile, features)?))
        })
        .collect::<Result<Vec<_>>>()
    };
    let of_a_profile = &of_a_profile;
    let built = std::thread::scope(|scope| {
        let lanes = Profile::ALL.map(|profile| scope.spawn(move || of_a_profile(profile)));
        let lanes = lanes.into_iter();
        lanes
            .map(|lane| lane.join().expect("no panic"))
            .collect::<Result<Vec<_>>>()
    });
    let mut lines = built?.concat();
    lines.sort_by_key(|(at, _)| *at);
    Ok(lines.into_iter().map(|(_, line)| line).collect())
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
            let features = usual_features(profile);
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
    use super::*;

    #[test]
    fn ci_builds_each_boards_usual_firmware_and_those_with_more() {
        let mut usual = all(boards::all());
        let built = usual.len();
        usual.retain(|(_, profile, features)| is_usual(profile.name(), features));
        let more = |features: &&str| MORE.contains(features);
        for board in boards::all() {
            let own = usual.iter().filter(|(of, ..)| of.name == board.name);
            let own = own.filter(|(.., features)| !more(features));
            let own = own.map(|(_, profile, features)| (profile.name(), *features));
            let due = [("firmware", "learn,log"), ("firmware-s", "learn")];
            assert_eq!(own.collect::<Vec<_>>(), due, "{}", board.name);
        }
        let with_more = usual.iter().filter(|(.., features)| more(features)).count();
        assert_eq!(with_more, MORE.len());
        // The verb builds all others too, each in both profiles.
        let each = Profile::ALL.len() * FEATURES.len();
        assert_eq!(built, each * boards::all().len() + MORE.len());
    }

    #[test]
    fn the_test_that_measures_stacks_is_where_it_is_looked_for() {
        let program = include_str!("../../tests/tests/it/firmware.rs");
        assert!(program.contains(&format!("fn {STACK_TEST}()")));
    }
}
