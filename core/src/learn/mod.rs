//! Learning on the device: from the ratings of one person to a private row and bias (a fold-in).
//!
//! # Fold-in
//!
//! The row and the bias, stacked as x = (b, p), are taken as drawn from the population of users, x ~ N(x0, P0): x0
//! is the mean user, P0 the covariance of the users' rows, both from the image ([`Belief::prior`]). A rating r of
//! movie m is the score s_m(x) and noise. Around a point z the score is s_m(z) + g (x - z), g = ds_m/dx, so the most
//! probable x under all ratings solves a linear problem, and each rating is taken in by one update of a Kalman
//! filter (Kalman 1960; with P0 and the noise in common units, so that the noise is 1):
//!
//! ```text
//! u = P g,   e = r - s(z) + g (z - x),   x <- x + u e / (1 + g u),   P <- P - u u' / (1 + g u)
//! ```
//!
//! A pass over the log ends where its problem has its least squares; the next pass starts from x0 and P0 again, with
//! z where the last one ended (Gauss-Newton; Bell and Cathey 1993). For `mf` the score is linear, the first pass is
//! the ridge regression in closed form, and later ones change nothing; for an MLP [`PASSES`] of them are enough.
//! No step size has to be tuned: the gain of each rating follows from what is known already.
//!
//! **The row is a function of the live ratings in their order and of the image, and of nothing else.** Forgetting a
//! rating, or undoing one, folds in the ones that are left, and gives the bits that there would be without it.
//!
//! # What else the belief answers
//!
//! [`Belief::variance`] of a movie's score is what a rating of it would teach ([`suggest`]); the influence of a
//! past rating on a prediction is a product of two gradients through P ([`why`]).
//!
//! The movies' rows and the MLP stay as they are, in flash.

mod belief;
mod fold;
mod interest;
mod odds;
mod step;
pub mod suggest;
pub mod why;

pub use belief::Belief;
pub use fold::{FoldIn, PASSES};
pub use step::{Gradient, StepOptions, gradient, step};

use crate::MAX_DIM;

/// The most numbers that are learned of a person: a bias and a row.
pub const MAX_LEARNED: usize = MAX_DIM + 1;

/// The errors of a [`step`] are clamped to this many stars, so that one rating can't throw a row off.
pub const MAX_ERROR: f32 = 4.0;

/// Each component of a gradient is clamped to this in a [`step`], which would go too far on a steep one. A fold-in
/// doesn't: its gain falls as gradients grow.
pub const MAX_GRADIENT: f32 = 8.0;

/// No component of a gradient passes this magnitude, which no half-precision row reaches: for finite sums alone.
pub const GRADIENT_LIMIT: f32 = 65536.0;
