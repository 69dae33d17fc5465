//! Small tables beside a model: ids, and predictions to compare with.

use std::path::{Path, PathBuf};

use pocketrec_data::known;
use pocketrec_data::parquet::{self, Part};

use crate::bytes::Bytes;
use crate::error::Failed;

/// Cells as texts, column by column.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Table {
    /// What the columns are called; empty where nothing names them.
    pub names: Vec<String>,
    /// Their cells, all of one length.
    pub columns: Vec<Vec<String>>,
    /// Lines ahead of the first cells: for messages.
    pub ahead: usize,
}

impl Table {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.columns.first().map_or(0, Vec::len)
    }

    /// The column of the first of these names that is there, in small letters and digits.
    pub fn find(&self, names: &[&str]) -> Option<usize> {
        known::find(&self.names, names)
    }
}

/// A table in Parquet, of one file or of the parts in a folder; or of text: cells with commas, semicolons or tabs between. Its first line names the columns if it has no number
/// but the second has one, or if `headed` says so of it.
///
/// # Errors
/// [`Failed`] where it can't be read, or a line isn't as long as the first.
pub(crate) fn read(path: &Path, headed: impl Fn(&[String]) -> bool) -> Result<Table, Failed> {
    let shown = path.display();
    let parts = match parquet::is_parquet(path) {
        true => vec![path.to_owned()],
        false => parquet::parts(path),
    };
    if !parts.is_empty() {
        return of_parquet(&parts);
    }
    let bytes = Bytes::of(path)?;
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let first = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let separator = *b"\t;,"
        .iter()
        .find(|separator| first.contains(separator))
        .unwrap_or(&b',');
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .trim(csv::Trim::All)
        .delimiter(separator)
        .from_reader(text);
    let mut table = Table::default();
    for (row, record) in reader.records().enumerate() {
        let record = record.map_err(|error| Failed::input(format!("{shown}: {error}")))?;
        let cells: Vec<String> = record.iter().map(String::from).collect();
        if row == 0 {
            table.columns = vec![Vec::new(); cells.len()];
            if headed(&cells) {
                (table.names, table.ahead) = (cells, 1);
                continue;
            }
        }
        for (column, cell) in table.columns.iter_mut().zip(cells) {
            column.push(cell);
        }
    }
    match table.len() {
        0 => Err(Failed::input(format!("{shown} holds no rows"))),
        _ => Ok(table),
    }
}

/// The cells of Parquet files that belong together.
fn of_parquet(paths: &[PathBuf]) -> Result<Table, Failed> {
    const BATCH: usize = 1 << 15;
    let mut table = Table::default();
    for path in paths {
        let part = Part::open(path)?;
        let names = part.names();
        if table.columns.is_empty() {
            table.columns = vec![Vec::new(); names.len()];
            table.names = names;
        } else if table.names != names {
            return Err(Failed::input(format!(
                "{} has the columns {}, and the parts before it {}",
                path.display(),
                names.join(", "),
                table.names.join(", ")
            )));
        }
        for group in 0..part.groups() {
            for (at, cells) in table.columns.iter_mut().enumerate() {
                let mut column = part.column(group, at)?;
                if column.is_nested() {
                    // Nobody's ids or predictions; what isn't there isn't looked for.
                    cells.resize(cells.len() + part.rows(group), String::new());
                    continue;
                }
                loop {
                    let batch = column.cells(BATCH).map_err(|why| part.damaged(why))?;
                    if batch.is_empty() {
                        break;
                    }
                    let texts = batch
                        .iter()
                        .map(|cell| String::from_utf8_lossy(&cell.text()).into_owned());
                    cells.extend(texts);
                }
            }
        }
    }
    let rows = table.len();
    let shown = paths
        .first()
        .map(|path| path.display().to_string())
        .unwrap_or_default();
    match table.columns.iter().all(|column| column.len() == rows) {
        _ if rows == 0 => Err(Failed::input(format!("{shown} holds no rows"))),
        true => Ok(table),
        false => Err(Failed::input(format!(
            "{shown} is damaged: its columns aren't of one length"
        ))),
    }
}
