//! What a person gets to see of data, model and training.

pub mod baselines;
pub mod curve;
pub mod examples;
pub mod progress;
pub mod summary;
pub mod text;
