//! Products of a block's values and a layer's weights, in tiles of registers.
//!
//! Three products are needed of a layer y = W x + b, for a whole block of samples each:
//!
//! | | sum over | result |
//! |---|---|---|
//! | forward | inputs of `W[i][o] x[i]` | a vector of samples an output |
//! | slopes back | outputs of `W[i][o] dy[o]` | a vector of samples an input |
//! | weights' gradient | samples of `x[i] dy[o]` | a number a weight: the only sum across lanes |
//!
//! The first two are one function ([`product`]) which reads `W` either way round. A feature's row is [`BLOCK`] numbers, a weight one number broadcast to all lanes. A tile is 4
//! outputs by 2 or 4 vectors forward and backward, and 6 outputs by 2 inputs (or 4 by 4) for the weight
//! gradients: enough accumulators to hide the latency of a multiply-add, few enough to stay in
//! registers. Every function here trusts its caller's lengths, and that the machine runs the path.

use super::super::simd::{Numbers, Path, Vector};
use super::ahead::Ahead;
use super::layout::DenseShape;
use super::shard::BLOCK;

/// Samples whose rows are asked for before a tile.
const ASK: usize = 3;

/// Rounds up to whole tiles of vectors.
#[inline(always)]
pub fn vectors<V: Vector>(_: Path<V>, samples: usize) -> usize {
    samples.div_ceil(V::LANES).next_multiple_of(4)
}

/// `O` outputs of `N` vectors: sums over `inputs` of value times weight.
#[inline(always)]
fn tile<V: Vector, const O: usize, const N: usize>(
    path: Path<V>,
    inputs: usize,
    mut x: Numbers,
    mut w: Numbers,
    step_in: usize,
    step_out: usize,
    start: [V; O],
) -> [[V; N]; O] {
    let mut sums = start.map(|start| [start; N]);
    for _ in 0..inputs {
        let mut values = [path.splat(0.0); N];
        // N loads serve O x N multiply-adds: with fewer of either the loads are what is waited for.
        for (n, value) in values.iter_mut().enumerate() {
            *value = path.load(x.add(n * V::LANES));
        }
        for (o, sums) in sums.iter_mut().enumerate() {
            let weight = path.splat(w.add(o * step_out).get());
            for (sum, value) in sums.iter_mut().zip(values) {
                *sum = value.mul_add(weight, *sum);
            }
        }
        x = x.add(BLOCK);
        w = w.add(step_in);
    }
    sums
}

/// A matrix of weights, read either way round.
#[derive(Clone, Copy)]
pub struct Weights {
    /// The weight of input 0 and output 0.
    pub at: Numbers,
    /// Distance of inputs.
    pub step_in: usize,
    /// Distance of outputs.
    pub step_out: usize,
}

/// What becomes of a product's sums.
#[derive(Clone, Copy)]
pub enum Finish {
    /// Nothing.
    Linear,
    /// Kept where it is above 0 itself.
    Relu,
    /// Kept where the number at the same place here is above 0.
    Where(Numbers),
}

#[expect(
    clippy::too_many_arguments,
    reason = "a product's operands, and what to ask for beside it"
)]
#[inline(always)]
fn outputs<V: Vector, const O: usize, const N: usize>(
    path: Path<V>,
    vectors: usize,
    inputs: usize,
    x: Numbers,
    weights: Weights,
    bias: Option<Numbers>,
    y: Numbers,
    finish: Finish,
    ahead: &mut Ahead<'_>,
) {
    let mut start = [path.splat(0.0); O];
    if let Some(bias) = bias {
        for (o, start) in start.iter_mut().enumerate() {
            *start = path.splat(bias.add(o).get());
        }
    }
    for v in (0..vectors).step_by(N) {
        let Weights {
            at,
            step_in,
            step_out,
        } = weights;
        let x = x.add(v * V::LANES);
        ahead.ask(ASK);
        let sums = tile::<V, O, N>(path, inputs, x, at, step_in, step_out, start);
        for (o, sums) in sums.into_iter().enumerate() {
            for (n, sum) in sums.into_iter().enumerate() {
                let place = o * BLOCK + (v + n) * V::LANES;
                let value = match finish {
                    Finish::Linear => sum,
                    Finish::Relu => sum.relu(),
                    Finish::Where(y) => sum.where_positive(path.load(y.add(place))),
                };
                value.put(y.add(place));
            }
        }
    }
}

/// `y[o] = finish(bias[o] + sum over i of x[i] * weights[i][o])` for a block.
#[expect(
    clippy::too_many_arguments,
    reason = "a product's operands, and what to ask for beside it"
)]
#[inline(always)]
pub fn product<V: Vector>(
    path: Path<V>,
    vectors: usize,
    (inputs, count): (usize, usize),
    x: Numbers,
    weights: Weights,
    bias: Option<Numbers>,
    y: Numbers,
    finish: Finish,
    ahead: &mut Ahead<'_>,
) {
    let mut o = 0;
    while o < count {
        let w = Weights {
            at: weights.at.add(o * weights.step_out),
            ..weights
        };
        let b = bias.map(|bias| bias.add(o));
        let y = y.add(o * BLOCK);
        let finish = match finish {
            Finish::Where(values) => Finish::Where(values.add(o * BLOCK)),
            other => other,
        };
        // What is left over takes tiles of its size: a tile that is too large would write outputs that there aren't.
        match count - o {
            1 => outputs::<V, 1, 4>(path, vectors, inputs, x, w, b, y, finish, ahead),
            2 => outputs::<V, 2, 4>(path, vectors, inputs, x, w, b, y, finish, ahead),
            3 => outputs::<V, 3, 2>(path, vectors, inputs, x, w, b, y, finish, ahead),
            _ if V::WIDE_TILES => {
                outputs::<V, 4, 4>(path, vectors, inputs, x, w, b, y, finish, ahead)
            }
            _ => outputs::<V, 4, 2>(path, vectors, inputs, x, w, b, y, finish, ahead),
        }
        o += 4;
    }
}

/// Adds a block's products of `I` inputs and `O` slopes to the gradient of a layer's weights,
/// `step` numbers an input.
#[inline(always)]
fn gradient_tile<V: Vector, const O: usize, const I: usize>(
    path: Path<V>,
    vectors: usize,
    x: Numbers,
    slope: Numbers,
    gradient: Numbers,
    step: usize,
) {
    let mut sums = [[path.splat(0.0); O]; I];
    for v in 0..vectors {
        let mut values = [path.splat(0.0); I];
        for (i, value) in values.iter_mut().enumerate() {
            *value = path.load(x.add(i * BLOCK + v * V::LANES));
        }
        for o in 0..O {
            let slope = path.load(slope.add(o * BLOCK + v * V::LANES));
            for (sums, value) in sums.iter_mut().zip(values) {
                sums[o] = value.mul_add(slope, sums[o]);
            }
        }
    }
    // Eight vectors at a time become eight numbers: in memory a vector apiece they would
    // fill the first-level cache.
    if O == 8 {
        for (i, sums) in sums.iter().enumerate() {
            let at = gradient.add(i * step);
            let sums = V::sums(std::array::from_fn(|o| sums[o]));
            path.row().load(at).add(sums).put(at);
        }
        return;
    }
    for first in (0..I * O).step_by(8) {
        let mut eight = [path.splat(0.0); 8];
        let count = (I * O - first).min(8);
        for (n, sum) in eight.iter_mut().enumerate().take(count) {
            *sum = sums[(first + n) / O][(first + n) % O];
        }
        let mut numbers = [0.0; 8];
        V::sums(eight).put_array(&mut numbers);
        for (n, number) in numbers.into_iter().enumerate().take(count) {
            gradient
                .add((first + n) / O * step + (first + n) % O)
                .increase(number);
        }
    }
}

#[expect(
    clippy::too_many_arguments,
    reason = "a product's operands, and what to ask for beside it"
)]
#[inline(always)]
fn gradient_columns<V: Vector, const O: usize, const I: usize>(
    path: Path<V>,
    vectors: usize,
    inputs: usize,
    x: Numbers,
    slope: Numbers,
    gradient: Numbers,
    step: usize,
    ahead: &mut Ahead<'_>,
) {
    let mut i = 0;
    while i < inputs {
        let x = x.add(i * BLOCK);
        let gradient = gradient.add(i * step);
        ahead.ask(ASK);
        if inputs - i >= I {
            gradient_tile::<V, O, I>(path, vectors, x, slope, gradient, step);
            i += I;
        } else {
            gradient_tile::<V, O, 1>(path, vectors, x, slope, gradient, step);
            i += 1;
        }
    }
}

/// Adds a block's gradient of one layer's weights and biases to the dense vector's.
#[inline(always)]
pub fn weight_gradient<V: Vector>(
    path: Path<V>,
    vectors: usize,
    layer: &DenseShape,
    x: Numbers,
    slope: Numbers,
    gradient: Numbers,
    ahead: &mut Ahead<'_>,
) {
    let mut o = 0;
    while o < layer.outputs {
        let slope = slope.add(o * BLOCK);
        let at = gradient.add(layer.weight + o);
        let (inputs, step) = (layer.inputs, layer.outputs);
        o += match layer.outputs - o {
            1 => {
                gradient_columns::<V, 1, 4>(path, vectors, inputs, x, slope, at, step, ahead);
                1
            }
            2 | 3 => {
                gradient_columns::<V, 2, 4>(path, vectors, inputs, x, slope, at, step, ahead);
                2
            }
            left if V::WIDE_TILES && left >= 8 => {
                gradient_columns::<V, 8, 2>(path, vectors, inputs, x, slope, at, step, ahead);
                8
            }
            _ if V::WIDE_TILES => {
                gradient_columns::<V, 4, 4>(path, vectors, inputs, x, slope, at, step, ahead);
                4
            }
            _ => {
                gradient_columns::<V, 4, 2>(path, vectors, inputs, x, slope, at, step, ahead);
                4
            }
        };
    }
    for o in 0..layer.outputs {
        let mut sum = path.splat(0.0);
        for v in 0..vectors {
            sum = sum.add(path.load(slope.add(o * BLOCK + v * V::LANES)));
        }
        gradient.add(layer.bias + o).increase(sum.sum());
    }
}
