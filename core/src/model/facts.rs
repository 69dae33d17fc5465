//! What an image says of its model beside the tables: parts, scale, and how good it was found to be.

use crate::numeric::clamp;

/// Which parts a prediction adds up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Parts {
    /// Biases of users and movies.
    pub biases: bool,
    /// The dot product of the user's row and the movie's.
    pub dot: bool,
    /// The MLP over both rows.
    pub mlp: bool,
}

impl Parts {
    /// No part.
    pub(crate) const NONE: Self = Self {
        biases: false,
        dot: false,
        mlp: false,
    };

    /// Its bits in an image.
    pub const fn bits(self) -> u8 {
        self.biases as u8 | (self.dot as u8) << 1 | (self.mlp as u8) << 2
    }

    /// The parts of some bits, or `None` where a bit isn't known here.
    pub const fn from_bits(bits: u8) -> Option<Self> {
        if bits > 7 {
            return None;
        }
        Some(Self {
            biases: bits & 1 != 0,
            dot: bits & 2 != 0,
            mlp: bits & 4 != 0,
        })
    }

    /// The name of the model with these parts, as `train --model` takes it, where it has one.
    pub const fn name(self) -> &'static str {
        match (self.biases, self.dot, self.mlp) {
            (false, false, true) => "mlp",
            (true, true, false) => "mf",
            (true, true, true) => "hybrid",
            (true, false, false) => "biases",
            _ => "other",
        }
    }
}

/// The rating scale.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct RatingScale {
    /// The mean of the ratings that the model was trained on.
    pub mean: f32,
    /// The lowest rating.
    pub lowest: f32,
    /// The highest rating.
    pub highest: f32,
    /// The step from one rating to the next.
    pub step: f32,
}

impl RatingScale {
    /// No scale.
    pub(crate) const NONE: Self = Self {
        mean: 0.0,
        lowest: 0.0,
        highest: 0.0,
        step: 0.0,
    };

    /// The largest magnitude of mean, lowest and highest.
    pub(crate) fn largest(&self) -> f32 {
        let mut largest = 0.0;
        for x in [self.mean, self.lowest, self.highest] {
            let x = crate::numeric::magnitude(x);
            largest = if x > largest { x } else { largest };
        }
        largest
    }

    /// `x` clamped to the scale.
    pub fn clamp(&self, x: f32) -> f32 {
        clamp(x, self.lowest, self.highest)
    }

    /// Whether `stars` is between the lowest rating and the highest.
    pub fn contains(&self, stars: f32) -> bool {
        stars >= self.lowest && stars <= self.highest
    }
}

/// How good a model is, measured on ratings that its training held out.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Validation {
    /// Root mean squared error, in stars.
    pub rmse: f32,
    /// The same for predicting each movie's mean, which a model should beat.
    pub movie_means: f32,
    /// Whether lists depend on the user.
    pub personal: bool,
}
