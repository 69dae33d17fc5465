//! `host emulate`: boots a board's firmware with an image and stays, so that `query` and `console` have a board to ask.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use pocketrec::ids::MovieId;
use pocketrec::wire::{Reply, Request, StorageState};

use super::image::DEFAULT;
use super::{find, line};
use crate::print::{count, shell};
use crate::{note, say};
use boards::Board;
use pocketrec_base::error::{BadInput, Stopped};
use pocketrec_base::{files, signals};
use pocketrec_export::ImageBytes;
use pocketrec_link::bridge::Bridge;
use pocketrec_link::control::{Qmp, Waiting};
use pocketrec_link::emulator::Emulator;
use pocketrec_link::keep::{self, Keeper, Kept, Learned};
use pocketrec_link::running::{self, Running};
use pocketrec_link::{Connection, Timing, port};

/// Options of `host emulate`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The board whose firmware is booted
    #[arg(value_name = "BOARD", default_value = boards::DEFAULT.name, value_parser = boards::parse_emulated)]
    board: Board,

    /// The image in its flash
    #[arg(long, value_name = "FILE", default_value = DEFAULT)]
    image: PathBuf,

    /// File to keep the owners' ratings and added movies in between runs; `none` keeps none [default: beside the image, for example model.microbit.profile]
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,

    /// A firmware of your own for that board, in place of the project's
    #[arg(long, value_name = "FILE")]
    elf: Option<PathBuf>,

    /// Listen on this port of 127.0.0.1; 0 picks a free one
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    tcp: u16,
}

/// How long nobody asks anything before what was changed is written.
const QUIET: Duration = Duration::from_secs(1);

/// Boots and stays until a signal comes.
///
/// # Errors
/// [`BadInput`] for an image or a profile that can't be used; [`Stopped`] behind a signal; else why the emulator ended.
pub fn run(args: &Args) -> Result<()> {
    let stop = signals::heed("");
    let profile = args.profile.clone();
    let profile = profile.unwrap_or_else(|| usual(&args.image, args.board));
    let own = args.elf.as_deref();
    if let Some(elf) = own {
        files::check_file("--elf", elf)?;
        if !elf.is_file() {
            let why = format!("--elf {}: there is no such file", elf.display());
            return Err(BadInput::new(why).into());
        }
    }
    let profile = (profile != Path::new("none")).then_some(profile);
    let profile = profile.as_deref();
    // Better told before a firmware is built.
    running::folder()?;
    let held = Held::boot((args.board, own), &args.image, profile, args.tcp, stop);
    let held = held.map_err(|why| match stop.load(Ordering::Relaxed) {
        // What Ctrl-C ended, cargo and the emulator among it, is no failure.
        true => {
            let name = args.board.name;
            Stopped(format!(
                "Ended before the emulated {name} was ready; nothing was changed"
            ))
            .into()
        }
        false => why,
    })?;
    // Gone when this ends, however it does in order.
    let _told = held.running.tell()?;
    held.tell();
    held.stay(stop)?;
    Err(Stopped(match profile {
        None => "Ended; nothing is kept".into(),
        Some(profile) if profile.exists() => {
            format!("Ended; {} has what was learned", profile.display())
        }
        Some(_) => "Ended; nothing was rated".into(),
    })
    .into())
}

/// An emulated board that programs can ask.
#[derive(Debug)]
pub struct Held {
    /// What other programs are told of it.
    pub running: Running,
    bridge: Bridge,
    emulator: Emulator,
    /// Who keeps what it learns, if anybody is to.
    keeper: Option<Keeper>,
    /// Ratings that its owners have.
    ratings: u32,
    /// Movies in the file that are in no use: for another image, and not in this one.
    left_movies: usize,
    /// Nobody else keeps a profile in the same file meanwhile.
    _lock: Option<files::lock::Lock>,
}

impl Held {
    /// Boots `board`, or a firmware for it that isn't the project's, with the image and with what the file `profile` kept, if there is to be one; it
    /// is asked at port `tcp` of this machine, or at a free one for 0.
    ///
    /// # Errors
    /// As [`run`]; an interruption once `stop` is set.
    pub fn boot(
        (board, own): (Board, Option<&Path>),
        image: &Path,
        profile: Option<&Path>,
        tcp: u16,
        stop: &'static AtomicBool,
    ) -> Result<Self> {
        line::fits(image, board)?;
        let bytes = ImageBytes::read(image)?;
        let model = bytes.open(image)?;
        line::announce(image, board);
        let crc = model.header().crc;
        let mut lock = None;
        let mut kept = None;
        if let Some(profile) = profile {
            files::check_file("--profile", profile)?;
            lock = Some(files::lock::Lock::keep("--profile", profile)?);
            kept = Kept::read(profile, board.profile_region)?;
        }
        let bridge =
            Bridge::open(tcp).map_err(|error| BadInput::new(format!("--tcp {tcp}: {error}")))?;
        let elf = match own {
            Some(elf) => elf.to_owned(),
            None => line::built(board, image)?,
        };
        let hand = Waiting::new()?;
        let mut arguments = hand.qmp()?;
        if let (Some(Kept::Flash(_)), Some(profile)) = (&kept, profile) {
            arguments.extend(Emulator::with_bytes(profile, board.profile_address));
        }
        let emulator = Emulator::boot_with(board, &elf, Some(image), &arguments)?;
        let machine = Qmp::take(hand)?;
        let name = format!("the emulated {}", board.name);
        let mut first = Connection::new(emulator, name, Timing::EMULATOR);
        first.heed(stop);
        first.hello()?;
        let keeper = match profile {
            Some(profile) => {
                let path = profile.to_owned();
                Some(keeper(&mut first, board, path, kept, machine)?)
            }
            None => None,
        };
        let ratings = keep::owners(&mut first)?.ratings;
        let has = |id| model.movie_row(MovieId(id)).is_ok();
        let left_movies = keeper.as_ref().map_or(0, |keeper| keeper.left_movies(has));
        Ok(Self {
            running: Running {
                board: board.name.to_owned(),
                address: bridge.address(),
                pid: std::process::id(),
                image: std::path::absolute(image)?,
                crc,
                keeps: keeper.is_some(),
            },
            bridge,
            emulator: first.into_line(),
            keeper,
            ratings: ratings.into_iter().map(u32::from).sum(),
            left_movies,
            _lock: lock,
        })
    }

    /// Says where it is asked.
    fn tell(&self) {
        let running = &self.running;
        say!(
            "An emulated {} answers at {}, with {} and {}",
            running.board,
            running.port(),
            running.image.display(),
            count(self.ratings, "rating")
        );
        let left = self.keeper.as_ref().map_or(0, Keeper::left);
        if left > 0 {
            note!(
                "The file keeps {} more, which this board doesn't take",
                count(left, "rating")
            );
        }
        if self.left_movies > 0 {
            note!(
                "The file keeps {} for another image: `add-movie --to-board` adds them to this one",
                count(self.left_movies, "added movie")
            );
        }
        note!("Ask it from another terminal:");
        let which = find::option(running, &running::all());
        let which: Vec<&str> = which.iter().map(String::as_str).collect();
        for verb in [&["query", "top"][..], &["console"]] {
            note!("    {}", shell::command([verb, &which].concat()));
        }
        match &self.keeper {
            Some(keeper) => note!(
                "Ctrl-C ends it; what it learns is kept in {}",
                keeper.path().display()
            ),
            None => note!("Ctrl-C ends it; what it learns is forgotten then"),
        }
    }

    /// Carries bytes between the programs and the board until `stop` is set, and writes the profile when it has changed.
    ///
    /// # Errors
    /// Why the emulator ended, or why the profile can't be written.
    pub fn stay(self, stop: &AtomicBool) -> Result<()> {
        let Self {
            running,
            bridge,
            mut emulator,
            mut keeper,
            ..
        } = self;
        let (ear, mouth) = (emulator.line()?, emulator.line()?);
        std::thread::scope(|scope| {
            let carried = scope.spawn(|| bridge.carry(ear, mouth));
            let mut heard = (bridge.sent(), Instant::now());
            let mut saved = bridge.sent();
            while !stop.load(Ordering::Relaxed) && !carried.is_finished() {
                std::thread::sleep(Duration::from_millis(50));
                let sent = bridge.sent();
                if sent != heard.0 {
                    heard = (sent, Instant::now());
                }
                if sent != saved && heard.1.elapsed() >= QUIET {
                    if let Err(why) = save(&mut keeper, &running) {
                        crate::warn!("the profile isn't kept: {why:#}");
                    }
                    saved = bridge.sent();
                    heard.0 = saved;
                }
            }
            if carried.is_finished() {
                bail!("the emulator ended: {}", emulator.last_words());
            }
            let kept = match bridge.sent() == saved {
                true => Ok(()),
                false => save(&mut keeper, &running),
            };
            bridge.close();
            kept.context("the profile isn't kept")
        })
    }
}

/// Where ratings are kept unless told otherwise.
fn usual(image: &Path, board: Board) -> PathBuf {
    image.with_extension(format!("{}.profile", board.name))
}

/// Who keeps the profile: in the form that its file has, or else in the one that the board allows.
fn keeper(
    first: &mut Connection<Emulator>,
    board: Board,
    path: PathBuf,
    kept: Option<Kept>,
    machine: Qmp,
) -> Result<Keeper> {
    let storage = first.ask_for(
        &Request::Storage,
        |_, _| (),
        |reply| match reply {
            Reply::Storage(storage) => Some(storage.state),
            _ => None,
        },
    )?;
    // Flash that can't be opened is kept too: the board says so, and `query format` begins anew.
    let takes_writes = !matches!(storage, StorageState::Absent | StorageState::Failed);
    match kept {
        Some(Kept::Flash(_)) if !takes_writes => Err(BadInput::new(format!(
            "{} is the flash of a board, and the emulated {} keeps nothing in flash: name another file with --profile",
            path.display(),
            board.name
        ))
        .into()),
        Some(Kept::Text(before)) => Keeper::of_text(path, before, first),
        None if !takes_writes => Keeper::of_text(path, Learned::default(), first),
        Some(Kept::Flash(_)) | None => Ok(Keeper::of_flash(
            path,
            machine,
            board.profile_address,
            board.profile_region as u32,
        )),
    }
}

/// Asks the board as any program does, and writes what it says.
fn save(keeper: &mut Option<Keeper>, running: &Running) -> Result<()> {
    let Some(keeper) = keeper else { return Ok(()) };
    let name = running.port();
    let line = port::open(&name, port::BAUD)?;
    keeper.save(&mut Connection::new(line, name, line::HELD))
}
