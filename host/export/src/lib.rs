//! From a checkpoint to the image that a device reads.
//!
//! [`selection`] chooses users and movies, [`seen`] lists what the users have rated, [`image`] writes their tables through core's writer, [`c`] a header and a source
//! for firmware that isn't Rust, [`limits`] says which models none can hold, [`bill`] what one costs, [`device`] what it costs a board,
//! [`boards`] where it fits, and [`sidecar`] keeps the titles, which an image has no room for, in a file beside it, as [`people`] does the names of users; [`map`] lays them out on a plane. Rows
//! of 8 bits are rounded by `refine`, by the gradients of predictions that `influence` finds; `codes` finds codebooks of which each
//! movie takes a few bytes.

#![deny(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "everything is printed by pocketrec_base::print, which escapes it"
)]

pub mod bill;
pub mod bytes;
pub mod c;
mod codes;
pub mod device;
pub mod fit;
mod ids;
pub mod image;
mod influence;
mod integers;
mod interests;
pub mod limits;
pub mod map;
mod narrow;
pub mod people;
mod pick;
mod precision;
mod quantise;
mod rated;
mod refine;
pub mod seen;
pub mod selection;
pub mod sidecar;
pub mod spread;

pub use bytes::ImageBytes;
pub use image::build;
pub use precision::{Bytes, Precision, Storage};
pub use rated::Rated;
pub use seen::Keep;
pub use selection::{Chosen, Movies, Users};

/// The name of the image in the folder that training writes to.
pub const IMAGE_FILE: &str = "model.img";
