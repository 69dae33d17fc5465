//! What an image holds, in the few words by which a person tells it from another.

use std::fmt;
use std::path::Path;

use pocketrec::model::Model;
use serde::Serialize;

use super::{ImageBytes, Precision};
use pocketrec_base::print::count;

/// The contents of an image. Displays as a clause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Contents {
    /// The model, as the image calls it, without its precision.
    pub model: String,
    /// The precision's name.
    pub precision: &'static str,
    /// Dimensions of a movie's row.
    pub dim: usize,
    /// Movies.
    pub movies: u32,
    /// Users.
    pub users: u32,
}

impl Contents {
    /// Those of an image.
    pub fn of(model: &Model<'_>) -> Self {
        let precision = Precision::of(model).name();
        let name = model.header().name;
        Self {
            model: name
                .strip_suffix(precision)
                .unwrap_or(name)
                .trim_end()
                .into(),
            precision,
            dim: model.movie_dim(),
            movies: model.movies(),
            users: model.users(),
        }
    }

    /// Those of the file, if it is an image.
    pub fn at(path: &Path) -> Option<Self> {
        let bytes = ImageBytes::read(path).ok()?;
        let model = bytes.open(path).ok()?;
        Some(Self::of(&model))
    }
}

impl fmt::Display for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} in {} of {}, with {} and {}",
            self.model,
            self.precision,
            count(self.dim, "dimension"),
            count(self.movies, "movie"),
            match self.users {
                0 => "no users".into(),
                users => count(users, "user"),
            }
        )
    }
}
