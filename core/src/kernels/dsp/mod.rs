//! Integer kernels for Cortex-M cores with the DSP extension: two 16-bit multiplications an instruction.
//!
//! Whole functions in assembly, behind safe ones that check every length. Integers in any order of additions give the
//! same bits, so each agrees with its plain form in [`integer`](super::integer).
#![allow(unsafe_code)]

mod assembly;
mod bytes;
#[cfg(feature = "codes-mlp")]
mod coded;
pub(crate) mod layers;

pub(crate) use assembly::{Net, score, score_bytes};
pub(crate) use bytes::dots;
#[cfg(feature = "codes-mlp")]
pub(crate) use coded::coded;
