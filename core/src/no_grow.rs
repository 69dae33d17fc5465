//! In place of [`grow`](crate::grow) where that feature isn't compiled in: nothing is added.

use crate::model::Model;
use crate::profile::Record;

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
