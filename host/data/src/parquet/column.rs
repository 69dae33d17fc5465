//! A column of a group of rows: cells in batches, whatever type they are written in.

use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type};
use parquet::column::page::PageReader;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_column_reader};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::{ParquetError, Result};
use parquet::schema::types::ColumnDescPtr;

use super::guarded;
use crate::error::shortened;

/// What a column's numbers mean.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Meaning {
    /// Numbers or texts as they are.
    Plain,
    /// Whole numbers without a sign.
    Unsigned,
    /// Numbers in units of ten to minus so many.
    Decimal(i32),
    /// Times in such parts of a second since 1970.
    Time(i64),
    /// Days since 1970.
    Days,
}

impl Meaning {
    fn scale(self) -> i32 {
        match self {
            Meaning::Decimal(scale) => scale,
            _ => 0,
        }
    }
}

/// A cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Nothing.
    Null,
    /// A whole number.
    Whole(i64),
    /// A number.
    Number(f64),
    /// A text, as its bytes.
    Text(Vec<u8>),
    /// Seconds since 1970 (UTC).
    Seconds(i64),
}

impl Cell {
    /// As a table of text would have it.
    pub fn text(&self) -> Vec<u8> {
        match self {
            Cell::Null => Vec::new(),
            Cell::Whole(number) | Cell::Seconds(number) => number.to_string().into_bytes(),
            Cell::Number(number) => number.to_string().into_bytes(),
            Cell::Text(text) => text.clone(),
        }
    }

    /// As a sentence shows it: on one line, and at most 40 characters of it.
    pub fn shown(&self) -> String {
        shortened(&String::from_utf8_lossy(&self.text()))
    }

    /// As a number, where it is one.
    pub fn number(&self) -> Option<f64> {
        match self {
            Cell::Whole(number) => Some(*number as f64),
            Cell::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// As a whole number, where it is one.
    pub fn whole(&self) -> Option<i64> {
        match self {
            Cell::Whole(number) => Some(*number),
            Cell::Number(number) if number.fract() == 0.0 && number.abs() < 9e15 => {
                Some(*number as i64)
            }
            _ => None,
        }
    }
}

/// Cells that follow each other; numbers side by side where none is missing.
pub(super) enum Batch {
    Whole(Vec<i64>),
    Single(Vec<f32>),
    Number(Vec<f64>),
    Seconds(Vec<i64>),
    Cells(Vec<Cell>),
}

impl Batch {
    pub(super) fn len(&self) -> usize {
        match self {
            Batch::Whole(values) | Batch::Seconds(values) => values.len(),
            Batch::Single(values) => values.len(),
            Batch::Number(values) => values.len(),
            Batch::Cells(cells) => cells.len(),
        }
    }

    /// The cell in a place below [`len`](Self::len).
    pub(super) fn cell(&self, at: usize) -> Cell {
        match self {
            Batch::Whole(values) => Cell::Whole(values[at]),
            Batch::Single(values) => Cell::Number(shortest(values[at])),
            Batch::Number(values) => Cell::Number(values[at]),
            Batch::Seconds(values) => Cell::Seconds(values[at]),
            Batch::Cells(cells) => cells[at].clone(),
        }
    }

    fn cells(self) -> Vec<Cell> {
        match self {
            Batch::Cells(cells) => cells,
            batch => (0..batch.len()).map(|at| batch.cell(at)).collect(),
        }
    }
}

/// A column of a group of rows.
pub struct Column {
    name: String,
    meaning: Meaning,
    /// Levels at which a value is there, and at which a list goes on.
    levels: (i16, i16),
    values: Values,
}

/// Where a column's values come from.
enum Values {
    /// Its pages.
    Pages(Box<ColumnReader>),
    /// One value, of so many rows that are left.
    Same(Cell, usize),
}

impl Column {
    /// Of its description and its pages.
    ///
    /// # Errors
    /// A sentence for a type that holds neither numbers nor texts.
    pub(super) fn new(
        description: ColumnDescPtr,
        pages: Box<dyn PageReader>,
    ) -> std::result::Result<Column, String> {
        let name = description.path().string();
        let scale = match (description.logical_type_ref(), description.converted_type()) {
            (Some(LogicalType::Decimal(decimal)), _) => Some(decimal.scale),
            (_, ConvertedType::DECIMAL) => Some(description.type_scale()),
            _ => None,
        };
        let meaning = match (
            description.physical_type(),
            description.logical_type_ref(),
            description.converted_type(),
        ) {
            _ if scale.is_some_and(|scale| scale != 0) => Meaning::Decimal(scale.unwrap_or(0)),
            (Type::INT96, ..) => Meaning::Time(1),
            (Type::INT64, Some(LogicalType::Timestamp(time)), _) => {
                Meaning::Time(match time.unit {
                    TimeUnit::MILLIS => 1_000,
                    TimeUnit::MICROS => 1_000_000,
                    TimeUnit::NANOS => 1_000_000_000,
                })
            }
            (Type::INT64, _, ConvertedType::TIMESTAMP_MILLIS) => Meaning::Time(1_000),
            (Type::INT64, _, ConvertedType::TIMESTAMP_MICROS) => Meaning::Time(1_000_000),
            (Type::INT32, Some(LogicalType::Date), _) | (Type::INT32, _, ConvertedType::DATE) => {
                Meaning::Days
            }
            (_, Some(LogicalType::Integer(whole)), _) if !whole.is_signed => Meaning::Unsigned,
            (
                _,
                None,
                ConvertedType::UINT_8
                | ConvertedType::UINT_16
                | ConvertedType::UINT_32
                | ConvertedType::UINT_64,
            ) => Meaning::Unsigned,
            (Type::FIXED_LEN_BYTE_ARRAY, ..) if scale.is_none() => {
                return Err(format!(
                    "the column `{name}` holds bytes, neither numbers nor texts"
                ));
            }
            _ => Meaning::Plain,
        };
        Ok(Column {
            levels: (description.max_def_level(), description.max_rep_level()),
            values: Values::Pages(Box::new(get_column_reader(description, pages))),
            meaning,
            name,
        })
    }

    /// Of one value in all of so many rows.
    pub(super) fn same(name: &str, value: &Cell, rows: usize) -> Column {
        Column {
            name: name.into(),
            meaning: Meaning::Plain,
            levels: (0, 0),
            values: Values::Same(value.clone(), rows),
        }
    }

    /// What it is called; within others it has their names and dots before its own.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether its cells are lists, or parts of something larger.
    pub fn is_nested(&self) -> bool {
        let pages = matches!(self.values, Values::Pages(_));
        pages && (self.levels.1 > 0 || self.name.contains('.'))
    }

    /// The next cells, at most so many; none behind the last.
    ///
    /// # Errors
    /// The crate's, where the file is damaged.
    pub fn cells(&mut self, most: usize) -> Result<Vec<Cell>> {
        self.batch(most).map(Batch::cells)
    }

    /// As [`cells`](Self::cells).
    pub(super) fn batch(&mut self, most: usize) -> Result<Batch> {
        guarded(|| self.next_batch(most))
    }

    fn next_batch(&mut self, most: usize) -> Result<Batch> {
        let (levels, meaning) = (self.levels, self.meaning);
        let unsigned = |value: i64| match i64::try_from(value as u64) {
            Ok(value) => Cell::Whole(value),
            // Those that no `i64` holds stay ids, as texts.
            Err(_) => Cell::Text((value as u64).to_string().into_bytes()),
        };
        let number = |value: i64| Cell::Number(decimal(value as f64, meaning.scale()));
        let seconds = |value: i64| match meaning {
            Meaning::Time(parts) => value.div_euclid(parts),
            _ => value.saturating_mul(86_400),
        };
        let bytes = |value: &ByteArray| match meaning {
            Meaning::Decimal(scale) => Cell::Number(decimal(big(value.data()), scale)),
            _ => Cell::Text(value.data().to_vec()),
        };
        use Batch::Cells;
        use ColumnReader as R;
        let reader = match &mut self.values {
            Values::Pages(reader) => &mut **reader,
            Values::Same(value, left) => {
                let count = most.min(*left);
                *left -= count;
                return Ok(match value {
                    Cell::Whole(number) => Batch::Whole(vec![*number; count]),
                    value => Cells(vec![value.clone(); count]),
                });
            }
        };
        match reader {
            R::BoolColumnReader(r) => take(r, most, levels, |v| i64::from(*v), Batch::Whole),
            R::Int32ColumnReader(r) => match meaning {
                Meaning::Plain => take(r, most, levels, |v| i64::from(*v), Batch::Whole),
                Meaning::Unsigned => take(r, most, levels, |v| i64::from(*v as u32), Batch::Whole),
                Meaning::Decimal(_) => take(r, most, levels, |v| number((*v).into()), Cells),
                _ => take(r, most, levels, |v| seconds((*v).into()), Batch::Seconds),
            },
            R::Int64ColumnReader(r) => match meaning {
                Meaning::Plain => take(r, most, levels, |v| *v, Batch::Whole),
                Meaning::Unsigned => take(r, most, levels, |v| unsigned(*v), Cells),
                Meaning::Decimal(_) => take(r, most, levels, |v| number(*v), Cells),
                _ => take(r, most, levels, |v| seconds(*v), Batch::Seconds),
            },
            R::Int96ColumnReader(r) => take(r, most, levels, |v| v.to_seconds(), Batch::Seconds),
            R::FloatColumnReader(r) => take(r, most, levels, |v| *v, Batch::Single),
            R::DoubleColumnReader(r) => take(r, most, levels, |v| *v, Batch::Number),
            R::ByteArrayColumnReader(r) => take(r, most, levels, bytes, Cells),
            R::FixedLenByteArrayColumnReader(r) => take(r, most, levels, |v| bytes(v), Cells),
        }
    }

    /// Lists of numbers in single precision, those of all rows: how long each is, and their numbers.
    ///
    /// # Errors
    /// The crate's, where the file is damaged or the lists hold nothing, or something else.
    pub fn lists(&mut self, rows: usize) -> Result<(Vec<usize>, Vec<f32>)> {
        guarded(|| self.all_lists(rows))
    }

    fn all_lists(&mut self, rows: usize) -> Result<(Vec<usize>, Vec<f32>)> {
        let (there_at, lists) = self.levels;
        let name = &self.name;
        if lists != 1 {
            return Err(ParquetError::NYI(format!(
                "the column `{name}` holds no lists"
            )));
        }
        let reader = match &mut self.values {
            Values::Pages(reader) => Some(&mut **reader),
            Values::Same(..) => None,
        };
        let found = match reader {
            Some(ColumnReader::FloatColumnReader(r)) => in_lists(r, rows, |v| *v)?,
            Some(ColumnReader::DoubleColumnReader(r)) => in_lists(r, rows, |v| *v as f32)?,
            _ => {
                return Err(ParquetError::NYI(format!(
                    "the lists of `{name}` hold no fractions"
                )));
            }
        };
        let mut lengths: Vec<usize> = Vec::new();
        for (there, goes_on) in found.there.iter().zip(&found.goes_on) {
            if *goes_on == 0 {
                lengths.push(0);
            }
            if *there == there_at {
                if let Some(length) = lengths.last_mut() {
                    *length += 1;
                }
            } else if *goes_on > 0 {
                return Err(ParquetError::General(format!(
                    "a list of `{name}` holds nothing in a place"
                )));
            }
        }
        Ok((lengths, found.values))
    }
}

/// The values of lists, and the levels that say where each list begins and whether a value is there.
struct InLists {
    there: Vec<i16>,
    goes_on: Vec<i16>,
    values: Vec<f32>,
}

/// All values of a column of lists.
fn in_lists<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    rows: usize,
    number: impl Fn(&T::T) -> f32,
) -> Result<InLists> {
    let (mut there, mut goes_on, mut values) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        let (there, goes_on) = (Some(&mut there), Some(&mut goes_on));
        let (records, ..) = reader.read_records(rows.max(1), there, goes_on, &mut values)?;
        if records == 0 {
            break;
        }
    }
    Ok(InLists {
        there,
        goes_on,
        values: values.iter().map(number).collect(),
    })
}

/// The next values of a column that isn't nested, with nothing where there is none.
fn take<T: DataType, V>(
    reader: &mut ColumnReaderImpl<T>,
    most: usize,
    (level, _): (i16, i16),
    value: impl Fn(&T::T) -> V,
    batch: impl Fn(Vec<V>) -> Batch,
) -> Result<Batch> {
    let (mut there, mut values) = (Vec::new(), Vec::new());
    reader.read_records(most, Some(&mut there), None, &mut values)?;
    let missing = level > 0 && there.iter().any(|there| *there != level);
    let found = batch(values.iter().map(value).collect());
    if !missing {
        return Ok(found);
    }
    let mut cells = found.cells().into_iter();
    let next = |there: &i16| match *there == level {
        true => cells.next().unwrap_or(Cell::Null),
        false => Cell::Null,
    };
    Ok(Batch::Cells(there.iter().map(next).collect()))
}

/// In units of ten to minus `scale`.
fn decimal(value: f64, scale: i32) -> f64 {
    value / 10f64.powi(scale)
}

/// A number of any length, the most significant byte first.
fn big(bytes: &[u8]) -> f64 {
    let negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
    let start = if negative { -1.0 } else { 0.0 };
    bytes
        .iter()
        .fold(start, |sum, byte| sum * 256.0 + f64::from(*byte))
}

/// The double that is written as shortly as a single is: 0.1 and not 0.10000000149.
fn shortest(value: f32) -> f64 {
    // Quarters below 1000 have at most five digits, of which none can be left out.
    let plain = (value * 4.0).fract() == 0.0 && value.abs() < 1000.0;
    match plain || value.fract() == 0.0 || !value.is_finite() {
        true => value.into(),
        false => value.to_string().parse().unwrap_or(value.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_of_any_length_are_their_numbers() {
        assert_eq!(decimal(big(&[0x01, 0x5e]), 2), 3.5);
        assert_eq!(decimal(big(&[0xff, 0x9c]), 2), -1.0);
        assert_eq!(big(&[]), 0.0);
        assert_eq!(shortest(0.1), 0.1);
        for quarters in -4000..=4000i16 {
            let value = f32::from(quarters) / 4.0;
            assert_eq!(shortest(value), value.to_string().parse::<f64>().unwrap());
        }
        assert!(shortest(f32::NAN).is_nan());
    }
}
