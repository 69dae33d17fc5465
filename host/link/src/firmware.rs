//! Building a board's firmware from a program: `cargo xtask firmware`, whose last line is the path of its ELF file.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use boards::Board;
use pocketrec_base::child::Tied;

/// The workspace's folder.
pub(crate) fn workspace() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// Builds a board's firmware with further features, in a cargo profile or the usual one; the path of its ELF file. What
/// cargo says meanwhile goes where `words` says.
///
/// # Errors
///
/// When cargo can't be started or the firmware doesn't build: what cargo said where nobody has seen it yet.
pub fn build(
    board: Board,
    profile: Option<&str>,
    features: &[&str],
    words: Stdio,
) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build
        .args(["xtask", "firmware", board.name])
        .args(profile.iter().flat_map(|name| ["--profile", name]))
        .args(features.iter().flat_map(|name| ["--features", name]))
        .current_dir(workspace())
        .stdout(Stdio::piped())
        .stderr(words);
    let output =
        Tied::output(&mut build).context("cargo, which builds the firmware, can't be started")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let path = text.lines().rev().find(|line| !line.trim().is_empty());
    match path {
        Some(path) if output.status.success() => Ok(PathBuf::from(path.trim())),
        _ => bail!(
            "the firmware was not built: `cargo xtask firmware {}` says why\n{}",
            board.name,
            String::from_utf8_lossy(&output.stderr).trim()
        ),
    }
}
