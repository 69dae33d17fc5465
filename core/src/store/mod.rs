//! What survives a restart: the blocking trait that stores owners' [changes](Change).

pub mod deferred;
pub mod flash;
mod record;

pub use crate::profile::{Asked, Change, Done, Record};
use crate::wire::{Storage, StorageState};

/// Why a change isn't stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum StoreError {
    /// There is no room left: [`make_room`](Store::make_room), then try again.
    Full,
    /// Flash doesn't take writes, or what is live doesn't fit.
    Failed,
    /// Flash took the change or didn't, and can't be read to find out. Once [`make_room`](Store::make_room) has
    /// succeeded it isn't kept.
    Unsure,
    /// What is live is kept, but not all of what was there before is erased.
    NotErased,
    /// It isn't done yet: the same call is to be made again, once what it began is acknowledged
    /// ([`is_pending`](Store::is_pending)).
    Pending,
    /// There is something in flash that couldn't be opened: nothing is kept until [`format`](Store::format).
    Closed,
}

/// Where changes are stored. Every call blocks until it is done, or is made again until it is
/// ([`StoreError::Pending`]); what it acknowledges survives a power cut.
pub trait Store {
    /// Calls `take` with every stored change, oldest first: what the last compaction wrote, then those since. Called
    /// once on a fresh store, before anything else.
    fn replay(&mut self, take: &mut dyn FnMut(Record));

    /// Stores a change. Once this has returned `Ok` it survives a power cut; a cut before that leaves it whole or not
    /// at all.
    ///
    /// # Errors
    ///
    /// `Full`, `Failed` or `Closed`: it isn't stored. `Unsure`: it may be.
    fn append(&mut self, record: Record) -> Result<(), StoreError>;

    /// Stores `live` in place of everything so far, which is erased when there is time
    /// ([`work_ahead`](Self::work_ahead)).
    ///
    /// # Errors
    ///
    /// `Failed` or `Closed`; everything so far is still stored then.
    fn make_room(&mut self, live: &mut dyn Iterator<Item = Record>) -> Result<(), StoreError> {
        self.compact(live)
    }

    /// Stores `live` in place of everything so far, erases that, and verifies that it is gone.
    ///
    /// # Errors
    ///
    /// `Failed` or `Closed`: everything so far is still stored. `NotErased`: `live` is stored, but not all of the rest
    /// is erased.
    fn compact(&mut self, live: &mut dyn Iterator<Item = Record>) -> Result<(), StoreError>;

    /// Erases everything, whatever it is, verifies that it is gone, and starts over.
    ///
    /// # Errors
    ///
    /// `Failed`: some of it may be left, and may be found again after a restart.
    fn format(&mut self) -> Result<(), StoreError> {
        self.compact(&mut core::iter::empty())
    }

    /// Whether a compaction must be made up for: the replay met a `ForgotAll` whose own was cut off, or the pages in
    /// use leave less room for one than there should be.
    fn needs_compaction(&self) -> bool {
        false
    }

    /// Whether a call was answered with [`Pending`](StoreError::Pending) and not yet made again to its end. A store that
    /// blocks never has one.
    fn is_pending(&self) -> bool {
        false
    }

    /// Does some work ahead of need, such as erasing a page; `false` if there is none.
    fn work_ahead(&mut self) -> bool {
        false
    }

    /// The state of the storage.
    fn report(&self) -> Storage;
}

/// Stores nothing: profiles are in RAM until power is lost.
#[derive(Clone, Copy, Debug, Default)]
pub struct InRam;

impl InRam {
    /// What there is to tell of keeping nothing.
    pub(crate) const fn storage(state: StorageState) -> Storage {
        Storage {
            state,
            bytes: 0,
            pages: 0,
            free: 0,
            records: 0,
            capacity: 0,
            rounds: 0,
            torn: 0,
            bad_writes: 0,
        }
    }
}

impl Store for InRam {
    fn replay(&mut self, _: &mut dyn FnMut(Record)) {}

    fn append(&mut self, _: Record) -> Result<(), StoreError> {
        Ok(())
    }

    fn compact(&mut self, _: &mut dyn Iterator<Item = Record>) -> Result<(), StoreError> {
        Ok(())
    }

    fn report(&self) -> Storage {
        Self::storage(StorageState::Absent)
    }
}
