//! Lists: what begins one, and what becomes of its hits.

use super::refusal::Why;
use super::{Answer, Rated, Service, Work, movie_row};
use crate::ids::UserId;
use crate::list::List;
use crate::model::{Model, UserState};
use crate::rank::{Hit, Nearest, Ranking};
use crate::store::Store;
use crate::wire::{MAX_LIST, Ranked, Reply, Who};

impl<'m, const OWNERS: usize, const LOG: usize, S: Store> Service<'m, OWNERS, LOG, S> {
    #[inline(never)]
    pub(super) fn top(
        &mut self,
        model: &Model<'m>,
        who: &Who,
        count: u8,
        include_rated: bool,
    ) -> Answer<'m> {
        let mut user = UserState::EMPTY;
        self.user(model, who, &mut user)?;
        let rated = match *who {
            _ if include_rated => Rated::Nobodys,
            Who::Owner(owner) => Rated::Owners(owner),
            Who::ImageUser(id) => model
                .user_at(UserId(id))
                .map_or(Rated::Nobodys, |row| Rated::Users(row as u32)),
        };
        let ranking = Ranking::new(list_length(count)?, self.interest(model, who));
        self.lookup.clear();
        self.begin(
            model,
            Work::Top {
                rated,
                user,
                ranking,
            },
        )
    }

    #[inline(never)]
    pub(super) fn similar(&mut self, model: &Model<'m>, movie: u32, count: u8) -> Answer<'m> {
        let row = movie_row(model, movie)?;
        let ranking = Nearest::with_limit(list_length(count)?, model, row);
        self.begin(model, Work::Similar { ranking })
    }
}

pub(super) fn list_length(count: u8) -> Result<usize, Why> {
    let count = usize::from(count);
    if count > MAX_LIST {
        Err(Why::ListTooLong)
    } else {
        Ok(count)
    }
}

/// The movies of a ranking, with the stars that `user` would give them; without one, with what they were ranked by.
#[inline(never)]
pub(super) fn list<'m>(hits: &[Hit], model: &Model<'_>, user: Option<&UserState>) -> Reply<'m> {
    let mut list = List::new();
    for hit in hits {
        let stars = user.map(|user| model.predict_for(user, hit.movie));
        // A ranking keeps at most a list's length.
        let _ = list.push(Ranked {
            movie: hit.movie.0,
            score: hit.score,
            // A hit is a movie of the model.
            stars: stars.and_then(Result::ok).unwrap_or(hit.score),
        });
    }
    Reply::Movies(list)
}
