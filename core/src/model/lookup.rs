//! Ids that a model doesn't know.

use crate::ids::{MovieId, UserId};
use core::fmt;

/// Why a model can't answer about a user or a movie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum LookupError {
    /// No movie of the image has this id.
    UnknownMovie(MovieId),
    /// No user of the image has this id; an image may hold no users at all.
    UnknownUser(UserId),
}

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::UnknownMovie(id) => write!(f, "movie {id} is not in the image"),
            Self::UnknownUser(id) => write!(f, "user {id} is not in the image"),
        }
    }
}

impl core::error::Error for LookupError {}
