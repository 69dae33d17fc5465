//! Movies as answers show them: one by its title, many as a list.

use std::fmt;

use pocketrec::model::Interval;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::table::Table;
use super::{Escaped, kept};
use pocketrec_data::Titles;
use pocketrec_link::lists;

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

/// A list of movies in some order, each with the same numbers. The first is what the list is sorted by.
///
/// As JSON it is a list of objects: `rank` from 1, a member for each number by its name in small letters, `likely` where
/// that is known, and the members of a [`Movie`].
#[derive(Debug, Clone, PartialEq)]
pub struct Movies {
    numbers: Vec<&'static str>,
    entries: Vec<Listed>,
}

/// A movie of a list, its numbers, and between which stars a rating of it is likely to be.
type Listed = (Movie, Vec<f32>, Option<Interval>);

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
        self.push_likely(movie, numbers, None);
    }

    /// As [`push`](Self::push), with the stars between which a rating of it is likely to be, where they are known.
    pub fn push_likely(&mut self, movie: Movie, numbers: &[f32], likely: Option<Interval>) {
        self.entries.push((movie, numbers.to_vec(), likely));
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The list as lines: its table, or a sentence where there is nothing in it.
    pub fn text(&self) -> String {
        match self.is_empty() {
            true => "No movie is left\n".into(),
            false => self.table().text(),
        }
    }

    /// The list as a table: rank, numbers, what ratings are likely to be where that is known, title, genres and id.
    pub fn table(&self) -> Table {
        let first = self
            .entries
            .first()
            .map_or(&[][..], |(_, numbers, _)| numbers);
        let line = |(movie, numbers, interval): &Listed| {
            let named = self.numbers.iter().zip(numbers).zip(first);
            let numbers = named.map(|((name, value), first)| lists::cell(name, *value, *first));
            let shown = [
                movie.to_string(),
                movie.genres.join(", "),
                movie.id.to_string(),
            ];
            (numbers.collect(), *interval, shown)
        };
        lists::table(
            &self.numbers,
            &self.entries.iter().map(line).collect::<Vec<_>>(),
        )
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
    entry: &'a Listed,
}

impl Serialize for Entry<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let (movie, values, likely) = self.entry;
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("rank", &self.rank)?;
        for (name, value) in self.numbers.iter().zip(values) {
            map.serialize_entry(&name.to_lowercase(), value)?;
        }
        if let Some(likely) = likely {
            map.serialize_entry("likely", likely)?;
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
 1  100 %   0.00  A\\u{1b}[31m\\nB (1999)  Drama    7
 2   95 %   4.50  movie 42                       42
"
        );
    }

    #[test]
    fn a_list_without_movies_is_a_sentence_and_one_without_genres_has_no_column_of_them() {
        assert_eq!(Movies::with(&["Stars"]).text(), "No movie is left\n");
        let mut list = Movies::with(&["Stars"]);
        list.push(Movie::of(&Titles::default(), 42), &[4.5]);
        assert_eq!(
            list.table().fitting(100),
            "    Stars  Movie     Id
 ──────────────────────
 1   4.50  movie 42  42
"
        );
    }

    #[test]
    fn where_it_is_known_a_list_says_between_which_stars_ratings_are_likely() {
        let mut list = list();
        let likely = Interval {
            low: 3.04,
            high: 5.0,
        };
        list.push_likely(Movie::of(&Titles::default(), 1), &[4.0, 4.0], Some(likely));
        let text = list.table().fitting(100);
        assert!(text.contains("Stars  Likely      Movie"), "{text}");
        assert!(text.contains("4.00  3.0 to 5.0  movie 1"), "{text}");
        let json = serde_json::to_value(list).unwrap();
        assert_eq!(json[2]["likely"]["high"], 5.0);
        assert_eq!(json[0].get("likely"), None);
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
