//! The tables of integer scoring: found, checked, and no sum of theirs able to leave 32 bits.

use super::{ANY, Found, Largest, cast};
use crate::image::ImageError;
use crate::image::{Element, TableKind};
#[cfg(feature = "codes-mlp")]
use crate::kernels::integer::coded::Coded;
use crate::kernels::integer::{Layer, Network, ROW_PAIRS};
#[cfg(feature = "codes-mlp")]
use crate::kernels::integer::{MOST_MOVIE, MOST_USER};
use crate::mlp::Mlp;
use crate::model::Model;
use crate::model::integer::Integers;
use crate::numeric::activation::Activation;
use crate::numeric::fixed::{self, SCORE_BITS};
use crate::numeric::pace::{Pace, walked};
use crate::numeric::walk::{numbered, rows};
use crate::table::{Codes, EmbeddingTable, Values};
use crate::{MAX_LAYERS, MAX_UNITS};

/// The output's sum is from 4 to 1,024 times finer than a score, so that it has room beside the other parts.
const OUTPUT_BITS: core::ops::RangeInclusive<u8> = 22..=30;

/// A bias is coarser than a score, and has room beside the other parts.
const BIAS_EXPONENTS: core::ops::RangeInclusive<i32> = -18..=-6;

/// Tables of an MLP in integers: of any, of one behind rows alone, and of one behind codewords.
const KINDS: [TableKind; 4] = [
    TableKind::IntegerMovieWeights,
    TableKind::IntegerSteps,
    TableKind::IntegerOutputBits,
    TableKind::IntegerMovieHalves,
];
#[cfg(feature = "codes-mlp")]
const OF_ROWS: [TableKind; 2] = [
    TableKind::IntegerMovieWeights,
    TableKind::IntegerMovieHalves,
];
#[cfg(feature = "codes-mlp")]
const OF_CODES: [TableKind; 2] = [TableKind::IntegerCodeHalves, TableKind::IntegerUserHalves];

/// Refuses tables that would never be used: a mistake of the writer's.
#[cfg_attr(feature = "codes-mlp", inline(never))]
fn stray<P: Pace>(found: &Found<'_, P>, kinds: &[TableKind]) {
    for kind in kinds {
        if found.has(*kind) {
            found.shape(*kind);
        }
    }
}

/// Takes in the part of the model that scores in integers, where the movies' table is of integers.
#[inline(never)]
pub(super) fn open<'a, P: Pace>(
    model: &mut Model<'a>,
    found: &Found<'a, P>,
    largest: &Largest,
    codes: Option<Codes<'a>>,
) {
    let movie = &model.movie_table;
    let integers = matches!(movie.values(), Values::I16(_) | Values::I8 { .. });
    let mlp = model.mlp.as_ref().filter(|_| integers);
    #[cfg(feature = "codes-mlp")]
    if mlp.is_some() && codes.is_some() {
        stray(found, &OF_ROWS);
    }
    if mlp.is_none() {
        stray(found, &KINDS);
    }
    let layers = mlp.map_or(1, Mlp::layers);
    found.stray(TableKind::IntegerWeights, 1..layers);
    found.stray(TableKind::IntegerBias, 1..layers);
    if !integers {
        return;
    }

    let kind = TableKind::MovieEmbedding;
    if movie.columns() % 2 == 1 {
        found.shape(kind);
    }
    let mut bias_shift = 0;
    if let Some(bias) = &model.movie_bias {
        let kind = TableKind::MovieBias;
        if !matches!(bias.values(), Values::I16(_)) {
            found.element(kind);
        }
        match fixed::exponent(bias.scale()) {
            Some(exponent) if BIAS_EXPONENTS.contains(&exponent) => {
                bias_shift = exponent.wrapping_add(SCORE_BITS as i32) as u32;
            }
            _ => found.value(kind),
        }
    }
    model.integers = Some(Integers {
        network: mlp.map(|mlp| network(found, largest.movie_row.integer, mlp, codes)),
        exponent: fixed::exponent(movie.scale()).unwrap_or_default(),
        bias_shift,
    });
}

#[inline(never)]
fn network<'a, P: Pace>(
    found: &Found<'a, P>,
    largest: u32,
    mlp: &Mlp<'a>,
    codes: Option<Codes<'a>>,
) -> Network<'a> {
    let units = mlp.units();
    if !units.is_multiple_of(2) || units > MAX_UNITS {
        found.shape(TableKind::IntegerSteps);
    }
    let first = match codes {
        None => {
            let kind = TableKind::IntegerMovieWeights;
            pairs(found, (kind, 0), units as u32, mlp.movie_dim as u32)
        }
        Some(_) => &[],
    };

    let kind = TableKind::IntegerSteps;
    let steps = found.floats(kind, ANY, ANY);
    if steps.len() != units {
        found.shape(kind);
    } else if steps.iter().any(|step| *step <= 0.0) {
        found.value(kind);
    }

    // Relu everywhere but at the output, which is what the integers do.
    let mut function = mlp.activation;
    let mut later = [Layer::EMPTY; MAX_LAYERS - 1];
    let mut inputs = units;
    for (index, (layer, dense)) in numbered(later.iter_mut().zip(mlp.later()), 1) {
        let index = index as u8;
        if function != Activation::Relu {
            found.value(TableKind::Activations);
        }
        function = dense.activation;
        let kind = TableKind::IntegerWeights;
        if !inputs.is_multiple_of(2) {
            found.shape(kind);
        }
        let outputs = dense.units() as u32;
        let weights = pairs(
            found,
            (kind, index),
            inputs as u32 / 2,
            outputs.wrapping_mul(2),
        );
        let place = (TableKind::IntegerBias, index);
        let bias = cast(found.bytes_of(place, Element::I32, 1, outputs));
        *layer = Layer { weights, bias };
        inputs = dense.units();
    }
    let count = mlp.later().len();
    if count == 0 || function != Activation::Linear {
        found.value(TableKind::Activations);
    }

    let kind = TableKind::IntegerOutputBits;
    let bits = found.bytes(kind, 1, 1).first().copied().unwrap_or_default();
    if !OUTPUT_BITS.contains(&bits) {
        found.value(kind);
    }
    let network = Network {
        first,
        pairs: mlp.movie_dim / 2,
        steps,
        later,
        count,
        output_shift: u32::from(bits).wrapping_sub(SCORE_BITS),
        stored: &[],
        #[cfg(feature = "codes-mlp")]
        coded: None,
    };
    if codes.is_some() {
        // Its bounds are those of the codewords' halves.
        return network;
    }
    if let Err(layer) = network.bounds(largest) {
        found.refuse(ImageError::LayerBound { layer });
    }
    network
}

/// Takes the movies' halves of dense layer 0 into a model that has a network of integers.
#[inline(never)]
pub(super) fn store<'a, P: Pace>(model: &mut Model<'a>, found: &Found<'a, P>) {
    let integers = model.integers.as_mut();
    if let Some(network) = integers.and_then(|integers| integers.network.as_mut()) {
        network.stored = stored(found, network, &model.movie_table);
    }
}

/// Takes the codewords' halves of dense layer 0 into a model that has a network of integers: their sums must stay within a
/// byte, and the layers behind them within 32 bits.
#[cfg(feature = "codes-mlp")]
#[inline(never)]
pub(super) fn code<'a, P: Pace>(
    model: &mut Model<'a>,
    found: &Found<'a, P>,
    codes: Option<Codes<'a>>,
) {
    let integers = model.integers.as_mut();
    let network = integers.and_then(|integers| integers.network.as_mut());
    let (Some(network), Some(codes)) = (network, codes) else {
        return stray(found, &OF_CODES);
    };
    let kind = TableKind::IntegerCodeHalves;
    let units = network.steps.len();
    if !units.is_multiple_of(4) {
        found.shape(kind);
    }
    let rows = (codes.books as u32).wrapping_mul(codes.codewords as u32);
    let of_users = TableKind::IntegerUserHalves;
    let ranges: &[i16] = cast(found.bytes_of((of_users, 0), Element::I16, 2, units as u32));
    let middle = ranges.len() / 2;
    let (offsets, most) = ranges.split_at_checked(middle).unwrap_or_default();
    let coded = Coded {
        halves: cast(found.bytes(kind, rows, units as u32)),
        offsets,
        most,
    };
    let cycles = HALF.wrapping_mul(rows);
    let fit = found
        .pace
        .walk(offsets.len(), cycles, [0; 3], |part, sums| {
            walked(part.len(), cycles);
            let fit = coded.fit(part, codes.codewords);
            fit.then_some(sums).ok_or(())
        });
    if fit.is_err() {
        found.refuse(ImageError::LayerBound { layer: 0 });
    }
    let mut top = [0; MAX_UNITS];
    for (top, most) in top.iter_mut().zip(most) {
        if !(0..=MOST_USER).contains(&i32::from(*most)) {
            found.value(of_users);
        }
        *top = i32::from(*most).wrapping_add(MOST_MOVIE) as u32;
    }
    if let Err(layer) = network.later_bounds(top) {
        found.refuse(ImageError::LayerBound { layer });
    }
    network.coded = Some(coded);
}

/// Cycles that looking at a codeword's half of a unit takes at most, on a Cortex-M0.
#[cfg(feature = "codes-mlp")]
const HALF: u32 = 24;

/// Cycles that four products take at most, on a Cortex-M0.
const PRODUCTS: u32 = 48;

/// The movies' halves of dense layer 0, where the image has them. Each must be what its row gives, to the bit: then
/// the bounds of the network's sums are those of the rows.
fn stored<'a, P: Pace>(
    found: &Found<'a, P>,
    network: &Network<'a>,
    movie: &EmbeddingTable<'a>,
) -> &'a [u32] {
    let kind = TableKind::IntegerMovieHalves;
    if !found.has(kind) {
        return &[];
    }
    let movies = found.need(TableKind::MovieEmbedding, 0, ANY, ANY).rows;
    let units = network.steps.len();
    let stored = pairs(found, (kind, 0), movies, units as u32);
    let pairs = units / 2;
    let cycles = PRODUCTS.wrapping_mul(pairs.wrapping_mul(network.pairs) as u32);
    let are = found
        .pace
        .walk(movies as usize, cycles, [0; 3], |part, sums| {
            walked(part.len(), cycles);
            let mut place = [0; ROW_PAIRS];
            let behind = stored.get(part.start.wrapping_mul(pairs)..);
            let halves = rows(behind.unwrap_or_default(), pairs);
            let count = part.end.wrapping_sub(part.start);
            numbered(halves.take(count), part.start)
                .all(|(row, half)| network.is_half_of(half, movie.pairs_apart(row, &mut place)))
                .then_some(sums)
                .ok_or(())
        });
    if are.is_err() {
        found.value(kind);
    }
    stored
}

/// A table of 16-bit integers as pairs.
#[inline(never)]
fn pairs<'a, P: Pace>(
    found: &Found<'a, P>,
    place: (TableKind, u8),
    rows: u32,
    columns: u32,
) -> &'a [u32] {
    cast(found.bytes_of(place, Element::I16, rows, columns))
}
