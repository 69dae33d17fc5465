//! What a service keeps: changes before they are made, and all of them again after a restart.
//!
//! A change is kept before it is made, and made before the row is folded in anew; the reply comes last. So what was
//! acknowledged outlives a power cut, and what wasn't may have been made or not, but nothing in between; the host finds
//! out by asking again.

use super::again::Last;
use super::refusal::Why;
use super::{Answer, Service};
use crate::grow::AddedMovies;
#[cfg(feature = "learn")]
use crate::learn::FoldIn;
use crate::numeric::walk::numbered;
use crate::profile::Profile;
use crate::store::{Asked, Change, Done, Record, Store, StoreError};
use crate::wire::{Reply, StorageState, Who};

impl<'m, const OWNERS: usize, const LOG: usize, S: Store> Service<'m, OWNERS, LOG, S> {
    /// Takes the profiles from the store: once, after [`before_recall_in`](Self::before_recall_in). Takes as long as a
    /// fold-in of all ratings; `begin_recall`, of the feature `learn`, does it in slices.
    #[inline(never)]
    pub fn recall(&mut self) {
        self.replay_all();
        #[cfg(feature = "learn")]
        if let Ok(model) = &self.model {
            joined!(model, self.added);
            for profile in &mut self.profiles {
                profile.learn(model);
            }
        }
    }

    /// As [`recall`](Self::recall), in slices: reads the store, and leaves the ratings to be folded in by
    /// [`go_on_recalling`](Self::go_on_recalling). Until that is done nothing is to be received.
    #[cfg(feature = "learn")]
    pub fn begin_recall(&mut self) -> Recall {
        self.replay_all();
        Recall {
            owner: 0,
            fold: None,
        }
    }

    /// Folds at most `ratings` further ratings in; `true` as long as there is more to do. Then row and bias of each
    /// owner have the bits that [`recall`](Self::recall) gives them.
    #[cfg(feature = "learn")]
    pub fn go_on_recalling(&mut self, recall: &mut Recall, ratings: u32) -> bool {
        let (Ok(model), Some(profile)) = (
            &self.model,
            self.profiles.get_mut(usize::from(recall.owner)),
        ) else {
            return false;
        };
        joined!(model, self.added);
        let fold = recall.fold.get_or_insert_with(|| FoldIn::new(model));
        if fold
            .advance(model, profile.log().ratings(), ratings)
            .is_done()
        {
            profile.set_private(fold.private());
            recall.fold = None;
            recall.owner = recall.owner.saturating_add(1);
        }
        usize::from(recall.owner) < OWNERS
    }

    /// Takes back what the store replays, and makes up for a compaction.
    #[inline(always)] // Into `recall`, of which a firmware has one.
    fn replay_all(&mut self) {
        let (store, profiles, last) = (&mut self.store, &mut self.profiles, &mut self.last);
        let (added, model) = (&mut self.added, self.model.as_ref().ok());
        store.replay(&mut |record| {
            added.take_back(model, &record);
            take_back(profiles, last, &record);
        });
        if self.store.report().state == StorageState::Closed {
            // A part of the ratings would pass for all of them.
            self.clear();
        }
        if self.store.needs_compaction() {
            // If flash doesn't do it, Storage tells.
            let _ = self.compact_all(self.last);
        }
    }

    /// As [`recall`](Self::recall) does with each change that its store replays.
    pub(super) fn replay(&mut self, record: &Record) {
        self.added.take_back(self.model.as_ref().ok(), record);
        take_back(&mut self.profiles, &mut self.last, record);
    }

    /// Goes on with a compaction that was begun at the start and waits for its store; `false` where it is done.
    pub(super) fn go_on_compacting(&mut self) -> bool {
        let live = &mut Live::of(&self.profiles, &self.added, self.last);
        // If storage doesn't do it, the next start tries again.
        let _ = self.store.make_room(live);
        self.store.is_pending()
    }

    /// Leaves no rating in RAM, and no movie that was added.
    #[inline(never)]
    fn clear(&mut self) {
        for profile in &mut self.profiles {
            profile.clear(self.model.as_ref().ok());
        }
        self.added.clear();
        self.last = None;
    }

    /// What the request that is being carried out has done already, before its answer was lost.
    pub(super) fn done(&self) -> Option<Done> {
        let last = self.last.filter(|last| last.asked == self.asked);
        last.map(|last| last.done)
    }

    /// Keeps a change, with a compaction where there is no room for it.
    #[inline(never)]
    pub(super) fn keep(&mut self, owner: u8, change: Change) -> Result<(), Why> {
        let record = Record {
            owner,
            change,
            asked: self.asked,
        };
        match self.store.append(record) {
            Err(why @ (StoreError::Full | StoreError::Unsure)) => {
                let live = &mut Live::of(&self.profiles, &self.added, self.last);
                match self.store.make_room(live) {
                    Ok(()) => self.store.append(record),
                    // As it was left.
                    Err(_) if why == StoreError::Unsure && !self.store.is_pending() => Err(why),
                    failed => failed,
                }
            }
            kept => kept,
        }?;
        if let Some(profile) = self.profiles.get(usize::from(owner)) {
            self.last = Last::after(self.last, &record, profile.log());
        }
        Ok(())
    }

    #[inline(never)]
    fn compact_all(&mut self, last: Option<Last>) -> Result<(), StoreError> {
        let live = &mut Live::of(&self.profiles, &self.added, last);
        self.store.compact(live)
    }

    pub(super) fn compact(&mut self) -> Answer<'m> {
        // A rating that was taken back is to leave flash too.
        self.compact_all(None)?;
        self.last = None;
        Ok(Some(Reply::Storage(self.store.report())))
    }

    #[inline(never)]
    pub(super) fn forget_me(&mut self, who: &Who) -> Answer<'m> {
        let owner = self.owner(who)?;
        if self.done().is_none() {
            match self.keep(owner, Change::ForgotAll) {
                // Where nobody else has a rating there is nothing that must outlive it.
                Err(Why::Store(StoreError::Failed | StoreError::Full)) if self.is_alone(owner) => {
                    self.wipe()?;
                    return Ok(Some(Reply::Forgotten { ratings: 0 }));
                }
                kept => kept?,
            }
            if let Some(profile) = self.profiles.get_mut(usize::from(owner)) {
                profile.clear(self.model.as_ref().ok());
            }
        }
        // The change is kept, whatever comes of its old records.
        let erased = self.compact_all(self.last);
        erased.map_err(|why| match self.store.is_pending() {
            true => why,
            false => StoreError::NotErased,
        })?;
        Ok(Some(Reply::Forgotten { ratings: 0 }))
    }

    /// Whether no other owner has a rating, or had one that can be brought back, and no movie was added.
    fn is_alone(&self, owner: u8) -> bool {
        let mut others = numbered(&self.profiles, 0);
        let has_none = others.all(|(other, profile)| {
            let log = profile.log();
            other == usize::from(owner) || log.ratings().is_empty() && log.undoable().is_empty()
        });
        has_none && self.added.is_empty()
    }

    /// Erases all owners' ratings and the movies that were added, in RAM and in flash.
    fn wipe(&mut self) -> Result<(), Why> {
        self.clear();
        self.store
            .format()
            .map_err(|why| match self.store.is_pending() {
                true => Why::Store(why),
                false => Why::NotFormatted,
            })
    }

    pub(super) fn format(&mut self) -> Answer<'m> {
        self.wipe()?;
        Ok(Some(Reply::Storage(self.store.report())))
    }
}

/// A recall under way: [`Service::begin_recall`]. RAM: a [`FoldIn`], 3.3 KB.
#[cfg(feature = "learn")]
pub struct Recall {
    owner: u8,
    fold: Option<FoldIn>,
}

/// Makes a change that is stored.
fn take_back<const LOG: usize>(
    profiles: &mut [Profile<LOG>],
    last: &mut Option<Last>,
    record: &Record,
) {
    // A firmware with fewer owners leaves the others' records alone until the next compaction.
    if let Some(profile) = profiles.get_mut(usize::from(record.owner)) {
        *last = Last::after(*last, record, profile.log());
        profile.log_mut().apply(record.change);
    }
}

/// The changes that lead to what all profiles and added movies are now, and what the last request has done.
struct Live<'p, const LOG: usize> {
    /// Profiles that are left, the first of them from the change `at` on.
    profiles: &'p [Profile<LOG>],
    owner: u8,
    /// From its record `at` on, when no profile is left.
    added: &'p AddedMovies,
    at: usize,
    last: Option<Last>,
}

impl<'p, const LOG: usize> Live<'p, LOG> {
    fn of(profiles: &'p [Profile<LOG>], added: &'p AddedMovies, last: Option<Last>) -> Self {
        Self {
            profiles,
            added,
            owner: 0,
            at: 0,
            last,
        }
    }
}

impl<const LOG: usize> Iterator for Live<'_, LOG> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        while let [profile, rest @ ..] = self.profiles {
            if let Some(change) = profile.log().change(self.at) {
                self.at = self.at.wrapping_add(1);
                return Some(Record {
                    owner: self.owner,
                    change,
                    asked: Asked::default(),
                });
            }
            self.profiles = rest;
            self.owner = self.owner.wrapping_add(1);
            self.at = 0;
        }
        if let Some(record) = self.added.record(self.at) {
            self.at = self.at.wrapping_add(1);
            return Some(record);
        }
        let Last { asked, done } = self.last.take()?;
        Some(Record {
            owner: 0,
            change: Change::Did(done),
            asked,
        })
    }
}
