//! Which kernel computes a shape, the same on every path but for `mlp`.

use std::ops::Range;

use super::super::simd::{Path, Vector};
use super::scratch::Scratch;
use super::shard::{Network, Shard};
use super::{block, factors, lesson};
use pocketrec_metrics::Errors;

/// Computes the ratings in `range`, adds their gradients to the sums of their movies and of the dense vector, and moves
/// their users. The range has all ratings of its users.
#[inline(always)]
pub fn shard<V: Vector>(
    path: Path<V>,
    network: &Network<'_>,
    shard: &Shard<'_>,
    range: Range<usize>,
    scratch: &mut Scratch,
) -> Errors {
    if factors::fits(network.shape) {
        return factors::shard(path, network, shard, range);
    }
    // The constant first: a path that hasn't these kernels doesn't compile them.
    if V::LANES_ARE_UNITS
        && let Some(lesson) = scratch.lesson
    {
        let buffers = lesson::Buffers::new(scratch.base.add(lesson));
        return lesson::shard(path, network, shard, range, buffers);
    }
    block::shard(path, network, shard, range, scratch)
}

/// Chains of multiply-adds that `peak` keeps going: enough to hide the latency of one.
pub const CHAINS: usize = 10;

/// `rounds` multiply-adds on each of [`CHAINS`] vectors, for measuring the most that a core can
/// do. The result only keeps the compiler from leaving them out.
#[inline(always)]
pub fn peak<V: Vector>(path: Path<V>, rounds: u64) -> f32 {
    let factor = path.splat(std::hint::black_box(0.999_9));
    let start = path.splat(std::hint::black_box(1e-3));
    let mut chains = [start; CHAINS];
    for _ in 0..rounds {
        for chain in &mut chains {
            *chain = chain.mul_add(factor, start);
        }
    }
    let mut sum = chains[0];
    for chain in &chains[1..] {
        sum = sum.add(*chain);
    }
    sum.sum()
}
