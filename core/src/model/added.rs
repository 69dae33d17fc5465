//! Movies that came after the image: their entries in RAM, and a second model over them that shares all else with the image's.
//!
//! An entry is what the image's tables would have of the movie, in their own precision: its number, its row and bias or its
//! codes, and what is stored beside. So every kernel takes these movies as it takes the image's, and they are ranked and
//! learned from by the bits that an image with them gives. An entry is checked as [`Model::open`] checks an image, and must
//! stay within the magnitudes of the image's rows, by which no sum can pass its bounds.
//!
//! ```text
//! id 4 | row | bias | kin's codes 8 | codes | confidence 1 | multiplier 1 | year 1, set of genres 2     each where the image has it
//! ```
//!
//! A [`Model`] with more ([`Model::with_more`]) has the added movies behind its own, in rows and in ids: theirs are above all
//! of the image.

use super::facets::PAIR;
use super::{Confidence, Model};
use crate::ids::{IdIndex, MovieId};
use crate::image::{ImageError, TableKind};
use crate::kernels::{Kernels, Machine};
use crate::numeric::crc32::Crc32;
use crate::numeric::pace::Whole;
use crate::numeric::walk::numbered;
use crate::rank::Progress;
use crate::store::{Asked, Change, Record};
#[cfg(feature = "codes")]
use crate::table::Codes;
use crate::table::{BadNumber, EmbeddingTable, Magnitude, Values};
use crate::wire::{Entry, MAX_ENTRY};

/// The most movies that can be added to an image.
pub const MAX_ADDED: usize = 8;

/// Bytes for all of them: fewer fit if rows are long.
pub const ROOM: usize = 512;

const WORDS: usize = ROOM / 4;

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

const FIELDS: usize = 8;
const ID: usize = 0;
const ROW: usize = 1;
const BIAS: usize = 2;
const KIN: usize = 3;
const CODES: usize = 4;
const KNOWN: usize = 5;
const MULTIPLIER: usize = 6;
const FACETS: usize = 7;

/// Why a movie isn't added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum NotAdded {
    /// There is room for so many, and they are there.
    Full(usize),
    /// Its id isn't above this one, the highest so far.
    Id(MovieId),
    /// An entry for this image has so many bytes.
    Length(usize),
    /// What its entry says for a table of the image couldn't be in that.
    Bad(ImageError),
}

impl core::fmt::Display for NotAdded {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Full(room) => write!(f, "there is room for {room} added movies, and no more"),
            Self::Id(last) => write!(f, "an added movie needs an id above {last}"),
            Self::Length(bytes) => write!(f, "a movie for this image has {bytes} bytes"),
            Self::Bad(why) => why.fmt(f),
        }
    }
}

impl core::error::Error for NotAdded {}

/// What an entry for an image consists of: the bytes of each field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Form([u8; FIELDS]);

/// Bytes of a number.
fn width_of(values: &Values<'_>) -> u8 {
    match values {
        Values::F16(_) | Values::I16(_) => 2,
        Values::F32(_) => 4,
        Values::I8 { .. } => 1,
    }
}

impl Form {
    const NONE: Self = Self([0; FIELDS]);

    fn of(model: &Model<'_>) -> Self {
        let table = &model.movie_table;
        let kin = if model.kin.is_some() { 8 } else { 0 };
        let known = model.confidence.is_some().into();
        let facets = if model.facets.is_some() { 3 } else { 0 };
        if let Some(codes) = table.codes() {
            return Self([4, 0, 0, kin, codes.books as u8, known, 0, facets]);
        }
        // At most 4 bytes for each of 32 columns.
        let row = width_of(&table.values()).wrapping_mul(table.columns() as u8);
        let bias = model.movie_bias.as_ref();
        let bias = bias.map_or(0, |bias| width_of(&bias.values()));
        let multiplier = matches!(table.values(), Values::I8 { .. }).into();
        Self([4, row, bias, kin, 0, known, multiplier, facets])
    }

    /// Bytes of a field.
    fn width(&self, field: usize) -> usize {
        self.0.get(field).copied().unwrap_or_default().into()
    }

    /// Bytes of the fields before one.
    fn start(&self, field: usize) -> usize {
        let before = self.0.get(..field).unwrap_or_default();
        before
            .iter()
            .fold(0, |sum, width| usize::wrapping_add(sum, (*width).into()))
    }

    fn bytes(&self) -> usize {
        self.start(FIELDS)
    }

    fn words(&self) -> usize {
        self.bytes().div_ceil(4)
    }

    /// Bytes of the table of a field for so many movies.
    fn table(&self, field: usize, movies: usize) -> usize {
        match (field, self.width(field)) {
            (_, 0) => 0,
            (FACETS, _) => movies.div_ceil(2).wrapping_mul(PAIR),
            (_, width) => width.wrapping_mul(movies),
        }
    }

    /// Where that begins among the tables of all: at a word.
    fn begin(&self, field: usize, movies: usize) -> usize {
        (0..field).fold(0, |sum, field| {
            let bytes = self.table(field, movies).wrapping_add(3) & !3;
            usize::wrapping_add(sum, bytes)
        })
    }
}

/// The entry of a movie, by what the image's tables would have of it.
#[derive(Clone, Copy, Debug)]
pub struct Movie<'t> {
    /// Its id.
    pub id: MovieId,
    /// Its row in the table's precision; of an image of codewords, nothing.
    pub row: &'t [u8],
    /// Its bias in that table's precision; of an image of codewords or without biases, nothing.
    pub bias: &'t [u8],
    /// Its codes, in an image of codewords.
    pub codes: &'t [u8],
    /// What its row of 8-bit integers is multiplied by.
    pub multiplier: u8,
    /// The codes of its kin.
    pub kin: [u8; 8],
    /// How well known it is.
    pub confidence: u8,
    /// Its set of genres, by its place among the image's.
    pub set: u16,
    /// Its year, 0 for none: counted from the year before the image's first.
    pub year: u8,
}

impl Movie<'_> {
    /// The entry for `model`: what of this the image has.
    ///
    /// # Errors
    ///
    /// [`NotAdded::Length`]: row, bias or codes aren't as long as the image's.
    pub fn entry(&self, model: &Model<'_>) -> Result<Entry, NotAdded> {
        let form = Form::of(model);
        let mut entry = Entry::new();
        let [low, high] = self.set.to_le_bytes();
        let fields: [&[u8]; FIELDS] = [
            &self.id.0.to_le_bytes(),
            self.row,
            self.bias,
            &self.kin,
            self.codes,
            &[self.confidence],
            &[self.multiplier],
            &[self.year, low, high],
        ];
        for (field, bytes) in numbered(fields, 0) {
            let width = form.width(field);
            let is_own = matches!(field, ROW | BIAS | CODES);
            if width != bytes.len() && (width != 0 || is_own) {
                return Err(NotAdded::Length(form.bytes()));
            }
            for byte in bytes.get(..width).unwrap_or_default() {
                // The longest fits.
                let _ = entry.push(*byte);
            }
        }
        Ok(entry)
    }
}

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
            image: model.map_or(0, |model| model.header.crc),
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
        let last = last.or_else(|| model.movie_id(model.movies.wrapping_sub(1)));
        let last = last.unwrap_or_default();
        if one.id(0) <= Some(last) {
            return Err(NotAdded::Id(last));
        }
        let tables = one.tables(model);
        let part = tables.part(model).ok_or(length)?;
        part.check_numbers(model.largest).map_err(NotAdded::Bad)
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
        let form = self.form;
        let mut tables = AddedTables {
            words: [0; WORDS + 2 * FIELDS],
            movies: self.len(),
            form,
        };
        if form != Form::of(model) {
            tables.movies = 0;
        }
        for (at, entry) in (0..tables.movies).filter_map(|at| Some((at, self.entry(at)?))) {
            for field in 0..FIELDS {
                let start = form.start(field);
                let width = form.width(field);
                let from = entry.get(start..start.wrapping_add(width));
                tables.put(field, at, from.unwrap_or_default());
            }
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

/// The tables of added movies, as an image has them: some 600 bytes.
#[derive(Clone, Debug)]
pub struct AddedTables {
    words: [u32; WORDS + 2 * FIELDS],
    movies: usize,
    form: Form,
}

impl AddedTables {
    fn put(&mut self, field: usize, at: usize, from: &[u8]) {
        let begin = self.form.begin(field, self.movies);
        let bytes: &mut [u8] = bytemuck::must_cast_slice_mut(&mut self.words);
        let table = bytes.get_mut(begin..).unwrap_or_default();
        if field == FACETS {
            let (pairs, _) = table.as_chunks_mut::<PAIR>();
            let (Some(pair), [year, low, high]) = (pairs.get_mut(at / 2), from) else {
                return;
            };
            let [first_year, first_low, second_year, second_low, highs] = pair;
            // Beyond 12 bits there is no set.
            let high = if *high > 15 { 15 } else { *high };
            if at.is_multiple_of(2) {
                (*first_year, *first_low) = (*year, *low);
                *highs |= high;
            } else {
                (*second_year, *second_low) = (*year, *low);
                *highs |= high << 4;
            }
            return;
        }
        let start = at.wrapping_mul(from.len());
        let places = table.get_mut(start..).unwrap_or_default();
        for (to, from) in places.iter_mut().zip(from) {
            *to = *from;
        }
    }

    /// The table of a field.
    fn bytes(&self, field: usize) -> &[u8] {
        let begin = self.form.begin(field, self.movies);
        let end = begin.wrapping_add(self.form.table(field, self.movies));
        let bytes: &[u8] = bytemuck::must_cast_slice(&self.words);
        bytes.get(begin..end).unwrap_or_default()
    }

    fn numbers<T: bytemuck::AnyBitPattern>(&self, field: usize) -> &[T] {
        bytemuck::try_cast_slice(self.bytes(field)).unwrap_or_default()
    }

    /// A model of these movies alone, with all else of `model`, the image's; `None` if there are none.
    #[inline(never)]
    pub fn part<'p>(&'p self, model: &Model<'p>) -> Option<Model<'p>> {
        let ids = IdIndex::sorted(self.numbers(ID))?;
        let mut part = *model;
        part.more = None;
        part.movies = ids.len();
        part.movie_ids = ids;
        let table = &model.movie_table;
        #[cfg(feature = "codes")]
        if let Some(codes) = table.codes() {
            let codes = Codes {
                codes: self.bytes(CODES),
                ..codes
            };
            part.movie_table = table.with_codes(Some(codes));
            part.movie_bias = model.movie_bias.map(|bias| bias.with_codes(Some(codes)));
        }
        if table.codes().is_none() {
            part.movie_table = self.table(table, ROW);
            part.movie_bias = model.movie_bias.map(|bias| self.table(&bias, BIAS));
        }
        #[cfg(feature = "integers")]
        if let Some(network) = part.integers.as_mut().and_then(|of| of.network.as_mut()) {
            // What rows give has the same bits.
            network.stored = &[];
        }
        part.kernels = part.with_shape(|shape| Kernels::of(shape, Machine::HERE));
        let known = self.bytes(KNOWN);
        part.confidence = model.confidence.map(|of| Confidence { bytes: known, ..of });
        if let Some(kin) = &mut part.kin {
            kin.codes = self.bytes(KIN).as_chunks().0;
            kin.known = known;
        }
        if let Some(facets) = &mut part.facets {
            facets.pairs = self.bytes(FACETS).as_chunks().0;
        }
        Some(part)
    }

    /// As a table of the image, with other rows.
    fn table<'p>(&'p self, of: &EmbeddingTable<'p>, field: usize) -> EmbeddingTable<'p> {
        of.with_values(match of.values() {
            Values::F16(_) => Values::F16(self.numbers(field)),
            Values::F32(_) => Values::F32(self.numbers(field)),
            Values::I16(_) => Values::I16(self.numbers(field)),
            Values::I8 { .. } => Values::I8 {
                values: self.numbers(field),
                multipliers: self.bytes(MULTIPLIER),
            },
        })
    }
}

/// The largest magnitudes of an image's movies, by which sums are bounded.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Limits {
    pub(super) row: f32,
    pub(super) bias: f32,
}

impl<'a> Model<'a> {
    /// The model with the movies of `more` behind its own: one that [`AddedTables::part`] has made of it.
    pub fn with_more<'m>(&self, more: Option<&'m Model<'m>>) -> Model<'m>
    where
        'a: 'm,
    {
        let mut model: Model<'m> = *self;
        model.more = more;
        let behind = more.and_then(|more| more.kin.as_ref());
        if let (Some(kin), Some(behind)) = (&mut model.kin, behind) {
            kin.more = behind.codes;
        }
        model
    }

    /// The entry of the movie of `row` of this image, as it is added to another one of the same kind: with the same tables, and
    /// codewords, scales and sets of genres of the same bytes. `None` for a row outside the table.
    pub fn entry(&self, row: u32) -> Option<Entry> {
        let at = row as usize;
        let table = &self.movie_table;
        let codes = table.codes();
        let own = match codes {
            Some(_) => &[],
            None => bytes_at(&table.values(), at, table.columns()),
        };
        let bias = match (codes, &self.movie_bias) {
            (None, Some(bias)) => bytes_at(&bias.values(), at, 1),
            _ => &[],
        };
        let multiplier = match table.values() {
            Values::I8 { multipliers, .. } => multipliers.get(at).copied(),
            _ => None,
        };
        let kin = self.kin.as_ref().and_then(|kin| kin.codes.get(at));
        let place = self.facets.as_ref().map(|facets| facets.place(row));
        let (set, year) = place.unwrap_or_default();
        let movie = Movie {
            id: self.movie_ids.id(row).map(MovieId)?,
            row: own,
            bias,
            codes: codes.map_or(&[], |codes| codes.of(at)),
            multiplier: multiplier.unwrap_or_default(),
            kin: kin.copied().unwrap_or_default(),
            confidence: self.confidence(row).unwrap_or_default(),
            set,
            year,
        };
        movie.entry(self).ok()
    }

    /// The place of a set of genres among the image's, and the byte of a year, as a movie's entry has them; `None` in an image
    /// that doesn't say. Where none of its movies has just these genres, the largest set of some of them.
    pub fn facet_of(&self, genres: u32, year: Option<u16>) -> Option<(u16, u8)> {
        let facets = self.facets.as_ref()?;
        let mut best = (0, None);
        for (place, set) in numbered(facets.sets, 0) {
            let is_more = best.1.is_none_or(|most| set.count_ones() > most);
            if set & !genres == 0 && is_more {
                best = (place as u16, Some(set.count_ones()));
            }
        }
        let year = year.and_then(|year| year.checked_sub(facets.before));
        let year = u8::try_from(year.unwrap_or_default()).unwrap_or_default();
        Some((best.0, year))
    }

    /// The genres of a set, by its place among the image's.
    pub fn genres_of_set(&self, set: u16) -> u32 {
        let facets = self.facets.as_ref();
        let set = facets.and_then(|facets| facets.sets.get(usize::from(set)));
        set.copied().unwrap_or_default()
    }

    /// What is wrong with these movies, of an image whose largest numbers are `limits`.
    #[inline(never)]
    fn check_numbers(&self, limits: Limits) -> Result<(), ImageError> {
        let fits = |fits: bool, kind| match fits {
            true => Ok(()),
            false => Err(ImageError::Value(kind)),
        };
        if let Some(facets) = &self.facets {
            let sets = facets.sets.len();
            let is_set = |row: u32| usize::from(facets.place(row).0) < sets;
            fits((0..self.movies).all(is_set), TableKind::MovieFacets)?;
        }
        if let Some(codes) = self.movie_table.codes() {
            let mut all = codes.codes.iter();
            let below = all.all(|code| usize::from(*code) < codes.codewords);
            return fits(below, TableKind::MovieCode);
        }
        let check = |table: &EmbeddingTable<'_>, kind, most: f32| {
            let mut largest = Magnitude::of(0.0);
            table.check(Whole, &mut largest).map_err(|bad| match bad {
                BadNumber::NotFinite => ImageError::NotFinite(kind),
                BadNumber::Subnormal => ImageError::Subnormal(kind),
            })?;
            fits(largest.largest <= most, kind)
        };
        check(&self.movie_table, TableKind::MovieEmbedding, limits.row)?;
        match &self.movie_bias {
            Some(bias) => check(bias, TableKind::MovieBias, limits.bias),
            None => Ok(()),
        }
    }

    /// The largest magnitudes that the row and the bias of an added movie may have: those of the image's.
    pub fn largest(&self) -> (f32, f32) {
        (self.largest.row, self.largest.bias)
    }

    /// The model that has the movie of `row` in its own tables, and its row there.
    #[inline(always)]
    pub(crate) fn part_of(&self, row: u32) -> (&Model<'a>, u32) {
        match self.more {
            Some(more) if row >= self.movies => (more, row.wrapping_sub(self.movies)),
            _ => (self, row),
        }
    }

    /// Does work for the movies of rows `first`, `first + 1`, …, one for each of `places`: by their own model and rows.
    #[inline(always)]
    pub(super) fn in_parts<T>(
        &self,
        first: u32,
        places: &mut [T],
        work: impl Fn(&Model<'a>, u32, &mut [T]),
    ) {
        let own = match self.more {
            Some(_) => self.movies.saturating_sub(first) as usize,
            None => usize::MAX,
        };
        let Some((own, rest)) = places.split_at_mut_checked(own.min(places.len())) else {
            return;
        };
        let (part, row) = self.part_of(first.wrapping_add(own.len() as u32));
        if !own.is_empty() {
            work(self, first, own);
        }
        if !rest.is_empty() {
            work(part, row, rest);
        }
    }

    /// A slice of a walk through the movies, at the row `next`: by a model that has them in its own tables, and by rows there,
    /// before which there are so many others.
    #[inline(always)]
    pub(crate) fn walk(
        &self,
        next: &mut u32,
        walk: impl FnOnce(&Model<'a>, &mut u32, u32) -> Progress,
    ) -> Progress {
        let (part, mut row) = self.part_of(*next);
        let before = next.wrapping_sub(row);
        let done = walk(part, &mut row, before).done.wrapping_add(before);
        *next = row.wrapping_add(before);
        Progress {
            done,
            total: self.movies(),
        }
    }
}

/// The bytes of a row.
fn bytes_at<'v>(values: &Values<'v>, row: usize, columns: usize) -> &'v [u8] {
    let (bytes, width): (&[u8], usize) = match *values {
        Values::F16(values) => (bytemuck::must_cast_slice(values), 2),
        Values::F32(values) => (bytemuck::must_cast_slice(values), 4),
        Values::I16(values) => (bytemuck::must_cast_slice(values), 2),
        Values::I8 { values, .. } => (bytemuck::must_cast_slice(values), 1),
    };
    let length = width.wrapping_mul(columns);
    let start = row.wrapping_mul(length);
    bytes
        .get(start..start.wrapping_add(length))
        .unwrap_or_default()
}
