//! What kernels are given: a network to compute with, a stretch of a batch, and places for the results.
//!
//! All of it is places that threads share ([`Numbers`]). In a batch's first half nobody writes movies' rows or the dense
//! vector, and whoever has a shard alone touches its users' rows, its ratings' gradients and slopes, its sums and its part
//! of the dense gradients. Only for callers that keep to that the kernels of this room are for.

use super::super::sample::Sample;
use super::super::simd::Numbers;
use super::layout::{RawTable, Shape};
use super::rows::{Decays, SlotSums, Step, Users};

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
    pub dense: Numbers,
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
    pub user: Numbers,
    /// A padded movie row's gradient a sample of the group.
    pub movie: Numbers,
    /// The loss's slope by the prediction, a number a sample: the gradient of both biases.
    pub slope: Numbers,
    /// What the gradient of the dense vector is added to.
    pub dense: Numbers,
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
    /// A part to be done alone, on whatever values are there, for it to be timed.
    pub only: Option<Part>,
}

impl<'a> Shard<'a> {
    /// Whether a part is to be done.
    #[inline(always)]
    pub fn does(&self, part: Part) -> bool {
        self.only.is_none_or(|only| only == part)
    }

    /// Up to `count` samples from `at` on, whose rows are to be asked for.
    #[inline(always)]
    pub fn next(&self, at: usize, count: usize) -> &'a [Sample] {
        match self.does(Part::Gather) {
            true => &self.samples[at..self.samples.len().min(at + count)],
            false => &[],
        }
    }

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

/// A part of what computes a shard, to be timed on its own.
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
