//! The printing end: everything that people get to see goes through here, and nothing goes past it.
//!
//! - [`escape`](mod@escape): what came from outside (titles, names of files, boards and columns, texts of errors) can't
//!   steer a terminal.
//! - [`width`]: how wide a text is and how much room there is.
//! - [`table`](mod@table): columns that fit that room.
//! - [`number`]: figures and counted things in words.
//! - [`target`]: files that may be standard output; [`shell`]: the next command to type.
//! - [`say!`](crate::say), [`note!`](crate::note), [`warn!`](crate::warn) and [`block`] print. Where standard output
//!   belongs to a document or a file ([`take_stdout`]), they print on standard error.

pub mod escape;
pub mod number;
pub mod shell;
pub mod table;
pub mod target;
pub mod width;

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serializer;

pub use escape::{Escaped, escape};
pub use number::{bytes, count, grouped, seconds, signed};
pub use table::{Align, Column, Table, table};
pub use target::Target;
pub use width::shortened;

/// Standard output holds a document or a file, and nothing else may go there.
static TAKEN: AtomicBool = AtomicBool::new(false);
/// Only results, warnings and errors are printed.
static QUIET: AtomicBool = AtomicBool::new(false);

/// Answers are JSON.
static JSON: AtomicBool = AtomicBool::new(false);

/// From now on standard output is a document's or a file's: everything else goes to standard error.
pub fn take_stdout() {
    TAKEN.store(true, Ordering::Relaxed);
}

/// From now on a verb's answer is JSON, and standard output holds nothing else.
pub fn answer_in_json() {
    JSON.store(true, Ordering::Relaxed);
    take_stdout();
}

/// Whether answers are JSON.
pub fn is_json() -> bool {
    JSON.load(Ordering::Relaxed)
}

/// From now on only results, warnings and errors are printed.
pub fn be_quiet() {
    QUIET.store(true, Ordering::Relaxed);
}

/// Whether only results, warnings and errors are printed.
pub fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Prints a line of a result: on standard output, unless that is [taken](take_stdout).
#[macro_export]
macro_rules! say {
    ($($text:tt)*) => { $crate::print::line(::std::format_args!($($text)*)) };
}

/// Prints a line that accompanies a result, as [`say!`](crate::say) does; not where people asked for quiet.
#[macro_export]
macro_rules! note {
    ($($text:tt)*) => {
        if !$crate::print::is_quiet() {
            $crate::print::line(::std::format_args!($($text)*))
        }
    };
}

/// Prints a line that begins with `warning: ` on standard error.
#[macro_export]
macro_rules! warn {
    ($($text:tt)*) => { $crate::print::warning(::std::format_args!($($text)*)) };
}

/// What [`say!`](crate::say) does: one line, in which everything that isn't plain text is [escaped](escape()).
pub fn line(text: fmt::Arguments<'_>) {
    put(&format!("{}\n", escape(&text.to_string())));
}

/// What [`warn!`](crate::warn) does.
#[allow(clippy::print_stderr, reason = "the printing end")]
pub fn warning(text: fmt::Arguments<'_>) {
    std::eprintln!("warning: {}", escape(&text.to_string()));
}

/// Prints a line on standard error that says how something was understood.
#[allow(clippy::print_stderr, reason = "the printing end")]
pub fn hint(text: &str) {
    std::eprintln!("{}", escape(text));
}

/// Prints a line of progress on standard error, for a log; not where people asked for quiet.
#[allow(clippy::print_stderr, reason = "the printing end")]
pub fn log(text: &str) {
    if !is_quiet() {
        std::eprintln!("{}", escape(text));
    }
}

/// Prints lines as they are, but for what would steer a terminal: for tables, whose cells are escaped already.
pub fn block(text: &str) {
    put(&escape::lines(text));
}

/// As [`block`], of lines that accompany a result; not where people asked for quiet.
pub fn note_block(text: &str) {
    if !is_quiet() {
        block(text);
    }
}

/// As [`block`], on standard error.
#[allow(clippy::print_stderr, reason = "the printing end")]
pub fn aside(text: &str) {
    std::eprint!("{}", escape::lines(text));
}

/// Serialises a path as text; what in its name is no text is told by U+FFFD.
///
/// # Errors
/// The serialiser's.
pub fn path<S: Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&path.to_string_lossy())
}

/// The only place that writes text to standard output.
#[allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the printing end"
)]
fn put(text: &str) {
    match TAKEN.load(Ordering::Relaxed) {
        false => std::print!("{text}"),
        true => std::eprint!("{text}"),
    }
}

/// An error as `main` prints it, on one line unless the error itself has lines of choices.
pub fn error(error: &anyhow::Error) -> String {
    format!("error: {}", escape(&format!("{error:#}")))
}
