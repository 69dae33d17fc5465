//! The `size` verb: flash and RAM of every firmware, against what its board has for it.

use anyhow::{Result, bail};

use crate::boards::Board;
use crate::elf;
use crate::firmware::{self, Options, Profile};
use crate::toolchain::Toolchain;

/// Builds each board's firmware in each profile, with and without logs, and prints what it takes.
///
/// # Errors
/// When one doesn't build or is larger than its board's limits.
pub fn run(toolchain: &Toolchain) -> Result<()> {
    println!("| board | profile | logs | flash | of | RAM without stack | of |");
    println!("|---|---|---|---|---|---|---|");
    let mut excess = Vec::new();
    for board in Board::ALL {
        for profile in Profile::ALL {
            for log in [true, false] {
                let sizes = elf::sizes(&firmware::build(
                    toolchain,
                    board,
                    Options { profile, log },
                )?)?;
                let (flash, ram) = board.firmware_limits();
                println!(
                    "| {} | {} | {} | {} | {flash} | {} | {ram} |",
                    board.name(),
                    profile.name(),
                    if log { "on" } else { "off" },
                    sizes.flash,
                    sizes.ram
                );
                if sizes.flash > flash || sizes.ram > ram {
                    excess.push(format!("{} with {}", board.name(), profile.name()));
                }
            }
        }
    }
    if !excess.is_empty() {
        bail!("too large: {}", excess.join(", "));
    }
    Ok(())
}
