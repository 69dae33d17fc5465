//! The kernel of matrix factorisation with 8 factors and biases, where nothing is computed but a
//! dot product.
//!
//! There the work is moving rows, and what costs is memory: a shard goes through in pieces small
//! enough to stay in the first-level cache. A piece's predictions are made with a sample a lane; then
//! each user's run of ratings is gone through with a row a vector, so that a gradient is never
//! written: it is a slope times a row that is at hand. Rows of samples to come are asked for one
//! at a time all along, since a core waits for a dozen lines at once.

use std::ops::Range;

use super::super::sample::Sample;
use super::super::simd::{Vector, prefetch, prefetch_to_write};
use super::block::{BLOCK, Network, Shard};
use super::layout::{Shape, tail};
use super::rows::{Decays, Row, Step};
use super::slots::run_start;
use pocketrec_metrics::Errors;

/// Factors of a row: a vector of them.
const FACTORS: usize = 8;
/// Samples of a piece.
const PIECE: usize = 16;
/// How many samples ahead rows are asked for.
const AHEAD: usize = 96;

/// Whether the kernel is for models of this shape.
pub fn fits(shape: &Shape) -> bool {
    let plain = shape.layers.is_empty() && shape.biases && shape.dot;
    plain && (shape.user_width, shape.movie_width) == (FACTORS, FACTORS)
}

/// As [`block::shard`](super::block::shard), for shapes that [`fits`] lets through.
///
/// # Safety
/// As there.
#[inline(always)]
pub unsafe fn shard<V: Vector>(
    network: &Network<'_>,
    shard: &Shard<'_>,
    range: Range<usize>,
) -> Errors {
    // SAFETY: by the caller's promise.
    unsafe {
        match (shard.decays, shard.step.bare()) {
            (None, Some(step)) => shard_by::<V>(network, shard, range, None, step),
            (decays, _) => shard_by::<V>(network, shard, range, decays, shard.step),
        }
    }
}

#[inline(always)]
unsafe fn shard_by<V: Vector>(
    network: &Network<'_>,
    shard: &Shard<'_>,
    range: Range<usize>,
    decays: Option<&Decays>,
    step: Step,
) -> Errors {
    // SAFETY: by the caller's promise.
    unsafe {
        let samples = shard.samples;
        let mut errors = Errors::default();
        let mut moved = range.start;
        for block in range.clone().step_by(BLOCK) {
            let block_end = range.end.min(block + BLOCK);
            let (mut squared, mut absolute) = (V::splat(0.0), V::splat(0.0));
            for start in (block..block_end).step_by(PIECE) {
                let stop = block_end.min(start + PIECE);
                for at in (start..stop).step_by(V::LANES) {
                    let count = V::LANES.min(stop - at);
                    let error = predict::<V>(network, samples, at, count, shard.outputs.slope);
                    squared = error.mul_add(error, squared);
                    absolute = absolute.add(error.abs());
                }
                // A user whose ratings go on after the piece is moved with the next.
                let end = run_start(&samples[..range.end], stop).max(moved);
                move_users::<V::Row>(network, shard, moved..end, decays, step);
                moved = end;
            }
            errors += Errors {
                squared: f64::from(squared.sum()),
                absolute: f64::from(absolute.sum()),
                count: block_end - block,
            };
        }
        errors
    }
}

/// The errors of `count` samples from `at` on, at most a vector of them, and zeros; writes their slopes.
#[inline(always)]
unsafe fn predict<V: Vector>(
    network: &Network<'_>,
    samples: &[Sample],
    at: usize,
    count: usize,
    slopes: *mut f32,
) -> V {
    // SAFETY: by the caller's promise.
    unsafe {
        let mut zeros = [0.0f32; FACTORS + tail::LENGTH];
        // 16 is the most lanes that a path has.
        let (mut users, mut movies) = ([zeros.as_mut_ptr(); 16], [zeros.as_mut_ptr(); 16]);
        let (mut bias, mut target) = ([0.0f32; 16], [0.0f32; 16]);
        for i in 0..count {
            let sample = samples.get_unchecked(at + i);
            let (user, movie) = (
                network.users.row(sample.user),
                network.movies.row(sample.movie),
            );
            (users[i], movies[i]) = (user, movie);
            bias[i] = *user.add(FACTORS + tail::BIAS) + *movie.add(FACTORS + tail::BIAS);
            target[i] = sample.stars - network.mean;
            if let Some(next) = samples.get(at + i + AHEAD) {
                prefetch(network.movies.row(next.movie));
            }
        }
        let p = V::gather(users.as_ptr(), 0);
        let q = V::gather(movies.as_ptr(), 0);
        let mut predicted = V::splat(0.0).add(V::load(bias.as_ptr()));
        for (p, q) in p.into_iter().zip(q) {
            predicted = p.mul_add(q, predicted);
        }
        let error = predicted.sub(V::load(target.as_ptr()));
        let slope = error.mul(V::splat(2.0 / samples.len() as f32));
        if count == V::LANES {
            slope.store(slopes.add(at));
        } else {
            let mut few = [0.0f32; 16];
            slope.store(few.as_mut_ptr());
            std::ptr::copy_nonoverlapping(few.as_ptr(), slopes.add(at), count);
        }
        error
    }
}

/// Adds the gradients of the ratings in `range` to their movies' sums, and moves their users.
#[inline(always)]
unsafe fn move_users<R: Vector>(
    network: &Network<'_>,
    shard: &Shard<'_>,
    range: Range<usize>,
    decays: Option<&Decays>,
    step: Step,
) {
    // SAFETY: by the caller's promise.
    unsafe {
        let Shard {
            samples,
            slots,
            sums,
            ..
        } = *shard;
        let slopes = shard.outputs.slope;
        let zero = R::splat(0.0);
        let mut first = range.start;
        while first < range.end {
            let user = samples.get_unchecked(first).user;
            let p = R::load(network.users.row(user));
            let (mut gradient, mut bias) = (zero, 0.0);
            let mut place = first;
            loop {
                if let Some(next) = samples.get(place + AHEAD) {
                    prefetch_to_write(network.users.row(next.user));
                    prefetch_to_write(network.users.moments(next.user));
                }
                let slope = *slopes.add(place);
                let slot = *slots.get_unchecked(place) as usize;
                let q = R::load(network.movies.row(samples.get_unchecked(place).movie));
                let each = R::splat(slope);
                let of_user = q.mul_add(each, zero);
                let sum = sums.rows.add(slot * FACTORS);
                R::load(sum).add(p.mul_add(each, zero)).store(sum);
                *sums.biases.add(slot) += slope;
                // The first is taken as it is: to add it to zero would turn -0 about.
                (gradient, bias) = if place == first {
                    (of_user, slope)
                } else {
                    (gradient.add(of_user), bias + slope)
                };
                place += 1;
                if place == range.end || samples.get_unchecked(place).user != user {
                    break;
                }
            }
            let count = (place - first) as u32;
            let row = Row::new(network.users, FACTORS, user, decays, count, step);
            row.move_chunk(0, gradient);
            row.move_bias(bias);
            first = place;
        }
    }
}
