//! Bayesian matrix factorisation by Gibbs sampling, then many samples made into one small model.
//!
//! The model (Salakhutdinov and Mnih 2008, with biases, implicit feedback on both sides as in SVD++
//! by Koren 2008, tags of movies, and a noise for each user):
//!
//! ```text
//! r(u, m)  normal about  mean + b_u + b_m + <p_u, q_m>,  precision a_u
//! (b_u, p_u)  normal about  c + |N(u)|^-1/2 sum over j in N(u) of y_j,                  precision A
//! (b_m, q_m)  normal about  d + |N(m)|^-1/2 sum over v in N(m) of x_v + sum of tags t,  precision B
//! ```
//!
//! c, d, y, x and t are normal, A and B Wishart, a_u gamma; all are drawn in turn from their
//! distribution given the others, so nothing is tuned: how strongly a row is held to its prior is
//! learned with the rest. A prediction is the mean over sweeps, and `compress` finds the rows of a
//! few dimensions that give that mean best. What predicts later is only
//! `mean + b_u + b_m + <p_u, q_m>`: y, x and t are part of the rows by then.
//!
//! A sweep costs two passes over the ratings of 8 T (T + 1) / 2 x 8 multiply-adds (T is
//! [`Settings::width`] / 8), and four of 8 T.

mod compress;
pub(crate) mod draw;
mod kernel;
mod links;
mod narrow;
mod side;
mod tall;

pub use links::Tags;
pub use narrow::{EXPLAINS, narrower};

use super::state::{Numbers, State};
use compress::Product;
use kernel::LANES;
use links::Links;
use pocketrec_base::threads::join;
use side::{Noise, Side, Task, draw_typical};

/// Columns that the mean of the samples is held to while it is summed, over the dimensions asked for.
const SPARE_COLUMNS: usize = 16;

/// How the sampler runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Numbers of a sampled row, the bias included: 8, 16, 24, 32 or 40.
    pub width: usize,
    /// Sweeps that are thrown away, while the sampler forgets its start.
    pub burn_in: usize,
    /// Sweeps after those.
    pub sweeps: usize,
    /// Of those sweeps, each `thin`-th goes into the mean.
    pub thin: usize,
    /// Dimensions of the rows that come out: at least, and at most. In between as many as explain something.
    pub dims: (usize, usize),
    /// Seed of all draws.
    pub seed: u64,
    /// Threads to use; the result is the same for any number of them.
    pub threads: usize,
}

/// Ratings to learn from.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a, R> {
    /// Number of user rows.
    pub users: usize,
    /// Number of movie rows.
    pub movies: usize,
    /// User row, movie row and stars of each rating. They are walked a few times to make the sampler's own lists, so
    /// that whoever has them elsewhere needs no copy.
    pub ratings: R,
    /// Tags of movies, if any are known.
    pub tags: &'a Tags,
}

/// The model that comes out: `mean + b_u + b_m + <p_u, q_m>`.
///
/// User rows have, over users, mean zero and in every direction the variance of the users' biases,
/// so one L2 fits rows and biases alike when a new user is learned.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    /// What a prediction starts from.
    pub mean: f32,
    /// A number a user.
    pub user_bias: Vec<f32>,
    /// A number a movie.
    pub movie_bias: Vec<f32>,
    /// Numbers of a row, most telling first.
    pub dim: usize,
    /// `users * dim` numbers, row by row.
    pub user_rows: Vec<f32>,
    /// `movies * dim` numbers, row by row.
    pub movie_rows: Vec<f32>,
}

/// A sweep that is done.
pub struct Sweep<'a> {
    /// 1 for the first.
    pub number: usize,
    /// How many there will be.
    pub total: usize,
    /// Whether it is one that is thrown away.
    pub burn_in: bool,
    /// The prediction of this sweep's sample for a user row and a movie row, not clamped.
    pub predict: &'a dyn Fn(u32, u32) -> f32,
}

/// What a sampler is to do after a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// Go on.
    GoOn,
    /// Tell where it is, and go on.
    Keep,
    /// Tell where it is, and end.
    End,
}

/// Told after each sweep.
pub trait Watch {
    /// A sweep is done.
    fn sweep(&mut self, sweep: &Sweep<'_>) -> Then;

    /// Where the sampler is: the model of the samples so far (of the last sweep's, while none counts), and what it needs
    /// to go on, under the names that [`State`] tells.
    fn keep(&mut self, rows: Rows, state: State) {
        let _ = (rows, state);
    }
}

impl Watch for () {
    fn sweep(&mut self, _: &Sweep<'_>) -> Then {
        Then::GoOn
    }
}

/// Samples the model and makes one of `settings.dim` dimensions out of the samples; `earlier` is what a run with the same
/// input and settings was told to keep, to go on from there. Nothing comes of a run that was ended, or whose `earlier`
/// isn't of this shape.
///
/// A function of its arguments, bit for bit, but for `settings.threads`, and the same wherever it goes on from.
///
/// # Panics
/// When `settings.width` is none of 8, 16, 24, 32 and 40, or a row of a rating is out of bounds.
pub fn fit<R>(
    input: Input<'_, R>,
    settings: &Settings,
    earlier: Option<&State>,
    watch: &mut dyn Watch,
) -> Option<Rows>
where
    R: Iterator<Item = (u32, u32, f32)> + Clone + Sync,
{
    match settings.width {
        8 => sample::<1, R>(input, settings, earlier, watch),
        16 => sample::<2, R>(input, settings, earlier, watch),
        24 => sample::<3, R>(input, settings, earlier, watch),
        32 => sample::<4, R>(input, settings, earlier, watch),
        40 => sample::<5, R>(input, settings, earlier, watch),
        width => panic!("a sampled row can't have {width} numbers"),
    }
}

fn sample<const T: usize, R>(
    input: Input<'_, R>,
    settings: &Settings,
    earlier: Option<&State>,
    watch: &mut dyn Watch,
) -> Option<Rows>
where
    R: Iterator<Item = (u32, u32, f32)> + Clone + Sync,
{
    let (users, movies, ratings) = (input.users, input.movies, &input.ratings);
    let count = ratings.clone().count().max(1) as f64;
    let mean = ratings.clone().map(|r| f64::from(r.2)).sum::<f64>() / count;
    let start = mean as f32;
    let (by_user, by_movie) = join(
        settings.threads,
        || Links::new(users, ratings.clone()),
        || Links::new(movies, ratings.clone().map(|(u, m, s)| (m, u, s))),
    );
    let none = Tags::default();
    let mut user_side = Side::<T>::new(0, users, movies, 0, settings.seed);
    let mut movie_side = Side::<T>::new(1, movies, users, input.tags.len(), settings.seed);
    let mut precisions = vec![1.0f32; users];
    let mut typical = 1.0;
    let total = settings.burn_in + settings.sweeps;
    let squares = ratings.clone().map(|r| (f64::from(r.2) - mean).powi(2));
    let variance = squares.sum::<f64>() / count;
    let mut sum = Mean::new(&by_user, &by_movie, variance, settings);
    let mut done = 0;
    if let Some(earlier) = earlier {
        user_side.restore(earlier)?;
        movie_side.restore(earlier)?;
        precisions.copy_from_slice(earlier.floats(PRECISIONS, users)?);
        typical = *earlier.floats(TYPICAL, 1)?.first()?;
        sum.restore(earlier)?;
        done = usize::try_from(earlier.steps)
            .ok()
            .filter(|done| *done < total)?;
    }
    for sweep in done..total {
        let task = Task {
            seed: settings.seed,
            sweep: sweep as u64,
            threads: settings.threads,
        };
        join(
            settings.threads,
            || user_side.draw_prior(&by_user, &by_movie, &none, task.seed, task.sweep),
            || movie_side.draw_prior(&by_movie, &by_user, input.tags, task.seed, task.sweep),
        );
        let noise = Noise::OwnRows {
            precisions: &mut precisions,
            typical,
        };
        user_side.draw_rows(&movie_side.rows, &by_user, start, noise, task);
        typical = draw_typical(&precisions, task);
        let noise = Noise::OtherRows {
            precisions: &precisions,
        };
        movie_side.draw_rows(&user_side.rows, &by_movie, start, noise, task);
        // Given the users' rows the movies' means are known, so they go into the mean, not the draws
        // (Rao-Blackwell).
        let (user_rows, movie_rows) = (&user_side.rows, &movie_side.means);
        let predict = |user: u32, movie: u32| {
            let user = user_rows[user as usize].as_flattened();
            let movie = movie_rows[movie as usize].as_flattened();
            let products = user[1..].iter().zip(&movie[1..]).map(|(a, b)| a * b);
            start + user[0] + movie[0] + products.sum::<f32>()
        };
        let then = watch.sweep(&Sweep {
            number: sweep + 1,
            total,
            burn_in: sweep < settings.burn_in,
            predict: &predict,
        });
        let counts = sweep >= settings.burn_in
            && (sweep + 1 - settings.burn_in).is_multiple_of(settings.thin);
        if counts {
            sum.add(user_rows, movie_rows);
        }
        if then == Then::GoOn {
            continue;
        }
        let mut state = State::at(sweep as u64 + 1, &[]);
        user_side.keep(&mut state);
        movie_side.keep(&mut state);
        state.keep(PRECISIONS, Numbers::F32(precisions.clone()));
        state.keep(TYPICAL, Numbers::F32(vec![typical]));
        sum.keep(&mut state);
        let mut so_far = sum.clone();
        if so_far.added == 0 {
            so_far.add(user_rows, movie_rows);
        }
        watch.keep(so_far.finish(mean), state);
        if then == Then::End {
            return None;
        }
    }
    Some(sum.finish(mean))
}

/// Names in a [`State`] of what belongs to neither side.
const PRECISIONS: &str = "precisions";
const TYPICAL: &str = "typical";
const MEAN_USERS: &str = "mean_user_bias";
const MEAN_MOVIES: &str = "mean_movie_bias";
const MEAN_LEFT: &str = "mean_left";
const MEAN_RIGHT: &str = "mean_right";
const MEAN_SIZE: &str = "mean_rank_and_samples";

/// The mean of samples.
#[derive(Clone)]
struct Mean<'a> {
    settings: &'a Settings,
    /// Of the ratings.
    variance: f64,
    /// How many there will be.
    samples: usize,
    /// How many there are.
    added: usize,
    /// Ratings of each user, and of each movie, and one: what their errors weigh.
    weights: (Vec<f32>, Vec<f32>),
    bias: (Vec<f64>, Vec<f64>),
    product: Product<'static>,
}

impl<'a> Mean<'a> {
    fn new(by_user: &Links, by_movie: &Links, variance: f64, settings: &'a Settings) -> Self {
        let weights = |links: &Links| links.counts().map(|n| n as f32 + 1.0).collect::<Vec<_>>();
        let weights = (weights(by_user), weights(by_movie));
        let (users, movies) = (weights.0.len(), weights.1.len());
        Self {
            settings,
            variance,
            samples: (settings.sweeps / settings.thin).max(1),
            added: 0,
            weights,
            bias: (vec![0.0; users], vec![0.0; movies]),
            product: Product::default(),
        }
    }

    fn add<const T: usize>(&mut self, users: &[[[f32; LANES]; T]], movies: &[[[f32; LANES]; T]]) {
        self.added += 1;
        let share = 1.0 / self.samples as f64;
        let take = |rows: &[[[f32; LANES]; T]], bias: &mut [f64]| -> Vec<f32> {
            let mut out = Vec::with_capacity(rows.len() * (T * LANES - 1));
            for (row, bias) in rows.iter().zip(bias) {
                *bias += share * f64::from(row[0][0]);
                out.extend_from_slice(&row.as_flattened()[1..]);
            }
            out
        };
        let left = take(users, &mut self.bias.0);
        let right = take(movies, &mut self.bias.1);
        let columns = T * LANES - 1;
        self.product.append(columns, share as f32, &left, &right);
        let most = self.settings.dims.1 + SPARE_COLUMNS;
        if self.product.rank > most + columns {
            self.shrink(most);
        }
    }

    fn keep(&self, state: &mut State) {
        let (users, movies) = &self.bias;
        state.keep(MEAN_USERS, Numbers::F64(users.clone()));
        state.keep(MEAN_MOVIES, Numbers::F64(movies.clone()));
        state.keep(MEAN_LEFT, Numbers::F32(self.product.left.to_vec()));
        state.keep(MEAN_RIGHT, Numbers::F32(self.product.right.to_vec()));
        let sizes = vec![self.product.rank as f64, self.added as f64];
        state.keep(MEAN_SIZE, Numbers::F64(sizes));
    }

    fn restore(&mut self, state: &State) -> Option<()> {
        let (users, movies) = &mut self.bias;
        let (user_count, movie_count) = (users.len(), movies.len());
        users.copy_from_slice(state.doubles(MEAN_USERS, user_count)?);
        movies.copy_from_slice(state.doubles(MEAN_MOVIES, movie_count)?);
        let sizes = state.doubles(MEAN_SIZE, 2)?;
        let (rank, added) = (*sizes.first()? as usize, *sizes.last()? as usize);
        self.product = Product {
            rank,
            left: state
                .floats(MEAN_LEFT, user_count.checked_mul(rank)?)?
                .to_vec()
                .into(),
            right: state
                .floats(MEAN_RIGHT, movie_count.checked_mul(rank)?)?
                .to_vec()
                .into(),
        };
        self.added = added;
        Some(())
    }

    fn shrink(&mut self, rank: usize) {
        let weights = (&self.weights.0[..], &self.weights.1[..]);
        self.product = self.product.reduce(rank, weights, self.settings.threads);
    }

    /// Moves what rows have in common into biases and mean, reduces the rest to the dimensions asked
    /// for, and turns it so that users' rows spread evenly.
    fn finish(mut self, mean: f64) -> Rows {
        if self.added < self.samples {
            // Each counts for a share of all that there will be.
            let share = self.samples as f64 / self.added.max(1) as f64;
            self.product
                .left
                .to_mut()
                .iter_mut()
                .for_each(|x| *x = (f64::from(*x) * share) as f32);
            let biases = self.bias.0.iter_mut().chain(&mut self.bias.1);
            biases.for_each(|x| *x *= share);
        }
        let (product, bias) = (self.product, self.bias);
        let weights = (&self.weights.0[..], &self.weights.1[..]);
        let wide = narrow::Wide {
            mean,
            bias,
            product,
            variance: self.variance,
        };
        let (least, most) = self.settings.dims;
        narrow::finish(wide, weights, least..=most, self.settings.threads)
    }
}

#[cfg(test)]
mod tests;
