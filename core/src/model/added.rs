//! Movies behind an image's: their tables in RAM, and a second model over them that shares all else with the image's.
//!
//! So every kernel takes these movies as it takes the image's, and they are ranked and learned from by the bits that an image with
//! them gives. They are checked as [`Model::open`] checks an image, and must stay within the magnitudes of the image's rows, by
//! which no sum can pass its bounds.
//!
//! A [`Model`] with more ([`Model::with_more`]) has them behind its own, in rows and in ids: theirs are above all of the image.

#[cfg(feature = "codes")]
use super::entry::CODES;
use super::entry::{BIAS, FACETS, FIELDS, Form, ID, KIN, KNOWN, MULTIPLIER, ROW};
use super::facets::PAIR;
use super::{Confidence, Model};
use crate::ids::IdIndex;
use crate::image::{ImageError, TableKind};
use crate::kernels::{Kernels, Machine};
use crate::numeric::pace::Whole;
#[cfg(feature = "codes")]
use crate::table::Codes;
use crate::table::{BadNumber, EmbeddingTable, Magnitude, Values};

/// The most movies that can be added to an image.
pub const MAX_ADDED: usize = 8;

/// Bytes for all of them: fewer fit if rows are long.
pub const ROOM: usize = 512;

pub(crate) const WORDS: usize = ROOM / 4;

/// The tables of added movies, as an image has them: some 600 bytes.
#[derive(Clone, Debug)]
pub struct AddedTables {
    words: [u32; WORDS + 2 * FIELDS],
    movies: usize,
    form: Form,
}

impl AddedTables {
    /// Tables of so many movies, of no numbers yet.
    pub(crate) fn of(form: Form, movies: usize) -> Self {
        Self {
            words: [0; WORDS + 2 * FIELDS],
            movies,
            form,
        }
    }

    /// Puts the entry of one of them into its places.
    pub(crate) fn put(&mut self, at: usize, entry: &[u8]) {
        for field in 0..FIELDS {
            let start = self.form.start(field);
            let end = start.wrapping_add(self.form.width(field));
            self.put_field(field, at, entry.get(start..end).unwrap_or_default());
        }
    }

    fn put_field(&mut self, field: usize, at: usize, from: &[u8]) {
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

    /// What is wrong with the movies of a `part` that is to stand behind this image's.
    pub(crate) fn check_part(&self, part: &Model<'_>) -> Result<(), ImageError> {
        part.check_numbers(self.largest)
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

    /// Whether there are movies behind its own.
    #[inline(always)]
    pub(crate) fn has_more(&self) -> bool {
        self.more.is_some()
    }
}
