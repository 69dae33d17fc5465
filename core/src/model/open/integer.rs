//! The tables of integer scoring: found, checked, and no sum of theirs able to leave 32 bits.

use super::{Found, bytes, floats, numbers};
use crate::error::ImageError;
use crate::image::{Element, Table, TableKind};
use crate::mlp::Mlp;
use crate::model::Parts;
use crate::model::integer::Integers;
use crate::numeric::activation::Activation;
use crate::numeric::integer::{self, Layer, Network, ROW_PAIRS, SCORE_BITS};
use crate::table::{EmbeddingTable, Values};
use crate::{MAX_LAYERS, MAX_UNITS};

/// The output's sum is from 4 to 1,024 times finer than a score, so that it has room beside the other parts.
const OUTPUT_BITS: core::ops::RangeInclusive<u8> = 22..=30;

/// A bias is coarser than a score, and has room beside the other parts.
const BIAS_EXPONENTS: core::ops::RangeInclusive<i32> = -18..=-6;

const KINDS: [TableKind; 4] = [
    TableKind::IntegerMovieWeights,
    TableKind::IntegerSteps,
    TableKind::IntegerOutputBits,
    TableKind::IntegerMovieHalves,
];

/// The part of the model that scores in integers, where the movies' table is of integers.
pub(super) fn open<'a>(
    found: &Found<'a>,
    parts: Parts,
    movie: &EmbeddingTable<'a>,
    bias: Option<&EmbeddingTable<'a>>,
    mlp: Option<&Mlp<'a>>,
) -> Result<Option<Integers<'a>>, ImageError> {
    if !matches!(movie.values(), Values::I16(_) | Values::I8 { .. }) {
        return none(found).map(|()| None);
    }
    let kind = TableKind::MovieEmbedding;
    let exponent = integer::exponent(movie.scale()).ok_or(ImageError::Value(kind))?;
    if movie.columns() % 2 == 1 {
        return Err(ImageError::Shape(kind));
    }
    let mut bias_shift = 0;
    if let Some(bias) = bias {
        let kind = TableKind::MovieBias;
        if !matches!(bias.values(), Values::I16(_)) {
            return Err(ImageError::Element(kind));
        }
        let exponent = integer::exponent(bias.scale())
            .filter(|exponent| BIAS_EXPONENTS.contains(exponent))
            .ok_or(ImageError::Value(kind))?;
        bias_shift = (SCORE_BITS as i32 + exponent) as u32;
    }
    let mut network = match (parts.mlp, mlp) {
        (true, Some(mlp)) => Some(network(found, mlp)?),
        _ => {
            none(found)?;
            None
        }
    };
    if let Some(network) = &mut network {
        network
            .bounds(movie.largest_integer())
            .map_err(|layer| ImageError::LayerBound { layer })?;
        network.stored = stored(found, network, movie)?;
    }
    Ok(Some(Integers {
        network,
        exponent,
        bias_shift,
    }))
}

/// Tables that would never be used are a mistake of the writer's.
fn none(found: &Found<'_>) -> Result<(), ImageError> {
    for kind in KINDS {
        if found.get(kind).is_some() {
            return Err(ImageError::Shape(kind));
        }
    }
    for (tables, kind) in [
        (&found.integer_weights, TableKind::IntegerWeights),
        (&found.integer_bias, TableKind::IntegerBias),
    ] {
        if tables.iter().any(Option::is_some) {
            return Err(ImageError::Shape(kind));
        }
    }
    Ok(())
}

fn network<'a>(found: &Found<'a>, mlp: &Mlp<'a>) -> Result<Network<'a>, ImageError> {
    let kind = TableKind::IntegerMovieWeights;
    let table = found.need(kind)?;
    let units = mlp.units();
    if table.rows as usize != units
        || table.columns as usize != mlp.movie_dim
        || !units.is_multiple_of(2)
        || units > MAX_UNITS
    {
        return Err(ImageError::Shape(kind));
    }
    let first = pairs(table, kind)?;

    let kind = TableKind::IntegerSteps;
    let steps = floats(found.need(kind)?, kind)?;
    numbers(steps, kind)?;
    if steps.len() != units {
        return Err(ImageError::Shape(kind));
    }
    if steps.iter().any(|step| *step <= 0.0) {
        return Err(ImageError::Value(kind));
    }

    // Relu everywhere but at the output, which is what the integers do.
    let kind = TableKind::Activations;
    let count = mlp.later().len();
    let hidden = mlp.later().iter().take(count.saturating_sub(1));
    let output = mlp.later().last().ok_or(ImageError::Value(kind))?;
    if mlp.activation != Activation::Relu
        || hidden
            .map(|layer| layer.activation)
            .any(|function| function != Activation::Relu)
        || output.activation != Activation::Linear
    {
        return Err(ImageError::Value(kind));
    }

    let mut later = [Layer::EMPTY; MAX_LAYERS - 1];
    let tables = found.integer_weights.iter().zip(&found.integer_bias);
    if tables.clone().enumerate().any(|(at, (weights, bias))| {
        (weights.is_some() || bias.is_some()) && (at == 0 || at > count)
    }) {
        return Err(ImageError::Shape(TableKind::IntegerWeights));
    }
    let mut inputs = units;
    let shapes = later.iter_mut().zip(mlp.later()).zip(tables.skip(1));
    for ((layer, dense), (weights, bias)) in shapes {
        let kind = TableKind::IntegerWeights;
        let weights = weights.as_ref().ok_or(ImageError::Missing(kind))?;
        let outputs = dense.units();
        if !inputs.is_multiple_of(2)
            || weights.rows as usize != inputs / 2
            || weights.columns as usize != outputs.wrapping_mul(2)
        {
            return Err(ImageError::Shape(kind));
        }
        let weights = pairs(weights, kind)?;
        let kind = TableKind::IntegerBias;
        let table = bias.as_ref().ok_or(ImageError::Missing(kind))?;
        if table.element != Element::I32.code() {
            return Err(ImageError::Element(kind));
        }
        if table.rows != 1 || table.columns as usize != outputs {
            return Err(ImageError::Shape(kind));
        }
        let bias =
            bytemuck::try_cast_slice(table.bytes).map_err(|_| ImageError::Alignment(kind))?;
        *layer = Layer { weights, bias };
        inputs = outputs;
    }

    let kind = TableKind::IntegerOutputBits;
    let [bits] = *bytes(found.need(kind)?, kind)? else {
        return Err(ImageError::Shape(kind));
    };
    if !OUTPUT_BITS.contains(&bits) {
        return Err(ImageError::Value(kind));
    }
    Ok(Network {
        first,
        pairs: mlp.movie_dim / 2,
        steps,
        later,
        count,
        output_shift: u32::from(bits).wrapping_sub(SCORE_BITS),
        stored: &[],
    })
}

/// The movies' halves of dense layer 0, where the image has them. Each must be what its row gives, to the bit: then
/// the bounds of the network's sums are those of the rows.
fn stored<'a>(
    found: &Found<'a>,
    network: &Network<'a>,
    movie: &EmbeddingTable<'a>,
) -> Result<&'a [u32], ImageError> {
    let kind = TableKind::IntegerMovieHalves;
    let Some(table) = found.get(kind) else {
        return Ok(&[]);
    };
    let movies = found.need(TableKind::MovieEmbedding)?.rows;
    let units = network.steps.len();
    if table.rows != movies || table.columns as usize != units {
        return Err(ImageError::Shape(kind));
    }
    let stored = pairs(table, kind)?;
    let mut place = [0; ROW_PAIRS];
    for (row, half) in stored.chunks_exact((units / 2).max(1)).enumerate() {
        if !network.is_half_of(half, movie.pairs_apart(row, &mut place)) {
            return Err(ImageError::Value(kind));
        }
    }
    Ok(stored)
}

/// A table of 16-bit integers as pairs.
fn pairs<'a>(table: &Table<'a>, kind: TableKind) -> Result<&'a [u32], ImageError> {
    if table.element != Element::I16.code() {
        return Err(ImageError::Element(kind));
    }
    bytemuck::try_cast_slice(table.bytes).map_err(|_| ImageError::Alignment(kind))
}
