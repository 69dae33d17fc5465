//! Progress: a bar on a terminal, nothing elsewhere.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::escape::escape;
use super::worded;
use pocketrec_data::LoadProgress;

/// Whether progress is shown: where somebody looks at standard error, and didn't ask for quiet.
pub fn is_shown() -> bool {
    std::io::stderr().is_terminal() && !super::is_quiet()
}

/// A bar on standard error where progress is [shown](is_shown), else nothing.
pub(super) fn bar(total: u64, template: &str) -> ProgressBar {
    let target = match is_shown() {
        true => ProgressDrawTarget::stderr_with_hz(10),
        false => ProgressDrawTarget::hidden(),
    };
    // The templates are constants; a wrong one would show the default bar.
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(Some(total), target).with_style(style.progress_chars("█▉▊▋▌▍▎▏ "))
}

/// The bytes of a file that is read or fetched.
pub struct Bytes {
    bar: ProgressBar,
}

impl Bytes {
    /// A bar that begins with `what`.
    pub fn new(what: &'static str) -> Bytes {
        let bar = bar(
            0,
            "{msg} {wide_bar} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left",
        );
        bar.set_message(what);
        Bytes { bar }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl LoadProgress for Bytes {
    fn bytes(&self, read: u64, total: u64) {
        match total {
            // A pipe's length shows at its end.
            0 if self.bar.length().is_some() => {
                self.bar.unset_length();
                let endless = ProgressStyle::with_template("{msg} {bytes}, {bytes_per_sec}");
                self.bar
                    .set_style(endless.unwrap_or_else(|_| ProgressStyle::default_bar()));
            }
            0 => {}
            _ if self.bar.length() != Some(total) => self.bar.set_length(total),
            _ => {}
        }
        self.bar.set_position(read);
    }
}

/// How many of so many things are done.
pub struct Count {
    bar: ProgressBar,
}

impl Count {
    /// A bar of `total` things that are called `what`.
    pub fn new(what: &'static str, total: u64) -> Count {
        let bar = bar(
            total,
            "{wide_bar} {human_pos} of {human_len} {msg}, {eta} left",
        );
        bar.set_message(what);
        Count { bar }
    }

    /// A bar of nobody knows how many.
    pub fn endless(what: &'static str) -> Count {
        let bar = bar(0, "{human_pos} {msg}, {per_sec}");
        bar.set_message(what);
        bar.unset_length();
        Count { bar }
    }

    /// So many are done.
    pub fn done(&self, count: u64) {
        self.bar.set_position(count);
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// A line that is replaced by the next, for steps of which nobody knows how long they take.
pub struct Step {
    bar: ProgressBar,
}

impl Step {
    /// Nothing is shown yet.
    pub fn new() -> Step {
        let bar = bar(0, "{wide_msg}");
        Step { bar }
    }

    /// Shows what is under way, where somebody looks.
    pub fn show(&self, what: &str) {
        self.bar.set_message(escape(&worded(what)).into_owned());
        self.bar.tick();
    }

    /// Tells of something long that begins: shown where somebody looks, else a line in a log.
    pub fn tell(&self, what: &str) {
        match self.bar.is_hidden() {
            true => super::log(what),
            false => self.show(what),
        }
    }
}

impl Default for Step {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
