//! From a checkpoint to the image that a device reads.
//!
//! | room | what it does |
//! |---|---|
//! | [`selection`] | chooses users and movies |
//! | [`seen`] | lists what the users have rated |
//! | `facets` | turns titles into genres and years of the image's movies |
//! | [`image`] | writes their tables through core's writer |
//! | [`c`] | writes a header and a source, for firmware that isn't Rust |
//! | [`arrays`] | gives a model's numbers to other programs |
//! | [`limits`] | says which models no image can hold |
//! | [`measure`], [`choice`] | what storing a model costs in errors, and how it is stored best for a board |
//! | [`added`] | a movie for an image that is on a board already |
//! | `contents` | tells an image from another in a few words |
//! | [`bill`], [`device`] | what an image costs, and what it costs a board |
//! | [`sidecar`], [`people`] | keep titles and users' names in files beside the image, which has no room for them |
//! | [`map`] | lays movies out on a plane |
//! | [`rounding`] | bounds how far an image's predictions are from the model's |
//! | `refine`, `influence` | round rows of 8 bits by the gradients of predictions |
//! | `codes` | finds codebooks of which each movie takes a few bytes |

#![deny(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "everything is printed by pocketrec_base::print, which escapes it"
)]

pub mod added;
pub mod arrays;
mod beside;
pub mod bill;
pub mod bytes;
pub mod c;
pub mod choice;
mod codes;
mod contents;
pub mod device;
mod facets;
pub mod fit;
mod ids;
pub mod image;
mod influence;
mod integers;
mod interests;
pub mod limits;
pub mod map;
pub mod measure;
mod narrow;
mod odds;
pub mod people;
mod pick;
mod precision;
mod quantise;
mod rated;
mod refine;
pub mod rounding;
pub mod seen;
pub mod selection;
pub mod sidecar;
pub mod spread;

pub use bytes::ImageBytes;
pub use contents::Contents;
pub use facets::Facets;
pub use image::build;
pub use precision::{Bytes, Precision, Storage};
pub use rated::Rated;
pub use seen::Keep;
pub use selection::{Chosen, Movies, Users};

/// The name of the image in the folder that training writes to.
pub const IMAGE_FILE: &str = "model.img";

#[cfg(test)]
mod broken_tests;
#[cfg(test)]
#[path = "../../base/src/damage.rs"]
mod damage;

#[cfg(test)]
#[global_allocator]
static MEMORY: damage::Watched = damage::Watched;
