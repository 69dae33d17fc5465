//! An owner's ratings as a file: they are the owner's, to take away and to bring to another device.

use std::io::{Read, Write};
use std::path::Path;

use anyhow::{Context, Result};
use pocketrec::wire::{MAX_IMPORT, RatingEntry, Refusal, Reply, Request, Who};
use serde::Serialize;

use super::refused;
use crate::data::Titles;
use crate::error::BadInput;
use crate::link::{Connection, ratings};
use crate::print::{self, Answer, Movie, Movies, Target, count};
use crate::{note, say};

/// Shows an owner's ratings, and writes them to `save` where one is named.
///
/// # Errors
/// What the board or the disk says.
pub fn tell<L: Read + Write>(
    board: &mut Connection<L>,
    who: Who,
    titles: &Titles,
    save: Option<&Target>,
) -> Result<()> {
    let ratings = ratings::all(board, who)?;
    if let Some(target) = save {
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record(["movieId", "rating"])?;
        for rating in &ratings {
            csv.write_record([rating.movie.to_string(), rating.stars.to_string()])?;
        }
        target.write(&csv.into_inner().context("the ratings can't be written")?)?;
    }
    let one = |rating: &RatingEntry| Owned {
        movie: Movie::of(titles, rating.movie),
        stars: rating.stars,
        used: rating.used,
    };
    print::answer(&Ratings {
        ratings: ratings.iter().map(one).collect(),
        saved: save.and_then(Target::file),
    })
}

/// An owner's ratings, in the order in which they count.
#[derive(Debug, Serialize)]
struct Ratings<'a> {
    ratings: Vec<Owned>,
    #[serde(skip)]
    saved: Option<&'a Path>,
}

/// A rating of an owner's.
#[derive(Debug, Serialize)]
struct Owned {
    #[serde(flatten)]
    movie: Movie,
    stars: f32,
    /// Whether the model can use it.
    used: bool,
}

impl Answer for Ratings<'_> {
    fn tell(&self) {
        note!(
            "{}, in the order in which they count",
            count(self.ratings.len(), "rating")
        );
        let mut list = Movies::with(&["Stars"]);
        for rating in &self.ratings {
            list.push(rating.movie.clone(), &[rating.stars]);
        }
        if !list.is_empty() {
            print::block(&list.table().text());
        }
        let unused = self.ratings.iter().filter(|rating| !rating.used).count();
        match unused {
            0 => {}
            1 => note!("1 of them is not for this model"),
            _ => note!("{unused} of them are not for this model"),
        }
        if let Some(path) = self.saved {
            say!("Wrote {}", path.display());
        }
    }
}

/// A rating of a file, and the line that it is in.
struct Line {
    number: u64,
    rating: (u32, f32),
}

/// A file of ratings that was read whole.
pub struct Given<'a> {
    path: &'a Path,
    lines: Vec<Line>,
}

impl<'a> Given<'a> {
    /// Reads a file that [`tell`] wrote, or any CSV with its two columns.
    ///
    /// # Errors
    /// [`BadInput`] where there is none, or names the line that isn't a rating.
    pub fn read(path: &'a Path) -> Result<Self> {
        let shown = path.display();
        let text = std::fs::read_to_string(path)
            .map_err(|error| BadInput::new(format!("{shown} can't be read: {error}")))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let mut columns = None;
        let mut lines = Vec::new();
        // The reader's own count lags where lines end with a carriage return or are blank.
        let (mut number, mut counted) = (1, 0);
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(text.as_bytes());
        for record in reader.records() {
            let record = record.with_context(|| format!("reading {shown}"))?;
            let ahead = record.position().map_or(0, |at| at.byte() as usize);
            let rest = text.as_bytes().get(ahead..).unwrap_or_default();
            let ends = rest.iter().take_while(|byte| b"\r\n".contains(byte));
            let start = ahead + ends.count();
            let passed = text.as_bytes().get(counted..start).unwrap_or_default();
            number += passed.iter().filter(|byte| **byte == b'\n').count() as u64;
            counted = start;
            let columns = match columns {
                Some(columns) => columns,
                None => {
                    let (found, is_header) = columns_of(&record).ok_or_else(|| {
                        BadInput::new(format!(
                            "{shown} line {number} should be the header `movieId,rating`, or a movie's id and stars, such as `1,4.5`"
                        ))
                    })?;
                    columns = Some(found);
                    if is_header {
                        continue;
                    }
                    found
                }
            };
            let rating = rating(&record, columns).ok_or_else(|| {
                BadInput::new(format!(
                    "{shown} line {number} should be a movie's id and stars, such as `1,4.5`"
                ))
            })?;
            lines.push(Line { number, rating });
        }
        Ok(Self { path, lines })
    }

    /// Gives the device the ratings, in their order, but for those of movies that its model doesn't have, which are
    /// named at the end.
    ///
    /// # Errors
    /// [`BadInput`] that names the rating that the device doesn't take, or where the model has none of the movies.
    pub fn load<L: Read + Write>(&self, board: &mut Connection<L>, who: Who) -> Result<()> {
        let path = self.path.display();
        let mut unknown = Vec::new();
        let mut at = 0;
        while at < self.lines.len() {
            let batch = &self.lines[at..self.lines.len().min(at + MAX_IMPORT)];
            let mut entries = [(0, 0.0); MAX_IMPORT];
            for (entry, line) in entries.iter_mut().zip(batch) {
                *entry = line.rating;
            }
            let request = Request::Import {
                who,
                count: batch.len() as u8,
                ratings: entries,
            };
            let (taken, why) = board.ask_for(
                &request,
                |_, _| (),
                |reply| match reply {
                    Reply::Imported { taken, refused, .. } => Some((usize::from(taken), refused)),
                    _ => None,
                },
            )?;
            at += taken;
            match why {
                None => {}
                // The device stopped at this one; what follows it may be known.
                Some(Refusal::UnknownMovie(movie)) => {
                    unknown.push(movie);
                    at += 1;
                }
                Some(why) => {
                    let taken_in = at - unknown.len();
                    let line = self.lines.get(at).map_or(0, |line| line.number);
                    return Err(refused(why).context(format!(
                        "{path} line {line} and what follows it was not taken in, {taken_in} ratings before it were"
                    )));
                }
            }
        }
        let taken_in = self.lines.len() - unknown.len();
        let left = match unknown.len() {
            0 => String::new(),
            count => {
                let ids: Vec<String> = unknown.iter().map(u32::to_string).collect();
                format!(
                    "{count} left out, of movies that the device's model doesn't have: {}",
                    ids.join(", ")
                )
            }
        };
        if taken_in == 0 && !unknown.is_empty() {
            let sentence = format!("no rating of {path} was taken in; {left}");
            return Err(BadInput::new(sentence).into());
        }
        say!("{} of {path} taken in", count(taken_in, "rating"));
        if !left.is_empty() {
            note!("{left}");
        }
        Ok(())
    }
}

/// Where a first line has the movie and the stars, and whether it is a header: by the names, in any order, or by being
/// a rating itself.
fn columns_of(first: &csv::StringRecord) -> Option<([usize; 2], bool)> {
    let named = |name: &str| first.iter().position(|cell| cell.trim() == name);
    match (named("movieId"), named("rating")) {
        (Some(movie), Some(stars)) => Some(([movie, stars], true)),
        // A release's line without its header would be read as a rating by its user's id.
        _ => (first.len() == 2 && rating(first, [0, 1]).is_some()).then_some(([0, 1], false)),
    }
}

fn rating(record: &csv::StringRecord, [movie, stars]: [usize; 2]) -> Option<(u32, f32)> {
    let (movie, stars) = (record.get(movie)?, record.get(stars)?);
    let stars: f32 = stars.trim().parse().ok()?;
    Some((movie.trim().parse().ok()?, stars)).filter(|_| stars.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(u64, u32, f32)>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.csv");
        std::fs::write(&path, text).unwrap();
        let given = Given::read(&path).map_err(|error| {
            assert_eq!(crate::error::exit_code(&error), 2);
            error.to_string()
        })?;
        let lines = given.lines.iter();
        Ok(lines
            .map(|line| (line.number, line.rating.0, line.rating.1))
            .collect())
    }

    #[test]
    fn columns_are_found_by_their_header_and_no_first_rating_is_lost_without_one() {
        let both = Ok(vec![(2, 1, 4.5), (3, 7, 3.0)]);
        assert_eq!(read("movieId,rating\n1,4.5\n7,3\n"), both);
        assert_eq!(read("\u{feff}movieId,rating\r\n1,4.5\r\n7,3\r\n"), both);
        let release = "userId,movieId,rating,timestamp\n9,1,4.5,0\n9,7,3,0\n";
        assert_eq!(read(release), both);
        assert_eq!(read("1,4.5\n7,3\n"), Ok(vec![(1, 1, 4.5), (2, 7, 3.0)]));
        assert_eq!(read(""), Ok(vec![]));
    }

    #[test]
    fn a_line_that_is_no_rating_is_refused_by_its_number() {
        for (text, said) in [
            ("movieId,rating\n1,4.5\n\n1,nan\n", "line 4 should be"),
            ("movieId,rating\r\n1,4.5\r\n1,nan\r\n", "line 3 should be"),
            ("movieId,rating\n1\n", "line 2 should be"),
            ("movieId,rating\n-1,3\n", "line 2 should be"),
            ("9,1,4.5,0\n", "line 1 should be the header"),
            ("film,stars\n1,4\n", "line 1 should be the header"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(said), "{text:?}: {error}");
        }
    }
}
