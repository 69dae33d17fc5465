//! The entry of a movie that is added to an image: what the image's tables would have of it, in their own precision.
//!
//! ```text
//! id 4 | row | bias | kin's codes 8 | codes | confidence 1 | multiplier 1 | year 1, set of genres 2     each where the image has it
//! ```

use super::facets::PAIR;
use super::{Entry, Model};
use crate::ids::MovieId;
use crate::image::ImageError;
use crate::numeric::walk::numbered;
use crate::table::Values;

pub(crate) const FIELDS: usize = 8;
pub(super) const ID: usize = 0;
pub(super) const ROW: usize = 1;
pub(super) const BIAS: usize = 2;
pub(super) const KIN: usize = 3;
pub(super) const CODES: usize = 4;
pub(super) const KNOWN: usize = 5;
pub(super) const MULTIPLIER: usize = 6;
pub(super) const FACETS: usize = 7;

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
pub(crate) struct Form([u8; FIELDS]);

/// Bytes of a number.
fn width_of(values: &Values<'_>) -> u8 {
    match values {
        Values::F16(_) | Values::I16(_) => 2,
        Values::F32(_) => 4,
        Values::I8 { .. } => 1,
    }
}

impl Form {
    pub(crate) const NONE: Self = Self([0; FIELDS]);

    pub(crate) fn of(model: &Model<'_>) -> Self {
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
    pub(super) fn width(&self, field: usize) -> usize {
        self.0.get(field).copied().unwrap_or_default().into()
    }

    /// Bytes of the fields before one.
    pub(super) fn start(&self, field: usize) -> usize {
        let before = self.0.get(..field).unwrap_or_default();
        before
            .iter()
            .fold(0, |sum, width| usize::wrapping_add(sum, (*width).into()))
    }

    pub(crate) fn bytes(&self) -> usize {
        self.start(FIELDS)
    }

    pub(crate) fn words(&self) -> usize {
        self.bytes().div_ceil(4)
    }

    /// Bytes of the table of a field for so many movies.
    pub(super) fn table(&self, field: usize, movies: usize) -> usize {
        match (field, self.width(field)) {
            (_, 0) => 0,
            (FACETS, _) => movies.div_ceil(2).wrapping_mul(PAIR),
            (_, width) => width.wrapping_mul(movies),
        }
    }

    /// Where that begins among the tables of all: at a word.
    pub(super) fn begin(&self, field: usize, movies: usize) -> usize {
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

impl Model<'_> {
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
