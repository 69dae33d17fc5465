//! The firmware of a board as `cargo xtask firmware` builds it, and an emulator that runs it.

use anyhow::{Context, Error, Result};
use boards::Board;
use pocketrec_link::emulator::Emulator;
use pocketrec_link::firmware::build;
use pocketrec_link::{Connection, Timing};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// The boards that tests boot.
pub const BOARDS: [&str; 3] = ["stm32f405", "microbit", "pico"];

/// The machine of QEMU's on which tests run what RISC-V boards share.
pub const VIRT: &str = "virt";

/// The boards of [`BOARDS`] whose emulator has a debugger, for Cortex-M.
pub const DEBUGGED: [&str; 2] = ["stm32f405", "microbit"];

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
    let key = format!("{board} {profile} {}", features.join(","));
    // Who asks for another firmware doesn't wait for this one.
    let built = {
        let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(key).or_default().clone()
    };
    let path = built.get_or_init(|| {
        known(board)
            .and_then(|board| build(board, Some(profile), features, Stdio::piped()))
            .map_err(|why| format!("{why:#}"))
    });
    path.clone().map_err(Error::msg)
}

/// The board of that name.
///
/// # Errors
/// When there is none.
pub fn known(board: &str) -> Result<Board> {
    if board == VIRT {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../firmware/virt/board.toml");
        return boards::read(Path::new(file)).map_err(Error::msg);
    }
    boards::by_name(board).with_context(|| format!("no board is called {board}"))
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
    let emulator = Emulator::boot_with(known(board)?, &elf, image, arguments)?;
    // Often and long: a machine that is being reset hears nothing, and a busy PC emulates slowly.
    let timing = Timing {
        silence: Duration::from_secs(3),
        tries: 30,
        ..Timing::EMULATOR
    };
    Ok(Connection::new(emulator, board, timing))
}
