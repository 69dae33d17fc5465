//! What every room of the PC's side stands on: errors with exit codes, files that are written whole, programs that end
//! with this one, memory in pages, work for threads, random numbers, and the printing end.

#![deny(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "everything is printed by pocketrec_base::print, which escapes it"
)]

pub mod child;
pub mod error;
pub mod files;
pub mod folders;
pub mod memory;
pub mod pages;
pub mod print;
pub mod random;
pub mod signals;
pub mod threads;
