//! A few predictions for one user, beside what the user said and what everybody thinks.

use pocketrec_data::{Dataset, Split};
use pocketrec_train::Parameters;

use super::{Align, Movie, shortened, table};
use pocketrec_metrics::baselines::Baselines;

/// One predicted rating.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// Movie row.
    pub movie: u32,
    /// What the user gave, if the rating was held back from training.
    pub rated: Option<f32>,
    /// What the model says.
    pub predicted: f32,
    /// Mean of the movie's training ratings.
    pub movie_mean: f64,
}

/// `count` predictions for one user: the first with so many held-back ratings, or else the one with most of them,
/// filled up with the most rated movies that the user hasn't rated.
pub fn pick(
    data: &Dataset,
    split: &Split,
    baselines: &Baselines,
    parameters: &Parameters,
    count: usize,
) -> Option<(u32, Vec<Example>)> {
    let ratings = &data.ratings;
    let mut held = vec![0usize; ratings.user_count()];
    for &i in &split.validation {
        held[ratings.users[i as usize] as usize] += 1;
    }
    let enough = held.iter().position(|&held| held >= count);
    let most = || (0..held.len()).max_by_key(|&user| (held[user], std::cmp::Reverse(user)));
    let user = enough.or_else(most)? as u32;
    let example = |movie: u32, rated| Example {
        movie,
        rated,
        predicted: parameters.predict(user as usize, movie as usize),
        movie_mean: baselines.movies[movie as usize],
    };
    let of_user = |i: &&u32| ratings.users[**i as usize] == user;
    let mut examples: Vec<Example> = split
        .validation
        .iter()
        .filter(of_user)
        .take(count)
        .map(|&i| example(ratings.movies[i as usize], Some(ratings.stars[i as usize])))
        .collect();
    if examples.len() < count {
        let mut popularity = vec![0u32; ratings.movie_count()];
        let mut known = vec![false; ratings.movie_count()];
        for i in 0..ratings.len() {
            popularity[ratings.movies[i] as usize] += 1;
            known[ratings.movies[i] as usize] |= ratings.users[i] == user;
        }
        let mut others: Vec<u32> = (0..ratings.movie_count() as u32)
            .filter(|&m| !known[m as usize])
            .collect();
        others.sort_by_key(|&movie| std::cmp::Reverse(popularity[movie as usize]));
        let missing = count - examples.len();
        examples.extend(
            others
                .into_iter()
                .take(missing)
                .map(|movie| example(movie, None)),
        );
    }
    Some((user, examples))
}

/// The examples as a table with a heading.
pub fn text(data: &Dataset, user: u32, examples: &[Example]) -> String {
    let mut rows = vec![
        ["Movie", "Rated", "Predicted", "Movie's mean", "Difference"]
            .map(String::from)
            .to_vec(),
    ];
    for example in examples {
        let id = data.ratings.movie_ids[example.movie as usize];
        rows.push(vec![
            shortened(&Movie::of(&data.titles, id).to_string(), 48),
            example
                .rated
                .map_or_else(|| "–".into(), |stars| format!("{stars:.1}")),
            format!("{:.2}", example.predicted),
            format!("{:.2}", example.movie_mean),
            format!("{:+.2}", f64::from(example.predicted) - example.movie_mean),
        ]);
    }
    let align = [
        Align::Left,
        Align::Right,
        Align::Right,
        Align::Right,
        Align::Right,
    ];
    let id = data.ratings.user_ids[user as usize];
    let user = data.user_names.of(id);
    let user = user.map_or_else(|| id.to_string(), str::to_owned);
    format!(
        "Predictions for user {user}, whose ratings of these movies were held out of training:\n\n{}",
        table(&align, &rows)
    )
}
