//! What tests that cross crates share: made-up images, the firmware as it is built, and a hand on the emulator.

pub mod control;
pub mod firmware;
pub mod image;
pub mod trained;
