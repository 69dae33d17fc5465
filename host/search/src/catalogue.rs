//! Movies by title and year, for lists of titles that other sites write: many look-ups, each of a whole title.

use std::collections::HashMap;

use super::fold::{self, Folder};
use super::names;
use super::titles::Titles;

/// A movie's id and year.
type Movie = (u32, Option<u16>);

/// All titles, by their names and by the parts of these.
pub struct Catalogue {
    names: HashMap<String, Vec<Movie>>,
    parts: HashMap<String, Vec<Movie>>,
}

impl Catalogue {
    /// Folds all titles: some microseconds each.
    pub fn new(titles: &Titles) -> Self {
        let mut catalogue = Catalogue {
            names: HashMap::new(),
            parts: HashMap::new(),
        };
        let mut folder = Folder::default();
        for movie in titles.movies() {
            let parsed = names::parse(&movie.title);
            let put = |map: &mut HashMap<String, Vec<Movie>>, key: String| {
                let movies = map.entry(key).or_default();
                if !movies.contains(&(movie.id, parsed.year)) {
                    movies.push((movie.id, parsed.year));
                }
            };
            for name in &parsed.names {
                put(&mut catalogue.names, key(&mut folder, name.body));
                for part in name.parts() {
                    put(&mut catalogue.parts, key(&mut folder, part));
                }
            }
        }
        catalogue
    }

    /// The movie of that title and year, which may be one off: sites date a film by its first showing or by its
    /// release. Nothing where several would do.
    pub fn find(&self, title: &str, year: Option<u16>) -> Option<u32> {
        let parsed = names::parse(title);
        let year = year.or(parsed.year);
        let mut folder = Folder::default();
        let keys: Vec<String> = parsed
            .names
            .iter()
            .map(|name| key(&mut folder, name.body))
            .filter(|key| !key.is_empty())
            .collect();
        let of = |map: &HashMap<String, Vec<Movie>>, off: u16| {
            let mut ids: Vec<u32> = keys
                .iter()
                .filter_map(|key| map.get(key))
                .flatten()
                .filter(|(_, is)| match (year, *is) {
                    (Some(year), Some(is)) => year.abs_diff(is) <= off,
                    _ => true,
                })
                .map(|(id, _)| *id)
                .collect();
            ids.sort_unstable();
            ids.dedup();
            ids
        };
        for (map, off) in [(&self.names, 0), (&self.names, 1), (&self.parts, 0)] {
            match of(map, off).as_slice() {
                [] => {}
                [only] => return Some(*only),
                _ => return None,
            }
        }
        None
    }
}

/// The words of a name run together, without articles, numbers as digits.
fn key(folder: &mut Folder, name: &str) -> String {
    let mut key = String::new();
    let mut articles = String::new();
    folder.words(name, |word| {
        let word = fold::spelling(word);
        match (word, fold::number(word)) {
            ("the" | "a" | "an", _) => articles.push_str(word),
            // `I` and `X` are words too, and `one`; but so they are on both sides.
            (_, Some(number)) => key.push_str(&number.to_string()),
            _ => key.push_str(word),
        }
    });
    match key.is_empty() {
        true => articles,
        false => key,
    }
}
