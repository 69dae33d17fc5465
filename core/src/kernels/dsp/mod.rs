//! Integer kernels for Cortex-M cores with the DSP extension: two 16-bit multiplications an instruction.
//!
//! Whole functions in assembly, behind safe ones that check every length. Integers in any order of additions give the
//! same bits, so each agrees with its plain form in [`integer`](super::integer).
#![allow(unsafe_code)]

mod assembly;
mod bytes;
pub(crate) mod layers;

pub(crate) use assembly::{Net, score, score_bytes};
pub(crate) use bytes::dots;
