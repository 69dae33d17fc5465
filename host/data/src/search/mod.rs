//! The search for a movie, and how what people type behind a verb is read.

pub use pocketrec_search::*;

pub mod words;

#[cfg(test)]
mod tests;
