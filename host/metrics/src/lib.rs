//! How good predictions and lists are, whoever made them: errors, the baselines that a model must beat, and what a
//! ranking is worth.

#![deny(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "everything is printed by pocketrec_base::print, which escapes it"
)]

pub mod baselines;
pub mod coverage;
mod errors;
pub mod image;
pub mod ranking;

pub use coverage::Coverage;
pub use errors::{Errors, Score};
