//! A service whose changes somebody else writes: [`Deferred`].

use super::Service;
use crate::store::deferred::{Deferred, Step};
use crate::store::{Record, StoreError};

impl<const OWNERS: usize, const LOG: usize> Service<'_, OWNERS, LOG, Deferred> {
    /// What is to be done in storage; `None` where nothing is, or it is acknowledged.
    pub fn step(&self) -> Option<Step> {
        self.store.step()
    }

    /// What came of the step: `Ok` once it outlives a power cut. `Full` where a record has no room, for a replacement;
    /// `Unsure` where it may be stored or not; `NotErased` where a replacement counts but not all of what it replaced is
    /// gone; else `Failed`. Then [`poll`](Self::poll) or [`idle`](Self::idle) goes on.
    pub fn acknowledge(&mut self, done: Result<(), StoreError>) {
        self.store.acknowledge(done);
    }

    /// Takes back a change that is stored: at the start, for each of them, the oldest first, before anything is asked.
    /// Then [`recall`](Self::recall).
    pub fn restore(&mut self, record: Record) {
        self.store.restored(&record);
        self.replay(&record);
    }
}
