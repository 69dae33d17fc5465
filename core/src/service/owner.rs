//! What a service does for an owner: rate, undo, forget, suggest, explain, and keep it all.
//!
//! A change is kept before it is made, and made before the row is folded in anew; the reply comes last. So what was
//! acknowledged outlives a power cut, and what wasn't may have been made or not, but nothing in between; the host finds
//! out by asking again.

use super::{Answer, Last, Service, Why, list_length, movie_row};
#[cfg(feature = "learn")]
use super::{Work, list};
use crate::interest::Interest;
#[cfg(feature = "learn")]
use crate::learn::{FoldIn, suggest::Suggest, why::Influence};
use crate::model::{Model, UserState};
#[cfg(feature = "learn")]
use crate::profile::Undo;
use crate::profile::{Log, Private, Profile, Rating, UNDO_DEPTH};
#[cfg(feature = "learn")]
use crate::profile::{LogError, is_on};
#[cfg(feature = "learn")]
use crate::rank::Progress;
use crate::store::flash::RECORD;
use crate::store::{Asked, Change, Done, Record, Store, StoreError};
#[cfg(feature = "learn")]
use crate::wire::{Because, MAX_BECAUSE, MAX_LIST, Refusal};
use crate::wire::{
    Explained, MAX_OWNERS, Owners, ProfileReply, RatingEntry, RatingsReply, Reply, StorageState,
    Who,
};

/// Movies scored in the time that one rating takes to be folded in: a forward pass with its parts, a backward
/// pass and the belief.
#[cfg(feature = "learn")]
const RATING_COST: u32 = 4;

impl<'m, const OWNERS: usize, const LOG: usize, S: Store> Service<'m, OWNERS, LOG, S> {
    /// Takes the profiles from the store: once, after [`before_recall`](Self::before_recall).
    #[inline(never)]
    pub fn recall(&mut self) {
        let (store, profiles, last) = (&mut self.store, &mut self.profiles, &mut self.last);
        store.replay(&mut |record| {
            // A firmware with fewer owners leaves the others' records alone until the next compaction.
            if let Some(profile) = profiles.get_mut(usize::from(record.owner)) {
                *last = Last::after(*last, &record, profile.log());
                profile.log_mut().apply(record.change);
            }
        });
        if self.store.report().state == StorageState::Closed {
            // A part of the ratings would pass for all of them.
            self.clear();
        }
        if self.store.owes_compaction() {
            // If flash doesn't do it, Storage tells.
            let _ = self.compact_all(self.last);
        }
        #[cfg(feature = "learn")]
        if let Ok(model) = &self.model {
            for profile in &mut self.profiles {
                profile.learn(model);
            }
        }
    }

    /// Leaves no rating in RAM.
    #[inline(never)]
    fn clear(&mut self) {
        for profile in &mut self.profiles {
            *profile = Profile::new(self.model.as_ref().ok());
        }
        self.last = None;
    }

    /// What the request that is being carried out has done already, before its answer was lost.
    fn done(&self) -> Option<Done> {
        let last = self.last.filter(|last| last.asked == self.asked);
        last.map(|last| last.done)
    }

    /// Keeps a change, with a compaction where there is no room for it.
    #[inline(never)]
    fn keep(&mut self, owner: u8, change: Change) -> Result<(), Why> {
        let record = Record {
            owner,
            change,
            asked: self.asked,
        };
        match self.store.append(record) {
            Err(why @ (StoreError::Full | StoreError::Unsure)) => {
                let live = &mut live(&self.profiles, self.last);
                match self.store.make_room(live) {
                    Ok(()) => self.store.append(record),
                    // As it was left.
                    Err(_) if why == StoreError::Unsure => Err(why),
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
        self.store.compact(&mut live(&self.profiles, last))
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
                *profile = Profile::new(self.model.as_ref().ok());
            }
        }
        // The change is kept, whatever comes of its old records.
        let erased = self.compact_all(self.last);
        erased.map_err(|_| StoreError::NotErased)?;
        Ok(Some(Reply::Forgotten { ratings: 0 }))
    }

    /// Whether no other owner has a rating, or had one that can be brought back.
    fn is_alone(&self, owner: u8) -> bool {
        (0..).zip(&self.profiles).all(|(other, profile)| {
            let log = profile.log();
            other == owner || log.ratings().is_empty() && log.undoable().is_empty()
        })
    }

    /// Erases all owners' ratings, in RAM and in flash.
    fn wipe(&mut self) -> Result<(), Why> {
        self.clear();
        self.store.format().map_err(|_| Why::NotFormatted)
    }

    pub(super) fn format(&mut self) -> Answer<'m> {
        self.wipe()?;
        Ok(Some(Reply::Storage(self.store.report())))
    }

    pub(super) fn owners(&self) -> Owners {
        let stored = match self.store.report().state {
            StorageState::Flash | StorageState::Formatted => RECORD as usize,
            StorageState::Absent | StorageState::Failed | StorageState::Closed => 0,
        };
        let mut owners = Owners {
            owners: OWNERS as u8,
            capacity: LOG as u16,
            ram: size_of::<Profile<LOG>>() as u16,
            flash: (stored * (LOG + UNDO_DEPTH)) as u16,
            ratings: [0; MAX_OWNERS],
            unused: [0; MAX_OWNERS],
        };
        let counts = owners.ratings.iter_mut().zip(&mut owners.unused);
        for ((ratings, unused), profile) in counts.zip(&self.profiles) {
            *ratings = profile.log().ratings().len() as u16;
            if let Ok(model) = &self.model {
                *unused = profile.unused(model) as u16;
            }
        }
        owners
    }

    #[inline(never)]
    pub(super) fn ratings(&self, who: &Who, first: u16) -> Answer<'m> {
        self.owner(who)?;
        let all = self.log_of(who).unwrap_or_default();
        let mut reply = RatingsReply {
            total: all.len() as u16,
            ratings: heapless::Vec::new(),
        };
        for rating in all.get(usize::from(first)..).unwrap_or_default() {
            let entry = RatingEntry {
                movie: rating.movie(),
                stars: rating.stars(),
                used: self
                    .model
                    .as_ref()
                    .is_ok_and(|model| rating.row(model).is_some()),
            };
            if reply.ratings.push(entry).is_err() {
                break;
            }
        }
        Ok(Some(Reply::Ratings(reply)))
    }

    /// The number of an owner that there is.
    fn owner(&self, who: &Who) -> Result<u8, Why> {
        let (owner, _) = self.known(who)?;
        Ok(owner)
    }

    /// The number of an owner that there is, and the profile.
    fn known(&self, who: &Who) -> Result<(u8, &Profile<LOG>), Why> {
        let Who::Owner(owner) = *who else {
            return Err(Why::NotAnOwner);
        };
        let profile = self.profiles.get(usize::from(owner));
        Ok((owner, profile.ok_or(Why::UnknownOwner(owner.into()))?))
    }

    /// An owner's ratings; of a user of the image there are none.
    fn log_of(&self, who: &Who) -> Option<&[Rating]> {
        let (_, profile) = self.known(who).ok()?;
        Some(profile.log().ratings())
    }

    /// The state of somebody, in an empty one's place.
    #[inline(never)]
    pub(super) fn user(
        &self,
        model: &Model<'m>,
        who: &Who,
        state: &mut UserState,
    ) -> Result<(), Why> {
        if let Who::ImageUser(id) = *who {
            return model.set_user(state, id).map_err(|_| Why::UnknownUser(id));
        }
        let (_, profile) = self.known(who)?;
        let Private { row, bias } = profile.private();
        model.set_state(state, row, *bias);
        Ok(())
    }

    /// What somebody that there is looks for, by an owner's own ratings.
    #[inline(never)]
    pub(super) fn interest(&self, model: &Model<'m>, who: &Who) -> Interest {
        match *who {
            #[cfg(feature = "learn")]
            Who::Owner(_) => model.interest_of_ratings(self.log_of(who).unwrap_or_default()),
            #[cfg(not(feature = "learn"))]
            Who::Owner(_) => Interest::NONE,
            Who::ImageUser(id) => model.interest_of_user(id).unwrap_or(Interest::NONE),
        }
    }

    /// The row and the bias of somebody that there is, and the number of ratings behind an owner's.
    #[inline(never)]
    fn row(&self, model: &Model<'m>, who: &Who) -> Result<ProfileReply, Why> {
        let mut reply = ProfileReply {
            ratings: 0,
            bias: 0.0,
            row: heapless::Vec::new(),
        };
        let row;
        if let Who::ImageUser(id) = *who {
            (row, reply.bias) = model.user_row(id).map_err(|_| Why::UnknownUser(id))?;
        } else {
            let (_, profile) = self.known(who)?;
            reply.ratings = profile.log().ratings().len() as u32;
            Private {
                row,
                bias: reply.bias,
            } = *profile.private();
        }
        for x in row.into_iter().take(model.user_dim()) {
            // A model's dimensions never pass the vector's capacity.
            let _ = reply.row.push(x);
        }
        Ok(reply)
    }

    pub(super) fn profile_reply(&self, model: &Model<'m>, who: &Who) -> Answer<'m> {
        Ok(Some(Reply::Profile(self.row(model, who)?)))
    }

    #[inline(never)]
    fn explained(&self, model: &Model<'m>, who: &Who, movie: u32) -> Result<(u32, Explained), Why> {
        let mut user = UserState::EMPTY;
        self.user(model, who, &mut user)?;
        let row = movie_row(model, movie)?;
        let parts = model.explain(&user, row);
        let scale = model.scale();
        let explained = Explained {
            stars: scale.hold(model.score(&user, row)),
            mean: scale.mean,
            user_bias: self.row(model, who)?.bias,
            movie_bias: parts.movie_bias,
            dot: parts.dot,
            mlp: parts.mlp,
            because: heapless::Vec::new(),
        };
        Ok((row, explained))
    }
}

#[cfg(feature = "learn")]
impl<'m, const OWNERS: usize, const LOG: usize, S: Store> Service<'m, OWNERS, LOG, S> {
    #[inline(never)]
    pub(super) fn rate(
        &mut self,
        model: &Model<'m>,
        who: &Who,
        movie: u32,
        stars: f32,
    ) -> Answer<'m> {
        let owner = self.owner(who)?;
        let row = movie_row(model, movie)?;
        let mut user = UserState::EMPTY;
        self.user(model, who, &mut user)?;
        if self.done().is_some()
            && let Some(rating) = self.take_out(owner, movie, stars)
        {
            return self.learn(model, owner, Then::RatedBefore { row, rating });
        }
        self.take_rating(model, who, movie, stars)?;
        let before = model.scale().hold(model.score(&user, row));
        self.learn(model, owner, Then::Rated { row, before })
    }

    /// Takes the owner's last rating out of RAM, if it is this one: what was predicted before it is asked for again.
    /// It goes back in when that is known.
    fn take_out(&mut self, owner: u8, movie: u32, stars: f32) -> Option<Rating> {
        let log = self.profiles.get_mut(usize::from(owner))?.log_mut();
        let rating = log.get(movie)?;
        if rating.stars() != stars || log.last().ok()?.movie != movie {
            return None;
        }
        log.undo().ok()?;
        Some(rating)
    }

    /// Keeps and makes one rating; the fold-in is left to do.
    #[inline(never)]
    fn take_rating(
        &mut self,
        model: &Model<'m>,
        who: &Who,
        movie: u32,
        stars: f32,
    ) -> Result<(), Why> {
        movie_row(model, movie)?;
        if !is_on(model.scale(), stars) {
            return Err(Why::OffScale);
        }
        let (owner, profile) = self.known(who)?;
        let log = profile.log();
        log.check(movie).map_err(why)?;
        let rating = Rating::new(movie, stars, log.next_sequence()).ok_or(Why::OffScale)?;
        self.make(owner, Change::Rated(rating))
    }

    /// Starts to fold an owner's ratings in.
    #[inline(never)]
    fn learn(&mut self, model: &Model<'m>, owner: u8, then: Then) -> Answer<'m> {
        self.begin(Work::Learn(Learning {
            owner,
            fold: FoldIn::new(model),
            then,
        }))
    }

    /// Keeps and makes a change that was checked.
    fn make(&mut self, owner: u8, change: Change) -> Result<(), Why> {
        self.keep(owner, change)?;
        if let Some(profile) = self.profiles.get_mut(usize::from(owner)) {
            profile.log_mut().apply(change);
        }
        Ok(())
    }

    #[inline(never)]
    pub(super) fn import(
        &mut self,
        model: &Model<'m>,
        who: &Who,
        ratings: Option<&[(u32, f32)]>,
    ) -> Answer<'m> {
        let owner = self.owner(who)?;
        let mut taken = match self.done() {
            Some(Done::Changes(before)) => before,
            _ => 0,
        };
        let mut refused = None;
        let left = ratings.ok_or(Why::ListTooLong)?.iter();
        for &(movie, stars) in left.skip(taken.into()) {
            if let Err(why) = self.take_rating(model, who, movie, stars) {
                refused = Some(self.refusal(why));
                break;
            }
            taken = taken.wrapping_add(1);
        }
        self.learn(model, owner, Then::Imported { taken, refused })
    }

    #[inline(never)]
    pub(super) fn undo(&mut self, model: &Model<'m>, who: &Who) -> Answer<'m> {
        let (owner, profile) = self.known(who)?;
        if let Some(Done::Undone(undo)) = self.done() {
            return Ok(Some(undone(undo, profile.log())));
        }
        let undo = profile.log().last().map_err(why)?;
        self.make(owner, Change::Undone)?;
        self.learn(model, owner, Then::Undone(undo))
    }

    #[inline(never)]
    pub(super) fn forget(&mut self, model: &Model<'m>, who: &Who, movie: u32) -> Answer<'m> {
        let (owner, profile) = self.known(who)?;
        if self.done().is_some() {
            let ratings = profile.log().ratings().len() as u32;
            return Ok(Some(Reply::Forgotten { ratings }));
        }
        if !profile.log().knows(movie) {
            return Err(Why::NotRated(movie));
        }
        self.make(owner, Change::Forgot(movie))?;
        self.learn(model, owner, Then::Forgotten)
    }

    #[inline(never)]
    pub(super) fn suggest(&mut self, model: &Model<'m>, who: &Who, count: u8) -> Answer<'m> {
        let owner = self.owner(who)?;
        let search = Suggest::keeping(list_length(count)?);
        self.learn(model, owner, Then::Suggested { search })
    }

    #[inline(never)]
    pub(super) fn explain(&mut self, model: &Model<'m>, who: &Who, movie: u32) -> Answer<'m> {
        let (row, explained) = self.explained(model, who, movie)?;
        let Who::Owner(owner) = *who else {
            return Ok(Some(Reply::Explained(explained)));
        };
        let then = Then::Explained {
            explained,
            row,
            influence: None,
            at: 0,
        };
        self.learn(model, owner, then)
    }
}

#[cfg(not(feature = "learn"))]
impl<'m, const OWNERS: usize, const LOG: usize, S: Store> Service<'m, OWNERS, LOG, S> {
    pub(super) fn rate(&self, _: &Model<'m>, _: &Who, _: u32, _: f32) -> Answer<'m> {
        Err(Why::NotSupported)
    }

    pub(super) fn import(&self, _: &Model<'m>, _: &Who, _: Option<&[(u32, f32)]>) -> Answer<'m> {
        Err(Why::NotSupported)
    }

    pub(super) fn undo(&self, _: &Model<'m>, _: &Who) -> Answer<'m> {
        Err(Why::NotSupported)
    }

    pub(super) fn forget(&self, _: &Model<'m>, _: &Who, _: u32) -> Answer<'m> {
        Err(Why::NotSupported)
    }

    pub(super) fn suggest(&self, _: &Model<'m>, _: &Who, count: u8) -> Answer<'m> {
        list_length(count)?;
        Err(Why::NotSupported)
    }

    pub(super) fn explain(&self, model: &Model<'m>, who: &Who, movie: u32) -> Answer<'m> {
        let (_, explained) = self.explained(model, who, movie)?;
        Ok(Some(Reply::Explained(explained)))
    }
}

/// The changes that lead to what all profiles are now, and what the last request has done.
fn live<const LOG: usize>(
    profiles: &[Profile<LOG>],
    last: Option<Last>,
) -> impl Iterator<Item = Record> + '_ {
    let changes = (0..=u8::MAX).zip(profiles).flat_map(|(owner, profile)| {
        let changes = profile.log().changes();
        changes.map(move |change| Record {
            owner,
            change,
            asked: Asked::default(),
        })
    });
    changes.chain(last.map(|Last { asked, done }| Record {
        owner: 0,
        change: Change::Did(done),
        asked,
    }))
}

impl Last {
    /// What is remembered behind `record`, which is about to change `log`.
    fn after<const LOG: usize>(
        last: Option<Self>,
        record: &Record,
        log: &Log<LOG>,
    ) -> Option<Self> {
        let asked = record.asked;
        let done = match record.change {
            Change::Live(_) | Change::Undoable(_) => return last,
            Change::Did(done) => done,
            Change::Undone => log.last().map_or(Done::Changes(1), Done::Undone),
            Change::Rated(_) | Change::Forgot(_) | Change::ForgotAll => {
                let before = match last.filter(|last| last.asked == asked) {
                    Some(Self {
                        done: Done::Changes(count),
                        ..
                    }) => count,
                    _ => 0,
                };
                Done::Changes(before.saturating_add(1))
            }
        };
        Some(Self { asked, done })
    }
}

/// The answer to an `Undo` that led to `log`.
#[cfg(feature = "learn")]
fn undone<'m, const LOG: usize>(undo: Undo, log: &Log<LOG>) -> Reply<'m> {
    let tag = undo.before;
    Reply::Undone {
        movie: undo.movie,
        stars: tag.map(|tag| Rating::from_words(undo.movie, tag).stars()),
        ratings: log.ratings().len() as u32,
    }
}

#[cfg(feature = "learn")]
fn why(error: LogError) -> Why {
    match error {
        LogError::Full => Why::LogFull,
        LogError::NotRated(movie) => Why::NotRated(movie),
        LogError::NothingToUndo => Why::NothingToUndo,
    }
}

/// A fold-in under way, and what it is for.
#[cfg(feature = "learn")]
pub(super) struct Learning {
    owner: u8,
    fold: FoldIn,
    then: Then,
}

/// What a fold-in is for.
#[cfg(feature = "learn")]
enum Then {
    /// What was predicted before a rating that was taken out for it.
    RatedBefore {
        row: u32,
        rating: Rating,
    },
    Rated {
        row: u32,
        before: f32,
    },
    Imported {
        taken: u8,
        refused: Option<Refusal>,
    },
    Undone(Undo),
    Forgotten,
    Suggested {
        search: Suggest<MAX_LIST>,
    },
    Explained {
        explained: Explained,
        row: u32,
        influence: Option<Influence>,
        at: u32,
    },
}

#[cfg(feature = "learn")]
impl Learning {
    pub(super) fn owner(&self) -> u8 {
        self.owner
    }

    /// Whether the row has to follow ratings that have changed.
    pub(super) fn must_end(&self) -> bool {
        !matches!(self.then, Then::Suggested { .. } | Then::Explained { .. })
    }

    /// One slice of work, of the time that `slice` movies take to be scored.
    pub(super) fn advance<const LOG: usize>(
        &mut self,
        model: &Model<'_>,
        profile: &mut Profile<LOG>,
        slice: u32,
    ) -> Progress {
        let log = profile.log().ratings();
        let slice = slice / RATING_COST;
        let mut total = self.fold.total(model, log);
        let behind = match &self.then {
            Then::Suggested { .. } => model.movies(),
            Then::Explained { .. } => log.len() as u32,
            _ => 0,
        };
        total = total.saturating_add(behind);
        let progress = self.fold.advance(model, log, slice);
        if let Then::RatedBefore { row, rating } = self.then
            && progress.is_done()
        {
            return self.put_back(model, profile, row, rating);
        }
        if !progress.is_done() || behind == 0 {
            return Progress { total, ..progress };
        }
        let further = match &mut self.then {
            Then::Suggested { search } => {
                let unseen = |movie| profile.log().get(movie).is_none();
                search.advance(model, &self.fold, unseen, slice).done
            }
            Then::Explained {
                explained,
                row,
                influence,
                at,
            } => {
                let influence =
                    *influence.get_or_insert_with(|| Influence::on(model, &self.fold, *row));
                for rating in log.iter().skip(*at as usize).take(slice.max(1) as usize) {
                    let because = Because {
                        movie: rating.movie(),
                        stars: rating.stars(),
                        moved: influence.of(model, &self.fold, *rating),
                    };
                    keep_strongest(&mut explained.because, because);
                    *at = at.wrapping_add(1);
                }
                *at
            }
            _ => 0,
        };
        Progress {
            done: progress.done.saturating_add(further),
            total,
        }
    }

    /// Predicts without a rating that was taken out, puts it back in, and begins to fold that in.
    #[inline(never)]
    fn put_back<const LOG: usize>(
        &mut self,
        model: &Model<'_>,
        profile: &mut Profile<LOG>,
        row: u32,
        rating: Rating,
    ) -> Progress {
        let user = self.fold.private().state(model);
        let before = model.scale().hold(model.score(&user, row));
        profile.log_mut().apply(Change::Rated(rating));
        self.fold = FoldIn::new(model);
        self.then = Then::Rated { row, before };
        Progress { done: 0, total: 1 }
    }

    /// Hands the row over and says what there is to say.
    pub(super) fn finish<'m, const LOG: usize>(
        &self,
        model: &Model<'m>,
        profile: &mut Profile<LOG>,
    ) -> Reply<'m> {
        if self.must_end() {
            profile.set_private(self.fold.private());
        }
        let ratings = profile.log().ratings().len() as u32;
        let scale = model.scale();
        match &self.then {
            Then::Rated { row, before } => Reply::Rated {
                before: *before,
                after: scale.hold(model.score(&profile.private().state(model), *row)),
                ratings,
            },
            Then::Imported { taken, refused } => Reply::Imported {
                taken: *taken,
                refused: *refused,
                ratings,
            },
            Then::Undone(undo) => undone(*undo, profile.log()),
            // It goes on to what follows before it ends.
            Then::Forgotten | Then::RatedBefore { .. } => Reply::Forgotten { ratings },
            Then::Suggested { search } => {
                list(search.hits(), model, Some(&profile.private().state(model)))
            }
            Then::Explained { explained, .. } => Reply::Explained(explained.clone()),
        }
    }
}

/// Keeps the ratings that moved a prediction most, most first; of equals those that came first.
#[cfg(feature = "learn")]
fn keep_strongest(kept: &mut heapless::Vec<Because, MAX_BECAUSE>, new: Because) {
    use crate::numeric::magnitude;
    if magnitude(new.moved) <= 0.0 {
        return;
    }
    if kept.is_full() {
        let last = kept.last().map_or(0.0, |last| magnitude(last.moved));
        if magnitude(new.moved) <= last {
            return;
        }
        kept.pop();
    }
    // Room was made above, so this can't fail.
    let _ = kept.push(new);
    for at in (1..kept.len()).rev() {
        match kept.get_mut(at.wrapping_sub(1)..=at) {
            Some([a, b]) if magnitude(b.moved) > magnitude(a.moved) => core::mem::swap(a, b),
            _ => return,
        }
    }
}
