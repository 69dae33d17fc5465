//! Embedding tables: rows of numbers borrowed from flash, widened to single precision as they are read.

use crate::numeric::{f16, magnitude};

/// A table of `rows` x `columns` numbers in flash.
#[derive(Clone, Copy, Debug)]
pub struct EmbeddingTable<'a> {
    values: Values<'a>,
    columns: usize,
    /// What integers are multiplied by.
    scale: f32,
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

impl<'a> EmbeddingTable<'a> {
    /// A table over `values`. `columns` of 0 is taken as 1.
    pub fn new(values: Values<'a>, columns: usize) -> Self {
        Self {
            values,
            columns: if columns == 0 { 1 } else { columns },
            scale: 1.0,
        }
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
    /// bounds leaves `out` alone. About 10 instructions a number on a Cortex-M4.
    #[inline]
    pub fn read(&self, row: usize, out: &mut [f32]) {
        let start = row.wrapping_mul(self.columns);
        let end = start.wrapping_add(self.columns);
        match self.values {
            Values::F16(values) => {
                for (to, from) in out
                    .iter_mut()
                    .zip(values.get(start..end).unwrap_or_default())
                {
                    *to = f16::widen(*from);
                }
            }
            Values::F32(values) => {
                for (to, from) in out
                    .iter_mut()
                    .zip(values.get(start..end).unwrap_or_default())
                {
                    *to = *from;
                }
            }
            Values::I16(values) => {
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
            } => {
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
        }
    }

    /// Row `row` of a table of integers as 16-bit numbers in pairs, the earlier one in the low half; zeros for
    /// a row out of the table's bounds and for a table of other numbers.
    #[inline]
    pub(crate) fn read_pairs(&self, row: usize, out: &mut [u32]) {
        let start = row.wrapping_mul(self.columns);
        let end = start.wrapping_add(self.columns);
        let pair = |low: i16, high: i16| u32::from(low as u16) | u32::from(high as u16) << 16;
        out.fill(0);
        match self.values {
            Values::I16(values) => {
                let (pairs, _) = values.get(start..end).unwrap_or_default().as_chunks::<2>();
                for (to, [low, high]) in out.iter_mut().zip(pairs) {
                    *to = pair(*low, *high);
                }
            }
            Values::I8 {
                values,
                multipliers,
            } => {
                let by = multipliers.get(row).map_or(0, |by| i16::from(*by));
                let (pairs, _) = values.get(start..end).unwrap_or_default().as_chunks::<2>();
                for (to, [low, high]) in out.iter_mut().zip(pairs) {
                    // At most 128 x 255: it fits.
                    *to = pair(
                        i16::from(*low).wrapping_mul(by),
                        i16::from(*high).wrapping_mul(by),
                    );
                }
            }
            Values::F16(_) | Values::F32(_) => {}
        }
    }

    /// The first integer of row `row`, 0 outside the table and in a table of other numbers: how a table of
    /// integer biases is read.
    #[inline]
    pub(crate) fn first_integer(&self, row: usize) -> i32 {
        match self.values {
            Values::I16(values) => values
                .get(row.wrapping_mul(self.columns))
                .map_or(0, |value| i32::from(*value)),
            _ => 0,
        }
    }

    /// The largest magnitude of the integers of a table; 0 in a table of other numbers.
    pub(crate) fn largest_integer(&self) -> u32 {
        let mut largest = 0;
        let mut take = |magnitude: u32| {
            if magnitude > largest {
                largest = magnitude;
            }
        };
        match self.values {
            Values::I16(values) => {
                for value in values {
                    take(u32::from(value.unsigned_abs()));
                }
            }
            Values::I8 {
                values,
                multipliers,
            } => {
                for (row, by) in values.chunks_exact(self.columns.max(1)).zip(multipliers) {
                    for value in row {
                        take(u32::from(value.unsigned_abs()) * u32::from(*by));
                    }
                }
            }
            Values::F16(_) | Values::F32(_) => {}
        }
        largest
    }

    /// The first number of row `row`, 0 outside the table: how a table of biases is read.
    #[inline]
    pub fn first(&self, row: usize) -> f32 {
        let mut value = [0.0];
        self.read(row, &mut value);
        let [value] = value;
        value
    }

    /// Why the table can't be in an image, if so, and the largest magnitude in it otherwise.
    pub(crate) fn check(&self) -> Result<f32, BadNumber> {
        match self.values {
            Values::F16(values) => {
                let mut largest = 0;
                for bits in values {
                    let bits = bits & 0x7fff;
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
                Ok(f16::widen(largest))
            }
            Values::F32(values) => check_f32(values),
            Values::I16(_) | Values::I8 { .. } => Ok(self.largest_integer() as f32 * self.scale),
        }
    }
}

/// Why a number can't be in an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadNumber {
    NotFinite,
    Subnormal,
}

/// The largest magnitude of `values`, or what is wrong with one of them. Compares bits, so that it costs no
/// arithmetic of a soft float.
pub(crate) fn check_f32(values: &[f32]) -> Result<f32, BadNumber> {
    let mut largest = 0;
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
    Ok(f32::from_bits(largest))
}
