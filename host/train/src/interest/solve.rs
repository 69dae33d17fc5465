//! Small symmetric systems, in single precision with the lower triangle in use.

use super::recipe::DIM;

/// A square matrix of which the lower triangle counts.
pub(super) type Square = [[f32; DIM]; DIM];

/// Adds `weight` times the outer product of `row` with itself. Whole rows, for the sake of vector registers.
pub(super) fn add(square: &mut Square, row: &[f32; DIM], weight: f32) {
    for (line, x) in square.iter_mut().zip(row) {
        let x = weight * x;
        for (sum, y) in line.iter_mut().zip(row) {
            *sum += x * y;
        }
    }
}

/// The lower factor of a positive definite matrix (Cholesky).
fn factor(mut square: Square) -> Square {
    for i in 0..DIM {
        for j in 0..=i {
            let pairs = square[i][..j].iter().zip(&square[j][..j]);
            let sum = pairs.fold(square[i][j], |sum, (a, b)| sum - a * b);
            square[i][j] = if i == j {
                sum.max(f32::MIN_POSITIVE).sqrt()
            } else {
                sum / square[j][j]
            };
        }
    }
    square
}

/// x with `square` x = `right`, for a positive definite matrix.
pub(super) fn solve(square: Square, right: [f32; DIM]) -> [f32; DIM] {
    let lower = factor(square);
    let mut x = right;
    for i in 0..DIM {
        for k in 0..i {
            x[i] -= lower[i][k] * x[k];
        }
        x[i] /= lower[i][i];
    }
    for i in (0..DIM).rev() {
        for k in i + 1..DIM {
            x[i] -= lower[k][i] * x[k];
        }
        x[i] /= lower[i][i];
    }
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
