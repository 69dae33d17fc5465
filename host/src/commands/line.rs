//! Which board a command talks to: `--port`, or `--emulator`, which builds the firmware and boots it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::print::{count, grouped};
use boards::{self, Board};
use pocketrec_base::child::Tied;
use pocketrec_base::error::BadInput;
use pocketrec_export::ImageBytes;
use pocketrec_export::device::DeviceBill;
use pocketrec_link::emulator::Emulator;
use pocketrec_link::{Connection, Line, Timing, port};

/// The heading of a board's options, which every question of `query` repeats among its own.
pub const BOARD: &str = "Board";

/// Where the board is.
#[derive(Debug, clap::Args)]
pub struct LineArgs {
    /// The board's serial port, such as /dev/ttyACM0 or COM3; also tcp:HOST:PORT or unix:PATH
    #[arg(long, value_name = "NAME", global = true, conflicts_with = "emulator", help_heading = BOARD)]
    port: Option<String>,

    /// Bits a second on the serial port
    #[arg(long, value_name = "RATE", global = true, default_value_t = port::BAUD, help_heading = BOARD)]
    baud: u32,

    /// Build the firmware of a board and boot it in an emulator, with the image in its flash: stm32f405, or microbit
    /// with `--emulator=microbit`; what it learns ends with the command
    #[arg(
        long,
        value_name = "BOARD",
        global = true,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = boards::DEFAULT.name,
        value_parser = board,
        help_heading = BOARD
    )]
    emulator: Option<Board>,
}

fn board(name: &str) -> Result<Board, String> {
    boards::by_name(name)
        .ok_or_else(|| format!("the boards with an emulator are {}", boards::names()))
}

impl LineArgs {
    /// Whether a board or an emulator is named.
    pub fn is_given(&self) -> bool {
        self.port.is_some() || self.emulator.is_some()
    }

    /// Bytes that an image may have, where an emulator is named.
    pub fn room(&self) -> Option<usize> {
        self.emulator.map(|board| board.image_region)
    }

    /// Lets a connection find out what became of a change when its line breaks, from the board whose image has `crc`.
    pub fn way_back(&self, connection: &mut Connection<Box<dyn Line>>, crc: u32) {
        if let Some(name) = self.port.clone() {
            let baud = self.baud;
            connection.reopen_with(crc, move || port::open(&name, baud));
        }
    }

    /// Opens the line and greets the board; `image` goes into an emulator's flash.
    ///
    /// # Errors
    /// [`BadInput`] where neither a port nor an emulator is named; else what went wrong, in a sentence.
    pub fn connect(&self, image: &Path) -> Result<Connection<Box<dyn Line>>> {
        let mut connection = match (&self.port, self.emulator) {
            (Some(name), _) => Connection::new(port::open(name, self.baud)?, name, Timing::BOARD),
            (None, Some(board)) => {
                fits(image, board)?;
                let elf = firmware(board, image)?;
                let line: Box<dyn Line> = Box::new(Emulator::boot(board.name, &elf, Some(image))?);
                Connection::new(
                    line,
                    format!("the emulated {}", board.name),
                    Timing::EMULATOR,
                )
            }
            (None, None) => {
                return Err(BadInput::new(
                    "which board? `--port /dev/ttyACM0` asks one, `--emulator` boots the firmware without one",
                )
                .into());
            }
        };
        connection.hello()?;
        Ok(connection)
    }
}

/// Makes sure that the image is there and fits the board's flash, whose end the emulator doesn't know.
fn fits(image: &Path, board: Board) -> Result<()> {
    match std::fs::metadata(image) {
        Ok(meta) if meta.len() > board.image_region as u64 => Err(BadInput::new(format!(
            "{} has {} and the image's region of {} {}: `export --board {}` makes one that fits",
            image.display(),
            count(meta.len(), "byte"),
            board.name,
            grouped(board.image_region as u64),
            board.name
        ))
        .into()),
        // A firmware takes minutes to build the first time: better told before.
        Err(_) => ImageBytes::read(image).map(|_| ()),
        Ok(_) => Ok(()),
    }
}

/// Builds a board's firmware with the features that the image needs; the path of its ELF file.
fn firmware(board: Board, image: &Path) -> Result<PathBuf> {
    // What is no image is for the firmware to refuse.
    let bytes = ImageBytes::read(image).ok();
    let valid = bytes.filter(|bytes| bytes.open(image).is_ok());
    let features = valid.map_or(Vec::new(), |bytes| {
        DeviceBill::of(&bytes, board).missing_features()
    });
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build
        .args(["xtask", "firmware", board.name])
        .args(features.iter().flat_map(|name| ["--features", name]))
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .stdout(Stdio::piped());
    let output =
        Tied::output(&mut build).context("cargo, which builds the firmware, can't be started")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let path = text.lines().rev().find(|line| !line.trim().is_empty());
    match path {
        Some(path) if output.status.success() => Ok(PathBuf::from(path.trim())),
        _ => bail!(
            "the firmware was not built: `cargo xtask firmware {}` says why",
            board.name
        ),
    }
}
