//! Tables of own ratings, read by the names of their columns.

use std::path::Path;

use super::super::header::{Header, Records, YEARS};
use super::super::movies::number;
use super::film::{Film, Origin, Own, OwnRating};
use super::when::when;
use pocketrec_base::error::BadInput;
use pocketrec_base::print::number::{count, was};

/// What columns are called, in small letters without signs; the first of a list that is there is taken.
const IDS: [&str; 4] = ["movieid", "movielensid", "itemid", "id"];
const IMDB: [&str; 5] = ["const", "imdbid", "imdb", "tconst", "url"];
const TMDB: [&str; 3] = ["tmdbid", "tmdb", "themoviedbid"];
const TITLES: [&str; 5] = ["title", "name", "movietitle", "moviename", "film"];
const RATINGS: [&str; 8] = [
    "rating",
    "yourrating",
    "myrating",
    "userrating",
    "traktrating",
    "stars",
    "score",
    "rating10",
];
const TIMES: [&str; 9] = [
    "timestamp",
    "daterated",
    "ratedat",
    "rateddate",
    "date",
    "unixtimestamp",
    "time",
    "datetime",
    "lastratedat",
];
const USERS: [&str; 3] = ["userid", "user", "username"];
const KINDS: [&str; 2] = ["titletype", "type"];

/// Where a table has what.
#[derive(Debug, Clone, Default)]
struct Columns {
    id: Option<usize>,
    imdb: Option<usize>,
    tmdb: Option<usize>,
    title: Option<usize>,
    original: Option<usize>,
    year: Option<usize>,
    rating: usize,
    time: Option<usize>,
    user: Option<usize>,
    kind: Option<usize>,
}

/// What a file's first line is.
enum First {
    Header(Columns, Origin),
    /// A rating itself: an id and stars.
    Rating,
}

impl First {
    fn of(record: &csv::StringRecord) -> Option<First> {
        let names = Header::new(record);
        let find = |known: &[&str]| names.find(known);
        let mut columns = Columns {
            id: find(&IDS),
            imdb: find(&IMDB),
            tmdb: find(&TMDB),
            title: find(&TITLES),
            original: find(&["originaltitle"]),
            year: find(&YEARS),
            rating: 0,
            time: find(&TIMES),
            user: find(&USERS),
            kind: find(&KINDS),
        };
        let Some(rating) = find(&RATINGS) else {
            // A release's line without its header would be read as a rating by its user's id.
            let plain = record.len() == 2
                && record.get(0).and_then(number).is_some()
                && record.get(1).and_then(stars).is_some();
            return plain.then_some(First::Rating);
        };
        columns.rating = rating;
        let has = |name: &str| names.has(name);
        let origin = if has("letterboxduri") {
            Origin::Letterboxd
        } else if has("const") || has("tconst") {
            Origin::Imdb
        } else if names.has_start("trakt") || has("ratedat") {
            Origin::Trakt
        } else if columns.id.is_some() {
            Origin::Ids
        } else if columns.title.is_some() || columns.imdb.is_some() || columns.tmdb.is_some() {
            Origin::Other
        } else {
            return None;
        };
        if origin != Origin::Ids && !has("movieid") {
            // Another site's own number.
            columns.id = None;
        }
        let named = [columns.id, columns.title, columns.imdb, columns.tmdb];
        named.into_iter().flatten().next()?;
        Some(First::Header(columns, origin))
    }
}

/// Reads a table.
///
/// # Errors
/// [`BadInput`] that names the line that isn't a rating.
pub fn read(text: &str, path: &Path) -> Result<Own, BadInput> {
    let shown = path.display();
    let mut records = Records::new(text, separator(text));
    let mut record = csv::StringRecord::new();
    let mut own = Own {
        origin: Origin::Ids,
        ratings: Vec::new(),
        notes: Vec::new(),
    };
    let mut columns = None;
    let (mut unrated, mut shows) = (0, 0);
    while let Some((line, _)) = records.read(&mut record) {
        let columns = match &columns {
            Some(columns) => columns,
            None => match First::of(&record) {
                Some(First::Header(found, origin)) => {
                    own.origin = origin;
                    columns = Some(found);
                    continue;
                }
                Some(First::Rating) => columns.insert(Columns {
                    id: Some(0),
                    rating: 1,
                    ..Columns::default()
                }),
                None => {
                    return Err(BadInput::new(format!(
                        "{shown} line {line} should be a header that names a movie and a rating, such as \
                         `movieId,rating` or `Title,Year,Rating`, or a movie's id and stars, such as `1,4.5`"
                    )));
                }
            },
        };
        let cell = |column: Option<usize>| {
            let cell = record.get(column?)?.trim();
            (!cell.is_empty()).then_some(cell)
        };
        let movie = |kind: &str| {
            let kind: String = kind.chars().filter(|c| c.is_alphabetic()).collect();
            let kind = kind.to_lowercase();
            !matches!(
                kind.as_str(),
                "tvseries"
                    | "tvepisode"
                    | "tvminiseries"
                    | "videogame"
                    | "show"
                    | "season"
                    | "episode"
            )
        };
        if !cell(columns.kind).is_none_or(movie) {
            shows += 1;
            continue;
        }
        let Some(rating) = cell(Some(columns.rating)) else {
            if own.origin == Origin::Ids {
                return Err(bad(path, line, columns));
            }
            unrated += 1;
            continue;
        };
        let film = Film {
            id: cell(columns.id).and_then(number),
            imdb: cell(columns.imdb).and_then(imdb),
            tmdb: cell(columns.tmdb).and_then(number),
            title: cell(columns.title).map(str::to_owned),
            original: cell(columns.original).map(str::to_owned),
            year: cell(columns.year)
                .and_then(number)
                .and_then(|year| year.try_into().ok()),
        };
        let named = match own.origin {
            Origin::Ids => film.id.is_some(),
            _ => {
                film != Film {
                    year: film.year,
                    ..Film::default()
                }
            }
        };
        let Some(stars) = stars(rating).filter(|_| named) else {
            return Err(bad(path, line, columns));
        };
        own.ratings.push(OwnRating {
            line,
            user: columns
                .user
                .and_then(|column| record.get(column))
                .map(|user| user.trim().to_owned()),
            film,
            stars,
            when: cell(columns.time).and_then(when),
        });
    }
    if unrated > 0 {
        own.notes.push(format!(
            "{} without a rating {} left out",
            count(unrated, "line"),
            was(unrated)
        ));
    }
    if shows > 0 {
        own.notes.push(format!(
            "{} about series, episodes and games {} left out",
            count(shows, "line"),
            was(shows)
        ));
    }
    Ok(own)
}

fn bad(path: &Path, line: u64, columns: &Columns) -> BadInput {
    let shown = path.display();
    BadInput::new(match columns.id {
        Some(_) => {
            format!("{shown} line {line} should be a movie's id and stars, such as `1,4.5`")
        }
        None => format!(
            "{shown} line {line} should have a film's title and a rating, such as `Alien` and `4.5`"
        ),
    })
}

/// The separator of the first line: whatever stands there most often.
fn separator(text: &str) -> u8 {
    let first = text
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default();
    let count = |separator: u8| first.bytes().filter(|byte| *byte == separator).count();
    // The first of equals, and a comma where there is none.
    let mut best = b',';
    for other in *b"\t;|" {
        if count(other) > count(best) {
            best = other;
        }
    }
    best
}

/// A number of stars; `4,5` where a comma is the decimal point.
fn stars(text: &str) -> Option<f32> {
    let stars: f32 = text.trim().replace(',', ".").parse().ok()?;
    stars.is_finite().then_some(stars)
}

/// The number in `tt0111161`, in an address with it, or alone.
pub fn imdb(text: &str) -> Option<u32> {
    let digits = match text.find("tt") {
        Some(at) => &text[at + 2..],
        None => text,
    };
    let end = digits
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(digits.len());
    digits[..end].parse().ok()
}
