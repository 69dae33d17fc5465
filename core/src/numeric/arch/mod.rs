//! The one module that may hold assembly, behind safe functions. What is compiled here is decided by the target's
//! name in `build.rs`; every function has a plain twin that gives the same bits.
#![allow(unsafe_code)]

#[cfg_attr(not(feature = "integers"), allow(dead_code, unused_imports))]
pub(crate) mod dsp;
#[cfg(cortex_m_float)]
pub(crate) mod float;
pub(crate) mod text;
