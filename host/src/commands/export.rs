//! `host export`: checkpoint in, flash image out, with the bill.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use pocketrec::model::Model;

use crate::data::{Dataset, Silent, Split, builtin};
use crate::error::BadInput;
use crate::export::bill::Bill;
use crate::export::boards::{self, Board};
use crate::export::device::DeviceBill;
use crate::export::quality::{self, Held};
use crate::export::{Chosen, ImageBytes, Movies, Precision, Storage, Users, build, fit, sidecar};
use crate::files;
use crate::report::text::grouped;
use crate::train::checkpoint::Checkpoint;

/// Options of `host export`.
#[derive(Debug, clap::Args)]
#[command(allow_negative_numbers = true)]
pub struct Args {
    /// The checkpoint [default: the last that `train` wrote to target/pocketrec]
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,

    /// Where to write the image; the titles go beside it [default: beside the checkpoint]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// Element type of embeddings and biases: f16, f32, i16 or i8; integers are scored in integers
    #[arg(long, value_name = "TYPE", default_value = "f16")]
    precision: Precision,

    /// Store each movie's half of dense layer 0 too, for a model with an MLP in i16 or i8: two bytes a unit and movie,
    /// for faster lists
    #[arg(long)]
    precompute: bool,

    /// Users in the image: all, none, a number (the most active) or ids:1,42 [default: as many of the most active as fit the board]
    #[arg(long, value_name = "WHICH")]
    users: Option<Users>,

    /// Movies in the image: all, a number (the most rated), min-ratings:20 or ids:1,50
    #[arg(long, value_name = "WHICH", default_value = "all")]
    movies: Movies,

    /// The board that the image must fit: stm32f405 or microbit [default: stm32f405, but it need not fit]
    #[arg(long, value_name = "NAME", value_parser = boards::parse)]
    board: Option<Board>,
}

impl Args {
    fn storage(&self) -> Storage {
        Storage {
            precision: self.precision,
            precompute: self.precompute,
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
    let same = |to: &PathBuf| to.canonicalize().ok() == from.canonicalize().ok();
    if args.out.as_ref().is_some_and(|to| to.exists() && same(to)) {
        return Err(BadInput::new(format!(
            "--out is the checkpoint {} itself, which the image would replace; name another file",
            from.display()
        ))
        .into());
    }
    let checkpoint = read(&from)?;
    let to = args
        .out
        .clone()
        .unwrap_or_else(|| from.with_file_name(crate::export::IMAGE_FILE));
    let titles = sidecar::path_of(&to);
    files::check_file("--out", &to)?;
    files::check_file("the file of the image's titles", &titles)?;
    let movies = args.movies.rows(&checkpoint)?;
    let board = args.board.unwrap_or(boards::DEFAULT);
    let (chosen, bytes) = choose(args, &checkpoint, movies, board)?;
    if args.board.is_some() && bytes.as_ref().len() > board.image_region {
        bail!(too_large(args, &checkpoint, &chosen, &bytes, board)?);
    }
    let device = args.board.map(|board| DeviceBill::of(&bytes, board));
    if let Some(why) = device.as_ref().and_then(DeviceBill::without_feature) {
        bail!("{why}; without `--board` the image is written all the same");
    }

    println!(
        "{}: {} on {}",
        from.display(),
        checkpoint.parameters.model.name(),
        checkpoint.data.name
    );
    println!("{}", held_sentence(args, &checkpoint, &chosen, board));
    println!("\n{}", Bill::of(&bytes));
    if let Some(bill) = &device {
        println!("{bill}");
    }
    let data = data_of(&checkpoint);
    match &data {
        Ok(data) => println!("{}", rounding(&checkpoint, data, args.storage())?),
        Err(why) => println!("What rounding costs was not measured: {why}"),
    }
    println!("Licence of the data: {}", checkpoint.data.licence);

    let failed = |path: &Path| format!("can't write {}", path.display());
    match &data {
        Ok(data) if !data.titles.is_empty() => {
            let ids: Vec<u32> = chosen
                .movies
                .iter()
                .map(|row| checkpoint.movie_ids[*row])
                .collect();
            let counts = checkpoint.movie_counts.iter().copied();
            let titles_of_all = data.titles.clone();
            let counted = titles_of_all.counted(checkpoint.movie_ids.iter().copied().zip(counts));
            let csv = sidecar::to_csv(&counted, &ids)?;
            files::write(&titles, &csv).with_context(|| failed(&titles))?;
            files::write(&to, bytes.as_ref()).with_context(|| failed(&to))?;
            println!("Wrote {} and {}", to.display(), titles.display());
        }
        _ => {
            // Titles of an earlier image would be wrong ones.
            if titles.exists() {
                std::fs::remove_file(&titles)
                    .with_context(|| format!("can't remove {}", titles.display()))?;
            }
            files::write(&to, bytes.as_ref()).with_context(|| failed(&to))?;
            println!("Wrote {}, without titles", to.display());
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<Checkpoint> {
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

/// The users that are asked for or that fit, and the image.
fn choose(
    args: &Args,
    checkpoint: &Checkpoint,
    movies: Vec<usize>,
    board: Board,
) -> Result<(Chosen, ImageBytes)> {
    let users = match &args.users {
        Some(users) => users.rows(checkpoint)?,
        None => {
            let region = board.image_region;
            match fit::users_that_fit(checkpoint, &movies, args.storage(), region)? {
                Some(fit) => {
                    let users = Users::MostActive(fit.number).rows(checkpoint)?;
                    return Ok((Chosen { users, movies }, fit.image));
                }
                None => Vec::new(),
            }
        }
    };
    let chosen = Chosen { users, movies };
    let image = build(checkpoint, &chosen, args.storage())?;
    Ok((chosen, image))
}

/// What the image holds, in one line.
fn held_sentence(args: &Args, checkpoint: &Checkpoint, chosen: &Chosen, board: Board) -> String {
    let of = |some: usize, all: usize, what: &str| {
        let (some_text, all_text) = (grouped(some as u64), grouped(all as u64));
        if some == all {
            format!("all {all_text} {what}")
        } else {
            format!("{some_text} of {all_text} {what}")
        }
    };
    let movies = of(chosen.movies.len(), checkpoint.movie_ids.len(), "movies");
    let users = of(chosen.users.len(), checkpoint.user_ids.len(), "users");
    let why = match (&args.users, chosen.users.len()) {
        (Some(_), _) => String::new(),
        (None, 0) => format!(": none fit {} beside the movies", board.name),
        (None, all) if all == checkpoint.user_ids.len() => format!(", who fit {}", board.name),
        (None, _) => format!(", the most active that fit {}", board.name),
    };
    let stored = if args.precompute {
        ", with each movie's half of dense layer 0 stored"
    } else {
        ""
    };
    format!(
        "The image holds {movies} and {users}{why}, in {}{stored}",
        args.precision.name()
    )
}

/// Why the image doesn't fit, and what would.
fn too_large(
    args: &Args,
    checkpoint: &Checkpoint,
    chosen: &Chosen,
    bytes: &ImageBytes,
    board: Board,
) -> Result<String> {
    let region = board.image_region;
    let over = bytes.as_ref().len() - region;
    let fits = fit::movies_that_fit(checkpoint, &chosen.users, args.storage(), region)?;
    let with = match chosen.users.len() {
        0 => "without users".to_owned(),
        1 => "with this user".to_owned(),
        users => format!("with these {} users", grouped(users as u64)),
    };
    let advice = match fits {
        Some(fit) => format!(
            "{with}, the {} most rated movies would fit (`--movies {}`), which carry {:.1} % of the ratings",
            grouped(fit.number as u64),
            fit.number,
            100.0 * fit::share_of_ratings(checkpoint, fit.number)
        ),
        None => format!("{with}, not even one movie would fit: choose fewer users"),
    };
    let stored = if args.precompute {
        let plain = build(checkpoint, chosen, args.precision)?.as_ref().len();
        format!(
            "; stored halves of dense layer 0 take {} of its {} bytes, and without `--precompute` {}",
            grouped((bytes.as_ref().len() - plain) as u64),
            grouped(bytes.as_ref().len() as u64),
            match plain.checked_sub(region) {
                None | Some(0) => "it would fit".to_owned(),
                Some(over) => format!("{} bytes would still be too many", grouped(over as u64)),
            }
        )
    } else {
        String::new()
    };
    Ok(format!(
        "the image is {} bytes too large for {}, whose region has {}{stored}; {advice}",
        grouped(over as u64),
        board.name,
        grouped(region as u64)
    ))
}

/// The ratings that the checkpoint was trained on, or why they can't be had.
fn data_of(checkpoint: &Checkpoint) -> std::result::Result<Dataset, String> {
    let source = checkpoint.data.source.as_str();
    let data = if source == "built-in" {
        builtin::load()
    } else {
        Dataset::load(Path::new(source), &Silent).map_err(|error| error.to_string())?
    };
    if data.fingerprint != checkpoint.data.fingerprint {
        return Err(format!(
            "the ratings at {source} are no longer those of the training"
        ));
    }
    Ok(data)
}

/// Most users whose ratings [`rounding`] is measured on: rounding 8-bit rows by predictions takes time.
const MEASURED: usize = 20_000;

/// At most so many of `rows`, evenly spaced.
fn spaced(rows: &[usize], most: usize) -> Vec<usize> {
    let count = rows.len().min(most);
    (0..count).map(|at| rows[at * rows.len() / count]).collect()
}

/// Validation errors in f32, f16 and as stored, of images with every movie and at most [`MEASURED`] users, by core.
fn rounding(checkpoint: &Checkpoint, data: &Dataset, own: Storage) -> Result<String> {
    let ratings = &data.ratings;
    let split = Split::random(ratings.len(), checkpoint.split.share, checkpoint.split.seed);
    let mut held: Vec<Held> = split
        .validation
        .iter()
        .map(|at| *at as usize)
        .map(|at| {
            (
                ratings.user_ids[ratings.users[at] as usize],
                ratings.movie_ids[ratings.movies[at] as usize],
                ratings.stars[at],
            )
        })
        .collect();
    held.sort_by_key(|(user, movie, _)| (*user, *movie));
    let everything = Chosen {
        users: spaced(&Users::All.rows(checkpoint)?, MEASURED),
        movies: Movies::All.rows(checkpoint)?,
    };
    let mut measured = Vec::new();
    let mut count = 0;
    let mut storages = [Precision::F32, Precision::F16].map(Storage::from).to_vec();
    if !storages.contains(&own) {
        storages.push(own);
    }
    for storage in storages {
        let bytes = build(checkpoint, &everything, storage)?;
        let model = Model::open(bytes.as_ref()).map_err(BadInput::new)?;
        match quality::measure(&model, &held) {
            Some(quality) => {
                count = quality.ratings;
                measured.push(format!(
                    "{} RMSE {:.4}, MAE {:.4}",
                    storage.precision.name(),
                    quality.rmse,
                    quality.mae
                ));
            }
            None => {
                return Ok(
                    "What rounding costs was not measured: training held no ratings out".into(),
                );
            }
        }
    }
    let of = if everything.users.len() < checkpoint.user_ids.len() {
        format!(" of {} users", grouped(everything.users.len() as u64))
    } else {
        String::new()
    };
    Ok(format!(
        "What rounding costs, on the {} ratings{of} that training held out: {}",
        grouped(count as u64),
        measured.join("; ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_rows_are_all_taken_and_of_many_some_from_end_to_end() {
        assert_eq!(spaced(&[3, 5, 8], 3), [3, 5, 8]);
        assert_eq!(spaced(&[3, 5, 8, 9, 11, 12], 3), [3, 8, 11]);
        assert_eq!(spaced(&[], 3), [0; 0]);
    }

    #[test]
    fn the_other_commands_look_where_this_one_writes() {
        let written = Path::new(files::FOLDER).join(crate::export::IMAGE_FILE);
        assert_eq!(Path::new(super::super::image::DEFAULT), written);
    }
}
