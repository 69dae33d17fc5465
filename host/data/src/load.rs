//! From a path to a [`Dataset`]: ratings, titles and terms, through a cache where one is wanted.

use std::collections::HashSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::cache::{self, Kept, Key};
use super::columns::Columns;
use super::movies::Listed;
use super::names::Names;
use super::notes::{self, Note};
use super::open::{self, Bounded, Text};
use super::reading::{Reading, TableFile, TitlesFrom};
use super::release::{self, Release};
use super::sides::{self, Side, Sides, Whose};
use super::source::{self, Input, MOST_TITLES, Source, TitlesFile};
use super::{
    DataError, Dataset, LoadProgress, Ratings, SYNTHETIC, Titles, columns, movies, parquet, rows,
};
use pocketrec_base::files;
use pocketrec_base::random::hash;
use pocketrec_base::threads;

/// A smaller file is parsed faster than a person notices.
const LEAST_CACHED: u64 = 8_000_000;

impl Dataset {
    /// Reads any MovieLens release from 100K to 32M: its ratings file, its folder, or its zip; and other ratings in
    /// text, gzipped or not, from a file or a pipe (`-` is standard input).
    ///
    /// Pairs rated twice keep the latest rating. Titles are read where they lie beside the ratings. All cores parse;
    /// memory beyond the result is some megabytes.
    ///
    /// # Errors
    /// [`DataError`] that names file, line, its text and what would be right.
    pub fn load(path: &Path, progress: &dyn LoadProgress) -> Result<Dataset, DataError> {
        Dataset::load_as(path, &Reading::default(), progress)
    }

    /// As [`Dataset::load`], of ratings of which a person has said more than can be read off them.
    ///
    /// # Errors
    /// Those of [`Dataset::load`].
    pub fn load_as(
        path: &Path,
        reading: &Reading,
        progress: &dyn LoadProgress,
    ) -> Result<Dataset, DataError> {
        Source::find(path)?.load(reading, None, progress)
    }

    /// As [`Dataset::load_as`], but ratings that were read before come from the file `cache`, which is written if it is
    /// of another source or isn't there. Small sources are parsed each time, and so is what has names for ids, no times,
    /// or a scale other than MovieLens's; a cache that can't be written is done without.
    ///
    /// # Errors
    /// Those of [`Dataset::load`].
    pub fn load_cached(
        path: &Path,
        reading: &Reading,
        cache: &Path,
        progress: &dyn LoadProgress,
    ) -> Result<Dataset, DataError> {
        let source = Source::find(path)?;
        let large =
            |path: &Path| std::fs::metadata(path).is_ok_and(|meta| meta.len() >= LEAST_CACHED);
        let cached = source.path.as_deref().is_some_and(large) && reading.is_plain();
        source.load(reading, cached.then_some(cache), progress)
    }
}

/// Where a table is, and its bytes where it is in a zip.
type TableBytes = (PathBuf, Option<Vec<u8>>);

/// Ratings with what was found out about them.
struct Found {
    kept: Kept,
    users: Names,
    movies: Names,
    has_times: bool,
    notes: Vec<Note>,
}

impl Source {
    pub(super) fn load(
        mut self,
        reading: &Reading,
        cache: Option<&Path>,
        progress: &dyn LoadProgress,
    ) -> Result<Dataset, DataError> {
        let key = self.path.as_deref().and_then(|path| Key::of(path).ok());
        let cache = cache.zip(key);
        let kept = cache.and_then(|(path, key)| cache::read(path, key));
        let found = match kept {
            Some(kept) => Found::cached(kept),
            None => {
                let found = self.read_ratings(reading, progress)?;
                if let Some((path, key)) = cache.filter(|_| found.is_plain()) {
                    // Without a cache the next start is slower, and that is all.
                    let _ = path.parent().map(std::fs::create_dir_all);
                    let _ = files::write_with(path, |out| cache::write(out, key, &found.kept));
                }
                found
            }
        };
        let Found {
            kept,
            users,
            movies,
            has_times,
            mut notes,
        } = found;
        let titles = self.titles(reading, &kept.ratings, &movies, &mut notes)?;
        let sides = self.sides(reading, &kept.ratings, [&users, &movies], &mut notes)?;
        let license = match &reading.licence {
            Some(licence) => licence.clone(),
            None => self.license(&kept, users.is_empty() && movies.is_empty()),
        };
        Ok(Dataset {
            name: self.name,
            ratings: kept.ratings,
            titles,
            sides,
            license,
            fingerprint: kept.fingerprint,
            scale: kept.scale,
            user_names: users,
            movie_names: movies,
            has_times,
            source: self.path,
            reading: reading.clone(),
            notes,
        })
    }

    fn read_ratings(
        &mut self,
        reading: &Reading,
        progress: &dyn LoadProgress,
    ) -> Result<Found, DataError> {
        let threads = threads::for_memory();
        let columns = match &self.input {
            Input::Parquet(parts) => parquet::ratings::read(parts, reading, threads, progress)?,
            Input::Stream(..) | Input::Zip(..) => self.read_text(reading, threads, progress)?,
        };
        Ok(Found::of(columns, reading, threads))
    }

    /// The ratings of a text.
    fn read_text(
        &mut self,
        reading: &Reading,
        threads: usize,
        progress: &dyn LoadProgress,
    ) -> Result<Columns, DataError> {
        let shown = &self.shown;
        let text = match &mut self.input {
            Input::Parquet(_) => {
                return Err(DataError::Input(format!("{} is no text", shown.display())));
            }
            Input::Stream(head, read, length) => {
                let read = std::mem::replace(read, Box::new(std::io::empty()));
                open::text(std::mem::take(head), read, *length, shown)?
            }
            Input::Zip(archive, name) => {
                let entry = archive
                    .by_name(name)
                    .map_err(|error| source::broken_zip(shown, error))?;
                // The entry's claim, and no more than what is packed can hold.
                let packed = entry.compressed_size();
                let size = entry.size().min(packed.saturating_mul(DEFLATED));
                let mut entry = Bounded::new(entry, Arc::new(AtomicU64::new(packed)));
                let head =
                    open::head(&mut entry).map_err(|error| open::unreadable(shown, error))?;
                open::text(head, entry, size, shown)?
            }
        };
        let Text {
            read,
            size,
            total,
            done,
        } = text;
        let told = || progress.bytes(done.load(Ordering::Relaxed), total);
        columns::read(read, size, shown, reading, threads, &told)
    }

    /// The titles of what is rated, and what is to be told of them. Those that lie beside ratings are a help and no
    /// more: without them movies go by their ids.
    fn titles(
        &mut self,
        reading: &Reading,
        ratings: &Ratings,
        names: &Names,
        notes: &mut Vec<Note>,
    ) -> Result<Titles, DataError> {
        let listed = match &reading.titles {
            Some(TitlesFrom::Nowhere) => None,
            Some(TitlesFrom::File(path)) => Some((titles_in(path, names)?, path.clone())),
            None => match self.read_titles(names) {
                Ok(listed) => listed,
                Err(why) => {
                    notes.push(Note::NoTitles(why.to_string()));
                    None
                }
            },
        };
        let Some((listed, path)) = listed else {
            return Ok(Titles::of_names(names.all()));
        };
        notes.extend(listed.notes.into_iter().map(Note::Titles));
        let titles = listed.titles;
        let ids = &ratings.movie_ids;
        let without = ids.iter().filter(|id| titles.get(**id).is_none()).count();
        if without == ids.len() {
            notes.push(Note::NoTitles(format!(
                "no movie that was rated is in {}, which has {} others",
                path.display(),
                titles.movies().len()
            )));
            return Ok(Titles::of_names(names.all()));
        }
        if without * 10 > ids.len() {
            notes.push(Note::Titles(format!(
                "{without} of {} rated movies have no title in {}",
                ids.len(),
                path.display()
            )));
        }
        Ok(titles)
    }

    /// What tables say of users and movies: of those that were named, and of users the one that lies beside the ratings,
    /// which is a help and no more.
    fn sides(
        &mut self,
        reading: &Reading,
        ratings: &Ratings,
        [users, movies]: [&Names; 2],
        notes: &mut Vec<Note>,
    ) -> Result<Sides, DataError> {
        let read = |(path, bytes): &TableBytes, whose: Whose| {
            let (names, ids) = match whose {
                Whose::Users => (users, &ratings.user_ids),
                Whose::Movies => (movies, &ratings.movie_ids),
            };
            let id = |text: &str| match names.is_empty() {
                true => movies::number(text),
                false => names.id(text.trim()),
            };
            let rated: HashSet<u32> = ids.iter().copied().collect();
            let rated = |id| rated.contains(&id);
            match bytes {
                None => sides::read(path, whose, &id, &rated),
                Some(bytes) => sides::of_bytes(bytes, path, whose, &id, &rated),
            }
        };
        let users = match &reading.user_table {
            Some(TableFile(path)) => Some(read(&(path.clone(), None), Whose::Users)?),
            None => {
                let beside = self.user_table().transpose();
                let found = beside.map(|found| found.and_then(|found| read(&found, Whose::Users)));
                found.transpose().unwrap_or_else(|why| {
                    notes.push(Note::Titles(why.to_string()));
                    None
                })
            }
        };
        let movies = match &reading.movie_table {
            Some(TableFile(path)) => read(&(path.clone(), None), Whose::Movies)?,
            None => Side::default(),
        };
        Ok(Sides {
            users: users.unwrap_or_default(),
            movies,
        })
    }

    /// The table of users that lies beside the ratings.
    fn user_table(&mut self) -> Result<Option<TableBytes>, DataError> {
        let Some(path) = self.path.clone() else {
            return Ok(None);
        };
        let Input::Zip(archive, _) = &mut self.input else {
            return Ok(source::users_beside(&path).map(|path| (path, None)));
        };
        let Some(name) = source::users_in(archive) else {
            return Ok(None);
        };
        let entry = (archive.by_name(&name)).map_err(|error| source::broken_zip(&path, error))?;
        let path = path.join(&name);
        Ok(Some((path.clone(), Some(at_most(entry, &path)?))))
    }

    fn read_titles(&mut self, names: &Names) -> Result<Option<(Listed, PathBuf)>, DataError> {
        let Some(titles) = &self.titles else {
            return Ok(None);
        };
        let (bytes, path) = match (titles, &mut self.input) {
            (TitlesFile::Zipped(name), Input::Zip(archive, _)) => {
                let path = self.path.clone().unwrap_or_default().join(name);
                let entry = archive
                    .by_name(name)
                    .map_err(|error| source::broken_zip(&path, error))?;
                (at_most(entry, &path)?, path)
            }
            (TitlesFile::Zipped(_), Input::Stream(..) | Input::Parquet(_)) => return Ok(None),
            (TitlesFile::File(path), _) => {
                return Ok(Some((titles_in(path, names)?, path.clone())));
            }
        };
        Ok(Some((listed(&bytes, &path, names)?, path)))
    }

    fn license(&self, kept: &Kept, numbered: bool) -> String {
        // Of Parquet the path is that of the folder, of which each part is read.
        let beside = |path: &Path| match path.is_dir() {
            true => path.join(SYNTHETIC).is_file(),
            false => path.with_file_name(SYNTHETIC).is_file(),
        };
        if !matches!(self.input, Input::Zip(..)) && self.path.as_deref().is_some_and(beside) {
            return "made-up ratings, free to use".into();
        }
        let ratings = &kept.ratings;
        let may_be = numbered && kept.scale.is_movielens();
        Release::counted([ratings.len(), ratings.user_count(), ratings.movie_count()])
            .or_else(|| Release::named(&self.name).filter(|_| may_be))
            .map_or_else(
                || {
                    if may_be {
                        release::UNKNOWN_LICENSE
                    } else {
                        release::OTHER_LICENSE
                    }
                    .to_owned()
                },
                Release::license,
            )
    }
}

/// How much text a deflated byte is at most.
const DEFLATED: u64 = 1032;

/// The titles of a file; `names` are those of movies whose ids aren't numbers.
///
/// # Errors
/// [`DataError`] where it can't be read or holds no titles.
pub fn titles_in(path: &Path, names: &Names) -> Result<Listed, DataError> {
    let file = open::beside(path, "a file of titles, such as a release's movies.csv")?;
    listed(&at_most(file, path)?, path, names)
}

fn listed(bytes: &[u8], path: &Path, names: &Names) -> Result<Listed, DataError> {
    match names.is_empty() {
        true => movies::read(bytes, path, &movies::number),
        false => movies::read(bytes, path, &|text| names.id(text.trim())),
    }
}

/// All bytes of a titles file.
fn at_most(read: impl Read, path: &Path) -> Result<Vec<u8>, DataError> {
    let mut bytes = Vec::new();
    read.take(MOST_TITLES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| open::unreadable(path, error))?;
    if bytes.len() as u64 > MOST_TITLES {
        return Err(DataError::Input(format!(
            "{} has more than {MOST_TITLES} bytes, which no file of titles has",
            path.display()
        )));
    }
    Ok(bytes)
}

/// [`Ratings::fingerprint`], and the names that ids stand for.
pub(super) fn fingerprint(ratings: &Ratings, names: [&Names; 2]) -> u64 {
    let all = names.into_iter().flat_map(|names| names.all());
    all.fold(ratings.fingerprint(), |sum, name| {
        name.as_bytes().chunks(8).fold(hash(sum), |sum, part| {
            let mut word = [0; 8];
            word[..part.len()].copy_from_slice(part);
            hash(sum ^ u64::from_le_bytes(word))
        })
    })
}

impl Found {
    /// What columns come to.
    fn of(mut columns: Columns, reading: &Reading, threads: usize) -> Found {
        let told = std::mem::take(&mut columns.told);
        let (untimed, user_name, movie_name) = (
            told.untimed,
            told.user_name.clone(),
            told.movie_name.clone(),
        );
        let mut notes = notes::of_lines(told, columns.stars.len());
        let timed = untimed < columns.stars.len() as u64
            && (columns.times.len() == 1
                || columns.times.iter().any(|time| *time != columns.times[0]));
        let dense = rows::dense(columns, threads);
        let (users, note) = notes::of_ids("user", dense.users, user_name);
        notes.extend(note);
        let (movies, note) = notes::of_ids("movie", dense.movies, movie_name);
        notes.extend(note);
        let ratings = dense.ratings;
        let found = ratings.scale();
        let scale = match reading.scale {
            Some(given) => {
                notes.push(Note::Given(given));
                given.with(found)
            }
            None => {
                if !found.is_movielens() {
                    notes.push(Note::Found(found));
                    notes.extend(notes::few_above(&ratings.stars, found));
                    notes.extend(notes::many_lowest(&ratings.stars, found));
                }
                found
            }
        };
        if dense.dropped > 0 {
            notes.push(Note::Duplicates {
                count: dense.dropped,
                timed,
            });
        }
        if !timed {
            notes.push(Note::NoTimes);
        }
        let kept = Kept {
            fingerprint: fingerprint(&ratings, [&users, &movies]),
            ratings,
            scale,
            dropped: u32::try_from(dense.dropped).unwrap_or(u32::MAX),
        };
        Found {
            kept,
            users,
            movies,
            has_times: timed,
            notes,
        }
    }

    fn cached(kept: Kept) -> Found {
        let duplicates = Note::Duplicates {
            count: kept.dropped as usize,
            timed: true,
        };
        Found {
            notes: (kept.dropped > 0)
                .then_some(duplicates)
                .into_iter()
                .collect(),
            kept,
            users: Names::default(),
            movies: Names::default(),
            has_times: true,
        }
    }

    /// Whether a cache says all of it.
    fn is_plain(&self) -> bool {
        let plain = |note: &Note| matches!(note, Note::Duplicates { .. });
        self.has_times
            && self.users.is_empty()
            && self.movies.is_empty()
            && self.kept.scale.is_movielens()
            && self.notes.iter().all(plain)
    }
}
