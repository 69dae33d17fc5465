//! Interest: who rates what, beside how many stars. What [`pocketrec::model::interest`] and [`pocketrec::model::kin`] rank
//! with is found here.
//!
//! `kin` finds which movies belong together, and `choose` how fast older ratings fade and how many stars it is worth to
//! belong to somebody's latest ones. The constants are those of [`settings`].

mod choose;
mod found;
mod kin;
pub mod settings;

pub use found::{Interest, confidence_bytes, kin_levels, kin_scale, most};

use pocketrec::model::interest::{LATEST, least_liked};
use pocketrec_data::{InOrder, Ratings, Split};

use super::options::Options;
use super::parameters::Parameters;
use super::stop::Stop;

/// Finds which movies belong together by the training ratings of `split`, and what people look for by all of its ratings:
/// the training and the validation ratings in order are beside it.
/// How fast ratings fade and what an interest is worth, and fame beside it, is chosen on the validation ratings, where lists
/// add it to the stars of `parameters`.
///
/// Time: [`settings::FIRST_PASSES`] + 1 + [`settings::KIN_PASSES`] passes over at most [`settings::RATINGS`] ratings. Nothing
/// comes of it once `stop` says so, which all threads ask often.
pub fn find(
    parameters: &Parameters,
    ratings: &Ratings,
    (split, orders): (&Split, &(InOrder, InOrder)),
    options: &Options,
    stop: Stop<'_>,
) -> Option<Interest> {
    let mut counts = vec![0; ratings.movie_count()];
    for &row in &split.train {
        counts[ratings.movies[row as usize] as usize] += 1;
    }
    let movie = |&row: &u32| ratings.movies[row as usize];
    let histories = orders.0.each().map(|rows| rows.iter().map(movie));
    let kin = kin::find(histories, &counts, options, stop)?;
    let held = choose::Held::new(ratings, split, &orders.0, &counts);
    let (fade, weight, fame) = held.choose(parameters, &kin, stop)?;
    let found = Interest {
        fade,
        weight,
        fame,
        latest: latest(parameters, ratings, orders),
        kin_codes: kin.codes,
        kin_codebook: kin.codebook,
    };
    // Asked last: what was left undone isn't given.
    (!stop()).then_some(found)
}

/// Whether a rating says what its user looks for: not by what was disliked.
fn is_liked(parameters: &Parameters, ratings: &Ratings, row: u32) -> bool {
    let mean = parameters.user_mean(ratings.users[row as usize] as usize);
    ratings.stars[row as usize] >= least_liked(mean, parameters.scale)
}

/// The movies that each person rated last, as [`Interest::latest`] has them.
fn latest(
    parameters: &Parameters,
    ratings: &Ratings,
    (train, validation): &(InOrder, InOrder),
) -> Vec<u32> {
    let is_liked = |row: &u32| is_liked(parameters, ratings, *row);
    let mut latest = Vec::with_capacity(train.users() * LATEST);
    for (train, validation) in train.each().zip(validation.each()) {
        let mut last =
            [train, validation].map(|rows| rows.iter().rev().copied().filter(is_liked).peekable());
        for _ in 0..LATEST {
            let [train, validation] = last.each_mut().map(|rows| rows.peek().copied());
            let is_held =
                validation.map(|row| ratings.when(row)) > train.map(|row| ratings.when(row));
            let row = last[usize::from(is_held)].next();
            latest.push(row.map_or(u32::MAX, |row| ratings.movies[row as usize]));
        }
    }
    latest
}

#[cfg(test)]
mod tests;
