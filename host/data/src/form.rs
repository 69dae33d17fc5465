//! How a file writes its ratings: what stands between fields, and which of them says what.

use super::cells::{self, Separator};
use super::error::shortened;
use super::header::{Header, plain};
use super::json;
use super::known::NAMES;
use super::reading::{Columns, Place, Reading};
use super::scale::GivenScale;
use super::time;

/// How a file writes its ratings, read off its first lines.
#[derive(Debug, Clone, PartialEq)]
pub struct Form {
    /// Between fields.
    pub separator: Separator,
    /// Whether the first line names the columns.
    pub header: bool,
    /// Fields a line.
    pub fields: usize,
    /// Where user, movie and stars stand in a line.
    pub columns: [usize; 3],
    /// Where the time stands, if it is said.
    pub time: Option<usize>,
    /// Lines before the first rating.
    pub lines: usize,
    /// The scale that ratings must be on, if it was given.
    pub scale: Option<GivenScale>,
    /// Which columns were taken for what, where that had to be guessed.
    pub guessed: Option<String>,
    /// What the columns are called where a line is an object of JSON; else nothing.
    pub names: Vec<String>,
}

/// What the columns are called in messages, and by `--columns`.
const ROLES: [(&str, &str); 4] = [
    ("user", "user"),
    ("movie", "item"),
    ("rating", "rating"),
    ("time", "time"),
];

/// The header of GroupLens's own CSV files.
pub const HEADER: &str = "userId,movieId,rating,timestamp";

/// As many lines as [`Form::detect`] looks at.
pub const LINES: usize = 16;

/// A wrong line among the first, and what would be right.
pub type Wrong = (usize, String);

impl Form {
    /// Reads the form off a file's first lines (without line ends and byte order mark), at most [`LINES`].
    ///
    /// # Errors
    /// The number of a line, from 0, and what it should be.
    pub fn detect(first: &[&[u8]], reading: &Reading) -> Result<Form, Wrong> {
        let blank = |line: &[u8]| {
            // Excel's note of the separator, and what KONECT puts before its data.
            line.trim_ascii().is_empty() || line.starts_with(b"sep=") || line.starts_with(b"%")
        };
        let at = first
            .iter()
            .position(|line| !blank(line))
            .unwrap_or_default();
        let line = first.get(at).copied().unwrap_or_default();
        let wrong = |right: String| (at, right);
        if json::begins(line) {
            let names = json::names(first.get(at..).unwrap_or_default()).map_err(wrong)?;
            return Ok(Form {
                header: false,
                names: names.clone(),
                ..Form::named(&names, reading).map_err(wrong)?
            });
        }
        let (separator, cells) = separated(line).ok_or_else(|| {
            wrong("a ratings file has user, movie and rating in each line, separated by commas, semicolons, tabs, bars, spaces or `::`".into())
        })?;
        let next = first
            .get(at + 1..)
            .unwrap_or_default()
            .iter()
            .find(|line| !line.trim_ascii().is_empty());
        let named = |columns: &Columns| {
            columns
                .places()
                .into_iter()
                .flatten()
                .any(|place| matches!(place, Place::Name(_)))
        };
        let header = reading.columns.as_ref().is_some_and(named)
            || is_header(&cells, next.copied(), separator);
        if cells.len() < 3 {
            return Err(wrong(match header {
                true => unknown(&cells, &places(&cells)),
                false => format!(
                    "it has {} fields; a line should have user, movie and rating, as in {}",
                    cells.len(),
                    example(separator)
                ),
            }));
        }
        let (columns, guessed) = match &reading.columns {
            _ if header => by_name(&cells, reading).map_err(wrong)?,
            Some(given) => (chosen(given, &cells, header).map_err(wrong)?, None),
            None => {
                let time = (cells.len() > 3).then_some(3);
                (([0, 1, 2], time), unsaid(separator, cells.len()))
            }
        };
        Ok(Form {
            separator,
            header,
            fields: cells.len(),
            columns: columns.0,
            time: columns.1,
            lines: at + usize::from(header),
            scale: reading.scale,
            guessed,
            names: Vec::new(),
        })
    }

    /// The form of a table whose columns have names.
    ///
    /// # Errors
    /// What there is, and how a person would say which column is what.
    pub fn named(cells: &[String], reading: &Reading) -> Result<Form, String> {
        let ((columns, time), guessed) = by_name(cells, reading)?;
        Ok(Form {
            separator: Separator::Comma,
            header: true,
            fields: cells.len(),
            columns,
            time,
            lines: 0,
            scale: reading.scale,
            guessed,
            names: Vec::new(),
        })
    }

    /// What user, movie, stars and time are called in an object of JSON.
    pub fn wanted(&self) -> [Option<&str>; 4] {
        let [user, movie, rating] = self.columns;
        [Some(user), Some(movie), Some(rating), self.time]
            .map(|at| self.names.get(at?).map(String::as_str))
    }

    /// Whether [`fast`](super::line::fast) knows the order of the columns.
    pub fn is_plain(&self) -> bool {
        self.columns == [0, 1, 2]
            && self.time == Some(3)
            && self.scale.is_none()
            && self.separator != Separator::Blanks
            && self.names.is_empty()
    }

    /// What a line of this form should look like.
    pub fn example(&self) -> String {
        if self.fields == 4 && self.columns == [0, 1, 2] && self.time == Some(3) {
            return example(self.separator);
        }
        let [user, movie, rating] = self.columns.map(|column| column + 1);
        let time = self.time.map_or(String::new(), |time| {
            format!(", time in column {}", time + 1)
        });
        format!(
            "{} fields, with user, movie and rating in columns {user}, {movie} and {rating}{time}",
            self.fields
        )
    }

    /// How a person would say where the columns are, the time's left out.
    pub fn without_time(&self) -> String {
        let [user, movie, rating] = self.columns.map(|at| named(&self.names, at));
        format!("--columns user={user},item={movie},rating={rating}")
    }

    /// What a time should be, and that it may be left out.
    pub fn right_time(&self, cell: &str) -> String {
        format!(
            "the timestamp `{cell}` should be {}; without times, read the file with {}",
            time::RIGHT,
            self.without_time()
        )
    }
}

/// What is between the fields of the first line, and the fields.
fn separated(line: &[u8]) -> Option<(Separator, Vec<String>)> {
    let mut best = None;
    for separator in Separator::ALL {
        let Some(cells) = cells::cells(line, separator) else {
            continue;
        };
        let cells: Vec<String> = cells
            .iter()
            .map(|cell| String::from_utf8_lossy(cell).trim().to_owned())
            .collect();
        // Surprise's Jester has two tabs between fields.
        let doubled =
            separator == Separator::Tab && cells.iter().skip(1).step_by(2).all(String::is_empty);
        if cells.len() >= 3 && !doubled {
            return Some((separator, cells));
        }
        if cells.len() == 2 && best.is_none() {
            best = Some((separator, cells));
        }
    }
    best
}

fn is_number(cell: &str) -> bool {
    cell.trim()
        .replacen(',', ".", 1)
        .parse::<f64>()
        .is_ok_and(f64::is_finite)
}

/// Whether the first line names columns: by a known name, or by having no number where the next line has one.
fn is_header(cells: &[String], next: Option<&[u8]>, separator: Separator) -> bool {
    let known = |cell: &String| {
        NAMES
            .iter()
            .any(|names| names.contains(&plain(cell).as_str()))
    };
    if cells.iter().any(|cell| is_number(cell)) {
        return false;
    }
    let next = next
        .and_then(|line| cells::cells(line, separator))
        .unwrap_or_default();
    cells.iter().any(known)
        || next
            .iter()
            .any(|cell| is_number(&String::from_utf8_lossy(cell)))
}

type Found = [Option<usize>; 4];

/// Where the known names of user, movie, rating and time stand.
fn places(cells: &[String]) -> Found {
    let header = Header::new(cells.iter().map(String::as_str));
    NAMES.map(|names| header.find(names))
}

type Taken = ([usize; 3], Option<usize>);

fn complete(found: Found) -> Option<Taken> {
    let [user, movie, rating, time] = found;
    Some(([user?, movie?, rating?], time))
}

/// The columns of a header: those that a person named, else those that are called like what is needed; with a sentence
/// that says which were taken, where that is a guess.
fn by_name(cells: &[String], reading: &Reading) -> Result<(Taken, Option<String>), String> {
    if let Some(given) = &reading.columns {
        return Ok((chosen(given, cells, true)?, None));
    }
    let found = places(cells);
    let columns = complete(found).ok_or_else(|| unknown(cells, &found))?;
    Ok((columns, said(cells, columns)))
}

/// The columns that a person named.
fn chosen(given: &Columns, cells: &[String], header: bool) -> Result<Taken, String> {
    let seen = || match header {
        true => format!("its columns are {}", list(cells)),
        false => format!("it has {} columns and no header", cells.len()),
    };
    let mut found = [None; 4];
    for (found, place) in found.iter_mut().zip(given.places()) {
        *found = match place {
            None => None,
            Some(Place::Number(number)) if *number <= cells.len() => Some(number - 1),
            Some(Place::Number(number)) => {
                return Err(format!("--columns names column {number}, and {}", seen()));
            }
            Some(Place::Name(name)) => {
                let same = |cell: &String| cell.eq_ignore_ascii_case(name);
                let alike = |cell: &String| !plain(name).is_empty() && plain(cell) == plain(name);
                let at = cells
                    .iter()
                    .position(same)
                    .or_else(|| cells.iter().position(alike));
                match at.filter(|_| header) {
                    Some(at) => Some(at),
                    None => {
                        return Err(format!("--columns names a column `{name}`, and {}", seen()));
                    }
                }
            }
        };
    }
    for (at, place) in found.iter().enumerate() {
        if place.is_some() && found[..at].contains(place) {
            return Err(format!(
                "--columns takes one column for two things: {}",
                seen()
            ));
        }
    }
    complete(found).ok_or_else(seen)
}

/// A table of more columns, whose user is known and nothing else, has a column a movie.
const WIDE: usize = 20;

/// What a header without the needed names has, and how a person would say what is what.
fn unknown(cells: &[String], found: &Found) -> String {
    let missing: Vec<&str> = (ROLES.iter().zip(found))
        .take(3)
        .filter(|(_, place)| place.is_none())
        .map(|((name, _), _)| *name)
        .collect();
    let mut free = (0..cells.len()).filter(|at| !found.contains(&Some(*at)));
    let mut example = Vec::new();
    for ((_, option), place) in ROLES.iter().zip(found).take(3) {
        let Some(at) = place.or_else(|| free.next()) else {
            continue;
        };
        example.push(format!("{option}={}", named(cells, at)));
    }
    let has = format!(
        "it has no column that is known to be the {}; its columns are {}",
        missing.join(" or the "),
        list(cells)
    );
    match example.len() {
        _ if missing == ["movie", "rating"] && cells.len() > WIDE => format!(
            "{has}; where each column is a movie, make a line of each rating, for instance with pandas (`.melt(id_vars=[\"{}\"]).dropna()`)",
            shortened(&cells[found[0].unwrap_or_default()])
        ),
        3 => format!(
            "{has}: name them, for instance --columns {}",
            example.join(",")
        ),
        _ => format!("{has}, and ratings take three: user, movie and rating"),
    }
}

/// A column as `--columns` names it in a sentence: by number where it has no name that stands there as it is.
fn named(names: &[String], at: usize) -> String {
    let awkward = |c: char| c.is_whitespace() || ",=\"'".contains(c) || c.is_control();
    let name = names.get(at).filter(|name| !name.is_empty());
    name.filter(|name| !name.contains(awkward))
        .map_or_else(|| (at + 1).to_string(), String::clone)
}

/// The names of columns, the first dozen.
fn list(cells: &[String]) -> String {
    const SHOWN: usize = 12;
    let names: Vec<String> = cells
        .iter()
        .take(SHOWN)
        .map(|cell| format!("`{}`", shortened(cell)))
        .collect();
    let more = match cells.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    names.join(", ") + &more
}

/// Which columns a header's names were taken for, unless it is one that says it in MovieLens's words or RecBole's.
fn said(cells: &[String], (columns, time): Taken) -> Option<String> {
    let at: Vec<usize> = columns.into_iter().chain(time).collect();
    let usual = ["userid", "movieid", "itemid", "rating", "timestamp"];
    if at
        .iter()
        .all(|at| usual.contains(&plain(&cells[*at]).as_str()))
    {
        return None;
    }
    let each: Vec<String> = ROLES
        .iter()
        .zip(&at)
        .map(|((role, _), at)| format!("`{}` as the {role}", shortened(&cells[*at])))
        .collect();
    Some(format!("Of its columns it takes {}", each.join(", ")))
}

/// What columns without names were taken for, unless the file has the form of a release without a header.
fn unsaid(separator: Separator, fields: usize) -> Option<String> {
    if fields == 4 && matches!(separator, Separator::Tab | Separator::Colons) {
        return None;
    }
    let time = if fields > 3 {
        ", rating and time"
    } else {
        " and rating"
    };
    Some(format!(
        "No header names its columns: the first are taken as user, movie{time}"
    ))
}

fn example(separator: Separator) -> String {
    match separator {
        Separator::Tab => {
            "user, movie, rating and timestamp with a tab between, such as `196\t242\t3\t881250949`"
                .into()
        }
        Separator::Blanks => {
            "user, movie, rating and timestamp with a space between, such as `196 242 3 881250949`"
                .into()
        }
        _ => {
            let sep = separator.text();
            format!(
                "`user{sep}movie{sep}rating{sep}timestamp`, such as `1{sep}122{sep}3.5{sep}1112486027`"
            )
        }
    }
}

#[cfg(test)]
#[path = "form_tests.rs"]
mod tests;
