//! Whether any prediction could pass the limit.

use super::Found;
use crate::image::ImageError;
use crate::model::{LIMIT, Model};
use crate::numeric::magnitude;
use crate::numeric::walk::numbered;

pub(super) fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// The largest magnitudes that enter a prediction.
pub(super) struct Largest {
    pub(super) user_row: f32,
    pub(super) movie_row: f32,
    pub(super) user_bias: f32,
    pub(super) movie_bias: f32,
}

/// Refuses a model in which a sum of magnitudes could pass [`LIMIT`]. Each sum here has the terms of the sum it
/// bounds, so rounding can't carry a prediction from below LIMIT to infinity: 1e30 is far below 3.4e38. An
/// overflow or a NaN in a bound fails its comparison and refuses the image.
#[inline(never)]
pub(super) fn bounds<const CALLER: bool>(
    model: &Model<'_>,
    found: &Found<'_, CALLER>,
    b: &Largest,
) {
    let within = |x: f32| x <= LIMIT;
    let columns = model.movie_dim() as f32;
    let mut sum = magnitude(model.scale.mean) + b.user_bias + b.movie_bias;
    let dot = columns * b.user_row * b.movie_row;
    if model.parts.dot {
        sum += dot;
    }
    // The first are lengths of rows, which similarity divides by.
    if !within(columns * b.movie_row * b.movie_row) || model.parts.dot && !within(dot) {
        found.refuse(ImageError::DotBound);
    }
    // With tables of other shapes than they should have, the loops could be long.
    if let Some(mlp) = model.mlp.as_ref().filter(|_| found.wrong.get().is_none()) {
        let (user_dim, movie_dim) = (mlp.user_dim, mlp.movie_dim);
        let mut largest = 0.0;
        for (unit, bias) in numbered(mlp.bias, 0) {
            let user = absolute_sum(mlp.user_weights, (unit.wrapping_mul(user_dim), 1), user_dim);
            let movie = absolute_sum(
                mlp.movie_weights,
                (unit.wrapping_mul(movie_dim), 1),
                movie_dim,
            );
            let unit = magnitude(*bias) + b.user_row * user + b.movie_row * movie;
            if !within(unit) {
                found.refuse(ImageError::LayerBound { layer: 0 });
            }
            largest = larger(largest, unit);
        }
        let mut inputs = mlp.units();
        for (number, layer) in numbered(mlp.later(), 1) {
            let mut next = 0.0;
            for (unit, bias) in numbered(layer.bias, 0) {
                let column = absolute_sum(layer.weights, (unit, layer.units()), inputs);
                let unit = magnitude(*bias) + largest * column;
                if !within(unit) {
                    found.refuse(ImageError::LayerBound {
                        layer: number as u8,
                    });
                }
                next = larger(next, unit);
            }
            inputs = layer.units();
            largest = next;
        }
        sum += largest;
    }
    if !within(sum) {
        found.refuse(ImageError::SumBound);
    }
}

/// The sum of the magnitudes of `count` weights: the `first` one, and each `step` behind the one before.
#[inline(never)]
fn absolute_sum(weights: &[f32], (first, step): (usize, usize), count: usize) -> f32 {
    let mut sum = 0.0;
    let mut at = first;
    for _ in 0..count {
        sum += magnitude(weights.get(at).copied().unwrap_or_default());
        at = at.wrapping_add(step);
    }
    sum
}
