//! An evening with a board: rate, and see the list move.
//!
//! [`verb`] is what a person may say, as a line or behind a key.

#![deny(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "everything is printed by pocketrec_base::print, which escapes it"
)]

pub mod verb;
