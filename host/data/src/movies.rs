//! Readers of titles files: `movies.csv`, `movies.dat`, `u.item`, and tables of other origin that name an id and a
//! title.

use std::ops::RangeInclusive;
use std::path::Path;

use super::decode::{Decoded, decode};
use super::error::shortened;
use super::error::{BadLine, DataError};
use super::header::{Header, Records, YEARS};
use super::known;
use super::search::{Movie, Titles};

/// The columns of flags in `u.item`, in order.
const U_ITEM_GENRES: [&str; 19] = [
    "unknown",
    "Action",
    "Adventure",
    "Animation",
    "Children's",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Fantasy",
    "Film-Noir",
    "Horror",
    "Musical",
    "Mystery",
    "Romance",
    "Sci-Fi",
    "Thriller",
    "War",
    "Western",
];

/// What columns of ids, titles, genres and years are called, in small letters without signs; the first of a list that
/// is there is taken.
const IDS: [&str; 7] = ["movieid", "itemid", "filmid", "id", "movie", "item", "isbn"];
const TITLES: [&str; 9] = [
    "title",
    "movietitle",
    "name",
    "moviename",
    "itemname",
    "primarytitle",
    "booktitle",
    "originaltitle",
    "film",
];
const GENRES: [&str; 4] = ["genres", "genre", "class", "categories"];

/// Titles that were read, and what a person should know of them.
#[derive(Debug, Default)]
pub struct Listed {
    /// The titles.
    pub titles: Titles,
    /// A sentence each: lines that were left out, letters that were guessed.
    pub notes: Vec<String>,
}

/// Reads the titles in `bytes`, whose form is told by their first line; `path` is for messages, and `id` gives the id
/// that a text stands for.
///
/// Text that isn't UTF-8 is Windows-1252. Lines that aren't movies are left out, and told.
///
/// # Errors
/// [`DataError::Line`] with the first line that isn't a movie, if none is, or that isn't a header.
pub fn read(
    bytes: &[u8],
    path: &Path,
    id: &dyn Fn(&str) -> Option<u32>,
) -> Result<Listed, DataError> {
    let decoded = decode(bytes);
    let first = decoded.text.lines().find(|line| !line.trim().is_empty());
    let Some(form) = Form::of(first.unwrap_or_default()) else {
        let number = decoded
            .text
            .lines()
            .take_while(|line| line.trim().is_empty());
        return Err(DataError::Line(BadLine::new(
            path,
            number.count() as u64 + 1,
            first.unwrap_or_default().as_bytes(),
            "it should be a header that names the columns of a movie's id and its title, such as `movieId,title,genres`",
        )));
    };
    let old = matches!(form, Form::Item | Form::Colons);
    let mut reader = Reader {
        path,
        id,
        movies: Vec::new(),
        bad: None,
        bad_count: 0,
    };
    match form {
        Form::Item => reader.lines(&decoded.text, u_item),
        Form::Colons => reader.lines(&decoded.text, movies_dat),
        Form::Table(table) => reader.table(&decoded.text, table),
    }
    let mut notes = Vec::new();
    // The releases of before 2009 are in ISO-8859-1 as a whole.
    if decoded.lines > 0 && (decoded.mixed || !old) {
        notes.push(told_letters(path, &decoded));
    }
    if let Some(bad) = reader.bad {
        if reader.movies.is_empty() {
            return Err(DataError::Line(bad));
        }
        let count = match reader.bad_count {
            1 => "1 line isn't a movie and was left out".to_owned(),
            count => format!("{count} lines aren't movies and were left out, the first of them"),
        };
        notes.push(format!("{count}: {bad}"));
    }
    Ok(Listed {
        titles: Titles::new(reader.movies),
        notes,
    })
}

/// The id that a whole number stands for; `1.0`, as some programs write it, is 1.
pub fn number(text: &str) -> Option<u32> {
    let text = text.trim();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let zeros = fraction.bytes().all(|b| b == b'0');
    (zeros && whole.bytes().all(|b| b.is_ascii_digit()))
        .then(|| whole.parse().ok())
        .flatten()
}

fn told_letters(path: &Path, decoded: &Decoded) -> String {
    let lines = match decoded.lines {
        1 => "1 line".to_owned(),
        lines => format!("{lines} lines"),
    };
    format!(
        "{}: {lines} with letters that aren't UTF-8, read as Windows-1252, from line {} on",
        path.display(),
        decoded.first
    )
}

/// How a titles file is written.
enum Form {
    /// `u.item`: 24 fields with bars between.
    Item,
    /// `movies.dat`: id, title and genres with two colons between.
    Colons,
    /// A table.
    Table(Table),
}

/// Where a table has what.
#[derive(Debug, Clone, Copy)]
struct Table {
    separator: u8,
    id: usize,
    title: usize,
    genres: Option<usize>,
    year: Option<usize>,
    ratings: Option<usize>,
    /// Whether the first line names the columns.
    header: bool,
}

impl Form {
    /// The form of a file that starts with this line.
    fn of(first: &str) -> Option<Form> {
        let tables = b",;\t|".map(|separator| (separator, cells(first, separator)));
        let named = tables
            .iter()
            .find_map(|(separator, cells)| Table::named(*separator, cells));
        if let Some(table) = named {
            return Some(Form::Table(table));
        }
        if first.contains("::") {
            return Some(Form::Colons);
        }
        // Without a header the first line is a movie.
        let numbered = tables.iter().find(|(_, cells)| {
            cells.len() >= 2 && number(&cells[0]).is_some() && number(&cells[1]).is_none()
        });
        let (separator, cells) = numbered?;
        if *separator == b'|' {
            return Some(Form::Item);
        }
        Some(Form::Table(Table {
            separator: *separator,
            id: 0,
            title: 1,
            genres: (cells.len() > 2).then_some(2),
            year: None,
            ratings: None,
            header: false,
        }))
    }
}

/// The cells of a line, quotes aside.
fn cells(line: &str, separator: u8) -> Vec<String> {
    let mut record = csv::StringRecord::new();
    match Records::new(line, separator).read(&mut record) {
        Some(_) => record.iter().map(str::to_owned).collect(),
        None => Vec::new(),
    }
}

impl Table {
    /// The table whose columns have these names, if a movie's id and title are among them.
    fn named(separator: u8, header: &[String]) -> Option<Table> {
        let names = Header::new(header.iter().map(String::as_str));
        let find = |known: &[&str]| names.find(known);
        // Or as ratings call what is rated, but for what may be a title.
        let rated = known::MOVIES.iter().copied();
        let rated: Vec<&str> = rated.filter(|name| !TITLES.contains(name)).collect();
        Some(Table {
            separator,
            id: find(&IDS).or_else(|| find(&rated))?,
            title: find(&TITLES)?,
            genres: find(&GENRES),
            year: find(&YEARS),
            ratings: find(&["ratings"]),
            header: true,
        })
    }

    fn movie(
        &self,
        record: &csv::StringRecord,
        id: &dyn Fn(&str) -> Option<u32>,
    ) -> Result<Movie, String> {
        let (Some(own), Some(title)) = (record.get(self.id), record.get(self.title)) else {
            return Err(format!(
                "it has {} fields, and its title should be in field {}",
                record.len(),
                self.title + 1
            ));
        };
        let cell = |column: Option<usize>| column.and_then(|column| record.get(column));
        let id = id(own).ok_or_else(|| bad_id(own))?;
        let year = cell(self.year).and_then(number);
        let genres = cell(self.genres).unwrap_or_default();
        let mut movie = movie(id, title, year, genres);
        let ratings = cell(self.ratings).and_then(|count| count.trim().parse().ok());
        movie.ratings = ratings.unwrap_or_default();
        Ok(movie)
    }
}

/// The years that films are of.
pub const FILMS: RangeInclusive<u32> = 1870..=2100;

/// The movie that a title, a year and genres with bars or commas between are of, without ratings. Its title is one line,
/// with the year behind it where it has none and the year may be a film's.
pub fn movie(id: u32, title: &str, year: Option<u32>, genres: &str) -> Movie {
    let mut title = tidy(title);
    if let Some(year) = year.filter(|year| FILMS.contains(year))
        && !title.ends_with(')')
    {
        title = format!("{title} ({year})");
    }
    Movie {
        id,
        title,
        genres: split_genres(genres),
        ratings: 0,
    }
}

/// A title in one line.
fn tidy(title: &str) -> String {
    let title = title.trim();
    match title.contains(['\n', '\r', '\t']) {
        true => title.split_whitespace().collect::<Vec<_>>().join(" "),
        false => title.to_owned(),
    }
}

/// What is read, and what couldn't be.
struct Reader<'a> {
    path: &'a Path,
    id: &'a dyn Fn(&str) -> Option<u32>,
    movies: Vec<Movie>,
    bad: Option<BadLine>,
    bad_count: u64,
}

/// A line's id, title and genres with bars between.
type Fields<'a> = (&'a str, String, String);

impl Reader<'_> {
    fn take(&mut self, number: u64, line: &str, movie: Result<Movie, String>) {
        match movie {
            Ok(movie) => self.movies.push(movie),
            Err(reason) => {
                self.bad_count += 1;
                let bad = || BadLine::new(self.path, number, line.as_bytes(), reason);
                self.bad.get_or_insert_with(bad);
            }
        }
    }

    fn lines(&mut self, text: &str, parse: fn(&str) -> Result<Fields<'_>, String>) {
        for (number, line) in (1..).zip(text.lines()) {
            if line.trim().is_empty() {
                continue;
            }
            let movie = parse(line).and_then(|(number, title, genres)| {
                let id = (self.id)(number).ok_or_else(|| bad_id(number))?;
                Ok(movie(id, &title, None, &genres))
            });
            self.take(number, line, movie);
        }
    }

    fn table(&mut self, text: &str, table: Table) {
        let mut records = Records::new(text, table.separator);
        let mut record = csv::StringRecord::new();
        let mut header = table.header;
        while let Some((number, line)) = records.read(&mut record) {
            if !std::mem::take(&mut header) {
                let movie = table.movie(&record, self.id);
                self.take(number, line, movie);
            }
        }
    }
}

fn u_item(line: &str) -> Result<Fields<'_>, String> {
    let fields: Vec<&str> = line.split('|').collect();
    // A title might hold a bar: the flags are counted from the end.
    if fields.len() < 24 {
        return Err(format!(
            "it has {} fields; a line should have 24 with `|` between, such as `1|Toy Story (1995)|01-Jan-1995||…`",
            fields.len()
        ));
    }
    let flags = &fields[fields.len() - 19..];
    let title = fields[1..fields.len() - 22].join("|");
    let genres = U_ITEM_GENRES
        .iter()
        .zip(flags)
        .filter(|(_, flag)| **flag == "1")
        .map(|(genre, _)| *genre);
    Ok((fields[0], title, genres.collect::<Vec<_>>().join("|")))
}

fn movies_dat(line: &str) -> Result<Fields<'_>, String> {
    let right =
        "a line should be `movie::title::genres`, such as `1::Toy Story (1995)::Animation|Comedy`";
    let (number, rest) = line.split_once("::").ok_or(right)?;
    let (title, genres) = rest.rsplit_once("::").ok_or(right)?;
    Ok((number, title.to_owned(), genres.to_owned()))
}

fn bad_id(field: &str) -> String {
    format!(
        "the movie id `{}` should be one of the ratings, a whole number of at most {}",
        shortened(field),
        u32::MAX
    )
}

fn split_genres(field: &str) -> Vec<String> {
    if field.starts_with("(no genres") {
        return Vec::new();
    }
    let separator = if field.contains('|') { '|' } else { ',' };
    field
        .split(separator)
        .map(str::trim)
        .filter(|genre| !genre.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
#[path = "movies_tests.rs"]
mod tests;
