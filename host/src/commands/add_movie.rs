//! `host add-movie`: a movie that training never saw, put into the checkpoint by its genres, its year and its first
//! ratings, and onto a board that runs.

mod board;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use pocketrec_base::error::BadInput;
use pocketrec_base::files::{self, Together, lock::Lock};
use pocketrec_checkpoint::{Added, Checkpoint};
use pocketrec_data::asked::{Asked, Wanted};
use pocketrec_data::parquet::column::Cell;
use pocketrec_data::{DataError, Movie, Titles, known, movies, search};
use pocketrec_train::unseen::{Traits, Unseen};
use serde::Serialize;

use super::line::{BOARD, LineArgs};
use super::trained;
use crate::print::number::fixed;
use crate::print::{self, Answer, count, kept, shell};
use crate::{note, say, warn};

/// The variance of a rating about its prediction where training held none out to measure it, as a share of the scale's
/// span squared.
const NOISE: f64 = 0.04;

/// Options of `host add-movie`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Its title
    #[arg(long, value_name = "TITLE", value_parser = title)]
    title: String,

    /// Its genres, as the titles of the others have them, with commas or | between
    #[arg(long, value_name = "GENRES", default_value = "")]
    genres: String,

    /// The year it came out [default: that in brackets at the end of the title]
    #[arg(long, value_name = "YEAR", value_parser = year)]
    year: Option<u32>,

    /// Its id [default: one more than the highest]
    #[arg(long, value_name = "ID")]
    id: Option<u32>,

    /// Ratings that it has: a CSV or Parquet file with the columns user and rating
    #[arg(long, value_name = "FILE")]
    ratings: Option<PathBuf>,

    /// The checkpoint, which is replaced [default: the latest in target/pocketrec]
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,

    /// The ratings that the model was trained on, whose titles say the genres [default: the path in the checkpoint]
    #[arg(long, value_name = "PATH")]
    data: Option<PathBuf>,

    /// Add it to a board that runs, too, which keeps it and ranks it like any other: the one that `query` would ask. So does
    /// `--port`. A movie that the checkpoint has already is added to the board alone
    #[arg(long, help_heading = BOARD)]
    to_board: bool,

    /// Where the board is
    #[command(flatten)]
    line: LineArgs,

    /// The image on the board [default: that of `emulate`, the last one named with this port, or
    /// target/pocketrec/model.img]
    #[arg(long, value_name = "FILE", help_heading = BOARD)]
    image: Option<PathBuf>,
}

/// A line that a file of titles can hold.
fn year(text: &str) -> Result<u32, String> {
    let (first, last) = (movies::FILMS.start(), movies::FILMS.end());
    match text.parse() {
        Ok(year) if movies::FILMS.contains(&year) => Ok(year),
        _ => Err(format!("it should be a year from {first} to {last}")),
    }
}

fn title(text: &str) -> Result<String, String> {
    match text.trim().is_empty() || text.contains(char::is_control) {
        true => Err("it should be a line of text".into()),
        false => Ok(text.into()),
    }
}

/// Adds and tells.
///
/// # Errors
/// [`BadInput`] for genres, ids or ratings that aren't the model's, and for a model that nothing can be added to. Nothing is
/// written then.
pub fn run(args: &Args) -> Result<()> {
    let path = args
        .checkpoint
        .clone()
        .unwrap_or_else(|| Path::new(files::FOLDER).join(files::CHECKPOINT));
    let mut checkpoint = super::export::read(&path)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let titles = titles(args, &checkpoint, folder)?;
    if args.image.is_some() && !args.to_board && !args.line.is_given() {
        let why = "--image names the image of a board: --to-board or --port says which board, and `export` writes an image with \
                   the movie";
        return Err(BadInput::new(why).into());
    }
    let mut board = match args.to_board || args.line.is_given() {
        true => Some(board::Grows::find(&args.line, args.image.as_deref())?),
        false => None,
    };
    if let Some(board) = &mut board
        && let Some(there) = board.lacks(args, &checkpoint, &titles)
    {
        return board.send_alone(&checkpoint, there);
    }
    let id = id(args, &checkpoint, board.as_ref())?;
    let counts = &checkpoint.movie_counts;
    let traits: Vec<Traits> = checkpoint
        .movie_ids
        .iter()
        .map(|id| titles.get(*id).map_or_else(Traits::default, traits_of))
        .collect();
    let p = &checkpoint.parameters;
    let span = f64::from(p.scale.1 - p.scale.0);
    let noise = checkpoint
        .validation
        .map_or(NOISE * span * span, |found| found.rmse.powi(2));
    let known = Unseen::learn(p, counts, &traits, noise).map_err(BadInput::new)?;
    let mut movie = movies::movie(id, &args.title, args.year, &args.genres);
    // A title that has a year keeps it.
    if let (Some(year), Some(own)) = (args.year, search::year(&movie.title))
        && year != u32::from(own)
    {
        return Err(BadInput::new(format!(
            "--year is {year} and the title `{}` says {own}: leave one of them out",
            movie.title
        ))
        .into());
    }
    is_new(args, &movie, &titles, &checkpoint)?;
    movie.genres = genres(movie.genres, known.genres())?;
    let own = traits_of(&movie);
    let ratings = match &args.ratings {
        Some(path) => ratings(path, &checkpoint)?,
        None => Vec::new(),
    };
    let (bias, row) = known.row(p, &own, &ratings);
    let like = nearest(&traits, counts, &own);
    let stars = p.mean + bias;
    let mut answer = Grown {
        checkpoint: Some(path.clone()),
        id,
        has_year: own.year.is_some(),
        title: movie.title.clone(),
        genres: movie.genres.clone(),
        ratings: Some(ratings.len()),
        mean_stars: stars.clamp(p.scale.0, p.scale.1),
        board: None,
    };
    let shown = movie.clone();
    checkpoint.append(
        Added {
            id,
            title: movie.title,
            genres: movie.genres,
        },
        (bias, &row),
        ratings.len() as u32,
        like,
    );
    let file = checkpoint.file().map_err(BadInput::new)?;
    let _lock = Lock::take("--checkpoint", folder)?;
    if let Some(board) = &mut board {
        // First: what it refuses is in no file either.
        answer.board = Some(board.send(&checkpoint, checkpoint.movie_ids.len() - 1, &shown)?);
    }
    let mut together = Together::default();
    // What a run left to go on from knows nothing of the movie.
    together.remove(&path.with_file_name(files::STATE));
    together
        .add(&path, |to| file.write_to(to))
        .with_context(|| format!("can't write {}; nothing was changed", path.display()))?;
    together
        .commit()
        .map_err(|(path, error)| anyhow!("can't write {}: {error}", path.display()))?;
    print::answer(&answer)
}

/// The titles that say the genres of the model's movies, those that were added before among them.
fn titles(args: &Args, checkpoint: &Checkpoint, folder: &Path) -> Result<Titles> {
    let note = &checkpoint.data;
    let data = trained::ratings(note.fingerprint, args.data.as_deref(), Ok(note), folder)?;
    let data = data.map_err(|why| {
        BadInput::new(format!(
            "the genres of the model's movies are in the titles beside its ratings, and {why}; {}",
            trained::advice(&why)
        ))
    })?;
    Ok(note.with_added(data.titles))
}

fn traits_of(movie: &Movie) -> Traits {
    Traits {
        genres: movie.genres.clone(),
        year: search::year(&movie.title),
    }
}

/// An id that no movie has, on the board neither.
fn id(args: &Args, checkpoint: &Checkpoint, board: Option<&board::Grows>) -> Result<u32, BadInput> {
    if !checkpoint.data.movie_names.is_empty() {
        return Err(BadInput::new(
            "the ids of this model's movies are texts, whose order numbers them, so none can be added; train anew with it",
        ));
    }
    let highest = checkpoint.movie_ids.last().copied().unwrap_or(0);
    let highest = highest.max(board.map_or(0, board::Grows::highest));
    let next = highest
        .checked_add(1)
        .ok_or_else(|| BadInput::new("no id is left above the highest"))?;
    match args.id {
        None => Ok(next),
        Some(id) if id >= next => Ok(id),
        Some(id) => Err(BadInput::new(format!(
            "--id is {id}; it should be above {highest}, the highest that there is"
        ))),
    }
}

/// Refuses a title that a movie of the model has, unless an id is given too: who says the same twice means one movie.
fn is_new(
    args: &Args,
    movie: &Movie,
    titles: &Titles,
    checkpoint: &Checkpoint,
) -> Result<(), BadInput> {
    let mut there = titles.movies().iter();
    let same = there.find(|other| {
        other.title == movie.title && checkpoint.movie_ids.binary_search(&other.id).is_ok()
    });
    match same {
        Some(other) if args.id.is_none() => Err(BadInput::new(format!(
            "the model has a movie {} already, with id {}; --id {} adds another of that title",
            other.title, other.id, movie.id
        ))),
        _ => Ok(()),
    }
}

/// Genres as the model's movies have them.
fn genres(given: Vec<String>, known: &[String]) -> Result<Vec<String>, BadInput> {
    let plain = |text: &str| -> String {
        text.chars()
            .filter(|c| c.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .collect()
    };
    given
        .iter()
        .map(|genre| {
            let found = known.iter().find(|known| plain(known) == plain(genre));
            found.cloned().ok_or_else(|| {
                let there = match known.is_empty() {
                    true => "none has any".into(),
                    false => format!("there are {}", known.join(", ")),
                };
                BadInput::new(format!(
                    "no movie of the model has the genre `{genre}` of --genres; {there}"
                ))
            })
        })
        .collect()
}

/// Rows of users and their stars; those whom the model doesn't know are told.
fn ratings(path: &Path, checkpoint: &Checkpoint) -> Result<Vec<(usize, f32)>> {
    let columns = [
        Wanted::new("user", known::USERS),
        Wanted::new("rating", known::RATINGS),
    ];
    let mut asked = Asked::open(path, &columns).map_err(DataError::into_anyhow)?;
    let names = &checkpoint.data.user_names;
    let row = |cell: &Cell| -> Option<usize> {
        let text = String::from_utf8_lossy(&cell.text()).into_owned();
        let id = match names.is_empty() {
            true => text.parse().ok()?,
            false => names.id(&text)?,
        };
        checkpoint.user_ids.binary_search(&id).ok()
    };
    let (low, high) = checkpoint.parameters.scale;
    let (mut found, mut lost) = (Vec::new(), 0);
    while let Some(batch) = asked.next_batch().map_err(DataError::into_anyhow)? {
        let [users, stars] = &batch.columns[..] else {
            break;
        };
        for (at, (user, stars)) in users.iter().zip(stars).enumerate() {
            let text = String::from_utf8_lossy(&stars.text()).into_owned();
            let value = text
                .parse::<f32>()
                .ok()
                .filter(|value| (low..=high).contains(value));
            let value = value.ok_or_else(|| {
                BadInput::new(format!(
                    "{}, row {}: the rating `{}` should be a number from {low} to {high}",
                    path.display(),
                    batch.first + at as u64,
                    stars.shown()
                ))
            })?;
            match row(user) {
                Some(row) => found.push((row, value)),
                None => lost += 1,
            }
        }
    }
    if lost > 0 {
        warn!(
            "{} has {} by users whom the model doesn't know, which says nothing of it",
            path.display(),
            count(lost, "rating")
        );
    }
    // One of each user: the last.
    found.reverse();
    let mut seen = std::collections::HashSet::new();
    found.retain(|(row, _)| seen.insert(*row));
    found.reverse();
    Ok(found)
}

/// The row of the best known movie that is most like it by genres, then by year: whose place among what people look for it
/// takes.
fn nearest(traits: &[Traits], counts: &[u32], own: &Traits) -> usize {
    let unlike = |other: &Traits| {
        let both = own
            .genres
            .iter()
            .filter(|genre| other.genres.contains(genre))
            .count();
        let genres = own.genres.len() + other.genres.len() - 2 * both;
        let years = match (own.year, other.year) {
            (Some(a), Some(b)) => a.abs_diff(b) / 10,
            _ => 2,
        };
        (genres, years)
    };
    let rows = (0..traits.len()).min_by_key(|row| {
        let count = counts.get(*row).copied().unwrap_or(0);
        (unlike(&traits[*row]), std::cmp::Reverse(count))
    });
    rows.unwrap_or(0)
}

/// What was added.
#[derive(Debug, Serialize)]
struct Grown {
    /// The checkpoint that has it now; none where it had it before.
    #[serde(serialize_with = "shown")]
    checkpoint: Option<PathBuf>,
    id: u32,
    #[serde(skip)]
    has_year: bool,
    title: String,
    genres: Vec<String>,
    /// Ratings that it was folded in from, where that was done now.
    ratings: Option<usize>,
    /// What a user of mean taste would give it.
    mean_stars: f32,
    board: Option<board::Told>,
}

fn shown<S: serde::Serializer>(path: &Option<PathBuf>, to: S) -> Result<S::Ok, S::Error> {
    match path {
        Some(path) => print::path(path, to),
        None => to.serialize_none(),
    }
}

impl Grown {
    /// What its row was made by, as the end of a sentence.
    fn known_by(&self) -> String {
        let mut parts = Vec::new();
        if !self.genres.is_empty() {
            parts.push("genres".to_owned());
        }
        if self.has_year {
            parts.push("year".into());
        }
        let alone = match self.ratings {
            None | Some(0) => " alone",
            Some(some) => {
                parts.push(count(some, "rating"));
                ""
            }
        };
        match &parts[..] {
            [] => "as of any movie without genres, year and ratings".into(),
            [one] => format!("by {one}{alone}"),
            [first @ .., last] => format!("by {} and {last}{alone}", first.join(", ")),
        }
    }
}

impl Answer for Grown {
    fn tell(&self) {
        if let Some(checkpoint) = &self.checkpoint {
            say!(
                "Added {} with id {} to {}: {} stars from most people, {}",
                kept(&self.title),
                self.id,
                checkpoint.display(),
                fixed(self.mean_stars, 2),
                self.known_by()
            );
            note!("It stays until the model is trained anew");
        }
        if let Some(board) = &self.board {
            board.tell(&self.title, self.id);
            return print::next(&shell::command(["query", "top"]));
        }
        let Some(checkpoint) = &self.checkpoint else {
            return;
        };
        let mut words = vec![std::ffi::OsStr::new("export")];
        if checkpoint.parent() != Some(Path::new(files::FOLDER)) {
            words.extend([std::ffi::OsStr::new("--checkpoint"), checkpoint.as_os_str()]);
        }
        print::next(&shell::command(words));
    }
}

#[cfg(test)]
mod tests {
    use pocketrec_train::{Options, Parameters};
    use proptest::prelude::*;

    use super::*;
    use crate::damage::{damaged, is_sentence, no_memory_is_claimed, some};

    const RATINGS: &str =
        "userId,rating,timestamp\n1,4.5,1112486027\n7,\"3\",1112484676\n9,5,0\n1,2,3\n";

    /// A model of three users.
    fn checkpoint() -> Checkpoint {
        let options = Options::default();
        let parameters = Parameters::initial(&options, 3, 2, 3.5);
        Checkpoint {
            user_ids: vec![1, 2, 7],
            ..Checkpoint::of_parameters(parameters, options)
        }
    }

    #[test]
    fn of_a_user_the_last_rating_counts_and_unknown_users_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new.csv");
        std::fs::write(&path, RATINGS).unwrap();
        let found = ratings(&path, &checkpoint()).unwrap();
        assert_eq!(found, [(2, 3.0), (0, 2.0)]);
    }

    proptest! {
        #[test]
        fn damaged_ratings_of_a_movie_are_read_or_refused_in_a_sentence(damages in some()) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("new.csv");
            std::fs::write(&path, damaged(RATINGS.as_bytes(), &damages)).unwrap();
            match ratings(&path, &checkpoint()) {
                Ok(found) => {
                    let (low, high) = checkpoint().parameters.scale;
                    prop_assert!(found.iter().all(|(_, stars)| (low..=high).contains(stars)));
                }
                Err(error) => {
                    is_sentence(&error.to_string(), "new.csv");
                    prop_assert_eq!(pocketrec_base::error::exit_code(&error), 2);
                }
            }
            no_memory_is_claimed();
        }
    }
}
