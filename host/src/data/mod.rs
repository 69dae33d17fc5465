//! A data set: ratings, what the movies are called, and what may be done with it.

pub mod builtin;
mod cache;
mod columns;
mod error;
pub mod fetch;
mod ids;
mod line;
mod load;
pub(crate) mod movies;
pub mod ratings;
pub mod release;
mod rows;
pub mod search;
mod source;
pub mod split;
pub mod synth;
pub mod titles;

pub use error::{BadLine, DataError};
pub(crate) use ratings::in_parts;
pub use ratings::{Ratings, Scale};
pub use split::Split;
pub use titles::{Movie, Titles};

/// Ratings with all that belongs to them.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// What people call it: `ml-latest-small (2016)`, or the name of the file or folder that it was read from.
    pub name: String,
    /// The ratings.
    pub ratings: Ratings,
    /// Titles and genres of the movies; may be empty.
    pub titles: Titles,
    /// One line that says what may be done with the data.
    pub license: String,
    /// [`Ratings::fingerprint`] of the ratings.
    pub fingerprint: u64,
    /// Stars that occur.
    pub scale: Scale,
}

/// The note that `host synth` leaves beside its ratings, so that they aren't taken for a release of that size.
pub const SYNTHETIC: &str = "SYNTHETIC.txt";

/// What a reader tells while it reads.
pub trait LoadProgress: Sync {
    /// So many bytes of so many are read; both are of the ratings file unzipped.
    fn bytes(&self, read: u64, total: u64);
}

/// Tells nobody.
pub struct Silent;

impl LoadProgress for Silent {
    fn bytes(&self, _: u64, _: u64) {}
}

impl Dataset {
    /// Ratings with fingerprint and scale worked out.
    pub fn new(name: String, ratings: Ratings, titles: Titles, license: String) -> Dataset {
        let (fingerprint, scale) = (ratings.fingerprint(), ratings.scale());
        Dataset {
            name,
            ratings,
            titles,
            license,
            fingerprint,
            scale,
        }
    }
}

#[cfg(test)]
mod tests;
