//! The firmware of a board as `cargo xtask firmware` builds it, and an emulator that runs it.

use anyhow::{Error, Result};
use pocketrec_base::child::Tied;
use pocketrec_link::emulator::Emulator;
use pocketrec_link::{Connection, Timing};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
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
    type Built = OnceLock<Result<PathBuf, String>>;
    static ALL: Mutex<BTreeMap<String, Arc<Built>>> = Mutex::new(BTreeMap::new());
    let features = features.join(",");
    let key = format!("{board} {profile} {features}");
    // Who asks for another firmware doesn't wait for this one.
    let built = {
        let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(key).or_default().clone()
    };
    let path = built.get_or_init(|| build(board, profile, &features));
    path.clone().map_err(Error::msg)
}

fn build(board: &str, profile: &str, features: &str) -> Result<PathBuf, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build
        .args(["xtask", "firmware", board, "--profile", profile])
        .args((!features.is_empty()).then(|| format!("--features={features}")))
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let output =
        Tied::output(&mut build).map_err(|error| format!("cargo could not be started: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    match text.lines().rev().find(|line| !line.trim().is_empty()) {
        Some(path) if output.status.success() => Ok(PathBuf::from(path.trim())),
        _ => Err(format!(
            "the firmware of {board} did not build: {}",
            String::from_utf8_lossy(&output.stderr)
        )),
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
