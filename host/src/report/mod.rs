//! What is worked out of data and training for people to see.

pub mod curve;
pub mod verdict;
