//! What an error of a movie's bias and row does to predictions, on the mean over the users.

use pocketrec_train::Parameters;
use pocketrec_train::dense::{PIVOT, cholesky, solve_upper};

/// The users' second moment M = L L', by its factor.
pub(crate) struct Metric {
    side: usize,
    /// L, the lower triangle in a square, row after row.
    factor: Vec<f64>,
}

/// Added to the diagonal, as a share of its mean: directions in which nobody differs keep some of their numbers, for
/// an owner whom training hasn't seen, and for movies' likeness to each other.
const RIDGE: f64 = 1.0e-3;

impl Metric {
    /// The mean of (1, p)(1, p)' over the users, each counted as often as they rated; without the 1 where movies have no
    /// bias. Costs (dim + 1)^2 multiply-adds a user.
    pub(super) fn of(p: &Parameters, user_counts: &[u32]) -> Self {
        let own = usize::from(!p.movie_bias.is_empty());
        let side = p.movie_dim + own;
        let mut moment = vec![0.0; side * side];
        let mut x = vec![1.0; side];
        for user in 0..p.users {
            let count = user_counts.get(user).copied().unwrap_or(1);
            for (x, p) in x[own..].iter_mut().zip(p.user_row(user)) {
                *x = f64::from(*p);
            }
            for (row, a) in moment.chunks_exact_mut(side).zip(&x) {
                for (sum, b) in row.iter_mut().zip(&x) {
                    *sum += f64::from(count) * a * b;
                }
            }
        }
        let trace: f64 = (0..side).map(|i| moment[i * side + i]).sum();
        let ridge = (RIDGE * trace / side as f64).max(f64::MIN_POSITIVE);
        for i in 0..side {
            moment[i * side + i] += ridge;
        }
        let sum: f64 = user_counts
            .iter()
            .map(|n| f64::from(*n))
            .sum::<f64>()
            .max(1.0);
        moment.iter_mut().for_each(|x| *x /= sum);
        cholesky(&mut moment, side, PIVOT);
        Self {
            side,
            factor: moment,
        }
    }

    /// Numbers of a movie: its bias, where it has one, and its row.
    pub(super) fn side(&self) -> usize {
        self.side
    }

    /// L' x.
    pub(super) fn whiten(&self, x: &[f64]) -> Vec<f32> {
        let column = |j: usize| -> f64 {
            (j..self.side)
                .map(|i| self.factor[i * self.side + j] * x[i])
                .sum()
        };
        (0..self.side).map(|j| column(j) as f32).collect()
    }

    /// x of L' x = z.
    pub(super) fn unwhiten(&self, z: &[f32]) -> Vec<f64> {
        let mut x: Vec<f64> = z.iter().map(|x| f64::from(*x)).collect();
        solve_upper(&self.factor, self.side, &mut x);
        x
    }
}
