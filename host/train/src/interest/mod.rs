//! Interest: who rates what, beside how many stars. What [`pocketrec::model::interest`] ranks with is found here.
//!
//! `als` finds a vector for each person and movie from who rated what (implicit feedback: Hu, Koren and Volinsky
//! 2008), `codebook` puts the movies' into a byte each, and `choose` finds on validation ratings how fast older
//! ratings fade and how many stars an interest is worth. `kin` finds which movies belong together. The constants are those of [`settings`].

mod als;
mod choose;
mod codebook;
mod found;
mod histories;
mod kin;
mod movies;
pub mod settings;
mod solve;
mod stop;

pub use found::{Interest, confidence_bytes, kin_levels, levels, most};
pub use stop::Stop;

use histories::Histories;
use movies::Movies;
use pocketrec_base::threads;
use pocketrec_data::{Ratings, Split};
use solve::Vector;

use super::options::Options;
use super::parameters::Parameters;

/// Finds what people look for by the training ratings of `split`. How fast ratings fade and what an interest is
/// worth is chosen on the validation ratings, where lists add it to the stars of `parameters` and to `fame`.
///
/// Time: [`settings::SWEEPS`] passes over at most [`settings::RATINGS`] ratings. Nothing comes of it once `stop` says so,
/// which all threads ask often.
pub fn find(
    parameters: &Parameters,
    ratings: &Ratings,
    split: &Split,
    fame: f32,
    options: &Options,
    stop: Stop<'_>,
) -> Option<Interest> {
    let histories = Histories::new(ratings, &split.train);
    let mut counts = vec![0; ratings.movie_count()];
    for &row in &split.train {
        counts[ratings.movies[row as usize] as usize] += 1;
    }
    let movies = Movies::new(&histories, &counts, options, stop)?;
    let kin = kin::find(&histories, &counts, options, stop)?;
    let precision = solve::invert(&movies.spread);
    let held = choose::Held::new(ratings, split, &histories, &counts);
    let (fade, weight) = held.choose(parameters, &movies, &precision, fame, stop)?;
    let person = |(): &mut (), user| match stop() {
        true => Vector::default(),
        false => movies.person(&precision, histories.of(user), fade),
    };
    let users = threads::share(options.thread_count(), 0..histories.people(), || (), person);
    let found = Interest {
        dim: settings::DIM,
        codes: movies.codes,
        codebook: movies.codebook,
        scale: movies.scale,
        power: movies.power,
        spread: solve::triangle(&movies.spread),
        fade,
        weight,
        users: users.concat(),
        kin_codes: kin.codes,
        kin_codebook: kin.codebook,
    };
    // Asked last: what was left undone isn't given.
    (!stop()).then_some(found)
}

#[cfg(test)]
mod tests;
