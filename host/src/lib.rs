//! The PC side: everything that needs an operating system.

#![deny(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "everything is printed by pocketrec_base::print, which escapes it"
)]

pub mod commands;
pub mod exit;
pub mod print;
pub mod report;

pub use pocketrec_base::{note, say, warn};

#[cfg(test)]
#[path = "../base/src/damage.rs"]
mod damage;

#[cfg(test)]
#[global_allocator]
static MEMORY: damage::Watched = damage::Watched;
