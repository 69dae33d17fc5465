//! From a path to a [`Dataset`]: ratings, titles and terms, through a cache where one is wanted.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::cache::{self, Kept, Key};
use super::release::{self, Release};
use super::source::{self, Source};
use super::{DataError, Dataset, LoadProgress, Ratings, SYNTHETIC, Titles, columns, movies, rows};
use crate::files;

/// A smaller file is parsed faster than a person notices.
const LEAST_CACHED: u64 = 8_000_000;

impl Dataset {
    /// Reads any MovieLens release from 100K to 32M: its ratings file, its folder, or its zip.
    ///
    /// Pairs rated twice keep the latest rating. Titles are read where they lie beside the ratings. All cores parse;
    /// memory beyond the result is some megabytes.
    ///
    /// # Errors
    /// [`DataError`] that names file, line, its text and what would be right.
    pub fn load(path: &Path, progress: &dyn LoadProgress) -> Result<Dataset, DataError> {
        Source::find(path)?.load(None, progress)
    }

    /// As [`Dataset::load`], but ratings that were read before come from the file `cache`, which is written if it is
    /// of another source or isn't there. Small sources are parsed each time; a cache that can't be written is done
    /// without.
    ///
    /// # Errors
    /// Those of [`Dataset::load`].
    pub fn load_cached(
        path: &Path,
        cache: &Path,
        progress: &dyn LoadProgress,
    ) -> Result<Dataset, DataError> {
        let source = Source::find(path)?;
        let large = std::fs::metadata(&source.path).is_ok_and(|meta| meta.len() >= LEAST_CACHED);
        source.load(large.then_some(cache), progress)
    }
}

impl Source {
    pub(super) fn load(
        self,
        cache: Option<&Path>,
        progress: &dyn LoadProgress,
    ) -> Result<Dataset, DataError> {
        let titles = self.read_titles()?;
        let cache = cache.and_then(|path| Some((path, Key::of(&self.path).ok()?)));
        let kept = cache.and_then(|(path, key)| cache::read(path, key));
        let Kept {
            ratings,
            fingerprint,
            scale,
        } = match kept {
            Some(kept) => kept,
            None => {
                let ratings = self.read_ratings(progress)?;
                let fingerprint = ratings.fingerprint();
                if let Some((path, key)) = cache {
                    // Without a cache the next start is slower, and that is all.
                    let _ = path.parent().map(std::fs::create_dir_all);
                    let _ = files::write_with(path, |out| {
                        cache::write(out, key, &ratings, fingerprint)
                    });
                }
                Kept {
                    scale: ratings.scale(),
                    ratings,
                    fingerprint,
                }
            }
        };
        let license = self.license(&ratings);
        Ok(Dataset {
            name: self.name,
            ratings,
            titles,
            license,
            fingerprint,
            scale,
        })
    }

    fn read_ratings(&self, progress: &dyn LoadProgress) -> Result<Ratings, DataError> {
        let shown = self.ratings_path();
        let threads = std::thread::available_parallelism().map_or(1, |n| n.get().min(8));
        let columns = match &self.zipped {
            Some((entry, _)) => {
                let mut archive = source::open_zip(&self.path)?;
                let entry = archive
                    .by_name(entry)
                    .map_err(|error| source::broken_zip(&self.path, error))?;
                let size = entry.size();
                columns::read(entry, size, &shown, threads, &|read| {
                    progress.bytes(read, size)
                })?
            }
            None => {
                let file = File::open(&self.path)
                    .map_err(|error| DataError::Io(self.path.clone(), error))?;
                let size = file.metadata().map_or(0, |meta| meta.len());
                columns::read(file, size, &shown, threads, &|read| {
                    progress.bytes(read, size)
                })?
            }
        };
        Ok(rows::dense(columns, threads).0)
    }

    fn read_titles(&self) -> Result<Titles, DataError> {
        match (&self.zipped, &self.titles) {
            (Some((_, Some(name))), _) => {
                let path = self.path.join(name);
                let mut archive = source::open_zip(&self.path)?;
                let mut entry = archive
                    .by_name(name)
                    .map_err(|error| source::broken_zip(&self.path, error))?;
                let mut bytes = Vec::new();
                entry
                    .read_to_end(&mut bytes)
                    .map_err(|error| DataError::Io(path.clone(), error))?;
                movies::read(&bytes, &path)
            }
            (None, Some(path)) => {
                let bytes =
                    std::fs::read(path).map_err(|error| DataError::Io(path.clone(), error))?;
                movies::read(&bytes, path)
            }
            _ => Ok(Titles::default()),
        }
    }

    fn license(&self, ratings: &Ratings) -> String {
        if self.zipped.is_none() && self.path.with_file_name(SYNTHETIC).is_file() {
            return "made-up ratings, free to use".into();
        }
        Release::counted([ratings.len(), ratings.user_count(), ratings.movie_count()])
            .or_else(|| Release::named(&self.name))
            .map_or_else(|| release::UNKNOWN_LICENSE.to_owned(), Release::license)
    }
}
