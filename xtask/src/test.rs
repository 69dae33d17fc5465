//! The `test` verb, the README's second command: every test of the workspace, the emulated boards included.

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
use crate::toolchain;

/// Installs what is missing and allowed, builds the firmware, and runs the tests.
///
/// # Errors
/// When a test fails, and when the emulator's could not run: a test that was left out is not a test passed.
pub fn run(manner: Manner) -> Result<()> {
    let emulated = prepare(manner);
    match emulated {
        Ok(()) => tests(&["--features", "tests/emulator"]),
        Err(reason) => {
            eprintln!("the emulator's tests are left out: {reason:#}");
            let rest = tests(&[]);
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
fn tests(features: &[&str]) -> Result<()> {
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
    let mut programs = programs(&String::from_utf8_lossy(&built.stdout));
    // The emulator's take longest: with a short one at the end no core is idle.
    programs.sort_by_key(|program| !program.package.ends_with("tests"));
    let mut failed = side_by_side(&programs);
    if let Err(error) = shell::run(
        shell::cargo()
            .args(["test", "--workspace", "--doc"])
            .args(features),
    ) {
        failed.push(format!("{error:#}"));
    }
    if !failed.is_empty() {
        bail!("tests failed in {}", failed.join(", "));
    }
    Ok(())
}

/// A program of tests, and the folder of its package, in which it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Program {
    name: String,
    executable: PathBuf,
    package: PathBuf,
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
fn side_by_side(programs: &[Program]) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(Vec::new());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let work = || {
        while let Some(program) = programs.get(next.fetch_add(1, Ordering::Relaxed)) {
            eprintln!("     Running {}", program.name);
            let mut command = Command::new(&program.executable);
            command
                .current_dir(&program.package)
                .env("CARGO_MANIFEST_DIR", &program.package)
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

/// The compiler, the emulator, and every board's firmware in every profile that the tests boot.
fn prepare(manner: Manner) -> Result<()> {
    setup::run(manner)?;
    let toolchain = toolchain::find(manner.choice)?;
    let build = |profile| {
        let options = Options::usual(profile);
        let mut emulated = boards::emulated().into_iter();
        emulated.try_for_each(|board| firmware::build(&toolchain, board, &options).map(drop))
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
        let mut failed = side_by_side(&all);
        failed.sort();
        assert_eq!(failed, ["/nowhere/to/be/found", "false"]);
    }
}
