//! The link to a board: a serial port, a socket or an emulator, behind `Read + Write`.
//!
//! [`port`] opens a line, [`connection`] asks over it and copes with what lines do to bytes, [`error`] says in a
//! sentence what went wrong, and [`sense`] which answers can't be right; `timing` is how long it waits; [`ratings`] are read page by page, and
//! [`filter`] turns genres and years in words into what a device filters by. [`memory`] is
//! a board without hardware: core's service in this process, which tests talk to and which is the twin that a real
//! board is compared with; [`transcript`] is that comparison as a file. [`emulator`] boots a firmware, [`control`] has a
//! hand on its memory, [`bridge`] lets several programs ask it, [`running`] lets them find it, and [`keep`] brings what it
//! has learned through its end; [`plugged`] finds real boards.

#![deny(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "everything is printed by pocketrec_base::print, which escapes it"
)]

pub mod added;
pub mod bridge;
pub mod connection;
pub mod control;
pub mod emulator;
pub mod error;
pub mod filter;
pub mod firmware;
pub mod keep;
pub mod likely;
pub mod lists;
pub mod memory;
pub mod plugged;
pub mod port;
pub mod questions;
pub mod ratings;
pub mod running;
pub mod sense;
mod timing;
pub mod transcript;
pub mod twin;

pub use connection::{Answer, Connection};
pub use error::LinkError;
pub use sense::Known;
pub use timing::Timing;

use std::io::{Read, Write};

/// Bytes to a board and back.
///
/// `read` and `write` wait at most about 0.1 s and fail with `TimedOut` or `WouldBlock` when nothing came or there was
/// no room, so that the connection can keep its own time; a `read` of `Ok(0)` means that the line is gone.
pub trait Line: Read + Write + Send {}

impl<T: Read + Write + Send> Line for T {}

#[cfg(test)]
mod broken_tests;
#[cfg(test)]
#[path = "../../base/src/damage.rs"]
mod damage;

#[cfg(test)]
#[global_allocator]
static MEMORY: damage::Watched = damage::Watched;
