//! Many models into one: the best single table of few dimensions for the mean of many factorisations.
//!
//! The mean over samples of `P_s Q_s^T` is itself a product, `[P_1 .. P_S] [Q_1 .. Q_S]^T / S`. Its best
//! approximation of lower rank, errors weighted by how many ratings user and movie have, comes from
//! the singular values of a small matrix of Gram factors (Eckart and Young 1936, with the weights
//! taken into the rows), so it costs no training and no pass over pairs.

use std::borrow::Cow;

use super::tall;
use crate::dense::{PIVOT, cholesky, solve_upper, svd};

/// A product `left right^T` of two tables of `rank` columns.
#[derive(Clone, Debug, Default)]
pub(super) struct Product<'a> {
    pub rank: usize,
    pub left: Cow<'a, [f32]>,
    pub right: Cow<'a, [f32]>,
}

impl Product<'_> {
    /// Adds `scale` times another product: its columns go beside the present ones.
    pub(super) fn append(&mut self, columns: usize, scale: f32, left: &[f32], right: &[f32]) {
        let beside = |old: &[f32], new: &[f32], scale: f32| -> Vec<f32> {
            let (rank, rows) = (self.rank, new.len() / columns);
            let mut out = Vec::with_capacity(rows * (rank + columns));
            for (i, new) in new.chunks_exact(columns).enumerate() {
                out.extend_from_slice(&old[i * rank..(i + 1) * rank]);
                out.extend(new.iter().map(|x| x * scale));
            }
            out
        };
        let (left, right) = (
            beside(&self.left, left, scale),
            beside(&self.right, right, 1.0),
        );
        *self = Self {
            rank: self.rank + columns,
            left: left.into(),
            right: right.into(),
        };
    }

    /// The best product of `rank` columns, each row's errors weighted; both tables get the square
    /// roots of the singular values.
    pub(super) fn reduce(
        &self,
        rank: usize,
        weights: (&[f32], &[f32]),
        threads: usize,
    ) -> Product<'static> {
        let centre = vec![0.0; self.rank];
        self.reduce_to(|_| rank, (&centre, &centre), weights, threads)
    }

    /// As [`reduce`](Self::reduce), each row less its table's centre, to as many columns as `rank` says of the squared
    /// singular values, largest first.
    pub(super) fn reduce_to(
        &self,
        rank: impl Fn(&[f64]) -> usize,
        centres: (&[f32], &[f32]),
        weights: (&[f32], &[f32]),
        threads: usize,
    ) -> Product<'static> {
        let (rank, [left, right]) = self.turns(rank, centres, weights, threads);
        let times = |table: &[f32], centre: &[f32], turn: &[f32]| {
            tall::times(table, centre, turn, rank, threads).into()
        };
        Product {
            rank,
            left: times(&self.left, centres.0, &left),
            right: times(&self.right, centres.1, &right),
        }
    }

    /// What [`reduce_to`](Self::reduce_to) multiplies the two tables with, less their centres, and to how many columns.
    pub(super) fn turns(
        &self,
        rank: impl Fn(&[f64]) -> usize,
        centres: (&[f32], &[f32]),
        weights: (&[f32], &[f32]),
        threads: usize,
    ) -> (usize, [Vec<f32>; 2]) {
        let n = self.rank;
        let mut a = gram(&self.left, centres.0, weights.0, threads);
        let mut b = gram(&self.right, centres.1, weights.1, threads);
        cholesky(&mut a, n, PIVOT);
        cholesky(&mut b, n, PIVOT);
        // With L_a L_a^T and L_b L_b^T for the Grams the tables are Q_a L_a^T and Q_b L_b^T, the columns of the Qs being
        // orthonormal; so the singular values of their product are those of L_a^T L_b in between.
        let mut columns = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..n {
                columns[j * n + i] = (i.max(j)..n).map(|k| a[k * n + i] * b[k * n + j]).sum();
            }
        }
        let found = svd(columns, n);
        let squares: Vec<f64> = found.values.iter().map(|value| value * value).collect();
        let rank = rank(&squares);
        let turn = |factor: &[f64], vectors: &[f64]| -> Vec<f32> {
            let mut out = vec![0.0; n * rank];
            for k in 0..rank.min(n) {
                let mut vector = vectors[k * n..(k + 1) * n].to_vec();
                solve_upper(factor, n, &mut vector);
                for (i, value) in vector.iter().enumerate() {
                    out[i * rank + k] = (value * found.values[k].sqrt()) as f32;
                }
            }
            out
        };
        (rank, [turn(&a, &found.left), turn(&b, &found.right)])
    }
}

/// The weighted Gram matrix of a table's columns less a centre, lower triangle. A millionth of its trace is added
/// to the diagonal: ten times what single precision loses, so that columns which say the same don't
/// stop the factorisation.
fn gram(table: &[f32], centre: &[f32], weights: &[f32], threads: usize) -> Vec<f64> {
    let n = centre.len();
    let mut sum = tall::gram(table, centre, weights, threads);
    let trace: f64 = (0..n).map(|i| sum[i * n + i]).sum();
    for i in 0..n {
        sum[i * n + i] += 1e-6 * trace + 1e-12;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::super::draw::{Draw, Purpose};
    use super::*;

    fn table(rows: usize, columns: usize, part: u64) -> Vec<f32> {
        let mut draw = Draw::new(3, Purpose::Start, 0, part);
        (0..rows * columns).map(|_| draw.normal() as f32).collect()
    }

    fn at(p: &Product<'_>, i: usize, j: usize) -> f32 {
        let left = &p.left[i * p.rank..(i + 1) * p.rank];
        let right = &p.right[j * p.rank..(j + 1) * p.rank];
        left.iter().zip(right).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn what_has_a_low_rank_loses_nothing() {
        let (users, movies) = (30, 20);
        let (a, b) = (table(users, 3, 0), table(movies, 3, 1));
        let mut sum = Product::default();
        sum.append(3, 0.25, &a, &b);
        sum.append(3, 0.75, &a, &b);
        let weights = (vec![2.0; users], vec![1.0; movies]);
        let low = sum.reduce(3, (&weights.0, &weights.1), 2);
        for i in 0..users {
            for j in 0..movies {
                assert!((at(&low, i, j) - at(&sum, i, j)).abs() < 2e-3);
            }
        }
    }

    #[test]
    fn columns_that_say_the_same_do_no_harm() {
        let (a, b) = (table(12, 5, 2), table(9, 5, 3));
        let mut sum = Product::default();
        for _ in 0..6 {
            sum.append(5, 1.0 / 6.0, &a, &b);
        }
        let low = sum.reduce(8, (&[1.0; 12], &[3.0; 9]), 1);
        for i in 0..12 {
            for j in 0..9 {
                assert!((at(&low, i, j) - at(&sum, i, j)).abs() < 2e-3);
            }
        }
    }

    #[test]
    fn a_lower_rank_keeps_what_weighs_most() {
        // Two users' tastes in two separate groups of movies: the second user weighs more.
        let mut sum = Product::default();
        sum.append(2, 1.0, &[1.0, 0.0, 0.0, 1.0], &[1.0, 0.0, 0.0, 1.0]);
        let low = sum.reduce(1, (&[1.0, 5.0], &[1.0, 1.0]), 1);
        assert!(at(&low, 0, 0).abs() < 1e-2);
        assert!((at(&low, 1, 1) - 1.0).abs() < 1e-2);
    }
}
