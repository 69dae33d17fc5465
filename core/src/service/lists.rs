//! Lists: what begins one, and what becomes of its hits.

use super::refusal::Why;
use super::{Answer, Rated, Service, Work, movie_row};
use crate::ids::UserId;
use crate::list::List;
use crate::model::{Model, UserState, Wanted};
use crate::rank::{Agreement, Hit, Nearest, Order, Ranking};
use crate::store::Store;
use crate::wire::{MAX_LIST, Ranked, Reply, Who};
#[cfg(feature = "together")]
use crate::{
    kernels::Costs,
    profile::Profile,
    rank::{Progress, TopForTwo},
    wire::Shared,
};

impl<'m, const OWNERS: usize, const LOG: usize, S: Store> Service<'m, OWNERS, LOG, S> {
    #[inline(never)]
    pub(super) fn top(
        &mut self,
        model: &Model<'_>,
        who: &Who,
        (count, include_rated, include_below): (u8, bool, bool),
        (order, wanted): (Order, &Wanted),
    ) -> Answer<'m> {
        let mut user = UserState::EMPTY;
        self.user(model, who, &mut user)?;
        let rated = match include_rated {
            true => Rated::Nobodys,
            false => Rated::by(model, who),
        };
        can_filter(model, wanted)?;
        can_sort(model, order)?;
        let ranking = Ranking::new(list_length(count)?, self.interest(model, who));
        let ranking = ranking.of(*wanted, include_below);
        #[cfg(feature = "orders")]
        let ranking = ranking.by(order);
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

    #[cfg(feature = "together")]
    #[inline(never)]
    pub(super) fn together(
        &mut self,
        model: &Model<'_>,
        [who, with]: [&Who; 2],
        (count, agreement): (u8, Agreement),
        (order, wanted): (Order, &Wanted),
    ) -> Answer<'m> {
        let mut users = [UserState::EMPTY; 2];
        let [user, other] = &mut users;
        self.user(model, who, user)?;
        self.user(model, with, other)?;
        can_filter(model, wanted)?;
        can_sort(model, order)?;
        let interests = [self.interest(model, who), self.interest(model, with)];
        let ranking = TopForTwo::with_limit(list_length(count)?, agreement, interests);
        #[cfg(feature = "orders")]
        let ranking = ranking.with_order(order);
        let work = ForTwo {
            rated: [Rated::by(model, who), Rated::by(model, with)],
            users,
            ranking: ranking.with_wanted(*wanted),
        };
        self.begin(model, Work::Together(work))
    }

    #[cfg(not(feature = "together"))]
    pub(super) fn together(
        &self,
        _: &Model<'_>,
        _: [&Who; 2],
        _: (u8, Agreement),
        _: (Order, &Wanted),
    ) -> Answer<'m> {
        Err(Why::NotSupported)
    }

    #[inline(never)]
    pub(super) fn similar(&mut self, model: &Model<'_>, movie: u32, count: u8) -> Answer<'m> {
        let row = movie_row(model, movie)?;
        let ranking = Nearest::with_limit(list_length(count)?, model, row);
        self.begin(model, Work::Similar { ranking })
    }
}

/// A list for two that is being made.
#[cfg(feature = "together")]
pub(super) struct ForTwo {
    rated: [Rated; 2],
    users: [UserState; 2],
    ranking: TopForTwo<MAX_LIST>,
}

#[cfg(feature = "together")]
impl ForTwo {
    #[inline(never)]
    pub(super) fn advance<const LOG: usize>(
        &mut self,
        model: &Model<'_>,
        profiles: &[Profile<LOG>],
        movies: u32,
    ) -> Progress {
        let [user, other] = &self.users;
        let rated = self.rated;
        let unseen = |movie| !rated.iter().any(|rated| rated.has(model, profiles, movie));
        self.ranking.advance(model, [user, other], unseen, movies)
    }

    /// What a movie costs.
    pub(super) fn cost(&self, costs: &Costs) -> u32 {
        self.ranking.cost(costs)
    }

    /// The movies, with the stars that each would give them.
    #[inline(never)]
    pub(super) fn list<'m>(&self, model: &Model<'_>) -> Reply<'m> {
        let mut list = List::new();
        for hit in self.ranking.hits() {
            // A hit is a movie of the model, and a ranking keeps at most a list's length.
            let stars = |user| model.predict_for(user, hit.movie).unwrap_or_default();
            let _ = list.push(Shared {
                movie: hit.movie.0,
                score: hit.score,
                stars: self.users.each_ref().map(stars),
            });
        }
        Reply::Together(list)
    }
}

impl Rated {
    /// What somebody that there is has rated.
    fn by(model: &Model<'_>, who: &Who) -> Self {
        match *who {
            Who::Owner(owner) => Self::Owners(owner),
            Who::ImageUser(id) => model
                .user_at(UserId(id))
                .map_or(Self::Nobodys, |row| Self::Users(row as u32)),
        }
    }
}

/// Whether the model says of movies what is asked for.
fn can_filter(model: &Model<'_>, wanted: &Wanted) -> Result<(), Why> {
    match model.has_facets() || *wanted == Wanted::ANY {
        true => Ok(()),
        false => Err(Why::NoFacets),
    }
}

/// Whether lists are sorted so, by this model.
#[cfg(feature = "orders")]
fn can_sort(model: &Model<'_>, order: Order) -> Result<(), Why> {
    match order == Order::Fame && !model.has_confidence() {
        true => Err(Why::NoFame),
        false => Ok(()),
    }
}

#[cfg(not(feature = "orders"))]
fn can_sort(_: &Model<'_>, order: Order) -> Result<(), Why> {
    match order == Order::Score {
        true => Ok(()),
        false => Err(Why::NotSupported),
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
