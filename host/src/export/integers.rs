//! The tables that score an MLP in integers, from its layers in single precision.

use pocketrec::image::integers::{IntegerNetwork, Later, NoIntegers, SingleNetwork};

use crate::train::Parameters;

/// How much further than the users of the checkpoint a device's owner may go before a unit saturates.
const ROOM: f32 = 2.0;

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
    let movie_weights = super::image::transposed(first, p.user_dim..first.inputs);
    let user_weights = super::image::transposed(first, 0..p.user_dim);
    let user_largest: Vec<f32> = user_weights
        .chunks_exact(p.user_dim)
        .zip(&first.bias)
        .map(|(weights, bias)| {
            let half = |user: &[f32]| {
                let sum: f32 = weights.iter().zip(user).map(|(w, x)| w * x).sum();
                (bias + sum).abs()
            };
            let most = p.user_embedding.chunks_exact(p.user_dim).map(half);
            ROOM * most.fold(bias.abs(), f32::max)
        })
        .collect();
    let later: Vec<Later<'_>> = later
        .iter()
        .map(|layer| (&layer.weight[..], &layer.bias[..]))
        .collect();
    IntegerNetwork::new(&SingleNetwork {
        movie_weights: &movie_weights,
        movie_dim: p.movie_dim,
        movie_scale: scale,
        movie_largest: largest,
        user_largest: &user_largest,
        later: &later,
    })
}
