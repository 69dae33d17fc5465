//! The `ci` verb: what CI checks beside the tests, cheapest first, failures told together.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::boards::{self, Board};
use crate::everywhere::{self, Extent};
use crate::setup::{self, Manner};
use crate::toolchain::{self, Toolchain};
use crate::{api, examples, licences, no_panic, oldest, package, shell, size, test, web};

/// Runs every check, also after one failed.
///
/// # Errors
/// When a check failed: each by name.
pub fn run(manner: Manner) -> Result<()> {
    let checks = Checks::default();
    checks.check("format", || {
        shell::run(shell::cargo().args(["fmt", "--all", "--check"]))
    });
    checks.check("licences", licences::run);
    checks.check("lints", || {
        shell::run(
            shell::cargo()
                .args([
                    "clippy",
                    "--workspace",
                    "--all-targets",
                    "--features",
                    "tests/examples",
                ])
                .args(["--", "-D", "warnings"]),
        )
    });
    checks.check("documentation", || {
        shell::run(shell::cargo().env("RUSTDOCFLAGS", "-D warnings").args([
            "doc",
            "--workspace",
            "--no-deps",
        ]))
    });
    // Workspace-wide documentation has the features that members ask for: links must hold with fewer, too.
    match package::feature_sets() {
        Ok(sets) => {
            for set in sets {
                let name = format!("documentation of core with features [{}]", set.join(","));
                checks.check(&name, || package::documentation(&set));
            }
        }
        Err(error) => checks.check("features of core", || Err(error)),
    }
    checks.check("core as a package", package::run);
    checks.check("core's public API", || api::run(manner, false));
    checks.check("the oldest Rust that is declared", || oldest::run(manner));
    checks.check(
        "reading's and training's tests with checks of sums and places",
        || {
            shell::run(shell::cargo().args([
                "test",
                "--quiet",
                "-p",
                "pocketrec-tables",
                "-p",
                "pocketrec-data",
                "-p",
                "pocketrec-train",
                "--lib",
                "--config",
                "profile.dev.package.pocketrec-tables.overflow-checks=true",
                "--config",
                "profile.dev.package.pocketrec-data.overflow-checks=true",
                "--config",
                "profile.dev.package.pocketrec-train.overflow-checks=true",
                // Kernels look for the end of their memory at every number only with these.
                "--config",
                "profile.dev.package.pocketrec-train.debug-assertions=true",
            ]))
        },
    );
    // Also on a stable compiler without RUSTC_BOOTSTRAP, which would let an unstable feature through.
    for features in FEATURES {
        checks.check(
            &format!("core with features [{features}] on this machine"),
            || shell::run(shell::cargo().args(core_check(features))),
        );
    }
    checks.check("compiler for boards", || setup::compiler(manner));
    if let Ok(toolchain) = toolchain::find(manner.choice) {
        device(&toolchain, manner, &checks);
    }
    checks.check("the page in a browser", || web::check(manner));
    checks.tell()
}

/// Sets of core's features that a device may choose; `write` is the host's.
const FEATURES: [&str; 9] = [
    "",
    "learn",
    "defmt",
    "learn,defmt",
    "integers,interest",
    "integers,interest,learn,shapes",
    "codes",
    "codes-mlp,shapes",
    "codes,facets,interest,learn,shapes,together",
];

fn device(toolchain: &Toolchain, manner: Manner, checks: &Checks) {
    checks.check("targets that core is for", || {
        setup::targets(manner, toolchain, &everywhere::TARGETS)
    });
    checks.check("core for every target", || {
        everywhere::run(toolchain, Extent::Kinds)
    });
    // Most of it is linked or optimised as one unit, on one core. Cargo locks a profile's folder: this one is of another profile.
    std::thread::scope(|scope| {
        scope.spawn(|| {
            checks.check("no panic as a stranger builds", || {
                no_panic::strangers(toolchain)
            });
        });
        for_boards(toolchain, checks);
    });
    checks.check("examples", || examples::run(manner));
    checks.check("slow tests", || test::run(manner, test::Extent::Slow));
}

/// What is built in the firmware's profiles.
fn for_boards(toolchain: &Toolchain, checks: &Checks) {
    if toolchain.has_clippy() {
        for board in boards::all().iter().copied().chain([boards::virt()]) {
            lints(toolchain, board, checks);
        }
    }
    checks.check("no panic", || no_panic::own(toolchain));
    checks.check("size", || size::usual(toolchain));
}

/// What a board's firmware is linted with beside its own features: least and most; on QEMU's machine, also what lies between, which is
/// the firmware's library and core's and the same for all boards.
const LINTED: [&str; 5] = [
    "on-board",
    "on-board,log,firmware/interest,firmware/learn,firmware/codes,firmware/integers,firmware/shapes,firmware/facets,firmware/together,firmware/owners",
    "on-board,firmware/learn",
    "on-board,log,firmware/interest,firmware/learn",
    "on-board,firmware/interest,firmware/learn,firmware/integers,firmware/shapes,firmware/owners",
];

fn lints(toolchain: &Toolchain, board: Board, checks: &Checks) {
    let name = board.name;
    let is_virt = name == boards::VIRT;
    let sets = if is_virt { &LINTED[..] } else { &LINTED[..2] };
    for features in sets {
        checks.check(
            &format!("lints of {name}'s firmware with [{features}]"),
            || {
                shell::run(
                    toolchain
                        .cargo("clippy", board.target)
                        .args(["-p", name, "--bin", name, "--profile", "firmware"])
                        .args(["--no-default-features", "--features", features])
                        .args(["--", "-D", "warnings"]),
                )
            },
        );
    }
}

fn core_check(features: &str) -> [&str; 6] {
    [
        "check",
        "-p",
        "pocketrec",
        "--no-default-features",
        "--features",
        features,
    ]
}

/// Checks that were made: how long each took, and those that failed.
#[derive(Default)]
struct Checks(Mutex<Vec<Check>>);

struct Check {
    name: String,
    took: Duration,
    error: Option<anyhow::Error>,
}

/// The longest checks that are told of at the end.
const LONGEST: usize = 12;

impl Checks {
    fn check(&self, name: &str, check: impl FnOnce() -> Result<()>) {
        eprintln!("-- {name}");
        let start = Instant::now();
        let error = check().err();
        let took = start.elapsed();
        let end = if error.is_some() { "failed" } else { "passed" };
        eprintln!("-- {end} after {:.1} s: {name}", took.as_secs_f64());
        if let Some(error) = &error {
            eprintln!("error: {error:#}");
        }
        self.0.lock().expect("no panic").push(Check {
            name: name.into(),
            took,
            error,
        });
    }

    fn tell(self) -> Result<()> {
        let mut checks = self.0.into_inner().expect("no panic");
        checks.sort_by_key(|check| std::cmp::Reverse(check.took));
        eprintln!("the longest of {} checks:", checks.len());
        for check in checks.iter().take(LONGEST) {
            eprintln!("{:8.1} s  {}", check.took.as_secs_f64(), check.name);
        }
        let failed = checks.iter().filter_map(|check| {
            let error = check.error.as_ref()?;
            Some(format!("{}: {error:#}", check.name))
        });
        let failed = failed.collect::<Vec<_>>();
        if failed.is_empty() {
            eprintln!("every check passed");
            return Ok(());
        }
        bail!("{} checks failed:\n  {}", failed.len(), failed.join("\n  "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_that_fails_is_told_by_name_and_the_others_are_made() {
        let checks = Checks::default();
        let mut made = 0;
        checks.check("first", || bail!("it is wrong"));
        checks.check("second", || {
            made += 1;
            Ok(())
        });
        let told = checks.tell().unwrap_err().to_string();
        assert_eq!(
            (made, &*told),
            (1, "1 checks failed:\n  first: it is wrong")
        );
        assert!(Checks::default().tell().is_ok());
    }
}
