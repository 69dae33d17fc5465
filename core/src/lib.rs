//! A movie recommender that runs on a microcontroller.
//!
//! A PC trains embeddings of users and movies, and optionally a small multilayer perceptron (MLP), and exports them as
//! one *image*. A device keeps the image in flash and borrows everything from it: it predicts ratings, ranks the
//! catalogue, finds similar movies and learns its owner's taste. No heap, no operating system, no panic path.
//!
//! # The layers, top down
//!
//! ## [`service`]: a request in, a reply out
//! [`service::Service`] is the whole application of a board, without its transport: bytes from a serial line go
//! in, frames come out, and long work is done in slices so that the line stays responsive. A board adds a clock, a
//! UART and flash.
//!
//! ## [`wire`]: what a PC and a board share
//! Requests, replies and the frames that carry them.
//!
//! ## [`profile`] and, with feature `learn`, module `learn`: the owner
//! What a device knows about one person, and how it learns from their ratings.
//!
//! ## [`store`]: memory
//! What survives a restart and a power loss.
//!
//! ## [`rank`]: lists
//! The best movies for a user, and the movies most similar to a movie, in bounded memory and a fixed order.
//! [`Interest`](model::Interest) is what a user has been looking for recently, in addition to predicted stars.
//!
//! ## [`model`]: numbers
//! [`Model`](model::Model) is a borrowed view of a verified image: `predict(user, movie)` and its parts, [`table`]
//! (embedding rows), [`mlp`] (dense layers) and [`ids`] (MovieLens id to row).
//!
//! ## [`image`](mod@image): bytes
//! The format, its verifier and, with feature `write`, its writer.
//!
//! ## [`numeric`]: arithmetic
//! Single precision in one fixed order of operations, so that a PC, an emulator and a board agree bit for bit.
//!
//! # Example
//!
//! ```
//! # #[cfg(feature = "write")] {
//! use pocketrec::ids::{MovieId, UserId};
//! use pocketrec::model::Model;
//! use pocketrec::rank::{Nearest, TopN};
//! # #[cfg(feature = "learn")]
//! use pocketrec::{learn::FoldIn, profile::Rating};
//!
//! # let storage = pocketrec::image::example();
//! # let flash: &[u8] = storage.bytes();
//! // `flash` is the image's region: on a board a slice of memory-mapped flash, 4-byte aligned.
//! let model = Model::open(flash)?;
//!
//! // A rating, in stars, of a movie by a user that the image holds.
//! let stars = model.predict(UserId(1), MovieId(10))?;
//! assert!(stars >= 0.5 && stars <= 5.0);
//!
//! // The best two movies for somebody whose row the caller holds: the mean user, as a profile starts.
//! let user = model.mean_user();
//! let mut top = TopN::<2>::new();
//! while !top.advance(&model, &user, |_movie| true, 64).is_done() {
//!     // a board would look at its serial line here
//! }
//! assert_eq!(top.hits().len(), 2);
//!
//! // The movies nearest to one, which is given by its row.
//! let mut nearest = Nearest::<2>::with_limit(2, &model, model.movie_row(MovieId(10))?);
//! while !nearest.advance(&model, 64).is_done() {}
//! assert_eq!(nearest.hits().len(), 2);
//!
//! // What the owner's ratings teach: movie 10 got five stars.
//! # #[cfg(feature = "learn")] {
//! let log = [Rating::new(MovieId(10), 5.0, 0).ok_or("no stars")?];
//! let mut fold_in = FoldIn::new(&model);
//! while !fold_in.advance(&model, &log, 4).is_done() {}
//! let owner = fold_in.private().state(&model);
//! assert!(model.predict_for(&owner, MovieId(10))? > model.predict_for(&user, MovieId(10))?);
//! # }
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # On a board of your own
//!
//! The crate needs no allocator and no `critical-section`, never calls the panic handler, and builds on stable Rust. It
//! is built for twelve targets, from `thumbv6m-none-eabi` (Cortex-M0) on, and tested in emulators of Cortex-M0, M0+, M4F, M33
//! and RV32IMAC; targets must be little-endian.
//! Enable the features that your model needs, and no more:
//!
//! ```toml
//! [dependencies]
//! # Where you cloned the project: the crate is not on crates.io yet.
//! pocketrec = { path = "../pocketrec/core", default-features = false, features = ["interest", "learn"] }
//! ```
//!
//! The image is what `host export` wrote, at an address divisible by 4: either in a flash region of its own, turned into
//! a slice (which may be longer than the image) with `core::slice::from_raw_parts`, or compiled in, as here. Without any
//! features, these functions are a whole `#![no_std]` library:
//!
//! ```no_run
//! use pocketrec::image::ImageError;
//! use pocketrec::ids::{MovieId, UserId};
//! use pocketrec::model::{LookupError, Model};
//! use pocketrec::rank::TopN;
//!
//! // `include_bytes!` alone promises no alignment.
//! #[repr(C, align(4))]
//! struct Aligned<T: ?Sized>(T);
//!
//! # #[cfg(any())]
//! static IMAGE: &Aligned<[u8]> = &Aligned(*include_bytes!("model.img"));
//! # static IMAGE: &Aligned<[u8]> = &Aligned([0; 4]);
//!
//! /// Reads every byte once; keep the model.
//! pub fn open() -> Result<Model<'static>, ImageError> {
//!     Model::open(&IMAGE.0)
//! }
//!
//! pub fn stars(model: &Model<'_>, user: UserId, movie: MovieId) -> Result<f32, LookupError> {
//!     model.predict(user, movie)
//! }
//!
//! pub fn best(model: &Model<'_>) -> TopN<10> {
//!     let mut top = TopN::new();
//!     while !top.advance(model, &model.mean_user(), |_movie| true, 16).is_done() {
//!         // 16 movies were scored: look at the serial line, feed the watchdog
//!     }
//!     top
//! }
//! ```
//!
//! For the whole application, implement [`service::Port`] and pass bytes to [`service::Service`]: `examples/own_board.rs`
//! is such a program, and the repository's `examples` folder has whole firmwares. A service also takes the `Err` of `Model::open`, and then tells hosts why it has no model.
//!
//! The crate logs nothing. The feature `defmt` derives `defmt::Format`, so that `defmt::info!("{}", error)` works on
//! errors and wire types. They always have `Debug`, and errors have `Display`.
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `learn` | yes | learning on the device |
//! | `codes` | yes | models whose movies are sums of codewords, a few bytes each; takes `integers`, and 4.5 KB of RAM a ranking, or 5.4 KB with the DSP extension |
//! | `codes-mlp` | yes | the same before an MLP: 6 KB of flash |
//! | `odds` | yes | how sure predictions are, of an image that says it |
//! | `facets` | yes | lists by genre and year, of an image that says them; without it such an image's lists are whole |
//! | `grow` | yes | movies that are added to an image by a [`service`], which keeps them; 530 bytes of RAM, and about 2 KB more stack |
//! | `integers` | yes | models of 16-bit and 8-bit integers |
//! | `interest` | yes | models with interests |
//! | `shapes` | yes | models of other shapes than rows of 8 in half precision, and no MLP beside a dot product or one of a multiple of 4 relu units, 4 relu units and 1 linear unit |
//! | `orders` | yes | lists by stars, taste, fame or surprise in place of scores |
//! | `together` | yes | lists for two people by a [`service`] |
//! | `wide` | yes | with `shapes`, rows of up to 32 dimensions and layers of up to 64 units, where else it is 8 and 32: the working memory of learning falls from 3.3 KB to 0.7 KB without it |
//! | `defmt` | no | `defmt::Format` for public types |
//! | `write` | no | the writer of images, for a host: it takes `alloc` |
//!
//! A model that needs a missing feature is refused by that feature's name
//! ([`ImageError::WithoutFeature`](image::ImageError::WithoutFeature)).
//!
//! # Cost
//!
//! A [`Model`](model::Model) is a few hundred bytes of borrowed slices; tables stay in flash. Working memory of
//! a query is one [`UserState`](model::UserState) and one [`TopN`](rank::TopN), both of a size known at compile
//! time.
#![no_std]
#![deny(unsafe_code)]
#![deny(clippy::undocumented_unsafe_blocks, clippy::missing_safety_doc)]
#![warn(clippy::missing_errors_doc)]
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable
    )
)]

#[cfg(test)]
extern crate std;

// A host writes images; a device has no allocator.
#[cfg(feature = "write")]
extern crate alloc;

#[cfg(target_endian = "big")]
compile_error!(
    "images are little-endian and borrowed in place: big-endian targets are not supported"
);

mod codec;
#[cfg(feature = "grow")]
pub mod grow;
#[cfg(not(feature = "grow"))]
#[path = "no_grow.rs"]
mod grow;
pub mod ids;
pub mod image;
pub mod kernels;
#[cfg(feature = "learn")]
pub mod learn;
pub mod list;
pub mod mlp;
pub mod model;
pub mod numeric;
pub mod profile;
pub mod rank;
pub mod service;
pub mod store;
pub mod table;
pub mod wire;

/// The most embedding dimensions without feature `wide`, as in the boards' firmware.
pub const USUAL_DIM: usize = 8;

/// The most units of a hidden layer without feature `wide`.
pub const USUAL_UNITS: usize = 32;

/// The most embedding dimensions a user's or a movie's row may have.
pub const MAX_DIM: usize = if cfg!(feature = "wide") {
    32
} else {
    USUAL_DIM
};

/// The most units a hidden layer may have.
pub const MAX_UNITS: usize = if cfg!(feature = "wide") {
    64
} else {
    USUAL_UNITS
};

/// The most dense layers an MLP may have, the output layer included.
pub const MAX_LAYERS: usize = 4;
