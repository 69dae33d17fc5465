//! What an error of a movie's bias and row does to predictions, on the mean over the users.

use crate::influence::{Influence, Side};
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
    /// The mean of (1, p)(1, p)' over the users, each counted as often as they rated, or once where that isn't known of
    /// anybody; without the 1 where movies have no bias. Costs (dim + 1)^2 multiply-adds a user.
    pub(super) fn of(p: &Parameters, user_counts: &[u32]) -> Self {
        let own = usize::from(!p.movie_bias.is_empty());
        let side = p.movie_dim + own;
        let mut moment = vec![0.0; side * side];
        let mut x = vec![1.0; side];
        let is_known = user_counts.iter().any(|count| *count > 0);
        let mut total = 0.0;
        for user in 0..p.users {
            let count = user_counts.get(user).filter(|_| is_known);
            let count = f64::from(count.copied().unwrap_or(1));
            total += count;
            for (x, p) in x[own..].iter_mut().zip(p.user_row(user)) {
                *x = f64::from(*p);
            }
            for (row, a) in moment.chunks_exact_mut(side).zip(&x) {
                for (sum, b) in row.iter_mut().zip(&x) {
                    *sum += count * a * b;
                }
            }
        }
        moment.iter_mut().for_each(|x| *x /= f64::max(total, 1.0));
        Self::by(moment, side)
    }

    /// By the gradients of predictions of a model with an MLP, of ratings drawn as often as their users and movies are rated:
    /// by bias and row, and by bias, row and half of dense layer 0. Costs [`DRAWN`]^2 predictions there and back.
    pub(super) fn of_network(
        p: &Parameters,
        (user_counts, movie_counts): (&[u32], &[u32]),
    ) -> (Self, Self) {
        let own = usize::from(!p.movie_bias.is_empty());
        let dim = p.movie_dim;
        let influence = Influence::by(p, Side::Movies, &drawn(user_counts));
        let mut by_row = Moment::new(own + dim);
        let mut by_half: Option<Moment> = None;
        for movie in drawn(movie_counts) {
            let row = p.movie_row(movie);
            let half = influence.half(row);
            let gradients = influence.gradients(row);
            for gradient in gradients.chunks_exact(dim) {
                by_row.add([&[1.0][..own], gradient].concat());
            }
            let direct = influence.rows().chunks_exact(dim).map(Some);
            let direct = direct.chain(std::iter::repeat(None));
            let by_unit = influence.gradients_by_half(&half);
            for (gradient, direct) in by_unit.chunks_exact(half.len().max(1)).zip(direct) {
                let direct = direct.unwrap_or_default();
                let all = [&[1.0][..own], direct, gradient].concat();
                let moment = by_half.get_or_insert_with(|| Moment::new(all.len()));
                moment.add(all);
            }
        }
        let by_half = by_half.unwrap_or_else(|| Moment::new(own));
        (by_row.metric(), by_half.metric())
    }

    /// By a second moment.
    fn by(mut moment: Vec<f64>, side: usize) -> Self {
        let trace: f64 = (0..side).map(|i| moment[i * side + i]).sum();
        let ridge = (RIDGE * trace / side as f64).max(f64::MIN_POSITIVE);
        for i in 0..side {
            moment[i * side + i] += ridge;
        }
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

/// Users and movies that are drawn, at most.
const DRAWN: usize = 256;

/// Rows drawn evenly from as many of each as `counts` says, where there are too many; each at least once otherwise.
fn drawn(counts: &[u32]) -> Vec<usize> {
    let total: u64 = counts.iter().map(|n| u64::from(*n)).sum();
    if counts.len() <= DRAWN || total == 0 {
        return (0..counts.len()).take(DRAWN).collect();
    }
    let mut drawn = Vec::with_capacity(DRAWN);
    let mut before = 0;
    for (at, count) in counts.iter().enumerate() {
        before += u64::from(*count);
        while drawn.len() < DRAWN && drawn.len() as u64 * total < before * DRAWN as u64 {
            drawn.push(at);
        }
    }
    drawn
}

/// A sum of outer products.
struct Moment {
    side: usize,
    sums: Vec<f64>,
    count: f64,
}

impl Moment {
    fn new(side: usize) -> Self {
        Self {
            side,
            sums: vec![0.0; side * side],
            count: 0.0,
        }
    }

    fn add(&mut self, x: Vec<f32>) {
        for (row, a) in self.sums.chunks_exact_mut(self.side).zip(&x) {
            if *a != 0.0 {
                for (sum, b) in row.iter_mut().zip(&x) {
                    *sum += f64::from(a * b);
                }
            }
        }
        self.count += 1.0;
    }

    fn metric(self) -> Metric {
        let sums = self.sums.iter().map(|x| x / self.count.max(1.0));
        Metric::by(sums.collect(), self.side)
    }
}
