//! The files of a run: [`model`] is the checkpoint, what was learned, [`bytes`] its file, and [`state`] what a run needs to
//! go on. [`note`] says of which run they are, `made` makes a checkpoint of what training gives, and `tensors` is the format
//! that both files have.

#![deny(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "everything is printed by pocketrec_base::print, which escapes it"
)]

pub mod bytes;
mod made;
pub mod model;
pub mod note;
pub mod state;
mod tensors;

pub use bytes::{FORMAT, KEYS};
pub use made::by_recipe;
pub use model::Checkpoint;
pub use note::{Added, BUILT_IN, DataNote, IMPORTED, Learned, PIPE, RunNote, SidesNote, SplitNote};
pub use tensors::{CheckpointError, File};

#[cfg(test)]
#[path = "../../base/src/damage.rs"]
mod damage;

#[cfg(test)]
#[global_allocator]
static MEMORY: damage::Watched = damage::Watched;
