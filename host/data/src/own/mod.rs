//! A person's own ratings, as the places where people rate give them out: movielens.org, Letterboxd, IMDb, Trakt, a
//! release of MovieLens, or a list of ids and stars.
//!
//! `table` reads tables and `trakt` JSON; both give what `film` says, and `films` finds out which movies are meant.

mod film;
mod films;
mod links;
mod table;
mod trakt;
mod when;

use std::path::Path;

use super::decode::decode;
use pocketrec_base::error::BadInput;
use pocketrec_base::print::count;

pub use film::{Film, Origin, Own, OwnRating};
pub use films::{Films, Met, Missed};
pub use links::Links;

impl Own {
    /// Reads a file of any of the forms.
    ///
    /// # Errors
    /// [`BadInput`] where it can't be read, or with the first line that isn't a rating.
    pub fn read(path: &Path) -> Result<Own, BadInput> {
        let bytes = std::fs::read(path)
            .map_err(|error| BadInput::new(format!("{} can't be read: {error}", path.display())))?;
        let decoded = decode(&bytes);
        let text = decoded.text.trim_start();
        let mut own = match text.starts_with(['[', '{']) {
            true => trakt::read(text, path)?,
            false => table::read(&decoded.text, path)?,
        };
        if decoded.lines > 0 {
            own.notes.push(match decoded.lines {
                1 => format!(
                    "line {} has letters that aren't UTF-8, read as Windows-1252",
                    decoded.first
                ),
                lines => format!(
                    "{lines} lines have letters that aren't UTF-8, read as Windows-1252, from line {} on",
                    decoded.first
                ),
            });
        }
        Ok(own)
    }

    /// The people whose ratings these are, and how many each has, in the file's order; none where it doesn't say.
    pub fn users(&self) -> Vec<(&str, usize)> {
        let mut places = std::collections::HashMap::new();
        let mut users: Vec<(&str, usize)> = Vec::new();
        for user in self
            .ratings
            .iter()
            .filter_map(|rating| rating.user.as_deref())
        {
            let place = *places.entry(user).or_insert_with(|| {
                users.push((user, 0));
                users.len() - 1
            });
            users[place].1 += 1;
        }
        users
    }

    /// Leaves the ratings of one user only.
    pub fn only(&mut self, user: &str) {
        self.ratings
            .retain(|rating| rating.user.as_deref() == Some(user));
    }

    /// Puts the ratings in order of time, the latest last, if each says when; else they stay as they are, and where only
    /// some do a note says so.
    pub fn sort(&mut self) {
        let timed = |rating: &&OwnRating| rating.when.is_some();
        let without = self.ratings.len() - self.ratings.iter().filter(timed).count();
        if without == 0 {
            self.ratings.sort_by_key(|rating| rating.when);
        } else if without < self.ratings.len() {
            let line = self.ratings.iter().find(|rating| rating.when.is_none());
            self.notes.push(format!(
                "{} of {} {} say when, the first in line {}: all are taken in the file's order",
                without,
                count(self.ratings.len(), "rating"),
                if without == 1 { "doesn't" } else { "don't" },
                line.map_or(0, |rating| rating.line)
            ));
        }
    }

    /// What the ratings of another scale are taken times, for a model whose highest is `highest`, and the highest of
    /// theirs; nothing where they are on the model's.
    pub fn scale(&self, highest: f32) -> Option<(f32, f32)> {
        let most = self
            .ratings
            .iter()
            .map(|rating| rating.stars)
            .fold(0.0, f32::max);
        let theirs = match self.origin {
            Origin::Ids => return None,
            Origin::Letterboxd => 5.0,
            Origin::Imdb | Origin::Trakt => 10.0,
            Origin::Other if most > 10.0 => 100.0,
            Origin::Other if most > 5.0 => 10.0,
            Origin::Other => 5.0,
        };
        (theirs != highest).then_some((highest / theirs, theirs))
    }
}

#[cfg(test)]
mod tests;
