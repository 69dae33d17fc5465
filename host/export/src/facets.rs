//! The tables of genres and years: optional, so that a reader that doesn't know them lists all movies.

use std::collections::{BTreeMap, BTreeSet};

use pocketrec::image::TableKind as K;
use pocketrec::image::builder::OwnedTable;
use pocketrec::model::facets::{BETWEEN, MAX_GENRES, MAX_NAMES, MAX_SETS, PAIR, YEARS};
use pocketrec_data::{Titles, search};

/// The name of the only genre where no movie has any, for an image names one at least.
const NOTHING: &str = "(no genres)";

/// Genres and years of a model's movies, by their rows in the checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facets {
    names: Vec<String>,
    movies: Vec<(u32, Option<u16>)>,
}

impl Facets {
    /// Those of the movies of these ids, by their titles; none where no title says a genre or a year.
    ///
    /// # Errors
    ///
    /// What an image can't hold, as the end of a sentence: more than 32 genres, names of theirs of more than 4,096 bytes, or 4,096
    /// different sets of them.
    pub fn new(titles: &Titles, ids: &[u32]) -> Result<Option<Self>, String> {
        let movies: Vec<_> = ids.iter().map(|id| titles.get(*id)).collect();
        let genres = movies.iter().flatten().flat_map(|movie| &movie.genres);
        let names: BTreeSet<&str> = genres.map(String::as_str).collect();
        if names.len() > MAX_GENRES {
            return Err(format!(
                "there are {} genres, and an image has room for {MAX_GENRES}",
                names.len()
            ));
        }
        let names: Vec<&str> = names.into_iter().collect();
        let bit = |genre: &String| match names.binary_search(&genre.as_str()) {
            Ok(at) => 1 << at,
            Err(_) => 0,
        };
        let movies: Vec<(u32, Option<u16>)> = (movies.iter())
            .map(|movie| match movie {
                Some(movie) => (
                    movie.genres.iter().map(bit).fold(0, |all, bit| all | bit),
                    search::year(&movie.title),
                ),
                None => (0, None),
            })
            .collect();
        if movies.iter().all(|movie| *movie == (0, None)) {
            return Ok(None);
        }
        let sets: BTreeSet<u32> = movies.iter().map(|(genres, _)| *genres).collect();
        if sets.len() > MAX_SETS {
            return Err(format!(
                "movies have {} different sets of genres, and an image has room for {MAX_SETS}",
                sets.len()
            ));
        }
        let mut names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        if names.is_empty() {
            names.push(NOTHING.to_owned());
        }
        let bytes = names.iter().map(|name| name.len() + 1).sum::<usize>() - 1;
        if bytes > MAX_NAMES {
            return Err(format!(
                "the names of genres take {bytes} bytes, and an image has room for {MAX_NAMES}"
            ));
        }
        Ok(Some(Self { names, movies }))
    }

    /// The tables for movies of these rows: 2.5 bytes each, and 4 for each set of genres. Years of more than 254 before
    /// the latest are left out.
    pub(super) fn tables(&self, rows: &[usize]) -> [OwnedTable; 4] {
        let movies: Vec<_> = rows.iter().map(|row| self.movies[*row]).collect();
        let sets: BTreeSet<u32> = movies.iter().map(|(genres, _)| *genres).collect();
        let places: BTreeMap<u32, u16> = sets.iter().copied().zip(0..).collect();
        let years = || movies.iter().filter_map(|(_, year)| *year);
        let latest = years().max().unwrap_or(1);
        let reach = latest.saturating_sub(YEARS - 1).max(1);
        let first = years().filter(|year| *year >= reach).min().unwrap_or(1);
        let first = first.min(u16::MAX - YEARS);
        let byte = |year: Option<u16>| match year {
            Some(year) if year >= first => u8::try_from(year - first + 1).unwrap_or(0),
            _ => 0,
        };
        let pairs = movies.chunks(2).flat_map(|pair| -> [u8; PAIR] {
            let [one, other] = [0, 1].map(|at| match pair.get(at) {
                Some((genres, year)) => (places[genres], byte(*year)),
                None => (0, 0),
            });
            let high = (one.0 >> 8) as u8 | ((other.0 >> 8) as u8) << 4;
            [one.1, one.0 as u8, other.1, other.0 as u8, high]
        });
        let pairs: Vec<u8> = pairs.collect();
        let sets: Vec<u32> = sets.into_iter().collect();
        let names = self.names.join(&BETWEEN.to_string());
        [
            OwnedTable::of(K::MovieFacets, pairs.len() / PAIR, &pairs),
            OwnedTable::of(K::GenreSets, sets.len(), &sets),
            OwnedTable::of(K::GenreNames, 1, names.as_bytes()),
            OwnedTable::of(K::FirstYear, 1, &[u32::from(first)]),
        ]
        .map(OwnedTable::optional)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::tests::{checkpoint, options};
    use crate::{Chosen, Precision, build};
    use pocketrec::model::{Model, Wanted};
    use pocketrec_data::{Movie, builtin};
    use pocketrec_train::ModelKind;
    use std::sync::Arc;

    fn movie(id: u32, title: &str, genres: &[&str]) -> Movie {
        Movie {
            id,
            title: title.into(),
            genres: genres.iter().map(|genre| (*genre).to_owned()).collect(),
            ratings: 1,
        }
    }

    #[test]
    fn the_built_in_movies_keep_their_genres_and_years_in_less_than_three_bytes_each() {
        let data = builtin::load();
        let ids = &data.ratings.movie_ids;
        let facets = Facets::new(&data.titles, ids).unwrap().unwrap();
        let rows: Vec<usize> = (0..ids.len()).collect();
        let bytes: usize = facets
            .tables(&rows)
            .iter()
            .map(|table| table.bytes.len())
            .sum();
        assert!(bytes <= 3 * ids.len(), "{bytes} for {}", ids.len());
        let checkpoint = checkpoint(options(ModelKind::Mf, &[]), vec![1], ids.clone());
        for movies in [rows.clone(), rows[..7].to_vec(), rows[8000..].to_vec()] {
            let chosen = Chosen {
                movies: movies.clone(),
                facets: Some(Arc::new(facets.clone())),
                ..Chosen::all(&checkpoint)
            };
            let image = build(&checkpoint, &chosen, Precision::F16).unwrap();
            let model = Model::open(image.as_ref()).unwrap();
            let names: Vec<&str> = model.genre_names().unwrap().split(BETWEEN).collect();
            for (row, of) in (0..).zip(&movies) {
                let title = data.titles.get(ids[*of]);
                let (genres, year) = model.facets(row);
                assert_eq!(year, title.and_then(|title| search::year(&title.title)));
                let due: BTreeSet<&str> = (title.iter())
                    .flat_map(|title| title.genres.iter().map(String::as_str))
                    .collect();
                let is: BTreeSet<&str> = (names.iter().enumerate())
                    .filter(|(at, _)| genres >> at & 1 != 0)
                    .map(|(_, name)| *name)
                    .collect();
                assert_eq!(is, due, "{title:?}");
                let wanted = Wanted {
                    all_of: genres,
                    from: year.unwrap_or(0),
                    to: year.unwrap_or(u16::MAX),
                    ..Wanted::ANY
                };
                assert!(model.is_wanted(row, &wanted));
            }
        }
    }

    #[test]
    fn what_an_image_cannot_hold_is_told_and_nothing_is_stored_of_nothing() {
        let titles = |movies: Vec<Movie>| Titles::new(movies);
        let many: Vec<String> = (0..33).map(|at| format!("genre {at}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let why = Facets::new(&titles(vec![movie(1, "A", &many)]), &[1]).unwrap_err();
        assert!(why.contains("33 genres"), "{why}");
        let bare = titles(vec![movie(1, "A", &[])]);
        assert_eq!(Facets::new(&bare, &[1, 2]), Ok(None));
        let dated = titles(vec![movie(1, "A (1700)", &[]), movie(3, "B (2000)", &[])]);
        let facets = Facets::new(&dated, &[1, 2, 3]).unwrap().unwrap();
        assert_eq!(facets.names, [NOTHING]);
        // A year that is out of reach of the latest is none.
        let [pairs, ..] = facets.tables(&[0, 1, 2]);
        assert_eq!(pairs.bytes, [0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
    }
}
