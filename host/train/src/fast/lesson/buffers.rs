//! A thread's memory for a block, and what is turned about in it before the samples and added up behind them.

use super::super::super::simd::{Numbers, Path, Vector};
use super::{BLOCK, FEW, INPUTS, UNITS};

/// A thread's memory for a block, each part row by row.
#[derive(Clone, Copy, Debug)]
pub struct Buffers {
    base: Numbers,
}

impl Buffers {
    /// The samples' rows, `[samples][16]`: the user's 8 numbers, then the movie's.
    pub(super) const X: usize = 0;
    /// What the first layer gives, `[samples][32]`, and the slopes by it.
    pub(super) const FIRST: usize = Self::X + BLOCK * INPUTS;
    pub(super) const FIRST_SLOPE: usize = Self::FIRST + BLOCK * UNITS;
    /// The second layer's sums, `[samples][4]`; from `errors` on the slopes by it.
    pub(super) const SECOND: usize = Self::FIRST_SLOPE + BLOCK * UNITS;
    /// A number a sample: what is to be predicted, less the mean; and 2 / batch, or 0 for what only fills up.
    pub(super) const TARGET: usize = Self::SECOND + BLOCK * FEW;
    pub(super) const SHARE: usize = Self::TARGET + BLOCK;
    /// The weights turned about, `[32][16]` and `[4][32]`, and the gradient of the second ones, as those lie.
    pub(super) const TURNED_FIRST: usize = Self::SHARE + BLOCK;
    pub(super) const TURNED_SECOND: usize = Self::TURNED_FIRST + UNITS * INPUTS;
    pub(super) const SECOND_GRADIENT: usize = Self::TURNED_SECOND + FEW * UNITS;
    /// Vectors that repeat a layer's four numbers: biases, weights of the output, their gradients.
    pub(super) const FOURS: usize = Self::SECOND_GRADIENT + FEW * UNITS;
    /// Numbers in all.
    pub const LENGTH: usize = Self::FOURS + 4 * 16;

    /// Over so many numbers at `base`, which starts a cache line.
    pub fn new(base: Numbers) -> Self {
        Self { base }
    }

    #[inline(always)]
    pub(super) fn at(self, part: usize) -> Numbers {
        self.base.add(part)
    }
}

/// Where the numbers of each layer lie in the dense vector.
pub(super) const FIRST_WEIGHT: usize = 0;
pub(super) const FIRST_BIAS: usize = INPUTS * UNITS;
pub(super) const SECOND_WEIGHT: usize = FIRST_BIAS + UNITS;
pub(super) const SECOND_BIAS: usize = SECOND_WEIGHT + UNITS * FEW;
pub(super) const LAST_WEIGHT: usize = SECOND_BIAS + FEW;
pub(super) const LAST_BIAS: usize = LAST_WEIGHT + FEW;

/// Turns the weights about for the way back.
#[inline(always)]
pub(super) fn begin<V: Vector>(path: Path<V>, dense: Numbers, buffers: Buffers) {
    let turned = buffers.at(Buffers::TURNED_FIRST);
    for first in (0..INPUTS).step_by(V::LANES) {
        let rows: [Numbers; 16] = std::array::from_fn(|i| {
            let row = (first + i).min(INPUTS - 1);
            dense.add(FIRST_WEIGHT + row * UNITS)
        });
        for chunk in (0..UNITS).step_by(8) {
            let columns = path.gather(&rows, 0, chunk);
            for (i, column) in columns.into_iter().enumerate() {
                column.put(turned.add((chunk + i) * INPUTS + first));
            }
        }
    }
    // Small enough that a loop over numbers doesn't show.
    let turned = buffers.at(Buffers::TURNED_SECOND);
    for unit in 0..UNITS {
        for few in 0..FEW {
            turned
                .add(few * UNITS + unit)
                .set(dense.add(SECOND_WEIGHT + unit * FEW + few).get());
        }
    }
    let fours = buffers.at(Buffers::FOURS);
    for lane in 0..16 {
        fours
            .add(lane)
            .set(dense.add(SECOND_BIAS + lane % FEW).get());
        fours
            .add(16 + lane)
            .set(dense.add(LAST_WEIGHT + lane % FEW).get());
    }
}

/// Empties the sums of gradients that are kept apart.
#[inline(always)]
pub(super) fn clear(buffers: Buffers) {
    buffers.at(Buffers::SECOND_GRADIENT).clear(FEW * UNITS);
    buffers.at(Buffers::FOURS).add(32).clear(32);
}

/// Adds the gradients that were summed apart to the dense vector's.
#[inline(always)]
pub(super) fn end(buffers: Buffers, gradient: Numbers) {
    let second = buffers.at(Buffers::SECOND_GRADIENT);
    for unit in 0..UNITS {
        for few in 0..FEW {
            gradient
                .add(SECOND_WEIGHT + unit * FEW + few)
                .increase(second.add(few * UNITS + unit).get());
        }
    }
    let fours = buffers.at(Buffers::FOURS);
    for lane in 0..16 {
        gradient
            .add(SECOND_BIAS + lane % FEW)
            .increase(fours.add(32 + lane).get());
        gradient
            .add(LAST_WEIGHT + lane % FEW)
            .increase(fours.add(48 + lane).get());
    }
}
