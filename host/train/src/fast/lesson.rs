//! The kernels of `mlp`: 16 inputs, 32 and 4 units with relu, one output.
//!
//! A lane is a unit here and not a sample, so rows are read and written as they lie in their
//! tables: nothing is turned about on the way in or out, and a weight gradient ends in the lanes
//! where it belongs, with no sums across lanes. What is broadcast is the sample's number. The four
//! units of the second layer are the exception: their sums go across lanes, eight at a time, and
//! from there on a vector holds four units of several samples.
//!
//! With x the two rows of a sample beside each other, y its target, and `share` 2 / batch, a block computes
//!
//! ```text
//! h = relu(W1 x + b1)    [32]      g = relu(W2 h + b2)    [4]      e = <w3, g> + b3 - y
//! dw3 += g s, db3 += s, with s = share e           dg = w3 s where g > 0       dW2 += h dg, db2 += dg
//! dh = W2 dg where h > 0                           dW1 += x dh, db1 += dh      dx = W1 dh
//! ```
//!
//! in that order, a step for the whole block at a time: what a step reads of the one before is in the first-level cache,
//! and each step's sums stay in registers. The numbers of a block lie in [`Buffers`]; weights as the dense vector has them
//! are `[inputs][outputs]`, which is the order that the way forward reads. The way back reads `W1` and `W2` the other way
//! round, so both are turned about once a shard (`begin`).
//!
//! Every other shape takes the way of [`block`](super::block), and so does this one on a path
//! that says so.

mod buffers;

use std::ops::Range;

pub use buffers::Buffers;
use buffers::{FIRST_BIAS, FIRST_WEIGHT, LAST_BIAS, begin, clear, end};

use super::super::sample::Sample;
use super::super::simd::{Numbers, Path, Vector};
use super::ahead;
use super::layout::Shape;
use super::rows::{add_rows, update_users};
use super::shard::{GROUP, Network, Part, Shard};
use super::slots::run_start;
use pocketrec::kernels::Lesson;
use pocketrec_metrics::Errors;

/// Inputs: a user's row beside a movie's.
const INPUTS: usize = 2 * Lesson::DIM;
/// Units of the first layer.
const UNITS: usize = Lesson::UNITS;
/// Units of the second layer.
const FEW: usize = Lesson::SECOND;
/// Samples a block: what is kept of them stays in the first-level cache.
const BLOCK: usize = 64;
/// Blocks are filled up to a multiple of so many samples, with rows of zeros.
const FULL: usize = 16;

/// Rows of 8 numbers keep to lines.
type Ahead<'a> = ahead::Ahead<'a, true>;

/// Whether a shape is the lesson's.
pub fn fits(shape: &Shape) -> bool {
    let layers: Vec<_> = shape.layers.iter().map(|l| (l.inputs, l.outputs)).collect();
    let rows = (shape.user_width, shape.movie_width);
    let plain = !shape.biases && !shape.dot;
    plain
        && rows == (Lesson::DIM, Lesson::DIM)
        && layers == [(INPUTS, UNITS), (UNITS, FEW), (FEW, 1)]
}

/// Copies a block's rows and targets, and fills it up with samples that have no share of the loss.
#[inline(always)]
fn load<V: Vector>(path: Path<V>, network: &Network<'_>, samples: &[Sample], buffers: Buffers) {
    let (users, movies, mean) = (network.users, network.movies, network.mean);
    let x = buffers.at(Buffers::X);
    let (target, shares) = (buffers.at(Buffers::TARGET), buffers.at(Buffers::SHARE));
    for (i, sample) in samples.iter().enumerate() {
        path.row()
            .load(users.row(sample.user))
            .put(x.add(i * INPUTS));
        path.row()
            .load(movies.row(sample.movie))
            .put(x.add(i * INPUTS + 8));
        target.add(i).set(sample.stars - mean);
    }
    let count = samples.len().next_multiple_of(FULL);
    let left = count - samples.len();
    if left > 0 {
        x.add(samples.len() * INPUTS).clear(left * INPUTS);
        target.add(samples.len()).clear(left);
        shares.add(samples.len()).clear(left);
    }
}

/// `S` samples' sums of number times weights, over `numbers` a sample, which lie beside each other,
/// and so do the `N` vectors of a number's weights.
#[inline(always)]
fn tile<V: Vector, const N: usize, const S: usize>(
    path: Path<V>,
    numbers: usize,
    values: Numbers,
    weights: Numbers,
    start: [V; N],
) -> [[V; N]; S] {
    let mut sums = [start; S];
    for number in 0..numbers {
        let mut row = [path.splat(0.0); N];
        for (n, weight) in row.iter_mut().enumerate() {
            *weight = path.load(weights.add((number * N + n) * V::LANES));
        }
        for (s, sums) in sums.iter_mut().enumerate() {
            let value = path.splat(values.add(s * numbers + number).get());
            for (sum, weight) in sums.iter_mut().zip(row) {
                *sum = weight.mul_add(value, *sum);
            }
        }
    }
    sums
}

/// The first layer, `S` samples of `N` vectors at a time.
#[inline(always)]
fn first<V: Vector, const N: usize, const S: usize>(
    path: Path<V>,
    dense: Numbers,
    count: usize,
    ahead: &mut Ahead<'_>,
    buffers: Buffers,
) {
    let mut bias = [path.splat(0.0); N];
    for (n, bias) in bias.iter_mut().enumerate() {
        *bias = path.load(dense.add(FIRST_BIAS + n * V::LANES));
    }
    for sample in (0..count).step_by(S) {
        let x = buffers.at(Buffers::X).add(sample * INPUTS);
        let y = buffers.at(Buffers::FIRST).add(sample * UNITS);
        ahead.ask(S / 2);
        let sums = tile::<V, N, S>(path, INPUTS, x, dense.add(FIRST_WEIGHT), bias);
        for (s, sums) in sums.into_iter().enumerate() {
            for (n, sum) in sums.into_iter().enumerate() {
                sum.relu().put(y.add(s * UNITS + n * V::LANES));
            }
        }
    }
}

/// The second layer's sums, before bias and relu.
#[inline(always)]
fn second<V: Vector, const N: usize>(path: Path<V>, count: usize, buffers: Buffers) {
    let turned = buffers.at(Buffers::TURNED_SECOND);
    // Two samples have eight sums, each spread over the lanes of a vector; `sums` adds up all eight at once, in
    // fewer shuffles than adding up each alone would take.
    for sample in (0..count).step_by(2) {
        let mut eight = [path.splat(0.0); 8];
        for s in 0..2 {
            let x = buffers.at(Buffers::FIRST).add((sample + s) * UNITS);
            for n in 0..N {
                let value = path.load(x.add(n * V::LANES));
                for few in 0..FEW {
                    let weight = path.load(turned.add(few * UNITS + n * V::LANES));
                    let sum = &mut eight[s * FEW + few];
                    *sum = if n == 0 {
                        value.mul(weight)
                    } else {
                        value.mul_add(weight, *sum)
                    };
                }
            }
        }
        V::sums(eight).put(buffers.at(Buffers::SECOND).add(sample * FEW));
    }
}

/// From the second layer's sums to the errors and back: its slopes take the sums' place.
#[inline(always)]
fn errors<V: Vector>(
    path: Path<V>,
    dense: Numbers,
    count: usize,
    buffers: Buffers,
    gradient: Numbers,
) -> Errors {
    let fours = buffers.at(Buffers::FOURS);
    let bias = path.load(fours);
    let weight = path.load(fours.add(16));
    let mut bias_gradient = path.load(fours.add(32));
    let mut weight_gradient = path.load(fours.add(48));
    let last_bias = path.splat(dense.add(LAST_BIAS).get());
    let (mut squared, mut absolute) = (path.splat(0.0), path.splat(0.0));
    let mut slopes = path.splat(0.0);
    // Lanes 0 to 3 are the first sample's four units, 4 to 7 the next one's, and so on.
    let per = V::LANES / FEW;
    for sample in (0..count).step_by(per) {
        let at = buffers.at(Buffers::SECOND).add(sample * FEW);
        let sum = path.load(at).add(bias);
        let value = sum.relu();
        let predicted = value.mul(weight).sums_of_fours().add(last_bias);
        let target = path.load_fours(buffers.at(Buffers::TARGET).add(sample));
        let share = path.load_fours(buffers.at(Buffers::SHARE).add(sample));
        // Nothing of what only fills up.
        let error = predicted.sub(target).where_positive(share);
        squared = error.mul_add(error, squared);
        absolute = absolute.add(error.abs());
        let slope = error.mul(share);
        slopes = slopes.add(slope);
        weight_gradient = value.mul_add(slope, weight_gradient);
        let back = weight.mul(slope).where_positive(value);
        bias_gradient = bias_gradient.add(back);
        back.put(at);
    }
    bias_gradient.put(fours.add(32));
    weight_gradient.put(fours.add(48));
    // Each sample's number stood in four lanes.
    gradient.add(LAST_BIAS).increase(slopes.sum() / FEW as f32);
    Errors {
        squared: f64::from(squared.sum()) / FEW as f64,
        absolute: f64::from(absolute.sum()) / FEW as f64,
        // The caller knows which of them only fill up.
        count: 0,
    }
}

/// Back through the second layer: slopes of the first, and its own weights' gradient. `P` vectors
/// of units a pass.
#[inline(always)]
fn second_back<V: Vector, const N: usize, const P: usize>(
    path: Path<V>,
    count: usize,
    buffers: Buffers,
) {
    for first in (0..N).step_by(P) {
        let place = first * V::LANES;
        let turned = buffers.at(Buffers::TURNED_SECOND).add(place);
        let sums = buffers.at(Buffers::SECOND_GRADIENT).add(place);
        let mut weights = [[path.splat(0.0); P]; FEW];
        let mut gradients = [[path.splat(0.0); P]; FEW];
        for p in 0..P {
            for few in 0..FEW {
                weights[few][p] = path.load(turned.add(few * UNITS + p * V::LANES));
                gradients[few][p] = path.load(sums.add(few * UNITS + p * V::LANES));
            }
        }
        let mut slope = buffers.at(Buffers::SECOND);
        let mut x = buffers.at(Buffers::FIRST).add(place);
        let mut back = buffers.at(Buffers::FIRST_SLOPE).add(place);
        for _ in 0..count {
            let mut slopes = [path.splat(0.0); FEW];
            for (few, one) in slopes.iter_mut().enumerate() {
                *one = path.splat(slope.add(few).get());
            }
            for p in 0..P {
                let value = path.load(x.add(p * V::LANES));
                let mut sum = weights[0][p].mul(slopes[0]);
                gradients[0][p] = value.mul_add(slopes[0], gradients[0][p]);
                for few in 1..FEW {
                    sum = weights[few][p].mul_add(slopes[few], sum);
                    gradients[few][p] = value.mul_add(slopes[few], gradients[few][p]);
                }
                let sum = sum.where_positive(value);
                sum.put(back.add(p * V::LANES));
            }
            slope = slope.add(FEW);
            x = x.add(UNITS);
            back = back.add(UNITS);
        }
        for (few, gradients) in gradients.into_iter().enumerate() {
            for (p, gradient) in gradients.into_iter().enumerate() {
                gradient.put(sums.add(few * UNITS + p * V::LANES));
            }
        }
    }
}

/// Adds to the first layer's weight gradient: `I` inputs from `input` on by `N` vectors of units
/// from `unit` on, and the units' biases where `BIASED`.
#[inline(always)]
fn first_gradient<V: Vector, const N: usize, const I: usize, const BIASED: bool>(
    path: Path<V>,
    (input, unit): (usize, usize),
    count: usize,
    buffers: Buffers,
    gradient: Numbers,
) {
    let at = gradient.add(FIRST_WEIGHT + input * UNITS + unit);
    let bias_at = gradient.add(FIRST_BIAS + unit);
    let mut sums = [[path.splat(0.0); N]; I];
    let mut biases = [path.splat(0.0); N];
    for n in 0..N {
        for (i, sums) in sums.iter_mut().enumerate() {
            sums[n] = path.load(at.add(i * UNITS + n * V::LANES));
        }
        if BIASED {
            biases[n] = path.load(bias_at.add(n * V::LANES));
        }
    }
    let mut x = buffers.at(Buffers::X).add(input);
    let mut slope = buffers.at(Buffers::FIRST_SLOPE).add(unit);
    for _ in 0..count / 2 {
        // Two samples a round; blocks are filled up to more than that.
        for _ in 0..2 {
            let mut slopes = [path.splat(0.0); N];
            for (n, slopes) in slopes.iter_mut().enumerate() {
                *slopes = path.load(slope.add(n * V::LANES));
                if BIASED {
                    biases[n] = biases[n].add(*slopes);
                }
            }
            for (i, sums) in sums.iter_mut().enumerate() {
                let value = path.splat(x.add(i).get());
                for (sum, slope) in sums.iter_mut().zip(slopes) {
                    *sum = slope.mul_add(value, *sum);
                }
            }
            x = x.add(INPUTS);
            slope = slope.add(UNITS);
        }
    }
    for n in 0..N {
        for (i, sums) in sums.iter().enumerate() {
            sums[n].put(at.add(i * UNITS + n * V::LANES));
        }
        if BIASED {
            biases[n].put(bias_at.add(n * V::LANES));
        }
    }
}

/// Back through the first layer to the rows, `S` samples of `M` vectors at a time.
#[inline(always)]
fn first_back<V: Vector, const M: usize, const S: usize>(
    path: Path<V>,
    samples: usize,
    ahead: &mut Ahead<'_>,
    buffers: Buffers,
    user: Numbers,
    movie: Numbers,
) {
    let turned = buffers.at(Buffers::TURNED_FIRST);
    for sample in (0..samples).step_by(S) {
        let slope = buffers.at(Buffers::FIRST_SLOPE).add(sample * UNITS);
        ahead.ask(S / 2);
        let sums = tile::<V, M, S>(path, UNITS, slope, turned, [path.splat(0.0); M]);
        let (mut to_user, mut to_movie) = (user.add(sample * 8), movie.add(sample * 8));
        let left = samples - sample;
        if left < S {
            // The rows beyond may be another thread's.
            to_user = buffers.at(Buffers::X);
            to_movie = to_user.add(S * 8);
        }
        for (s, sums) in sums.into_iter().enumerate() {
            if M == 1 {
                sums[0].put_halves(to_user.add(s * 8), to_movie.add(s * 8));
            } else {
                sums[0].put(to_user.add(s * 8));
                sums[M - 1].put(to_movie.add(s * 8));
            }
        }
        if left < S {
            to_user.copy_to(user.add(sample * 8), left * 8);
            to_movie.copy_to(movie.add(sample * 8), left * 8);
        }
    }
}

/// As [`block::shard`](super::block::shard), for the lesson's shape. Users are moved block by block,
/// while their rows are near.
#[inline(always)]
pub fn shard<V: Vector>(
    path: Path<V>,
    network: &Network<'_>,
    shard: &Shard<'_>,
    range: Range<usize>,
    buffers: Buffers,
) -> Errors {
    let Shard {
        samples,
        slots,
        outputs,
        sums,
        decays,
        step,
        only,
    } = *shard;
    let users = shard.users(false);
    begin(path, network.dense, buffers);
    // Only the shard's last block takes some of it away again.
    for i in 0..BLOCK {
        buffers
            .at(Buffers::SHARE)
            .add(i)
            .set(2.0 / samples.len() as f32);
    }
    let mut all = Errors::default();
    let mut moved = range.start;
    for first in range.clone().step_by(GROUP) {
        let last = range.end.min(first + GROUP);
        let mut errors = Errors::default();
        clear(buffers);
        for start in (first..last).step_by(BLOCK) {
            let stop = last.min(start + BLOCK);
            // Beyond the shard's end too: whoever computes this shard may have the next.
            let next = shard.next(stop, BLOCK);
            let ahead = &mut Ahead::new(network, next, true);
            let block = &samples[start..stop];
            let count = block.len().next_multiple_of(FULL);
            if shard.does(Part::Gather) {
                load(path, network, block, buffers);
            }
            if shard.does(Part::Forward) {
                errors += Errors {
                    count: block.len(),
                    ..forward(path, network.dense, count, ahead, buffers, outputs.dense)
                };
            }
            if shard.does(Part::WeightGradient) {
                weights(path, count, ahead, buffers, outputs.dense);
            }
            if shard.does(Part::Backward) {
                let user = outputs.user.add(start * 8);
                backward(path, block.len(), ahead, buffers, user, outputs.movie);
            }
            ahead.ask_all();
            if only.is_some() {
                continue;
            }
            let slots = &slots[start..stop];
            add_rows(
                path.row(),
                slots,
                outputs.movie,
                outputs.slope,
                sums,
                8,
                false,
            );
            // A user whose ratings go on after the block is moved with the next.
            let end = run_start(&samples[..range.end], stop).max(moved);
            update_users(path.row(), &network.users, users, moved..end, decays, step);
            moved = end;
        }
        end(buffers, outputs.dense);
        all += errors;
    }
    all
}

#[inline(always)]
fn forward<V: Vector>(
    path: Path<V>,
    dense: Numbers,
    count: usize,
    ahead: &mut Ahead<'_>,
    buffers: Buffers,
    gradient: Numbers,
) -> Errors {
    if const { V::LANES == 16 } {
        first::<V, 2, 8>(path, dense, count, ahead, buffers);
        second::<V, 2>(path, count, buffers);
    } else {
        first::<V, 4, 2>(path, dense, count, ahead, buffers);
        second::<V, 4>(path, count, buffers);
    }
    let sums = errors(path, dense, count, buffers, gradient);
    if const { V::LANES == 16 } {
        second_back::<V, 2, 2>(path, count, buffers);
    } else {
        second_back::<V, 4, 2>(path, count, buffers);
    }
    sums
}

#[inline(always)]
fn weights<V: Vector>(
    path: Path<V>,
    count: usize,
    ahead: &mut Ahead<'_>,
    buffers: Buffers,
    gradient: Numbers,
) {
    if const { V::LANES == 16 } {
        ahead.ask(4);
        first_gradient::<V, 2, 8, false>(path, (0, 0), count, buffers, gradient);
        ahead.ask(4);
        first_gradient::<V, 2, 8, true>(path, (8, 0), count, buffers, gradient);
        return;
    }
    // A dozen sums at a time: with fewer, each waits for its last addition as soon as a
    // neighbour has some of the core.
    for unit in [0, 2 * V::LANES] {
        ahead.ask(5);
        first_gradient::<V, 2, 6, false>(path, (0, unit), count, buffers, gradient);
        ahead.ask(5);
        first_gradient::<V, 2, 6, false>(path, (6, unit), count, buffers, gradient);
        ahead.ask(5);
        first_gradient::<V, 2, 4, true>(path, (12, unit), count, buffers, gradient);
    }
}

#[inline(always)]
fn backward<V: Vector>(
    path: Path<V>,
    samples: usize,
    ahead: &mut Ahead<'_>,
    buffers: Buffers,
    user: Numbers,
    movie: Numbers,
) {
    if const { V::LANES == 16 } {
        first_back::<V, 1, 16>(path, samples, ahead, buffers, user, movie);
    } else {
        first_back::<V, 2, 4>(path, samples, ahead, buffers, user, movie);
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::{ModelKind, Options};
    use super::*;

    #[test]
    fn only_the_lessons_shape_fits() {
        let shape = |model, dim, hidden: &[usize]| {
            Shape::new(&Options {
                model,
                user_dim: dim,
                movie_dim: dim,
                hidden: hidden.to_vec(),
                ..Options::default()
            })
        };
        assert!(fits(&shape(ModelKind::Mlp, 8, &[32, 4])));
        for (model, dim, hidden) in [
            (ModelKind::Hybrid, 8, &[32, 4][..]),
            (ModelKind::Mf, 8, &[]),
            (ModelKind::Mlp, 9, &[32, 4]),
            (ModelKind::Mlp, 8, &[32]),
            (ModelKind::Mlp, 8, &[4, 32]),
            (ModelKind::Mlp, 8, &[32, 4, 4]),
        ] {
            assert!(
                !fits(&shape(model, dim, hidden)),
                "{model:?} {dim} {hidden:?}"
            );
        }
        // A row of 3 numbers is filled up to 8 with zeros, and so is the lesson's too.
        assert!(fits(&shape(ModelKind::Mlp, 3, &[32, 4])));
    }
}
