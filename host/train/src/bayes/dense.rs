//! Small dense matrices in `f64`, row by row: Cholesky factors, triangular solves, and singular
//! values by Jacobi's method.

/// Replaces the lower triangle of a symmetric positive definite matrix by its Cholesky factor.
/// Pivots are held above 1e-12. n^3 / 6 multiplications.
pub(super) fn cholesky(a: &mut [f64], n: usize) {
    for j in 0..n {
        for i in j..n {
            let mut sum = a[i * n + j];
            for k in 0..j {
                sum -= a[i * n + k] * a[j * n + k];
            }
            a[i * n + j] = if i == j {
                sum.max(1e-12).sqrt()
            } else {
                sum / a[j * n + j]
            };
        }
    }
}

/// Solves `L^T x = b` in place for a lower triangular `L`.
pub(super) fn solve_upper(l: &[f64], n: usize, b: &mut [f64]) {
    for i in (0..n).rev() {
        let mut sum = b[i];
        for k in i + 1..n {
            sum -= l[k * n + i] * b[k];
        }
        b[i] = sum / l[i * n + i];
    }
}

/// Singular values, and vectors, of a square matrix.
pub(super) struct Svd {
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
pub(super) fn svd(mut columns: Vec<f64>, n: usize) -> Svd {
    let mut right = vec![0.0; n * n];
    for k in 0..n {
        right[k * n + k] = 1.0;
    }
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
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
    use super::super::draw::{Draw, Purpose};
    use super::*;

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
        cholesky(&mut l, n);
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
