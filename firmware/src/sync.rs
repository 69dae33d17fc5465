//! What the ring of received bytes is made of, apart so that `models/` can put something else in its place.

pub use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicUsize};
