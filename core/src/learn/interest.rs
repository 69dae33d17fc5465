//! What somebody looks for, by the latest ratings: a Kalman filter over the rows of the movies that they rated.

use super::belief::narrow;
use crate::model::interest::{Interest, Interests, LATEST, MAX_INTEREST, nth_row};
use crate::model::{Model, ROW_LIMIT};
use crate::numeric::dot::dot;
use crate::numeric::fixed::power_of_two;
use crate::numeric::unroll::each;
use crate::numeric::{clamp_each, may_pass};
use crate::profile::Rating;

/// Numbers in the lower triangle of the largest spread.
const TRIANGLE: usize = MAX_INTEREST * (MAX_INTEREST + 1) / 2;

impl Model<'_> {
    /// The interest of somebody with these ratings, oldest first, from the latest [`LATEST`] that the model can use.
    /// Costs an update of a covariance for each, and 1.2 KB of stack.
    pub fn interest_of_ratings(&self, ratings: &[Rating]) -> Interest {
        match self.interests() {
            Some(of) if !ratings.is_empty() => of.interest(&of.fold_in(self, ratings)),
            _ => Interest::NONE,
        }
    }
}

impl Interests<'_> {
    /// x of some ratings, the latest first: one update of a Kalman filter each, of an observation 1 of x y with the
    /// weight d^age.
    #[inline(never)]
    fn fold_in(&self, model: &Model<'_>, ratings: &[Rating]) -> [f32; MAX_INTEREST] {
        let mut x = [0.0; MAX_INTEREST];
        let mut spread = [0.0; TRIANGLE];
        each(&mut spread, self.spread, |to, from| *to = *from);
        // The square root of the weight, by which observation and noise have a common unit.
        let mut weight = 1.0;
        let mut gain = [0.0; MAX_INTEREST];
        let rows = ratings.iter().rev().filter_map(|rating| rating.row(model));
        for row in rows.take(LATEST) {
            let y = self.vector(model, row, weight);
            let error = weight - dot(&y, &x);
            narrow(&mut spread, self.dimensions, &y, &mut gain);
            let mut bits = 0;
            each(&mut x, &gain, |x, gain| {
                *x += gain * error;
                bits |= x.to_bits();
            });
            if may_pass(bits) {
                clamp_each(Some(&mut x), ROW_LIMIT);
            }
            weight *= self.fade;
        }
        x
    }

    /// `weight` times y of the movie of `row`.
    fn vector(&self, model: &Model<'_>, row: u32, weight: f32) -> [f32; MAX_INTEREST] {
        let mut y = [0.0; MAX_INTEREST];
        let level = self.level(model.confidence(row).unwrap_or_default());
        let unit = weight * self.scale * f32::from(level) * power_of_two(-8);
        let code = self.codes.get(row as usize).copied().unwrap_or_default();
        let values = nth_row(self.codebook, self.dimensions, usize::from(code));
        let values = values.unwrap_or_default();
        each(&mut y, values, |y, value| *y = f32::from(*value) * unit);
        y
    }
}
