//! The `ci` verb: what CI checks beside the tests, cheapest first, failures told together.

use anyhow::{Result, bail};

use crate::boards;
use crate::setup::{self, Manner};
use crate::toolchain::{self, Toolchain};
use crate::{api, everywhere, examples, licences, no_panic, oldest, package, shell, size, web};

/// Runs every check, also after one failed.
///
/// # Errors
/// When a check failed: each by name.
pub fn run(manner: Manner) -> Result<()> {
    let mut failures = Failures::default();
    failures.check("format", || {
        shell::run(shell::cargo().args(["fmt", "--all", "--check"]))
    });
    failures.check("licences", licences::run);
    failures.check("lints", || {
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
    failures.check("documentation", || {
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
                failures.check(&name, || package::documentation(&set));
            }
        }
        Err(error) => failures.check("features of core", || Err(error)),
    }
    failures.check("core as a package", package::run);
    failures.check("core's public API", || api::run(manner, false));
    failures.check("the oldest Rust that is declared", || oldest::run(manner));
    failures.check(
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
        failures.check(
            &format!("core with features [{features}] on this machine"),
            || shell::run(shell::cargo().args(core_check(features))),
        );
    }
    failures.check("compiler for boards", || setup::compiler(manner));
    if let Ok(toolchain) = toolchain::find(manner.choice) {
        device(&toolchain, manner, &mut failures);
    }
    failures.check("the page in a browser", || web::check(manner));
    failures.tell()
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

fn device(toolchain: &Toolchain, manner: Manner, failures: &mut Failures) {
    // thumbv6m proves the most: it has no compare-and-swap, no floating-point unit and no operating system.
    for target in toolchain::targets() {
        for features in FEATURES {
            failures.check(
                &format!("core with features [{features}] for {target}"),
                || {
                    let mut command = toolchain.cargo("check", target);
                    shell::run(command.args(&core_check(features)[1..]))
                },
            );
        }
    }
    if toolchain.has_clippy() {
        for board in boards::all().iter().copied().chain([boards::virt()]) {
            for features in [
                "on-board",
                "on-board,firmware/learn",
                "on-board,log,firmware/interest,firmware/learn",
                "on-board,firmware/interest,firmware/learn,firmware/integers,firmware/shapes,firmware/owners",
                "on-board,firmware/interest,firmware/learn,firmware/codes,firmware/integers,firmware/shapes,firmware/facets,firmware/together,firmware/owners",
            ] {
                let name = board.name;
                failures.check(
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
    }
    let targets = &everywhere::TARGETS;
    failures.check("targets that core is for", || {
        setup::targets(manner, toolchain, targets)
    });
    for target in targets {
        failures.check(&format!("core, optimised, for {target}"), || {
            everywhere::build(toolchain, target)
        });
    }
    failures.check("examples", || examples::run(manner));
    failures.check("no panic", || no_panic::run(toolchain));
    failures.check("size", || size::run(toolchain, false, None));
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

/// Checks that failed, by name.
#[derive(Default)]
struct Failures(Vec<String>);

impl Failures {
    fn check(&mut self, name: &str, check: impl FnOnce() -> Result<()>) {
        eprintln!("-- {name}");
        if let Err(error) = check() {
            eprintln!("error: {error:#}");
            self.0.push(format!("{name}: {error:#}"));
        }
    }

    fn tell(self) -> Result<()> {
        if self.0.is_empty() {
            eprintln!("every check passed");
            return Ok(());
        }
        bail!("{} checks failed:\n  {}", self.0.len(), self.0.join("\n  "))
    }
}
