//! How far predictions are from ratings: the one place where errors are summed.

use std::iter::Sum;
use std::ops::AddAssign;

/// Sums of squared and of absolute errors, in stars, and of how many predictions.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Errors {
    /// Sum of squared errors.
    pub squared: f64,
    /// Sum of absolute errors.
    pub absolute: f64,
    /// Predictions.
    pub count: usize,
}

impl Errors {
    /// Adds a prediction.
    pub fn add(&mut self, predicted: impl Into<f64>, stars: impl Into<f64>) {
        let error = predicted.into() - stars.into();
        self.squared += error * error;
        self.absolute += error.abs();
        self.count += 1;
    }

    fn mean(self, sum: f64) -> f64 {
        sum / self.count.max(1) as f64
    }

    /// Mean squared error; 0 of no prediction.
    pub fn mse(self) -> f64 {
        self.mean(self.squared)
    }

    /// Mean absolute error; 0 of no prediction.
    pub fn mae(self) -> f64 {
        self.mean(self.absolute)
    }

    /// Root mean squared error; 0 of no prediction.
    pub fn rmse(self) -> f64 {
        self.mse().sqrt()
    }

    /// The two figures that people are shown.
    pub fn score(self) -> Score {
        Score {
            rmse: self.rmse(),
            mae: self.mae(),
        }
    }
}

impl AddAssign for Errors {
    fn add_assign(&mut self, other: Self) {
        self.squared += other.squared;
        self.absolute += other.absolute;
        self.count += other.count;
    }
}

impl Sum for Errors {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |mut sum, errors| {
            sum += errors;
            sum
        })
    }
}

/// Pairs of a prediction and a rating.
impl<P: Into<f64>, S: Into<f64>> FromIterator<(P, S)> for Errors {
    fn from_iter<I: IntoIterator<Item = (P, S)>>(pairs: I) -> Self {
        let mut errors = Self::default();
        for (predicted, stars) in pairs {
            errors.add(predicted, stars);
        }
        errors
    }
}

/// Root mean squared and mean absolute error, in stars.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Score {
    /// Root mean squared error.
    pub rmse: f64,
    /// Mean absolute error.
    pub mae: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_parts_add_up_to_those_of_the_whole_and_none_are_zero() {
        let pairs = [(3.5, 3.0), (1.0, 4.0), (2.0, 2.0)];
        let whole: Errors = pairs.into_iter().collect();
        assert_eq!((whole.mse(), whole.mae()), (9.25 / 3.0, 3.5 / 3.0));
        assert_eq!(whole.rmse(), whole.mse().sqrt());
        let parts = pairs.chunks(2).map(|part| part.iter().copied().collect());
        assert_eq!(parts.sum::<Errors>(), whole);
        assert_eq!(
            Errors::default().score(),
            Score {
                rmse: 0.0,
                mae: 0.0
            }
        );
    }
}
