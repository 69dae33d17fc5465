//! Models that other programs have trained, made into checkpoints.
//!
//! [`arrays`] are the named arrays of a file, each an [`array`](mod@array) of its `bytes`; `npy` is NumPy's format of
//! one, `hdf5` what Keras keeps them in, of `chunks` too. [`libmf`] is a model in LIBMF's text, [`spark`] one in a folder of Spark's.
//! [`roles`] says which array is what, by given names or by the usual ones; [`ids`] says whose rows are whose.
//! [`network`] finds dense layers and how they lie. [`found`] puts it together into a [`Found`] model, whose `rows` ascend
//! by id, and [`checkpoint`] makes the checkpoint of it, with what ratings tell beside; `cut` makes rows narrower for it.
//! [`check`] compares predictions.

#![deny(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "everything is printed by pocketrec_base::print, which escapes it"
)]

pub mod array;
pub mod arrays;
mod bytes;
pub mod check;
pub mod checkpoint;
mod chunks;
mod cut;
mod error;
pub mod found;
mod hdf5;
pub mod ids;
pub mod libmf;
pub mod network;
mod npy;
pub mod roles;
mod rows;
pub mod spark;
mod table;

pub use array::Array;
pub use bytes::Bytes;
pub use cut::Whole;
pub use error::Failed;
pub use found::Found;
pub use rows::Rows;

#[cfg(test)]
mod broken_tests;
#[cfg(test)]
#[path = "../../base/src/damage.rs"]
mod damage;
#[cfg(test)]
mod taken_tests;
#[cfg(test)]
mod tests;

#[cfg(test)]
#[global_allocator]
static MEMORY: damage::Watched = damage::Watched;
