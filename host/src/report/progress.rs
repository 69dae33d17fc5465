//! Progress: a bar on a terminal, plain lines in a log.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::text::grouped;
use crate::data::LoadProgress;
use crate::train::{Epoch, Observer};

/// A bar on standard error if that is a terminal, else nothing.
fn bar(total: u64, template: &str) -> ProgressBar {
    let target = if std::io::stderr().is_terminal() {
        ProgressDrawTarget::stderr_with_hz(10)
    } else {
        ProgressDrawTarget::hidden()
    };
    // The templates are constants of this file; a wrong one would show the default bar.
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    // `{per_sec}` has four decimals.
    let rate = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        // Progress that can't be shown is no failure.
        let _ = out.write_str(&grouped(state.per_sec() as u64));
    };
    let style = style.with_key("rate", rate).progress_chars("█▉▊▋▌▍▎▏ ");
    ProgressBar::with_draw_target(Some(total), target).with_style(style)
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
            "{msg} {bar:30} {bytes} of {total_bytes}, {bytes_per_sec}",
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
        if self.bar.length() != Some(total) {
            self.bar.set_length(total);
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
        let bar = bar(total, "{bar:30} {human_pos} of {human_len} {msg}");
        bar.set_message(what);
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

/// A line for each epoch on standard output, and a bar within it.
pub struct Epochs {
    bar: ProgressBar,
    epochs: usize,
    validated: bool,
}

impl Epochs {
    /// For a run of at most `epochs` epochs; `validated` says whether ratings are held back to measure errors on.
    pub fn new(epochs: usize, validated: bool) -> Epochs {
        let bar = bar(
            0,
            "{msg} {bar:30} {human_pos} of {human_len} ratings, {rate} a second",
        );
        bar.enable_steady_tick(Duration::from_millis(200));
        Epochs {
            bar,
            epochs,
            validated,
        }
    }
}

impl Observer for Epochs {
    fn progress(&mut self, epoch: usize, done: usize, total: usize) {
        if self.bar.is_hidden() {
            return;
        }
        if done == total
            || self.bar.length() != Some(total as u64)
            || self.bar.position() > done as u64
        {
            self.bar
                .set_message(format!("epoch {epoch:>2}/{}", self.epochs));
            self.bar.set_length(total as u64);
            self.bar.reset_elapsed();
        }
        self.bar.set_position(done as u64);
    }

    fn epoch(&mut self, epoch: &Epoch) {
        let line = line(epoch, self.epochs, self.validated);
        self.bar.suspend(|| println!("{line}"));
        if epoch.number == self.epochs {
            self.bar.finish_and_clear();
        }
    }
}

impl Drop for Epochs {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// An epoch's line.
fn line(epoch: &Epoch, epochs: usize, validated: bool) -> String {
    let digits = epochs.to_string().len();
    let validation = match validated {
        true => format!(
            "   validation MSE {:.4} MAE {:.4}",
            epoch.validation_mse, epoch.validation_mae
        ),
        false => String::new(),
    };
    format!(
        "epoch {:>digits$}/{epochs}  train MSE {:.4} MAE {:.4}{validation}   {:.2} s{}",
        epoch.number,
        epoch.train_mse,
        epoch.train_mae,
        epoch.seconds,
        if epoch.improved { "  best so far" } else { "" }
    )
}
