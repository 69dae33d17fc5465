//! Bayesian matrix factorisation by Gibbs sampling, then many samples made into one small model.
//!
//! The model (Salakhutdinov and Mnih 2008, with biases, implicit feedback on both sides as in SVD++
//! by Koren 2008, tags of users and movies, and a noise for each user):
//!
//! ```text
//! r(u, m)  normal about  mean + b_u + b_m + <p_u, q_m>,  precision a_u
//! (b_u, p_u)  normal about  c + |N(u)|^-1/2 sum over j in N(u) of y_j + sum of tags s,  precision A
//! (b_m, q_m)  normal about  d + |N(m)|^-1/2 sum over v in N(m) of x_v + sum of tags t,  precision B
//! ```
//!
//! c, d, y, x, s and t are normal, A and B Wishart, a_u gamma; all are drawn in turn from their
//! distribution given the others, so nothing is tuned: how strongly a row is held to its prior is
//! learned with the rest. A prediction is the mean over sweeps, and `compress` finds the rows of a
//! few dimensions that give that mean best. What predicts later is only
//! `mean + b_u + b_m + <p_u, q_m>`: y, x, s and t are part of the rows by then.
//!
//! A sweep costs two passes over the ratings of 8 T (T + 1) / 2 x 8 multiply-adds (T is
//! [`Settings::width`] / 8), and four of 8 T.

mod compress;
pub(crate) mod draw;
mod gather;
mod kernel;
mod links;
mod mean;
mod narrow;
mod part;
mod side;
mod sums;
mod table;
pub(crate) mod tall;

pub use links::Tags;
pub use narrow::{EXPLAINS, WideRows, narrower};

use super::simd::Kernel;
use super::state::{Numbers, State};
use kernel::{LANES, Vectors};
use links::Links;
use mean::Mean;
use pocketrec_base::threads::join;
use side::{Noise, Side, Task, draw_typical};

/// Numbers of a row, the bias included, that a chain begins with.
const FIRST_WIDTH: usize = 16;

/// How the sampler runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Numbers of a sampled row, the bias included, at most: 8, 16, 24, 32 or 40. Rows of so many are sampled if nearly all
    /// numbers of narrower ones explain something.
    pub width: usize,
    /// Sweeps that are thrown away, while the sampler forgets its start.
    pub burn_in: usize,
    /// Sweeps after those.
    pub sweeps: usize,
    /// Of those sweeps, each `thin`-th goes into the mean.
    pub thin: usize,
    /// Once burnt in, of how many sweeps one draws what ratings add to rows whatever their stars; the others leave it as it
    /// is. Any order of draws has the same distribution in the end, and of many ratings this changes slowly.
    pub implicit_every: usize,
    /// Dimensions of the rows that come out: at least, and at most. In between as many as explain something.
    pub dims: (usize, usize),
    /// Seed of all draws.
    pub seed: u64,
    /// Threads to use; the result is the same for any number of them.
    pub threads: usize,
    /// Vectors that the sweeps use; the result is the same for each, and none are used that this machine hasn't.
    pub kernel: Kernel,
}

impl Settings {
    /// The sweep from which on, while burning in, rows may be widened: by then they have found what there is to be found.
    fn widens(&self) -> usize {
        (self.burn_in / 2).max(1)
    }
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
    /// Tags of users and of movies, if any are known.
    pub tags: &'a [Tags; 2],
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
/// A function of its arguments, bit for bit, but for `settings.threads` and `settings.kernel`, and the same wherever it goes on from.
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
    let links = join(
        settings.threads,
        || Links::new(input.users, input.ratings.clone()),
        || {
            Links::new(
                input.movies,
                input.ratings.clone().map(|(u, m, s)| (m, u, s)),
            )
        },
    );
    let ratings = &input.ratings;
    let count = ratings.clone().count().max(1) as f64;
    let mean = ratings.clone().map(|r| f64::from(r.2)).sum::<f64>() / count;
    let squares = ratings.clone().map(|r| (f64::from(r.2) - mean).powi(2));
    let known = Known {
        variance: squares.sum::<f64>() / count,
        by_user: links.0,
        by_movie: links.1,
        tags: input.tags,
        mean,
    };
    // Rows begin narrow, and are widened if nearly all of their numbers say something.
    let least = (settings.dims.0 + 1).next_multiple_of(LANES);
    let narrow = least.max(FIRST_WIDTH).min(settings.width);
    let is_wide = earlier.is_some_and(|state| !side::holds(state, input.users, narrow));
    let width = if is_wide { settings.width } else { narrow };
    match known.sample(width, settings, earlier, watch)? {
        Outcome::Rows(rows) => Some(rows),
        Outcome::Wider(state) => {
            match known.sample(settings.width, settings, Some(&state), watch)? {
                Outcome::Rows(rows) => Some(rows),
                Outcome::Wider(_) => None,
            }
        }
    }
}

/// What a chain comes to that isn't ended from outside.
enum Outcome {
    Rows(Rows),
    /// Where it is, with rows of [`Settings::width`], to go on from with such.
    Wider(State),
}

/// What a chain is given.
struct Known<'a> {
    by_user: Links,
    by_movie: Links,
    tags: &'a [Tags; 2],
    /// Of the ratings.
    mean: f64,
    variance: f64,
}

impl Known<'_> {
    fn sample(
        &self,
        width: usize,
        settings: &Settings,
        earlier: Option<&State>,
        watch: &mut dyn Watch,
    ) -> Option<Outcome> {
        match width {
            8 => sample::<1>(self, settings, earlier, watch),
            16 => sample::<2>(self, settings, earlier, watch),
            24 => sample::<3>(self, settings, earlier, watch),
            32 => sample::<4>(self, settings, earlier, watch),
            40 => sample::<5>(self, settings, earlier, watch),
            width => panic!("a sampled row can't have {width} numbers"),
        }
    }
}

fn sample<const T: usize>(
    known: &Known<'_>,
    settings: &Settings,
    earlier: Option<&State>,
    watch: &mut dyn Watch,
) -> Option<Outcome> {
    let Known {
        by_user,
        by_movie,
        tags,
        mean,
        variance,
    } = known;
    let (users, movies) = (by_user.counts().count(), by_movie.counts().count());
    let start = *mean as f32;
    let [user_tags, movie_tags] = tags;
    let mut user_side = Side::<T>::new(0, users, movies, user_tags.len(), settings.seed);
    let mut movie_side = Side::<T>::new(1, movies, users, movie_tags.len(), settings.seed);
    let mut precisions = vec![1.0f32; users];
    let mut typical = 1.0;
    let total = settings.burn_in + settings.sweeps;
    let mut sum = Mean::new(by_user, by_movie, *variance, settings);
    // Rows that there are more of have fewer ratings each, and are the less certain.
    let users_last = users > movies;
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
            vectors: Vectors::of(settings.kernel),
        };
        let implicit =
            sweep < settings.burn_in || sweep.is_multiple_of(settings.implicit_every.max(1));
        join(
            settings.threads,
            || user_side.draw_prior([by_user, by_movie], user_tags, implicit, task),
            || movie_side.draw_prior([by_movie, by_user], movie_tags, implicit, task),
        );
        for of_users in [!users_last, users_last] {
            if of_users {
                let noise = Noise::OwnRows {
                    precisions: &mut precisions,
                    typical,
                };
                user_side.draw_rows(&movie_side.rows, by_user, start, noise, task);
                typical = draw_typical(&precisions, task);
            } else {
                let noise = Noise::OtherRows {
                    precisions: &precisions,
                };
                movie_side.draw_rows(&user_side.rows, by_movie, start, noise, task);
            }
        }
        // Given the one side's rows the other's means are known, so they go into the mean, not the draws
        // (Rao-Blackwell).
        let (user_rows, movie_rows) = match users_last {
            true => (&user_side.means, &movie_side.rows),
            false => (&user_side.rows, &movie_side.means),
        };
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
        let wider = T * LANES < settings.width
            && (settings.widens()..=settings.burn_in).contains(&(sweep + 1))
            && sum.nearly_all_tell(user_rows, movie_rows, *mean);
        if then == Then::GoOn && !wider {
            continue;
        }
        let width = if wider { settings.width } else { T * LANES };
        let mut state = State::at(sweep as u64 + 1, &[]);
        user_side.keep(&mut state, width, task);
        movie_side.keep(&mut state, width, task);
        state.keep(PRECISIONS, Numbers::F32(precisions.clone()));
        state.keep(TYPICAL, Numbers::F32(vec![typical]));
        sum.keep(&mut state);
        if then == Then::GoOn {
            return Some(Outcome::Wider(state));
        }
        let mut so_far = sum.clone();
        if so_far.added == 0 {
            so_far.add(user_rows, movie_rows);
        }
        watch.keep(so_far.finish(*mean), state.clone());
        if then == Then::End {
            return None;
        }
        if wider {
            return Some(Outcome::Wider(state));
        }
    }
    Some(Outcome::Rows(sum.finish(*mean)))
}

/// Names in a [`State`] of what belongs to neither side.
const PRECISIONS: &str = "precisions";
const TYPICAL: &str = "typical";

#[cfg(test)]
mod tests;
