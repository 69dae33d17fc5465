//! Wide rows into rows of few dimensions: what rows have in common becomes biases, the rest is held as well as so few
//! numbers can, and turned so that users' rows spread evenly.

use std::ops::RangeInclusive;

use super::Rows;
use super::compress::Product;
use super::tall;
use crate::dense::{PIVOT, cholesky, solve_lower};
use pocketrec_base::threads::{join, share};

/// Rows that a thread takes at a time.
const PART: usize = 1 << 12;

/// A model before it is narrow: `mean + bias + bias + <left, right>`.
pub(super) struct Wide<'a> {
    pub mean: f64,
    /// Of users, and of movies.
    pub bias: (Vec<f64>, Vec<f64>),
    pub product: Product<'a>,
    /// Of the ratings that it was made from.
    pub variance: f64,
}

/// A model whose rows are to become narrower: as [`Rows`], with tables that lie wherever they do.
#[derive(Clone, Copy, Debug)]
pub struct WideRows<'a> {
    /// What a prediction starts from.
    pub mean: f32,
    /// A number a user, and a number a movie.
    pub bias: (&'a [f32], &'a [f32]),
    /// Numbers of a row.
    pub dim: usize,
    /// `dim` numbers a user, and as many a movie, row by row.
    pub rows: (&'a [f32], &'a [f32]),
}

/// A model of fewer dimensions that predicts as nearly as such a one can, errors weighted by the product of what user and
/// movie weigh (a number a user and a number a movie, above 0).
///
/// Costs two passes over the rows, of dimensions squared multiply-adds a row, and singular values of a matrix as wide as
/// the rows.
pub fn narrower(
    model: &WideRows<'_>,
    weights: (&[f32], &[f32]),
    dim: usize,
    threads: usize,
) -> Rows {
    let doubles = |values: &[f32]| values.iter().map(|&b| f64::from(b)).collect::<Vec<_>>();
    let wide = Wide {
        mean: model.mean.into(),
        bias: (doubles(model.bias.0), doubles(model.bias.1)),
        product: Product {
            rank: model.dim,
            left: model.rows.0.into(),
            right: model.rows.1.into(),
        },
        variance: 1.0,
    };
    finish(wide, weights, dim..=dim, threads)
}

/// What a dimension must explain to be kept where it need not be: a share of the ratings' variance. For stars from 1 to 5
/// that is about 0.0001 of an RMSE of 0.83.
pub const EXPLAINS: f64 = 0.00015;

/// How many dimensions are kept, an even number where that is free, by the share of the ratings' variance that each
/// explains, the largest first.
///
/// Under the posterior, what is rated errs about the mean of the samples independently of whatever the samples say. So
/// leaving a dimension out adds the mean square of its part of the predictions to their expected squared error, no more
/// and no less: what is left out costs is known without a rating that was held out.
fn kept(explained: impl Iterator<Item = f64>, dims: &RangeInclusive<usize>) -> usize {
    let worth = explained.take_while(|share| *share >= EXPLAINS).count();
    // Devices that reckon in integers take two numbers at a time.
    (worth - worth % 2).clamp(*dims.start(), *dims.end())
}

/// Moves what rows have in common into biases and mean, reduces the rest to so many dimensions as [`kept`] says of
/// `dims`, and turns it so that users' rows spread evenly.
pub(super) fn finish(
    wide: Wide<'_>,
    weights: (&[f32], &[f32]),
    dims: RangeInclusive<usize>,
    threads: usize,
) -> Rows {
    let Wide {
        mut mean,
        mut bias,
        product,
        variance,
    } = wide;
    let rank = product.rank;
    let (left, right) = (&product.left[..], &product.right[..]);
    let centre = |table: &[f32], weights: &[f32]| -> Vec<f64> {
        let total: f64 = weights.iter().map(|&w| f64::from(w)).sum();
        let mut sum = vec![0.0; rank];
        for (row, &weight) in table.chunks_exact(rank.max(1)).zip(weights) {
            for (sum, &x) in sum.iter_mut().zip(row) {
                *sum += f64::from(weight) * f64::from(x);
            }
        }
        sum.iter_mut().for_each(|sum| *sum /= total);
        sum
    };
    // Rows that share a direction carry a bias in it: <p, q> = <p - c, q - d> + <c, q> + <p - c, d>, of which the last
    // two hang on one side alone.
    let (c, d) = join(
        threads,
        || centre(left, weights.0),
        || centre(right, weights.1),
    );
    // As they are taken off the rows.
    let single = |centre: &[f64]| centre.iter().map(|&x| x as f32).collect::<Vec<_>>();
    let centres = (single(&c), single(&d));
    tall::add_products(left, Some(&centres.0), &d, &mut bias.0, threads);
    tall::add_products(right, None, &c, &mut bias.1, threads);
    let total = |weights: &[f32]| weights.iter().map(|&w| f64::from(w)).sum::<f64>();
    for (bias, weights) in [(&mut bias.0, weights.0), (&mut bias.1, weights.1)] {
        let total = total(weights);
        let products = bias.iter().zip(weights).map(|(b, &w)| b * f64::from(w));
        let common = products.sum::<f64>() / total.max(1.0);
        bias.iter_mut().for_each(|b| *b -= common);
        mean += common;
    }
    // A squared singular value is the mean square of what its dimension adds, times what all pairs weigh together.
    let whole = (total(weights.0) * total(weights.1) * variance).max(f64::MIN_POSITIVE);
    let dim = |squares: &[f64]| kept(squares.iter().map(|square| square / whole), &dims);
    let product = product.reduce_to(dim, (&centres.0, &centres.1), weights, threads);
    let dim = product.rank;
    let biases = |values: &[f64]| values.iter().map(|&b| b as f32).collect::<Vec<_>>();
    let mut rows = Rows {
        mean: mean as f32,
        user_bias: biases(&bias.0),
        movie_bias: biases(&bias.1),
        dim,
        user_rows: product.left.into_owned(),
        movie_rows: product.right.into_owned(),
    };
    even_out(&mut rows, threads);
    rows
}

/// Turns the rows so that the users' have mean zero and, in every direction, the variance of the
/// users' biases, all users counting alike; predictions stay as they are.
pub(super) fn even_out(rows: &mut Rows, threads: usize) {
    let (users, dim) = (rows.user_bias.len(), rows.dim);
    if users < 2 || dim == 0 {
        return;
    }
    let part = 1.0 / users as f64;
    let mut centre = vec![0.0; dim];
    for row in rows.user_rows.chunks_exact(dim) {
        for (sum, &x) in centre.iter_mut().zip(row) {
            *sum += part * f64::from(x);
        }
    }
    each_row(
        &mut rows.user_rows,
        dim,
        &mut rows.user_bias,
        threads,
        |row, _| {
            for (x, c) in row.iter_mut().zip(&centre) {
                *x -= *c as f32;
            }
        },
    );
    let mut covariance = tall::covariance(&rows.user_rows, dim, part, threads);
    each_row(
        &mut rows.movie_rows,
        dim,
        &mut rows.movie_bias,
        threads,
        |row, bias| {
            let moved: f64 = row
                .iter()
                .zip(&centre)
                .map(|(&x, c)| f64::from(x) * c)
                .sum();
            *bias += moved as f32;
        },
    );
    let mean_bias = part * rows.user_bias.iter().map(|&b| f64::from(b)).sum::<f64>();
    let variance = part
        * rows
            .user_bias
            .iter()
            .map(|&b| (f64::from(b) - mean_bias).powi(2))
            .sum::<f64>();
    let trace: f64 = (0..dim).map(|i| covariance[i * dim + i]).sum();
    if trace <= 0.0 || variance <= 0.0 {
        return;
    }
    for i in 0..dim {
        covariance[i * dim + i] += 1e-6 * trace;
    }
    cholesky(&mut covariance, dim, PIVOT);
    let (l, spread) = (&covariance, variance.sqrt());
    // p becomes s L^-1 p, and q becomes L^T q / s: products stay, and the covariance of p, which was L L^T, becomes s^2 I.
    let mut turn = vec![0.0; dim * dim];
    for (column, x) in turn.chunks_exact_mut(dim).enumerate() {
        x[column] = spread;
        solve_lower(l, dim, x);
    }
    tall::turn(&mut rows.user_rows, dim, &turn, threads);
    let back: Vec<f64> = (0..dim * dim)
        .map(|at| match at % dim <= at / dim {
            true => l[at] / spread,
            false => 0.0,
        })
        .collect();
    tall::turn(&mut rows.movie_rows, dim, &back, threads);
}

/// Does `work` to each row of a table and the number beside it, on all cores.
fn each_row<B: Send>(
    table: &mut [f32],
    dim: usize,
    beside: &mut [B],
    threads: usize,
    work: impl Fn(&mut [f32], &mut B) + Sync,
) {
    let dim = dim.max(1);
    let parts: Vec<_> = table
        .chunks_mut(PART * dim)
        .zip(beside.chunks_mut(PART))
        .collect();
    share(
        threads,
        parts,
        || (),
        |(), (rows, beside)| {
            for (row, beside) in rows.chunks_exact_mut(dim).zip(beside) {
                work(row, beside);
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::super::draw::{Draw, Purpose};
    use super::*;

    #[test]
    fn a_dimension_is_kept_while_it_explains_something_and_within_what_is_allowed() {
        let explained = [
            0.05,
            0.01,
            2.0 * EXPLAINS,
            EXPLAINS,
            EXPLAINS,
            0.5 * EXPLAINS,
        ];
        let of = |dims| kept(explained.into_iter(), &dims);
        assert_eq!(of(1..=6), 4);
        assert_eq!(of(5..=6), 5);
        assert_eq!(of(1..=3), 3);
        // Asked for is asked for, even of what explains nothing.
        assert_eq!(of(8..=8), 8);
    }

    #[test]
    fn rows_of_a_low_rank_predict_the_same_with_fewer_numbers() {
        let (users, movies, wide) = (60, 50, 9);
        let mut draw = Draw::new(5, Purpose::Start, 0, 0);
        let mut normal =
            |count: usize| -> Vec<f32> { (0..count).map(|_| draw.normal() as f32).collect() };
        // Rows of nine numbers of which the last six repeat the first three, and a direction that all share.
        let mut table = |rows: usize| -> Vec<f32> {
            (0..rows)
                .flat_map(|_| {
                    let three = normal(3);
                    (0..wide)
                        .map(move |at| three[at % 3] + if at < 2 { 0.5 } else { 0.0 })
                        .collect::<Vec<_>>()
                })
                .collect()
        };
        let rows = Rows {
            mean: 3.0,
            dim: wide,
            user_rows: table(users),
            movie_rows: table(movies),
            user_bias: normal(users),
            movie_bias: normal(movies),
        };
        let at = |rows: &Rows, u: usize, m: usize| {
            let dim = rows.user_rows.len() / users;
            let (p, q) = (
                &rows.user_rows[u * dim..][..dim],
                &rows.movie_rows[m * dim..][..dim],
            );
            let dot: f32 = p.iter().zip(q).map(|(a, b)| a * b).sum();
            rows.mean + rows.user_bias[u] + rows.movie_bias[m] + dot
        };
        let ones = (vec![1.0; users], vec![1.0; movies]);
        let given = WideRows {
            mean: rows.mean,
            bias: (&rows.user_bias, &rows.movie_bias),
            dim: wide,
            rows: (&rows.user_rows, &rows.movie_rows),
        };
        let narrow = narrower(&given, (&ones.0, &ones.1), 4, 2);
        for threads in [1, 5] {
            let other = narrower(&given, (&ones.0, &ones.1), 4, threads);
            assert_eq!(other, narrow, "{threads} threads");
        }
        assert_eq!(narrow.user_rows.len(), users * 4);
        for u in 0..users {
            for m in 0..movies {
                let (was, is) = (at(&rows, u, m), at(&narrow, u, m));
                assert!((was - is).abs() < 5e-3, "{u} {m}: {was} {is}");
            }
        }
    }
}
