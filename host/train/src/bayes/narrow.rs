//! Wide rows into rows of few dimensions: what rows have in common becomes biases, the rest is held as well as so few
//! numbers can, and turned so that users' rows spread evenly.

use std::ops::RangeInclusive;

use super::Rows;
use super::compress::Product;
use super::tall::{self, Affine};
use crate::dense::{PIVOT, cholesky, solve_lower};
use pocketrec_base::threads::{join, share};

/// Rows that a thread takes at a time.
const PART: usize = 1 << 12;

/// Rows of a table that a cut is found by, where there are more.
const SAMPLED: usize = 1 << 14;

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

/// A model of fewer dimensions that predicts about as nearly as such a one can, errors weighted by the product of what user
/// and movie weigh (a number a user and a number a movie, above 0): as `finish` makes of a model in memory, but that
/// which numbers explain most is found by some of the rows, `SAMPLED` of each table.
///
/// Costs one pass over the rows, of wide times narrow dimensions multiply-adds a row, and singular values of a matrix as
/// wide as the rows.
pub fn narrower(
    model: &WideRows<'_>,
    weights: (&[f32], &[f32]),
    dim: usize,
    threads: usize,
) -> Rows {
    narrower_by(SAMPLED, model, weights, dim, threads)
}

/// As [`narrower`], by so many rows of a table.
fn narrower_by(
    sampled: usize,
    model: &WideRows<'_>,
    weights: (&[f32], &[f32]),
    dim: usize,
    threads: usize,
) -> Rows {
    let n = model.dim;
    let some = |table, weights| Sample::of(table, n, weights, sampled);
    let (left, right) = (some(model.rows.0, weights.0), some(model.rows.1, weights.1));
    let (c, d) = (left.mean(n), right.mean(n));
    let centres = (single(&c), single(&d));
    let product = Product {
        rank: n,
        left: left.rows.into(),
        right: right.rows.into(),
    };
    let (_, [mut left_turn, mut right_turn]) = product.turns(
        |_| dim,
        (&centres.0, &centres.1),
        (&left.weights, &right.weights),
        threads,
    );
    // What evens the narrow rows out is taken into what makes them. Users count alike there.
    let users = some(model.rows.0, &vec![1.0; weights.0.len()]);
    let mut bias: Vec<f64> = users
        .places
        .iter()
        .map(|&user| model.bias.0[user].into())
        .collect();
    tall::add_products(&users.rows, Some(&centres.0), &d, &mut bias, threads);
    let mut rows = tall::times(&users.rows, &centres.0, &left_turn, dim, threads);
    let evening = evening(&mut rows, &single(&bias), dim, threads);
    let moved = right_turn
        .chunks_exact(dim)
        .map(|row| product_of(row, &evening.centre));
    let by: Vec<f64> = c.iter().zip(moved).map(|(c, moved)| c + moved).collect();
    let mut mean = f64::from(model.mean)
        + c.iter()
            .zip(&centres.1)
            .map(|(c, &d)| c * f64::from(d))
            .sum::<f64>();
    left_turn.extend(evening.centre.iter().map(|&x| -x as f32));
    if let Some([turn, back]) = &evening.turns {
        tall::turn(&mut left_turn, dim, turn, threads);
        tall::turn(&mut right_turn, dim, back, threads);
    }
    let (left_turn, start) = left_turn.split_at(n * dim);
    let mapped = |table, bias: &[f32], affine: Affine<'_>, by: &[f64]| {
        let mut bias: Vec<f64> = bias.iter().map(|&b| b.into()).collect();
        let rows = tall::mapped(table, &affine, Some((by, &mut bias)), threads);
        (rows, bias)
    };
    let users = Affine {
        centre: &centres.0,
        turn: left_turn,
        start,
    };
    let (user_rows, user_bias) = mapped(model.rows.0, model.bias.0, users, &d);
    let movies = Affine {
        centre: &centres.1,
        turn: &right_turn,
        start: &vec![0.0; dim],
    };
    let (movie_rows, movie_bias) = mapped(model.rows.1, model.bias.1, movies, &by);
    let mut bias = (user_bias, movie_bias);
    mean += take_common(&mut bias, weights);
    Rows {
        mean: mean as f32,
        user_bias: single(&bias.0),
        movie_bias: single(&bias.1),
        dim,
        user_rows,
        movie_rows,
    }
}

/// Rows of a table that stand for all of them.
struct Sample {
    /// Which they are, ascending.
    places: Vec<usize>,
    rows: Vec<f32>,
    /// What each stands for.
    weights: Vec<f32>,
}

impl Sample {
    /// At most `most` rows of `n` numbers, evenly spaced by weight: one that weighs more than is between two of them is
    /// there with its own weight, and another is as likely there as it weighs and stands for what is between.
    fn of(table: &[f32], n: usize, weights: &[f32], most: usize) -> Self {
        let total: f64 = weights.iter().map(|&weight| f64::from(weight)).sum();
        let step = match weights.len() <= most {
            true => 0.0,
            false => total / most as f64,
        };
        let (mut places, mut stand_for) = (Vec::new(), Vec::new());
        let (mut sum, mut next) = (0.0, step / 2.0);
        for (place, &weight) in weights.iter().enumerate() {
            sum += f64::from(weight);
            if sum < next {
                continue;
            }
            places.push(place);
            stand_for.push(weight.max(step as f32));
            if step > 0.0 {
                next += step * ((sum - next) / step).floor() + step;
            }
        }
        let mut rows = Vec::with_capacity(places.len() * n);
        for place in &places {
            rows.extend_from_slice(&table[place * n..][..n]);
        }
        Self {
            rows,
            places,
            weights: stand_for,
        }
    }

    /// Their weighted mean.
    fn mean(&self, n: usize) -> Vec<f64> {
        mean_row(&self.rows, n, &self.weights)
    }
}

/// The weighted mean of a table's rows.
fn mean_row(table: &[f32], n: usize, weights: &[f32]) -> Vec<f64> {
    let total: f64 = weights.iter().map(|&w| f64::from(w)).sum();
    let mut sum = vec![0.0; n];
    for (row, &weight) in table.chunks_exact(n.max(1)).zip(weights) {
        for (sum, &x) in sum.iter_mut().zip(row) {
            *sum += f64::from(weight) * f64::from(x);
        }
    }
    sum.iter_mut().for_each(|sum| *sum /= total);
    sum
}

/// Takes out of biases what they have in common, by weight; what it is together.
fn take_common(bias: &mut (Vec<f64>, Vec<f64>), weights: (&[f32], &[f32])) -> f64 {
    let mut taken = 0.0;
    for (bias, weights) in [(&mut bias.0, weights.0), (&mut bias.1, weights.1)] {
        let products = bias.iter().zip(weights).map(|(b, &w)| b * f64::from(w));
        let common = products.sum::<f64>() / total(weights).max(1.0);
        bias.iter_mut().for_each(|b| *b -= common);
        taken += common;
    }
    taken
}

/// What all weigh together.
fn total(weights: &[f32]) -> f64 {
    weights.iter().map(|&w| f64::from(w)).sum()
}

/// In single precision.
fn single(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&x| x as f32).collect()
}

/// The product of a row with numbers in double precision.
fn product_of(row: &[f32], by: &[f64]) -> f64 {
    row.iter().zip(by).map(|(&x, by)| f64::from(x) * by).sum()
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
    // Rows that share a direction carry a bias in it: <p, q> = <p - c, q - d> + <c, q> + <p - c, d>, of which the last
    // two hang on one side alone.
    let (c, d) = join(
        threads,
        || mean_row(left, rank, weights.0),
        || mean_row(right, rank, weights.1),
    );
    // As they are taken off the rows.
    let centres = (single(&c), single(&d));
    tall::add_products(left, Some(&centres.0), &d, &mut bias.0, threads);
    tall::add_products(right, None, &c, &mut bias.1, threads);
    mean += take_common(&mut bias, weights);
    // A squared singular value is the mean square of what its dimension adds, times what all pairs weigh together.
    let whole = (total(weights.0) * total(weights.1) * variance).max(f64::MIN_POSITIVE);
    let dim = |squares: &[f64]| kept(squares.iter().map(|square| square / whole), &dims);
    let product = product.reduce_to(dim, (&centres.0, &centres.1), weights, threads);
    let dim = product.rank;
    let mut rows = Rows {
        mean: mean as f32,
        user_bias: single(&bias.0),
        movie_bias: single(&bias.1),
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
    let dim = rows.dim;
    let evening = evening(&mut rows.user_rows, &rows.user_bias, dim, threads);
    each_row(
        &mut rows.movie_rows,
        dim,
        &mut rows.movie_bias,
        threads,
        |row, bias| *bias += product_of(row, &evening.centre) as f32,
    );
    if let Some([turn, back]) = evening.turns {
        tall::turn(&mut rows.user_rows, dim, &turn, threads);
        tall::turn(&mut rows.movie_rows, dim, &back, threads);
    }
}

/// What [`even_out`] does.
struct Evening {
    /// What users' rows are taken less, and movies' biases move by.
    centre: Vec<f64>,
    /// What users' rows, and movies', are multiplied with then; none where nothing spreads.
    turns: Option<[Vec<f64>; 2]>,
}

/// What evens out these rows of users and their biases; the rows are taken less their centre.
fn evening(user_rows: &mut [f32], user_bias: &[f32], dim: usize, threads: usize) -> Evening {
    let users = user_bias.len();
    let mut centre = vec![0.0; dim];
    if users < 2 || dim == 0 {
        return Evening {
            centre,
            turns: None,
        };
    }
    let part = 1.0 / users as f64;
    for row in user_rows.chunks_exact(dim) {
        for (sum, &x) in centre.iter_mut().zip(row) {
            *sum += part * f64::from(x);
        }
    }
    for row in user_rows.chunks_exact_mut(dim) {
        for (x, c) in row.iter_mut().zip(&centre) {
            *x -= *c as f32;
        }
    }
    let mut covariance = tall::covariance(user_rows, dim, part, threads);
    let mean_bias = part * user_bias.iter().map(|&b| f64::from(b)).sum::<f64>();
    let variance = part
        * user_bias
            .iter()
            .map(|&b| (f64::from(b) - mean_bias).powi(2))
            .sum::<f64>();
    let trace: f64 = (0..dim).map(|i| covariance[i * dim + i]).sum();
    if trace <= 0.0 || variance <= 0.0 {
        return Evening {
            centre,
            turns: None,
        };
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
    let back = (0..dim * dim)
        .map(|at| match at % dim <= at / dim {
            true => l[at] / spread,
            false => 0.0,
        })
        .collect();
    Evening {
        centre,
        turns: Some([turn, back]),
    }
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
    fn a_sample_weighs_as_much_as_all_and_has_what_weighs_most_with_its_own_weight() {
        let weights: Vec<f32> = (0..1000).map(|row| 1000.0 / (row + 1) as f32).collect();
        let table: Vec<f32> = (0..2000).map(|at| at as f32).collect();
        let some = Sample::of(&table, 2, &weights, 100);
        assert!(some.places.len() <= 100 && some.places.is_sorted_by(|a, b| a < b));
        for (at, &place) in some.places.iter().enumerate() {
            assert_eq!(some.rows[2 * at..][..2], table[2 * place..][..2]);
        }
        let step = total(&weights) / 100.0;
        for (row, &weight) in weights.iter().enumerate() {
            let found = some.places.iter().position(|&place| place == row);
            if f64::from(weight) > step {
                assert_eq!(found.map(|at| some.weights[at]), Some(weight), "{row}");
            }
        }
        let whole = total(&some.weights) / total(&weights);
        assert!((whole - 1.0).abs() < 0.02, "{whole}");
        // Rows that weigh alike are evenly spaced, and few are all there.
        let even = Sample::of(&table, 2, &[3.0; 1000], 100);
        assert!(
            even.places
                .iter()
                .copied()
                .eq((0..100).map(|at| 10 * at + 4))
        );
        assert_eq!(even.weights, [30.0; 100]);
        let all = Sample::of(&table, 2, &weights, 1000);
        assert!(all.rows == table && all.weights == weights);
    }

    #[test]
    fn a_cut_that_is_found_by_some_rows_loses_hardly_more_than_one_by_all() {
        let (users, movies, wide, dim) = (900, 700, 24, 6);
        let mut draw = Draw::new(6, Purpose::Start, 0, 0);
        // Numbers that explain less and less, and a direction that all share.
        let mut table = |rows: usize| -> Vec<f32> {
            let number = |at: usize| 0.2 + draw.normal() / (1.0 + (at % wide) as f64 / 4.0);
            (0..rows * wide).map(number).map(|x| x as f32).collect()
        };
        let (left, right) = (table(users), table(movies));
        let bias = (table(users / wide + 1), table(movies / wide + 1));
        let model = WideRows {
            mean: 3.0,
            bias: (&bias.0[..users], &bias.1[..movies]),
            dim: wide,
            rows: (&left, &right),
        };
        let falling = |rows: usize| {
            (0..rows)
                .map(|row| 1.0 + 300.0 / (row + 1) as f32)
                .collect()
        };
        let weights: (Vec<f32>, Vec<f32>) = (falling(users), falling(movies));
        let dot =
            |p: &[f32], q: &[f32]| product_of(p, &q.iter().map(|&x| x.into()).collect::<Vec<_>>());
        // The weighted mean square of what predictions move by.
        let moved = |rows: &Rows| {
            let mut sum = 0.0;
            for (u, p) in left.chunks(wide).enumerate() {
                for (m, q) in right.chunks(wide).enumerate() {
                    let was = model.mean + model.bias.0[u] + model.bias.1[m];
                    let is = rows.mean + rows.user_bias[u] + rows.movie_bias[m];
                    let (own, other) = (
                        &rows.user_rows[u * dim..][..dim],
                        &rows.movie_rows[m * dim..][..dim],
                    );
                    let by = f64::from(was - is) + dot(p, q) - dot(own, other);
                    sum += f64::from(weights.0[u] * weights.1[m]) * by * by;
                }
            }
            sum / (total(&weights.0) * total(&weights.1))
        };
        let cut = |sampled| narrower_by(sampled, &model, (&weights.0, &weights.1), dim, 2);
        let (by_all, by_some) = (cut(users), cut(300));
        let (least, is) = (moved(&by_all), moved(&by_some));
        assert!(
            least > 0.05 && is > least && is < 1.1 * least,
            "{is} {least}"
        );
        // Users' rows spread evenly by either: exactly by all of them.
        for (rows, off) in [(&by_all, 0.01), (&by_some, 0.25)] {
            let spread = |values: &mut dyn Iterator<Item = f32>| {
                let values: Vec<f64> = values.map(f64::from).collect();
                let mean = values.iter().sum::<f64>() / users as f64;
                values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / users as f64
            };
            let biases = spread(&mut rows.user_bias.iter().copied());
            for column in 0..dim {
                let own = spread(&mut rows.user_rows.iter().copied().skip(column).step_by(dim));
                assert!((own / biases - 1.0).abs() < off, "{own} {biases}");
            }
        }
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
