//! Fold-in: from a log of ratings to the private row and bias, in slices.

use super::belief::Belief;
use super::{Gradient, MAX_LEARNED};
use crate::model::{Model, ROW_LIMIT, UserState};
use crate::numeric::unroll::each;
use crate::numeric::{clamp, clamp_each, may_pass};
use crate::profile::{Private, Profile, Rating};
use crate::rank::Progress;

/// Passes over the log for a model with an MLP; a model without one needs one.
pub const PASSES: u32 = 2;

/// A fold-in under way.
///
/// RAM: 3.3 KB, for [`MAX_DIM`](crate::MAX_DIM) dimensions. Time: a [`gradient`](super::gradient) and a narrowing of the
/// belief for each rating and pass.
#[derive(Clone, Debug)]
pub struct FoldIn {
    belief: Belief,
    /// Where the mean user is.
    start: [f32; MAX_LEARNED],
    /// How far from there the most probable person is, by the ratings of this pass so far.
    shift: [f32; MAX_LEARNED],
    /// How far from there the point is that this pass's gradients are taken at.
    point: [f32; MAX_LEARNED],
    /// The user state at that point.
    state: UserState,
    done: u32,
}

impl FoldIn {
    /// A fold-in of no ratings yet: the mean user.
    pub fn new(model: &Model<'_>) -> Self {
        let mean = Private::mean(model);
        let mut fold = Self {
            belief: Belief::NOTHING,
            start: stack(&mean),
            shift: [0.0; MAX_LEARNED],
            point: [0.0; MAX_LEARNED],
            state: UserState::EMPTY,
            done: 0,
        };
        fold.belief.start(model);
        model.set_point(&mut fold.state, &mean.row, mean.bias);
        fold
    }

    /// Takes in `ratings` further ratings of `log`, whose order matters and which must be the same each time. Ask
    /// again until it is done. Ratings of movies that the model doesn't have are skipped.
    pub fn advance(&mut self, model: &Model<'_>, log: &[Rating], ratings: u32) -> Progress {
        let length = log.len() as u32;
        let total = self.total(model, log);
        let end = self.done.saturating_add(ratings.max(1)).min(total);
        while self.done < end {
            let at = self.done.checked_rem(length).unwrap_or_default();
            if at == 0 && self.done > 0 {
                self.next_pass(model);
            }
            if let Some(rating) = log.get(at as usize)
                && let Some(row) = rating.row(model)
            {
                self.take_in(model, row, rating.stars());
            }
            self.done = self.done.wrapping_add(1);
        }
        Progress {
            done: self.done,
            total,
        }
    }

    /// Ratings to be taken in: those of the log, in each pass.
    pub fn total(&self, model: &Model<'_>, log: &[Rating]) -> u32 {
        let passes = if model.mlp().is_some() { PASSES } else { 1 };
        (log.len() as u32).saturating_mul(passes)
    }

    /// The belief and the row start over; gradients are now taken where the last pass ended.
    // Apart, so that its stack isn't there while a rating is taken in.
    #[inline(never)]
    fn next_pass(&mut self, model: &Model<'_>) {
        self.point = self.shift;
        let private = self.private();
        self.state = UserState::EMPTY;
        model.set_point(&mut self.state, &private.row, private.bias);
        self.shift = [0.0; MAX_LEARNED];
        self.belief.start(model);
    }

    #[inline(never)]
    fn take_in(&mut self, model: &Model<'_>, row: u32, stars: f32) {
        let mut g = Gradient::NONE;
        g.take(model, &self.state, row);
        let mut gain = [0.0; MAX_LEARNED];
        self.belief.narrow(&g.by, &mut gain);
        let error = self.surprise(&g, stars) - self.belief.dot(&g.by, &self.shift);
        let learned = self.shift.get_mut(..=model.user_dim()).unwrap_or_default();
        let mut bits = 0;
        each(learned, &gain, |x, gain| {
            *x += gain * error;
            bits |= x.to_bits();
        });
        if may_pass(bits) {
            clamp_each(Some(learned), 2.0 * ROW_LIMIT);
        }
    }

    /// What a rating leaves over of the mean user's score, by the gradient `g` at this pass's point.
    pub(super) fn surprise(&self, g: &Gradient, stars: f32) -> f32 {
        clamp(stars - g.score, -ROW_LIMIT, ROW_LIMIT) + self.belief.dot(&g.by, &self.point)
    }

    /// The user state that this pass's gradients are taken at.
    pub(super) fn state(&self) -> &UserState {
        &self.state
    }

    /// The most probable row and bias so far.
    pub fn private(&self) -> Private {
        let mut sum = self.start;
        for (x, shift) in sum.iter_mut().zip(&self.shift) {
            *x = clamp(*x + shift, -ROW_LIMIT, ROW_LIMIT);
        }
        unstack(&sum)
    }

    /// The belief so far.
    pub fn belief(&self) -> &Belief {
        &self.belief
    }
}

impl<const LOG: usize> Profile<LOG> {
    /// Folds the whole log in. The row is a function of the log and the model, whatever it was before. Costs
    /// [`FoldIn`]'s time for the whole log, and its 3 KB of stack.
    pub fn learn(&mut self, model: &Model<'_>) {
        let mut fold = FoldIn::new(model);
        while !fold
            .advance(model, self.log().ratings(), u32::MAX)
            .is_done()
        {}
        self.set_private(fold.private());
    }
}

/// The bias, then the row.
fn stack(private: &Private) -> [f32; MAX_LEARNED] {
    let mut all = [0.0; MAX_LEARNED];
    let [bias, row @ ..] = &mut all;
    *bias = private.bias;
    *row = private.row;
    all
}

/// The other way round.
fn unstack(all: &[f32; MAX_LEARNED]) -> Private {
    let [bias, row @ ..] = *all;
    Private { row, bias }
}
