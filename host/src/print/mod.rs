//! What of the printing end knows data and models: movies, epochs, layers, examples. The rest, on which every room
//! stands, is [`pocketrec_base::print`].

pub mod epochs;
pub mod examples;
pub mod movies;
pub mod progress;
pub mod summary;

pub use movies::{Movie, Movies};
pub use pocketrec_base::print::*;
pub use pocketrec_link::lists::{Beside, below, for_two, name_for_two, names, sorted_by};

use serde::Serialize;

/// What a verb found out: one value, told as text or as JSON.
pub trait Answer: Serialize {
    /// Prints it for people, with [`say!`](crate::say), [`note!`](crate::note) and [`block`].
    fn tell(&self);
}

/// Prints a verb's answer: for people, or as one JSON document on standard output where that was
/// [asked for](answer_in_json).
///
/// # Errors
/// Where the answer can't be JSON, which is a mistake of this program's.
pub fn answer(answer: &impl Answer) -> anyhow::Result<()> {
    match is_json() {
        true => document(&(escape::json(&serde_json::to_string_pretty(answer)?) + "\n")),
        false => answer.tell(),
    }
    Ok(())
}
