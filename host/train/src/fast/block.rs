//! The arithmetic of a batch's samples, whatever the shape: forward, backward and weight gradients.
//!
//! A lane is a sample. Samples go through in blocks of [`BLOCK`], features in rows of `BLOCK` numbers, so that a block's
//! values stay in the first-level cache: number `i` of sample `s` lies at `i * BLOCK + s`. A block's rows are turned from
//! the tables' way round into this one on the way in (`to_columns`) and back on the way out (`to_rows`), which costs less
//! than it saves: every product of a layer is then a broadcast weight times a whole vector, and nothing is summed across
//! lanes but the weights' gradients. Nothing depends on which thread runs a group.
//!
//! The loss is the mean over the batch of `error^2 + l2 (...)` ([`Options::l2`](crate::options::Options::l2)), so the slope
//! by a prediction is `2 error / batch`; what the penalty adds is left to the step (`rows`).

use std::ops::Range;

use super::super::sample::Sample;
use super::super::simd::{Numbers, Path, Vector, scatter};
use super::ahead::Ahead;
use super::layout::tail;
use super::product::{Finish, Weights, product, vectors, weight_gradient};
use super::rows::{add_rows, update_users};
use super::scratch::Scratch;
use super::shard::{BLOCK, GROUP, Network, Part, Shard};
use super::slots::run_start;
use pocketrec_metrics::Errors;

/// Reads a block's rows into columns of features.
#[inline(always)]
fn to_columns<V: Vector>(
    path: Path<V>,
    vectors: usize,
    rows: &[Numbers; BLOCK],
    width: usize,
    x: Numbers,
) {
    for v in 0..vectors {
        for chunk in (0..width).step_by(8) {
            let columns = path.gather(rows, v * V::LANES, chunk);
            for (i, column) in columns.into_iter().enumerate() {
                column.put(x.add((chunk + i) * BLOCK + v * V::LANES));
            }
        }
    }
}

/// Writes columns of slopes to the samples' gradient rows.
#[inline(always)]
fn to_rows<V: Vector>(
    path: Path<V>,
    samples: usize,
    width: usize,
    slopes: Numbers,
    rows: Numbers,
    waste: Numbers,
) {
    for v in 0..samples.div_ceil(V::LANES) {
        let whole = (v + 1) * V::LANES <= samples;
        for chunk in (0..width).step_by(8) {
            let mut columns = [path.splat(0.0); 8];
            for (i, column) in columns.iter_mut().enumerate() {
                *column = path.load(slopes.add((chunk + i) * BLOCK + v * V::LANES));
            }
            if whole {
                scatter(columns, rows.add(v * V::LANES * width + chunk), width);
                continue;
            }
            scatter(columns, waste, 8);
            for sample in v * V::LANES..samples {
                let from = waste.add((sample - v * V::LANES) * 8);
                let to = rows.add(sample * width + chunk);
                from.copy_to(to, 8);
            }
        }
    }
}

/// Reads a block's rows, biases and targets; lanes beyond the samples read rows of zeros.
#[inline(always)]
fn load_block<V: Vector>(
    path: Path<V>,
    network: &Network<'_>,
    samples: &[Sample],
    scratch: &mut Scratch,
) {
    let base = scratch.base;
    let shape = network.shape;
    let count = vectors(path, samples.len());
    // What fills a block up to whole tiles is read like the rest, from a row of zeros.
    let zeros = base.add(scratch.zeros);
    let (mut users, mut movies) = ([zeros; BLOCK], [zeros; BLOCK]);
    let (target, bias) = (base.add(scratch.target), base.add(scratch.bias));
    let (user_table, movie_table, mean) = (network.users, network.movies, network.mean);
    for (i, sample) in samples.iter().enumerate() {
        users[i] = user_table.row(sample.user);
        movies[i] = movie_table.row(sample.movie);
        target.add(i).set(sample.stars - mean);
    }
    let mut x = base.add(scratch.values[0]);
    for (rows, width) in [(&users, shape.user_width), (&movies, shape.movie_width)] {
        to_columns(path, count, rows, width, x);
        x = x.add(width * BLOCK);
    }

    if shape.biases {
        let user_at = shape.user_width + tail::BIAS;
        let movie_at = shape.movie_width + tail::BIAS;
        for i in 0..count * V::LANES {
            bias.add(i)
                .set(users[i].add(user_at).get() + movies[i].add(movie_at).get());
        }
    }
}

/// Computes predictions, less the mean, of a block that is loaded, and leaves every layer's values in `scratch`.
#[inline(always)]
fn forward<V: Vector>(
    path: Path<V>,
    network: &Network<'_>,
    samples: usize,
    ahead: &mut Ahead<'_>,
    scratch: &mut Scratch,
) {
    let base = scratch.base;
    let shape = network.shape;
    let count = vectors(path, samples);
    let last = shape.layers.len().wrapping_sub(1);
    for (index, layer) in shape.layers.iter().enumerate() {
        let weights = Weights {
            at: network.dense.add(layer.weight),
            step_in: layer.outputs,
            step_out: 1,
        };
        let finish = if index == last {
            Finish::Linear
        } else {
            Finish::Relu
        };
        product(
            path,
            count,
            (layer.inputs, layer.outputs),
            base.add(scratch.values[index]),
            weights,
            Some(network.dense.add(layer.bias)),
            base.add(scratch.values[index + 1]),
            finish,
            ahead,
        );
    }
    let x = base.add(scratch.values[0]);
    let x_movie = x.add(shape.user_width * BLOCK);
    let (predicted, bias) = (base.add(scratch.predicted), base.add(scratch.bias));
    let output = base.add(scratch.output);
    for v in 0..count {
        let at = v * V::LANES;
        let mut sum = path.splat(0.0);
        if !shape.layers.is_empty() {
            sum = path.load(output.add(at));
        }
        if shape.biases {
            sum = sum.add(path.load(bias.add(at)));
        }
        if shape.dot {
            for i in 0..shape.user_dim {
                let p = path.load(x.add(i * BLOCK + at));
                let q = path.load(x_movie.add(i * BLOCK + at));
                sum = p.mul_add(q, sum);
            }
        }
        sum.put(predicted.add(at));
    }
}

/// Computes the ratings in `range`, adds their gradients to the sums of their movies and of the dense
/// vector, and moves their users.
#[inline(always)]
pub fn shard<V: Vector>(
    path: Path<V>,
    network: &Network<'_>,
    shard: &Shard<'_>,
    range: Range<usize>,
    scratch: &mut Scratch,
) -> Errors {
    let (outputs, shape) = (&shard.outputs, network.shape);
    let users = shard.users(shape.biases);
    let mut errors = Errors::default();
    let mut moved = range.start;
    for start in range.clone().step_by(GROUP) {
        let stop = range.end.min(start + GROUP);
        errors += group(path, network, shard, start..stop, scratch);
        if shard.only.is_some() {
            continue;
        }
        let slots = &shard.slots[start..stop];
        let (slopes, width) = (outputs.slope.add(start), shape.movie_width);
        add_rows(
            path.row(),
            slots,
            outputs.movie,
            slopes,
            shard.sums,
            width,
            shape.biases,
        );
        // A user whose ratings go on after the group is moved with the next.
        let end = run_start(&shard.samples[..range.end], stop).max(moved);
        update_users(
            path.row(),
            &network.users,
            users,
            moved..end,
            shard.decays,
            shard.step,
        );
        moved = end;
    }
    errors
}

/// The gradients of one group of samples of a batch, at most [`GROUP`].
#[inline(always)]
fn group<V: Vector>(
    path: Path<V>,
    network: &Network<'_>,
    shard: &Shard<'_>,
    range: Range<usize>,
    scratch: &mut Scratch,
) -> Errors {
    let Shard {
        samples, outputs, ..
    } = shard;
    let shape = network.shape;
    let base = scratch.base;
    let share = 2.0 / samples.len() as f32;
    let mut sums = Errors::default();
    let Range { start: first, end } = range;
    for start in range.step_by(BLOCK) {
        let stop = end.min(start + BLOCK);
        // Beyond the group's end too: whoever computes this group most likely has the next.
        let next = shard.next(stop, BLOCK);
        let mut ahead = Ahead::new(network, next, true);
        let block = &samples[start..stop];
        if shard.does(Part::Gather) {
            load_block(path, network, block, scratch);
        }
        if shard.does(Part::Forward) {
            forward(path, network, block.len(), &mut ahead, scratch);
        }
        if shard.only.is_none() {
            sums += errors(path, block.len(), share, scratch, outputs.slope.add(start));
        }
        backward(path, network, block.len(), shard, &mut ahead, scratch);
        ahead.ask_all();
        if !shard.does(Part::Scatter) {
            continue;
        }
        let mut slopes = base.add(scratch.slopes[0]);
        let waste = base.add(scratch.waste);
        for (to, width, at) in [
            (outputs.user, shape.user_width, start),
            (outputs.movie, shape.movie_width, start - first),
        ] {
            to_rows(path, block.len(), width, slopes, to.add(at * width), waste);
            slopes = slopes.add(width * BLOCK);
        }
    }
    sums
}

/// Turns predictions into slopes of the loss, zero beyond the samples.
#[inline(always)]
fn errors<V: Vector>(
    path: Path<V>,
    samples: usize,
    share: f32,
    scratch: &mut Scratch,
    slope: Numbers,
) -> Errors {
    let base = scratch.base;
    let (target, predicted) = (base.add(scratch.target), base.add(scratch.predicted));
    let count = vectors(path, samples);
    // What only fills up has no error.
    for i in samples..count * V::LANES {
        target.add(i).set(predicted.add(i).get());
    }
    let last = base.add(scratch.output_slope);
    // Without a network the slope is kept where the predictions were.
    let to = if scratch.slopes.len() > 1 {
        last
    } else {
        predicted
    };
    let (mut squared, mut absolute) = (path.splat(0.0), path.splat(0.0));
    for v in 0..count {
        let at = v * V::LANES;
        let error = path.load(predicted.add(at)).sub(path.load(target.add(at)));
        squared = error.mul_add(error, squared);
        absolute = absolute.add(error.abs());
        error.mul(path.splat(share)).put(to.add(at));
    }
    to.copy_to(slope, samples);
    Errors {
        squared: f64::from(squared.sum()),
        absolute: f64::from(absolute.sum()),
        count: samples,
    }
}

/// Carries the slopes back through one layer.
#[inline(always)]
fn slopes_back<V: Vector>(
    path: Path<V>,
    network: &Network<'_>,
    index: usize,
    count: usize,
    ahead: &mut Ahead<'_>,
    scratch: &mut Scratch,
) {
    let base = scratch.base;
    let layer = &network.shape.layers[index];
    let x = base.add(scratch.values[index]);
    let weights = Weights {
        at: network.dense.add(layer.weight),
        step_in: 1,
        step_out: layer.outputs,
    };
    let finish = if index > 0 {
        Finish::Where(x)
    } else {
        Finish::Linear
    };
    product(
        path,
        count,
        (layer.outputs, layer.inputs),
        base.add(scratch.slopes[index + 1]),
        weights,
        None,
        base.add(scratch.slopes[index]),
        finish,
        ahead,
    );
}

/// Carries the slopes from the prediction back to the rows, adding the weight gradients.
#[inline(always)]
fn backward<V: Vector>(
    path: Path<V>,
    network: &Network<'_>,
    samples: usize,
    shard: &Shard<'_>,
    ahead: &mut Ahead<'_>,
    scratch: &mut Scratch,
) {
    let base = scratch.base;
    let shape = network.shape;
    let count = vectors(path, samples);
    // Last layer first: each one's slopes are what the next reads. A weight's gradient needs the layer's inputs, which the
    // way forward left, and the slopes by its outputs.
    for (index, layer) in shape.layers.iter().enumerate().rev() {
        let x = base.add(scratch.values[index]);
        let slope = base.add(scratch.slopes[index + 1]);
        if shard.does(Part::WeightGradient) {
            weight_gradient(path, count, layer, x, slope, shard.outputs.dense, ahead);
        }
        if shard.does(Part::Backward) {
            slopes_back(path, network, index, count, ahead, scratch);
        }
    }
    // The dot product's part: the slope by the prediction times the other row, on top of what the network has left.
    if shape.dot && shard.only.is_none() {
        let network = !shape.layers.is_empty();
        let slope = if network {
            base.add(scratch.output_slope)
        } else {
            base.add(scratch.predicted)
        };
        let user = base.add(scratch.values[0]);
        let movie = user.add(shape.user_width * BLOCK);
        let user_slope = base.add(scratch.slopes[0]);
        let movie_slope = user_slope.add(shape.user_width * BLOCK);
        for i in 0..shape.user_width {
            for v in 0..count {
                let at = i * BLOCK + v * V::LANES;
                let slope = path.load(slope.add(v * V::LANES));
                let (mut a, mut b) = (path.splat(0.0), path.splat(0.0));
                if network {
                    a = path.load(user_slope.add(at));
                    b = path.load(movie_slope.add(at));
                }
                let (p, q) = (path.load(user.add(at)), path.load(movie.add(at)));
                q.mul_add(slope, a).put(user_slope.add(at));
                p.mul_add(slope, b).put(movie_slope.add(at));
            }
        }
    }
}

/// Sums of the errors of clamped predictions.
#[inline(always)]
pub fn measure<V: Vector>(
    path: Path<V>,
    network: &Network<'_>,
    samples: &[Sample],
    scratch: &mut Scratch,
) -> Errors {
    let mut sums = Errors::default();
    let (low, high) = network.scale;
    let low = path.splat(low - network.mean);
    let high = path.splat(high - network.mean);
    for (index, block) in samples.chunks(BLOCK).enumerate() {
        let next = samples.len().min((index + 1) * BLOCK);
        let next = &samples[next..samples.len().min(next + BLOCK)];
        let mut ahead = Ahead::new(network, next, false);
        load_block(path, network, block, scratch);
        forward(path, network, block.len(), &mut ahead, scratch);
        ahead.ask_all();
        let base = scratch.base;
        let (target, predicted) = (base.add(scratch.target), base.add(scratch.predicted));
        let count = vectors(path, block.len());
        for v in 0..count {
            let at = predicted.add(v * V::LANES);
            path.load(at).clamp(low, high).put(at);
        }
        for i in block.len()..count * V::LANES {
            target.add(i).set(predicted.add(i).get());
        }
        let (mut squared, mut absolute) = (path.splat(0.0), path.splat(0.0));
        for v in 0..count {
            let at = v * V::LANES;
            let error = path.load(predicted.add(at)).sub(path.load(target.add(at)));
            squared = error.mul_add(error, squared);
            absolute = absolute.add(error.abs());
        }
        sums += Errors {
            squared: f64::from(squared.sum()),
            absolute: f64::from(absolute.sum()),
            count: block.len(),
        };
    }
    sums
}
