//! The files of a run: [`model`] is the checkpoint, what was learned, and [`state`] what a run needs to go on. [`note`]
//! says of which run they are, `tensors` is the format that both have.

pub mod model;
pub mod note;
pub mod state;
mod tensors;

pub use model::{Checkpoint, FORMAT, KEYS, Validation};
pub use note::{Added, BUILT_IN, DataNote, IMPORTED, PIPE, RunNote, SplitNote};
pub use state::State;
pub use tensors::CheckpointError;
