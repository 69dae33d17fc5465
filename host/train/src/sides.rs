//! What is known of users and movies besides ratings, as the sampler takes it: genres and years of titles, and the labels
//! of tables ([`pocketrec_data::sides`]).
//!
//! The rows of users and of movies have prior means to which each of their labels adds a row of its own, drawn with the
//! rest ([`bayes`](super::bayes)). So labels end up in rows and biases, and whoever predicts later needs none of them. All
//! of it is known before anything is asked; when a rating was given isn't, and is none of it.

use std::collections::HashMap;

use pocketrec_base::random::hash;
use pocketrec_data::Dataset;
use pocketrec_data::search::year;
use pocketrec_data::sides::Side;

use super::bayes::Tags;

/// Tags of users, and of movies.
pub fn tags(data: &Dataset) -> [Tags; 2] {
    labels(data).map(Tags::new)
}

/// A hash of what [`tags`] are of, for users and for movies; 0 where nothing is known.
pub fn fingerprints(data: &Dataset) -> [u64; 2] {
    labels(data).map(|labels| {
        labels.iter().fold(0, |sum, (label, row)| {
            let bytes = label.bytes().map(u64::from);
            bytes.fold(hash(sum ^ u64::from(*row)), |sum, byte| hash(sum ^ byte))
        })
    })
}

/// Each label of users, and of movies, with a row that has it.
fn labels(data: &Dataset) -> [Vec<(String, u32)>; 2] {
    let ratings = &data.ratings;
    let titled = ratings.movie_ids.iter().zip(0u32..).flat_map(|(id, row)| {
        let movie = data.titles.get(*id);
        let genres = movie.map_or(&[][..], |movie| &movie.genres);
        let year = movie.and_then(|movie| year(&movie.title));
        genres
            .iter()
            .filter(|genre| !genre.starts_with('('))
            .map(|genre| format!("genre {genre}"))
            .chain(year.map(|year| format!("years {}", year / 5 * 5)))
            .map(move |label| (label, row))
            .collect::<Vec<_>>()
    });
    [
        rows(&data.sides.users, &ratings.user_ids),
        titled
            .chain(rows(&data.sides.movies, &ratings.movie_ids))
            .collect(),
    ]
}

/// What [`tags`] are of: `age of users`, `genres of movies`.
pub fn known(data: &Dataset) -> Vec<String> {
    let titles = data.ratings.movie_ids.iter();
    let (mut genres, mut years) = (false, false);
    for movie in titles.filter_map(|id| data.titles.get(*id)) {
        genres |= movie.genres.iter().any(|genre| !genre.starts_with('('));
        years |= year(&movie.title).is_some();
    }
    let of_titles = [(genres, "genres"), (years, "years")];
    let of_titles = of_titles
        .into_iter()
        .filter_map(|(has, name)| has.then_some(name));
    let of_movies = of_titles.chain(data.sides.movies.columns.iter().map(String::as_str));
    let of_users = data.sides.users.columns.iter();
    of_users
        .map(|column| format!("{column} of users"))
        .chain(of_movies.map(|column| format!("{column} of movies")))
        .collect()
}

/// Labels with the rows of those that ratings have.
fn rows(side: &Side, ids: &[u32]) -> Vec<(String, u32)> {
    let rows: HashMap<u32, u32> = ids.iter().copied().zip(0..).collect();
    let labels = side.labels.iter();
    labels
        .filter_map(|(label, id)| Some((format!("table {label}"), *rows.get(id)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pocketrec_data::{Movie, Ratings, Titles};

    #[test]
    fn labels_are_of_the_rows_that_ids_have_and_are_told() {
        let ratings = Ratings {
            user_ids: vec![3, 9],
            movie_ids: vec![5, 7],
            ..Ratings::default()
        };
        let movie = |id, title: &str| Movie {
            id,
            title: title.into(),
            genres: vec!["War".into()],
            ratings: 0,
        };
        let titles = Titles::new(vec![movie(5, "A (1994)"), movie(7, "B")]);
        let mut data = Dataset::new("two".into(), ratings, titles, String::new());
        assert_eq!(known(&data), ["genres of movies", "years of movies"]);
        data.sides.users = Side {
            columns: vec!["age".into()],
            labels: vec![("age 24".into(), 9), ("age 24".into(), 10)],
        };
        assert_eq!(
            known(&data),
            ["age of users", "genres of movies", "years of movies"]
        );
        let [users, movies] = tags(&data);
        assert_eq!((users.len(), users.members(0)), (1, &[1][..]));
        assert_eq!((movies.len(), movies.members(0)), (2, &[0, 1][..]));
        let before = fingerprints(&data);
        // A label of nobody who rates is none.
        data.sides.users.labels.pop();
        assert_eq!(fingerprints(&data), before);
        data.sides.users.labels[0].0 = "age 25".into();
        let [users, movies] = fingerprints(&data);
        assert!(users != before[0] && movies == before[1]);
        for title in ["A (1964)", "A"] {
            data.titles = Titles::new(vec![movie(5, title), movie(7, "B")]);
            let [users_then, movies_then] = fingerprints(&data);
            assert!(users_then == users && movies_then != movies);
        }
        data.titles = Titles::default();
        data.sides = Default::default();
        assert!(known(&data).is_empty());
        assert_eq!(fingerprints(&data), [0, 0]);
    }
}
