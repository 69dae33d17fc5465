//! Movies that a device has beside its image's: kept in a log, part by part.
//!
//! A [`Change::Part`] has some words of a movie's entry, and [`Change::Added`] seals the parts before it, with the image's CRC
//! and a check of all: a movie is there whole or not at all, and for one image alone.

use crate::ids::MovieId;
use crate::model::added::{AddedTables, WORDS};
pub use crate::model::added::{MAX_ADDED, ROOM};
use crate::model::entry::Form;
pub use crate::model::entry::NotAdded;
use crate::model::{MAX_ENTRY, Model};
use crate::numeric::crc32::Crc32;
use crate::profile::{Asked, Change, Record};

/// Words of an entry that a record of a log takes.
const PART: usize = 3;

/// The most records of a log that they take.
pub const RECORDS: usize = {
    let (mut most, mut words) = (0, 1);
    while words <= MAX_ENTRY / 4 {
        let fit = if WORDS / words < MAX_ADDED {
            WORDS / words
        } else {
            MAX_ADDED
        };
        let records = fit * (words.div_ceil(PART) + 1);
        most = if records > most { records } else { most };
        words += 1;
    }
    most
};

/// An entry in words, zeros behind it.
type Packed = [u32; MAX_ENTRY / 4];

fn packed(entry: &[u8]) -> Packed {
    let mut words = [0; MAX_ENTRY / 4];
    let bytes: &mut [u8] = bytemuck::must_cast_slice_mut(&mut words);
    for (to, from) in bytes.iter_mut().zip(entry) {
        *to = *from;
    }
    words
}

/// Movies that were added to an image, up to [`MAX_ADDED`], ascending by id. RAM: [`ROOM`] and 16 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddedMovies {
    /// Their entries, one behind another, and what there is of one that isn't whole.
    words: [u32; WORDS],
    form: Form,
    /// The image's CRC.
    image: u32,
    movies: u8,
    /// Parts of one that isn't whole.
    begun: u8,
    dropped: u8,
}

impl AddedMovies {
    /// None yet, for the image of `model`.
    pub fn of(model: Option<&Model<'_>>) -> Self {
        Self {
            words: [0; WORDS],
            form: model.map_or(Form::NONE, Form::of),
            image: model.map_or(0, |model| model.header().crc),
            movies: 0,
            begun: 0,
            dropped: 0,
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.movies.into()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.movies == 0
    }

    /// How many fit in all: none without a model.
    pub fn room(&self) -> usize {
        let fit = WORDS.checked_div(self.form.words()).unwrap_or_default();
        fit.min(MAX_ADDED)
    }

    /// Movies of a log that aren't among them, since they were for another image.
    pub fn dropped(&self) -> u8 {
        self.dropped
    }

    /// The entry of one of them.
    pub fn entry(&self, at: usize) -> Option<&[u8]> {
        let bytes: &[u8] = bytemuck::must_cast_slice(self.words_of(at)?);
        bytes.get(..self.form.bytes())
    }

    fn words_of(&self, at: usize) -> Option<&[u32]> {
        let words = self.form.words();
        let start = at.wrapping_mul(words);
        let own = self.words.get(start..start.wrapping_add(words));
        own.filter(|_| at < self.len())
    }

    /// The id of one of them.
    pub fn id(&self, at: usize) -> Option<MovieId> {
        self.words_of(at)?.first().copied().map(MovieId)
    }

    /// Whether there is one of these bytes.
    pub fn has(&self, entry: &[u8]) -> bool {
        (0..self.len()).any(|at| self.entry(at) == Some(entry))
    }

    /// Finds out why a movie can't be added, if so. `model` is the image's, which they are for.
    ///
    /// # Errors
    ///
    /// [`NotAdded`].
    pub fn check(&self, model: &Model<'_>, entry: &[u8]) -> Result<(), NotAdded> {
        let length = NotAdded::Length(self.form.bytes());
        if entry.len() != self.form.bytes() {
            return Err(length);
        }
        if self.len() >= self.room() {
            return Err(NotAdded::Full(self.room()));
        }
        let mut one = Self::of(Some(model));
        one.append(&packed(entry));
        let last = self.len().checked_sub(1).and_then(|last| self.id(last));
        let last = last.or_else(|| model.movie_id(model.own_movies().wrapping_sub(1)));
        let last = last.unwrap_or_default();
        if one.id(0) <= Some(last) {
            return Err(NotAdded::Id(last));
        }
        let tables = one.tables(model);
        let part = tables.part(model).ok_or(length)?;
        model.check_part(&part).map_err(NotAdded::Bad)
    }

    /// Adds a movie to the image of `model`.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check); nothing is changed then.
    pub fn add(&mut self, model: &Model<'_>, entry: &[u8]) -> Result<(), NotAdded> {
        self.check(model, entry)?;
        self.append(&packed(entry));
        Ok(())
    }

    /// Takes one of them out again; `false` if it isn't among them.
    pub fn remove(&mut self, id: MovieId) -> bool {
        let Some(at) = (0..self.len()).find(|at| self.id(*at) == Some(id)) else {
            return false;
        };
        let words = self.form.words();
        for to in at.wrapping_mul(words)..WORDS.wrapping_sub(words) {
            let word = self.words.get(to.wrapping_add(words)).copied();
            if let (Some(to), Some(word)) = (self.words.get_mut(to), word) {
                *to = word;
            }
        }
        self.movies = self.movies.saturating_sub(1);
        self.begun = 0;
        true
    }

    /// Leaves none.
    pub(crate) fn clear(&mut self) {
        self.movies = 0;
        self.begun = 0;
        self.dropped = 0;
    }

    /// Where one is put that isn't whole yet.
    fn open(&mut self) -> &mut [u32] {
        let words = self.len().wrapping_mul(self.form.words());
        self.words.get_mut(words..).unwrap_or_default()
    }

    /// Puts one behind the others.
    pub(crate) fn append(&mut self, entry: &Packed) {
        for (to, from) in self.open().iter_mut().zip(entry) {
            *to = *from;
        }
        self.movies = self.movies.saturating_add(1);
        self.begun = 0;
    }

    /// Parts of an entry.
    fn parts(&self) -> usize {
        self.form.words().div_ceil(PART)
    }

    /// What a log is to keep next of a movie, beyond those parts that were taken in: the last of it is the seal.
    pub(crate) fn next(&mut self, entry: &[u8]) -> Record {
        let words = packed(entry);
        let begun = usize::from(self.begun);
        let taken = begun.wrapping_mul(PART).min(self.form.words());
        let is = self.open().get(..taken) == words.get(..taken);
        let number = if is { begun } else { 0 };
        if number >= self.parts() {
            return self.seal(&words);
        }
        let from = words.get(number.wrapping_mul(PART)..);
        part(number, from.unwrap_or_default())
    }

    /// The record behind a movie's parts.
    fn seal(&self, words: &[u32]) -> Record {
        let (image, check) = (self.image, self.check_of(words));
        record(0, Change::Added { image, check })
    }

    /// The check of an entry for this image.
    fn check_of(&self, words: &[u32]) -> u32 {
        let mut crc = Crc32::new();
        crc.update(&self.image.to_le_bytes());
        let words = words.get(..self.form.words()).unwrap_or_default();
        crc.update(bytemuck::must_cast_slice(words));
        crc.finish()
    }

    /// Takes in what a log keeps, where it is about movies: one is among these with the seal behind its parts, if it is whole
    /// and for this image, until it is taken out.
    pub(crate) fn take_back(&mut self, model: Option<&Model<'_>>, record: &Record) {
        match record.change {
            Change::Part(part) => self.take_part(record.owner, part),
            Change::Added { image, check } => self.take_seal(model, (image, check)),
            Change::Removed(movie) => {
                self.remove(movie);
            }
            _ => {}
        }
    }

    fn take_part(&mut self, number: u8, part: [u32; PART]) {
        // A part before it may be missing, which the seal tells.
        if number != 0 && number != self.begun {
            return;
        }
        let at = usize::from(number).wrapping_mul(PART);
        let open = self.open().get_mut(at..).unwrap_or_default();
        for (to, word) in open.iter_mut().zip(part) {
            *to = word;
        }
        self.begun = number.saturating_add(1);
    }

    fn take_seal(&mut self, model: Option<&Model<'_>>, seal: (u32, u32)) {
        let begun = core::mem::take(&mut self.begun);
        let entry = packed(bytemuck::must_cast_slice(self.open()));
        let bytes: &[u8] = bytemuck::must_cast_slice(&entry);
        let bytes = bytes.get(..self.form.bytes()).unwrap_or_default();
        let is_whole =
            usize::from(begun) == self.parts() && seal == (self.image, self.check_of(&entry));
        // One that is there was kept twice, where flash didn't say whether it had taken it.
        if is_whole && self.has(bytes) {
            return;
        }
        match model {
            Some(model) if is_whole && self.check(model, bytes).is_ok() => self.append(&entry),
            _ => self.dropped = self.dropped.saturating_add(1),
        }
    }

    /// What a log keeps of all of them and of one that isn't whole, one record after another.
    pub(crate) fn record(&self, at: usize) -> Option<Record> {
        let (words, parts) = (self.form.words(), self.parts());
        let records = parts.wrapping_add(1);
        let movie = at.checked_div(records)?;
        let number = at.wrapping_sub(movie.wrapping_mul(records));
        let own = self.words.get(movie.wrapping_mul(words)..)?;
        if movie < self.len() {
            if number == parts {
                return Some(self.seal(own));
            }
        } else if movie > self.len() || number >= self.begun.into() {
            return None;
        }
        Some(part(number, own.get(number.wrapping_mul(PART)..words)?))
    }

    /// The tables of the movies, for the image of `model`, which they are for.
    #[inline(never)]
    pub fn tables(&self, model: &Model<'_>) -> AddedTables {
        // Of another image there are none.
        let is_own = self.form == Form::of(model);
        let movies = if is_own { self.len() } else { 0 };
        let mut tables = AddedTables::of(self.form, movies);
        for (at, entry) in (0..movies).filter_map(|at| Some((at, self.entry(at)?))) {
            tables.put(at, entry);
        }
        tables
    }
}

/// The record of a part of an entry.
fn part(number: usize, words: &[u32]) -> Record {
    let mut part = [0; PART];
    for (to, from) in part.iter_mut().zip(words) {
        *to = *from;
    }
    record(number as u8, Change::Part(part))
}

fn record(owner: u8, change: Change) -> Record {
    Record {
        owner,
        change,
        asked: Asked::default(),
    }
}
