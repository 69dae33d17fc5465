//! Odds: between which stars a rating is likely to be, a prediction interval that holds four ratings of five.
//!
//! A rating is taken to lie around its score s with a standard deviation of
//!
//! ```text
//! d (1 + slope (p - mean))
//! ```
//!
//! where p is s clamped to the scale: near the top of the scale ratings lie closer together. d is a user's own where the
//! image has it, by what training's ratings of theirs left over. An owner's is by how little the device knows of them:
//!
//! ```text
//! d^2 = noise + unit v
//! ```
//!
//! where v is the variance of the score under the belief (`learn::Belief::variance`), and unit
//! the variance that it counts in. The interval ends at the tenth and the ninetieth of a hundred deviations, which training
//! counts off on ratings that it held out, and never outside the scale.

use super::{Model, UserId, UserState};
use crate::numeric::{clamp, square_root};
use serde::{Deserialize, Serialize};

/// The share of ratings that an [`Interval`] holds.
pub const SHARE: f32 = 0.8;

/// Numbers of an image's `odds`: unit, noise, slope, the lower and the upper end in deviations, stars of a step of the
/// users' deviations.
pub(super) const NUMBERS: usize = 6;

/// How much less, and more, than at the mean of the ratings a deviation may be elsewhere on the scale.
pub const FACTORS: (f32, f32) = (0.25, 4.0);

/// Between which stars a rating is likely to be, both included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Interval {
    /// The lower end, on the model's scale.
    pub low: f32,
    /// The upper end.
    pub high: f32,
}

/// What an image says of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Odds<'a> {
    pub(super) numbers: &'a [f32; NUMBERS],
    /// A byte a user; none where the image has no users.
    pub(super) users: &'a [u8],
}

impl Model<'_> {
    /// Whether the image says how sure predictions are.
    pub fn has_odds(&self) -> bool {
        self.odds.is_some()
    }

    /// The standard deviation of ratings of the user `id` at the mean of all ratings, in stars; `None` where the image
    /// doesn't say it. Costs a look-up of the id.
    #[inline(never)] // Each of these is called from few places, none of which is in a hurry.
    pub fn deviation_of_user(&self, id: UserId) -> Option<f32> {
        let Odds { numbers, users } = self.odds?;
        let [.., step] = *numbers;
        let at = self.user_at(id).ok()?;
        users.get(at).map(|byte| f32::from(*byte) * step)
    }

    /// The standard deviation of a rating of somebody whose score has this `variance` under a
    /// `learn::Belief`, at the mean of all ratings, in stars; `None` where the image doesn't say it.
    /// Costs a square root.
    #[inline(never)]
    pub fn deviation(&self, variance: f32) -> Option<f32> {
        let [unit, noise, ..] = *self.odds?.numbers;
        Some(square_root(noise + unit * variance))
    }

    /// Between which stars the rating of the movie of `row` by `user` is likely to be, whose ratings have this standard
    /// deviation at the mean of all; `None` where the image doesn't say it. Costs a prediction.
    #[inline(never)]
    pub fn interval(&self, user: &UserState, row: u32, deviation: f32) -> Option<Interval> {
        let [_, _, slope, low, high, _] = *self.odds?.numbers;
        let scale = self.scale;
        let score = self.score(user, row);
        let factor = 1.0 + slope * (scale.clamp(score) - scale.mean);
        let deviation = deviation * clamp(factor, FACTORS.0, FACTORS.1);
        Some(Interval {
            low: scale.clamp(score + low * deviation),
            high: scale.clamp(score + high * deviation),
        })
    }
}
