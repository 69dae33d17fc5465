//! The tables of an image on their way into it: feature `write`, for a host. The one place that lays numbers out as an
//! image holds them, and the only one that allocates.

use super::integers::{
    IntegerNetwork, bias_scale, byte_table_scale, row_to_i8, table_scale, to_i16,
};
use super::kind::{Element, TableKind};
use super::layout::{MAX_TEXT, Table};
use super::writer::{ImageWriter, WriteError};
use crate::kernels::Precision;
use crate::numeric::activation::Activation;
use crate::numeric::f16;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

/// A number that a table may be of.
pub trait Number: Copy {
    /// The type of elements that it becomes.
    const ELEMENT: Element;
    /// Appends its bytes.
    fn append(self, to: &mut Vec<u8>);
}

macro_rules! number {
    ($($type:ty => $element:ident),*) => {$(
        impl Number for $type {
            const ELEMENT: Element = Element::$element;
            fn append(self, to: &mut Vec<u8>) {
                to.extend_from_slice(&self.to_le_bytes());
            }
        }
    )*};
}
number!(u8 => U8, i8 => I8, i16 => I16, u32 => U32, i32 => I32);

/// An image holds no subnormal numbers: they become zeros.
impl Number for f32 {
    const ELEMENT: Element = Element::F32;
    fn append(self, to: &mut Vec<u8>) {
        let normal = if self.is_subnormal() { 0.0 } else { self };
        to.extend_from_slice(&normal.to_le_bytes());
    }
}

/// A number that half precision doesn't hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Beyond {
    /// The table.
    pub kind: TableKind,
    /// Its row.
    pub row: usize,
    /// The number.
    pub value: f32,
}

impl fmt::Display for Beyond {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, row, value } = self;
        write!(
            f,
            "row {row} of {kind} holds {value}, and half precision ends at 65504"
        )
    }
}

impl core::error::Error for Beyond {}

/// A table on its way into an image. Index 0, scale 1 and required unless something else is said.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnedTable {
    /// What it holds.
    pub kind: TableKind,
    /// Which one of its kind: the dense layer.
    pub index: u8,
    /// The type of its elements.
    pub element: Element,
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
    /// What integers are multiplied by.
    pub scale: f32,
    /// Whether a reader that doesn't know the kind may go on without.
    pub optional: bool,
    /// The elements, little-endian, in row-major order.
    pub bytes: Vec<u8>,
}

impl OwnedTable {
    /// A table of `rows` of numbers as they are.
    pub fn of<T: Number>(kind: TableKind, rows: usize, values: &[T]) -> Self {
        let mut bytes = Vec::with_capacity(values.len().saturating_mul(T::ELEMENT.size()));
        for value in values {
            value.append(&mut bytes);
        }
        Self {
            kind,
            index: 0,
            element: T::ELEMENT,
            rows,
            columns: values.len() / rows.max(1),
            scale: 1.0,
            optional: false,
            bytes,
        }
    }

    /// A table of `rows` of numbers in half precision.
    ///
    /// # Errors
    ///
    /// [`Beyond`] names the first number that is too large for it.
    pub fn halves(kind: TableKind, rows: usize, values: &[f32]) -> Result<Self, Beyond> {
        let columns = (values.len() / rows.max(1)).max(1);
        let mut bytes = Vec::with_capacity(values.len().saturating_mul(2));
        for (at, value) in values.iter().enumerate() {
            let half = f16::round(*value).ok_or(Beyond {
                kind,
                row: at / columns,
                value: *value,
            })?;
            bytes.extend_from_slice(&half.to_le_bytes());
        }
        Ok(Self {
            element: Element::F16,
            columns,
            bytes,
            ..Self::of::<u8>(kind, rows, &[])
        })
    }

    /// The tables of an embedding: rows of `columns`, each number rounded to its nearest. A second one, of the rows'
    /// multipliers, is there for 8 bits.
    ///
    /// # Errors
    ///
    /// [`Beyond`] for a number that half precision doesn't hold.
    pub fn embedding(
        kind: TableKind,
        columns: usize,
        values: &[f32],
        precision: Precision,
    ) -> Result<(Self, Option<Self>), Beyond> {
        let columns = columns.max(1);
        let rows = values.len() / columns;
        Ok(match precision {
            Precision::F16 => (Self::halves(kind, rows, values)?, None),
            Precision::F32 => (Self::of(kind, rows, values), None),
            Precision::I16 => {
                let scale = table_scale(values);
                (Self::sixteen_bits(kind, rows, values, scale), None)
            }
            Precision::I8 => {
                let scale = byte_table_scale(values);
                let mut bytes = vec![0_i8; values.len()];
                let rows_of = values.chunks(columns).zip(bytes.chunks_mut(columns));
                let multipliers: Vec<u8> = rows_of
                    .map(|(row, out)| row_to_i8(row, scale, out))
                    .collect();
                let by = match kind {
                    TableKind::UserEmbedding => TableKind::UserRowMultiplier,
                    _ => TableKind::MovieRowMultiplier,
                };
                (
                    Self::of(kind, rows, &bytes).with_scale(scale),
                    Some(Self::of(by, rows, &multipliers)),
                )
            }
        })
    }

    /// A table of biases, a number a row, beside embeddings of a `precision`.
    ///
    /// # Errors
    ///
    /// [`Beyond`] for a number that half precision doesn't hold.
    pub fn biases(kind: TableKind, values: &[f32], precision: Precision) -> Result<Self, Beyond> {
        let rows = values.len();
        Ok(match precision {
            Precision::F16 => Self::halves(kind, rows, values)?,
            Precision::F32 => Self::of(kind, rows, values),
            Precision::I16 | Precision::I8 => {
                Self::sixteen_bits(kind, rows, values, bias_scale(values))
            }
        })
    }

    fn sixteen_bits(kind: TableKind, rows: usize, values: &[f32], scale: f32) -> Self {
        let numbers: Vec<i16> = values.iter().map(|x| to_i16(*x, scale)).collect();
        Self::of(kind, rows, &numbers).with_scale(scale)
    }

    /// The integers of a table of 16 or 8 bits, the latter times the `multipliers` of their rows: what movies' rows are
    /// in integer scoring. Nothing for a table of other numbers.
    pub fn integers(&self, multipliers: Option<&Self>) -> Vec<i16> {
        match self.element {
            Element::I16 => {
                let pairs = self.bytes.as_chunks().0;
                pairs.iter().map(|pair| i16::from_le_bytes(*pair)).collect()
            }
            Element::I8 => {
                let by = multipliers
                    .map(|table| table.bytes.as_slice())
                    .unwrap_or_default();
                let rows = self.bytes.chunks(self.columns.max(1)).zip(by);
                // At most 128 x 255.
                rows.flat_map(|(row, by)| row.iter().map(|x| i16::from(*x as i8) * i16::from(*by)))
                    .collect()
            }
            _ => Vec::new(),
        }
    }

    /// The table as one of several of its kind.
    pub fn at(self, index: u8) -> Self {
        Self { index, ..self }
    }

    /// The table with another scale.
    pub fn with_scale(self, scale: f32) -> Self {
        Self { scale, ..self }
    }

    /// The table as one that a reader may go on without.
    pub fn optional(self) -> Self {
        Self {
            optional: true,
            ..self
        }
    }
}

/// A dense layer in single precision: weights \[inputs\]\[units\], biases, and its activation.
#[derive(Clone, Copy, Debug)]
pub struct DenseLayer<'l> {
    /// Weights.
    pub weights: &'l [f32],
    /// Biases.
    pub bias: &'l [f32],
    /// Activation.
    pub activation: Activation,
}

/// The tables of an MLP in single precision, whose layer 0 takes a user's row of `user_dim`, then a movie's.
pub fn dense_tables(layers: &[DenseLayer<'_>], user_dim: usize) -> Vec<OwnedTable> {
    use TableKind as K;
    let mut tables = Vec::new();
    for (index, layer) in (0_u8..).zip(layers) {
        let units = layer.bias.len().max(1);
        if index == 0 {
            let rows = layer.weights.chunks_exact(units);
            let (users, movies) = (rows.clone().take(user_dim), rows.skip(user_dim));
            let user_weights = transposed(users, units);
            let movie_weights = transposed(movies, units);
            tables.push(OwnedTable::of(K::DenseUserWeights, units, &user_weights));
            tables.push(OwnedTable::of(K::DenseMovieWeights, units, &movie_weights));
        } else {
            let inputs = layer.weights.len() / units;
            tables.push(OwnedTable::of(K::DenseWeights, inputs, layer.weights).at(index));
        }
        tables.push(OwnedTable::of(K::DenseBias, 1, layer.bias).at(index));
    }
    let activations: Vec<u8> = layers.iter().map(|layer| layer.activation.code()).collect();
    tables.push(OwnedTable::of(K::Activations, 1, &activations));
    tables
}

/// Rows of `units` numbers as rows of a number of each: \[units\]\[inputs\].
fn transposed<'r>(rows: impl Iterator<Item = &'r [f32]> + Clone, units: usize) -> Vec<f32> {
    (0..units)
        .flat_map(|unit| rows.clone().filter_map(move |row| row.get(unit).copied()))
        .collect()
}

/// The tables that score an MLP in integers, beside those in single precision.
pub fn integer_tables(network: &IntegerNetwork) -> Vec<OwnedTable> {
    use TableKind as K;
    let units = network.steps().len();
    let mut tables = vec![OwnedTable::of(K::IntegerSteps, 1, network.steps())];
    if !network.movie_weights().is_empty() {
        let weights = network.movie_weights();
        tables.push(OwnedTable::of(K::IntegerMovieWeights, units, weights));
    }
    let mut inputs = units;
    for (index, layer) in (1_u8..).zip(network.later()) {
        let (weights, bias) = (layer.weights(), layer.bias());
        tables.push(OwnedTable::of(K::IntegerWeights, inputs / 2, weights).at(index));
        tables.push(OwnedTable::of(K::IntegerBias, 1, bias).at(index));
        inputs = bias.len();
    }
    tables.push(OwnedTable::of(
        K::IntegerOutputBits,
        1,
        &[network.output_bits()],
    ));
    tables
}

/// The table of each movie's half of dense layer 0, from the movies' `rows` of `columns` integers
/// ([`OwnedTable::integers`]).
pub fn stored_halves(network: &IntegerNetwork, rows: &[i16], columns: usize) -> OwnedTable {
    let units = network.steps().len().max(1);
    let columns = columns.max(1);
    let movies = rows.len() / columns;
    let mut halves = vec![0_i16; movies.saturating_mul(units)];
    let each = rows
        .chunks_exact(columns)
        .zip(halves.chunks_exact_mut(units));
    for (row, half) in each {
        network.movie_half(row, half);
    }
    OwnedTable::of(TableKind::IntegerMovieHalves, movies, &halves)
}

/// The tables of codewords' halves of dense layer 0, \[codewords of all books\]\[units\] in the units' own order, a multiple
/// of four; and of what is taken off the user's half of each unit, and the most that is then left of it.
pub fn code_halves(halves: &[u8], offsets: &[i16], most: &[i16]) -> [OwnedTable; 2] {
    use TableKind as K;
    let words = halves.len() / offsets.len().max(1);
    let (fours, _) = halves.as_chunks::<4>();
    // Every second byte of a word, the lower ones first, are two neighbours.
    let halves: Vec<u8> = fours
        .iter()
        .flat_map(|[a, b, c, d]| [*a, *c, *b, *d])
        .collect();
    [
        OwnedTable::of(K::IntegerCodeHalves, words, &halves),
        OwnedTable::of(K::IntegerUserHalves, 2, &[offsets, most].concat()),
    ]
}

/// What an image says of itself.
#[derive(Clone, Copy, Debug)]
pub struct Title<'t> {
    /// What the model is called, at most [`MAX_TEXT`] bytes.
    pub name: &'t str,
    /// Fingerprint of the data set.
    pub fingerprint: u64,
    /// Licence line of the data set, at most [`MAX_TEXT`] bytes.
    pub license: &'t str,
}

/// Bytes that are enough for an image of these tables.
pub fn room(tables: &[OwnedTable]) -> usize {
    // A table's own fields take at most 35 bytes, the header's numbers at most 24.
    let bytes = tables
        .iter()
        .map(|table| table.bytes.len().saturating_add(40));
    bytes.sum::<usize>().saturating_add(2 * MAX_TEXT + 32)
}

/// Writes an image of these tables to the front of `buffer`, whose first byte is at an address divisible by 4 where a
/// [`Model`](crate::model::Model) is to be opened there; returns its length. [`room`] says how much is enough.
///
/// # Errors
///
/// [`WriteError`] says what an image can't hold.
pub fn write(
    title: Title<'_>,
    tables: &[OwnedTable],
    buffer: &mut [u8],
) -> Result<usize, WriteError> {
    let Title {
        name,
        fingerprint,
        license,
    } = title;
    let count = u16::try_from(tables.len()).unwrap_or(u16::MAX);
    let mut writer = ImageWriter::new(buffer, name, fingerprint, license, count)?;
    for table in tables {
        let kind = table.kind.number();
        let size = |number: usize| u32::try_from(number).map_err(|_| WriteError::Size { kind });
        let elements = table.rows.checked_mul(table.columns);
        let expected = elements.and_then(|n| n.checked_mul(table.element.size()));
        if expected != Some(table.bytes.len()) {
            return Err(WriteError::Size { kind });
        }
        writer.raw(Table {
            kind,
            index: table.index,
            required: !table.optional,
            element: table.element.code(),
            rows: size(table.rows)?,
            columns: size(table.columns)?,
            scale: table.scale,
            padding: &[],
            bytes: &table.bytes,
        })?;
    }
    writer.finish()
}
