//! `host export`: checkpoint in, flash image out, with the bill.

mod drive;
mod placed;
mod sentences;
mod source;
mod tables;
mod told;
mod wanted;

use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use clap::{Args as _, FromArgMatches};

use super::trained;
use crate::print::{self, Target};
use crate::report::verdict;
use crate::{note, warn};
use boards::{self, Board};
use pocketrec_base::error::BadInput;
use pocketrec_base::files;
use pocketrec_checkpoint::Checkpoint;
use pocketrec_data::Titles;
use pocketrec_data::reading::TitlesFrom;
use pocketrec_export::bill::Bill;
use pocketrec_export::choice;
use pocketrec_export::device::DeviceBill;
use pocketrec_export::measure::{Measure, Rounding};
use pocketrec_export::{Chosen, Contents, Keep, Movies, Precision, Storage, Users, build, fit};
use pocketrec_tables::Format;
use pocketrec_train::Solver;

use self::placed::Placed;
use self::sentences::{drift_sentence, facets_sentence, held_sentence, seen_sentence, too_large};
pub(super) use self::told::Exported;
use self::told::Held;

/// Options of `host export`.
#[derive(Debug, clap::Args)]
#[command(allow_negative_numbers = true)]
pub struct Args {
    /// The checkpoint [default: the latest in target/pocketrec]
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,

    /// Image file to write, with the titles beside it; - is standard output, without titles [default: beside the
    /// checkpoint]
    #[arg(long, value_name = "FILE")]
    out: Option<Target>,

    /// What to write: image; c, a header and a source for firmware that isn't Rust; or the model's numbers for other
    /// programs: npz, or a folder of a table of users and one of movies as parquet, csv or jsonl [default: npz where
    /// --out ends so, else image]
    #[arg(long, value_name = "FORMAT", value_parser = source::format)]
    format: Option<source::Format>,

    /// How embeddings and biases are stored: f16, f32, i16 or i8, of which a device scores the last two in integers; or
    /// codes, 4 bytes per movie whatever its dimensions, and codes3, codes2 or codes1
    /// [default: f16; with --board, what loses least of what fits it]
    #[arg(long, value_name = "TYPE")]
    precision: Option<Precision>,

    /// Embedding dimensions in the image, the most informative first, of a model found by Gibbs sampling [default: all; in integers
    /// and codes an even number of them]
    #[arg(long, value_name = "N")]
    dim: Option<usize>,

    /// Also store each movie's half of the first dense layer, for faster lists; for models with an MLP in i16 or i8, at
    /// two bytes per unit and movie
    #[arg(long)]
    precompute: bool,

    /// Users in the image: all, none, a number (of the most active) or ids:1,42, which may be names where the ratings have
    /// names [default: as many of the most active as fit the board]
    #[arg(long, value_name = "WHICH")]
    users: Option<Users>,

    /// Store which movies the users have rated, so that a device can leave them out of lists: all, none, or fit (if
    /// there is room) [default: fit]
    #[arg(
        long,
        value_name = "WHICH",
        default_value = "fit",
        hide_default_value = true
    )]
    seen: Keep,

    /// Store which movies belong together, in 8 bytes per movie, for `similar`: all, none, or fit (if there is room on
    /// --board) [default: fit]
    #[arg(
        long,
        value_name = "WHICH",
        default_value = "fit",
        hide_default_value = true
    )]
    kin: Keep,

    /// Store genres and years of the movies, in less than 3 bytes per movie, so that a device can filter its lists: all,
    /// none, or fit (if there is room, and the firmware of --board filters) [default: fit]
    #[arg(
        long,
        value_name = "WHICH",
        default_value = "fit",
        hide_default_value = true
    )]
    genres: Keep,

    /// The ratings that the model was trained on [default: the path in the checkpoint]
    #[arg(long, value_name = "PATH")]
    data: Option<PathBuf>,

    /// Titles of the movies: a file such as movies.csv, or none [default: those beside the training ratings]
    #[arg(long, value_name = "PATH|none")]
    titles: Option<TitlesFrom>,

    /// Users' biases in what is written: last, where their latest ratings have moved them, for predictions of what comes next; or
    /// all, the same over all of a user's ratings
    #[arg(
        long,
        value_name = "RATINGS",
        value_enum,
        default_value = "last",
        hide_possible_values = true
    )]
    as_of: AsOf,

    /// Movies in the image: all, a number (of the most rated), min-ratings:20 or ids:1,50
    #[arg(long, value_name = "WHICH", default_value = "all")]
    movies: Movies,

    #[arg(long, value_name = "NAME|FILE", value_parser = boards::parse, help = board_help())]
    board: Option<Board>,

    #[command(flatten)]
    drive: drive::DriveArgs,
}

/// Which of a user's ratings the bias in an image is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum AsOf {
    /// What comes after the last.
    Last,
    /// All of them alike.
    All,
}

fn board_help() -> String {
    format!(
        "The board that the image must fit: {}, or the path of a board's own {} [default: {}, without having to fit]",
        boards::names(),
        boards::FILE,
        boards::DEFAULT.name
    )
}

impl Args {
    /// What is asked for; f16 where nothing is.
    fn storage(&self) -> Storage {
        Storage {
            precision: self.precision.unwrap_or_default(),
            precompute: self.precompute,
            dim: self.dim,
            without_kin: self.kin == Keep::None,
        }
    }
}

/// Exports and tells.
///
/// # Errors
/// [`BadInput`] for a checkpoint or a choice that can't become an image; an error where it doesn't fit `--board`.
/// Nothing is written then.
pub fn run(args: &Args) -> Result<()> {
    match export(args)? {
        Some(exported) => print::answer(&exported),
        None => Ok(()),
    }
}

/// The image `to` of the checkpoint `from`, as `export` without further options makes it.
///
/// # Errors
/// As [`run`]'s.
pub(super) fn plain(from: &Path, to: &Path, precision: Precision) -> Result<Exported> {
    let words = [
        OsStr::new("export"),
        OsStr::new("--checkpoint"),
        from.as_os_str(),
        OsStr::new("--out"),
        to.as_os_str(),
    ];
    let command = Args::augment_args(clap::Command::new("export"));
    let mut args = Args::from_arg_matches(&command.try_get_matches_from(words)?)?;
    args.precision = Some(precision);
    let exported = export(&args)?;
    exported.context("an image is what --out names")
}

/// Exports, and says what to tell; nothing where that was told.
fn export(args: &Args) -> Result<Option<Exported>> {
    let from = args
        .checkpoint
        .clone()
        .unwrap_or_else(|| Path::new(files::FOLDER).join(files::CHECKPOINT));
    let same = |to: &Path| to.exists() && to.canonicalize().ok() == from.canonicalize().ok();
    if args.out.as_ref().and_then(Target::file).is_some_and(same) {
        return Err(BadInput::new(format!(
            "--out is the checkpoint {} itself, which the image would replace; name another file",
            from.display()
        ))
        .into());
    }
    let format = match args.format {
        Some(format) => format,
        None => source::Format::of(args.out.as_ref())?,
    };
    let checkpoint = read(&from)?;
    let item = checkpoint.data.reading.item.as_ref();
    let stored = match args.as_of {
        AsOf::All => Cow::Borrowed(&checkpoint),
        AsOf::Last => checkpoint.as_of_last(),
    };
    match format {
        source::Format::Numbers(format) => {
            return numbers(args, &stored, &from, format).map(|()| None);
        }
        source::Format::C => source::check(args.out.as_ref())?,
        source::Format::Image => source::check_image(args.out.as_ref())?,
    }
    let to = args
        .out
        .clone()
        .unwrap_or_else(|| Target::File(from.with_file_name(pocketrec_export::IMAGE_FILE)));
    let placed = Placed::at(to)?;
    let movies = args.movies.rows(&checkpoint)?;
    let board = args.board.unwrap_or(boards::DEFAULT);
    args.drive.check(board, placed.image.file())?;
    let data = wanted::data(args, &checkpoint, &from)?;
    let named = wanted::titles(args, &checkpoint, data.as_ref().ok())?;
    // Without titles the file says all the same what the things are called.
    let named = named.or_else(|| item.map(|_| Titles::default()));
    let rated = match &data {
        Ok(data) => Some(Arc::new(wanted::rated(&data.ratings, &checkpoint))),
        Err(why) if args.seen == Keep::All => {
            return Err(BadInput::new(format!(
                "`--seen all` takes the ratings that the model was trained on, and {why}; {}",
                trained::advice(why)
            ))
            .into());
        }
        Err(_) => None,
    };
    let measure = match &data {
        Ok(data) => Ok(Measure::new(&checkpoint, data)?),
        Err(why) => Err(why),
    };
    let facets = wanted::facets(args, named.as_ref(), &checkpoint)?;
    let asked = fit::Asked {
        movies,
        users: args.users.clone(),
        seen: (args.seen, rated),
        genres: (args.genres, facets.as_ref().ok().cloned()),
    };
    let (mut storage, mut choices) = (args.storage(), None);
    let of_image = format == source::Format::Image;
    if of_image && args.board.is_some() {
        let held = asked.least(&checkpoint)?;
        let ways = choice::Asked {
            storage,
            kin: args.kin,
        };
        match args.precision {
            Some(_) => storage = choice::with_kin(&checkpoint, &held, ways, board)?,
            None => {
                let measure = measure.as_ref().map_err(|why| *why);
                let (taken, all) = choice::choose(&checkpoint, &held, ways, board, measure)?;
                print::block(&all.told(board));
                note!("");
                (storage, choices) = (taken, Some(all));
            }
        }
    }
    wanted::numbered(args, &checkpoint, asked.movies.len())?;
    let chosen = asked.that_fits(&checkpoint, storage, board.image_region)?;
    if !of_image {
        return source::write(
            &stored,
            &chosen,
            storage.precision,
            &from,
            args.out.as_ref(),
        )
        .map(|()| None);
    }
    let bytes = build(&stored, &chosen, storage)?;
    if args.board.is_some() && bytes.as_ref().len() > board.image_region {
        bail!(too_large(storage, &checkpoint, &chosen, &bytes, board)?);
    }
    let device = args.board.map(|board| DeviceBill::of(&bytes, board));
    if let Some(why) = device.as_ref().and_then(DeviceBill::without_feature) {
        bail!("{why}; without `--board` the image is written all the same");
    }

    note!(
        "{}: {} on {}",
        from.display(),
        checkpoint.parameters.model.name(),
        checkpoint.data.name
    );
    note!(
        "{}",
        held_sentence(args, storage, &checkpoint, &chosen, board)
    );
    if let (Some(drift), AsOf::Last) = (&checkpoint.drift, args.as_of)
        && let Some(said) = drift_sentence(drift, &chosen)
    {
        note!("{said}");
    }
    if storage.without_kin && checkpoint.interest.is_some() {
        note!(
            "It is without the table of which movies belong together{}: lists go without what people look for, and `similar` by \
             embeddings",
            match args.kin {
                Keep::Fit => format!(", which doesn't fit {} beside them", board.name),
                Keep::All | Keep::None => " (`--kin none`)".into(),
            }
        );
    }
    note!("{}", facets_sentence(&bytes, &facets, board));
    if !chosen.users.is_empty() {
        let missing = data.as_ref().err().map(String::as_str);
        note!("{}", seen_sentence(args, &bytes, missing, board));
    }
    let rounding = match &measure {
        Ok(measure) => measure.rounding(storage)?,
        Err(why) => Rounding::unmeasured(why),
    };
    if let Some(warning) = checkpoint.validation.and_then(verdict::warning) {
        warn!("{warning}");
    }

    let now = Contents::of(&bytes.open(&from)?);
    let before = placed.image.file().and_then(Contents::at);
    let written = placed.write(&bytes, &checkpoint, &chosen, named, &from)?;
    let to = &placed.image;
    let drive = match (to.file(), &device) {
        (Some(image), Some(bill)) => args.drive.write(board, image, &bill.further_features())?,
        _ => None,
    };
    Ok(Some(Exported {
        checkpoint: from,
        image: to.file().map(Path::to_owned),
        replaced: before.filter(|before| *before != now),
        drive,
        titles: written.titles,
        user_names: written.people,
        movies: Held {
            held: chosen.movies.len(),
            of: checkpoint.movie_ids.len(),
        },
        users: Held {
            held: chosen.users.len(),
            of: checkpoint.user_ids.len(),
        },
        precision: storage.precision.name(),
        choices,
        bill: match args.board {
            Some(board) => Bill::of(&bytes).without(board),
            None => Bill::of(&bytes),
        },
        board: device,
        named: args.board,
        rounding,
        licence: checkpoint.data.licence,
        unmeasured: match (checkpoint.validation, checkpoint.options.solver) {
            (Some(_), _) => None,
            (None, Solver::Imported) => Some("it was imported"),
            (None, _) => Some("training held no ratings out"),
        },
    }))
}

/// Writes the model's numbers for other programs: of all users unless some are chosen.
fn numbers(args: &Args, checkpoint: &Checkpoint, from: &Path, format: Format) -> Result<()> {
    let of_image = [
        (args.precision.is_some(), "--precision"),
        (args.precompute, "--precompute"),
        (args.dim.is_some(), "--dim"),
        (args.board.is_some(), "--board"),
        (args.titles.is_some(), "--titles"),
        (args.data.is_some(), "--data"),
    ];
    if let Some((_, option)) = of_image.into_iter().find(|(given, _)| *given) {
        return Err(BadInput::new(format!(
            "{option} is for images, and --format {} writes the model's numbers as they are; leave it out",
            format.name()
        ))
        .into());
    }
    let out = tables::place(format, args.out.as_ref(), from)?;
    let chosen = Chosen {
        users: args
            .users
            .as_ref()
            .unwrap_or(&Users::All)
            .rows(checkpoint)?,
        movies: args.movies.rows(checkpoint)?,
        ..Chosen::all(checkpoint)
    };
    tables::write(checkpoint, &chosen, format, &out)
}

/// Reads the checkpoint, and calls what it is of by its name from now on.
///
/// # Errors
/// [`BadInput`] where there is none or it isn't one; else what the disk says.
pub(super) fn read(path: &Path) -> Result<Checkpoint> {
    if !path.exists() {
        return Err(BadInput::new(format!(
            "there is no checkpoint {}; `cargo run -p host -- train` writes one",
            path.display()
        ))
        .into());
    }
    let checkpoint = Checkpoint::read(path).map_err(|error| {
        if error.is_bad_input() {
            anyhow::Error::new(BadInput::new(error))
        } else {
            error.into()
        }
    })?;
    if let Some(item) = &checkpoint.data.reading.item {
        print::item::call(item);
    }
    Ok(checkpoint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_commands_look_where_this_one_writes() {
        let written = Path::new(files::FOLDER).join(pocketrec_export::IMAGE_FILE);
        assert_eq!(Path::new(super::super::image::DEFAULT), written);
    }
}
