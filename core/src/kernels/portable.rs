//! The portable scoring kernel: any shape, several movies at a time, each in a lane of its own.
//!
//! A lane sums in the order of [`Mlp::forward`](crate::mlp::Mlp::forward), product rounded, then added, so its bits
//! are the plain form's. On a PC the lanes become the lanes of vector registers; on a small core two movies share
//! the load of a weight.

use crate::mlp::{Dense, Mlp};
use crate::numeric::activation::Activation;
use crate::numeric::walk::{numbered, rows};
use crate::{MAX_DIM, MAX_UNITS};

/// A number of each of `L` movies.
pub(crate) type Lanes<const L: usize> = [f32; L];

/// `sums[l] += weight * x[l]` for each lane.
#[inline(always)]
fn add<const L: usize>(sums: &mut Lanes<L>, weight: f32, x: &Lanes<L>) {
    for (sum, x) in sums.iter_mut().zip(x) {
        *sum += weight * *x;
    }
}

#[inline(always)]
fn activate<const L: usize>(activation: Activation, x: &Lanes<L>) -> Lanes<L> {
    match activation {
        Activation::Linear => *x,
        Activation::Relu => x.map(crate::numeric::activation::relu),
    }
}

/// Working memory of [`forward`]: made once for many movies, since clearing it takes as long as scoring one.
pub(crate) struct Scratch<const L: usize> {
    units: [Lanes<L>; MAX_UNITS],
    next: [Lanes<L>; MAX_UNITS],
}

impl<const L: usize> Scratch<L> {
    pub(crate) const fn new() -> Self {
        Self {
            units: [[0.0; L]; MAX_UNITS],
            next: [[0.0; L]; MAX_UNITS],
        }
    }
}

/// The MLP's output for `L` movies whose columns are `movies`, and a user whose half is `half`.
#[inline(always)]
pub(crate) fn forward<const L: usize>(
    mlp: &Mlp<'_>,
    half: &[f32; MAX_UNITS],
    movies: &[Lanes<L>],
    scratch: &mut Scratch<L>,
) -> Lanes<L> {
    let (mut from, mut to) = (&mut scratch.units, &mut scratch.next);
    first(mlp, half, movies, from);
    for layer in mlp.later() {
        dense(layer, from, to);
        core::mem::swap(&mut from, &mut to);
    }
    let [output, ..] = *from;
    output
}

/// Dense layer 0, two units at a time: their sums don't wait for each other.
#[inline(always)]
fn first<const L: usize>(
    mlp: &Mlp<'_>,
    half: &[f32; MAX_UNITS],
    movies: &[Lanes<L>],
    units: &mut [Lanes<L>; MAX_UNITS],
) {
    let columns = mlp.movie_dim.max(1);
    let (starts, _) = half.as_chunks::<2>();
    let (outs, _) = units.as_chunks_mut::<2>();
    let mut pairs = rows(mlp.movie_weights, columns.wrapping_mul(2));
    for ((out, start), pair) in outs.iter_mut().zip(starts).zip(&mut pairs) {
        let (row, other) = pair.split_at_checked(columns).unwrap_or_default();
        let mut sums = start.map(|start| [start; L]);
        let [a, b] = &mut sums;
        let (row4, row_rest) = row.as_chunks::<4>();
        let (other4, other_rest) = other.as_chunks::<4>();
        let (movies4, movies_rest) = movies.as_chunks::<4>();
        for ((w, v), x) in row4.iter().zip(other4).zip(movies4) {
            for ((w, v), x) in w.iter().zip(v).zip(x) {
                add(a, *w, x);
                add(b, *v, x);
            }
        }
        for ((w, v), x) in row_rest.iter().zip(other_rest).zip(movies_rest) {
            add(a, *w, x);
            add(b, *v, x);
        }
        *out = sums.map(|sum| activate(mlp.activation, &sum));
    }
    // An odd number of units leaves one.
    let last = mlp.units().wrapping_sub(1);
    if let (Some(out), Some(start), false) = (units.get_mut(last), half.get(last), last % 2 == 1) {
        let mut sum = [*start; L];
        for (w, x) in pairs.rest().iter().zip(movies) {
            add(&mut sum, *w, x);
        }
        *out = activate(mlp.activation, &sum);
    }
}

/// A later dense layer: four units at a time, so that they share the load of an input, then those left over.
#[inline(always)]
fn dense<const L: usize>(
    layer: &Dense<'_>,
    input: &[Lanes<L>; MAX_UNITS],
    out: &mut [Lanes<L>; MAX_UNITS],
) {
    let units = layer.units().max(1);
    let (biases, _) = layer.bias.as_chunks::<4>();
    let (outs, _) = out.as_chunks_mut::<4>();
    for (at, (out, bias)) in numbered(outs.iter_mut().zip(biases), 0) {
        let mut sums = bias.map(|bias| [bias; L]);
        for (row, x) in rows(layer.weights, units).zip(input) {
            if let Some(weights) = row.as_chunks::<4>().0.get(at) {
                for (sum, weight) in sums.iter_mut().zip(weights) {
                    add(sum, *weight, x);
                }
            }
        }
        *out = sums.map(|sum| activate(layer.activation, &sum));
    }
    let done = biases.len().wrapping_mul(4);
    for (at, (out, bias)) in numbered(out.iter_mut().zip(layer.bias).skip(done), done) {
        let mut sum = [*bias; L];
        let column = layer.weights.iter().skip(at).step_by(units);
        for (weight, x) in column.zip(input) {
            add(&mut sum, *weight, x);
        }
        *out = activate(layer.activation, &sum);
    }
}

/// The dot products of `row` with `L` movies, from +0.
#[inline(always)]
pub(crate) fn dot<const L: usize>(movies: &[Lanes<L>], row: &[f32; MAX_DIM]) -> Lanes<L> {
    let mut sums = [0.0; L];
    for (x, p) in movies.iter().zip(row) {
        add(&mut sums, *p, x);
    }
    sums
}
