//! What a run's epochs did, line by line.

use std::time::Instant;

use pocketrec_metrics::Errors;

use super::state::Epoch;

/// The epochs of a run so far, and how long the next has taken.
#[derive(Debug)]
pub(crate) struct History {
    /// Each epoch in turn.
    pub epochs: Vec<Epoch>,
    clock: Instant,
    /// Seconds that an earlier run spent on the epoch that has begun.
    before: f64,
}

impl History {
    /// Goes on behind these.
    pub(crate) fn new(epochs: Vec<Epoch>) -> Self {
        Self {
            epochs,
            clock: Instant::now(),
            before: 0.0,
        }
    }

    /// Begins an epoch that an earlier run spent so many seconds on.
    pub(crate) fn begin(&mut self, before: f64) {
        self.clock = Instant::now();
        self.before = before;
    }

    /// Seconds that the epoch has taken.
    pub(crate) fn seconds(&self) -> f64 {
        self.before + self.clock.elapsed().as_secs_f64()
    }

    /// The epoch as it is if it ends here.
    pub(crate) fn epoch(&self, train: Errors, validation: Errors) -> Epoch {
        let (mse, lowest) = (validation.mse(), self.lowest());
        Epoch {
            number: self.epochs.len() + 1,
            train_mse: train.mse(),
            train_mae: train.mae(),
            validation_mse: mse,
            validation_mae: validation.mae(),
            seconds: self.seconds(),
            improved: lowest.is_none_or(|lowest| mse < lowest.validation_mse),
        }
    }

    /// Ends the epoch, and begins the next.
    pub(crate) fn end(&mut self, train: Errors, validation: Errors) -> Epoch {
        let epoch = self.epoch(train, validation);
        self.epochs.push(epoch);
        self.begin(0.0);
        epoch
    }

    /// The epoch with the lowest validation MSE, the first of equals.
    pub(crate) fn lowest(&self) -> Option<&Epoch> {
        let epochs = self.epochs.iter();
        epochs.min_by(|a, b| a.validation_mse.total_cmp(&b.validation_mse))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_equal_epochs_the_first_is_the_best_and_the_second_no_better() {
        let mut history = History::new(Vec::new());
        for error in [0.5, 0.25, 0.25, 0.5] {
            let mut errors = Errors::default();
            errors.add(3.0 + error, 3.0);
            history.end(errors, errors);
        }
        assert_eq!(history.lowest().map(|epoch| epoch.number), Some(2));
        let improved: Vec<bool> = history.epochs.iter().map(|epoch| epoch.improved).collect();
        assert_eq!(improved, [true, true, false, false]);
    }
}
