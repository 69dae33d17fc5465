//! What tests that cross crates share: synthetic images, the firmware as it is built, and a hand on the emulator.

pub mod control;
pub mod firmware;
pub mod image;
pub mod trained;
