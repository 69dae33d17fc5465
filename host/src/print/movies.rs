//! Movies as answers show them: one by its title, many as a list.

use std::fmt;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::table::{Column, Table};
use super::{Escaped, kept, number};
use pocketrec_data::Titles;

/// A movie. Displays as its title, or as `movie 42` where none is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Movie {
    /// MovieLens id.
    pub id: u32,
    /// Title as the data has it; nothing where none is known.
    pub title: Option<String>,
    /// Genres, in the data's order.
    pub genres: Vec<String>,
}

impl Movie {
    /// The movie with that id, and what is known of it.
    pub fn of(titles: &Titles, id: u32) -> Self {
        let known = titles.get(id);
        Self {
            id,
            title: known.map(|movie| movie.title.clone()),
            genres: known.map_or_else(Vec::new, |movie| movie.genres.clone()),
        }
    }
}

impl fmt::Display for Movie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.title {
            Some(title) => Escaped(kept(title)).fmt(f),
            None => write!(f, "movie {}", self.id),
        }
    }
}

/// What a list's column `Score` is.
pub const SCORE: &str =
    "Score is predicted stars, plus what a movie's popularity and the user's latest ratings add";

/// A list of movies in some order, each with the same numbers. The first is what the list is sorted by.
///
/// As JSON it is a list of objects: `rank` from 1, a member for each number by its name in small letters, and the
/// members of a [`Movie`].
#[derive(Debug, Clone, PartialEq)]
pub struct Movies {
    numbers: Vec<&'static str>,
    entries: Vec<(Movie, Vec<f32>)>,
}

impl Movies {
    /// An empty list with those numbers, by the titles of their columns, such as `Stars`.
    pub fn with(numbers: &[&'static str]) -> Self {
        Self {
            numbers: numbers.to_vec(),
            entries: Vec::new(),
        }
    }

    /// Adds a movie behind the others, with as many numbers as the list has.
    pub fn push(&mut self, movie: Movie, numbers: &[f32]) {
        self.entries.push((movie, numbers.to_vec()));
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The list as a table: rank, numbers, title, genres and id.
    pub fn table(&self) -> Table {
        let numbers = self.numbers.iter().map(|name| Column::number(*name));
        let columns: Vec<Column> = std::iter::once(Column::number(""))
            .chain(numbers)
            .chain([
                Column::text("Movie"),
                Column::extra("Genres"),
                Column::number("Id"),
            ])
            .collect();
        let mut table = Table::new(columns);
        for (rank, (movie, numbers)) in (1..).zip(&self.entries) {
            let rank = std::iter::once(format!("{rank}"));
            let names = self.numbers.iter();
            let numbers = numbers.iter().zip(names).map(|(value, name)| {
                // A count has no decimals.
                number::fixed(*value, if *name == "Ratings" { 0 } else { 2 })
            });
            table.row(rank.chain(numbers).chain([
                movie.to_string(),
                movie.genres.join(", "),
                movie.id.to_string(),
            ]));
        }
        table
    }
}

impl Serialize for Movies {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq((1..).zip(&self.entries).map(|(rank, entry)| Entry {
            rank,
            numbers: &self.numbers,
            entry,
        }))
    }
}

/// One movie of a list, as JSON.
struct Entry<'a> {
    rank: usize,
    numbers: &'a [&'static str],
    entry: &'a (Movie, Vec<f32>),
}

impl Serialize for Entry<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let (movie, values) = self.entry;
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("rank", &self.rank)?;
        for (name, value) in self.numbers.iter().zip(values) {
            map.serialize_entry(&name.to_lowercase(), value)?;
        }
        map.serialize_entry("id", &movie.id)?;
        map.serialize_entry("title", &movie.title)?;
        map.serialize_entry("genres", &movie.genres)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list() -> Movies {
        let titles = Titles::new(vec![pocketrec_data::Movie {
            id: 7,
            title: "A\u{1b}[31m\nB (1999)".into(),
            genres: vec!["Drama".into()],
            ratings: 0,
        }]);
        let mut list = Movies::with(&["Score", "Stars"]);
        list.push(Movie::of(&titles, 7), &[4.75, -0.001]);
        list.push(Movie::of(&titles, 42), &[4.5, 4.5]);
        list
    }

    #[test]
    fn a_list_is_shown_with_its_numbers_and_no_title_steers_the_terminal() {
        assert_eq!(
            list().table().fitting(100),
            "    Score  Stars  Movie                  Genres  Id
 ──────────────────────────────────────────────────
 1   4.75   0.00  A\\u{1b}[31m\\nB (1999)  Drama    7
 2   4.50   4.50  movie 42                       42
"
        );
    }

    #[test]
    fn json_has_the_same_and_titles_as_they_are() {
        assert_eq!(
            serde_json::to_value(list()).unwrap(),
            serde_json::json!([
                {"rank": 1, "score": 4.75, "stars": -0.001_f32, "id": 7,
                    "title": "A\u{1b}[31m\nB (1999)", "genres": ["Drama"]},
                {"rank": 2, "score": 4.5, "stars": 4.5, "id": 42, "title": null, "genres": []}
            ])
        );
    }
}
