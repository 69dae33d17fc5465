//! A run as whoever started it sees it: what it is told meanwhile, what it asks, and what comes out.

use std::sync::atomic::AtomicBool;

use pocketrec_base::threads::in_parts;
use pocketrec_data::{Ratings, Split};
use pocketrec_metrics::Errors;

use super::error::Error;
use super::options::Options;
use super::parameters::{Parameters, clamp};
use super::simd::Kernel;
use super::state::Epoch;
use super::state::State;

/// Told how a run gets on.
pub trait Observer {
    /// After some batches: `done` of `total` ratings of epoch `epoch` (1 for the first).
    fn progress(&mut self, epoch: usize, done: usize, total: usize) {
        let _ = (epoch, done, total);
    }

    /// After each epoch.
    fn epoch(&mut self, epoch: &Epoch) {
        let _ = epoch;
    }

    /// Whether the run should end here; asked about as often as [`progress`](Self::progress) is told, and more often
    /// than once a second.
    fn stop(&mut self) -> bool {
        false
    }

    /// What [`stop`](Self::stop) looks at, for work on several threads; none where nothing stops a run.
    fn stop_flag(&self) -> Option<&AtomicBool> {
        None
    }

    /// Whether [`keep`](Self::keep) is due; asked between epochs or sweeps.
    fn wants_to_keep(&mut self) -> bool {
        false
    }

    /// What the run would give if it ended here.
    fn keep(&mut self, fit: Fit) {
        drop(fit);
    }
}

/// An observer that wants to know nothing.
impl Observer for () {}

/// The result of a run.
#[derive(Clone, Debug)]
pub struct Fit {
    /// The best epoch's parameters, or the last one's when nothing stops early.
    pub parameters: Parameters,
    /// Each epoch in turn.
    pub history: Vec<Epoch>,
    /// Number of the epoch that `parameters` are from.
    pub best_epoch: usize,
    /// Whether epochs were left out because validation got no better.
    pub stopped_early: bool,
    /// Whether the observer had the run stopped before its end.
    pub interrupted: bool,
    /// The code path that did it.
    pub kernel: Kernel,
    /// With how many threads.
    pub threads: usize,
    /// What the run goes on from; none of a sampler that has done all its sweeps.
    pub state: Option<State>,
}

/// What either solver refuses before it starts.
///
/// # Errors
/// [`Error::Options`] when the options don't pass [`Options::check`], [`Error::NoRatings`] when there is nothing to
/// train on.
pub(crate) fn check(options: &Options, split: &Split) -> Result<(), Error> {
    options.check()?;
    match split.train.is_empty() {
        true => Err(Error::NoRatings),
        false => Ok(()),
    }
}

/// Why a run can't go on from a state.
pub(crate) fn other_shape() -> Error {
    Error::Options(
        "the run to resume is of a model of another shape, of other ratings, or at its end".into(),
    )
}

/// Errors of clamped predictions over some of the ratings.
pub fn validate(parameters: &Parameters, ratings: &Ratings, rows: &[u32]) -> Errors {
    let predicted = in_parts(rows.len(), |part| {
        let rows = rows[part].iter().map(|&row| row as usize);
        let mut predicted = vec![0.0; rows.len()];
        let pair = |row: usize| (ratings.users[row] as usize, ratings.movies[row] as usize);
        parameters.raw_many(rows.map(pair), &mut predicted);
        predicted
    });
    let predicted = predicted.into_iter().flatten();
    let stars = rows.iter().map(|&row| ratings.stars[row as usize]);
    predicted
        .map(|predicted| clamp(predicted, parameters.scale))
        .zip(stars)
        .collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Has a run stopped once it has been asked so often, and keeps what is kept after each epoch or sweep.
    pub(crate) struct Stopping(pub usize, pub Vec<Fit>);

    impl Observer for Stopping {
        fn stop(&mut self) -> bool {
            // Once it wants to stop it goes on wanting.
            self.0 = self.0.saturating_sub(1);
            self.0 == 0
        }
        fn wants_to_keep(&mut self) -> bool {
            true
        }
        fn keep(&mut self, fit: Fit) {
            self.1.push(fit);
        }
    }

    /// The epochs heard of, and how often the last rating of one.
    #[derive(Default)]
    pub(crate) struct Heard(pub Vec<usize>, pub usize);

    impl Observer for Heard {
        fn progress(&mut self, _: usize, done: usize, total: usize) {
            self.1 += usize::from(done == total);
        }
        fn epoch(&mut self, epoch: &Epoch) {
            self.0.push(epoch.number);
        }
    }

    /// The epochs without the time that they took.
    pub(crate) fn timeless(history: &[Epoch]) -> Vec<Epoch> {
        let timeless = |epoch: &Epoch| Epoch {
            seconds: 0.0,
            ..*epoch
        };
        history.iter().map(timeless).collect()
    }

    /// Forty people's ratings of thirty movies, one in seven held back for validation.
    pub(crate) fn ratings(stars: impl Fn(u32, u32) -> f32) -> (Ratings, Split) {
        let (users, movies) = (40u32, 30u32);
        let mut ratings = Ratings {
            user_ids: (1..=users).collect(),
            movie_ids: (1..=movies).collect(),
            ..Ratings::default()
        };
        for user in 0..users {
            for movie in 0..movies {
                ratings.users.push(user);
                ratings.movies.push(movie);
                ratings.stars.push(stars(user, movie));
                ratings.times.push(0);
            }
        }
        let (validation, train) = (0..users * movies).partition(|row| row % 7 == 3);
        (ratings, Split { train, validation })
    }
}
