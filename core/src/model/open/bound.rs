//! Whether any prediction could pass the limit.

use super::Found;
use crate::image::ImageError;
use crate::model::{LIMIT, Model};
use crate::numeric::magnitude;
use crate::numeric::pace::{Pace, walked};
use crate::numeric::walk::numbered;
use crate::table::Magnitude;

/// The largest magnitudes that enter a prediction.
#[derive(Debug)]
pub(super) struct Largest {
    pub(super) user_row: Magnitude,
    pub(super) movie_row: Magnitude,
    pub(super) user_bias: Magnitude,
    pub(super) movie_bias: Magnitude,
    /// Of the units of a dense layer, as far as they were bounded.
    pub(super) unit: f32,
}

/// Refuses a model in which a sum of magnitudes could pass [`LIMIT`]. Each sum here has the terms of the sum it
/// bounds, so rounding can't carry a prediction from below LIMIT to infinity: 1e30 is far below 3.4e38. An
/// overflow or a NaN in a bound fails its comparison and refuses the image.
#[inline(never)]
pub(super) fn bounds<P: Pace>(
    model: &Model<'_>,
    found: &Found<'_, P>,
    stage: &mut u8,
    b: &mut Largest,
) -> Option<()> {
    let columns = model.movie_dim() as f32;
    let (user_row, movie_row) = (b.user_row.largest, b.movie_row.largest);
    let dot = columns * user_row * movie_row;
    found.stage(stage, || {
        // The first are lengths of rows, which similarity divides by.
        if !within(columns * movie_row * movie_row) || model.parts.dot && !within(dot) {
            found.refuse(ImageError::DotBound);
        }
    })?;
    // With tables of other shapes than they should have, the loops could be long.
    if let Some(mlp) = model.mlp.as_ref().filter(|_| found.wrong.get().is_none()) {
        let (user_dim, movie_dim) = (mlp.user_dim, mlp.movie_dim);
        found.stage(stage, || {
            layer(
                found,
                0,
                mlp.bias,
                (user_dim.wrapping_add(movie_dim), &mut b.unit),
                |unit| {
                    let user = (unit.wrapping_mul(user_dim), 1);
                    let movie = (unit.wrapping_mul(movie_dim), 1);
                    user_row * absolute_sum(mlp.user_weights, user, user_dim)
                        + movie_row * absolute_sum(mlp.movie_weights, movie, movie_dim)
                },
            );
        })?;
        let mut inputs = mlp.units();
        for (number, later) in numbered(mlp.later(), 1) {
            found.stage(stage, || {
                let largest = b.unit;
                layer(
                    found,
                    number as u8,
                    later.bias,
                    (inputs, &mut b.unit),
                    |unit| largest * absolute_sum(later.weights, (unit, later.units()), inputs),
                );
            })?;
            inputs = later.units();
        }
    }
    found.stage(stage, || {
        let mut sum = magnitude(model.scale.mean) + b.user_bias.largest + b.movie_bias.largest;
        if model.parts.dot {
            sum += dot;
        }
        if model.parts.mlp {
            sum += b.unit;
        }
        if !within(sum) {
            found.refuse(ImageError::SumBound);
        }
    })
}

fn within(x: f32) -> bool {
    x <= LIMIT
}

/// Cycles that a weight takes at most, on a Cortex-M0.
const WEIGHT: u32 = 300;

/// Bounds the units of dense layer `number` with these biases, each of so many `inputs`, whose weighted sum has at most
/// the magnitude that `sum_of` gives; the largest one is left in `largest`.
#[inline(always)]
fn layer<P: Pace>(
    found: &Found<'_, P>,
    number: u8,
    bias: &[f32],
    (inputs, largest): (usize, &mut f32),
    sum_of: impl Fn(usize) -> f32,
) {
    let cycles = WEIGHT.wrapping_mul(inputs as u32);
    let bounded = found
        .pace
        .walk(bias.len(), cycles, [0; 3], |part, [so_far, ..]| {
            let mut so_far = f32::from_bits(so_far);
            for unit in part {
                let bias = bias.get(unit).copied().unwrap_or_default();
                let unit = magnitude(bias) + sum_of(unit);
                if !within(unit) {
                    return Err(ImageError::LayerBound { layer: number });
                }
                if unit > so_far {
                    so_far = unit;
                }
            }
            Ok([so_far.to_bits(), 0, 0])
        });
    match bounded {
        Ok(Some([bits, ..])) => *largest = f32::from_bits(bits),
        Ok(None) => {}
        Err(why) => found.refuse(why),
    }
}

/// The sum of the magnitudes of `count` weights: the `first` one, and each `step` behind the one before.
#[inline(never)]
fn absolute_sum(weights: &[f32], (first, step): (usize, usize), count: usize) -> f32 {
    walked(count, WEIGHT);
    let mut sum = 0.0;
    let mut at = first;
    for _ in 0..count {
        sum += magnitude(weights.get(at).copied().unwrap_or_default());
        at = at.wrapping_add(step);
    }
    sum
}
