//! The mean of samples while it is summed.

use super::compress::Product;
use super::kernel::LANES;
use super::links::Links;
use super::{Rows, Settings, narrow};
use crate::state::{Numbers, State};

/// Columns that the mean of the samples is held to while it is summed, over the dimensions asked for.
const SPARE_COLUMNS: usize = 16;

/// Names in a [`State`].
const MEAN_USERS: &str = "mean_user_bias";
const MEAN_MOVIES: &str = "mean_movie_bias";
const MEAN_LEFT: &str = "mean_left";
const MEAN_RIGHT: &str = "mean_right";
const MEAN_SIZE: &str = "mean_rank_and_samples";

/// The mean of samples.
#[derive(Clone)]
pub(super) struct Mean<'a> {
    settings: &'a Settings,
    /// Of the ratings.
    variance: f64,
    /// How many there will be.
    samples: usize,
    /// How many there are.
    pub added: usize,
    /// Ratings of each user, and of each movie, and one: what their errors weigh.
    weights: (Vec<f32>, Vec<f32>),
    bias: (Vec<f64>, Vec<f64>),
    product: Product<'static>,
}

impl<'a> Mean<'a> {
    pub(super) fn new(
        by_user: &Links,
        by_movie: &Links,
        variance: f64,
        settings: &'a Settings,
    ) -> Self {
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

    pub(super) fn add<const T: usize>(
        &mut self,
        users: &[[[f32; LANES]; T]],
        movies: &[[[f32; LANES]; T]],
    ) {
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

    /// Whether all but a few dimensions of a sample explain enough to be kept, so that more might.
    pub(super) fn nearly_all_tell<const T: usize>(
        &self,
        users: &[[[f32; LANES]; T]],
        movies: &[[[f32; LANES]; T]],
        mean: f64,
    ) -> bool {
        let most = T * LANES - 1;
        let settings = Settings {
            dims: (1, most),
            ..*self.settings
        };
        let mut one = Mean {
            settings: &settings,
            weights: self.weights.clone(),
            bias: (vec![0.0; users.len()], vec![0.0; movies.len()]),
            product: Product::default(),
            samples: 1,
            added: 0,
            ..*self
        };
        one.add(users, movies);
        let dim = one.finish(mean).dim;
        // The least of them come last, and an even number is kept.
        dim + 3 >= most
    }

    pub(super) fn keep(&self, state: &mut State) {
        let (users, movies) = &self.bias;
        state.keep(MEAN_USERS, Numbers::F64(users.clone()));
        state.keep(MEAN_MOVIES, Numbers::F64(movies.clone()));
        state.keep(MEAN_LEFT, Numbers::F32(self.product.left.to_vec()));
        state.keep(MEAN_RIGHT, Numbers::F32(self.product.right.to_vec()));
        let sizes = vec![self.product.rank as f64, self.added as f64];
        state.keep(MEAN_SIZE, Numbers::F64(sizes));
    }

    pub(super) fn restore(&mut self, state: &State) -> Option<()> {
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
    pub(super) fn finish(mut self, mean: f64) -> Rows {
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
