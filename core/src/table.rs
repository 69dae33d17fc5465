//! Embedding tables: rows of numbers borrowed from flash, widened to single precision as they are read.

#[cfg(feature = "integers")]
use crate::MAX_DIM;
use crate::kernels::Precision;
use crate::numeric::pace::{Pace, walked};
#[cfg(feature = "codes")]
use crate::numeric::unroll::each;
use crate::numeric::walk::rows;
use crate::numeric::{f16, magnitude};

/// A table of `rows` x `columns` numbers in flash.
#[derive(Clone, Copy, Debug)]
pub struct EmbeddingTable<'a> {
    values: Values<'a>,
    columns: usize,
    /// What integers are multiplied by.
    scale: f32,
    /// Which rows add up to one.
    #[cfg(feature = "codes")]
    codes: Option<Codes<'a>>,
}

/// Which codewords movies are sums of: one of each book, a byte each.
#[cfg_attr(not(feature = "codes"), allow(dead_code))]
#[derive(Clone, Copy, Debug)]
pub struct Codes<'a> {
    /// \[movies\]\[books\].
    pub(crate) codes: &'a [u8],
    /// How many books there are, 1 to [`MAX_BOOKS`].
    pub(crate) books: usize,
    /// Codewords of a book, 1 to 256; each code is below.
    pub(crate) codewords: usize,
}

/// The most books.
pub const MAX_BOOKS: usize = 4;

#[cfg_attr(not(feature = "codes"), allow(dead_code))]
impl<'a> Codes<'a> {
    /// The codes of the movie of `row`, one a book; none outside the table.
    #[inline]
    pub fn of(&self, row: usize) -> &'a [u8] {
        let start = row.wrapping_mul(self.books);
        let end = start.wrapping_add(self.books);
        self.codes.get(start..end).unwrap_or_default()
    }

    /// The rows, in the tables of codewords, that the movie of `row` is the sum of; none outside the table.
    #[inline]
    pub(crate) fn words(&self, row: usize) -> impl Iterator<Item = usize> + use<'a> {
        let codewords = self.codewords;
        let books = (0..MAX_BOOKS).map(move |book| book.wrapping_mul(codewords));
        let codes = self.of(row).iter();
        books
            .zip(codes)
            .map(|(first, code)| first.wrapping_add(usize::from(*code)))
    }
}

/// The numbers of a table, row after row, as they stand in flash.
#[derive(Clone, Copy, Debug)]
pub enum Values<'a> {
    /// Half precision: zeros and normal numbers only.
    F16(&'a [u16]),
    /// Single precision: zeros and normal numbers only.
    F32(&'a [f32]),
    /// 16-bit integers, times the table's scale.
    I16(&'a [i16]),
    /// 8-bit integers, times the row's multiplier, times the table's scale.
    I8 {
        /// The numbers.
        values: &'a [i8],
        /// A multiplier a row.
        multipliers: &'a [u8],
    },
}

impl Values<'_> {
    /// How the numbers are kept.
    pub fn precision(&self) -> Precision {
        match self {
            Values::F16(_) => Precision::F16,
            Values::F32(_) => Precision::F32,
            Values::I16(_) => Precision::I16,
            Values::I8 { .. } => Precision::I8,
        }
    }
}

impl<'a> EmbeddingTable<'a> {
    /// A table over `values`. `columns` of 0 is taken as 1.
    pub fn new(values: Values<'a>, columns: usize) -> Self {
        Self {
            values,
            columns: if columns == 0 { 1 } else { columns },
            scale: 1.0,
            #[cfg(feature = "codes")]
            codes: None,
        }
    }

    /// The table whose rows are sums of the rows of this one, which is of integers.
    #[cfg(feature = "codes")]
    pub(crate) fn with_codes(self, codes: Option<Codes<'a>>) -> Self {
        Self { codes, ..self }
    }

    /// The table of the codewords that rows are sums of.
    #[cfg(feature = "codes")]
    pub(crate) fn words(&self) -> Self {
        self.with_codes(None)
    }

    /// Which codewords rows are sums of, in a table of such.
    pub fn codes(&self) -> Option<Codes<'a>> {
        #[cfg(feature = "codes")]
        return self.codes;
        #[cfg(not(feature = "codes"))]
        None
    }

    /// The table with other numbers of the same kind.
    #[cfg(feature = "grow")]
    pub(crate) fn with_values(self, values: Values<'a>) -> Self {
        Self { values, ..self }
    }

    /// The table with another scale for its integers.
    pub fn with_scale(self, scale: f32) -> Self {
        Self { scale, ..self }
    }

    /// What the integers of a table are multiplied by; 1 for other tables.
    pub fn scale(&self) -> f32 {
        self.scale
    }

    /// Columns of the table.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The numbers as they stand in flash.
    pub fn values(&self) -> Values<'a> {
        self.values
    }

    /// Writes row `row` into the front of `out`; what isn't there is left as it was, so a row out of the table's
    /// bounds leaves `out` alone.
    #[inline(never)] // Four precisions: too much to have in each of its callers.
    pub fn read(&self, row: usize, out: &mut [f32]) {
        #[cfg(feature = "codes")]
        if let Some(codes) = &self.codes {
            return self.read_sum(codes, row, out);
        }
        let start = row.wrapping_mul(self.columns);
        let end = start.wrapping_add(self.columns);
        match self.values {
            Values::F16(values) => widen_halves(values.get(start..end).unwrap_or_default(), out),
            Values::F32(values) => {
                for (to, from) in out
                    .iter_mut()
                    .zip(values.get(start..end).unwrap_or_default())
                {
                    *to = *from;
                }
            }
            Values::I16(values) if cfg!(feature = "integers") => {
                for (to, from) in out
                    .iter_mut()
                    .zip(values.get(start..end).unwrap_or_default())
                {
                    *to = f32::from(*from) * self.scale;
                }
            }
            Values::I8 {
                values,
                multipliers,
            } if cfg!(feature = "integers") => {
                let scale = multipliers
                    .get(row)
                    .map_or(0.0, |by| f32::from(*by) * self.scale);
                for (to, from) in out
                    .iter_mut()
                    .zip(values.get(start..end).unwrap_or_default())
                {
                    *to = f32::from(*from) * scale;
                }
            }
            // The verifier has refused it.
            Values::I16(_) | Values::I8 { .. } => {}
        }
    }

    /// The rows of a table of 8 bits whose columns are a multiple of four, four numbers a word, and their multipliers.
    #[cfg(feature = "codes")]
    pub(crate) fn quads(&self) -> Option<(&'a [u32], &'a [u8])> {
        match self.values {
            Values::I8 {
                values,
                multipliers,
            } if self.columns.is_multiple_of(4) => {
                Some((bytemuck::try_cast_slice(values).ok()?, multipliers))
            }
            _ => None,
        }
    }

    /// As [`read`](Self::read), of the sum of some rows. Exact: integers below 2^17 and a power of two.
    #[cfg(feature = "codes")]
    fn read_sum(&self, codes: &Codes<'a>, row: usize, out: &mut [f32]) {
        let words = self.words();
        let mut rows = codes.words(row);
        if let Some(first) = rows.next() {
            words.read(first, out);
        }
        let length = out.len().min(self.columns);
        let out = out.get_mut(..length).unwrap_or_default();
        for row in rows {
            let mut word = [0.0; MAX_DIM];
            words.read(row, &mut word);
            each(out, &word, |sum, x| *sum += x);
        }
    }

    /// Row `row` of a table of integers as 16-bit numbers in pairs, the earlier one in the low half; zeros for
    /// a row out of the table's bounds, nothing for a table of other numbers. 16-bit rows are borrowed, 8-bit ones
    /// widened into `place`. The columns are even in number.
    #[inline]
    #[cfg(feature = "integers")]
    pub(crate) fn pairs<'p>(&self, row: usize, place: &'p mut [u32; MAX_DIM / 2]) -> &'p [u32]
    where
        'a: 'p,
    {
        let pairs = self.columns / 2;
        match self.values {
            Values::I16(values) => {
                let start = row.wrapping_mul(pairs);
                let found = bytemuck::try_cast_slice(values)
                    .ok()
                    .and_then(|words: &[u32]| words.get(start..start.wrapping_add(pairs)));
                if let Some(found) = found {
                    return found;
                }
                place.fill(0);
            }
            Values::I8 {
                values,
                multipliers,
            } => {
                let start = row.wrapping_mul(self.columns);
                let end = start.wrapping_add(self.columns);
                let bytes = values.get(start..end).unwrap_or_default();
                let by = multipliers.get(row).copied().unwrap_or_default();
                widen(bytes, by, place);
            }
            Values::F16(_) | Values::F32(_) => return &[],
        }
        place.get(..pairs).unwrap_or_default()
    }

    /// As [`pairs`](Self::pairs), for callers that have more need of flash than of speed.
    #[cfg(feature = "integers")]
    #[inline(never)]
    pub(crate) fn pairs_apart<'p>(&self, row: usize, place: &'p mut [u32; MAX_DIM / 2]) -> &'p [u32]
    where
        'a: 'p,
    {
        self.pairs(row, place)
    }

    /// Rows `first`, `first + 1`, … of a table of 8 columns of 8 bits, and their multipliers; `None` for another table,
    /// or where not `count` of them are there.
    #[cfg(all(cortex_m_dsp, feature = "integers"))]
    pub(crate) fn byte_rows(
        &self,
        first: usize,
        count: usize,
    ) -> Option<(&'a [[u32; 2]], &'a [u8])> {
        let Values::I8 {
            values,
            multipliers,
        } = self.values
        else {
            return None;
        };
        if self.columns != 8 {
            return None;
        }
        let words = bytemuck::try_cast_slice::<i8, u32>(values).ok()?;
        let end = first.wrapping_add(count);
        let rows = words.as_chunks::<2>().0.get(first..end)?;
        Some((rows, multipliers.get(first..end)?))
    }

    /// The integer of row `row` of a table of integer biases; 0 outside it and in a table of other numbers.
    #[inline]
    #[cfg(feature = "integers")]
    pub(crate) fn integer(&self, row: usize) -> i32 {
        self.integers()
            .get(row)
            .map_or(0, |value| i32::from(*value))
    }

    /// The integers of a table of one column, row by row; none of a table of other numbers.
    #[inline]
    #[cfg(feature = "integers")]
    pub(crate) fn integers(&self) -> &'a [i16] {
        match self.values {
            Values::I16(values) => values,
            _ => &[],
        }
    }

    /// The first number of row `row`, 0 outside the table: how a table of biases is read.
    #[inline]
    pub fn first(&self, row: usize) -> f32 {
        if let Values::F16(values) = self.values {
            let bits = values.get(row.wrapping_mul(self.columns));
            return bits.map_or(0.0, |bits| f16::widen(*bits));
        }
        let mut value = [0.0];
        self.read(row, &mut value);
        let [value] = value;
        value
    }

    /// Why the table can't be in an image, if so; otherwise its largest magnitude takes part in `so_far`, as soon as all
    /// of it was walked through.
    pub(crate) fn check<P: Pace>(&self, pace: P, so_far: &mut Magnitude) -> Result<(), BadNumber> {
        let begin = [0; 3];
        let ended = match self.values {
            Values::F16(values) => pace.over(values, VALUE, begin, |part, [largest, ..]| {
                Ok([check_f16(part, largest)?, 0, 0])
            }),
            Values::F32(values) => pace.over(values, VALUE, begin, |part, [largest, ..]| {
                Ok([check_bits(part, largest)?, 0, 0])
            }),
            Values::I16(values) => pace.over(values, VALUE, begin, |part, [largest, ..]| {
                Ok([largest_i16(part, largest), 0, 0])
            }),
            Values::I8 {
                values,
                multipliers,
            } => {
                let columns = self.columns;
                let cycles = VALUE.wrapping_mul(columns as u32);
                pace.walk(multipliers.len(), cycles, begin, |part, [largest, ..]| {
                    let begin = part.start.wrapping_mul(columns);
                    let values = values.get(begin..).unwrap_or_default();
                    let by = multipliers.get(part).unwrap_or_default();
                    Ok([largest_i8(values, columns, by, largest), 0, 0])
                })
            }
        };
        if let Some([largest, ..]) = ended? {
            so_far.integer = largest;
            so_far.take(match self.values {
                Values::F16(_) => f16::widen(largest as u16),
                Values::F32(_) => f32::from_bits(largest),
                Values::I16(_) | Values::I8 { .. } => largest as f32 * self.scale,
            });
        }
        Ok(())
    }
}

/// The largest magnitude of numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Magnitude {
    pub(crate) largest: f32,
    /// Of the last table as it stands there, which is of use for integers.
    pub(crate) integer: u32,
}

impl Magnitude {
    pub(crate) const fn of(largest: f32) -> Self {
        Self {
            largest,
            integer: 0,
        }
    }

    /// Takes in another number.
    #[inline(never)]
    pub(crate) fn take(&mut self, magnitude: f32) {
        if magnitude > self.largest {
            self.largest = magnitude;
        }
    }
}

/// Cycles that looking at a number takes at most, on a Cortex-M0.
pub(crate) const VALUE: u32 = 16;

/// As [`check_bits`], in half precision.
fn check_f16(values: &[u16], mut largest: u32) -> Result<u32, BadNumber> {
    walked(values.len(), VALUE);
    for bits in values {
        let bits = u32::from(bits & 0x7fff);
        if bits >= 0x7c00 {
            return Err(BadNumber::NotFinite);
        }
        if bits != 0 && bits < 0x400 {
            return Err(BadNumber::Subnormal);
        }
        if bits > largest {
            largest = bits;
        }
    }
    Ok(largest)
}

/// The largest magnitude of `values` and one that is known.
fn largest_i16(values: &[i16], mut largest: u32) -> u32 {
    walked(values.len(), VALUE);
    for value in values {
        let magnitude = u32::from(value.unsigned_abs());
        if magnitude > largest {
            largest = magnitude;
        }
    }
    largest
}

/// As [`largest_i16`], of rows that are multiplied by a number each.
fn largest_i8(values: &[i8], columns: usize, multipliers: &[u8], mut largest: u32) -> u32 {
    walked(multipliers.len().wrapping_mul(columns), VALUE);
    for (row, by) in rows(values, columns).zip(multipliers) {
        for value in row {
            let magnitude = u32::from(value.unsigned_abs()).wrapping_mul((*by).into());
            if magnitude > largest {
                largest = magnitude;
            }
        }
    }
    largest
}

/// Half-precision numbers as single-precision ones.
#[inline]
fn widen_halves(halves: &[u16], out: &mut [f32]) {
    #[cfg(cortex_m_float)]
    crate::kernels::float::widen(halves, out);
    #[cfg(not(cortex_m_float))]
    for (to, from) in out.iter_mut().zip(halves) {
        *to = f16::widen(*from);
    }
}

/// 8-bit numbers times `by` as 16-bit ones in pairs; zeros where there are none. At most 128 x 255: it fits.
#[inline]
#[cfg(feature = "integers")]
fn widen(values: &[i8], by: u8, out: &mut [u32]) {
    let pair = |low: i8, high: i8| {
        let by = i32::from(by);
        let (low, high) = (
            i32::from(low).wrapping_mul(by),
            i32::from(high).wrapping_mul(by),
        );
        (low as u32 & 0xffff) | (high as u32) << 16
    };
    if values.is_empty() {
        return out.fill(0);
    }
    // Whole words where the rows have them.
    let (words, rest) = values.as_chunks::<4>();
    let (places, places_rest) = out.as_chunks_mut::<2>();
    let mut places = places.iter_mut();
    for (word, place) in words.iter().zip(&mut places) {
        *place = crate::numeric::dsp::widen(bytemuck::must_cast(*word), u32::from(by));
    }
    let [low, high] = match rest {
        [low, high, ..] => [*low, *high],
        _ => return,
    };
    let place = match places.next() {
        Some([place, _]) => Some(place),
        None => places_rest.first_mut(),
    };
    if let Some(place) = place {
        *place = pair(low, high);
    }
}

/// Why a number can't be in an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadNumber {
    NotFinite,
    Subnormal,
}

/// The largest magnitude of `values`, or what is wrong with one of them.
pub(crate) fn check_f32(values: &[f32]) -> Result<f32, BadNumber> {
    check_bits(values, 0).map(f32::from_bits)
}

/// The bits of the largest magnitude of `values` and of one that is known, or what is wrong with one of them. Compares
/// bits, so that it costs no arithmetic of a soft float.
fn check_bits(values: &[f32], mut largest: u32) -> Result<u32, BadNumber> {
    walked(values.len(), VALUE);
    for value in values {
        let bits = magnitude(*value).to_bits();
        if bits >= 0x7f80_0000 {
            return Err(BadNumber::NotFinite);
        }
        if bits != 0 && bits < 0x0080_0000 {
            return Err(BadNumber::Subnormal);
        }
        if bits > largest {
            largest = bits;
        }
    }
    Ok(largest)
}
