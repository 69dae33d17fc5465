//! What a device knows of one person.

use crate::MAX_DIM;
use crate::model::{Model, UserState};
use crate::numeric::hold;

/// A private row and bias: what learning changes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Private {
    /// The row; components beyond the model's dimensions are 0.
    pub row: [f32; MAX_DIM],
    /// The bias.
    pub bias: f32,
}

impl Private {
    /// The mean user of `model`, where everybody starts.
    pub fn mean(model: &Model<'_>) -> Self {
        let (mean, bias) = model.mean_row();
        let limit = crate::model::ROW_LIMIT;
        let mut row = [0.0; MAX_DIM];
        for (to, from) in row.iter_mut().zip(mean) {
            *to = hold(*from, -limit, limit);
        }
        Self {
            row,
            bias: hold(bias, -limit, limit),
        }
    }

    /// What predictions for this person are made from.
    pub fn state(&self, model: &Model<'_>) -> UserState {
        model.user_state(&self.row, self.bias)
    }
}

/// One person: the private row and bias, and how many ratings formed it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Profile {
    private: Private,
    ratings: u32,
}

impl Profile {
    /// Nobody in particular: the mean user, without ratings.
    pub fn new(model: &Model<'_>) -> Self {
        Self {
            private: Private::mean(model),
            ratings: 0,
        }
    }

    /// The private row and bias.
    pub fn private(&self) -> &Private {
        &self.private
    }

    /// Ratings taken in so far.
    pub fn ratings(&self) -> u32 {
        self.ratings
    }

    /// Learns that this person gave the movie of `row` so many `stars`; returns the score before learning.
    #[cfg(feature = "learn")]
    pub fn rate(&mut self, model: &Model<'_>, row: u32, stars: f32) -> f32 {
        let options = crate::learn::StepOptions::DEFAULT;
        let before = crate::learn::step(model, &mut self.private, row, stars, options);
        self.ratings = self.ratings.saturating_add(1);
        before
    }
}
