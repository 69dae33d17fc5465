//! Learning on the device: one step of stochastic gradient descent on a private row and bias.
//!
//! For a rating r of the movie m and the score s before it is held to the scale, e = r - s, held to ±[`MAX_ERROR`]:
//!
//! ```text
//! b <- b + rate * (e - l2 * (b - mean b))
//! p <- p + rate * (e * ds/dp - l2 * (p - mean p)),   ds/dp = q_m + dMLP/dp
//! ```
//!
//! The movies' rows and the MLP stay as they are, in flash. The pull is towards the mean user, not towards zero:
//! somebody who has rated little is an average person.

use crate::model::{Model, ROW_LIMIT};
use crate::numeric::hold;
use crate::profile::Private;
use crate::{MAX_DIM, MAX_LAYERS, MAX_UNITS};

/// Errors are held to this many stars, so that one rating can't throw a row off.
pub const MAX_ERROR: f32 = 4.0;

/// Each component of a gradient is held to this.
pub const MAX_GRADIENT: f32 = 8.0;

/// Step size and pull of a [`step`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct StepOptions {
    /// Learning rate.
    pub rate: f32,
    /// Strength of the pull towards the mean user.
    pub l2: f32,
}

impl StepOptions {
    /// What the firmware uses.
    pub const DEFAULT: Self = Self {
        rate: 0.05,
        l2: 0.02,
    };
}

impl Default for StepOptions {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// One step on `private` for a rating of `stars` for the movie of `row`. Costs a forward and a backward pass, and
/// 1.3 KB of stack. Returns the score before the step.
pub fn step(
    model: &Model<'_>,
    private: &mut Private,
    row: u32,
    stars: f32,
    options: StepOptions,
) -> f32 {
    let state = model.user_state(&private.row, private.bias);
    let mut movie = [0.0; MAX_DIM];
    model.movie_table().read(row as usize, &mut movie);
    let parts = model.parts();

    let mut gradient = [0.0; MAX_DIM];
    let score = model.score(&state, row);
    if let Some(mlp) = model.mlp() {
        let mut kept = [[0.0; MAX_UNITS]; MAX_LAYERS];
        let movie = movie.get(..model.movie_dim()).unwrap_or_default();
        mlp.forward_keeping(&state.half, movie, &mut kept);
        mlp.backward_user(&kept, 1.0, &mut gradient);
    }
    if parts.dot {
        for (g, q) in gradient.iter_mut().zip(&movie) {
            *g += q;
        }
    }

    let error = hold(stars - score, -MAX_ERROR, MAX_ERROR);
    let (mean_row, mean_bias) = model.mean_row();
    private.bias = descend(private.bias, mean_bias, error, 1.0, options);
    for ((own, mean), g) in private.row.iter_mut().zip(mean_row).zip(&gradient) {
        *own = descend(
            *own,
            *mean,
            error,
            hold(*g, -MAX_GRADIENT, MAX_GRADIENT),
            options,
        );
    }
    score
}

fn descend(own: f32, mean: f32, error: f32, gradient: f32, options: StepOptions) -> f32 {
    let pull = options.l2 * (own - mean);
    let change = error * gradient - pull;
    hold(own + options.rate * change, -ROW_LIMIT, ROW_LIMIT)
}
