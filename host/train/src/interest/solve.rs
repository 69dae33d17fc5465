//! Small symmetric systems, in single precision with the lower triangle in use.

use super::settings::DIM;
use crate::dense::{cholesky, solve_lower, solve_upper};

/// A vector of interest.
pub(super) type Vector = [f32; DIM];

/// A square matrix of which the lower triangle counts.
pub(super) type Square = [[f32; DIM]; DIM];

/// Adds `weight` times the outer product of `row` with itself. Whole rows, for the sake of vector registers.
pub(super) fn add(square: &mut Square, row: &Vector, weight: f32) {
    for (line, x) in square.iter_mut().zip(row) {
        let x = weight * x;
        for (sum, y) in line.iter_mut().zip(row) {
            *sum += x * y;
        }
    }
}

/// x with `square` x = `right`, for a positive definite matrix.
pub(super) fn solve(mut square: Square, right: Vector) -> Vector {
    let lower = square.as_flattened_mut();
    cholesky(lower, DIM, f32::MIN_POSITIVE);
    let mut x = right;
    solve_lower(lower, DIM, &mut x);
    solve_upper(lower, DIM, &mut x);
    x
}

/// The inverse of a positive definite matrix, both triangles.
pub(super) fn invert(square: &Square) -> Square {
    let mut inverse = [[0.0; DIM]; DIM];
    for (i, line) in inverse.iter_mut().enumerate() {
        let mut unit = [0.0; DIM];
        unit[i] = 1.0;
        *line = solve(*square, unit);
    }
    inverse
}

/// The lower triangle, row after row.
pub(super) fn triangle(square: &Square) -> Vec<f32> {
    square
        .iter()
        .enumerate()
        .flat_map(|(at, line)| line[..=at].to_vec())
        .collect()
}
