//! The `loom` verb: code whose correctness hangs on the order in which threads do things, run in every order that there
//! is. What stands in for the threads' own atomics and locks there is loom's; the code is the product's.

use anyhow::{Context, Result};

use crate::shell;

/// Runs the models.
///
/// # Errors
/// When an order is found in which something goes wrong, and when loom can't be had from the registry.
pub fn run() -> Result<()> {
    let mut command = shell::cargo();
    command
        .args(["test", "--release", "--manifest-path", "models/Cargo.toml"])
        .arg("--target-dir")
        .arg(shell::target_directory().join("loom"));
    shell::run(&mut command).context(
        "the models in models/ did not run to their end: see above whether one failed or loom couldn't be fetched",
    )
}
