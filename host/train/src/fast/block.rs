//! The arithmetic of a batch's samples: forward, backward and weight gradients.
//!
//! A lane is a sample. Samples go through in blocks of [`BLOCK`], features in rows of `BLOCK`
//! numbers, so that a block's values stay in the first-level cache. Nothing depends on which thread runs a group.

use std::ops::Range;

use pocketrec_metrics::Errors;

use super::super::sample::Sample;
use super::super::simd::Vector;
use super::ahead::{self, Ahead};
use super::factors;
use super::layout::{Aligned, RawTable, Shape, tail};
use super::lesson;
use super::product::{Finish, Weights, product, vectors, weight_gradient};
use super::rows::{Decays, SlotSums, Step, Users, add_rows, update_users};
use super::slots::run_start;

/// Samples a block.
pub const BLOCK: usize = 128;
/// Most samples a group: some blocks.
pub const GROUP: usize = 2 * BLOCK;

/// What a group of samples is computed from.
#[derive(Clone, Copy, Debug)]
pub struct Network<'a> {
    /// Shapes of everything.
    pub shape: &'a Shape,
    /// The dense vector.
    pub dense: *const f32,
    /// The users.
    pub users: RawTable,
    /// The movies.
    pub movies: RawTable,
    /// Mean rating.
    pub mean: f32,
    /// Lowest and highest rating.
    pub scale: (f32, f32),
}

/// Where a group's results go.
#[derive(Clone, Copy, Debug)]
pub struct Outputs {
    /// A padded user row's gradient a sample of the batch.
    pub user: *mut f32,
    /// A padded movie row's gradient a sample of the group.
    pub movie: *mut f32,
    /// The loss's slope by the prediction, a number a sample: the gradient of both biases.
    pub slope: *mut f32,
    /// What the gradient of the dense vector is added to.
    pub dense: *mut f32,
}

/// What a thread needs of a batch to compute a stretch of it, and where the results go.
#[derive(Clone, Copy, Debug)]
pub struct Shard<'a> {
    /// The batch's ratings, sorted by user.
    pub samples: &'a [Sample],
    /// The slot of each rating's movie.
    pub slots: &'a [u32],
    /// Where gradients are put.
    pub outputs: Outputs,
    /// What the movies' gradients are added to.
    pub sums: SlotSums,
    /// Where the users' sleep is made up for.
    pub decays: Option<&'a Decays>,
    /// The users' step.
    pub step: Step,
}

impl<'a> Shard<'a> {
    /// The users of the batch.
    pub fn users(&self, biased: bool) -> Users<'a> {
        Users {
            samples: self.samples,
            gradients: self.outputs.user,
            slopes: self.outputs.slope,
            biased,
        }
    }
}

/// A thread's own memory for the values of a block.
#[derive(Debug)]
pub struct Scratch {
    /// What `base` points into; never touched through this name.
    _memory: Aligned,
    base: *mut f32,
    /// Where the inputs of each layer start, and last the network's output.
    values: Vec<usize>,
    /// Where the loss's slopes by those start.
    slopes: Vec<usize>,
    /// A row's worth of zeros to read, and a vector of rows to write what isn't all wanted.
    zeros: usize,
    waste: usize,
    /// What the lesson's kernels keep, where the shape is the lesson's.
    lesson: Option<usize>,
    /// Targets, biases and predictions of a block.
    target: usize,
    bias: usize,
    predicted: usize,
}

impl Scratch {
    /// For kernels of at most 16 lanes.
    pub fn new(shape: &Shape) -> Self {
        let mut at = 0;
        let mut take = |numbers: usize| {
            let start = at;
            at += numbers.next_multiple_of(16);
            start
        };
        let width = shape.user_width + shape.movie_width;
        let mut rows = vec![width];
        rows.extend(shape.layers.iter().map(|layer| layer.outputs));
        let values = rows.iter().map(|rows| take(rows * BLOCK)).collect();
        let slopes = rows.iter().map(|rows| take(rows * BLOCK)).collect();
        let mut scratch = Self {
            values,
            slopes,
            zeros: take(width + tail::LENGTH),
            waste: take(16 * 8),
            lesson: lesson::fits(shape).then(|| take(lesson::Buffers::LENGTH)),
            target: take(BLOCK),
            bias: take(BLOCK),
            predicted: take(BLOCK),
            base: std::ptr::null_mut(),
            _memory: Aligned::zero(0),
        };
        let mut memory = Aligned::zero(at);
        scratch.base = memory.numbers_mut().as_mut_ptr();
        scratch._memory = memory;
        scratch
    }
}

/// Reads a block's rows into columns of features.
#[inline(always)]
unsafe fn gather<V: Vector>(vectors: usize, rows: &[*mut f32; BLOCK], width: usize, x: *mut f32) {
    unsafe {
        for v in 0..vectors {
            for chunk in (0..width).step_by(8) {
                let columns = V::gather(rows.as_ptr().add(v * V::LANES), chunk);
                for (i, column) in columns.into_iter().enumerate() {
                    column.store(x.add((chunk + i) * BLOCK + v * V::LANES));
                }
            }
        }
    }
}

/// Writes columns of slopes to the samples' gradient rows.
#[inline(always)]
unsafe fn scatter<V: Vector>(
    samples: usize,
    width: usize,
    slopes: *const f32,
    rows: *mut f32,
    waste: *mut f32,
) {
    unsafe {
        for v in 0..samples.div_ceil(V::LANES) {
            let whole = (v + 1) * V::LANES <= samples;
            for chunk in (0..width).step_by(8) {
                let mut columns = [V::splat(0.0); 8];
                for (i, column) in columns.iter_mut().enumerate() {
                    *column = V::load(slopes.add((chunk + i) * BLOCK + v * V::LANES));
                }
                if whole {
                    V::scatter(columns, rows.add(v * V::LANES * width + chunk), width);
                    continue;
                }
                V::scatter(columns, waste, 8);
                for sample in v * V::LANES..samples {
                    let from = waste.add((sample - v * V::LANES) * 8);
                    let to = rows.add(sample * width + chunk);
                    std::ptr::copy_nonoverlapping(from, to, 8);
                }
            }
        }
    }
}

/// Reads a block's rows, biases and targets; lanes beyond the samples read rows of zeros.
#[inline(always)]
unsafe fn load_block<V: Vector>(network: &Network<'_>, samples: &[Sample], scratch: &mut Scratch) {
    unsafe {
        let base = scratch.base;
        let shape = network.shape;
        let count = vectors::<V>(samples.len());
        let zeros = base.add(scratch.zeros);
        let (mut users, mut movies) = ([zeros; BLOCK], [zeros; BLOCK]);
        let (target, bias) = (base.add(scratch.target), base.add(scratch.bias));
        let (user_table, movie_table, mean) = (network.users, network.movies, network.mean);
        for (i, sample) in samples.iter().enumerate() {
            users[i] = user_table.row(sample.user);
            movies[i] = movie_table.row(sample.movie);
            *target.add(i) = sample.stars - mean;
        }
        let x = base.add(scratch.values[0]);
        let x_movie = x.add(shape.user_width * BLOCK);
        gather::<V>(count, &users, shape.user_width, x);
        gather::<V>(count, &movies, shape.movie_width, x_movie);

        if shape.biases {
            let user_at = shape.user_width + tail::BIAS;
            let movie_at = shape.movie_width + tail::BIAS;
            for i in 0..count * V::LANES {
                *bias.add(i) = *users[i].add(user_at) + *movies[i].add(movie_at);
            }
        }
    }
}

/// Carries a block's values through the dense layers.
#[inline(always)]
unsafe fn layers_forward<V: Vector>(
    network: &Network<'_>,
    count: usize,
    ahead: &mut Ahead<'_>,
    scratch: &mut Scratch,
) {
    unsafe {
        let base = scratch.base;
        let shape = network.shape;
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
            product::<V>(
                count,
                (layer.inputs, layer.outputs),
                base.add(scratch.values[index]),
                weights,
                network.dense.add(layer.bias),
                base.add(scratch.values[index + 1]),
                finish,
                ahead,
            );
        }
    }
}

/// Computes a block's predictions, less the mean, and leaves every layer's values in `scratch`.
#[inline(always)]
unsafe fn forward<V: Vector>(
    network: &Network<'_>,
    samples: &[Sample],
    ahead: &mut Ahead<'_>,
    scratch: &mut Scratch,
) {
    unsafe {
        let base = scratch.base;
        let shape = network.shape;
        let count = vectors::<V>(samples.len());
        load_block::<V>(network, samples, scratch);
        layers_forward::<V>(network, count, ahead, scratch);
        let x = base.add(scratch.values[0]);
        let x_movie = x.add(shape.user_width * BLOCK);
        let (predicted, bias) = (base.add(scratch.predicted), base.add(scratch.bias));
        let output = base.add(*scratch.values.last().unwrap_unchecked());
        for v in 0..count {
            let at = v * V::LANES;
            let mut sum = V::splat(0.0);
            if !shape.layers.is_empty() {
                sum = V::load(output.add(at));
            }
            if shape.biases {
                sum = sum.add(V::load(bias.add(at)));
            }
            if shape.dot {
                for i in 0..shape.user_dim {
                    let p = V::load(x.add(i * BLOCK + at));
                    let q = V::load(x_movie.add(i * BLOCK + at));
                    sum = p.mul_add(q, sum);
                }
            }
            sum.store(predicted.add(at));
        }
    }
}

/// Computes the ratings in `range`, adds their gradients to the sums of their movies and of the dense
/// vector, and moves their users.
///
/// # Safety
/// `samples` must name rows of the tables and hold all ratings of each user of `range` within `range`;
/// `outputs` must have room for what it says, `sums` have these slots, and `scratch` be made for the same
/// shape. Nobody may write the movies or the dense vector meanwhile, nor touch these users, their
/// part of the outputs, and the sums.
#[inline(always)]
pub unsafe fn shard<V: Vector>(
    network: &Network<'_>,
    shard: &Shard<'_>,
    range: Range<usize>,
    scratch: &mut Scratch,
) -> Errors {
    // SAFETY: by the caller's promise.
    unsafe {
        if factors::fits(network.shape) {
            return factors::shard::<V>(network, shard, range);
        }
        if V::LANES_ARE_UNITS
            && let Some(lesson) = scratch.lesson
        {
            let buffers = lesson::Buffers::new(scratch.base.add(lesson));
            return lesson::shard::<V>(network, shard, range, buffers);
        }
        let (outputs, shape) = (&shard.outputs, network.shape);
        let users = shard.users(shape.biases);
        let mut errors = Errors::default();
        let mut moved = range.start;
        for start in range.clone().step_by(GROUP) {
            let stop = range.end.min(start + GROUP);
            errors += group::<V>(network, shard.samples, start..stop, outputs, scratch);
            let slots = &shard.slots[start..stop];
            let (slopes, width) = (outputs.slope.add(start), shape.movie_width);
            add_rows::<V::Row>(
                slots,
                outputs.movie,
                slopes,
                shard.sums,
                width,
                shape.biases,
            );
            // A user whose ratings go on after the group is moved with the next.
            let end = run_start(&shard.samples[..range.end], stop).max(moved);
            update_users::<V::Row>(&network.users, users, moved..end, shard.decays, shard.step);
            moved = end;
        }
        errors
    }
}

/// The gradients of one group of samples of a batch, at most [`GROUP`].
#[inline(always)]
unsafe fn group<V: Vector>(
    network: &Network<'_>,
    samples: &[Sample],
    range: Range<usize>,
    outputs: &Outputs,
    scratch: &mut Scratch,
) -> Errors {
    unsafe {
        let shape = network.shape;
        let base = scratch.base;
        let share = 2.0 / samples.len() as f32;
        let mut sums = Errors::default();
        let Range { start: first, end } = range;
        for start in range.step_by(BLOCK) {
            let stop = end.min(start + BLOCK);
            // Beyond the group's end too: whoever computes this group most likely has the next.
            let next = &samples[stop..samples.len().min(stop + BLOCK)];
            let mut ahead = Ahead::new(network, next, true);
            let block = &samples[start..stop];
            forward::<V>(network, block, &mut ahead, scratch);
            sums += errors::<V>(block.len(), share, scratch, outputs.slope.add(start));
            backward::<V>(network, block.len(), outputs.dense, &mut ahead, scratch);
            ahead.ask_all();
            let slopes = base.add(scratch.slopes[0]);
            let waste = base.add(scratch.waste);
            let (user, movie) = (shape.user_width, shape.movie_width);
            let to = outputs.user.add(start * user);
            scatter::<V>(block.len(), user, slopes, to, waste);
            let to = outputs.movie.add((start - first) * movie);
            scatter::<V>(block.len(), movie, slopes.add(user * BLOCK), to, waste);
        }
        sums
    }
}

/// Turns predictions into slopes of the loss, zero beyond the samples.
#[inline(always)]
unsafe fn errors<V: Vector>(
    samples: usize,
    share: f32,
    scratch: &mut Scratch,
    slope: *mut f32,
) -> Errors {
    unsafe {
        let base = scratch.base;
        let (target, predicted) = (base.add(scratch.target), base.add(scratch.predicted));
        let count = vectors::<V>(samples);
        for i in samples..count * V::LANES {
            *target.add(i) = *predicted.add(i);
        }
        let last = base.add(*scratch.slopes.last().unwrap_unchecked());
        // Without a network the slope is kept where the predictions were.
        let to = if scratch.slopes.len() > 1 {
            last
        } else {
            predicted
        };
        let (mut squared, mut absolute) = (V::splat(0.0), V::splat(0.0));
        for v in 0..count {
            let at = v * V::LANES;
            let error = V::load(predicted.add(at)).sub(V::load(target.add(at)));
            squared = error.mul_add(error, squared);
            absolute = absolute.add(error.abs());
            error.mul(V::splat(share)).store(to.add(at));
        }
        std::ptr::copy_nonoverlapping(to, slope, samples);
        Errors {
            squared: f64::from(squared.sum()),
            absolute: f64::from(absolute.sum()),
            count: samples,
        }
    }
}

/// Carries the slopes back through one layer.
#[inline(always)]
unsafe fn slopes_back<V: Vector>(
    network: &Network<'_>,
    index: usize,
    count: usize,
    ahead: &mut Ahead<'_>,
    scratch: &mut Scratch,
) {
    unsafe {
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
        product::<V>(
            count,
            (layer.outputs, layer.inputs),
            base.add(scratch.slopes[index + 1]),
            weights,
            std::ptr::null(),
            base.add(scratch.slopes[index]),
            finish,
            ahead,
        );
    }
}

/// A part of [`shard`], to be timed on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Rows into columns.
    Gather,
    /// The dense layers.
    Forward,
    /// Slopes back through the dense layers.
    Backward,
    /// The weight gradients.
    WeightGradient,
    /// Columns of slopes into gradient rows.
    Scatter,
}

/// Does one part of [`shard`] for each block of `samples`, on whatever values `scratch` has.
///
/// # Safety
/// As for [`shard`], with all samples as the range.
#[inline(always)]
pub unsafe fn part<V: Vector>(
    part: Part,
    network: &Network<'_>,
    samples: &[Sample],
    outputs: &Outputs,
    scratch: &mut Scratch,
) {
    unsafe {
        let base = scratch.base;
        let shape = network.shape;
        if V::LANES_ARE_UNITS
            && let Some(lesson) = scratch.lesson
        {
            let buffers = lesson::Buffers::new(base.add(lesson));
            return lesson::part::<V>(part, network, samples, outputs, buffers);
        }
        for (index, block) in samples.chunks(BLOCK).enumerate() {
            let count = vectors::<V>(block.len());
            let mut ahead = Ahead::new(network, &[], false);
            let ahead = &mut ahead;
            match part {
                Part::Gather => {
                    let next = samples.len().min((index + 1) * BLOCK);
                    let next = &samples[next..samples.len().min(next + BLOCK)];
                    ahead::ask_for(network, next);
                    load_block::<V>(network, block, scratch);
                }
                Part::Forward => layers_forward::<V>(network, count, ahead, scratch),
                Part::Backward => {
                    for index in (0..shape.layers.len()).rev() {
                        slopes_back::<V>(network, index, count, ahead, scratch);
                    }
                }
                Part::WeightGradient => {
                    for (index, layer) in shape.layers.iter().enumerate() {
                        let x = base.add(scratch.values[index]);
                        let slope = base.add(scratch.slopes[index + 1]).cast_const();
                        weight_gradient::<V>(count, layer, x, slope, outputs.dense, ahead);
                    }
                }
                Part::Scatter => {
                    let slopes = base.add(scratch.slopes[0]);
                    let waste = base.add(scratch.waste);
                    let (user, movie) = (shape.user_width, shape.movie_width);
                    let start = index * BLOCK;
                    let to = outputs.user.add(start * user);
                    scatter::<V>(block.len(), user, slopes, to, waste);
                    let to = outputs.movie.add(start % GROUP * movie);
                    scatter::<V>(block.len(), movie, slopes.add(user * BLOCK), to, waste);
                }
            }
        }
    }
}

/// Carries the slopes from the prediction back to the rows, adding the weight gradients.
#[inline(always)]
unsafe fn backward<V: Vector>(
    network: &Network<'_>,
    samples: usize,
    gradient: *mut f32,
    ahead: &mut Ahead<'_>,
    scratch: &mut Scratch,
) {
    unsafe {
        let base = scratch.base;
        let shape = network.shape;
        let count = vectors::<V>(samples);
        for (index, layer) in shape.layers.iter().enumerate().rev() {
            let x = base.add(scratch.values[index]);
            let slope = base.add(scratch.slopes[index + 1]).cast_const();
            weight_gradient::<V>(count, layer, x, slope, gradient, ahead);
            slopes_back::<V>(network, index, count, ahead, scratch);
        }
        if shape.dot {
            let network = !shape.layers.is_empty();
            let slope = if network {
                base.add(*scratch.slopes.last().unwrap_unchecked())
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
                    let slope = V::load(slope.add(v * V::LANES));
                    let (mut a, mut b) = (V::splat(0.0), V::splat(0.0));
                    if network {
                        a = V::load(user_slope.add(at));
                        b = V::load(movie_slope.add(at));
                    }
                    let (p, q) = (V::load(user.add(at)), V::load(movie.add(at)));
                    q.mul_add(slope, a).store(user_slope.add(at));
                    p.mul_add(slope, b).store(movie_slope.add(at));
                }
            }
        }
    }
}

/// Sums of the errors of clamped predictions.
///
/// # Safety
/// As for [`shard`], with no outputs.
#[inline(always)]
pub unsafe fn measure<V: Vector>(
    network: &Network<'_>,
    samples: &[Sample],
    scratch: &mut Scratch,
) -> Errors {
    unsafe {
        let mut sums = Errors::default();
        let (low, high) = network.scale;
        let low = V::splat(low - network.mean);
        let high = V::splat(high - network.mean);
        for (index, block) in samples.chunks(BLOCK).enumerate() {
            let next = samples.len().min((index + 1) * BLOCK);
            let next = &samples[next..samples.len().min(next + BLOCK)];
            let mut ahead = Ahead::new(network, next, false);
            forward::<V>(network, block, &mut ahead, scratch);
            ahead.ask_all();
            let base = scratch.base;
            let (target, predicted) = (base.add(scratch.target), base.add(scratch.predicted));
            let count = vectors::<V>(block.len());
            for v in 0..count {
                let at = predicted.add(v * V::LANES);
                V::load(at).clamp(low, high).store(at);
            }
            for i in block.len()..count * V::LANES {
                *target.add(i) = *predicted.add(i);
            }
            let (mut squared, mut absolute) = (V::splat(0.0), V::splat(0.0));
            for v in 0..count {
                let at = v * V::LANES;
                let error = V::load(predicted.add(at)).sub(V::load(target.add(at)));
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
}
