//! The files that a path means: one, those of a folder, or those of a pattern.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::column::Cell;

/// The first bytes of a Parquet file.
pub(super) const MAGIC: &[u8] = b"PAR1";

/// Whether an ordinary file is one of Parquet's by its first bytes, or by its name where it has lost those. Of a pipe they
/// aren't looked at: its reader would have to do without them.
pub fn is_parquet(path: &Path) -> bool {
    if !path.is_file() {
        return false;
    }
    if path.extension().is_some_and(|end| end == "parquet") {
        return true;
    }
    let mut head = [0; 4];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut head));
    read.is_ok() && (head == MAGIC || &head == b"PARE")
}

/// The Parquet files of a folder, sorted by name, or of a pattern with stars in the last part of its path. Files whose
/// names begin with a dot or an underscore are other programs' notes. Of a folder without such files those in its folders
/// `key=value`, as Spark, DuckDB and polars part a table.
pub fn parts(path: &Path) -> Vec<PathBuf> {
    /// Keys by which a table is parted at most.
    const DEEPEST: usize = 8;
    within(path, DEEPEST)
}

fn within(path: &Path, deep: usize) -> Vec<PathBuf> {
    let (folder, pattern) = match path.is_dir() {
        true => (path, None),
        false => match (path.parent(), path.file_name().and_then(OsStr::to_str)) {
            (Some(folder), Some(pattern)) if pattern.contains('*') => (folder, Some(pattern)),
            _ => return Vec::new(),
        },
    };
    let folder = match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    };
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| match pattern {
            Some(pattern) => fits(pattern, name),
            None => {
                let lower = name.to_ascii_lowercase();
                [".parquet", ".parq", ".pq"]
                    .iter()
                    .any(|end| lower.ends_with(end))
            }
        })
        .filter(|name| !name.starts_with(['.', '_']))
        .collect();
    names.sort();
    if let (true, None, Some(deep)) = (names.is_empty(), pattern, deep.checked_sub(1)) {
        let inner = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let is_key = |name: &OsStr| name.to_str().is_some_and(|name| name.contains('='));
        let mut inner: Vec<PathBuf> = inner
            .filter(|entry| is_key(&entry.file_name()))
            .map(|entry| entry.path())
            .collect();
        inner.sort();
        return inner
            .iter()
            .flat_map(|folder| within(folder, deep))
            .collect();
    }
    // Of a folder with several tables the one of ratings is meant.
    let is_ratings = |name: &String| name.to_ascii_lowercase().contains("rating");
    if pattern.is_none() && names.iter().any(is_ratings) {
        names.retain(is_ratings);
    }
    names.iter().map(|name| folder.join(name)).collect()
}

/// The keys and values of the folders `key=value` that a file is in, the outermost first: columns whose values are the same in
/// all of its rows, as Hive, Spark and DuckDB write them.
pub(super) fn keys(path: &Path) -> Vec<(String, Cell)> {
    let folders = path.ancestors().skip(1).filter_map(|folder| {
        let name = folder.file_name()?.to_str()?;
        let (key, value) = name.split_once('=')?;
        Some((unescaped(key), value))
    });
    let folders = folders.map(|(key, value)| match value {
        "__HIVE_DEFAULT_PARTITION__" => (key, Cell::Null),
        _ => (key, cell(unescaped(value))),
    });
    let mut keys: Vec<_> = folders.collect();
    keys.reverse();
    keys
}

/// A number where it is written as one, else a text.
fn cell(text: String) -> Cell {
    match text.parse::<i64>() {
        Ok(number) if number.to_string() == text => Cell::Whole(number),
        _ => Cell::Text(text.into_bytes()),
    }
}

/// A text with its `%20` and the like as they were before.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        let digits = behind.get(..2).filter(|_| *first == b'%');
        let code = digits
            .filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &behind[2..] } else { behind };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.into())
}

/// Whether a name is as a pattern says, in which a star is any text.
fn fits(pattern: &str, name: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(rest) = name.strip_prefix(pieces.next().unwrap_or_default()) else {
        return false;
    };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else {
        return rest.is_empty();
    };
    let mut rest = rest;
    for piece in pieces {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_text_and_all_else_is_itself() {
        for (pattern, name, is) in [
            ("*.parquet", "a.parquet", true),
            ("part-*-x.parquet", "part-1-x.parquet", true),
            ("part-*-x.parquet", "part-x.parquet", false),
            ("a*b*c", "abbc", true),
            ("a*b*c", "acb", false),
            ("a*", "b", false),
        ] {
            assert_eq!(fits(pattern, name), is, "{pattern} {name}");
        }
    }
}
