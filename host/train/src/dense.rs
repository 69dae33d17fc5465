//! Small dense matrices, row by row: Cholesky factors, triangular solves, and singular values by Jacobi's method.
//!
//! All that is solved here is solved so; the sampler's eight systems side by side (`bayes/kernel.rs`) are the exception,
//! and tested by this.

use std::ops::{Div, Mul, Sub};

/// The numbers of a matrix, in single or double precision.
pub trait Real:
    Copy + PartialOrd + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self>
{
    /// The square root, correctly rounded.
    fn root(self) -> Self;
}

impl Real for f32 {
    #[inline(always)]
    fn root(self) -> Self {
        self.sqrt()
    }
}

impl Real for f64 {
    #[inline(always)]
    fn root(self) -> Self {
        self.sqrt()
    }
}

/// The least that is taken a root of where nothing better is known, in double precision.
pub const PIVOT: f64 = 1e-12;

/// Replaces the lower triangle of a symmetric positive definite matrix `A` by its Cholesky factor `L` (`A = L L^T`), an
/// element after the other:
///
/// ```text
/// L_ij = (A_ij - sum over k < j of L_ik L_jk) / L_jj,    L_ii = sqrt(A_ii - sum over k < i of L_ik^2)
/// ```
///
/// What a root is taken of is held above `least`, so that a pivot which rounding has eaten isn't NaN. n^3 / 6
/// multiplications; above the diagonal nothing is read or written.
#[inline]
pub fn cholesky<T: Real>(a: &mut [T], n: usize, least: T) {
    for i in 0..n {
        let (above, rest) = a.split_at_mut(i * n);
        let row = &mut rest[..n];
        for j in 0..i {
            let other = &above[j * n..][..=j];
            let pairs = row[..j].iter().zip(other);
            let sum = pairs.fold(row[j], |sum, (x, y)| sum - *x * *y);
            row[j] = sum / other[j];
        }
        let left = row[..i].iter().fold(row[i], |sum, x| sum - *x * *x);
        row[i] = if left > least { left } else { least }.root();
    }
}

/// Solves `L x = b` in place for a lower triangular `L`.
#[inline]
pub fn solve_lower<T: Real>(l: &[T], n: usize, b: &mut [T]) {
    for i in 0..n {
        let row = &l[i * n..][..=i];
        let sum = row
            .iter()
            .zip(&b[..i])
            .fold(b[i], |sum, (x, y)| sum - *x * *y);
        b[i] = sum / row[i];
    }
}

/// Solves `L^T x = b` in place for a lower triangular `L`.
#[inline]
pub fn solve_upper<T: Real>(l: &[T], n: usize, b: &mut [T]) {
    for i in (0..n).rev() {
        let mut sum = b[i];
        for k in i + 1..n {
            sum = sum - l[k * n + i] * b[k];
        }
        b[i] = sum / l[i * n + i];
    }
}

/// The product of two vectors, of which each eighth number has a sum of its own, so that none waits for the last.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let ((eights, a), (others, b)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    for (a, b) in eights.iter().zip(others) {
        for (at, sum) in sums.iter_mut().enumerate() {
            *sum += a[at] * b[at];
        }
    }
    for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
        *sum += a * b;
    }
    sums.iter().sum()
}

/// Singular values, and vectors, of a square matrix.
pub struct Svd {
    /// Descending.
    pub values: Vec<f64>,
    /// Row `k` is the left vector of value `k`.
    pub left: Vec<f64>,
    /// Row `k` is the right vector of value `k`.
    pub right: Vec<f64>,
}

/// One-sided Jacobi rotations (Hestenes 1958) on the columns of an `n` x `n` matrix, which is given
/// transposed: row `k` of `columns` is its column `k`. About 6 n^3 multiplications a pass and 6 to
/// 10 passes.
pub fn svd(mut columns: Vec<f64>, n: usize) -> Svd {
    let mut right = vec![0.0; n * n];
    for k in 0..n {
        right[k * n + k] = 1.0;
    }
    for _pass in 0..40 {
        let mut turned = false;
        for p in 0..n {
            for q in p + 1..n {
                let (a, b) = (&columns[p * n..(p + 1) * n], &columns[q * n..(q + 1) * n]);
                let (aa, bb, ab) = (dot(a, a), dot(b, b), dot(a, b));
                if ab * ab <= 1e-18 * aa * bb {
                    continue;
                }
                turned = true;
                let z = (bb - aa) / (2.0 * ab);
                let tangent = z.signum() / (z.abs() + (1.0 + z * z).sqrt());
                let cosine = 1.0 / (1.0 + tangent * tangent).sqrt();
                let sine = cosine * tangent;
                for matrix in [&mut columns, &mut right] {
                    let (head, tail) = matrix.split_at_mut(q * n);
                    for (x, y) in head[p * n..(p + 1) * n].iter_mut().zip(&mut tail[..n]) {
                        (*x, *y) = (cosine * *x - sine * *y, sine * *x + cosine * *y);
                    }
                }
            }
        }
        if !turned {
            break;
        }
    }
    let norms: Vec<f64> = columns.chunks(n).map(|c| dot(c, c).sqrt()).collect();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| norms[b].total_cmp(&norms[a]));
    let mut out = Svd {
        values: Vec::with_capacity(n),
        left: Vec::with_capacity(n * n),
        right: Vec::with_capacity(n * n),
    };
    for k in order {
        let norm = norms[k];
        out.values.push(norm);
        let divide = if norm > 0.0 { 1.0 / norm } else { 0.0 };
        out.left
            .extend(columns[k * n..(k + 1) * n].iter().map(|x| x * divide));
        out.right.extend_from_slice(&right[k * n..(k + 1) * n]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bayes::draw::{Draw, Purpose};

    #[test]
    fn factors_multiply_to_what_was_factored() {
        let n = 7;
        let mut draw = Draw::new(1, Purpose::Start, 0, 0);
        let m: Vec<f64> = (0..n * n).map(|_| draw.normal()).collect();
        let product = |a: &[f64], i: usize, j: usize| -> f64 {
            (0..n).map(|k| a[i * n + k] * a[j * n + k]).sum()
        };
        let a: Vec<f64> = (0..n * n).map(|k| product(&m, k / n, k % n)).collect();
        let mut l = a.clone();
        cholesky(&mut l, n, 1e-12);
        for i in 0..n {
            for j in i + 1..n {
                l[i * n + j] = 0.0;
            }
        }
        for i in 0..n {
            for j in 0..n {
                assert!((product(&l, i, j) - a[i * n + j]).abs() < 1e-9);
            }
        }
        let mut x: Vec<f64> = (0..n).map(|k| k as f64).collect();
        let mut y = x.clone();
        solve_lower(&l, n, &mut y);
        for i in 0..n {
            let back: f64 = (0..n).map(|k| l[i * n + k] * y[k]).sum();
            assert!((back - i as f64).abs() < 1e-8);
        }
        solve_upper(&l, n, &mut x);
        for i in 0..n {
            let back: f64 = (0..n).map(|k| l[k * n + i] * x[k]).sum();
            assert!((back - i as f64).abs() < 1e-8);
        }
    }

    #[test]
    fn singular_vectors_build_the_matrix_again() {
        let n = 9;
        let mut draw = Draw::new(2, Purpose::Start, 0, 0);
        let columns: Vec<f64> = (0..n * n).map(|_| draw.normal()).collect();
        let found = svd(columns.clone(), n);
        assert!(found.values.is_sorted_by(|a, b| a >= b));
        for i in 0..n {
            for j in 0..n {
                let back: f64 = (0..n)
                    .map(|k| found.values[k] * found.left[k * n + i] * found.right[k * n + j])
                    .sum();
                assert!((back - columns[j * n + i]).abs() < 1e-9);
            }
        }
    }
}
