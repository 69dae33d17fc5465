//! The distinctions that exit codes make: was it the input, did the machine fail, or did somebody press Ctrl-C?

use std::cell::Cell;
use std::fmt;
use std::io::Write;
use std::panic::{self, AssertUnwindSafe};

use crate::print::Stream;
use crate::signals;

/// What a person gave can't be used: exit code 2, where every other error is exit code 1.
///
/// The text is one sentence that names the file, line, field or option and says what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadInput(String);

impl BadInput {
    /// An error with that sentence.
    pub fn new(sentence: impl fmt::Display) -> BadInput {
        BadInput(sentence.to_string())
    }
}

impl fmt::Display for BadInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadInput {}

/// Somebody ended the work, which stopped in order: a sentence that says what was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped(pub String);

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Stopped {}

/// Tells on standard error why the program ends. Where that can't be printed, the exit code tells.
pub fn tell(error: &anyhow::Error) {
    let text = match error.downcast_ref::<Stopped>() {
        Some(stopped) => crate::print::sentence(&stopped.0, Stream::Err),
        None => crate::print::error(error),
    };
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// The exit code that an error asks for: that of the signal after Ctrl-C and the like, 2 if
/// [`BadInput`] is anywhere in its chain, else 1. The command line knows more errors.
pub fn exit_code(error: &anyhow::Error) -> u8 {
    if error.chain().any(|cause| cause.is::<Stopped>()) {
        signals::exit_code()
    } else if error.chain().any(|cause| cause.is::<BadInput>()) {
        2
    } else {
        1
    }
}

thread_local! {
    /// Whether this thread's panics are caught, and told as an error of the input.
    static CAUGHT: Cell<bool> = const { Cell::new(false) };
}

/// What `work` makes, or what its panic says: for readers of foreign files that panic over damaged ones. The hook of
/// [`tell_what_the_system_refuses`] prints nothing of it.
///
/// # Errors
/// The panic's text.
pub fn caught<R>(work: impl FnOnce() -> R) -> Result<R, String> {
    let before = CAUGHT.replace(true);
    let made = panic::catch_unwind(AssertUnwindSafe(work));
    CAUGHT.set(before);
    made.map_err(|said| match said.downcast::<String>() {
        Ok(text) => *text,
        Err(said) => said
            .downcast_ref::<&str>()
            .unwrap_or(&"it can't be read")
            .to_string(),
    })
}

/// From now on the program ends with a sentence and exit code 1 where it can't print, as to a full disk, or the system
/// gives no more threads: the standard library panics there, and a person would see a backtrace.
pub fn tell_what_the_system_refuses() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if CAUGHT.get() {
            return;
        }
        let said = panic.payload().downcast_ref::<String>();
        let Some(sentence) = said.and_then(|said| refused(said)) else {
            return usual(panic);
        };
        // Where this can't be printed either, the exit code tells.
        let _ = writeln!(std::io::stderr(), "error: {sentence}");
        crate::files::end(1);
    }));
}

/// The sentence for a panic of the standard library's that says what the system refuses.
fn refused(said: &str) -> Option<String> {
    if let Some(rest) = said.strip_prefix("failed printing to ") {
        let (stream, why) = rest.split_once(": ")?;
        return Some(format!("can't print to {stream}: {why}"));
    }
    said.starts_with("failed to spawn thread").then(|| {
        "this machine gives no more threads; end other programs, or raise what `ulimit -u` and `ulimit -v` say".into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn what_the_system_refuses_is_a_sentence_and_all_other_panics_stay() {
        let printing = refused("failed printing to stdout: No space left on device (os error 28)");
        assert_eq!(
            printing.unwrap(),
            "can't print to stdout: No space left on device (os error 28)"
        );
        let spawning = refused("failed to spawn thread: Os { code: 11 }").unwrap();
        assert!(spawning.starts_with("this machine gives no more threads"));
        assert_eq!(refused("index out of bounds"), None);
    }

    #[test]
    fn a_caught_panic_is_its_text() {
        assert_eq!(caught(|| 7), Ok(7));
        assert_eq!(caught(|| panic!("a {}", "b")), Err::<(), _>("a b".into()));
        assert_eq!(caught(|| panic!("c")), Err::<(), _>("c".into()));
        assert!(!CAUGHT.get());
    }

    #[test]
    fn bad_input_is_exit_code_2_however_deep_and_all_else_is_1() {
        let deep = Err::<(), _>(BadInput::new("x"))
            .context("y")
            .context("z")
            .unwrap_err();
        assert_eq!(exit_code(&deep), 2);
        assert_eq!(exit_code(&anyhow::anyhow!("disk full")), 1);
    }
}
