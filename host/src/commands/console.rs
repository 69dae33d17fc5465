//! `host console`: an evening with a board, on a whole screen or line by line.

use std::io::{BufReader, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;
use pocketrec_console::desk::Desk;
use pocketrec_console::device::{Device, Holder};
use pocketrec_console::lines::Teller;
use pocketrec_console::screen;
use pocketrec_console::state::State;

use super::image::{DEFAULT, Loaded, TitlesArgs};
use super::line::{BOARD, LineArgs, owner};
use super::movie::{Purpose, choose_unasked};
use super::query::{AtHand, info_of};
use crate::print::{hint, is_json};
use pocketrec_base::error::BadInput;
use pocketrec_base::{files, signals};
use pocketrec_link::added;
use pocketrec_link::keep::{Keeper, Kept, Learned};
use pocketrec_link::memory::MemoryBoard;
use pocketrec_link::{Connection, Known, Timing};

/// Options of `host console`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where the board is; without one it is core on this PC
    #[command(flatten)]
    line: LineArgs,

    /// The image that the board holds; without --port and --emulator, core on this PC is asked with this one [default:
    /// that of the board that is found, or target/pocketrec/model.img]
    #[arg(long, value_name = "FILE", help_heading = BOARD)]
    image: Option<PathBuf>,

    #[command(flatten)]
    titles: TitlesArgs,

    /// Which owner of the device [default: 0, or the last one of this board]
    #[arg(long, value_name = "N", value_parser = owner, help_heading = BOARD)]
    owner: Option<u8>,

    /// Ask core on this PC, whatever board there is, and keep its ratings in this file; `none` keeps none [default: of
    /// core on this PC, beside the image, as in model.profile]
    #[arg(long, value_name = "FILE", conflicts_with_all = ["port", "emulator"], help_heading = BOARD)]
    profile: Option<PathBuf>,
}

/// Runs until somebody ends it.
///
/// # Errors
/// [`BadInput`] for a board, an image or a line that can't be meant; else what went wrong, in a sentence.
pub fn run(args: &Args) -> Result<()> {
    if is_json() {
        return Err(BadInput::new(
            "`console` has no --json: `query --json` answers in JSON, question by question",
        )
        .into());
    }
    let on_pc = (args.image.is_some() || args.profile.is_some()) && !args.line.is_given();
    let place = match on_pc {
        true => None,
        false => args.line.place_or_none()?,
    };
    match place {
        Some(place) => {
            let at_hand = AtHand::find(
                place.image(args.image.as_deref(), true).as_deref(),
                &args.titles,
            )?;
            if place.is_emulator() {
                at_hand.needed("--emulator")?;
                hint(
                    "what is rated is kept until this ends; `emulate` in another terminal keeps it in a file",
                );
            }
            let mut board = place.connect(at_hand.path())?;
            board.heed(signals::heed(""));
            let found = info_of(&mut board, |board, info| {
                Ok((info.crc, at_hand.settle(board, info, place.held())?))
            })?;
            let mut movies = at_hand.movies();
            if let Some((crc, added)) = found {
                place.way_back(&mut board, crc);
                movies.extend(added);
            }
            let desk = Desk {
                titles: at_hand.titles(),
                movies,
                genres: at_hand.genres().map(str::to_owned),
                beside: at_hand.beside(),
            };
            let owner = args.owner.unwrap_or_else(|| place.usual_owner());
            let met = || place.remember(args.image.as_deref(), Some(owner));
            let holder = match place.is_held() {
                true => Holder::Emulate,
                false if place.is_emulator() => Holder::ThisProgram,
                false => Holder::Itself,
            };
            evening(board, owner, (None, holder), desk, met)
        }
        None => {
            let image = args.image.as_deref().unwrap_or(Path::new(DEFAULT));
            on_this_pc(args, image)
        }
    }
}

/// Core in this process, with what it learned the last time.
fn on_this_pc(args: &Args, image: &Path) -> Result<()> {
    let loaded = Loaded::read(image, &args.titles)?;
    let known = Known::of(&loaded.model()?);
    let mut desk = Desk {
        titles: loaded.titles.clone(),
        movies: known.movies().to_vec(),
        genres: known.genres().map(str::to_owned),
        beside: known.beside(),
    };
    let line = MemoryBoard::new(Ok(loaded.model()?));
    let mut board = Connection::new(line, "core on this PC", Timing::MEMORY);
    board.heed(signals::heed(""));
    board.hello()?;
    board.hold_to(known.clone());
    let profile = args.profile.clone();
    let profile = profile.unwrap_or_else(|| image.with_extension("profile"));
    // Held to the end: two at once would each write over what the other learned.
    let _lock;
    let keeper = match profile == Path::new("none") {
        true => None,
        false => {
            files::check_file("--profile", &profile)?;
            _lock = files::lock::Lock::keep("--profile", &profile)?;
            let before = match Kept::read(&profile, 0)? {
                Some(Kept::Text(before)) => before,
                _ => Learned::default(),
            };
            Some(Keeper::of_text(profile, before, &mut board)?)
        }
    };
    if let Some(added) = added::all(&mut board)? {
        desk.movies.extend(added.ids());
        board.hold_to(known.with_added(added.ids()));
    }
    if !args.line.is_given() && args.image.is_none() && args.profile.is_none() {
        hint("no board was found, so this PC runs its code");
    }
    evening(
        board,
        args.owner.unwrap_or(0),
        (keeper, Holder::ThisProgram),
        desk,
        || (),
    )
}

/// Lets a person talk to the board, once it has been `met`.
fn evening<L: Read + Write + Send>(
    board: Connection<L>,
    owner: u8,
    (keeper, holder): (Option<Keeper>, Holder),
    desk: Desk,
    met: impl FnOnce(),
) -> Result<()> {
    let stop = signals::heed("");
    let (device, about) = Device::meet(board, owner, keeper, holder)?;
    met();
    if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
        return screen::run(device, State::new(desk, about, owner), stop);
    }
    let known = desk.clone();
    let choose = |text: &str, is_change: bool| {
        let purpose = match is_change {
            true => Purpose::Change,
            false => Purpose::Tell,
        };
        choose_unasked(&known.titles, |id| known.has(id), text, purpose)
    };
    Teller::new(device, desk, about, &choose).run(BufReader::new(std::io::stdin()), stop)
}
