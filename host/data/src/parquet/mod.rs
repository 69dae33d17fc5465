//! Parquet: tables that other programs write by columns, in groups of rows, read a group at a time.
//!
//! [`Part`] is a file, [`column`](mod@column) one of its columns in a group; `pages` unpacks. [`parts()`] finds the files of a folder or
//! a pattern. What ratings are made of them is in `ratings`.

pub mod column;
mod encrypted;
mod pages;
mod parts;
pub(super) mod ratings;
#[cfg(test)]
pub(crate) mod tests;

use std::fs::File;
use std::path::{Path, PathBuf};

use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

use super::DataError;
use column::{Cell, Column};
use pages::Pages;
use parts::MAGIC;
pub use parts::{is_parquet, parts};

/// Rows that a byte holds at most, beyond the first [`FEW`]: values that repeat take next to nothing, but ratings differ.
const MOST_ROWS: u64 = 100;
const FEW: u64 = 1 << 24;

/// A Parquet file.
pub struct Part {
    path: PathBuf,
    metadata: ParquetMetaData,
    /// Columns that the file has by the folders that it is in.
    keys: Vec<(String, Cell)>,
}

impl Part {
    /// Reads what a file says of itself.
    ///
    /// # Errors
    /// [`DataError::Input`] for one that isn't whole, is encrypted or has more rows than it can hold.
    pub fn open(path: &Path) -> Result<Part, DataError> {
        let shown = path.display();
        let io = |error| DataError::Io(path.to_owned(), error);
        let file = File::open(path).map_err(io)?;
        let length = file.metadata().map_err(io)?.len();
        if ends_encrypted(&file, length).map_err(io)? {
            return Err(DataError::Input(format!(
                "{shown} is encrypted; write it without encryption"
            )));
        }
        if !begins(&file).map_err(io)? {
            let why = "it doesn't begin as Parquet does".into();
            return Err(damaged(path, ParquetError::General(why)));
        }
        let metadata = guarded(|| ParquetMetaDataReader::new().parse_and_finish(&file));
        let metadata = metadata.map_err(|why| damaged(path, why))?;
        let rows = metadata
            .row_groups()
            .iter()
            .map(|group| group.num_rows().max(0) as u64);
        let rows: u64 = rows.fold(0, u64::saturating_add);
        if rows > FEW.max(length.saturating_mul(MOST_ROWS)) {
            return Err(DataError::Input(format!(
                "{shown} says that it has {rows} rows in {length} bytes, which it can't"
            )));
        }
        let mut part = Part {
            path: path.to_owned(),
            metadata,
            keys: Vec::new(),
        };
        let names = part.names();
        part.keys = parts::keys(path);
        part.keys.retain(|(key, _)| !names.contains(key));
        Ok(part)
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The names of its columns; those within others have the others' names and dots before theirs. Behind them are keys of
    /// the folders `key=value` that the file is in, which no column of its own is called by.
    pub fn names(&self) -> Vec<String> {
        let columns = self.metadata.file_metadata().schema_descr().columns();
        let columns = columns.iter().map(|column| column.path().string());
        columns
            .chain(self.keys.iter().map(|(key, _)| key.clone()))
            .collect()
    }

    /// How many groups of rows there are.
    pub fn groups(&self) -> usize {
        self.metadata.num_row_groups()
    }

    /// Rows of a group.
    pub fn rows(&self, group: usize) -> usize {
        let groups = self.metadata.row_groups();
        groups
            .get(group)
            .map_or(0, |group| usize::try_from(group.num_rows()).unwrap_or(0))
    }

    /// Bytes of a group in the file.
    pub fn bytes(&self, group: usize) -> u64 {
        let groups = self.metadata.row_groups();
        groups
            .get(group)
            .map_or(0, |group| group.compressed_size().max(0) as u64)
    }

    /// A column of a group.
    ///
    /// # Errors
    /// [`DataError::Input`] where it is of a type or packed in a way that isn't known.
    pub fn column(&self, group: usize, column: usize) -> Result<Column, DataError> {
        let io = |error| DataError::Io(self.path.clone(), error);
        let own = self.metadata.file_metadata().schema_descr().num_columns();
        if let Some((key, value)) = column.checked_sub(own).and_then(|key| self.keys.get(key)) {
            return Ok(Column::same(key, value, self.rows(group)));
        }
        let found = self.metadata.row_groups().get(group);
        let chunk = found.and_then(|group| group.columns().get(column));
        let chunk = chunk.ok_or_else(|| {
            damaged(
                &self.path,
                ParquetError::General("a column is missing".into()),
            )
        })?;
        // A file of its own: its place in it is moved by nobody else.
        let file = File::open(&self.path).map_err(io)?;
        let pages = guarded(|| Pages::new(file, chunk, self.rows(group)))
            .map_err(|why| self.damaged(why))?;
        Column::new(chunk.column_descr_ptr(), Box::new(pages))
            .map_err(|why| DataError::Input(format!("{}: {why}", self.path.display())))
    }

    /// The error of reading a column.
    pub fn damaged(&self, why: ParquetError) -> DataError {
        damaged(&self.path, why)
    }
}

/// What `work` makes; a panic of the crate's over a damaged file is an error of it.
fn guarded<T>(work: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetError> {
    pocketrec_base::error::caught(work).unwrap_or_else(|why| Err(ParquetError::General(why)))
}

/// Whether a file begins like one of Parquet's.
fn begins(mut file: &File) -> std::io::Result<bool> {
    use std::io::{Read, Seek};
    let mut head = Vec::new();
    file.rewind()?;
    file.take(MAGIC.len() as u64).read_to_end(&mut head)?;
    Ok(head == MAGIC)
}

/// Whether a file ends like one whose end is encrypted.
fn ends_encrypted(mut file: &File, length: u64) -> std::io::Result<bool> {
    use std::io::{Read, Seek, SeekFrom};
    if length < 4 {
        return Ok(false);
    }
    let mut end = [0; 4];
    file.seek(SeekFrom::Start(length - 4))?;
    file.read_exact(&mut end)?;
    Ok(&end == b"PARE")
}

/// What the crate says is wrong, of a file.
fn damaged(path: &Path, why: ParquetError) -> DataError {
    let shown = path.display();
    match why {
        ParquetError::NYI(why) => DataError::Input(format!("{shown}: {why}")),
        ParquetError::External(error) if error.is::<std::io::Error>() => {
            match error.downcast::<std::io::Error>() {
                Ok(error) => super::open::unreadable(path, *error),
                Err(error) => DataError::Input(format!("{shown}: {error}")),
            }
        }
        _ if encrypted::says(path) => DataError::Input(format!(
            "{shown} has encrypted columns; write it without encryption"
        )),
        why => {
            let why = why.to_string();
            let why = why.split_once(": ").map_or(why.as_str(), |(_, why)| why);
            DataError::Input(format!(
                "{shown} is cut or damaged ({why}); copy or write it again"
            ))
        }
    }
}
