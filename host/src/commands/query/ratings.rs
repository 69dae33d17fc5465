//! An owner's ratings as a file: they are the owner's, to take away and to bring to another device.

use std::io::{Read, Write};
use std::path::Path;

use anyhow::{Context, Result};
use pocketrec::wire::{RatingEntry, Who};
use serde::Serialize;

use super::load;
use crate::print::{self, Answer, Movie, Movies, Target, count, item};
use crate::{note, say};
use pocketrec_data::Titles;
use pocketrec_link::{Connection, ratings};

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
    let ratings = ratings::all(board, who).map_err(load::told)?;
    if let Some(target) = save {
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record([item::id_column(item::named().as_ref()), "rating"])?;
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
