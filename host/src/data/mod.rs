//! A data set: ratings, what the movies are called, and what may be done with it.

pub mod builtin;
mod columns;
mod error;
pub mod fetch;
mod ids;
mod line;
pub(crate) mod movies;
pub mod ratings;
pub mod release;
mod rows;
mod source;
pub mod split;
pub mod synth;
pub mod titles;

use std::fs::File;
use std::io::Read;
use std::path::Path;

pub use error::{BadLine, DataError};
pub use ratings::{Ratings, Scale};
pub use split::Split;
pub use titles::{Movie, Titles};

use release::Release;
use source::Source;

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

    /// Reads any MovieLens release from 100K to 32M: its ratings file, its folder, or its zip.
    ///
    /// Pairs rated twice keep the latest rating. Titles are read where they lie beside the ratings.
    ///
    /// # Errors
    /// [`DataError`] that names file, line, its text and what would be right.
    pub fn load(path: &Path, progress: &dyn LoadProgress) -> Result<Dataset, DataError> {
        let source = Source::find(path)?;
        let shown = source.ratings_path();
        let threads = std::thread::available_parallelism().map_or(1, |n| n.get().min(8));
        let (columns, titles) = match &source.zipped {
            Some((ratings, titles)) => {
                let mut archive = source::open_zip(&source.path)?;
                let broken = |error| source::broken_zip(&source.path, error);
                let entry = archive.by_name(ratings).map_err(broken)?;
                let size = entry.size();
                let columns = columns::read(entry, size, &shown, threads, &|read| {
                    progress.bytes(read, size)
                })?;
                let mut bytes = Vec::new();
                let mut read = Titles::default();
                if let Some(titles) = titles {
                    let path = source.path.join(titles);
                    let mut entry = archive.by_name(titles).map_err(broken)?;
                    entry
                        .read_to_end(&mut bytes)
                        .map_err(|error| DataError::Io(path.clone(), error))?;
                    read = movies::read(&bytes, &path)?;
                }
                (columns, read)
            }
            None => {
                let io = |path: &Path, error| DataError::Io(path.to_owned(), error);
                let file = File::open(&source.path).map_err(|error| io(&source.path, error))?;
                let size = file.metadata().map_or(0, |meta| meta.len());
                let columns = columns::read(file, size, &shown, threads, &|read| {
                    progress.bytes(read, size)
                })?;
                let mut read = Titles::default();
                if let Some(path) = &source.titles {
                    let bytes = std::fs::read(path).map_err(|error| io(path, error))?;
                    read = movies::read(&bytes, path)?;
                }
                (columns, read)
            }
        };
        let (ratings, _) = rows::dense(columns, threads);
        let made_up = source.zipped.is_none() && source.path.with_file_name(SYNTHETIC).is_file();
        let license = if made_up {
            "made-up ratings, free to use".to_owned()
        } else {
            Release::counted([ratings.len(), ratings.user_count(), ratings.movie_count()])
                .or_else(|| Release::named(&source.name))
                .map_or_else(|| release::UNKNOWN_LICENSE.to_owned(), Release::license)
        };
        Ok(Dataset::new(source.name, ratings, titles, license))
    }
}

#[cfg(test)]
mod tests;
