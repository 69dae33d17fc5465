//! How good predictions and lists are, whoever made them: errors, the baselines that a model must beat, and what a
//! ranking is worth.

pub mod baselines;
pub mod ranking;
