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

mod layers;
mod one;
mod pairs;
mod rows;

pub(crate) use layers::{columns, rows, widen};
pub(crate) use one::{Person, one};
pub(crate) use pairs::score;
pub(crate) use rows::{cosines, dots};

/// Columns of a row of the lesson's shape.
pub(crate) const COLUMNS: usize = 8;

/// Units of dense layer 1 of the lesson's shape.
pub(crate) const SECOND: usize = 4;

/// The layers of a model of the lesson's shape.
#[derive(Clone, Copy)]
pub(crate) struct Net<'a> {
    /// The user's half of dense layer 0, a row a unit.
    pub(crate) user_weights: &'a [[f32; COLUMNS]],
    /// The movie's half of dense layer 0, a row a unit.
    pub(crate) weights: &'a [[f32; COLUMNS]],
    /// Dense layer 1, a row an input.
    pub(crate) second: &'a [[f32; SECOND]],
    /// The bias of dense layer 1.
    pub(crate) second_bias: &'a [f32; SECOND],
    /// Dense layer 2.
    pub(crate) output: &'a [f32; SECOND],
    /// The bias of dense layer 2.
    pub(crate) output_bias: f32,
    /// Whether the model has a dot product.
    pub(crate) dot: bool,
}
