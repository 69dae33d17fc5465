//! What outlives a restart: the blocking trait that keeps an owner's [changes](Change).

pub mod flash;
mod record;

pub use crate::profile::{Asked, Change, Done, Record};
use crate::wire::{Storage, StorageState};

/// Why a change isn't kept.
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
    /// There is something in flash that couldn't be opened: nothing is kept until [`format`](Store::format).
    Closed,
}

/// Where changes are kept. Every call waits until it is done; what it acknowledges outlives a power cut.
pub trait Store {
    /// Calls `take` with every change since the last compaction, in their order, and with what that wrote first.
    /// The caller of a fresh store asks once, before anything else.
    fn replay(&mut self, take: &mut dyn FnMut(Record));

    /// Keeps a change. It is there after a power cut once this has returned `Ok`; a cut before that leaves it whole
    /// or not at all.
    ///
    /// # Errors
    ///
    /// `Full`, `Failed` or `Closed`: then it isn't kept. `Unsure`: that isn't known.
    fn append(&mut self, record: Record) -> Result<(), StoreError>;

    /// Keeps `live` in place of everything so far, which is erased when there is time ([`work_ahead`](Self::work_ahead)).
    ///
    /// # Errors
    ///
    /// `Failed` or `Closed`; then everything so far is still kept.
    fn make_room(&mut self, live: &mut dyn Iterator<Item = Record>) -> Result<(), StoreError> {
        self.compact(live)
    }

    /// Keeps `live` in place of everything so far, erases that, and makes sure that it is gone.
    ///
    /// # Errors
    ///
    /// `Failed` or `Closed`: then everything so far is still kept. `NotErased`: `live` is kept, but not all of the
    /// rest is erased.
    fn compact(&mut self, live: &mut dyn Iterator<Item = Record>) -> Result<(), StoreError>;

    /// Erases everything, whatever it is, makes sure that it is gone, and begins anew.
    ///
    /// # Errors
    ///
    /// `Failed`; then some of it may be left, and what is left may be found again after a restart.
    fn format(&mut self) -> Result<(), StoreError> {
        self.compact(&mut core::iter::empty())
    }

    /// Whether a compaction must be made up for: the replay met a `ForgotAll` whose own was cut off, or the pages in
    /// use leave less room for one than there should be.
    fn owes_compaction(&self) -> bool {
        false
    }

    /// Does a piece of work ahead of its time, such as erasing a page; `false` when there is none.
    fn work_ahead(&mut self) -> bool {
        false
    }

    /// How things are.
    fn report(&self) -> Storage;
}

/// Keeps nothing: profiles live in RAM until the power goes.
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
