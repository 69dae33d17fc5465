//! An owner's ratings as a file: they are the owner's, to take away and to bring to another device.

use std::io::{Read, Write};
use std::path::Path;

use anyhow::{Context, Result};
use pocketrec::wire::{MAX_IMPORT, RatingEntry, Refusal, Reply, Request, Who};

use super::super::image::list;
use super::refused;
use crate::data::Titles;
use crate::error::BadInput;
use crate::files;
use crate::link::{Connection, LinkError};

/// Shows an owner's ratings, and writes them to `save` where one is named.
///
/// # Errors
/// What the board or the disk says.
pub fn tell<L: Read + Write>(
    board: &mut Connection<L>,
    who: Who,
    titles: &Titles,
    save: Option<&Path>,
) -> Result<()> {
    let ratings = all(board, who)?;
    let shown = ratings.iter().map(|rating| (rating.movie, rating.stars));
    println!(
        "{} ratings, in the order in which they count",
        ratings.len()
    );
    if !ratings.is_empty() {
        print!("{}", list(titles, "Stars", shown));
    }
    let unused = ratings.iter().filter(|rating| !rating.used).count();
    if unused > 0 {
        println!("{unused} of them are not for this model");
    }
    if let Some(path) = save {
        let failed = || format!("can't write {}", path.display());
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record(["movieId", "rating"])?;
        for rating in &ratings {
            csv.write_record([rating.movie.to_string(), rating.stars.to_string()])?;
        }
        files::write(path, &csv.into_inner().with_context(failed)?).with_context(failed)?;
        println!("Wrote {}", path.display());
    }
    Ok(())
}

fn all<L: Read + Write>(
    board: &mut Connection<L>,
    who: Who,
) -> Result<Vec<RatingEntry>, LinkError> {
    let mut all = Vec::new();
    loop {
        let first = all.len() as u16;
        let page = board.ask_for(
            &Request::Ratings { who, first },
            |_, _| (),
            |reply| match reply {
                Reply::Ratings(page) => Some(page),
                _ => None,
            },
        )?;
        all.extend(page.ratings.iter().copied());
        if page.ratings.is_empty() || all.len() >= usize::from(page.total) {
            return Ok(all);
        }
    }
}

/// Gives the device the ratings of a file that [`tell`] wrote, in their order, but for those of movies that its model
/// doesn't have, which are named at the end.
///
/// # Errors
/// [`BadInput`] that names the line that isn't a rating, or the rating that the device doesn't take, or where the model
/// has none of the movies.
pub fn load<L: Read + Write>(board: &mut Connection<L>, who: Who, path: &Path) -> Result<()> {
    let ratings = read(path)?;
    let mut unknown = Vec::new();
    let mut at = 0;
    while at < ratings.len() {
        let batch = &ratings[at..ratings.len().min(at + MAX_IMPORT)];
        let mut entries = [(0, 0.0); MAX_IMPORT];
        entries[..batch.len()].copy_from_slice(batch);
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
                let line = at + 2;
                return Err(refused(why).context(format!(
                    "{} line {line} and what follows it was not taken in, {taken_in} ratings before it were",
                    path.display()
                )));
            }
        }
    }
    let taken_in = ratings.len() - unknown.len();
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
        let sentence = format!("no rating of {} was taken in; {left}", path.display());
        return Err(BadInput::new(sentence).into());
    }
    println!("{taken_in} ratings of {} taken in", path.display());
    if !left.is_empty() {
        println!("{left}");
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<(u32, f32)>> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| BadInput::new(format!("{} can't be read: {error}", path.display())))?;
    let records = csv::Reader::from_reader(text.as_bytes()).into_records();
    let rating = |record: csv::StringRecord| {
        let (movie, stars) = (record.get(0)?, record.get(1)?);
        Some((movie.trim().parse().ok()?, stars.trim().parse().ok()?))
    };
    (2..)
        .zip(records)
        .map(|(number, record)| {
            record.ok().and_then(rating).ok_or_else(|| {
                BadInput::new(format!(
                    "{} line {number} should be a movie's id and stars, such as `1,4.5`",
                    path.display()
                ))
                .into()
            })
        })
        .collect()
}
