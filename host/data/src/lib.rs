//! A data set: ratings, what the movies are called, and what may be done with it.

#![deny(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "everything is printed by pocketrec_base::print, which escapes it"
)]

pub mod asked;
mod blocks;
pub mod builtin;
mod cache;
mod cells;
mod columns;
mod decode;
mod error;
mod form;
mod header;
mod ids;
mod json;
pub mod known;
mod line;
pub mod load;
mod magic;
pub mod movies;
pub mod names;
pub mod notes;
mod open;
pub mod own;
pub mod parquet;
mod quotes;
pub mod ratings;
pub mod reading;
pub mod release;
mod rows;
pub mod scale;
pub mod search;
pub mod sides;
mod source;
pub mod split;
pub mod synth;
pub mod time;

use std::path::PathBuf;

pub use error::{BadLine, DataError};
pub use names::Names;
pub use notes::Note;
pub use ratings::{InOrder, Ratings};
pub use reading::Reading;
pub use scale::Scale;
pub use search::{Movie, Titles};
pub use sides::Sides;
pub use source::{broken_zip, open_zip};
pub use split::Split;

/// Ratings with all that belongs to them.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// What people call it: `ml-latest-small (2016)`, or the name of the file or folder that it was read from.
    pub name: String,
    /// The ratings.
    pub ratings: Ratings,
    /// Titles and genres of the movies; may be empty.
    pub titles: Titles,
    /// What is known of users and movies besides; may be empty.
    pub sides: Sides,
    /// One line that says what may be done with the data.
    pub license: String,
    /// [`Ratings::fingerprint`] of the ratings, and of names where ids have some.
    pub fingerprint: u64,
    /// The scale that was given, or the stars that occur.
    pub scale: Scale,
    /// What users are called, where their ids aren't the file's own numbers.
    pub user_names: Names,
    /// What movies are called by the file, where their ids aren't its own numbers.
    pub movie_names: Names,
    /// Whether it is known when ratings were given; else their times are all the same.
    pub has_times: bool,
    /// The file or zip that they were read from; nowhere for those that ship with the project and those of a pipe.
    pub source: Option<PathBuf>,
    /// How they were read.
    pub reading: Reading,
    /// What a person should know of how they were read.
    pub notes: Vec<Note>,
}

/// The note that `host synth` leaves beside its ratings, so that they aren't taken for a release of that size.
pub const SYNTHETIC: &str = "SYNTHETIC.txt";

/// What a reader tells while it reads.
pub trait LoadProgress: Sync {
    /// So many bytes of so many are read; both are of the ratings file, and the second is 0 for a pipe's.
    fn bytes(&self, read: u64, total: u64);
}

/// Tells nobody.
pub struct Silent;

impl LoadProgress for Silent {
    fn bytes(&self, _: u64, _: u64) {}
}

impl Dataset {
    /// Whether these are the ratings that ship with the project.
    pub fn is_built_in(&self) -> bool {
        self.source.is_none() && self.name == builtin::NAME
    }

    /// Ratings with fingerprint and scale worked out.
    pub fn new(name: String, ratings: Ratings, titles: Titles, license: String) -> Dataset {
        let (fingerprint, scale) = (ratings.fingerprint(), ratings.scale());
        let times = &ratings.times;
        let has_times = times.iter().any(|time| *time != times[0]);
        Dataset {
            name,
            ratings,
            titles,
            sides: Sides::default(),
            license,
            fingerprint,
            scale,
            user_names: Names::default(),
            movie_names: Names::default(),
            has_times,
            source: None,
            reading: Reading::default(),
            notes: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod broken_tests;
#[cfg(test)]
#[path = "../../base/src/damage.rs"]
mod damage;
#[cfg(test)]
mod elsewhere_tests;
#[cfg(test)]
mod titles_tests;
#[cfg(test)]
mod zipped;

#[cfg(test)]
#[global_allocator]
static MEMORY: damage::Watched = damage::Watched;
