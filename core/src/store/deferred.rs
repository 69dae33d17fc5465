//! Changes that somebody else writes, in their own time: flash behind a radio's stack, or any storage that is awaited.
//!
//! A service with this store hands out one [`Step`] at a time and goes on when it is acknowledged. A request whose change
//! isn't stored yet waits, unanswered; meanwhile another one is told that the device is busy, and neither is cancelled.
//! So what was answered outlives a power cut, as with a store that blocks.
//!
//! ```no_run
//! use pocketrec::profile::Record;
//! use pocketrec::service::{Port, Service};
//! use pocketrec::store::StoreError;
//! use pocketrec::store::deferred::{Deferred, Step};
//!
//! trait Storage {
//!     async fn append(&mut self, record: [u8; 16]) -> Result<(), StoreError>;
//!     async fn begin(&mut self) -> Result<(), StoreError>;
//!     async fn add(&mut self, record: [u8; 16]) -> Result<(), StoreError>;
//!     async fn commit(&mut self) -> Result<(), StoreError>;
//! }
//!
//! /// What a main loop does each time around, beside taking bytes in; `false` where it may wait for some.
//! async fn work(
//!     service: &mut Service<'_, 1, 256, Deferred>,
//!     port: &mut impl Port,
//!     storage: &mut impl Storage,
//! ) -> bool {
//!     if let Some(step) = service.step() {
//!         let done = match step {
//!             Step::Append(record) => storage.append(record.to_bytes()).await,
//!             Step::Begin => storage.begin().await,
//!             Step::Add(record) => storage.add(record.to_bytes()).await,
//!             Step::Commit => storage.commit().await,
//!         };
//!         service.acknowledge(done);
//!     }
//!     if service.is_working() {
//!         service.poll(port);
//!         return true;
//!     }
//!     service.idle()
//! }
//!
//! /// At the start, with what is stored, the oldest first.
//! fn start(service: &mut Service<'_, 1, 256, Deferred>, stored: &[[u8; 16]]) {
//!     for record in stored.iter().filter_map(Record::from_bytes) {
//!         service.restore(record);
//!     }
//!     service.recall();
//! }
//! ```

use super::{Change, Record, Store, StoreError};
use crate::wire::{Storage, StorageState};

/// What is to be done with what is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Step {
    /// Store a record behind the others: whole or not at all, whenever the power goes.
    Append(Record),
    /// Begin a replacement of all records, an empty one; they count until it is committed. One that was begun before
    /// and not committed is given up.
    Begin,
    /// Store a record in the replacement.
    Add(Record),
    /// From here on the replacement counts, and what it replaces is erased: the one or the other, whenever the power
    /// goes.
    Commit,
}

/// Why records are replaced; another reason begins anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Room,
    Compaction,
    Format,
}

#[derive(Clone, Copy, Debug)]
enum Of {
    Append,
    /// With so many records so far.
    Replacement(Kind, u32),
}

/// A step that was handed out, and what came of it.
#[derive(Clone, Copy, Debug)]
struct Hand {
    step: Step,
    of: Of,
    came: Option<Result<(), StoreError>>,
}

/// A store that hands out what it is to do; see [the module](self). RAM: some 60 bytes.
///
/// A replacement goes through all live records again for each that it hands out: 256 records are 33,000 steps of an
/// iterator in all.
#[derive(Debug)]
pub struct Deferred {
    hand: Option<Hand>,
    /// Why the last append failed, while room is made for it.
    refused: StoreError,
    /// Whether records that were forgotten may still be stored.
    is_due: bool,
    bytes: u32,
    capacity: u32,
    records: u32,
}

impl Deferred {
    /// Of storage of so many bytes, which holds so many records: what `Storage` reports, no more. Storage says itself
    /// when it is full.
    pub const fn new(bytes: u32, capacity: u32) -> Self {
        Self {
            hand: None,
            refused: StoreError::Full,
            is_due: false,
            bytes,
            capacity,
            records: 0,
        }
    }

    pub(crate) fn step(&self) -> Option<Step> {
        let hand = self.hand.as_ref()?;
        match hand.came {
            None => Some(hand.step),
            Some(_) => None,
        }
    }

    pub(crate) fn acknowledge(&mut self, came: Result<(), StoreError>) {
        if let Some(hand) = &mut self.hand {
            hand.came = Some(came);
        }
    }

    /// Counts a record that is stored.
    pub(crate) fn restored(&mut self, record: &Record) {
        self.records = self.records.saturating_add(1);
        // Its compaction would have left it out.
        self.is_due |= record.change == Change::ForgotAll;
    }

    fn hand_out(&mut self, step: Step, of: Of) -> Result<(), StoreError> {
        self.hand = Some(Hand {
            step,
            of,
            came: None,
        });
        Err(StoreError::Pending)
    }

    /// The next step of a replacement by `live`.
    fn replace(
        &mut self,
        kind: Kind,
        live: &mut dyn Iterator<Item = Record>,
    ) -> Result<(), StoreError> {
        let Some(Hand { step, of, came }) = self.hand else {
            return self.hand_out(Step::Begin, Of::Replacement(kind, 0));
        };
        let came = came.ok_or(StoreError::Pending)?;
        let added = match of {
            Of::Replacement(of, added) if of == kind => added,
            _ => return self.hand_out(Step::Begin, Of::Replacement(kind, 0)),
        };
        match (step, came) {
            (Step::Commit, Ok(()) | Err(StoreError::NotErased)) => {
                self.hand = None;
                self.records = added;
                match (kind, came) {
                    (Kind::Room, _) | (_, Ok(())) => {
                        self.is_due &= came.is_err();
                        Ok(())
                    }
                    _ => Err(StoreError::NotErased),
                }
            }
            (_, Err(_)) => {
                self.hand = None;
                // Not again before the next start.
                self.is_due = false;
                Err(StoreError::Failed)
            }
            (_, Ok(())) => match live.nth(added as usize) {
                Some(record) => {
                    let of = Of::Replacement(kind, added.saturating_add(1));
                    self.hand_out(Step::Add(record), of)
                }
                None => self.hand_out(Step::Commit, Of::Replacement(kind, added)),
            },
        }
    }
}

impl Store for Deferred {
    /// Nothing: what is stored is given back by [`Service::restore`](crate::service::Service::restore).
    fn replay(&mut self, _: &mut dyn FnMut(Record)) {}

    fn append(&mut self, record: Record) -> Result<(), StoreError> {
        let Some(hand) = self.hand else {
            return self.hand_out(Step::Append(record), Of::Append);
        };
        if let Of::Replacement(kind, _) = hand.of {
            // Whoever asks again gets to where it was begun.
            return Err(match kind {
                Kind::Format => StoreError::Failed,
                Kind::Room | Kind::Compaction => self.refused,
            });
        }
        let came = hand.came.ok_or(StoreError::Pending)?;
        self.hand = None;
        match came {
            Ok(()) => {
                self.records = self.records.saturating_add(1);
                self.refused = StoreError::Full;
            }
            Err(why) => self.refused = why,
        }
        came
    }

    fn make_room(&mut self, live: &mut dyn Iterator<Item = Record>) -> Result<(), StoreError> {
        self.replace(Kind::Room, live)
    }

    fn compact(&mut self, live: &mut dyn Iterator<Item = Record>) -> Result<(), StoreError> {
        self.replace(Kind::Compaction, live)
    }

    fn format(&mut self) -> Result<(), StoreError> {
        self.replace(Kind::Format, &mut core::iter::empty())
    }

    fn needs_compaction(&self) -> bool {
        self.is_due
    }

    fn is_pending(&self) -> bool {
        self.hand.is_some()
    }

    fn report(&self) -> Storage {
        Storage {
            state: StorageState::Flash,
            bytes: self.bytes,
            pages: 0,
            free: 0,
            records: self.records,
            capacity: self.capacity,
            rounds: 0,
            torn: 0,
            bad_writes: 0,
        }
    }
}
