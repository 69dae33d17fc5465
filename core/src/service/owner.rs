//! What a service does for an owner: rate, undo, forget, suggest, explain, and keep it all.
//!
//! A change is kept before it is made, and made before the row is folded in anew; the reply comes last. So what was
//! acknowledged outlives a power cut, and what wasn't may have been made or not, but nothing in between.

use super::{Answer, Service, list_length};
#[cfg(feature = "learn")]
use super::{Work, list};
use crate::interest::Interest;
#[cfg(feature = "learn")]
use crate::learn::{FoldIn, suggest::Suggest, why::Influence};
use crate::model::{Model, UserState};
#[cfg(feature = "learn")]
use crate::profile::{LogError, Rating, is_on};
use crate::profile::{Private, Profile, UNDO_DEPTH};
#[cfg(feature = "learn")]
use crate::rank::Progress;
use crate::store::{Change, Record, Store, StoreError};
#[cfg(feature = "learn")]
use crate::wire::{Because, MAX_BECAUSE, MAX_LIST};
use crate::wire::{
    Explained, Owners, ProfileReply, RatingEntry, RatingsReply, Refusal, Reply, StorageState, Who,
};

/// Movies scored in the time that one rating takes to be folded in: a forward pass with its parts, a backward
/// pass and the belief.
#[cfg(feature = "learn")]
const RATING_COST: u32 = 4;

impl<'m, const OWNERS: usize, const LOG: usize, S: Store> Service<'m, OWNERS, LOG, S> {
    /// Takes the profiles from the store: once, after [`before_recall`](Self::before_recall).
    #[inline(never)]
    pub fn recall(&mut self) {
        let (store, profiles) = (&mut self.store, &mut self.profiles);
        store.replay(&mut |record| {
            // A firmware with fewer owners leaves the others' records alone until the next compaction.
            if let Some(profile) = profiles.get_mut(usize::from(record.owner)) {
                profile.log_mut().apply(record.change);
            }
        });
        if self.store.owes_compaction() {
            // If flash doesn't do it, Storage tells.
            let _ = self.store.compact(&mut live(&self.profiles));
        }
        #[cfg(feature = "learn")]
        if let Ok(model) = &self.model {
            for profile in &mut self.profiles {
                profile.learn(model);
            }
        }
    }

    /// Keeps a change, with a compaction where there is no room for it.
    fn keep(&mut self, owner: u8, change: Change) -> Result<(), Refusal> {
        let record = Record { owner, change };
        let kept = match self.store.append(record) {
            Err(StoreError::Full) => self
                .store
                .make_room(&mut live(&self.profiles))
                .and_then(|()| self.store.append(record)),
            kept => kept,
        };
        kept.map_err(|_| Refusal::StorageFailed)
    }

    pub(super) fn compact(&mut self) -> Result<Reply<'m>, Refusal> {
        let compacted = self.store.compact(&mut live(&self.profiles));
        compacted.map_err(|_| Refusal::StorageFailed)?;
        Ok(Reply::Storage(self.store.report()))
    }

    pub(super) fn forget_me(&mut self, who: Who) -> Result<Reply<'m>, Refusal> {
        let owner = owner_of(who)?;
        let place = usize::from(owner);
        self.profiles
            .get(place)
            .ok_or(Refusal::UnknownOwner(owner))?;
        self.keep(owner, Change::ForgotAll)?;
        if let Some(profile) = self.profiles.get_mut(place) {
            *profile = Profile::new(self.model.as_ref().ok());
        }
        let erased = self.store.compact(&mut live(&self.profiles));
        erased.map_err(|_| Refusal::StorageFailed)?;
        Ok(Reply::Forgotten { ratings: 0 })
    }

    pub(super) fn owners(&self) -> Owners {
        let stored = match self.store.report().state {
            StorageState::Flash | StorageState::Formatted => 16,
            StorageState::Absent | StorageState::Failed => 0,
        };
        let mut owners = Owners {
            owners: OWNERS as u8,
            capacity: LOG as u16,
            ram: size_of::<Profile<LOG>>() as u16,
            flash: (stored * (LOG + UNDO_DEPTH)) as u16,
            ratings: [0; 8],
            unused: [0; 8],
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

    pub(super) fn ratings(&self, who: Who, first: u16) -> Result<Reply<'m>, Refusal> {
        let owner = owner_of(who)?;
        let profile = self
            .profiles
            .get(usize::from(owner))
            .ok_or(Refusal::UnknownOwner(owner))?;
        let all = profile.log().ratings();
        let mut ratings = heapless::Vec::new();
        for rating in all.iter().skip(usize::from(first)) {
            let entry = RatingEntry {
                movie: rating.movie(),
                stars: rating.stars(),
                used: self
                    .model
                    .as_ref()
                    .is_ok_and(|model| rating.row(model).is_some()),
            };
            if ratings.push(entry).is_err() {
                break;
            }
        }
        Ok(Reply::Ratings(RatingsReply {
            total: all.len() as u16,
            ratings,
        }))
    }

    fn owner(&self, owner: u8) -> Result<&Profile<LOG>, Refusal> {
        self.profile(owner).ok_or(Refusal::UnknownOwner(owner))
    }

    /// The row and bias of an owner or of a user of the image, and the number of ratings behind an owner's.
    fn private(&self, model: &Model<'m>, who: Who) -> Result<(Private, u32), Refusal> {
        match who {
            Who::Owner(owner) => {
                let profile = self.owner(owner)?;
                Ok((*profile.private(), profile.log().ratings().len() as u32))
            }
            Who::ImageUser(id) => {
                let (row, bias) = model.user_row(id)?;
                Ok((Private { row, bias }, 0))
            }
        }
    }

    pub(super) fn user(&self, model: &Model<'m>, who: Who) -> Result<UserState, Refusal> {
        match who {
            Who::Owner(owner) => Ok(self.owner(owner)?.private().state(model)),
            Who::ImageUser(id) => Ok(model.user(id)?),
        }
    }

    /// What somebody looks for, by an owner's own ratings.
    pub(super) fn interest(&self, model: &Model<'m>, who: Who) -> Result<Interest, Refusal> {
        match who {
            #[cfg(feature = "learn")]
            Who::Owner(owner) => Ok(model.interest_of_ratings(self.owner(owner)?.log().ratings())),
            #[cfg(not(feature = "learn"))]
            Who::Owner(_) => Ok(Interest::NONE),
            Who::ImageUser(id) => Ok(model.interest_of_user(id)?),
        }
    }

    pub(super) fn profile_reply(
        &self,
        model: &Model<'m>,
        who: Who,
    ) -> Result<ProfileReply, Refusal> {
        let (Private { row, bias }, ratings) = self.private(model, who)?;
        let mut reply = ProfileReply {
            ratings,
            bias,
            row: heapless::Vec::new(),
        };
        // A model's dimensions never pass the vector's capacity.
        let _ = reply
            .row
            .extend_from_slice(row.get(..model.user_dim()).unwrap_or_default());
        Ok(reply)
    }

    fn explained(&self, model: &Model<'m>, who: Who, movie: u32) -> Result<Explained, Refusal> {
        let user = self.user(model, who)?;
        let (Private { bias, .. }, _) = self.private(model, who)?;
        let row = model.movie_row(movie)?;
        let parts = model.explain(&user, row);
        Ok(Explained {
            stars: model.predict_for(&user, movie)?,
            mean: model.scale().mean,
            user_bias: bias,
            movie_bias: parts.movie_bias,
            dot: parts.dot,
            mlp: parts.mlp,
            because: heapless::Vec::new(),
        })
    }
}

#[cfg(feature = "learn")]
impl<'m, const OWNERS: usize, const LOG: usize, S: Store> Service<'m, OWNERS, LOG, S> {
    pub(super) fn rate(
        &mut self,
        model: &Model<'m>,
        who: Who,
        movie: u32,
        stars: f32,
    ) -> Result<Answer<'m>, Refusal> {
        let owner = owner_of(who)?;
        let before = self.owner(owner)?.private().state(model);
        let row = model.movie_row(movie)?;
        self.take_rating(model, owner, movie, stars)?;
        let before = model.scale().hold(model.score(&before, row));
        Ok(learn(model, owner, Then::Rated { row, before }))
    }

    /// Keeps and makes one rating; the fold-in is left to do.
    fn take_rating(
        &mut self,
        model: &Model<'m>,
        owner: u8,
        movie: u32,
        stars: f32,
    ) -> Result<(), Refusal> {
        model.movie_row(movie)?;
        if !is_on(model.scale(), stars) {
            return Err(Refusal::OffScale);
        }
        let log = self.owner(owner)?.log();
        log.check(movie).map_err(refusal)?;
        let rating = Rating::new(movie, stars, log.next_sequence()).ok_or(Refusal::OffScale)?;
        self.make(owner, Change::Rated(rating))
    }

    /// Keeps and makes a change that was checked.
    fn make(&mut self, owner: u8, change: Change) -> Result<(), Refusal> {
        self.keep(owner, change)?;
        if let Some(profile) = self.profiles.get_mut(usize::from(owner)) {
            profile.log_mut().apply(change);
        }
        Ok(())
    }

    pub(super) fn import(
        &mut self,
        model: &Model<'m>,
        who: Who,
        ratings: Option<&[(u32, f32)]>,
    ) -> Result<Answer<'m>, Refusal> {
        let owner = owner_of(who)?;
        self.owner(owner)?;
        let mut taken = 0;
        let mut refused = None;
        for &(movie, stars) in ratings.ok_or(Refusal::ListTooLong)? {
            if let Err(why) = self.take_rating(model, owner, movie, stars) {
                refused = Some(why);
                break;
            }
            taken += 1;
        }
        Ok(learn(model, owner, Then::Imported { taken, refused }))
    }

    pub(super) fn undo(&mut self, model: &Model<'m>, who: Who) -> Result<Answer<'m>, Refusal> {
        let owner = owner_of(who)?;
        let undo = self.owner(owner)?.log().last().map_err(refusal)?;
        self.make(owner, Change::Undone)?;
        let stars = undo
            .before
            .map(|tag| Rating::from_words(undo.movie, tag).stars());
        let movie = undo.movie;
        Ok(learn(model, owner, Then::Undone { movie, stars }))
    }

    pub(super) fn forget(
        &mut self,
        model: &Model<'m>,
        who: Who,
        movie: u32,
    ) -> Result<Answer<'m>, Refusal> {
        let owner = owner_of(who)?;
        if !self.owner(owner)?.log().knows(movie) {
            return Err(Refusal::NotRated(movie));
        }
        self.make(owner, Change::Forgot(movie))?;
        Ok(learn(model, owner, Then::Forgotten))
    }

    pub(super) fn suggest(
        &mut self,
        model: &Model<'m>,
        who: Who,
        count: u8,
    ) -> Result<Answer<'m>, Refusal> {
        let owner = owner_of(who)?;
        self.owner(owner)?;
        let search = Suggest::keeping(list_length(count)?);
        Ok(learn(model, owner, Then::Suggested { search }))
    }

    pub(super) fn explain(
        &mut self,
        model: &Model<'m>,
        who: Who,
        movie: u32,
    ) -> Result<Answer<'m>, Refusal> {
        let explained = self.explained(model, who, movie)?;
        let Who::Owner(owner) = who else {
            return Ok(Answer::Now(Reply::Explained(explained)));
        };
        let row = model.movie_row(movie)?;
        let then = Then::Explained {
            explained,
            row,
            influence: None,
            at: 0,
        };
        Ok(learn(model, owner, then))
    }
}

#[cfg(not(feature = "learn"))]
impl<'m, const OWNERS: usize, const LOG: usize, S: Store> Service<'m, OWNERS, LOG, S> {
    pub(super) fn rate(
        &self,
        _: &Model<'m>,
        _: Who,
        _: u32,
        _: f32,
    ) -> Result<Answer<'m>, Refusal> {
        Err(Refusal::NotSupported)
    }

    pub(super) fn import(
        &self,
        _: &Model<'m>,
        _: Who,
        _: Option<&[(u32, f32)]>,
    ) -> Result<Answer<'m>, Refusal> {
        Err(Refusal::NotSupported)
    }

    pub(super) fn undo(&self, _: &Model<'m>, _: Who) -> Result<Answer<'m>, Refusal> {
        Err(Refusal::NotSupported)
    }

    pub(super) fn forget(&self, _: &Model<'m>, _: Who, _: u32) -> Result<Answer<'m>, Refusal> {
        Err(Refusal::NotSupported)
    }

    pub(super) fn suggest(&self, _: &Model<'m>, _: Who, count: u8) -> Result<Answer<'m>, Refusal> {
        list_length(count)?;
        Err(Refusal::NotSupported)
    }

    pub(super) fn explain(
        &self,
        model: &Model<'m>,
        who: Who,
        movie: u32,
    ) -> Result<Answer<'m>, Refusal> {
        let explained = self.explained(model, who, movie)?;
        Ok(Answer::Now(Reply::Explained(explained)))
    }
}

/// The changes that lead to what all profiles are now.
fn live<const LOG: usize>(profiles: &[Profile<LOG>]) -> impl Iterator<Item = Record> + '_ {
    (0..=u8::MAX).zip(profiles).flat_map(|(owner, profile)| {
        let changes = profile.log().changes();
        changes.map(move |change| Record { owner, change })
    })
}

fn owner_of(who: Who) -> Result<u8, Refusal> {
    match who {
        Who::Owner(owner) => Ok(owner),
        Who::ImageUser(_) => Err(Refusal::NotAnOwner),
    }
}

#[cfg(feature = "learn")]
fn refusal(error: LogError) -> Refusal {
    match error {
        LogError::Full => Refusal::LogFull,
        LogError::NotRated(movie) => Refusal::NotRated(movie),
        LogError::NothingToUndo => Refusal::NothingToUndo,
    }
}

/// Starts to fold an owner's ratings in.
#[cfg(feature = "learn")]
fn learn<'m>(model: &Model<'m>, owner: u8, then: Then) -> Answer<'m> {
    Answer::Later(Work::Learn(Learning {
        owner,
        fold: FoldIn::new(model),
        then,
    }))
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
    Rated {
        row: u32,
        before: f32,
    },
    Imported {
        taken: u8,
        refused: Option<Refusal>,
    },
    Undone {
        movie: u32,
        stars: Option<f32>,
    },
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
        profile: &Profile<LOG>,
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
            Then::Undone { movie, stars } => Reply::Undone {
                movie: *movie,
                stars: *stars,
                ratings,
            },
            Then::Forgotten => Reply::Forgotten { ratings },
            Then::Suggested { search } => {
                let user = profile.private().state(model);
                let stars = |hit: &crate::rank::Hit| {
                    let row = model.movie_ids().row(hit.movie);
                    row.map_or(0.0, |row| scale.hold(model.score(&user, row)))
                };
                Reply::Movies(list(search.hits(), stars))
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
