//! What is known of users and movies besides ratings: tables with a row a user or a movie, as labels that some of them
//! share.
//!
//! Whatever the columns hold, a label is a column and a value: `occupation writer`, `age from 26`. Numbers and dates of
//! many values are cut into tenths of the rows; a cell may hold several values with bars between, and an id may have
//! several rows. A column whose values are hardly shared, such as a name, says nothing and is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

use super::decode::decode;
use super::error::shortened;
use super::error::{BadLine, DataError};
use super::header::{Header, Records};
use super::parquet::{Part, is_parquet};
use super::{known, open, time};

/// The largest table that is read.
const MOST_BYTES: u64 = 1 << 28;
/// Numbers of more values than this are cut into bins.
const MOST_VALUES: usize = 32;
/// That many, of as many rows each.
const BINS: usize = 10;
/// Columns that go by no name in the tables of MovieLens that have no header: `u.user` and `users.dat`.
const BARS: [&str; 5] = ["user", "age", "gender", "occupation", "zip"];
const COLONS: [&str; 5] = ["user", "gender", "age", "occupation", "zip"];

/// Whom a table is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Users.
    Users,
    /// Movies.
    Movies,
}

impl Whose {
    /// One of them.
    fn one(self) -> &'static str {
        match self {
            Whose::Users => "user",
            Whose::Movies => "movie",
        }
    }

    /// What columns of their ids are called, and of the others'.
    fn names(self) -> [&'static [&'static str]; 2] {
        match self {
            Whose::Users => [known::USERS, known::MOVIES],
            Whose::Movies => [known::MOVIES, known::USERS],
        }
    }
}

/// The labels of users or of movies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Side {
    /// Columns that labels are of.
    pub columns: Vec<String>,
    /// A label and the id that has it, sorted, each pair once.
    pub labels: Vec<(String, u32)>,
}

/// Those of both.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sides {
    /// Of users.
    pub users: Side,
    /// Of movies.
    pub movies: Side,
}

/// Rows of text cells under named columns.
struct Table {
    columns: Vec<String>,
    /// The line, or the row, and its cells.
    rows: Vec<(u64, Vec<String>)>,
}

/// Reads the table of users or movies at `path`, Parquet or text; `id` gives the id that a text stands for, and `rated`
/// whether ratings have it, which some must.
///
/// # Errors
/// [`DataError::Line`] names the line that isn't right, [`DataError::Input`] the file.
pub fn read(
    path: &Path,
    whose: Whose,
    id: &dyn Fn(&str) -> Option<u32>,
    rated: &dyn Fn(u32) -> bool,
) -> Result<Side, DataError> {
    if is_parquet(path) {
        return labels(of_parquet(path)?, path, whose, id, rated);
    }
    let what = whose.one();
    let file = open::beside(path, &format!("a table with a column of {what} ids"))?;
    let mut bytes = Vec::new();
    file.take(MOST_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| open::unreadable(path, error))?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(DataError::Input(format!(
            "{} has more than {MOST_BYTES} bytes, which is too large for a table of {what}s",
            path.display()
        )));
    }
    of_bytes(&bytes, path, whose, id, rated)
}

/// As [`read`], of a text whose bytes are at hand; `path` is for messages.
///
/// # Errors
/// Those of [`read`].
pub fn of_bytes(
    bytes: &[u8],
    path: &Path,
    whose: Whose,
    id: &dyn Fn(&str) -> Option<u32>,
    rated: &dyn Fn(u32) -> bool,
) -> Result<Side, DataError> {
    labels(of_text(bytes, path, whose)?, path, whose, id, rated)
}

/// The table that a text holds.
fn of_text(bytes: &[u8], path: &Path, whose: Whose) -> Result<Table, DataError> {
    let text = decode(bytes).text;
    let first = text.lines().find(|line| !line.trim().is_empty());
    let first = first.unwrap_or_default();
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    if first.contains("::") && whose == Whose::Users {
        let rows = (1..).zip(text.lines());
        let rows = rows.filter(|(_, line)| !line.trim().is_empty());
        let cells = |line: &str| line.trim_end().split("::").map(str::to_owned).collect();
        let rows = rows.map(|(number, line)| (number, cells(line))).collect();
        return Ok(Table {
            columns: owned(&COLONS),
            rows,
        });
    }
    let cells = |separator: u8| -> Vec<String> {
        let mut record = csv::StringRecord::new();
        match Records::new(first, separator).read(&mut record) {
            Some(_) => record.iter().map(str::to_owned).collect(),
            None => Vec::new(),
        }
    };
    let has_id = |cells: &[String]| known::find(cells, whose.names()[0]).is_some();
    let named = b",;\t|"
        .iter()
        .find(|separator| has_id(&cells(**separator)));
    let bars = cells(b'|');
    let is_u_user = whose == Whose::Users
        && bars.len() == BARS.len()
        && bars[..2].iter().all(|cell| cell.parse::<u32>().is_ok());
    let (separator, columns, skip) = match named {
        Some(separator) => (*separator, cells(*separator), 1),
        None if is_u_user => (b'|', owned(&BARS), 0),
        None => {
            let ahead = text.lines().take_while(|line| line.trim().is_empty());
            return Err(DataError::Line(BadLine::new(
                path,
                ahead.count() as u64 + 1,
                first.as_bytes(),
                format!(
                    "it should be a header that names the column of a {}'s id, such as `{}Id,{}`",
                    whose.one(),
                    whose.one(),
                    match whose {
                        Whose::Users => "age,occupation",
                        Whose::Movies => "studio,released",
                    }
                ),
            )));
        }
    };
    let mut records = Records::new(&text, separator);
    let mut record = csv::StringRecord::new();
    let mut rows = Vec::new();
    while let Some((number, line)) = records.read(&mut record) {
        if !line.trim().is_empty() {
            rows.push((number, record.iter().map(str::to_owned).collect()));
        }
    }
    rows.drain(..skip.min(rows.len()));
    Ok(Table { columns, rows })
}

/// The table that a Parquet file holds; nested columns are passed over.
fn of_parquet(path: &Path) -> Result<Table, DataError> {
    let part = Part::open(path)?;
    let names = part.names();
    let flat: Vec<usize> = (0..names.len())
        .filter(|at| !names[*at].contains('.'))
        .collect();
    let columns: Vec<String> = flat.iter().map(|at| names[*at].clone()).collect();
    let mut rows = Vec::new();
    for group in 0..part.groups() {
        let count = part.rows(group);
        let before = rows.len();
        rows.extend((0..count).map(|row| ((before + row + 1) as u64, Vec::new())));
        for column in &flat {
            let mut column = part.column(group, *column)?;
            let cells = column.cells(count).map_err(|why| part.damaged(why))?;
            for ((_, row), cell) in rows[before..].iter_mut().zip(cells) {
                row.push(String::from_utf8_lossy(&cell.text()).into_owned());
            }
        }
    }
    Ok(Table { columns, rows })
}

/// The labels that a table gives.
fn labels(
    table: Table,
    path: &Path,
    whose: Whose,
    id: &dyn Fn(&str) -> Option<u32>,
    rated: &dyn Fn(u32) -> bool,
) -> Result<Side, DataError> {
    let Table { columns, rows } = table;
    let [own, others] = whose.names();
    let what = whose.one();
    let Some(of_id) = known::find(&columns, own) else {
        return Err(DataError::Input(format!(
            "{} has no column of a {what}'s id, such as {what}Id; its columns are {}",
            path.display(),
            shortened(&columns.join(", "))
        )));
    };
    let mut ids = Vec::with_capacity(rows.len());
    for (number, cells) in &rows {
        let bad = |reason: String| {
            let line = cells.join(" ");
            DataError::Line(BadLine::new(path, *number, line.as_bytes(), reason))
        };
        if cells.len() != columns.len() {
            return Err(bad(format!(
                "it has {} fields, and the table has {} columns: {}",
                cells.len(),
                columns.len(),
                shortened(&columns.join(", "))
            )));
        }
        let text = cells[of_id].trim();
        let found = id(text);
        if found.is_none() && text.is_empty() {
            return Err(bad(format!(
                "its field {} has no {what} id",
                shortened(&columns[of_id])
            )));
        }
        ids.push(found);
    }
    if !ids.iter().flatten().any(|id| rated(*id)) {
        return Err(DataError::Input(format!(
            "no {what} of the ratings is in {}, whose column {} is taken for their ids",
            path.display(),
            shortened(&columns[of_id])
        )));
    }
    let header = Header::new(columns.iter().map(String::as_str));
    // Where somebody else's ids are in the table, times are of what they did, as in tags.csv.
    let other = header.find(others);
    let passed_over = [other, other.and_then(|_| header.find(known::TIMES))];
    let mut side = Side::default();
    for (at, name) in columns.iter().enumerate() {
        if at == of_id || passed_over.contains(&Some(at)) {
            continue;
        }
        let cells = ids.iter().zip(&rows);
        let cells: Vec<(u32, &str)> = cells
            .filter_map(|(id, (_, cells))| Some(((*id)?, cells[at].trim())))
            .filter(|(_, cell)| !time::is_missing(cell.as_bytes()))
            .collect();
        let name = name.split(':').next().unwrap_or(name);
        let found = of_column(name, &cells);
        if !found.is_empty() {
            side.columns.push(name.to_owned());
            side.labels.extend(found);
        }
    }
    side.labels.sort();
    side.labels.dedup();
    Ok(side)
}

/// The labels of a column; none where its values are hardly shared.
fn of_column(name: &str, cells: &[(u32, &str)]) -> Vec<(String, u32)> {
    let values: Vec<Option<f64>> = cells.iter().map(|(_, cell)| number(cell)).collect();
    let numbers: Option<Vec<f64>> = values.into_iter().collect();
    let distinct: BTreeSet<&str> = cells.iter().map(|(_, cell)| *cell).collect();
    let mut members = BTreeMap::<String, BTreeSet<u32>>::new();
    match numbers.filter(|_| distinct.len() > MOST_VALUES) {
        Some(numbers) => {
            let mut sorted = numbers.clone();
            sorted.sort_by(f64::total_cmp);
            let mut starts: Vec<f64> = (0..BINS)
                .map(|bin| sorted[bin * sorted.len() / BINS])
                .collect();
            starts.dedup();
            for ((id, cell), value) in cells.iter().zip(numbers) {
                let from = starts[starts
                    .partition_point(|start| *start <= value)
                    .saturating_sub(1)];
                let from = match plainly(cell) {
                    Some(_) => from.to_string(),
                    None => time::day(from as u32),
                };
                members
                    .entry(format!("{name} from {from}"))
                    .or_default()
                    .insert(*id);
            }
        }
        None => {
            for (id, cell) in cells {
                for value in cell
                    .split('|')
                    .map(str::trim)
                    .filter(|value| !value.is_empty())
                {
                    members
                        .entry(format!("{name} {}", value.to_lowercase()))
                        .or_default()
                        .insert(*id);
                }
            }
        }
    }
    let all: usize = members.values().map(BTreeSet::len).sum();
    members.retain(|_, ids| ids.len() > 1);
    let shared: usize = members.values().map(BTreeSet::len).sum();
    // A value that everybody has tells nobody apart.
    if shared * 2 < all || members.len() < 2 {
        return Vec::new();
    }
    let pairs = members.into_iter();
    let pairs = pairs.flat_map(|(label, ids)| ids.into_iter().map(move |id| (label.clone(), id)));
    pairs.collect()
}

/// A number, or a date as seconds since 1970.
fn number(cell: &str) -> Option<f64> {
    plainly(cell).or_else(|| time::read(cell.as_bytes()).map(|(seconds, _)| f64::from(seconds)))
}

fn plainly(cell: &str) -> Option<f64> {
    cell.parse().ok().filter(|value: &f64| value.is_finite())
}

#[cfg(test)]
#[path = "sides_tests.rs"]
mod tests;
