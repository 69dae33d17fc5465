//! What somebody asks about: columns of ids in CSV or Parquet, read some thousand rows at a time.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use super::DataError;
use super::error::shortened;
use super::header::{Header, plain};
use super::open::unreadable;
use super::parquet::column::{Cell, Column};
use super::parquet::{self, Part};

/// Rows of a batch.
const BATCH: usize = 1 << 14;
/// How much of a text's beginning tells what separates its cells.
const LOOKED_AT: usize = 1 << 12;

/// A column that is asked for.
#[derive(Debug, Clone)]
pub struct Wanted {
    what: String,
    names: Vec<String>,
}

impl Wanted {
    /// Of what it holds, which it may be called, and of what else it may be called, as in [`known`](super::known).
    pub fn new(what: &str, names: &[&str]) -> Wanted {
        let names = names.iter().map(|name| (*name).to_owned());
        Wanted {
            what: what.into(),
            names: std::iter::once(plain(what)).chain(names).collect(),
        }
    }

    /// Where it stands.
    fn place(&self, header: &Header) -> Option<usize> {
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        header.find(&names)
    }
}

/// Some rows of the columns that were asked for.
#[derive(Debug)]
pub struct Batch {
    /// The row or line of the first, from 1, for messages.
    pub first: u64,
    /// The file they are in.
    pub path: PathBuf,
    /// A column each, all of one length.
    pub columns: Vec<Vec<Cell>>,
}

/// Columns of a file, or of a folder's or pattern's Parquet files.
pub struct Asked {
    path: PathBuf,
    source: Source,
}

enum Source {
    Text(Text),
    Parquet(Parts),
}

struct Text {
    reader: csv::Reader<Box<dyn Read>>,
    places: Vec<usize>,
    /// The first line, where it names nothing.
    first: Option<csv::ByteRecord>,
}

struct Parts {
    wanted: Vec<Wanted>,
    parts: std::vec::IntoIter<PathBuf>,
    /// The file that is being read, the next of its groups, and rows that were read.
    part: Option<(Part, usize, u64)>,
    columns: Vec<Column>,
}

impl Asked {
    /// Opens a file; `-` is standard input, of text.
    ///
    /// # Errors
    /// [`DataError`] where it can't be read or its columns aren't known.
    pub fn open(path: &Path, wanted: &[Wanted]) -> Result<Asked, DataError> {
        let stdin = path == Path::new("-");
        let parts = match parquet::is_parquet(path) {
            _ if stdin => Vec::new(),
            true => vec![path.to_owned()],
            false => parquet::parts(path),
        };
        let source = match parts.is_empty() {
            false => Source::Parquet(Parts {
                wanted: wanted.into(),
                parts: parts.into_iter(),
                part: None,
                columns: Vec::new(),
            }),
            true => Source::Text(Text::open(path, stdin, wanted)?),
        };
        Ok(Asked {
            path: path.to_owned(),
            source,
        })
    }

    /// The next rows; none behind the last.
    ///
    /// # Errors
    /// [`DataError`] that names the line or the part that can't be read.
    pub fn next_batch(&mut self) -> Result<Option<Batch>, DataError> {
        match &mut self.source {
            Source::Text(text) => text.next_batch(&self.path),
            Source::Parquet(parts) => parts.next_batch(),
        }
    }
}

impl Text {
    fn open(path: &Path, stdin: bool, wanted: &[Wanted]) -> Result<Text, DataError> {
        let shown = match stdin {
            true => "standard input".to_owned(),
            false => path.display().to_string(),
        };
        let io = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::NotFound | std::io::ErrorKind::IsADirectory => {
                DataError::Input(format!("{shown} can't be read: {error}"))
            }
            _ => unreadable(path, error),
        };
        let mut source: Box<dyn Read> = match stdin {
            true => Box::new(std::io::stdin()),
            false => Box::new(BufReader::with_capacity(
                1 << 18,
                File::open(path).map_err(io)?,
            )),
        };
        let mut head = Vec::new();
        source
            .by_ref()
            .take(LOOKED_AT as u64)
            .read_to_end(&mut head)
            .map_err(io)?;
        let start = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head).to_vec();
        let line = start
            .split(|byte| *byte == b'\n')
            .next()
            .unwrap_or_default();
        let separator = b"\t;,"
            .iter()
            .copied()
            .find(|separator| line.contains(separator));
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .trim(csv::Trim::All)
            .delimiter(separator.unwrap_or(b','))
            .from_reader(Box::new(std::io::Cursor::new(start).chain(source)) as Box<dyn Read>);
        let mut first = csv::ByteRecord::new();
        if !reader
            .read_byte_record(&mut first)
            .map_err(|error| of_csv(path, error))?
        {
            return Err(DataError::Input(format!("{shown} holds no rows")));
        }
        let cells: Vec<String> = first
            .iter()
            .map(|cell| String::from_utf8_lossy(cell).into_owned())
            .collect();
        let header = Header::new(cells.iter().map(String::as_str));
        let places: Option<Vec<usize>> =
            wanted.iter().map(|wanted| wanted.place(&header)).collect();
        let numbers = cells.len() >= wanted.len()
            && cells
                .iter()
                .take(wanted.len())
                .all(|cell| cell.parse::<u64>().is_ok());
        let (places, first) = match places {
            Some(places) => (places, None),
            None if numbers => ((0..wanted.len()).collect(), Some(first)),
            None => return Err(DataError::Input(unknown(&shown, wanted, &cells))),
        };
        Ok(Text {
            reader,
            places,
            first,
        })
    }

    fn next_batch(&mut self, path: &Path) -> Result<Option<Batch>, DataError> {
        let mut columns: Vec<Vec<Cell>> = vec![Vec::new(); self.places.len()];
        let mut record = csv::ByteRecord::new();
        let mut number = None;
        let mut given = self.first.take();
        for _ in 0..BATCH {
            match given.take() {
                Some(first) => record = first,
                None => {
                    if !self
                        .reader
                        .read_byte_record(&mut record)
                        .map_err(|e| of_csv(path, e))?
                    {
                        break;
                    }
                }
            }
            let line = record.position().map_or(0, csv::Position::line);
            number.get_or_insert(line);
            for (column, place) in columns.iter_mut().zip(&self.places) {
                let cell = record.get(*place).ok_or_else(|| {
                    DataError::Input(format!(
                        "{}, line {line} has no cell {}, which the first line has",
                        path.display(),
                        place + 1
                    ))
                })?;
                column.push(Cell::Text(cell.to_vec()));
            }
        }
        Ok(number.map(|first| Batch {
            first,
            path: path.to_owned(),
            columns,
        }))
    }
}

impl Parts {
    fn next_batch(&mut self) -> Result<Option<Batch>, DataError> {
        loop {
            if self.columns.is_empty() && !self.next_group()? {
                return Ok(None);
            }
            let Some((part, _, rows)) = &mut self.part else {
                return Ok(None);
            };
            let columns: Result<Vec<Vec<Cell>>, DataError> = self
                .columns
                .iter_mut()
                .map(|column| column.cells(BATCH).map_err(|why| part.damaged(why)))
                .collect();
            let columns = columns?;
            let length = columns.first().map_or(0, Vec::len);
            if columns.iter().any(|column| column.len() != length) {
                return Err(DataError::Input(format!(
                    "{} is damaged: its columns aren't of one length",
                    part.path().display()
                )));
            }
            if length == 0 {
                self.columns.clear();
                continue;
            }
            let first = *rows + 1;
            *rows += length as u64;
            return Ok(Some(Batch {
                first,
                path: part.path().to_owned(),
                columns,
            }));
        }
    }

    /// Opens the columns of the next group; false behind the last.
    fn next_group(&mut self) -> Result<bool, DataError> {
        loop {
            let Some((part, group, _)) = &mut self.part else {
                let Some(path) = self.parts.next() else {
                    return Ok(false);
                };
                self.part = Some((Part::open(&path)?, 0, 0));
                continue;
            };
            if *group >= part.groups() {
                self.part = None;
                continue;
            }
            let names = part.names();
            let shown = part.path().display().to_string();
            let header = Header::new(names.iter().map(String::as_str));
            for wanted in &self.wanted {
                let place = wanted
                    .place(&header)
                    .ok_or_else(|| DataError::Input(unknown(&shown, &self.wanted, &names)))?;
                let column = part.column(*group, place)?;
                if column.is_nested() {
                    return Err(DataError::Input(format!(
                        "{shown}: the column `{}` is nested, and should hold ids",
                        column.name()
                    )));
                }
                self.columns.push(column);
            }
            *group += 1;
            return Ok(true);
        }
    }
}

fn unknown(shown: &str, wanted: &[Wanted], has: &[String]) -> String {
    let wanted: Vec<&str> = wanted.iter().map(|wanted| wanted.what.as_str()).collect();
    let (columns, names) = match wanted.len() {
        1 => ("a column", wanted.join("")),
        _ => ("columns", wanted.join(" and ")),
    };
    let has: Vec<String> = has.iter().map(|name| shortened(name)).collect();
    format!(
        "{shown} should have {columns} called {names}, named in its first line where it is text; it has {}",
        has.join(", ")
    )
}

fn of_csv(path: &Path, error: csv::Error) -> DataError {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => unreadable(path, error),
        other => DataError::Input(format!("{}: {:?}", path.display(), other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known;
    use pocketrec_tables::{Cells, Format, Kind, Table};

    fn pair() -> [Wanted; 2] {
        [
            Wanted::new("user", known::USERS),
            Wanted::new("movie", known::MOVIES),
        ]
    }

    fn read(path: &Path) -> Result<Vec<[String; 2]>, String> {
        let mut asked = Asked::open(path, &pair()).map_err(|error| error.to_string())?;
        let mut rows = Vec::new();
        while let Some(batch) = asked.next_batch().map_err(|error| error.to_string())? {
            assert_eq!(batch.columns[0].len(), batch.columns[1].len());
            let cells = batch.columns[0].iter().zip(&batch.columns[1]);
            rows.extend(cells.map(|(user, movie)| {
                [user, movie].map(|cell| String::from_utf8(cell.text()).unwrap())
            }));
        }
        Ok(rows)
    }

    #[test]
    fn columns_are_known_by_name_wherever_they_stand_and_by_place_where_all_are_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pairs.csv");
        let due = [["7", "a,b"], ["8", "c"]].map(|row| row.map(String::from));
        for text in [
            "\u{feff}movieId,x,userId\n\"a,b\",1,7\nc,2,8\n",
            "item;user\r\na,b;7\r\nc;8",
        ] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(read(&path).unwrap(), due, "{text}");
        }
        std::fs::write(&path, "7,1\n8,2\n").unwrap();
        assert_eq!(read(&path).unwrap(), [["7", "1"], ["8", "2"]]);
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_gives_all_of_its_bytes() {
        use std::io::Write;
        use std::os::fd::AsRawFd;
        let (reader, mut writer) = std::io::pipe().unwrap();
        writer.write_all(b"user,movie\n7,1\n").unwrap();
        drop(writer);
        let path = PathBuf::from(format!("/dev/fd/{}", reader.as_raw_fd()));
        assert_eq!(read(&path).unwrap(), [["7", "1"]]);
    }

    #[test]
    fn parquet_in_several_files_and_batches_is_read_in_order() {
        let folder = tempfile::tempdir().unwrap();
        for (part, rows) in [(0i64, 0..40_000i64), (1, 40_000..40_003)] {
            let table = Table::new(
                Format::Parquet,
                &[("item", Kind::Text), ("user", Kind::Whole)],
            );
            let mut bytes = Vec::new();
            let mut writer = table.to(&mut bytes).unwrap();
            let texts = rows.clone().map(|row| format!("j{row}")).collect();
            let cells = vec![Cells::Texts(texts), Cells::Whole(rows.collect())];
            writer.put(table.packed(cells)).unwrap();
            writer.finish().unwrap();
            std::fs::write(folder.path().join(format!("part-{part}.parquet")), bytes).unwrap();
        }
        let rows = read(folder.path()).unwrap();
        assert_eq!(rows.len(), 40_003);
        let mut all = rows.iter().enumerate();
        assert!(all.all(|(at, row)| *row == [at.to_string(), format!("j{at}")]));
    }

    #[test]
    fn what_names_no_columns_or_ends_early_is_refused_in_a_sentence() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pairs.csv");
        for (text, said) in [
            ("", "pairs.csv holds no rows"),
            (
                "a,b\n1,2\n",
                "should have columns called user and movie, named in its first line where it is text; it has a, b",
            ),
            (
                "user,movie\n1,2\n3\n",
                "line 3 has no cell 2, which the first line has",
            ),
        ] {
            std::fs::write(&path, text).unwrap();
            let told = read(&path).unwrap_err();
            assert!(told.contains(said), "{told}");
        }
        std::fs::write(&path, b"PAR1 and then nothing").unwrap();
        assert!(read(&path).unwrap_err().contains("is cut or damaged"));
        let told = read(&folder.path().join("none.csv")).unwrap_err();
        assert!(told.contains("none.csv can't be read"), "{told}");
    }
}
