//! The gradient of a score by a private row and bias, and one step of gradient descent along it.

use super::{GRADIENT_LIMIT, MAX_ERROR, MAX_GRADIENT, MAX_LEARNED};
use crate::kernels::{Kernel, ran};
use crate::model::{Model, ROW_LIMIT, UserState};
use crate::numeric::dot::dot;
use crate::numeric::unroll::{all_bits, each, each_of_two};
#[cfg(cortex_m_float)]
use crate::numeric::{are_8_within, are_within};
use crate::numeric::{clamp, clamp_all, clamp_each, may_pass};
use crate::profile::Private;
use crate::{MAX_DIM, MAX_LAYERS, MAX_UNITS};

/// A score and its gradient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gradient {
    /// The score before it is clamped to the scale.
    pub score: f32,
    /// Its derivative by the bias, which is 1, then by each component of the row, each held to
    /// ±[`GRADIENT_LIMIT`]; 0 beyond the model's dimensions.
    pub by: [f32; MAX_LEARNED],
}

/// The score of the movie of `row` for `user` and its gradient: q_m + dMLP/dp, in single precision whatever the image
/// scores in. Costs a forward and a backward pass
/// through the MLP. A relu's derivative at 0 is 0. Stack: 400 bytes by the kernel for the lesson's shape, else 1.3 KB.
// Not inlined: a device calls it from three places.
#[inline(never)]
pub fn gradient(model: &Model<'_>, user: &UserState, row: u32) -> Gradient {
    let mut gradient = Gradient::NONE;
    gradient.take(model, user, row);
    gradient
}

impl Gradient {
    /// Of nothing.
    pub(super) const NONE: Self = Self {
        score: 0.0,
        by: [0.0; MAX_LEARNED],
    };

    /// As [`gradient`], in the place of none: it is large enough for copies of it to show.
    pub(super) fn take(&mut self, model: &Model<'_>, user: &UserState, row: u32) {
        let [by_bias, by_row @ ..] = &mut self.by;
        *by_bias = 1.0;
        self.score = derive(model, user, row, by_row);
    }
}

/// The score; its derivative by the row goes to `by_row`, which is zeros.
fn derive(model: &Model<'_>, user: &UserState, row: u32, by_row: &mut [f32; MAX_DIM]) -> f32 {
    let (model, row) = model.part_of(row);
    #[cfg(cortex_m_float)]
    if let Some(score) = model.gradient_by_assembly(user, row, by_row) {
        clamp_all(by_row.get_mut(..model.user_dim()), GRADIENT_LIMIT);
        return score;
    }
    plain(model, user, row, by_row)
}

/// The plain form, for any shape, and the oracle of the kernel.
#[inline(never)]
fn plain(model: &Model<'_>, user: &UserState, row: u32, by_row: &mut [f32; MAX_DIM]) -> f32 {
    ran(Kernel::Backward);
    let mut score = model.with_movie_bias(user.base, row as usize);
    let mut place = [0.0; MAX_DIM];
    model.movie_table().read(row as usize, &mut place);
    let movie = place.get(..model.movie_dim()).unwrap_or_default();
    if model.parts().dot {
        score += dot(movie, &user.row);
    }
    // Where the feature isn't compiled in, the kernel has taken every model with an MLP.
    const NEEDED: bool = cfg!(any(not(cortex_m_float), feature = "shapes"));
    if let Some(mlp) = model.mlp().filter(|_| NEEDED) {
        let mut kept = [[0.0; MAX_UNITS]; MAX_LAYERS];
        score += mlp.forward_keeping(&user.half, movie, &mut kept);
        mlp.backward_user(&kept, 1.0, by_row);
    }
    if model.parts().dot {
        let by_row = by_row.get_mut(..model.user_dim()).unwrap_or_default();
        each(by_row, movie, |g, q| *g += q);
    }
    clamp_all(by_row.get_mut(..model.user_dim()), GRADIENT_LIMIT);
    score
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
/// With the error e = stars - score, clamped to ±[`MAX_ERROR`], and the gradient g, each component clamped to
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
    let (model, row) = model.part_of(row);
    #[cfg(cortex_m_float)]
    {
        let mut by_row = [0.0; 8];
        if let Some(score) = derive_by_row(model, private, row, &mut by_row) {
            descend_along(model, private, stars - score, &by_row, options);
            return score;
        }
    }
    if model.mlp().is_none() {
        step_of_product(model, private, row, stars, options)
    } else {
        step_by_state(model, private, row, stars, options)
    }
}

/// Without an MLP: the derivative by the row is the movie's, and no [`UserState`] is needed.
#[inline(never)]
fn step_of_product(
    model: &Model<'_>,
    private: &mut Private,
    row: u32,
    stars: f32,
    options: StepOptions,
) -> f32 {
    let own = private.row.get(..model.user_dim()).unwrap_or_default();
    if may_pass(all_bits(own) | private.bias.to_bits()) {
        return step_by_state(model, private, row, stars, options);
    }
    let mut by_row = [0.0; MAX_DIM];
    let mut score = model.with_movie_bias(model.scale().mean + private.bias, row as usize);
    if model.parts().dot {
        model.movie_table().read(row as usize, &mut by_row);
        score += dot(own, &by_row);
        clamp_all(by_row.get_mut(..model.user_dim()), MAX_GRADIENT);
    }
    descend_along(model, private, stars - score, &by_row, options);
    score
}

/// By way of a [`UserState`]: apart, so that its stack isn't the kernel's.
#[inline(never)]
fn step_by_state(
    model: &Model<'_>,
    private: &mut Private,
    row: u32,
    stars: f32,
    options: StepOptions,
) -> f32 {
    let mut state = UserState::EMPTY;
    model.set_point(&mut state, &private.row, private.bias);
    let mut by_row = [0.0; MAX_DIM];
    let score = derive(model, &state, row, &mut by_row);
    clamp_all(by_row.get_mut(..model.user_dim()), MAX_GRADIENT);
    descend_along(model, private, stars - score, &by_row, options);
    score
}

/// The score and its derivative by the row, by the kernel that takes in the row as it goes, so that no [`UserState`]
/// has to be made; `None` for another shape, and where `private` is out of its limits.
#[cfg(cortex_m_float)]
#[inline]
fn derive_by_row(
    model: &Model<'_>,
    private: &Private,
    row: u32,
    by_row: &mut [f32; 8],
) -> Option<f32> {
    let own = private.row.first_chunk()?;
    if !are_8_within(own, ROW_LIMIT) || !are_within(&[private.bias], ROW_LIMIT) {
        return None;
    }
    let score = model.gradient_of_row_by_assembly((own, private.bias), row, by_row)?;
    if !are_8_within(by_row, MAX_GRADIENT) {
        clamp_all(Some(by_row), MAX_GRADIENT);
    }
    Some(score)
}

/// Takes `private` one step along a gradient whose part by the row is `by_row`.
#[inline(always)]
fn descend_along(
    model: &Model<'_>,
    private: &mut Private,
    error: f32,
    by_row: &[f32],
    options: StepOptions,
) {
    let error = clamp(error, -MAX_ERROR, MAX_ERROR);
    let (mean_row, mean_bias) = model.mean_row();
    let bias = moved(private.bias, mean_bias, error, 1.0, options);
    private.bias = clamp(bias, -ROW_LIMIT, ROW_LIMIT);
    let mut bits = 0;
    each_of_two(&mut private.row, mean_row, by_row, |own, mean, g| {
        *own = moved(*own, *mean, error, *g, options);
        bits |= own.to_bits();
    });
    if may_pass(bits) {
        clamp_each(private.row.get_mut(..mean_row.len()), ROW_LIMIT);
    }
}

/// Where one step takes a number, before it is held to its limits.
#[inline]
fn moved(own: f32, mean: f32, error: f32, gradient: f32, options: StepOptions) -> f32 {
    let pull = options.l2 * (own - mean);
    own + options.rate * (error * gradient - pull)
}
