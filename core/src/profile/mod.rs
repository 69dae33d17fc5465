//! What a device knows about one person: their ratings, and the private row and bias learned from them.

mod change;
mod log;
mod rating;

pub use change::{Asked, Change, Done, Record};
pub use log::{Log, LogError, UNDO_DEPTH, Undo};
#[cfg(feature = "learn")]
pub(crate) use rating::is_on;
pub use rating::{LAST_SEQUENCE, Rating};

use crate::MAX_DIM;
use crate::model::{Model, UserState};
use crate::numeric::clamp;

/// A private row and bias: what learning changes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Private {
    /// The row; components beyond the model's dimensions are 0.
    pub row: [f32; MAX_DIM],
    /// The bias.
    pub bias: f32,
}

impl Private {
    /// The mean user of `model`, as which every owner starts.
    pub fn mean(model: &Model<'_>) -> Self {
        let (mean, bias) = model.mean_row();
        let limit = crate::model::ROW_LIMIT;
        let mut row = [0.0; MAX_DIM];
        for (to, from) in row.iter_mut().zip(mean) {
            *to = clamp(*from, -limit, limit);
        }
        Self {
            row,
            bias: clamp(bias, -limit, limit),
        }
    }

    /// The mean user, or zeros where there is no model.
    #[inline(never)]
    fn of_nobody(model: Option<&Model<'_>>) -> Self {
        let zeros = Self {
            row: [0.0; MAX_DIM],
            bias: 0.0,
        };
        model.map_or(zeros, Self::mean)
    }

    /// The state that predictions for this person are computed from.
    pub fn state(&self, model: &Model<'_>) -> UserState {
        model.user_state(&self.row, self.bias)
    }
}

/// One person: a log of up to `LOG` ratings, and the private row and bias learned from them.
///
/// RAM: 8 bytes a rating and 240.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile<const LOG: usize> {
    private: Private,
    log: Log<LOG>,
}

impl<const LOG: usize> Profile<LOG> {
    /// A profile without ratings: the mean user of `model`, or zeros if there is no model.
    pub fn new(model: Option<&Model<'_>>) -> Self {
        Self {
            private: Private::of_nobody(model),
            log: Log::new(),
        }
    }

    /// Nobody in particular again, in this one's place: it is large enough for copies of it to show.
    pub(crate) fn clear(&mut self, model: Option<&Model<'_>>) {
        self.private = Private::of_nobody(model);
        self.log.clear();
    }

    /// The private row and bias.
    pub fn private(&self) -> &Private {
        &self.private
    }

    /// The ratings.
    pub fn log(&self) -> &Log<LOG> {
        &self.log
    }

    /// The ratings, to be changed; call `learn` (feature `learn`) afterwards.
    pub fn log_mut(&mut self) -> &mut Log<LOG> {
        &mut self.log
    }

    /// Sets the row and bias that a fold-in of this log gave.
    pub fn set_private(&mut self, private: Private) {
        self.private = private;
    }

    /// The number of ratings that `model` can't use, since it lacks the movie or the stars are off its scale. They stay
    /// in the log.
    pub fn unused(&self, model: &Model<'_>) -> u32 {
        let ratings = self.log.ratings().iter();
        ratings.fold(0, |unused, rating| match rating.row(model) {
            Some(_) => unused,
            None => u32::wrapping_add(unused, 1),
        })
    }
}
