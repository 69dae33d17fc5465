//! What learning on the device is worth: people who took no part in training rate on a device, and its predictions
//! of their other ratings are measured.
//!
//! For every seed some people are left out ([`people`]), the default model is trained on the others and exported, and
//! each person rates on the device ([`play`]). After k ratings these predictions of the same other ratings are
//! compared ([`figures`]):
//!
//! | | prediction |
//! |---|---|
//! | N | the device's before anybody rated: the mean user |
//! | B | mean + movie's bias + person's bias, shrunk by what turns out best on these very ratings ([`biases`]) |
//! | R | the same recipe trained anew, with the k ratings of each person among the others' |
//! | D | the device's |

pub mod biases;
pub mod figures;
pub mod people;
pub mod picture;
pub mod play;
pub mod questions;

use anyhow::Result;

use crate::data::{Dataset, Ratings, Split};
use crate::export::selection::{Chosen, Movies};
use crate::export::{self, ImageBytes, Precision};
use crate::train::checkpoint::{Checkpoint, DataNote, SplitNote};
use crate::train::{ModelKind, recipe};
use figures::Errors;
use people::Held;

/// Ratings after which predictions are measured.
pub const AFTER: [usize; 6] = [0, 1, 2, 5, 10, 20];

/// The most ratings that a person gives.
pub const GIVEN: usize = 20;

/// Ratings that a person must have, so that enough are left to measure on.
pub const AT_LEAST: usize = 30;

/// Errors of all people of one seed.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// One entry a person.
    pub people: Vec<PersonErrors>,
    /// Predictions of the device's own that were compared with core's on this PC, bit for bit.
    pub compared: usize,
}

/// One person's errors after each of [`AFTER`].
#[derive(Clone, Debug, Default)]
pub struct PersonErrors {
    /// N, at each k the same.
    pub nothing: Errors,
    /// B, for each pair of shrinkages ([`biases::shrinkages`]), after each k.
    pub biases: Vec<[Errors; AFTER.len()]>,
    /// R, where it was asked for.
    pub retrained: Option<[Errors; AFTER.len()]>,
    /// D.
    pub device: [Errors; AFTER.len()],
}

/// Trains the recipe of `model` on all of `ratings`; `titles` and licence are those of `data`.
///
/// # Errors
/// As [`recipe::fit`].
pub fn train(data: &Dataset, ratings: Ratings, model: ModelKind, seed: u64) -> Result<Checkpoint> {
    let scale = data.scale;
    let data = Dataset::new(
        data.name.clone(),
        ratings,
        data.titles.clone(),
        data.license.clone(),
    );
    let mut options = recipe::options(model);
    options.seed = seed;
    (options.scale, options.step) = ((scale.min, scale.max), scale.step);
    // Gradients need validation ratings to stop early; the sampler doesn't, but one rule is simpler to tell.
    let split = Split::random(data.ratings.len(), recipe::VALIDATION, seed);
    let fit = recipe::fit(&data, &split, &options, &mut ())?;
    let count = |rows: &[u32], rated: usize| {
        let mut counts = vec![0; rated];
        for row in rows {
            counts[*row as usize] += 1;
        }
        counts
    };
    Ok(Checkpoint {
        user_counts: count(&data.ratings.users, data.ratings.user_count()),
        movie_counts: count(&data.ratings.movies, data.ratings.movie_count()),
        parameters: fit.parameters,
        user_ids: data.ratings.user_ids,
        movie_ids: data.ratings.movie_ids,
        data: DataNote {
            name: data.name,
            source: String::new(),
            fingerprint: data.fingerprint,
            licence: data.license,
            ..DataNote::default()
        },
        split: SplitNote {
            seed,
            share: recipe::VALIDATION,
        },
        options,
        best_epoch: fit.best_epoch,
        interest: None,
        validation: None,
    })
}

/// The image of all movies of a checkpoint, without users: a device has its own person.
///
/// # Errors
/// [`BadInput`](crate::error::BadInput) for a model that no image holds.
pub fn image(checkpoint: &Checkpoint, precision: Precision) -> Result<ImageBytes> {
    let chosen = Chosen {
        users: Vec::new(),
        movies: Movies::All.rows(checkpoint)?,
        seen: None,
    };
    Ok(export::build(checkpoint, &chosen, precision)?)
}

/// R: trains with the first k ratings of each person, for every k, and adds the errors on the others.
///
/// # Errors
/// As [`train`].
pub fn retrain(
    data: &Dataset,
    held: &Held,
    model: ModelKind,
    seed: u64,
    outcome: &mut Outcome,
    mut tell: impl FnMut(usize),
) -> Result<()> {
    for (at, k) in AFTER.into_iter().enumerate().skip(1) {
        tell(k);
        let trained = train(data, held.ratings_with(&data.ratings, k), model, seed)?;
        for (person, errors) in held.people.iter().zip(&mut outcome.people) {
            let user = trained.user_ids.binary_search(&person.id).ok();
            let mut sum = Errors::default();
            for rating in &person.rest {
                let movie = trained.movie_ids.binary_search(&rating.movie).ok();
                if let (Some(user), Some(movie)) = (user, movie) {
                    sum.add(trained.parameters.predict(user, movie), rating.stars);
                }
            }
            let all = errors
                .retrained
                .get_or_insert([errors.nothing; AFTER.len()]);
            all[at] = sum;
        }
    }
    Ok(())
}
