//! pocketrec on boards: what every board's firmware shares, top down.
//!
//! # The application
//! [`app::run`] feeds received bytes to core's service and sends its replies. It is the same on every board.
//!
//! # What a board gives it
//! [`board::Board`]: a clock, a transmitter, a way to sleep, and its flash regions.
//!
//! # What interrupts leave for it
//! [`receive::Receive`]: bytes from the UART, and the counts that show when they came.
//! [`reset::Record`]: what a panic or a fault wrote before the reset that it caused.
//!
//! # What outlives a restart
//! [`flash::Region`]: the profile region, for the log that core keeps there; [`room`] has the compiler refuse one that
//! is too small.
//!
//! Each board is one file in `src/bin/`: clocks, UART, flash and the interrupt handlers, nothing else.
#![no_std]
#![deny(unsafe_code)]

#[cfg(test)]
#[macro_use]
extern crate std;

pub mod app;
pub mod board;
pub mod flash;
pub mod log;
#[cfg(target_os = "none")]
#[allow(unsafe_code, reason = "assembly")]
mod memory;
pub mod receive;
#[cfg(target_os = "none")]
pub mod regions;
pub mod reset;
pub mod room;
