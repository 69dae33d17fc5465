//! The tables that score an MLP in integers, from its layers in single precision.

use pocketrec::image::integers::{IntegerNetwork, Later, NoIntegers, SingleNetwork};

use pocketrec::image::TableKind as K;
use pocketrec::image::builder::{OwnedTable, integer_tables, stored_halves};

use super::influence::dot;
use super::pick::transposed;
use super::precision::{Precision, Storage};
use pocketrec_base::error::BadInput;
use pocketrec_train::{Layer, Parameters};

/// How much further than the users of the checkpoint a device's owner may go before a unit saturates.
const ROOM: f32 = 2.0;

/// Whether a movie's half of dense layer 0 can be stored.
///
/// # Errors
///
/// [`BadInput`] says what is missing.
pub(super) fn can_precompute(p: &Parameters, precision: Precision) -> Result<(), BadInput> {
    let missing = if p.layers.is_empty() {
        format!(
            "`--precompute` stores each movie's half of dense layer 0, and a model of kind {} has no MLP: \
             `train --model mlp` trains one that has",
            p.model.name()
        )
    } else if !precision.is_integer() {
        format!(
            "`--precompute` stores halves of dense layer 0 for integer scoring, and {} isn't scored in integers: \
             take `--precision i16` or `--precision i8`",
            precision.name()
        )
    } else {
        return Ok(());
    };
    Err(BadInput::new(missing))
}

/// Adds the tables that score the MLP in integers, beside those in single precision, which learning uses.
///
/// # Errors
///
/// [`BadInput`] for an MLP that has no integer form.
pub(super) fn tables(
    p: &Parameters,
    storage: Storage,
    tables: &mut Vec<OwnedTable>,
) -> Result<(), BadInput> {
    let (scale, rows) = movie_integers(tables);
    let largest = rows.iter().map(|x| x.unsigned_abs()).max().unwrap_or(0);
    let network = network(p, scale, largest.into());
    let network = network.map_err(|why| no_integers(storage.precision, why))?;
    tables.extend(integer_tables(&network));
    if storage.precompute {
        tables.push(stored_halves(&network, &rows, p.movie_dim));
    }
    Ok(())
}

pub(super) fn no_integers(precision: Precision, why: NoIntegers) -> BadInput {
    let name = precision.name();
    BadInput::new(format!(
        "`--precision {name}` doesn't hold this model: {why}"
    ))
}

/// The scale of the movies' table and its integers, the multipliers of rows taken in.
fn movie_integers(tables: &[OwnedTable]) -> (f32, Vec<i16>) {
    let find = |kind| tables.iter().find(|table| table.kind == kind);
    find(K::MovieEmbedding).map_or((1.0, Vec::new()), |movies| {
        (movies.scale, movies.integers(find(K::MovieRowMultiplier)))
    })
}

/// The integer form of the MLP of `p`.
///
/// `scale` and `largest` are those of the movies' integers: what they are multiplied by, and their largest magnitude.
///
/// # Errors
///
/// [`NoIntegers`] says why there is none.
pub(super) fn network(
    p: &Parameters,
    scale: f32,
    largest: u32,
) -> Result<IntegerNetwork, NoIntegers> {
    let [first, later @ ..] = &p.layers[..] else {
        return Err(NoIntegers::NoHiddenLayer);
    };
    IntegerNetwork::new(&SingleNetwork {
        movie_weights: &transposed(first, p.user_dim..first.inputs),
        movie_dim: p.movie_dim,
        movie_scale: scale,
        movie_largest: largest,
        user_largest: &most_of_users(p),
        later: &in_pairs(later),
    })
}

/// Each layer's weights and biases.
pub(super) fn in_pairs(layers: &[Layer]) -> Vec<Later<'_>> {
    layers
        .iter()
        .map(|layer| (&layer.weight[..], &layer.bias[..]))
        .collect()
}

/// The most that a user's half of each unit of dense layer 0 may be, either way; nothing without an MLP.
pub(super) fn most_of_users(p: &Parameters) -> Vec<f32> {
    let Some(first) = p.layers.first() else {
        return Vec::new();
    };
    let weights = transposed(first, 0..p.user_dim);
    let units = weights.chunks_exact(p.user_dim).zip(&first.bias);
    units
        .map(|(weights, bias)| {
            let half = |user: &[f32]| (bias + dot(weights, user)).abs();
            let most = p.user_embedding.chunks_exact(p.user_dim).map(half);
            ROOM * most.fold(bias.abs(), f32::max)
        })
        .collect()
}

/// The movie's half of dense layer 0, \[units\]\[movie dimensions\]; nothing without an MLP.
pub(super) fn weights_of_movies(p: &Parameters) -> Vec<f32> {
    let first = p.layers.first();
    first.map_or(Vec::new(), |first| {
        transposed(first, p.user_dim..first.inputs)
    })
}
