//! The errors of an image's own predictions: what core computes, as a device would.

use pocketrec::ids::{MovieId, UserId};
use pocketrec::model::{Interval, Model};

use super::Errors;
use pocketrec_data::{Ratings, Split};

/// A rating that was held out: user id, movie id, stars.
pub type Held = (u32, u32, f32);

/// The validation ratings of a split, by user and movie.
pub fn held(ratings: &Ratings, split: &Split) -> Vec<Held> {
    let held = split.validation.iter().map(|&rating| {
        let rating = rating as usize;
        (
            ratings.user_ids[ratings.users[rating] as usize],
            ratings.movie_ids[ratings.movies[rating] as usize],
            ratings.stars[rating],
        )
    });
    let mut held: Vec<Held> = held.collect();
    held.sort_by_key(|(user, movie, _)| (*user, *movie));
    held
}

/// The errors of `model` on the ratings of `held` whose user and movie it has. Sorted by user, `held` is measured
/// fastest.
pub fn errors(model: &Model<'_>, held: &[Held]) -> Errors {
    let mut errors = Errors::default();
    for of_user in held.chunk_by(|a, b| a.0 == b.0) {
        let Ok(user) = model.user(UserId(of_user[0].0)) else {
            continue;
        };
        for (_, movie, stars) in of_user {
            if let Ok(predicted) = model.predict_for(&user, MovieId(*movie)) {
                errors.add(predicted, *stars);
            }
        }
    }
    errors
}

/// Between which stars `model` takes the ratings of `held` to be, beside the stars that they have: those whose user and movie
/// it has, where it says how sure it is.
pub fn intervals(model: &Model<'_>, held: &[Held]) -> Vec<(Interval, f32)> {
    let mut intervals = Vec::new();
    for of_user in held.chunk_by(|a, b| a.0 == b.0) {
        let id = UserId(of_user[0].0);
        let (Ok(user), Some(deviation)) = (model.user(id), model.deviation_of_user(id)) else {
            continue;
        };
        intervals.extend(of_user.iter().filter_map(|(_, movie, stars)| {
            let row = model.movie_row(MovieId(*movie)).ok()?;
            Some((model.interval(&user, row, deviation)?, *stars))
        }));
    }
    intervals
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_those_of_cores_predictions_and_strangers_are_left_out() {
        let image = pocketrec::image::example();
        let model = Model::open(image.bytes()).unwrap();
        let [a, b] =
            [(1, 10), (2, 4000)].map(|(u, m)| model.predict(UserId(u), MovieId(m)).unwrap());
        let held = [
            (1, 10, a + 0.5),
            (1, 11, 5.0),
            (2, 4000, b - 1.0),
            (77, 10, 1.0),
        ];
        let found = errors(&model, &held);
        assert_eq!(found.count, 2);
        assert!((found.mae() - 0.75).abs() < 1e-6);
        assert!((found.rmse() - (1.25_f64 / 2.0).sqrt()).abs() < 1e-6);
        assert_eq!(errors(&model, &[(77, 10, 1.0)]), Errors::default());
    }
}
