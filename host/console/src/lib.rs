//! An evening with a board: rate, and see the list move.
//!
//! [`device`] is who is talked to, a board on the desk, an emulated one or core on this PC. Somebody at a terminal gets
//! [`screen`]: [`state`] is all that it knows at a moment, [`update`] what keys and answers change, [`view`] how it looks,
//! and [`worker`] the thread that asks. A script gets [`lines`], which reads the same verbs ([`verb`]) as text. [`desk`] is
//! what both share, and [`why`] what both explain.

#![deny(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "everything is printed by pocketrec_base::print, which escapes it"
)]

pub mod desk;
pub mod device;
pub mod lines;
pub mod screen;
pub mod state;
pub mod update;
pub mod verb;
pub mod view;
pub mod why;
pub mod worker;
