//! What is worked out of data and training for people to see.

pub mod curve;
pub use crate::print as text;
pub use crate::print::{examples, progress, summary};
pub mod verdict;
