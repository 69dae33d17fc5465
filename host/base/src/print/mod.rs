//! The printing end: everything that people get to see goes through here, and nothing goes past it.
//!
//! - [`escape`](mod@escape): what came from outside (titles, names of files, boards and columns, texts of errors) can't
//!   steer a terminal.
//! - [`item`]: what the things are called that people rate.
//! - [`width`]: how wide a text is, how much room there is, and sentences broken to fit it.
//! - [`table`](mod@table): columns that fit that room.
//! - [`number`]: figures and counted things in words.
//! - [`target`]: files that may be standard output; [`shell`]: the next command to type.
//! - [`say!`](crate::say), [`note!`](crate::note), [`warn!`](crate::warn) and [`block`] print. Where standard output
//!   belongs to a document or a file ([`take_stdout`]), they print on standard error.

pub mod escape;
pub mod item;
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
pub use item::{Item, kept, worded};
pub use number::{bytes, count, grouped, lasting, seconds, signed};
pub use table::{Align, Column, Table, table};
pub use target::Target;
pub use width::{Stream, shortened, shown};

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

/// What [`say!`](crate::say) does: a sentence, in which everything that isn't plain text is [escaped](escape()).
pub fn line(text: fmt::Arguments<'_>) {
    put(&(sentence(&text.to_string(), stream()) + "\n"));
}

/// What [`warn!`](crate::warn) does.
pub fn warning(text: fmt::Arguments<'_>) {
    hint(&format!("warning: {text}"));
}

/// Prints a sentence on standard error that says how something was understood.
pub fn hint(text: &str) {
    to_stderr(&(sentence(text, Stream::Err) + "\n"));
}

/// Prints a line of progress on standard error, for a log; not where people asked for quiet.
pub fn log(text: &str) {
    if !is_quiet() {
        hint(text);
    }
}

/// Prints the command that may be typed next, in one line however long; not where people asked for quiet.
pub fn next(command: &str) {
    note_block(&format!("Next: {command}\n"));
}

/// Prints lines as they are, but for what would steer a terminal and for [words](worded): for tables, whose cells are
/// escaped already.
pub fn block(text: &str) {
    put(&escape::lines(&worded(text)));
}

/// As [`block`], of lines that accompany a result; not where people asked for quiet.
pub fn note_block(text: &str) {
    if !is_quiet() {
        block(text);
    }
}

/// As [`block`], on standard error.
pub fn aside(text: &str) {
    to_stderr(&escape::lines(&worded(text)));
}

/// Prints a document, which is all that standard output holds.
#[allow(clippy::print_stdout, reason = "the printing end")]
pub fn document(text: &str) {
    print!("{}", escape::lines(text));
}

/// Serialises a path as text; what in its name is no text is told by U+FFFD.
///
/// # Errors
/// The serialiser's.
pub fn path<S: Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&path.to_string_lossy())
}

/// Where [`line`] and [`block`] print.
fn stream() -> Stream {
    match TAKEN.load(Ordering::Relaxed) {
        false => Stream::Out,
        true => Stream::Err,
    }
}

#[allow(clippy::print_stdout, reason = "the printing end")]
fn put(text: &str) {
    match stream() {
        Stream::Out => print!("{text}"),
        Stream::Err => to_stderr(text),
    }
}

#[allow(clippy::print_stderr, reason = "the printing end")]
fn to_stderr(text: &str) {
    eprint!("{text}");
}

/// Text escaped, and broken into lines where the stream is a terminal.
pub(crate) fn sentence(text: &str, stream: Stream) -> String {
    let text = worded(text);
    let text = escape(&text);
    match width::room(stream) {
        Some(most) => width::folded(&text, most),
        None => text.into_owned(),
    }
}

/// An error as `main` prints it: a sentence.
pub fn error(error: &anyhow::Error) -> String {
    sentence(&format!("error: {error:#}"), Stream::Err)
}
