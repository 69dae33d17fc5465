//! A thread's own memory: where the values of a block of samples are kept while they are computed with.

use super::super::simd::Numbers;
use super::layout::{Aligned, Shape, tail};
use super::lesson;
use super::shard::BLOCK;

/// A thread's own memory for the values of a block.
#[derive(Debug)]
pub struct Scratch {
    /// What `base` points into; never touched through this name.
    _memory: Aligned,
    pub base: Numbers,
    /// Where the inputs of each layer start, and last the network's output.
    pub values: Vec<usize>,
    /// Where the loss's slopes by those start.
    pub slopes: Vec<usize>,
    /// A row's worth of zeros to read, and a vector of rows to write what isn't all wanted.
    pub zeros: usize,
    /// See above.
    pub waste: usize,
    /// What the lesson's kernels keep, where the shape is the lesson's.
    pub lesson: Option<usize>,
    /// Targets of a block.
    pub target: usize,
    /// Biases of a block.
    pub bias: usize,
    /// Predictions of a block.
    pub predicted: usize,
    /// Where the network's output starts, and the slopes by it: without a network those of the rows.
    pub output: usize,
    /// See above.
    pub output_slope: usize,
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
        let values: Vec<usize> = rows.iter().map(|rows| take(rows * BLOCK)).collect();
        let slopes: Vec<usize> = rows.iter().map(|rows| take(rows * BLOCK)).collect();
        let mut scratch = Self {
            output: values[values.len() - 1],
            output_slope: slopes[slopes.len() - 1],
            values,
            slopes,
            zeros: take(width + tail::LENGTH),
            waste: take(16 * 8),
            lesson: lesson::fits(shape).then(|| take(lesson::Buffers::LENGTH)),
            target: take(BLOCK),
            bias: take(BLOCK),
            predicted: take(BLOCK),
            base: Numbers::none(),
            _memory: Aligned::zero(0),
        };
        let mut memory = Aligned::zero(at);
        // SAFETY: the memory lives as long as the scratch, whose owner is the only one to use it.
        scratch.base = unsafe { memory.places() };
        scratch._memory = memory;
        scratch
    }
}
