//! Embedding tables: rows of numbers borrowed from flash, widened to single precision as they are read.

use crate::numeric::{f16, magnitude};

/// A table of `rows` x `columns` numbers in flash.
#[derive(Clone, Copy, Debug)]
pub struct EmbeddingTable<'a> {
    values: Values<'a>,
    columns: usize,
}

/// The numbers of a table, row after row, as they stand in flash.
#[derive(Clone, Copy, Debug)]
pub enum Values<'a> {
    /// Half precision: zeros and normal numbers only.
    F16(&'a [u16]),
    /// Single precision: zeros and normal numbers only.
    F32(&'a [f32]),
}

impl<'a> EmbeddingTable<'a> {
    /// A table over `values`. `columns` of 0 is taken as 1.
    pub fn new(values: Values<'a>, columns: usize) -> Self {
        Self {
            values,
            columns: if columns == 0 { 1 } else { columns },
        }
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
        }
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
