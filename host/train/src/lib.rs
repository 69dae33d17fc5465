//! Training: from ratings in memory to [`Parameters`] and a [`Checkpoint`](checkpoint::Checkpoint).
//!
//! [`options`] is what a person may choose and [`fit`](fit()) the course of a run. [`plain`] is
//! the trainer that every fast kernel is compared with, [`adam`] its optimiser one number at a
//! time. [`parameters`] are what is learned, [`checkpoint`] their file. [`random`] and [`order`]
//! make a run a function of its seed. [`fame`] and [`interest`] are what lists add to predicted stars. [`bayes`] is the other solver, [`gibbs`] a run of it, and
//! [`recipe`] says which model is trained with what.

pub mod adam;
pub mod bayes;
pub mod checkpoint;
pub mod fame;
pub mod fast;
pub mod fit;
pub mod gibbs;
pub mod interest;
mod many;
pub mod options;
pub mod order;
pub mod parameters;
pub mod plain;
pub mod random;
pub mod recipe;
pub mod resume;
pub mod schedule;
pub mod simd;

pub use fit::{Epoch, Fit, Observer, fit, orders, resume, validate};
pub use options::{ModelKind, Optimiser, Options, Solver};
pub use parameters::{Layer, Parameters};

/// One rating as a trainer wants it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Dense row of the user.
    pub user: u32,
    /// Dense row of the movie.
    pub movie: u32,
    /// The rating, in stars.
    pub stars: f32,
}

/// Why training gave no model.
#[derive(Clone, Debug, PartialEq)]
pub enum Error {
    /// An option that can't be trained with; a sentence that says which and what could.
    Options(String),
    /// The split leaves no ratings to train on.
    NoRatings,
    /// Predictions stopped being finite numbers in this epoch.
    Diverged {
        /// 1 for the first.
        epoch: usize,
        /// What to try: a few words that follow "may help:".
        advice: &'static str,
    },
    /// The observer had it stopped before there was anything to keep.
    Stopped,
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Options(sentence) => f.write_str(sentence),
            Self::NoRatings => f.write_str("no ratings are left to train on"),
            Self::Diverged { epoch, advice } => write!(
                f,
                "training diverged in epoch {epoch}, so there is no model to keep; this may help: {advice}"
            ),
            Self::Stopped => f.write_str("training was stopped before its first epoch was done"),
        }
    }
}

impl std::error::Error for Error {}
