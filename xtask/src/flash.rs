//! The `flash` verb: firmware and image onto a board through probe-rs or espflash, once both are known to fit.

use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::Command;

use crate::boards::Board;
use crate::drive;
use crate::elf;
use crate::firmware::{self, Options, Profile};
use crate::shell;
use crate::toolchain::Toolchain;

/// Builds and checks, then writes, then says hello.
///
/// # Errors
/// When something doesn't fit (nothing was written then), when the programmer is missing or fails, or when the board
/// doesn't answer.
pub fn run(
    toolchain: &Toolchain,
    board: Board,
    profile: Profile,
    image: Option<&Path>,
    port: Option<&str>,
) -> Result<()> {
    let programmer = Programmer::of(board)?;
    let image = image.map(std::path::absolute).transpose()?;
    let mut options = Options::usual(profile);
    if let Some(image) = &image {
        let length = std::fs::metadata(image)
            .with_context(|| format!("the image {} can't be read", image.display()))?
            .len();
        image_fits(board, length)?;
        options.features = needed(board, image)?;
    }
    let firmware = firmware::build(toolchain, board, &options)?;
    let limit = board.firmware_flash as u64;
    let size = elf::sizes(&firmware, board.ram_addresses())?.flash;
    if size > limit {
        bail!(
            "the firmware takes {size} bytes of flash, {} more than {} has for it; nothing was written",
            size - limit,
            board.name
        );
    }
    drive::loaded(board, &elf::read(&firmware)?)?;
    programmer.write(board, &firmware, image.as_deref(), port)?;
    let port = match port {
        Some(port) => port.to_string(),
        None => only_port()?,
    };
    shell::run(shell::cargo().args([
        "run", "-q", "-p", "host", "--", "query", "--port", &port, "hello",
    ]))
}

/// The features that the firmware needs for an image. The host knows images: what a device would refuse is refused
/// here, before anything is erased.
fn needed(board: Board, image: &Path) -> Result<Vec<String>> {
    let output = shell::cargo()
        .args(["run", "-q", "-p", "host", "--", "inspect"])
        .arg(image)
        .args(["--firmware-features", board.name])
        .stderr(std::process::Stdio::inherit())
        .output()
        .context("cargo could not be started")?;
    if !output.status.success() {
        bail!(
            "{} is not an image that can be used; nothing was written",
            image.display()
        );
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let names = text.trim().split(',').filter(|name| !name.is_empty());
    Ok(names.map(String::from).collect())
}

fn image_fits(board: Board, length: u64) -> Result<()> {
    let room = board.image_region as u64;
    if length > room {
        bail!(
            "the image has {length} bytes, {} more than the {room} that {} has for it; nothing was written \
             (`cargo run -p host -- export --board {}` says what would fit)",
            length - room,
            board.name,
            board.name
        );
    }
    Ok(())
}

/// What writes to a board's flash, by the chip's name there.
enum Programmer {
    /// probe-rs, through a debug probe.
    Probe(&'static str),
    /// espflash, over the serial line.
    Espflash(&'static str),
}

impl Programmer {
    /// The board's, if it is installed.
    fn of(board: Board) -> Result<Self> {
        let (programmer, program, package) = match (board.probe, board.espflash) {
            (Some(chip), _) => (Self::Probe(chip), "probe-rs", "probe-rs-tools"),
            (None, Some(chip)) => (Self::Espflash(chip), "espflash", "espflash"),
            (None, None) => bail!(
                "{}'s data file names no chip in flashing.probe or flashing.espflash, so nothing here can flash it",
                board.name
            ),
        };
        if !shell::on_path(program) {
            bail!(
                "{program} is not on PATH; `cargo install {package} --locked` installs it, or build with \
                 `cargo xtask firmware {}` and write the file with another programmer",
                board.name
            );
        }
        Ok(programmer)
    }

    /// Writes firmware and image, each where it lies, and resets the board.
    fn write(
        self,
        board: Board,
        firmware: &Path,
        image: Option<&Path>,
        port: Option<&str>,
    ) -> Result<()> {
        match self {
            Self::Probe(chip) => {
                let probe = |verb: &str| {
                    let mut command = Command::new("probe-rs");
                    command.args([verb, "--chip", chip]);
                    command
                };
                shell::run(probe("download").arg(firmware))?;
                if let Some(image) = image {
                    shell::run(
                        probe("download")
                            .args(["--binary-format", "bin"])
                            .arg("--base-address")
                            .arg(format!("{:#x}", board.image_address))
                            .arg(image),
                    )?;
                }
                shell::run(&mut probe("reset"))
            }
            Self::Espflash(chip) => {
                let firmware = drive::write(board, "bin", Some(firmware), None, firmware)?;
                let parts = [
                    Some((board.firmware_address, &*firmware)),
                    image.map(|image| (board.image_address, image)),
                ];
                parts.into_iter().flatten().try_for_each(|(address, file)| {
                    let offset = address - board.flash_address;
                    let mut command = Command::new("espflash");
                    command.args(["write-bin", "--chip", chip]);
                    command.args(port.iter().flat_map(|port| ["--port", port]));
                    shell::run(command.arg(format!("{offset:#x}")).arg(file))
                })
            }
        }
    }
}

/// The one serial port that looks like a board's.
fn only_port() -> Result<String> {
    let ports = std::fs::read_dir("/dev")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().to_string_lossy().into_owned())
        .filter(|path| {
            [
                "/dev/ttyACM",
                "/dev/ttyUSB",
                "/dev/cu.usbmodem",
                "/dev/cu.usbserial",
            ]
            .iter()
            .any(|prefix| path.starts_with(prefix))
        })
        .collect::<Vec<_>>();
    match &ports[..] {
        [port] => Ok(port.clone()),
        [] => {
            bail!("flashed, but no serial port was found to say hello through; name it with --port")
        }
        _ => bail!(
            "flashed, but {} serial ports were found; name the board's with --port",
            ports.len()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boards;

    #[test]
    fn an_image_one_byte_too_large_is_refused_before_anything_is_written() {
        for &board in boards::all() {
            let room = board.image_region as u64;
            assert!(image_fits(board, room).is_ok());
            let refusal = image_fits(board, room + 1).unwrap_err().to_string();
            assert!(refusal.contains("1 more than"), "{refusal}");
            assert!(refusal.contains("nothing was written"), "{refusal}");
        }
    }
}
