//! Floating-point kernels for Cortex-M cores with a single-precision FPU.
//!
//! Whole functions in assembly, since stable Rust takes no floating-point registers as operands on these targets.
//! What makes them fast, counted on a Cortex-M4: VMUL and VADD (2 cycles) where a compiler picks VMLA (3), no result
//! read by the next instruction, weights loaded once for two movies, VCVTB and VCVTT for half precision, relu by
//! integer registers, and layer 1 taken in as the units of layer 0 appear.
//!
//! Each sum runs in the order of [`Mlp::forward`](crate::mlp::Mlp::forward), product rounded, then added: the same
//! bits. VCVTB and the integer widening of [`f16`](crate::numeric::f16) agree on zeros and normal numbers, which
//! is all that a verified image holds.
//!
//! Advice for whoever changes this: `cargo xtask bench device` counts it and compares each result with the plain form.
#![allow(unsafe_code)]

mod layers;
#[cfg(feature = "learn")]
mod narrow;
mod one;
mod pairs;
mod rows;

pub(crate) use layers::{columns, rows, widen};
#[cfg(feature = "learn")]
pub(crate) use narrow::{narrow, times};
pub(crate) use one::{Movie, Person, one};
pub(crate) use pairs::score;
pub(crate) use rows::{cosines, dots};

use core::marker::PhantomData;

use super::Lesson;
use crate::MAX_UNITS;
use crate::mlp::Mlp;

/// Columns of a row of the lesson's shape.
pub(crate) const COLUMNS: usize = Lesson::DIM;

/// Units of dense layer 1 of the lesson's shape.
const SECOND: usize = Lesson::SECOND;

/// The layers of a model of the lesson's shape: rows of 8, a multiple of 4 relu units, 4 relu units, 1 linear one. Read
/// by the assembly, by offset.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Net<'a> {
    user_weights: *const f32,
    second: *const f32,
    weights: *const f32,
    units: usize,
    second_bias: *const f32,
    output: *const f32,
    output_bias: f32,
    dot: u32,
    bias: *const f32,
    layers: PhantomData<&'a f32>,
}

// SAFETY: its pointers are borrows of numbers that nobody writes to.
unsafe impl Send for Net<'_> {}
// SAFETY: likewise.
unsafe impl Sync for Net<'_> {}

impl<'a> Net<'a> {
    /// The layers of `mlp`, which is of the lesson's shape, beside a `dot` product or without one. `None` where the lengths
    /// aren't what the kernels read: [`Kernels::of`](super::Kernels::of) decides who comes here, this that it is safe.
    ///
    /// A model is asked once, when it is opened: looking at a dozen lengths for each prediction would cost as much as
    /// two of its units.
    pub(crate) fn new(mlp: &Mlp<'a>, dot: bool) -> Option<Self> {
        let [second, output] = mlp.later() else {
            return None;
        };
        let [output_bias] = output.bias else {
            return None;
        };
        let units = mlp.bias.len();
        if units == 0
            || units > MAX_UNITS
            || !units.is_multiple_of(4)
            || mlp.user_dim != COLUMNS
            || mlp.movie_dim != COLUMNS
            || mlp.user_weights.len() != units.wrapping_mul(COLUMNS)
            || mlp.movie_weights.len() != units.wrapping_mul(COLUMNS)
            || second.weights.len() != units.wrapping_mul(SECOND)
            || second.bias.len() != SECOND
            || output.weights.len() != SECOND
        {
            return None;
        }
        Some(Self {
            user_weights: mlp.user_weights.as_ptr(),
            second: second.weights.as_ptr(),
            weights: mlp.movie_weights.as_ptr(),
            units,
            second_bias: second.bias.as_ptr(),
            output: output.weights.as_ptr(),
            output_bias: *output_bias,
            dot: u32::from(dot),
            bias: mlp.bias.as_ptr(),
            layers: PhantomData,
        })
    }
}
