//! The movies that were added to a board's image.

use std::io::{Read, Write};

use anyhow::Result;
use pocketrec::wire::{Reply, Request};
use serde::Serialize;

use super::refused;
use crate::print::{self, Answer, Movie, Movies, count};
use crate::{note, say};
use pocketrec_base::error::BadInput;
use pocketrec_data::Titles;
use pocketrec_link::added::{self, AddedMovies};
use pocketrec_link::{Connection, LinkError};

/// All of a board's.
///
/// # Errors
/// [`BadInput`] where its firmware takes none; else what went wrong on the line.
pub(in super::super) fn all<L: Read + Write>(board: &mut Connection<L>) -> Result<AddedMovies> {
    let name = board.name().to_owned();
    added::all(board)?.ok_or_else(|| {
        BadInput::new(format!(
            "the firmware of {name} takes no movies beside its image's, or it has no image: it was built without the feature \
             `grow`, for which some boards have no room; `export` writes an image with them"
        ))
        .into()
    })
}

/// Shows them, without the one that is to be taken out.
pub(super) fn tell<L: Read + Write>(
    board: &mut Connection<L>,
    titles: &Titles,
    remove: Option<u32>,
) -> Result<()> {
    let mut all_of = all(board)?;
    if let Some(movie) = remove {
        let answer = board.ask_checked(&Request::RemoveMovie { movie }, |_, _| ())?;
        match answer.reply() {
            Some(Reply::Refused(why)) => return Err(refused(why)),
            Some(_) => all_of = all(board)?,
            None => {
                let request = "a movie to be taken out".to_owned();
                return Err(LinkError::Answer { request }.into());
            }
        }
    }
    print::answer(&Added {
        movies: all_of.ids().map(|id| Movie::of(titles, id)).collect(),
        room: all_of.room,
        of_another_image: all_of.dropped,
    })
}

#[derive(Debug, Serialize)]
struct Added {
    movies: Vec<Movie>,
    /// How many fit in all.
    room: u8,
    /// How many are kept for another image, none of them in use.
    of_another_image: u8,
}

impl Answer for Added {
    fn tell(&self) {
        note!(
            "{} added to the device's image, of {} that fit",
            count(self.movies.len(), "movie"),
            self.room
        );
        let mut list = Movies::with(&[]);
        for movie in &self.movies {
            list.push(movie.clone(), &[]);
        }
        if !list.is_empty() {
            print::block(&list.table().text());
        }
        if self.of_another_image > 0 {
            say!(
                "{} kept for another image, and not in use",
                count(self.of_another_image, "added movie")
            );
        }
    }
}
