//! Which board a command talks to: `--port`, or `--emulator`, which builds the firmware and boots it.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Result;

use super::find::{self, Found};
use super::remembered::Remembered;
use crate::print::{self, count, grouped, hint};
use boards::{self, BOARDS, Board};
use pocketrec_base::error::BadInput;
use pocketrec_export::device::DeviceBill;
use pocketrec_export::{Contents, ImageBytes};
use pocketrec_link::emulator::Emulator;
use pocketrec_link::running::Running;
use pocketrec_link::{Connection, Line, Timing, firmware, port};

/// The heading of a board's options, which every question of `query` repeats among its own.
pub const BOARD: &str = "Board";

/// Where the board is.
#[derive(Debug, clap::Args)]
pub struct LineArgs {
    /// The board's serial port, such as /dev/ttyACM0 or COM3; also tcp:HOST:PORT, unix:PATH, or the name of a board that
    /// `emulate` runs [default: POCKETREC_PORT, else the board that `emulate` runs or that is plugged in, the last one
    /// asked among several]
    #[arg(long, value_name = "NAME", global = true, conflicts_with = "emulator", help_heading = BOARD)]
    port: Option<String>,

    /// Baud rate of the serial port
    #[arg(long, value_name = "RATE", global = true, default_value_t = port::BAUD, help_heading = BOARD)]
    baud: u32,

    /// Give up on a board after this many seconds of silence [default: 6 for a board, 90 for an emulated one]
    #[arg(long, value_name = "SECONDS", global = true, value_parser = timeout, help_heading = BOARD)]
    timeout: Option<Duration>,

    #[arg(
        help = emulator_help(),
        long,
        value_name = "BOARD",
        global = true,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = boards::DEFAULT.name,
        value_parser = boards::parse_emulated,
        help_heading = BOARD
    )]
    emulator: Option<Board>,
}

fn emulator_help() -> String {
    let others = BOARDS
        .iter()
        .filter(|board| board.emulator.is_some() && board.name != boards::DEFAULT.name);
    let others: Vec<String> = others
        .map(|board| format!("{0} with --emulator={0}", board.name))
        .collect();
    format!(
        "Build a board's firmware ({}, or {}) and boot it in an emulator with the image in its flash; what it learns is \
         lost at the end",
        boards::DEFAULT.name,
        others.join(", ")
    )
}

/// An owner as a person types it.
pub fn owner(text: &str) -> Result<u8, String> {
    let owner = text.trim().parse();
    owner.map_err(|_| {
        "an owner is a number from 0 to 255; `query owners` lists those of a board".into()
    })
}

/// Seconds as a person types them.
fn timeout(text: &str) -> Result<Duration, String> {
    let seconds = text
        .parse()
        .ok()
        .filter(|seconds| (0.1..=86_400.0).contains(seconds));
    let seconds = seconds.map(Duration::from_secs_f64);
    seconds.ok_or_else(|| "it should be a number of seconds from 0.1 to 86400".into())
}

/// For a board that `emulate` holds, which has booted: it is not asked as often as one that may not hear yet.
pub(super) const HELD: Timing = Timing {
    silence: Duration::from_secs(3),
    tries: 30,
    tries_of_change: 30,
    ..Timing::EMULATOR
};

/// Where the board is that a command talks to.
#[derive(Debug)]
pub struct Place {
    baud: u32,
    timeout: Option<Duration>,
    at: At,
}

#[derive(Debug)]
enum At {
    Port(Found),
    Emulator(Board),
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

    /// Opens the line to a board that is named: what fills an owner's profile takes no board that was only found.
    ///
    /// # Errors
    /// [`BadInput`] where none is named; else as [`Place::connect`].
    pub fn connect(&self, image: &Path) -> Result<Connection<Box<dyn Line>>> {
        if !self.is_given() {
            return Err(BadInput::new(
                "which board? `--port /dev/ttyACM0` asks one, `--emulator` boots the firmware without one",
            )
            .into());
        }
        self.place()?.connect(image)
    }

    /// The board that is named, or else the one that is found.
    ///
    /// # Errors
    /// [`BadInput`] where none is named and none is found, or several are.
    pub fn place(&self) -> Result<Place> {
        let place = self.place_or_none()?;
        place.ok_or_else(|| find::none().into())
    }

    /// As [`place`](Self::place), and nothing where none is named and none is found.
    ///
    /// # Errors
    /// [`BadInput`] where several are found.
    pub fn place_or_none(&self) -> Result<Option<Place>> {
        let at = match self.emulator {
            Some(board) => Some(At::Emulator(board)),
            None => find::board(self.port.as_deref())?.map(At::Port),
        };
        Ok(at.map(|at| Place {
            baud: self.baud,
            timeout: self.timeout,
            at,
        }))
    }
}

impl Place {
    /// The board's port, where it isn't booted for this command.
    pub fn found(&self) -> Option<&Found> {
        match &self.at {
            At::Port(found) => Some(found),
            At::Emulator(_) => None,
        }
    }

    /// The image that is named, or else what is known of the board's; where it `matters`, a line on stderr says where that
    /// comes from.
    pub fn image(&self, named: Option<&Path>, matters: bool) -> Option<PathBuf> {
        let found = self.found().filter(|_| named.is_none());
        let Some(found) = found else {
            return named.map(Path::to_owned);
        };
        if let Some(running) = &found.running {
            return Some(running.image.clone());
        }
        let last = found.last.as_ref()?.image.clone();
        let image = last.filter(|image| image.exists())?;
        if matters {
            hint(&format!("with the image {}, as last time", image.display()));
        }
        Some(image)
    }

    /// The owner where no option names one: the last one of this board; a line on stderr says so.
    pub fn usual_owner(&self) -> u8 {
        let last = self.found().and_then(|found| found.last.as_ref());
        match last {
            Some(last) if last.owner != 0 => {
                hint(&format!("for owner {}, as last time", last.owner));
                last.owner
            }
            _ => 0,
        }
    }

    /// Remembers a board that has answered, the image that was `named` with it, and the `owner` that it was asked for, if
    /// it was.
    pub fn remember(&self, named: Option<&Path>, owner: Option<u8>) {
        let Some(found) = self.found() else {
            return;
        };
        let named = named.map(|image| std::path::absolute(image).unwrap_or(image.to_owned()));
        let last = found.last.clone().unwrap_or_default();
        Remembered {
            name: found.name.clone(),
            image: named.or(last.image),
            owner: owner.unwrap_or(last.owner),
        }
        .write();
    }

    /// What `emulate` says of the board, where it holds it.
    pub fn held(&self) -> Option<&Running> {
        self.found()?.running.as_ref()
    }

    /// Whether `emulate` holds it, and keeps its ratings in a file where the emulated flash takes none.
    pub fn is_held(&self) -> bool {
        self.held().is_some_and(|running| running.keeps)
    }

    /// Whether it is to be booted in an emulator.
    pub fn is_emulator(&self) -> bool {
        matches!(self.at, At::Emulator(_))
    }

    /// Lets a connection find out what became of a change when its line breaks, from the board whose image has `crc`.
    pub fn way_back(&self, connection: &mut Connection<Box<dyn Line>>, crc: u32) {
        if let Some(found) = self.found() {
            let (name, baud) = (found.port.clone(), self.baud);
            connection.reopen_with(crc, move || port::open(&name, baud));
        }
    }

    /// Opens the line and greets the board; `image` goes into an emulator's flash.
    ///
    /// # Errors
    /// What went wrong, in a sentence.
    pub fn connect(&self, image: &Path) -> Result<Connection<Box<dyn Line>>> {
        let (line, name, timing): (Box<dyn Line>, _, _) = match &self.at {
            At::Port(found) => {
                let timing = match found.running {
                    Some(_) => HELD,
                    None => Timing::BOARD,
                };
                (
                    port::open(&found.port, self.baud)?,
                    found.port.clone(),
                    timing,
                )
            }
            At::Emulator(board) => {
                fits(image, *board)?;
                announce(image, *board);
                let elf = built(*board, image)?;
                let emulator = Emulator::boot(*board, &elf, Some(image))?;
                let name = format!("the emulated {}", board.name);
                (Box::new(emulator), name, Timing::EMULATOR)
            }
        };
        let timing = self.timeout.map_or(timing, |limit| timing.within(limit));
        let mut connection = Connection::new(line, name, timing);
        connection.hello()?;
        Ok(connection)
    }
}

/// Makes sure that the image is there and fits the board's flash, whose end the emulator doesn't know.
pub(super) fn fits(image: &Path, board: Board) -> Result<()> {
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

/// Says on stderr which image an emulator is to hold: what `export` writes without `--out` replaces the one before. Of what is
/// no image, which the firmware refuses, nothing is said.
pub(super) fn announce(image: &Path, board: Board) {
    let Some(contents) = Contents::at(image) else {
        return;
    };
    let written = std::fs::metadata(image).and_then(|meta| meta.modified());
    let age = written.ok().and_then(|written| written.elapsed().ok());
    let age = age.map_or_else(String::new, |age| {
        format!(", written {} ago", print::lasting(age.as_secs()))
    });
    print::log(&format!(
        "booting {} with {}: {contents}{age}",
        board.name,
        image.display()
    ));
}

/// Builds a board's firmware with the features that the image needs, for its emulator; the path of its ELF file.
pub(super) fn built(board: Board, image: &Path) -> Result<PathBuf> {
    Emulator::is_there(board)?;
    // What is no image is for the firmware to refuse.
    let bytes = ImageBytes::read(image).ok();
    let valid = bytes.filter(|bytes| bytes.open(image).is_ok());
    let features = match valid {
        Some(bytes) => DeviceBill::of(&bytes, board).further_features(),
        None => Vec::new(),
    };
    // Cargo compiles the task runner and waits for other builds without a word.
    print::log(&format!(
        "building the firmware of {}, which takes minutes the first time",
        board.name
    ));
    firmware::build(board, None, &features, Stdio::inherit())
}
