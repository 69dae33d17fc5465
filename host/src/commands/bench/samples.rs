//! Ratings to time training on: made up in memory, of any size.

use std::path::Path;

use anyhow::Result;
use pocketrec_train::Sample;
use pocketrec_train::random::{Random, Stream};

use super::super::columns::{self, Columns};

/// How many of each.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    /// Users.
    pub users: usize,
    /// Movies.
    pub movies: usize,
    /// Ratings.
    pub ratings: usize,
}

/// Synthetic ratings: movies by a popularity that falls as MovieLens-20M's does (see
/// [`synth`](pocketrec_data::synth)), users by the square of an even number, stars of no meaning.
pub(super) fn samples(size: Size) -> Vec<Sample> {
    let mut upto = Vec::with_capacity(size.movies);
    let mut sum = 0.0;
    for rank in 0..size.movies {
        sum += (-11.1 * (rank as f64 / size.movies as f64).powf(0.435)).exp();
        upto.push(sum);
    }
    // The movie at each of many quantiles, found once.
    let quantiles: Vec<u32> = (0..1u32 << 18)
        .map(|i| {
            let at = (f64::from(i) + 0.5) / f64::from(1 << 18) * sum;
            upto.partition_point(|upto| *upto < at).min(size.movies - 1) as u32
        })
        .collect();
    let random = Random::new(1, Stream::Order, 0);
    (0..size.ratings as u64)
        .map(|i| {
            let even = (random.bits(2 * i) >> 11) as f64 / (1u64 << 53) as f64;
            let bits = random.bits(2 * i + 1);
            // Users and movies are dealt over their tables as ids are, not by rank.
            let user = ((even * even * size.users as f64) as u64).wrapping_mul(7_919);
            let movie = u64::from(quantiles[(bits >> 46) as usize]).wrapping_mul(104_729);
            Sample {
                user: (user % size.users as u64) as u32,
                movie: (movie % size.movies as u64) as u32,
                stars: 0.5 + 0.5 * (bits % 10) as f32,
            }
        })
        .collect()
}

/// Writes samples as columns, for peers to read.
pub(super) fn write_samples(samples: &[Sample], folder: &Path) -> Result<()> {
    let mut columns = Columns::new(folder)?;
    add_samples(&mut columns, samples)?;
    columns.commit()
}

/// Writes them beside other columns.
pub(super) fn add_samples(columns: &mut Columns<'_>, samples: &[Sample]) -> Result<()> {
    columns.add(columns::USERS, samples.iter().map(|sample| sample.user))?;
    columns.add(columns::MOVIES, samples.iter().map(|sample| sample.movie))?;
    columns.add(columns::STARS, samples.iter().map(|sample| sample.stars))
}
