//! The `test` verb, the README's second command: the tests of the workspace, the emulated boards included. Those that take
//! long for what they add lie in modules called `slow`: `test --slow` runs these instead, as `ci` does.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::boards;
use crate::child::Tied;
use crate::firmware::{self, Options, Profile};
use crate::setup::{self, Manner};
use crate::shell;
use crate::toolchain::{self, Toolchain};

/// Which tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All but the slow ones, which are named at the end.
    Usual,
    /// The slow ones alone.
    Slow,
}

/// What the name of a slow test contains, and that of no other: the module in which it lies.
const SLOW: &str = "slow::";

impl Extent {
    /// What a program of tests is told so that it runs these. Each test is in one of the two.
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Usual => &["--skip", SLOW],
            Self::Slow => &[SLOW],
        }
    }
}

/// Installs what is missing and allowed, builds the firmware, and runs the tests.
///
/// # Errors
/// When a test fails, and when the emulator's could not run: a test that was left out is not a test passed.
pub fn run(manner: Manner, extent: Extent) -> Result<()> {
    let toolchain = setup::run(manner).and_then(|()| toolchain::find(manner.choice));
    match toolchain {
        Ok(toolchain) => tests(extent, Some(&toolchain)),
        Err(reason) => {
            eprintln!("the emulator's tests are left out: {reason:#}");
            let rest = tests(extent, None);
            eprintln!("emulator tests did not run: {reason:#}");
            match rest {
                Ok(()) => bail!("all other tests passed, the emulator's did not run"),
                Err(error) => Err(error),
            }
        }
    }
}

/// As `cargo test --workspace`, but for programs of tests that run side by side: each of the emulator's waits for a
/// single machine most of the time.
fn tests(extent: Extent, toolchain: Option<&Toolchain>) -> Result<()> {
    let emulator = ["--features", "tests/emulator"];
    let features = toolchain.map_or(&[][..], |_| &emulator);
    // Side by side: each has stretches that keep one core busy.
    let (firmware, programs) = std::thread::scope(|scope| {
        let firmware = scope.spawn(|| toolchain.map_or(Ok(()), firmware));
        let programs = compile(features);
        (firmware.join().expect("no panic"), programs)
    });
    let mut programs = programs?;
    // The emulator's take longest: with a short one at the end no core is idle.
    programs.sort_by_key(|program| !program.package.ends_with("tests"));
    let mut slow = Vec::new();
    for program in &programs {
        slow.push(program.tests(Extent::Slow)?);
    }
    let mut failed = match extent {
        Extent::Usual => {
            let mut documentation = shell::cargo();
            documentation.args(["test", "--workspace", "--doc"]);
            documentation.args(features);
            let (mut failed, documentation) = std::thread::scope(|scope| {
                let documentation = scope.spawn(|| shell::run(&mut documentation));
                let failed = side_by_side(&programs, extent);
                (failed, documentation.join().expect("no panic"))
            });
            failed.extend(documentation.err().map(|error| format!("{error:#}")));
            println!("\nleft to `cargo xtask ci`, or to `cargo xtask test --slow`:");
            for (program, names) in programs.iter().zip(&slow) {
                for name in names {
                    println!("  {}: {name}", program.name);
                }
            }
            failed
        }
        Extent::Slow => {
            let mut slow = slow.iter();
            programs.retain(|_| slow.next().is_some_and(|names| !names.is_empty()));
            side_by_side(&programs, extent)
        }
    };
    if let Err(error) = firmware {
        failed.push(format!("what builds the firmware: {error:#}"));
    }
    if !failed.is_empty() {
        bail!("tests failed in {}", failed.join(", "));
    }
    Ok(())
}

/// Compiles the programs of tests.
fn compile(features: &[&str]) -> Result<Vec<Program>> {
    let mut build = shell::cargo();
    build
        .args(["test", "--workspace", "--no-run"])
        .args(features);
    build.arg("--message-format=json-render-diagnostics");
    eprintln!("$ {}", shell::words(&build));
    let built = build
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .output()
        .context("cargo could not be started")?;
    if !built.status.success() {
        bail!("the tests did not build");
    }
    Ok(programs(&String::from_utf8_lossy(&built.stdout)))
}

/// A program of tests, and the folder of its package, in which it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Program {
    name: String,
    executable: PathBuf,
    package: PathBuf,
}

impl Program {
    /// It, to be run as cargo runs it.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.executable);
        command
            .current_dir(&self.package)
            .env("CARGO_MANIFEST_DIR", &self.package);
        command
    }

    /// The names of the tests that it has.
    fn tests(&self, extent: Extent) -> Result<Vec<String>> {
        let mut list = self.command();
        list.args(["--list", "--format", "terse"])
            .args(extent.arguments());
        let listed = list.output();
        let listed = listed.with_context(|| format!("{} could not be started", self.name))?;
        if !listed.status.success() {
            bail!("{} didn't list its tests", self.name);
        }
        let text = String::from_utf8_lossy(&listed.stdout);
        let names = text.lines().filter_map(|line| line.strip_suffix(": test"));
        Ok(names.map(str::to_owned).collect())
    }
}

/// The programs of tests that cargo's messages name.
fn programs(messages: &str) -> Vec<Program> {
    let program = |message: Value| {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let package = PathBuf::from(text(&message["manifest_path"])?)
            .parent()?
            .to_owned();
        let source = PathBuf::from(text(&message["target"]["src_path"])?);
        let executable = PathBuf::from(text(&message["executable"])?);
        (message["profile"]["test"] == true).then(|| Program {
            name: source
                .strip_prefix(shell::root())
                .unwrap_or(&source)
                .display()
                .to_string(),
            executable,
            package,
        })
    };
    let messages = messages
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    messages.filter_map(program).collect()
}

/// Runs all programs, as many at a time as there are cores, shows what each printed once it has ended, and returns the
/// names of those that failed. Twice as many tests of each at a time: the emulator's wait for a machine mostly.
fn side_by_side(programs: &[Program], extent: Extent) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(Vec::new());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let work = || {
        while let Some(program) = programs.get(next.fetch_add(1, Ordering::Relaxed)) {
            eprintln!("     Running {}", program.name);
            let mut command = program.command();
            command
                .args(extent.arguments())
                .env("RUST_TEST_THREADS", (2 * cores).to_string())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
            let output = Tied::output(&mut command);
            let mut failed = failed.lock().expect("no panic");
            let passed = output.is_ok_and(|output| {
                let texts = [output.stdout, output.stderr]
                    .map(|text| String::from_utf8_lossy(&text).into_owned());
                print!("\n     Ran {}\n{}", program.name, texts.concat());
                output.status.success()
            });
            if !passed {
                failed.push(program.name.clone());
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(work);
        }
    });
    failed.into_inner().expect("no panic")
}

/// The boards that most of the emulator's tests boot, as tests/src/firmware.rs has them. What a test boots beside, it builds.
const BOOTED: [&str; 4] = ["stm32f405", "microbit", "pico", boards::VIRT];

/// These boards' firmware in every profile.
fn firmware(toolchain: &Toolchain) -> Result<()> {
    let build = |profile| {
        let options = Options::usual(profile);
        BOOTED.iter().try_for_each(|name| {
            let board = boards::parse(name).map_err(anyhow::Error::msg)?;
            firmware::build(toolchain, board, &options).map(drop)
        })
    };
    // Side by side: a firmware is linked as one program, on one core.
    std::thread::scope(|scope| {
        let builds = Profile::ALL.map(|profile| scope.spawn(move || build(profile)));
        builds
            .into_iter()
            .try_for_each(|build| build.join().expect("no panic"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_of_tests_are_told_from_others_that_cargo_built() {
        let message = |test: bool, executable: &str| {
            format!(
                "{{\"reason\":\"compiler-artifact\",\"manifest_path\":\"/w/host/Cargo.toml\",\"executable\":{executable},\
                 \"target\":{{\"src_path\":\"/w/host/tests/query.rs\"}},\"profile\":{{\"test\":{test}}}}}\n"
            )
        };
        let messages = [
            message(false, "\"/t/host\""),
            message(true, "null"),
            message(true, "\"/t/query-1\""),
            "{\"reason\":\"build-finished\",\"success\":true}\n".into(),
        ];
        let query = Program {
            name: "/w/host/tests/query.rs".into(),
            executable: "/t/query-1".into(),
            package: "/w/host".into(),
        };
        assert_eq!(programs(&messages.concat()), [query]);
    }

    #[test]
    fn every_program_runs_and_those_that_fail_are_named() {
        let program = |name: &str| Program {
            name: name.into(),
            executable: name.into(),
            package: shell::root().into(),
        };
        let all = ["true", "false", "/nowhere/to/be/found", "true"].map(program);
        let mut failed = side_by_side(&all, Extent::Usual);
        failed.sort();
        assert_eq!(failed, ["/nowhere/to/be/found", "false"]);
    }

    /// Not slow, but one of those that the usual extent leaves out.
    mod slow {
        use super::*;

        #[test]
        fn tests_in_modules_called_slow_are_left_out_of_the_usual_ones_and_no_others_are() {
            let own = Program {
                name: "xtask".into(),
                executable: std::env::current_exe().unwrap(),
                package: shell::root().join("xtask"),
            };
            let extents = [Extent::Usual, Extent::Slow];
            let [usual, slow] = extents.map(|extent| own.tests(extent).unwrap());
            let name =
                "tests_in_modules_called_slow_are_left_out_of_the_usual_ones_and_no_others_are";
            assert_eq!(slow, [format!("test::tests::slow::{name}")]);
            let fast = "test::tests::every_program_runs_and_those_that_fail_are_named";
            assert!(usual.contains(&fast.into()) && !usual.contains(&slow[0]));
        }
    }
}
