//! `host export`: checkpoint in, flash image out, with the bill.

mod drive;
mod sentences;
mod source;
mod tables;
mod told;

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};

use super::trained;
use crate::print::{self, Target, count, grouped};
use crate::report::verdict;
use crate::{note, warn};
use boards::{self, Board};
use pocketrec_base::error::BadInput;
use pocketrec_base::files;
use pocketrec_data::reading::TitlesFrom;
use pocketrec_data::tables::Format;
use pocketrec_data::{DataError, Dataset, Note, Ratings, Titles, load};
use pocketrec_export::bill::Bill;
use pocketrec_export::choice;
use pocketrec_export::device::DeviceBill;
use pocketrec_export::measure::{Measure, Rounding};
use pocketrec_export::{
    Chosen, Facets, Keep, Movies, Precision, Rated, Storage, Users, build, fit, people, seen,
    sidecar,
};
use pocketrec_train::Solver;
use pocketrec_train::checkpoint::Checkpoint;

use self::sentences::{drift_sentence, facets_sentence, held_sentence, seen_sentence, too_large};
use self::told::{Exported, Held};

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
    /// codes, 4 bytes per movie whatever its dimensions, and codes3, codes2 or codes1, for models without an MLP
    /// [default: f16; with --board, what loses least of what fits it]
    #[arg(long, value_name = "TYPE")]
    precision: Option<Precision>,

    /// Embedding dimensions in the image, the most informative first, of a model found by Gibbs sampling [default: all]
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
    /// none, or fit (if there is room) [default: fit]
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

    /// Users' biases in the image: last, where their latest ratings have moved them, for predictions of what comes next; or
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
    if let Some(item) = item {
        print::item::call(item);
    }
    match format {
        source::Format::Numbers(format) => return numbers(args, &checkpoint, &from, format),
        source::Format::C => source::check(args.out.as_ref())?,
        source::Format::Image => {}
    }
    let to = args
        .out
        .clone()
        .unwrap_or_else(|| Target::File(from.with_file_name(pocketrec_export::IMAGE_FILE)));
    to.claim_for_bytes("--out")?;
    let titles = to.file().map(sidecar::path_of);
    let people = to.file().map(people::path_of);
    for (what, beside) in [
        ("the file of the image's titles", &titles),
        ("the file of the names of the image's users", &people),
    ] {
        beside
            .iter()
            .try_for_each(|path| files::check_file(what, path))?;
    }
    let movies = args.movies.rows(&checkpoint)?;
    let board = args.board.unwrap_or(boards::DEFAULT);
    args.drive.check(board, to.file())?;
    let data = data_of(args, &checkpoint, &from)?;
    let named = titles_of(args, &checkpoint, data.as_ref().ok())?;
    // Without titles the file says all the same what the things are called.
    let named = named.or_else(|| item.map(|_| Titles::default()));
    let rated = match &data {
        Ok(data) => Some(Arc::new(rated(&data.ratings, &checkpoint))),
        Err(why) if args.seen == Keep::All => {
            return Err(BadInput::new(format!(
                "`--seen all` takes the ratings that the model was trained on, and {why}; `--data PATH` names them"
            ))
            .into());
        }
        Err(_) => None,
    };
    let measure = match &data {
        Ok(data) => Ok(Measure::new(&checkpoint, data)?),
        Err(why) => Err(why),
    };
    let facets = facets_of(args, named.as_ref(), &checkpoint)?;
    let (mut storage, mut choices) = (args.storage(), None);
    let of_image = format == source::Format::Image;
    if of_image && args.board.is_some() {
        let held = Chosen {
            users: match &args.users {
                Some(users) => users.rows(&checkpoint)?,
                None => Vec::new(),
            },
            movies: movies.clone(),
            seen: rated.clone().filter(|_| args.seen == Keep::All),
            facets: facets.clone().ok().filter(|_| args.genres == Keep::All),
        };
        let asked = choice::Asked {
            storage,
            kin: args.kin,
        };
        match args.precision {
            Some(_) => storage = choice::with_kin(&checkpoint, &held, asked, board)?,
            None => {
                let measure = measure.as_ref().map_err(|why| *why);
                let (taken, all) = choice::choose(&checkpoint, &held, asked, board, measure)?;
                print::block(&all.told(board));
                note!("");
                (storage, choices) = (taken, Some(all));
            }
        }
    }
    let chosen = choose(args, storage, &checkpoint, movies, rated, &facets, board)?;
    let stored = match args.as_of {
        AsOf::All => Cow::Borrowed(&checkpoint),
        AsOf::Last => checkpoint.as_of_last(),
    };
    if !of_image {
        return source::write(
            &stored,
            &chosen,
            storage.precision,
            &from,
            args.out.as_ref(),
        );
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

    // The image last: it says that what lies beside it is its own.
    let mut together = files::Together::default();
    let failed = |path: &Path| format!("can't write {}; nothing was changed", path.display());
    let crc = bytes.open(&from)?.header().crc;
    let names = &checkpoint.data.user_names;
    let mut called = None;
    match &people {
        Some(people) if !names.is_empty() && !chosen.users.is_empty() => {
            let ids = chosen.users.iter().map(|row| checkpoint.user_ids[*row]);
            let csv = people::to_csv(names, ids, crc)?;
            together
                .add(people, |file| file.write_all(&csv))
                .with_context(|| failed(people))?;
            called = Some(people.clone());
        }
        Some(people) => together.remove(people),
        None => {}
    }
    let csv = match (named, &titles) {
        (Some(named), Some(_)) => {
            let ids: Vec<u32> = chosen
                .movies
                .iter()
                .map(|row| checkpoint.movie_ids[*row])
                .collect();
            let counts = checkpoint.movie_counts.iter().copied();
            let counted = named.counted(checkpoint.movie_ids.iter().copied().zip(counts));
            Some(sidecar::to_csv(
                &counted,
                &ids,
                &checkpoint.data.movie_names,
                item,
                crc,
            )?)
        }
        _ => None,
    };
    let written = csv.is_some();
    if let Some(titles) = &titles {
        match csv {
            Some(csv) => together
                .add(titles, |file| file.write_all(&csv))
                .with_context(|| failed(titles))?,
            None => together.remove(titles),
        }
    }
    match to.file() {
        Some(path) => together
            .add(path, |file| file.write_all(bytes.as_ref()))
            .with_context(|| failed(path))?,
        None => to.write(bytes.as_ref())?,
    }
    together
        .commit()
        .map_err(|(path, error)| anyhow!("can't write {}: {error}", path.display()))?;
    let drive = match (to.file(), &device) {
        (Some(image), Some(bill)) => args.drive.write(board, image, &bill.further_features())?,
        _ => None,
    };
    print::answer(&Exported {
        checkpoint: from,
        image: to.file().map(Path::to_owned),
        drive,
        titles: titles.filter(|_| written),
        user_names: called,
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
    })
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
            "{option} is for images, and --format {} writes the checkpoint's numbers as they are; leave it out",
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

/// Reads the checkpoint.
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
    Checkpoint::read(path).map_err(|error| {
        if error.is_bad_input() {
            BadInput::new(error).into()
        } else {
            error.into()
        }
    })
}

/// What the users of the checkpoint have rated of its movies: of a model that was trained here, all of `ratings`.
fn rated(ratings: &Ratings, checkpoint: &Checkpoint) -> Rated {
    let (users, movies) = (&checkpoint.user_ids, &checkpoint.movie_ids);
    match ratings.user_ids == *users && ratings.movie_ids == *movies {
        true => Rated::new(ratings),
        false => Rated::new(&ratings.of_rows(users, movies)),
    }
}

/// The users that are asked for or that fit, and whether what they have `rated` comes with them.
fn choose(
    args: &Args,
    storage: Storage,
    checkpoint: &Checkpoint,
    movies: Vec<usize>,
    rated: Option<Arc<Rated>>,
    facets: &std::result::Result<Arc<Facets>, String>,
    board: Board,
) -> Result<Chosen> {
    let region = board.image_region;
    let most = match &args.users {
        Some(users) => users.rows(checkpoint)?.len(),
        None => 0,
    };
    let numbered = seen::most_users(movies.len());
    if args.seen == Keep::All && most > numbered {
        return Err(BadInput::new(format!(
            "`--seen all` with {} takes at most {}, and these are {}: choose fewer, or `--seen none`",
            count(movies.len(), "movie"),
            count(numbered, "user"),
            grouped(most as u64)
        ))
        .into());
    }
    let mut chosen = Chosen {
        users: Vec::new(),
        movies: movies.clone(),
        seen: match args.seen {
            Keep::All => rated.clone(),
            Keep::Fit | Keep::None => None,
        },
        facets: facets.clone().ok().filter(|_| args.genres == Keep::All),
    };
    if args.genres == Keep::Fit
        && let Ok(facets) = facets
    {
        let mut with = Chosen {
            facets: Some(facets.clone()),
            ..chosen.clone()
        };
        if let Some(users) = &args.users {
            with.users = users.rows(checkpoint)?;
        }
        if fit::length(checkpoint, &with, storage)? <= region {
            chosen.facets = with.facets;
        }
    }
    chosen.users = match &args.users {
        Some(users) => users.rows(checkpoint)?,
        None => match fit::users_that_fit(checkpoint, &chosen, storage, region)? {
            None | Some(0) => Vec::new(),
            Some(number) => Users::MostActive(number).rows(checkpoint)?,
        },
    };
    if args.seen == Keep::Fit && !chosen.users.is_empty() && chosen.users.len() <= numbered {
        let with = Chosen {
            seen: rated,
            ..chosen.clone()
        };
        if fit::length(checkpoint, &with, storage)? <= region {
            return Ok(with);
        }
    }
    Ok(chosen)
}

/// The ratings that the checkpoint at `from` was trained on, or why they can't be had.
fn data_of(
    args: &Args,
    checkpoint: &Checkpoint,
    from: &Path,
) -> Result<std::result::Result<Dataset, String>> {
    let note = &checkpoint.data;
    let folder = from.parent().unwrap_or(Path::new(""));
    trained::ratings(note.fingerprint, args.data.as_deref(), Ok(note), folder)
}

/// The titles of the image's movies, with a warning of what is wrong with them; none where there are none.
fn titles_of(
    args: &Args,
    checkpoint: &Checkpoint,
    data: Option<&Dataset>,
) -> Result<Option<Titles>> {
    let titles = match &args.titles {
        Some(TitlesFrom::Nowhere) => return Ok(None),
        Some(TitlesFrom::File(path)) => {
            let names = &checkpoint.data.movie_names;
            let listed = load::titles_in(path, names).map_err(DataError::into_anyhow)?;
            for told in &listed.notes {
                warn!("{told}");
            }
            let has = |id: &u32| listed.titles.get(*id).is_some();
            if !checkpoint.movie_ids.iter().any(has) {
                return Err(BadInput::new(format!(
                    "--titles {} has no movie of the model",
                    path.display()
                ))
                .into());
            }
            listed.titles
        }
        None => {
            let Some(data) = data else {
                let named = Titles::of_names(checkpoint.data.movie_names.all());
                return Ok((!named.is_empty()).then_some(named));
            };
            for note in &data.notes {
                if let Note::NoTitles(_) | Note::Titles(_) = note {
                    warn!("{note}");
                }
            }
            data.titles.clone()
        }
    };
    let titles = checkpoint.data.with_added(titles);
    Ok((!titles.is_empty()).then_some(titles))
}

/// Genres and years of the movies, or why none are stored.
fn facets_of(
    args: &Args,
    named: Option<&Titles>,
    checkpoint: &Checkpoint,
) -> Result<std::result::Result<Arc<Facets>, String>> {
    if args.genres == Keep::None {
        return Ok(Err("`--genres none`".into()));
    }
    let found = named.map(|titles| Facets::new(titles, &checkpoint.movie_ids));
    let why = match found {
        Some(Ok(Some(facets))) => return Ok(Ok(Arc::new(facets))),
        Some(Err(why)) => why,
        Some(Ok(None)) => "no title has a genre or a year".into(),
        None => "there are no titles that say them".into(),
    };
    match args.genres {
        Keep::All => {
            Err(BadInput::new(format!("`--genres all` stores genres and years, and {why}")).into())
        }
        _ => Ok(Err(why)),
    }
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
