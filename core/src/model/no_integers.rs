//! In place of [`integer`](super::integer) where the feature `integers` isn't compiled in: a type that has no values.

use super::{Explanation, Model, UserState};
use crate::MAX_UNITS;
use crate::kernels::integer::User;
use core::convert::Infallible;
use core::marker::PhantomData;

/// What no model has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Integers<'a>(Infallible, PhantomData<&'a ()>);

impl Integers<'_> {
    pub(crate) fn fill(&self, _: &mut User, _: f32, _: &[f32], _: &[f32; MAX_UNITS]) {
        match self.0 {}
    }

    pub(super) fn stores_halves(&self) -> bool {
        match self.0 {}
    }
}

impl Model<'_> {
    pub(super) fn explain_integer(
        &self,
        integers: &Integers<'_>,
        _: &UserState,
        _: usize,
    ) -> Explanation {
        match integers.0 {}
    }

    pub(super) fn score_rows_in_integers(
        &self,
        integers: &Integers<'_>,
        _: &UserState,
        _: u32,
        _: &mut [f32],
    ) {
        match integers.0 {}
    }

    pub(super) fn sum_rows(&self, integers: &Integers<'_>, _: &User, _: usize, _: &mut [i32]) {
        match integers.0 {}
    }
}
