//! Tables that other programs read: Parquet, npz, CSV and JSON lines, written a few rows at a time.
//!
//! A [`Table`] says what the columns are. Rows are [packed](Table::packed) on whatever thread made them and
//! [put](Writer::put) in order. Parquet and text are written as they come; npz has one column behind the other, so its
//! columns are kept in memory until [`Writer::finish`].

#![deny(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "everything is printed by pocketrec_base::print, which escapes it"
)]

mod npz;
mod parquet;
#[cfg(test)]
mod tests;
mod text;

use std::io::{self, Write};
use std::path::Path;
use std::str::FromStr;

pub use npz::{Array, write as write_arrays};

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Parquet, packed with snappy, with a group of rows for each [`GROUP`].
    Parquet,
    /// An npz archive with an array for each column.
    Npz,
    /// Text with commas between and a line of names ahead.
    Csv,
    /// A JSON object a line.
    JsonLines,
}

/// Rows of a group in Parquet.
pub const GROUP: usize = 1 << 17;

/// The formats by name, for messages.
pub const FORMATS: &str = "parquet, npz, csv or jsonl";

impl Format {
    /// All of them.
    const ALL: [Format; 4] = [Format::Parquet, Format::Npz, Format::Csv, Format::JsonLines];

    /// What it is called, which is also how its files end.
    pub fn name(self) -> &'static str {
        match self {
            Format::Parquet => "parquet",
            Format::Npz => "npz",
            Format::Csv => "csv",
            Format::JsonLines => "jsonl",
        }
    }

    /// The format that a file's name ends with.
    pub fn of_name(path: &Path) -> Option<Format> {
        let end = path.extension()?.to_str()?.to_ascii_lowercase();
        match end.as_str() {
            "pq" | "parq" => Some(Format::Parquet),
            "ndjson" => Some(Format::JsonLines),
            end => end.parse().ok(),
        }
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> Result<Format, String> {
        let found = Format::ALL.into_iter().find(|format| format.name() == name);
        found.ok_or_else(|| format!("it should be {FORMATS}"))
    }
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Whole numbers.
    Whole,
    /// Texts.
    Text,
    /// Numbers; where there is none, NaN.
    Number,
    /// As many numbers a row: a list in Parquet and JSON, a column each in CSV, an array of two sides in npz.
    List(usize),
}

/// The cells of a column, of some rows.
#[derive(Debug, Clone, PartialEq)]
pub enum Cells {
    /// Of [`Kind::Whole`].
    Whole(Vec<i64>),
    /// Of [`Kind::Text`].
    Texts(Vec<String>),
    /// Of [`Kind::Number`].
    Numbers(Vec<f32>),
    /// Of [`Kind::List`]: row behind row.
    Lists(Vec<f32>),
}

impl Cells {
    /// No cells of a kind.
    pub fn of(kind: Kind) -> Cells {
        match kind {
            Kind::Whole => Cells::Whole(Vec::new()),
            Kind::Text => Cells::Texts(Vec::new()),
            Kind::Number => Cells::Numbers(Vec::new()),
            Kind::List(_) => Cells::Lists(Vec::new()),
        }
    }

    /// How many numbers or texts there are.
    fn len(&self) -> usize {
        match self {
            Cells::Whole(cells) => cells.len(),
            Cells::Texts(cells) => cells.len(),
            Cells::Numbers(cells) | Cells::Lists(cells) => cells.len(),
        }
    }

    /// Takes those of another, which are of the same kind.
    fn take(&mut self, other: Cells) {
        match (self, other) {
            (Cells::Whole(own), Cells::Whole(more)) => own.extend(more),
            (Cells::Texts(own), Cells::Texts(more)) => own.extend(more),
            (Cells::Numbers(own), Cells::Numbers(more)) => own.extend(more),
            (Cells::Lists(own), Cells::Lists(more)) => own.extend(more),
            (own, more) => unreachable!("{more:?} in a column of {own:?}"),
        }
    }
}

/// The columns of a table and how it is written.
#[derive(Debug, Clone)]
pub struct Table {
    format: Format,
    columns: Vec<(String, Kind)>,
}

/// Rows that are ready to be put.
#[derive(Debug)]
pub struct Packed(Form);

#[derive(Debug)]
enum Form {
    /// Lines as they will stand.
    Text(Vec<u8>),
    /// A column each.
    Columns(Vec<Cells>),
}

impl Table {
    /// A table with these columns.
    pub fn new(format: Format, columns: &[(&str, Kind)]) -> Table {
        let columns = columns
            .iter()
            .map(|(name, kind)| ((*name).to_owned(), *kind))
            .collect();
        Table { format, columns }
    }

    /// Rows, one column after the other as the table has them, made ready: text is written here.
    ///
    /// # Panics
    /// If the columns aren't the table's or not of one length.
    pub fn packed(&self, columns: Vec<Cells>) -> Packed {
        let rows = |(cells, (_, kind)): (&Cells, &(String, Kind))| match kind {
            Kind::List(length) => cells.len() / (*length).max(1),
            _ => cells.len(),
        };
        let mut lengths = columns.iter().zip(&self.columns).map(rows);
        let first = lengths.next().unwrap_or(0);
        assert!(
            columns.len() == self.columns.len() && lengths.all(|length| length == first),
            "columns of one table"
        );
        Packed(match self.format {
            Format::Csv => Form::Text(text::csv(&self.columns, &columns, first)),
            Format::JsonLines => Form::Text(text::json(&self.columns, &columns, first)),
            Format::Parquet | Format::Npz => Form::Columns(columns),
        })
    }

    /// Begins to write.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn to<'a>(&'a self, out: &'a mut dyn Write) -> io::Result<Writer<'a>> {
        if self.format == Format::Csv {
            out.write_all(&text::head(&self.columns))?;
        }
        let parquet = match self.format {
            Format::Parquet => Some(parquet::Groups::new(&self.columns)?),
            _ => None,
        };
        Ok(Writer {
            waiting: self
                .columns
                .iter()
                .map(|(_, kind)| Cells::of(*kind))
                .collect(),
            table: self,
            rows: 0,
            parquet,
            out,
        })
    }
}

/// A table that is being written.
pub struct Writer<'a> {
    table: &'a Table,
    /// Rows that make no group yet, or all of them.
    waiting: Vec<Cells>,
    /// How many those are, where all columns are waited for.
    rows: usize,
    parquet: Option<parquet::Groups>,
    out: &'a mut dyn Write,
}

impl Writer<'_> {
    /// Writes rows behind the others.
    ///
    /// # Errors
    /// Those of what is written to.
    pub fn put(&mut self, rows: Packed) -> io::Result<()> {
        match rows.0 {
            Form::Text(lines) => self.out.write_all(&lines),
            Form::Columns(columns) => {
                for (own, more) in self.waiting.iter_mut().zip(columns) {
                    own.take(more);
                }
                self.rows = match (self.waiting.first(), self.table.columns.first()) {
                    (Some(cells), Some((_, Kind::List(length)))) => cells.len() / length.max(&1),
                    (Some(cells), _) => cells.len(),
                    _ => 0,
                };
                match self.rows >= GROUP {
                    true => self.group(),
                    false => Ok(()),
                }
            }
        }
    }

    /// Writes what waits as a group of Parquet's.
    fn group(&mut self) -> io::Result<()> {
        let Some(parquet) = &mut self.parquet else {
            return Ok(());
        };
        self.out
            .write_all(&parquet.group(&self.waiting, self.rows)?)?;
        for ((_, kind), cells) in self.table.columns.iter().zip(&mut self.waiting) {
            *cells = Cells::of(*kind);
        }
        self.rows = 0;
        Ok(())
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// Those of what is written to.
    pub fn finish(mut self) -> io::Result<()> {
        if self.rows > 0 {
            self.group()?;
        }
        match (self.table.format, self.parquet.take()) {
            (_, Some(parquet)) => self.out.write_all(&parquet.end()?),
            (Format::Npz, None) => {
                let columns = self.table.columns.iter().zip(self.waiting);
                let arrays = columns.map(|((name, kind), cells)| Array::of(name, *kind, cells));
                npz::write(arrays, self.out)
            }
            (_, None) => Ok(()),
        }
    }
}
