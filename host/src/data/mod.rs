//! A data set: ratings, what the movies are called, and what may be done with it.

pub mod ratings;
pub mod split;
pub mod titles;

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
