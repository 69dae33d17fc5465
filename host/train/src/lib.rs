//! Training: from ratings in memory to a [`Trained`] model.
//!
//! [`train`](train()) is training as a whole, [`recipe`] says which model is trained with what, and [`options`] is what a
//! person may choose. There are two solvers, `fit` by Adam and [`gibbs`] by sampling ([`bayes`]); [`run`] is what both
//! are from outside, [`history`] their epochs. [`parameters`] are what is learned, [`state`] is what a run needs to go on.
//! [`plain`] is the trainer that every kernel of [`fast`] is compared with, [`adam`] its optimiser one number at a time.
//! [`random`] and [`order`] make a run a function of its seed. [`fame`] and [`interest`] are what lists add to predicted
//! stars, [`drift`] where users' biases have come to, `newcomer` where somebody new starts, [`odds`] how sure predictions are. [`sides`] is what is known besides ratings, [`dense`] has what
//! matrices are solved by, [`additive`] makes points sums of codewords.

#![deny(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "everything is printed by pocketrec_base::print, which escapes it"
)]

pub mod adam;
pub mod additive;
pub mod bayes;
pub mod dense;
pub mod drift;
mod error;
pub mod fame;
pub mod fast;
mod fit;
pub mod gibbs;
pub mod history;
pub mod interest;
mod many;
mod memory;
mod newcomer;
pub mod odds;
pub mod options;
pub mod order;
pub mod parameters;
mod personal;
pub mod plain;
pub mod random;
pub mod recipe;
pub mod run;
mod sample;
pub mod schedule;
pub mod sides;
pub mod simd;
pub mod state;
mod stop;
mod trained;
pub mod unseen;

pub use error::Error;
pub use fit::orders;
pub use options::{ModelKind, Optimiser, Options, Solver};
pub use parameters::{Layer, Parameters};
pub use run::{Fit, Observer, validate};
pub use sample::Sample;
pub use state::{Epoch, State};
pub use stop::Stop;
pub use trained::{Recipe, Trained, Validation, train};
