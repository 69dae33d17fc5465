//! Users: their rows in an image, and what a model computes of one before it scores movies.

use super::LookupError;
use super::{Model, ROW_LIMIT, Users, score};
use crate::ids::UserId;
use crate::kernels::integer::User;
use crate::numeric::unroll::each;
use crate::numeric::{clamp, clamp_each, may_pass};
use crate::{MAX_DIM, MAX_UNITS};

/// What a model computes once per user before it scores movies: 716 bytes, 316 without the feature `wide`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UserState {
    pub(crate) row: [f32; MAX_DIM],
    /// Mean plus the user's bias.
    pub(crate) base: f32,
    /// The user's half of dense layer 0.
    pub(crate) half: [f32; MAX_UNITS],
    /// The same in integers, for a model that scores in integers.
    pub(crate) integer: User,
}

impl UserState {
    /// An empty state: zeros.
    pub(crate) const EMPTY: Self = Self {
        row: [0.0; MAX_DIM],
        base: 0.0,
        half: [0.0; MAX_UNITS],
        integer: User::NOBODY,
    };

    /// The user's row; components beyond the model's dimensions are 0.
    pub fn row(&self) -> &[f32; MAX_DIM] {
        &self.row
    }

    /// What the user gives on the whole, in stars: the mean of all ratings and the user's bias.
    pub fn mean(&self) -> f32 {
        self.base
    }
}

impl<'a> Model<'a> {
    /// The state of the user `id` of the image. Costs the user's half of dense layer 0.
    ///
    /// # Errors
    ///
    /// [`LookupError::UnknownUser`], also where the image has no users.
    pub fn user(&self, id: UserId) -> Result<UserState, LookupError> {
        let mut state = UserState::EMPTY;
        self.set_user(&mut state, id)?;
        Ok(state)
    }

    /// As [`user`](Self::user), in an empty state's place.
    pub(crate) fn set_user(&self, state: &mut UserState, id: UserId) -> Result<(), LookupError> {
        let at = self.user_at(id)?;
        self.load(at, state);
        Ok(())
    }

    /// The row of the user `id`.
    pub(crate) fn user_at(&self, id: UserId) -> Result<usize, LookupError> {
        // By reference: a copy of these tables would take as long as half of the look-up.
        self.users
            .as_ref()
            .and_then(|users| users.ids.row(id.0))
            .map(|at| at as usize)
            .ok_or(LookupError::UnknownUser(id))
    }

    /// The state of the user of row `at`, in its place: it is large enough for copies of it to show.
    pub(super) fn load(&self, at: usize, state: &mut UserState) {
        let Some(users) = &self.users else { return };
        users.table.read(at, &mut state.row);
        state.base = self.base_of(users, at);
        self.fill_half(state);
        self.fill_integers(state);
    }

    /// Mean and bias of the user of row `at`.
    #[inline]
    pub(super) fn base_of(&self, users: &Users<'_>, at: usize) -> f32 {
        self.scale.mean + users.bias.map_or(0.0, |table| table.first(at))
    }

    /// The row and the bias of the user `id` of the image; components beyond the model's dimensions, and the bias
    /// of a model without biases, are 0.
    ///
    /// # Errors
    ///
    /// [`LookupError::UnknownUser`], also where the image has no users.
    pub fn user_row(&self, id: UserId) -> Result<([f32; MAX_DIM], f32), LookupError> {
        let at = self.user_at(id)?;
        let users = self.users.as_ref().ok_or(LookupError::UnknownUser(id))?;
        let mut row = [0.0; MAX_DIM];
        users.table.read(at, &mut row);
        Ok((row, users.bias.map_or(0.0, |table| table.first(at))))
    }

    /// Row and bias of the mean user, as whom an owner starts: of somebody of whom nothing is known.
    pub fn mean_row(&self) -> (&'a [f32], f32) {
        (self.mean_row, self.mean_bias)
    }

    /// The state of the mean user.
    pub fn mean_user(&self) -> UserState {
        self.user_state(self.mean_row, self.mean_bias)
    }

    /// The state of a user whose row and bias the caller holds. Components beyond the model's dimensions are
    /// dropped, missing ones are 0, and all are clamped to ±[`ROW_LIMIT`].
    pub fn user_state(&self, row: &[f32], bias: f32) -> UserState {
        let mut state = UserState::EMPTY;
        self.set_state(&mut state, row, bias);
        state
    }

    /// As [`user_state`](Self::user_state), in an empty state's place.
    pub(crate) fn set_state(&self, state: &mut UserState, row: &[f32], bias: f32) {
        self.set_point(state, row, bias);
        self.fill_integers(state);
    }

    /// As [`set_state`](Self::set_state), without what integers need: where a gradient is taken.
    pub(crate) fn set_point(&self, state: &mut UserState, row: &[f32], bias: f32) {
        self.set_row(state, row, bias);
        self.fill_half(state);
    }

    /// As [`set_state`](Self::set_state), without what the MLP and integers need.
    pub(crate) fn set_row(&self, state: &mut UserState, row: &[f32], bias: f32) {
        let own = state.row.get_mut(..self.user_dim()).unwrap_or_default();
        let mut bits = 0;
        each(own, row, |to, from| {
            *to = *from;
            bits |= from.to_bits();
        });
        if may_pass(bits) {
            clamp_each(Some(own), ROW_LIMIT);
        }
        state.base = self.scale.mean + clamp(bias, -ROW_LIMIT, ROW_LIMIT);
    }

    /// Computes a state's half of dense layer 0 from its row.
    fn fill_half(&self, state: &mut UserState) {
        if let Some(mlp) = &self.mlp {
            score::user_half(mlp, &state.row, &mut state.half);
        }
    }

    /// Computes the integers of a state from the rest of it.
    fn fill_integers(&self, state: &mut UserState) {
        if let Some(integers) = &self.integers {
            let row = state.row.get(..self.user_dim()).unwrap_or_default();
            integers.fill(&mut state.integer, state.base, row, &state.half);
        }
    }
}
