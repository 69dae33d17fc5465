//! Additive quantisation: points as sums of one codeword from each of a few books (Babenko and Lempitsky, "Additive
//! quantization for extreme vector compression", 2014).
//!
//! [`learn()`] begins with residual k-means (Juang and Gray 1982) and goes on by turns: codes by a beam search over all
//! [`Books`], books as the means of what their points have left. Sums run in the order of the points and draws depend on a
//! position, so the result is the same on any number of threads.

mod books;
mod learn;

pub use books::Books;
pub use learn::learn;

use crate::random::Random;
use crate::stop::Stop;

/// The most books.
pub const MOST_BOOKS: usize = 16;

/// How books are learned.
pub struct Plan<'a> {
    /// What each point's error counts.
    pub weights: &'a [f32],
    /// How many books there are, at most [`MOST_BOOKS`].
    pub books: usize,
    /// Codewords of each, or as many as there are points where those are fewer; at most 256.
    pub codewords: usize,
    /// Codes kept from book to book in a search.
    pub beam: usize,
    /// The random numbers by which a book's first codewords are drawn.
    pub random: &'a dyn Fn(usize) -> Random,
    /// Threads to use.
    pub threads: usize,
    /// Whether the work is to end.
    pub stop: Stop<'a>,
}
