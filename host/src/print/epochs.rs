//! A line for each epoch, and how far it is within one.

use std::time::{Duration, Instant};

use indicatif::ProgressBar;

use super::number::{grouped, seconds};
use super::progress::bar;
use super::width::{columns, width};
use pocketrec_train::{Epoch, Observer};

/// A line for each epoch among the notes, and a bar within it.
pub struct Epochs {
    bar: ProgressBar,
    epochs: usize,
    validated: bool,
    pace: Pace,
    began: Instant,
}

impl Epochs {
    /// For a run of at most `epochs` epochs; `validated` says whether ratings are held back to measure errors on.
    pub fn new(epochs: usize, validated: bool) -> Epochs {
        let bar = bar(0, "{prefix} {wide_bar} {msg}");
        Epochs {
            bar,
            epochs,
            validated,
            pace: Pace::default(),
            began: Instant::now(),
        }
    }

    /// Prints a line between those of the epochs.
    pub fn tell(&self, line: &str) {
        self.bar.suspend(|| crate::note!("{line}"));
    }
}

impl Observer for Epochs {
    fn progress(&mut self, epoch: usize, done: usize, total: usize) {
        if self.bar.is_hidden() {
            return;
        }
        let left = self.epochs.saturating_sub(epoch) * total;
        self.pace.add(self.began.elapsed(), epoch, done as u64);
        self.bar
            .set_prefix(format!("epoch {epoch:>2}/{}", self.epochs));
        self.bar.set_length(total as u64);
        self.bar.set_position(done as u64);
        let left = self.pace.left((left + total - done) as u64);
        self.bar
            .set_message(message(done, total, self.pace.rate(), left, columns()));
    }

    fn epoch(&mut self, epoch: &Epoch) {
        let line = line(epoch, self.epochs, self.validated, columns());
        self.bar.suspend(|| crate::note!("{line}"));
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

/// How fast a run is, from its first news on: what was done over the time that it took, validation included.
#[derive(Debug, Default)]
struct Pace {
    first: Option<(Duration, u64)>,
    last: (Duration, u64),
    /// Ratings of epochs that are over, and the epoch that is under way with its ratings.
    over: u64,
    under_way: (usize, u64),
}

impl Pace {
    /// At that time, so many ratings of an epoch were done.
    fn add(&mut self, time: Duration, epoch: usize, done: u64) {
        if epoch != self.under_way.0 {
            self.over += self.under_way.1;
        }
        self.under_way = (epoch, done);
        self.last = (time, self.over + done);
        self.first.get_or_insert(self.last);
    }

    /// Ratings a second; nothing until something was done in a time that can be told.
    fn rate(&self) -> Option<f64> {
        let (began, before) = self.first?;
        let (now, done) = self.last;
        let time = now.saturating_sub(began).as_secs_f64();
        let done = done.saturating_sub(before) as f64;
        (time > 0.0 && done > 0.0).then(|| done / time)
    }

    /// Seconds that so many more ratings take.
    fn left(&self, ratings: u64) -> Option<f64> {
        self.rate().map(|rate| ratings as f64 / rate)
    }
}

/// What stands behind a bar: as much as a line of so many columns has room for beside a bar.
fn message(done: usize, total: usize, rate: Option<f64>, left: Option<f64>, room: usize) -> String {
    let share = format!("{} %", (100 * done as u64) / (total as u64).max(1));
    let of = format!(
        "{} of {} ratings",
        grouped(done as u64),
        grouped(total as u64)
    );
    let rate = rate.map(|rate| format!("{} ratings/s", grouped(rate.round() as u64)));
    let left = left.map(|left| format!("at most {} left", seconds(left.ceil())));
    let joined = |parts: &[Option<&String>]| {
        let parts: Vec<&str> = parts.iter().flatten().map(|part| part.as_str()).collect();
        parts.join(", ")
    };
    let (rate, left) = (rate.as_ref(), left.as_ref());
    let forms = [
        joined(&[Some(&of), rate, left]),
        joined(&[Some(&share), rate, left]),
        joined(&[Some(&share), left]),
    ];
    // The epoch, and a bar that says something.
    let beside = 34;
    let fitting = forms.iter().find(|form| width(form) + beside <= room);
    fitting.unwrap_or(&share).clone()
}

/// An epoch's line: as much as so many columns have room for.
fn line(epoch: &Epoch, epochs: usize, validated: bool, room: usize) -> String {
    let digits = epochs.to_string().len();
    let number = format!("epoch {:>digits$}/{epochs}", epoch.number);
    let (mse, mae) = (epoch.train_mse, epoch.train_mae);
    let validation = |with: &dyn Fn() -> String| match validated {
        true => with(),
        false => String::new(),
    };
    let (held_mse, held_mae) = (epoch.validation_mse, epoch.validation_mae);
    let (best, short) = match epoch.improved {
        true => ("  best so far", "  best"),
        false => ("", ""),
    };
    let forms = [
        format!(
            "{number}  train MSE {mse:.4} MAE {mae:.4}{}   {}{best}",
            validation(&|| format!("   validation MSE {held_mse:.4} MAE {held_mae:.4}")),
            seconds(epoch.seconds)
        ),
        format!(
            "{number}  train MSE {mse:.4}{}{best}",
            validation(&|| format!("  validation MSE {held_mse:.4}  MAE {held_mae:.4}")),
        ),
        format!(
            "{number}  train {mse:.4}{}{short}",
            validation(&|| format!("  validation {held_mse:.4}")),
        ),
        match validated {
            true => format!("{number}  validation {held_mse:.4}{short}"),
            false => format!("{number}  train {mse:.4}{short}"),
        },
    ];
    let fitting = forms.iter().find(|form| width(form) <= room);
    fitting.unwrap_or(&forms[3]).clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOCH: Epoch = Epoch {
        number: 12,
        train_mse: 0.7012,
        train_mae: 0.6403,
        validation_mse: 0.8123,
        validation_mae: 0.6999,
        seconds: 0.123,
        improved: true,
    };

    #[test]
    fn an_epochs_line_fits_every_terminal_and_keeps_its_number_and_its_error() {
        for room in 40..=200 {
            for validated in [false, true] {
                let line = line(&EPOCH, 1000, validated, room);
                assert!(width(&line) <= room, "{room}: {line}");
                let error = if validated { "0.8123" } else { "0.7012" };
                assert!(line.contains("12/1000") && line.contains(error), "{line}");
                assert!(line.contains("best"), "{line}");
            }
        }
        let at = |room| line(&EPOCH, 20, true, room);
        assert_eq!(
            at(100),
            "epoch 12/20  train MSE 0.7012 MAE 0.6403   validation MSE 0.8123 MAE 0.6999   123 ms  best so far"
        );
        assert_eq!(
            at(80),
            "epoch 12/20  train MSE 0.7012  validation MSE 0.8123  MAE 0.6999  best so far"
        );
        assert_eq!(at(60), "epoch 12/20  train 0.7012  validation 0.8123  best");
        assert_eq!(at(40), "epoch 12/20  validation 0.8123  best");
    }

    #[test]
    fn a_rate_is_what_was_done_over_the_time_that_passed_whatever_the_epoch() {
        let mut pace = Pace::default();
        let at = Duration::from_millis;
        pace.add(at(5_000), 1, 100);
        assert_eq!((pace.rate(), pace.left(10)), (None, None));
        pace.add(at(6_000), 1, 1_100);
        assert_eq!(pace.rate(), Some(1_000.0));
        pace.add(at(6_500), 1, 1_600);
        pace.add(at(7_000), 2, 500);
        assert_eq!(pace.rate(), Some(1_000.0));
        assert_eq!(pace.left(2_500), Some(2.5));
    }

    #[test]
    fn a_bar_has_as_many_words_as_there_is_room_for() {
        let at = |room| message(500, 2_000, Some(1_234.0), Some(61.2), room);
        assert_eq!(
            at(100),
            "500 of 2,000 ratings, 1,234 ratings/s, at most 62.0 s left"
        );
        assert_eq!(at(80), "25 %, 1,234 ratings/s, at most 62.0 s left");
        assert_eq!(at(40), "25 %");
        assert_eq!(message(0, 0, None, None, 100), "0 of 0 ratings");
    }
}
