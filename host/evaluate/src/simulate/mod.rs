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
mod outcome;
pub mod people;
pub mod picture;
pub mod play;
pub mod questions;

use anyhow::Result;

pub use outcome::{AFTER, AT_LEAST, GIVEN, Outcome, PersonErrors};

use people::Held;
use pocketrec_checkpoint::Checkpoint;
use pocketrec_checkpoint::by_recipe;
use pocketrec_data::Dataset;
use pocketrec_export::selection::{Chosen, Movies};
use pocketrec_export::{ImageBytes, Precision};
use pocketrec_metrics::Errors;
use pocketrec_train::ModelKind;

/// The image of all movies of a checkpoint, without users: a device has its own person.
///
/// # Errors
/// [`BadInput`](pocketrec_base::error::BadInput) for a model that no image holds.
pub fn image(checkpoint: &Checkpoint, precision: Precision) -> Result<ImageBytes> {
    let chosen = Chosen {
        users: Vec::new(),
        movies: Movies::All.rows(checkpoint)?,
        seen: None,
        facets: None,
    };
    Ok(pocketrec_export::build(checkpoint, &chosen, precision)?)
}

/// R: trains with the first k ratings of each person, for every k, and adds the errors on the others.
///
/// # Errors
/// [`refusal`](crate::refusal)'s.
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
        let ratings = held.ratings_with(&data.ratings, k);
        let trained = by_recipe(data, ratings, model, seed).map_err(crate::refusal)?;
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
