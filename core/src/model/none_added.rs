//! In place of [`added`](super::added) where the feature `grow` isn't compiled in: the image's movies are all.

use super::Model;
use crate::rank::Progress;
use crate::store::Record;

/// None.
pub(crate) struct AddedMovies;

impl AddedMovies {
    pub(crate) fn of(_: Option<&Model<'_>>) -> Self {
        Self
    }

    pub(crate) fn is_empty(&self) -> bool {
        true
    }

    pub(crate) fn clear(&mut self) {}

    pub(crate) fn record(&self, _: usize) -> Option<Record> {
        None
    }

    pub(crate) fn take_back(&mut self, _: Option<&Model<'_>>, _: &Record) {}
}

impl<'a> Model<'a> {
    #[inline(always)]
    pub(crate) fn part_of(&self, row: u32) -> (&Model<'a>, u32) {
        (self, row)
    }

    #[inline(always)]
    pub(super) fn in_parts<T>(
        &self,
        first: u32,
        places: &mut [T],
        work: impl Fn(&Model<'a>, u32, &mut [T]),
    ) {
        work(self, first, places);
    }

    #[inline(always)]
    pub(crate) fn walk(
        &self,
        next: &mut u32,
        walk: impl FnOnce(&Model<'a>, &mut u32, u32) -> Progress,
    ) -> Progress {
        walk(self, next, 0)
    }
}
