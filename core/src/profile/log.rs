//! The ratings of one person in the order in which they count, and the steps that can be undone.

use super::Rating;
use super::change::Change;
use super::rating::LAST_SEQUENCE;
use crate::ids::MovieId;
use crate::list::List;

/// Ratings that can be undone.
pub const UNDO_DEPTH: usize = 8;

/// What a rating replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Undo {
    /// The movie that was rated.
    pub movie: MovieId,
    /// Stars and sequence number ([`Rating::tag`]) that it had before, if it had any.
    pub before: Option<u32>,
}

/// Why a log wasn't changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum LogError {
    /// It is full, and this movie isn't in it.
    Full,
    /// This movie isn't rated.
    NotRated(MovieId),
    /// There is nothing to undo.
    NothingToUndo,
}

/// Up to `LOG` ratings, one a movie, in ascending order of sequence numbers.
///
/// RAM: 8 bytes a rating and 104 for undoing. Every call costs a few instructions a rating.
#[derive(Clone, Debug, PartialEq)]
pub struct Log<const LOG: usize> {
    ratings: List<Rating, LOG>,
    /// Oldest first.
    undo: List<Undo, UNDO_DEPTH>,
}

impl<const LOG: usize> Default for Log<LOG> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const LOG: usize> Log<LOG> {
    /// An empty log.
    pub const fn new() -> Self {
        Self {
            ratings: List::of(Rating::from_words(0, 0)),
            undo: List::of(Undo {
                movie: MovieId(0),
                before: None,
            }),
        }
    }

    /// The live ratings, in the order in which they count.
    pub fn ratings(&self) -> &[Rating] {
        &self.ratings
    }

    /// What can be undone, oldest first.
    pub fn undoable(&self) -> &[Undo] {
        &self.undo
    }

    /// The rating of `movie`, if there is one.
    pub fn get(&self, movie: MovieId) -> Option<Rating> {
        self.ratings
            .iter()
            .copied()
            .find(|rating| rating.movie() == movie)
    }

    /// The sequence number that the next rating gets: one more than the largest so far.
    pub fn next_sequence(&self) -> u32 {
        let before = self.undo.iter().filter_map(|undo| undo.before);
        let tags = self.ratings.iter().map(|rating| rating.tag());
        let sequence = |tag| Rating::from_words(0, tag).sequence();
        let last = tags.chain(before).map(sequence).max();
        last.map_or(0, |last| last.saturating_add(1))
    }

    /// Checks that a rating of `movie` fits.
    ///
    /// # Errors
    ///
    /// `Full`, also where sequence numbers ran out.
    pub fn check(&self, movie: MovieId) -> Result<(), LogError> {
        let room = self.ratings.len() < LOG || self.get(movie).is_some();
        if room && self.next_sequence() <= LAST_SEQUENCE {
            Ok(())
        } else {
            Err(LogError::Full)
        }
    }

    /// Adds a rating, in place of an earlier one of the same movie.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check); nothing is changed then.
    pub fn rate(&mut self, rating: Rating) -> Result<(), LogError> {
        self.check(rating.movie())?;
        let before = self.take(rating.movie()).map(Rating::tag);
        self.remember(Undo {
            movie: rating.movie(),
            before,
        });
        self.put(rating);
        Ok(())
    }

    /// What the next [`undo`](Self::undo) would restore.
    ///
    /// # Errors
    ///
    /// `NothingToUndo`.
    pub fn last(&self) -> Result<Undo, LogError> {
        self.undo.last().copied().ok_or(LogError::NothingToUndo)
    }

    /// Undoes the last rating: the movie has its earlier rating again, in its old place, or none.
    ///
    /// # Errors
    ///
    /// `NothingToUndo`.
    pub fn undo(&mut self) -> Result<Undo, LogError> {
        let undo = self.undo.pop().ok_or(LogError::NothingToUndo)?;
        self.take(undo.movie);
        if let Some(tag) = undo.before {
            self.put(Rating::from_words(undo.movie.0, tag));
        }
        Ok(undo)
    }

    /// Whether the movie is rated, or one of the undo steps is about it.
    pub fn knows(&self, movie: MovieId) -> bool {
        self.get(movie).is_some() || self.undo.iter().any(|undo| undo.movie == movie)
    }

    /// Deletes a movie's rating, from the undo steps too.
    ///
    /// # Errors
    ///
    /// `NotRated`.
    pub fn forget(&mut self, movie: MovieId) -> Result<(), LogError> {
        if !self.knows(movie) {
            return Err(LogError::NotRated(movie));
        }
        self.take(movie);
        self.undo.retain(|undo| undo.movie != movie);
        Ok(())
    }

    /// Puts a stored rating in its place, instead of an earlier one of the movie. Returns `false`, and changes nothing,
    /// if it doesn't fit.
    pub fn restore(&mut self, rating: Rating) -> bool {
        self.take(rating.movie());
        self.put(rating)
    }

    /// Adds a stored undo step, dropping the oldest if there are too many.
    pub fn remember(&mut self, undo: Undo) {
        if self.undo.is_full() {
            let mut first = true;
            self.undo.retain(|_| !core::mem::take(&mut first));
        }
        // Room was made above, so this can't fail.
        let _ = self.undo.push(undo);
    }

    /// Replays a stored change. One that can't be made is ignored, since it was made before it was stored.
    pub fn apply(&mut self, change: Change) {
        // The results say what the storage's writer knew already.
        let _ = match change {
            Change::Rated(rating) => self.rate(rating),
            Change::Undone => self.undo().map(|_| ()),
            Change::Forgot(movie) => self.forget(movie),
            Change::ForgotAll => {
                self.clear();
                Ok(())
            }
            Change::Live(rating) => {
                self.restore(rating);
                Ok(())
            }
            Change::Undoable(undo) => {
                self.remember(undo);
                Ok(())
            }
            Change::Did(_) => Ok(()),
            #[cfg(feature = "grow")]
            Change::Part(_) | Change::Added { .. } | Change::Removed(_) => Ok(()),
        };
    }

    /// The changes that lead from an empty log to this one: a compaction writes them.
    pub fn changes(&self) -> impl Iterator<Item = Change> + '_ {
        let mut at = 0_usize;
        core::iter::from_fn(move || {
            let change = self.change(at);
            at = at.wrapping_add(1);
            change
        })
    }

    /// One of them.
    pub(crate) fn change(&self, at: usize) -> Option<Change> {
        match self.ratings.get(at) {
            Some(rating) => Some(Change::Live(*rating)),
            None => {
                let undo = self.undo.get(at.wrapping_sub(self.ratings.len()))?;
                Some(Change::Undoable(*undo))
            }
        }
    }

    /// Leaves nothing.
    pub(crate) fn clear(&mut self) {
        self.ratings.clear();
        self.undo.clear();
    }

    fn take(&mut self, movie: MovieId) -> Option<Rating> {
        let found = self.get(movie);
        if found.is_some() {
            self.ratings.retain(|rating| rating.movie() != movie);
        }
        found
    }

    fn put(&mut self, rating: Rating) -> bool {
        if self.ratings.push(rating).is_err() {
            return false;
        }
        for at in (1..self.ratings.len()).rev() {
            match self.ratings.get_mut(at.wrapping_sub(1)..=at) {
                Some([a, b]) if a.sequence() > b.sequence() => core::mem::swap(a, b),
                _ => break,
            }
        }
        true
    }
}
