//! The product's code that depends on the order in which things are done, made of other atomics and locks: `cargo xtask
//! loom` runs what is in `tests/`, and nothing of this is in any program.
//!
//! Threads' code has loom's, which runs a model once for every order that the language's memory model allows. What an
//! interrupt handler shares with the main loop of one core has [`interrupt`]'s, which let the handler come in between any
//! two accesses.

/// Where threads meet while they train.
#[path = "../../host/train/src/fast/gate.rs"]
pub mod gate;
pub mod interrupt;
mod sync;
