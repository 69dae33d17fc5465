//! The kernel of matrix factorisation with 8 factors and biases, where nothing is computed but a
//! dot product.
//!
//! With e = mean + b_u + b_m + <p, q> - stars and s = 2 e / batch, a rating's gradient is s q for its user's row, s p for
//! its movie's, and s for both biases.
//!
//! There the work is moving rows, and what costs is memory: a shard goes through in pieces small
//! enough to stay in the first-level cache. A piece's predictions are made with a sample a lane; then
//! each user's run of ratings is gone through with a row a vector, so that a gradient is never
//! written: it is a slope times a row that is at hand. Rows of samples to come are asked for one
//! at a time all along, since a core waits for a dozen lines at once.

use std::ops::Range;

use super::super::sample::Sample;
use super::super::simd::{Numbers, Path, Vector, prefetch, prefetch_to_write};
use super::layout::{Shape, tail};
use super::rows::{Decays, Row, Step};
use super::shard::{BLOCK, Network, Shard};
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
#[inline(always)]
pub fn shard<V: Vector>(
    path: Path<V>,
    network: &Network<'_>,
    shard: &Shard<'_>,
    range: Range<usize>,
) -> Errors {
    match (shard.decays, shard.step.bare()) {
        (None, Some(step)) => shard_by(path, network, shard, range, None, step),
        (decays, _) => shard_by(path, network, shard, range, decays, shard.step),
    }
}

#[inline(always)]
fn shard_by<V: Vector>(
    path: Path<V>,
    network: &Network<'_>,
    shard: &Shard<'_>,
    range: Range<usize>,
    decays: Option<&Decays>,
    step: Step,
) -> Errors {
    let samples = shard.samples;
    let mut errors = Errors::default();
    let mut moved = range.start;
    for block in range.clone().step_by(BLOCK) {
        let block_end = range.end.min(block + BLOCK);
        let (mut squared, mut absolute) = (path.splat(0.0), path.splat(0.0));
        for start in (block..block_end).step_by(PIECE) {
            let stop = block_end.min(start + PIECE);
            for at in (start..stop).step_by(V::LANES) {
                let count = V::LANES.min(stop - at);
                let error = predict(path, network, samples, at, count, shard.outputs.slope);
                squared = error.mul_add(error, squared);
                absolute = absolute.add(error.abs());
            }
            // A user whose ratings go on after the piece is moved with the next.
            let end = run_start(&samples[..range.end], stop).max(moved);
            move_users(path.row(), network, shard, moved..end, decays, step);
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

/// The errors of `count` samples from `at` on, at most a vector of them, and zeros; writes their slopes.
#[inline(always)]
fn predict<V: Vector>(
    path: Path<V>,
    network: &Network<'_>,
    samples: &[Sample],
    at: usize,
    count: usize,
    slopes: Numbers,
) -> V {
    let mut zeros = [0.0f32; FACTORS + tail::LENGTH];
    // SAFETY: the array lives as long as this function, and is only read.
    let zeros = unsafe { Numbers::new(zeros.as_mut_ptr(), zeros.len()) };
    // 16 is the most lanes that a path has.
    let (mut users, mut movies) = ([zeros; 16], [zeros; 16]);
    let (mut bias, mut target) = ([0.0f32; 16], [0.0f32; 16]);
    for (i, sample) in samples[at..at + count].iter().enumerate() {
        let (user, movie) = (
            network.users.row(sample.user),
            network.movies.row(sample.movie),
        );
        (users[i], movies[i]) = (user, movie);
        bias[i] = user.add(FACTORS + tail::BIAS).get() + movie.add(FACTORS + tail::BIAS).get();
        target[i] = sample.stars - network.mean;
        if let Some(next) = samples.get(at + i + AHEAD) {
            prefetch(network.movies.row(next.movie).address());
        }
    }
    let p = path.gather(&users, 0, 0);
    let q = path.gather(&movies, 0, 0);
    let mut predicted = path.splat(0.0).add(path.load_array(&bias));
    for (p, q) in p.into_iter().zip(q) {
        predicted = p.mul_add(q, predicted);
    }
    let error = predicted.sub(path.load_array(&target));
    let slope = error.mul(path.splat(2.0 / samples.len() as f32));
    if count == V::LANES {
        slope.put(slopes.add(at));
    } else {
        let mut few = [0.0f32; 16];
        slope.put_array(&mut few);
        for (i, slope) in few[..count].iter().enumerate() {
            slopes.add(at + i).set(*slope);
        }
    }
    error
}

/// Adds the gradients of the ratings in `range` to their movies' sums, and moves their users.
#[inline(always)]
fn move_users<R: Vector>(
    path: Path<R>,
    network: &Network<'_>,
    shard: &Shard<'_>,
    range: Range<usize>,
    decays: Option<&Decays>,
    step: Step,
) {
    let Shard {
        samples,
        slots,
        sums,
        ..
    } = *shard;
    let slopes = shard.outputs.slope;
    let zero = path.splat(0.0);
    let given = &samples[..range.end];
    let slots = &slots[..given.len()];
    let mut first = range.start;
    while let Some(sample) = given.get(first) {
        let user = sample.user;
        let p = path.load(network.users.row(user));
        let (mut gradient, mut bias) = (zero, 0.0);
        let (mut place, mut movie) = (first, sample.movie);
        loop {
            if let Some(next) = samples.get(place + AHEAD) {
                prefetch_to_write(network.users.row(next.user).address());
                prefetch_to_write(network.users.moments(next.user).address());
            }
            let slope = slopes.add(place).get();
            let slot = slots[place] as usize;
            let q = path.load(network.movies.row(movie));
            let each = path.splat(slope);
            let of_user = q.mul_add(each, zero);
            let sum = sums.rows.add(slot * FACTORS);
            path.load(sum).add(p.mul_add(each, zero)).put(sum);
            sums.biases.add(slot).increase(slope);
            // The first is taken as it is: to add it to zero would turn -0 about.
            (gradient, bias) = if place == first {
                (of_user, slope)
            } else {
                (gradient.add(of_user), bias + slope)
            };
            place += 1;
            match given.get(place) {
                Some(next) if next.user == user => movie = next.movie,
                _ => break,
            }
        }
        let count = (place - first) as u32;
        let row = Row::new(network.users, FACTORS, user, decays, count, step);
        row.move_chunk(path, 0, gradient);
        row.move_bias(bias);
        first = place;
    }
}
