//! The gradient of a score by a private row and bias, and one step of gradient descent along it.

use super::{GRADIENT_LIMIT, MAX_ERROR, MAX_GRADIENT, MAX_LEARNED};
use crate::model::{Model, ROW_LIMIT, UserState};
use crate::numeric::hold;
use crate::profile::Private;
use crate::{MAX_DIM, MAX_LAYERS, MAX_UNITS};

/// A score and its gradient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gradient {
    /// The score before it is held to the scale.
    pub score: f32,
    /// Its derivative by the bias, which is 1, then by each component of the row, each held to
    /// ±[`GRADIENT_LIMIT`]; 0 beyond the model's dimensions.
    pub by: [f32; MAX_LEARNED],
}

/// The score of the movie of `row` for `user` and its gradient: q_m + dMLP/dp. Costs a forward and a backward pass
/// through the MLP, and 1.3 KB of stack. A relu's derivative at 0 is 0.
pub fn gradient(model: &Model<'_>, user: &UserState, row: u32) -> Gradient {
    let mut by_row = [0.0; MAX_DIM];
    let done = fast(model, user, row, &mut by_row);
    if let (None, Some(mlp)) = (done, model.mlp()) {
        let mut movie = [0.0; MAX_DIM];
        model.movie_table().read(row as usize, &mut movie);
        let movie = movie.get(..model.movie_dim()).unwrap_or_default();
        let mut kept = [[0.0; MAX_UNITS]; MAX_LAYERS];
        mlp.forward_keeping(&user.half, movie, &mut kept);
        mlp.backward_user(&kept, 1.0, &mut by_row);
    }
    if model.parts().dot {
        let mut movie = [0.0; MAX_DIM];
        model.movie_table().read(row as usize, &mut movie);
        for (g, q) in by_row.iter_mut().zip(&movie) {
            *g += q;
        }
    }
    let mut by = [0.0; MAX_LEARNED];
    let [by_bias, by_components @ ..] = &mut by;
    *by_bias = 1.0;
    for (to, from) in by_components.iter_mut().zip(&by_row).take(model.user_dim()) {
        *to = hold(*from, -GRADIENT_LIMIT, GRADIENT_LIMIT);
    }
    Gradient {
        score: done.unwrap_or_else(|| model.score(user, row)),
        by,
    }
}

/// The score and the MLP's gradient by assembly, where there is some for the core and the model's shape.
#[cfg(cortex_m_float)]
fn fast(model: &Model<'_>, user: &UserState, row: u32, by_row: &mut [f32; MAX_DIM]) -> Option<f32> {
    model.gradient_by_assembly(user, row, by_row)
}

/// There is none.
#[cfg(not(cortex_m_float))]
fn fast(_: &Model<'_>, _: &UserState, _: u32, _: &mut [f32; MAX_DIM]) -> Option<f32> {
    None
}

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
    /// A middle way between few ratings and many, for a caller without a log.
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

/// One step of stochastic gradient descent on `private` for a rating of `stars` for the movie of `row`: what there
/// is without a log of ratings, and what [`FoldIn`](super::FoldIn) is compared with. Returns the score before.
///
/// With the error e = stars - score, held to ±[`MAX_ERROR`], and the gradient g, each component held to
/// ±[`MAX_GRADIENT`]:
///
/// ```text
/// x <- x + rate * (e * g - l2 * (x - mean x))
/// ```
pub fn step(
    model: &Model<'_>,
    private: &mut Private,
    row: u32,
    stars: f32,
    options: StepOptions,
) -> f32 {
    let mut state = UserState::EMPTY;
    model.set_state(&mut state, &private.row, private.bias);
    let Gradient { score, by } = gradient(model, &state, row);
    let error = hold(stars - score, -MAX_ERROR, MAX_ERROR);
    let (mean_row, mean_bias) = model.mean_row();
    let [by_bias, by_row @ ..] = &by;
    private.bias = descend(private.bias, mean_bias, error, *by_bias, options);
    for ((own, mean), g) in private.row.iter_mut().zip(mean_row).zip(by_row) {
        *own = descend(*own, *mean, error, *g, options);
    }
    score
}

/// One step of a number of the mean user's, or the image's, value `mean`.
pub(super) fn descend(own: f32, mean: f32, error: f32, gradient: f32, options: StepOptions) -> f32 {
    let pull = options.l2 * (own - mean);
    let change = error * hold(gradient, -MAX_GRADIENT, MAX_GRADIENT) - pull;
    hold(own + options.rate * change, -ROW_LIMIT, ROW_LIMIT)
}
