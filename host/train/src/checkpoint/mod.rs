//! The files of a run: [`model`] is the checkpoint, what was learned, [`bytes`] its file, and [`state`] what a run needs to
//! go on. [`note`] says of which run they are, `tensors` is the format that both have.

pub mod bytes;
pub mod model;
pub mod note;
pub mod state;
mod tensors;

pub use bytes::{FORMAT, KEYS};
pub use model::{Checkpoint, Validation};
pub use note::{Added, BUILT_IN, DataNote, IMPORTED, PIPE, RunNote, SplitNote};
pub use state::State;
pub use tensors::CheckpointError;
