//! The board that a movie is added to, beside the checkpoint or alone.

use std::path::Path;

use anyhow::Result;
use pocketrec::wire::{Reply, Request};
use serde::Serialize;

use super::{Args, Grown};
use crate::commands::image::TitlesArgs;
use crate::commands::line::{LineArgs, Place};
use crate::commands::query::{self, AtHand, info_of};
use crate::print::{self, kept};
use crate::{note, say, warn};
use pocketrec_base::error::BadInput;
use pocketrec_base::signals;
use pocketrec_checkpoint::Checkpoint;
use pocketrec_data::{Movie, Titles, movies, search};
use pocketrec_export::added::for_board;
use pocketrec_export::sidecar;
use pocketrec_link::added::AddedMovies;
use pocketrec_link::{Connection, Line, LinkError};

/// A board to whose image movies can be added.
pub(super) struct Grows {
    connection: Connection<Box<dyn Line>>,
    at_hand: AtHand,
    added: AddedMovies,
    crc: u32,
    is_emulator: bool,
}

/// What came of it.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    line: String,
    /// Movies that were added to its image.
    movies: usize,
    /// How many fit.
    room: u8,
    #[serde(skip)]
    is_emulator: bool,
}

impl Told {
    pub(super) fn tell(&self, title: &str, id: u32) {
        say!(
            "Added {} with id {id} to the image of {}, which has {} of the {} that fit",
            kept(title),
            self.line,
            self.movies,
            self.room
        );
        match self.is_emulator {
            true => note!("It ended with the command; `emulate` boots one that keeps it"),
            false => note!(
                "It stays through restarts, until another image is on the board or `query format`"
            ),
        }
    }
}

impl Grows {
    /// The board that is named, or else the one that is found, and the image that it holds.
    ///
    /// # Errors
    /// [`BadInput`] where its firmware takes no movies, or the image isn't its own; else what went wrong on the line.
    pub(super) fn find(line: &LineArgs, image: Option<&Path>) -> Result<Self> {
        let place: Place = line.place()?;
        let image = place.image(image, true);
        let at_hand = AtHand::find(image.as_deref(), &TitlesArgs::default())?;
        at_hand.needed("a board")?;
        let mut connection = place.connect(at_hand.path())?;
        connection.heed(signals::heed(""));
        let added = query::added::all(&mut connection)?;
        let found = info_of(&mut connection, |board, info| {
            at_hand.settle(board, info, place.held())?;
            Ok(info.crc)
        })?;
        let crc = found.ok_or_else(|| {
            let name = connection.name().to_owned();
            BadInput::new(format!(
                "{name} has no image that a movie could be added to"
            ))
        })?;
        place.way_back(&mut connection, crc);
        Ok(Self {
            connection,
            at_hand,
            added,
            crc,
            is_emulator: place.is_emulator(),
        })
    }

    /// The highest id of its image and of what was added to it.
    pub(super) fn highest(&self) -> u32 {
        let own = self.at_hand.movies().last().copied();
        self.added.ids().chain(own).max().unwrap_or_default()
    }

    /// A movie of this title that was added to the checkpoint and that the board's image hasn't, and its row.
    pub(super) fn lacks(
        &self,
        args: &Args,
        checkpoint: &Checkpoint,
        titles: &Titles,
    ) -> Option<(usize, Movie)> {
        let called = movies::movie(0, &args.title, args.year, "").title;
        let own = self.at_hand.movies();
        checkpoint.data.added.iter().find_map(|added| {
            let movie = titles.get(added.id)?;
            let row = checkpoint.movie_ids.binary_search(&added.id).ok()?;
            let is = movie.title == called && args.id.is_none_or(|id| id == added.id);
            (is && own.binary_search(&added.id).is_err()).then(|| (row, movie.clone()))
        })
    }

    /// Adds the movie of a row that the checkpoint has already, and tells.
    pub(super) fn send_alone(
        &mut self,
        checkpoint: &Checkpoint,
        (row, movie): (usize, Movie),
    ) -> Result<()> {
        let told = self.send(checkpoint, row, &movie)?;
        let p = &checkpoint.parameters;
        let stars = p.mean + p.movie_bias.get(row).copied().unwrap_or_default();
        print::answer(&Grown {
            checkpoint: None,
            id: movie.id,
            has_year: search::year(&movie.title).is_some(),
            title: movie.title,
            genres: movie.genres,
            ratings: None,
            mean_stars: stars.clamp(p.scale.0, p.scale.1),
            board: Some(told),
        })
    }

    /// Sends the movie of a row of the checkpoint, and puts its title beside the image.
    pub(super) fn send(
        &mut self,
        checkpoint: &Checkpoint,
        row: usize,
        movie: &Movie,
    ) -> Result<Told> {
        let loaded = self.at_hand.needed("a board")?;
        let model = loaded.model()?;
        let found = for_board(&model, checkpoint, row, movie)?;
        if !found.without.is_empty() {
            warn!(
                "no movie of the image has just these genres, so the board can't list it by {}",
                found.without.join(", ")
            );
        }
        let request = Request::AddMovie {
            image: self.crc,
            entry: found.entry,
        };
        let answer = self.connection.ask_checked(&request, |_, _| ())?;
        let added = match answer.reply() {
            Some(Reply::Added(added)) => added,
            Some(Reply::Refused(why)) => return Err(query::refused(why)),
            _ => {
                let request = "a movie to be added".to_owned();
                return Err(LinkError::Answer { request }.into());
            }
        };
        if let Err(why) = sidecar::add(&loaded.path, self.crc, movie.clone()) {
            warn!("the board shows it by its id, {}: {why:#}", movie.id);
        }
        Ok(Told {
            line: self.connection.name().to_owned(),
            movies: added.movies.into(),
            room: added.room,
            is_emulator: self.is_emulator,
        })
    }
}
