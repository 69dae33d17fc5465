//! The `size` verb: flash and RAM of every firmware, against what its board has for it, and what learning adds.

use anyhow::{Result, bail};

use crate::boards::Board;
use crate::elf;
use crate::firmware::{self, Options, Profile};
use crate::toolchain::Toolchain;

/// Builds each board's firmware in each profile, with and without logs, and prints what it takes; then what core's
/// feature `learn` adds to each profile without logs.
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
                    &Options {
                        log,
                        ..Options::usual(profile)
                    },
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
    learning(toolchain)?;
    models(toolchain)?;
    if !excess.is_empty() {
        bail!("too large: {}", excess.join(", "));
    }
    Ok(())
}

/// Builds the small firmware of the board with most room without logs, for further models and owners.
fn models(toolchain: &Toolchain) -> Result<()> {
    println!();
    println!("| stm32f405, firmware-s, logs off, with | flash | RAM without stack |");
    println!("|---|---|---|");
    for more in [
        &[][..],
        &["shapes"],
        &["integers"],
        &["owners"],
        &["integers", "shapes", "wide", "owners"],
    ] {
        let options = Options {
            log: false,
            features: more.iter().map(|feature| feature.to_string()).collect(),
            ..Options::usual(Profile::FirmwareS)
        };
        let sizes = elf::sizes(&firmware::build(toolchain, Board::Stm32f405, &options)?)?;
        let names = if more.is_empty() {
            "the usual features".to_string()
        } else {
            more.join(", ")
        };
        println!("| {names} | {} | {} |", sizes.flash, sizes.ram);
    }
    Ok(())
}

/// Builds each board's firmware without logs twice, with and without learning.
fn learning(toolchain: &Toolchain) -> Result<()> {
    println!();
    println!("| board | profile | flash that `learn` adds | RAM that it adds |");
    println!("|---|---|---|---|");
    for board in Board::ALL {
        for profile in Profile::ALL {
            let build = |features: &[&str]| {
                let (target, name) = (board.target(), board.name());
                let elf = firmware::build_binary(toolchain, target, name, features, profile)?;
                elf::sizes(&elf)
            };
            let without = build(&[board.name(), "interest"])?;
            let with = build(&[board.name(), "interest", "learn"])?;
            println!(
                "| {} | {} | {} | {} |",
                board.name(),
                profile.name(),
                with.flash.saturating_sub(without.flash),
                with.ram.saturating_sub(without.ram)
            );
        }
    }
    Ok(())
}
