//! What a service does for an owner: rate, undo, forget, suggest and explain.

#[cfg(feature = "learn")]
use super::Work;
#[cfg(feature = "learn")]
use super::learning::{Learning, Then, undone};
use super::refusal::Why;
use super::{Answer, Service, list_length, movie_row};
#[cfg(feature = "learn")]
use crate::ids::MovieId;
use crate::ids::UserId;
#[cfg(feature = "learn")]
use crate::learn::suggest::Suggest;
use crate::list::List;
use crate::model::{Interest, Model, UserState};
#[cfg(feature = "learn")]
use crate::profile::{LogError, is_on};
use crate::profile::{Private, Profile, Rating, UNDO_DEPTH};
use crate::store::Store;
use crate::store::flash::RECORD;
#[cfg(feature = "learn")]
use crate::store::{Change, Done};
use crate::wire::{
    Explained, MAX_OWNERS, Owners, ProfileReply, RatingEntry, RatingsReply, Reply, StorageState,
    Who,
};

impl<'m, const OWNERS: usize, const LOG: usize, S: Store> Service<'m, OWNERS, LOG, S> {
    pub(super) fn owners(&self) -> Owners {
        let stored = match self.store.report().state {
            StorageState::Flash | StorageState::Formatted => RECORD as usize,
            _ => 0,
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
                joined!(model, self.added);
                *unused = profile.unused(model) as u16;
            }
        }
        owners
    }

    #[inline(never)]
    pub(super) fn ratings(&self, who: &Who, first: u16) -> Answer<'m> {
        let (_, profile) = self.known(who)?;
        let all = profile.log().ratings();
        let mut reply = RatingsReply {
            total: all.len() as u16,
            ratings: List::new(),
        };
        let is_used = |rating: Rating| {
            self.model.as_ref().is_ok_and(|model| {
                joined!(model, self.added);
                rating.row(model).is_some()
            })
        };
        for rating in all.get(usize::from(first)..).unwrap_or_default() {
            let entry = RatingEntry {
                movie: rating.movie().0,
                stars: rating.stars(),
                used: is_used(*rating),
            };
            if reply.ratings.push(entry).is_err() {
                break;
            }
        }
        Ok(Some(Reply::Ratings(reply)))
    }

    /// The number of an owner that there is.
    pub(super) fn owner(&self, who: &Who) -> Result<u8, Why> {
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

    /// The state of somebody, in an empty one's place.
    #[inline(never)]
    pub(super) fn user(
        &self,
        model: &Model<'_>,
        who: &Who,
        state: &mut UserState,
    ) -> Result<(), Why> {
        if let Who::ImageUser(id) = *who {
            return model
                .set_user(state, UserId(id))
                .map_err(|_| Why::UnknownUser(id));
        }
        let (_, profile) = self.known(who)?;
        let Private { row, bias } = profile.private();
        model.set_state(state, row, *bias);
        Ok(())
    }

    /// What somebody that there is looks for, by an owner's own ratings.
    #[inline(never)]
    pub(super) fn interest(&self, model: &Model<'_>, who: &Who) -> Interest {
        match *who {
            #[cfg(feature = "learn")]
            Who::Owner(_) => self.known(who).map_or(Interest::NONE, |(_, profile)| {
                let mean = model.scale().mean + profile.private().bias;
                model.interest_of_ratings(profile.log().ratings(), mean)
            }),
            #[cfg(not(feature = "learn"))]
            Who::Owner(_) => Interest::NONE,
            Who::ImageUser(id) => model.interest_of_user(UserId(id)).unwrap_or(Interest::NONE),
        }
    }

    /// The row and the bias of somebody that there is, and the number of ratings behind an owner's.
    #[inline(never)]
    fn row(&self, model: &Model<'_>, who: &Who) -> Result<ProfileReply, Why> {
        let mut reply = ProfileReply {
            ratings: 0,
            bias: 0.0,
            row: List::new(),
        };
        let row;
        if let Who::ImageUser(id) = *who {
            (row, reply.bias) = model
                .user_row(UserId(id))
                .map_err(|_| Why::UnknownUser(id))?;
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

    pub(super) fn profile_reply(&self, model: &Model<'_>, who: &Who) -> Answer<'m> {
        Ok(Some(Reply::Profile(self.row(model, who)?)))
    }

    #[inline(never)]
    fn explained(&self, model: &Model<'_>, who: &Who, movie: u32) -> Result<(u32, Explained), Why> {
        let mut user = UserState::EMPTY;
        self.user(model, who, &mut user)?;
        let row = movie_row(model, movie)?;
        let parts = model.explain(&user, row);
        let scale = model.scale();
        let explained = Explained {
            stars: scale.clamp(model.score(&user, row)),
            mean: scale.mean,
            user_bias: self.row(model, who)?.bias,
            movie_bias: parts.movie_bias,
            dot: parts.dot,
            mlp: parts.mlp,
            because: List::new(),
        };
        Ok((row, explained))
    }
}

#[cfg(feature = "learn")]
impl<'m, const OWNERS: usize, const LOG: usize, S: Store> Service<'m, OWNERS, LOG, S> {
    #[inline(never)]
    pub(super) fn rate(
        &mut self,
        model: &Model<'_>,
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
        let before = model.scale().clamp(model.score(&user, row));
        self.learn(model, owner, Then::Rated { row, before })
    }

    /// Takes the owner's last rating out of RAM, if it is this one: what was predicted before it is asked for again.
    /// It goes back in when that is known.
    fn take_out(&mut self, owner: u8, movie: u32, stars: f32) -> Option<Rating> {
        let log = self.profiles.get_mut(usize::from(owner))?.log_mut();
        let rating = log.get(MovieId(movie))?;
        if rating.stars() != stars || log.last().ok()?.movie != MovieId(movie) {
            return None;
        }
        log.undo().ok()?;
        Some(rating)
    }

    /// Keeps and makes one rating; the fold-in is left to do.
    #[inline(never)]
    fn take_rating(
        &mut self,
        model: &Model<'_>,
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
        log.check(MovieId(movie)).map_err(why)?;
        let rating =
            Rating::new(MovieId(movie), stars, log.next_sequence()).ok_or(Why::OffScale)?;
        self.make(owner, Change::Rated(rating))
    }

    /// Starts to fold an owner's ratings in.
    #[inline(never)]
    pub(super) fn learn(&mut self, model: &Model<'_>, owner: u8, then: Then) -> Answer<'m> {
        self.begin(model, Work::Learn(Learning::new(model, owner, then)))
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
        model: &Model<'_>,
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
                if self.is_deferred(why) {
                    return Err(why);
                }
                refused = Some(self.refusal(why));
                break;
            }
            taken = taken.wrapping_add(1);
        }
        self.learn(model, owner, Then::Imported { taken, refused })
    }

    #[inline(never)]
    pub(super) fn undo(&mut self, model: &Model<'_>, who: &Who) -> Answer<'m> {
        let (owner, profile) = self.known(who)?;
        if let Some(Done::Undone(undo)) = self.done() {
            return Ok(Some(undone(undo, profile.log())));
        }
        let undo = profile.log().last().map_err(why)?;
        self.make(owner, Change::Undone)?;
        self.learn(model, owner, Then::Undone(undo))
    }

    #[inline(never)]
    pub(super) fn forget(&mut self, model: &Model<'_>, who: &Who, movie: u32) -> Answer<'m> {
        let (owner, profile) = self.known(who)?;
        if self.done().is_some() {
            let ratings = profile.log().ratings().len() as u32;
            return Ok(Some(Reply::Forgotten { ratings }));
        }
        if !profile.log().knows(MovieId(movie)) {
            return Err(Why::NotRated(movie));
        }
        self.make(owner, Change::Forgot(MovieId(movie)))?;
        self.learn(model, owner, Then::Forgotten)
    }

    #[inline(never)]
    pub(super) fn suggest(&mut self, model: &Model<'_>, who: &Who, count: u8) -> Answer<'m> {
        let owner = self.owner(who)?;
        let search = Suggest::with_limit(list_length(count)?);
        self.learn(model, owner, Then::Suggested { search })
    }

    #[inline(never)]
    pub(super) fn explain(&mut self, model: &Model<'_>, who: &Who, movie: u32) -> Answer<'m> {
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

    #[cfg(feature = "odds")]
    #[inline(never)]
    pub(super) fn likely(&mut self, model: &Model<'_>, who: &Who, movie: u32) -> Answer<'m> {
        let row = movie_row(model, movie)?;
        let Who::ImageUser(id) = *who else {
            let owner = self.owner(who)?;
            return self.learn(model, owner, Then::Likely { row });
        };
        let mut user = UserState::EMPTY;
        self.user(model, who, &mut user)?;
        let deviation = model.deviation_of_user(UserId(id));
        let interval = deviation.and_then(|deviation| model.interval(&user, row, deviation));
        Ok(Some(Reply::Likely(interval)))
    }
}

#[cfg(not(all(feature = "learn", feature = "odds")))]
impl<'m, const OWNERS: usize, const LOG: usize, S: Store> Service<'m, OWNERS, LOG, S> {
    pub(super) fn likely(&self, _: &Model<'_>, _: &Who, _: u32) -> Answer<'m> {
        Err(Why::NotSupported)
    }
}

#[cfg(not(feature = "learn"))]
impl<'m, const OWNERS: usize, const LOG: usize, S: Store> Service<'m, OWNERS, LOG, S> {
    pub(super) fn rate(&self, _: &Model<'_>, _: &Who, _: u32, _: f32) -> Answer<'m> {
        Err(Why::NotSupported)
    }

    pub(super) fn import(&self, _: &Model<'_>, _: &Who, _: Option<&[(u32, f32)]>) -> Answer<'m> {
        Err(Why::NotSupported)
    }

    pub(super) fn undo(&self, _: &Model<'_>, _: &Who) -> Answer<'m> {
        Err(Why::NotSupported)
    }

    pub(super) fn forget(&self, _: &Model<'_>, _: &Who, _: u32) -> Answer<'m> {
        Err(Why::NotSupported)
    }

    pub(super) fn suggest(&self, _: &Model<'_>, _: &Who, count: u8) -> Answer<'m> {
        list_length(count)?;
        Err(Why::NotSupported)
    }

    pub(super) fn explain(&self, model: &Model<'_>, who: &Who, movie: u32) -> Answer<'m> {
        let (_, explained) = self.explained(model, who, movie)?;
        Ok(Some(Reply::Explained(explained)))
    }
}

#[cfg(feature = "learn")]
fn why(error: LogError) -> Why {
    match error {
        LogError::Full => Why::LogFull,
        LogError::NotRated(movie) => Why::NotRated(movie.0),
        LogError::NothingToUndo => Why::NothingToUndo,
    }
}
