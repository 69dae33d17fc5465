//! Interest: who rates what, beside how many stars. What [`pocketrec::model::interest`] and [`pocketrec::model::kin`] rank
//! with is found here.
//!
//! `kin` finds which movies belong together, and `choose` how fast older ratings fade and how many stars it is worth to
//! belong to somebody's latest ones. The constants are those of [`settings`].

mod choose;
mod found;
mod histories;
mod kin;
pub mod settings;

pub use found::{Interest, confidence_bytes, kin_levels, kin_scale, most};

use histories::Histories;
use pocketrec::model::interest::LATEST;
use pocketrec_data::{Ratings, Split};

use super::options::Options;
use super::parameters::Parameters;
use super::stop::Stop;

/// Finds which movies belong together by the training ratings of `split`, and what people look for by all of its ratings.
/// How fast ratings fade and what an interest is worth, and fame beside it, is chosen on the validation ratings, where lists
/// add it to the stars of `parameters`.
///
/// Time: [`settings::KIN_PASSES`] passes over at most [`settings::RATINGS`] ratings. Nothing comes of it once `stop` says so,
/// which all threads ask often.
pub fn find(
    parameters: &Parameters,
    ratings: &Ratings,
    split: &Split,
    options: &Options,
    stop: Stop<'_>,
) -> Option<Interest> {
    let histories = Histories::new(ratings, &split.train);
    let mut counts = vec![0; ratings.movie_count()];
    for &row in &split.train {
        counts[ratings.movies[row as usize] as usize] += 1;
    }
    let kin = kin::find(&histories, &counts, options, stop)?;
    let held = choose::Held::new(ratings, split, &histories, &counts);
    let (fade, weight, fame) = held.choose(parameters, &kin, stop)?;
    let latest = ratings.in_order(split.train.iter().chain(&split.validation).copied());
    let latest = latest.iter().flat_map(|rows| {
        let of = rows.iter().rev().map(|row| ratings.movies[*row as usize]);
        of.chain(std::iter::repeat(u32::MAX)).take(LATEST)
    });
    let found = Interest {
        fade,
        weight,
        fame,
        latest: latest.collect(),
        kin_codes: kin.codes,
        kin_codebook: kin.codebook,
    };
    // Asked last: what was left undone isn't given.
    (!stop()).then_some(found)
}

#[cfg(test)]
mod tests;
