//! The firmware of a board as `cargo xtask firmware` builds it, and an emulator that runs it.

use anyhow::{Context, Result, bail};
use host::link::emulator::Emulator;
use host::link::{Connection, Timing};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

/// The boards that tests boot.
pub const BOARDS: [&str; 2] = ["stm32f405", "microbit"];

/// The profiles that they are built in; the first has logs.
pub const PROFILES: [&str; 2] = ["firmware", "firmware-s"];

/// The ELF file of a board's firmware in a profile, built once a test program.
///
/// # Errors
/// When it doesn't build.
pub fn elf(board: &str, profile: &str) -> Result<PathBuf> {
    elf_with(board, profile, &[])
}

/// As [`elf`], with further cargo features of the firmware.
///
/// # Errors
/// When it doesn't build.
pub fn elf_with(board: &str, profile: &str, features: &[&str]) -> Result<PathBuf> {
    static BUILT: Mutex<BTreeMap<String, PathBuf>> = Mutex::new(BTreeMap::new());
    let mut built = BUILT
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    let features = features.join(",");
    let key = format!("{board} {profile} {features}");
    if let Some(path) = built.get(&key) {
        return Ok(path.clone());
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["xtask", "firmware", board, "--profile", profile])
        .args((!features.is_empty()).then(|| format!("--features={features}")))
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .context("cargo could not be started")?;
    let text = String::from_utf8_lossy(&output.stdout);
    match text.lines().rev().find(|line| !line.trim().is_empty()) {
        Some(path) if output.status.success() => {
            let path = PathBuf::from(path.trim());
            built.insert(key, path.clone());
            Ok(path)
        }
        _ => bail!(
            "the firmware of {board} did not build: {}",
            String::from_utf8_lossy(&output.stderr)
        ),
    }
}

/// A connection to a board's firmware in the emulator.
///
/// # Errors
/// When it doesn't build or boot.
pub fn boot(
    board: &str,
    profile: &str,
    image: Option<&Path>,
    arguments: &[String],
) -> Result<Connection<Emulator>> {
    boot_with(board, profile, &[], image, arguments)
}

/// As [`boot`], with further cargo features of the firmware.
///
/// # Errors
/// When it doesn't build or boot.
pub fn boot_with(
    board: &str,
    profile: &str,
    features: &[&str],
    image: Option<&Path>,
    arguments: &[String],
) -> Result<Connection<Emulator>> {
    let elf = elf_with(board, profile, features)?;
    let emulator = Emulator::boot_with(board, &elf, image, arguments)?;
    // Often and long: a machine that is being reset hears nothing, and a busy PC emulates slowly.
    let timing = Timing {
        silence: Duration::from_secs(3),
        tries: 30,
        ..Timing::EMULATOR
    };
    Ok(Connection::new(emulator, board, timing))
}
