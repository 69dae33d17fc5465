//! Movies that a host adds to the image: kept in the log part by part, and ranked like any other from the last part on.

#[cfg(feature = "learn")]
use super::Port;
#[cfg(feature = "learn")]
use super::learning::Then;
use super::refusal::Why;
use super::{Answer, Service};
use crate::ids::MovieId;
#[cfg(feature = "learn")]
use crate::numeric::walk::numbered;
use crate::store::{Change, Store};
use crate::wire::{Added, Entry, Refusal, Reply};

impl<'m, const OWNERS: usize, const LOG: usize, S: Store> Service<'m, OWNERS, LOG, S> {
    /// How many there are, and one of them.
    pub(super) fn added_at(&self, at: u8) -> Added {
        let entry = self.added.entry(at.into()).unwrap_or_default();
        Added {
            movies: self.added.len() as u8,
            room: self.added.room() as u8,
            dropped: self.added.dropped(),
            entry: entry.iter().copied().collect(),
        }
    }

    fn last_added(&self) -> Reply<'m> {
        Reply::Added(self.added_at(self.added.len().saturating_sub(1) as u8))
    }

    #[inline(never)]
    pub(super) fn add_movie(&mut self, image: u32, entry: &Entry) -> Answer<'m> {
        let model = self.model.map_err(|_| Why::NoModel)?;
        let own = model.header().crc;
        if image != own {
            return Ok(Some(Reply::Refused(Refusal::OtherImage(own))));
        }
        if self.added.has(entry) {
            return Ok(Some(self.last_added()));
        }
        if let Err(why) = self.added.check(&model, entry) {
            return Ok(Some(Reply::Refused(why.into())));
        }
        loop {
            // Where this was begun before, what was kept is taken up.
            let record = self.added.next(entry);
            self.keep(record.owner, record.change)?;
            self.added.take_back(Some(&model), &record);
            if matches!(record.change, Change::Added { .. }) {
                break;
            }
        }
        self.learn_anew(self.added_id(), 0)
    }

    /// The id of the last one.
    fn added_id(&self) -> MovieId {
        let last = self.added.len().saturating_sub(1);
        self.added.id(last).unwrap_or_default()
    }

    #[inline(never)]
    pub(super) fn remove_movie(&mut self, movie: u32) -> Answer<'m> {
        let id = MovieId(movie);
        if self.done().is_none() {
            let mut ids = (0..self.added.len()).filter_map(|at| self.added.id(at));
            if !ids.any(|added| added == id) {
                return Ok(Some(Reply::Refused(Refusal::NotAdded(movie))));
            }
            self.keep(0, Change::Removed(id))?;
            self.added.remove(id);
        }
        self.learn_anew(id, 0)
    }

    /// Begins to fold in the ratings of the first owner, from one on, who has rated a movie that came or went.
    #[cfg(feature = "learn")]
    #[inline(never)]
    fn learn_anew(&mut self, movie: MovieId, from: u8) -> Answer<'m> {
        let mut owners = numbered(&self.profiles, 0);
        let owner = owners.find(|(owner, profile)| {
            *owner >= usize::from(from) && profile.log().get(movie).is_some()
        });
        match (owner, self.model) {
            (Some((owner, _)), Ok(image)) => {
                let model = &image;
                joined!(model, self.added);
                self.learn(model, owner as u8, Then::Grown(movie))
            }
            _ => Ok(Some(self.last_added())),
        }
    }

    #[cfg(not(feature = "learn"))]
    fn learn_anew(&mut self, _: MovieId, _: u8) -> Answer<'m> {
        Ok(Some(self.last_added()))
    }

    /// Hands over the row of an owner who has learned of a movie that came or went, and goes on to the next.
    #[cfg(feature = "learn")]
    #[inline(never)]
    pub(super) fn finish_growing(&mut self, movie: MovieId, port: &mut impl Port) {
        let Some(job) = self.job.take() else { return };
        let mut next = 0;
        if let super::Work::Learn(learning) = &job.work {
            next = learning.owner().saturating_add(1);
            if let (Ok(image), Some(profile)) = (
                &self.model,
                self.profiles.get_mut(usize::from(learning.owner())),
            ) {
                let _: Reply<'_> = learning.finish(image, profile);
            }
        }
        if let Ok(Some(reply)) = self.learn_anew(movie, next) {
            port.working(false);
            return self.kept.answer(job.asked, &reply, port);
        }
        if let Some(next) = &mut self.job {
            next.heard = job.heard;
        }
    }
}
