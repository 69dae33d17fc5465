//! A list for two people: what both of them would like.

#[cfg(feature = "orders")]
use super::order::{Order, Sorting, everybody};
use super::walk::{By, LOWEST, SLICE, bar, offer, walk_on};
use super::{Best, Hit, Progress};
use crate::ids::MovieId;
#[cfg(feature = "together")]
use crate::kernels::Costs;
use crate::list::Held;
use crate::model::{Interest, Model, UserState, Wanted};
use serde::{Deserialize, Serialize};

/// What a movie is worth to two people, from how far above each one's own mean ([`UserState::mean`]) it stands with them: a
/// person who gives few stars counts as much as one who gives many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Agreement {
    /// What it is worth to the one who likes it less ("least misery").
    Least,
    /// The mean of both.
    Mean,
}

impl Agreement {
    pub(super) fn of(self, one: f32, other: f32) -> f32 {
        match self {
            Self::Least if one < other => one,
            Self::Least => other,
            Self::Mean => (one + other) * 0.5,
        }
    }
}

/// A ranking of the whole catalogue for two people, of which the best `N` are kept.
///
/// With each of them a movie has the score that it has in a list of their own ([`TopN`](super::TopN)); movies that are
/// predicted below the mean of either stay out, unless they are asked for.
///
/// RAM: 8 bytes a kept movie, and 600.
#[derive(Clone, Debug)]
pub struct TopForTwo<const N: usize> {
    best: Best<N>,
    next: u32,
    by: Agreement,
    interests: [Interest; 2],
    wanted: Wanted,
    below_mean: bool,
    #[cfg(feature = "orders")]
    order: Order,
}

impl<const N: usize> TopForTwo<N> {
    /// An empty ranking that keeps `limit`, at most `N`, for two people of these interests.
    pub fn with_limit(limit: usize, by: Agreement, interests: [Interest; 2]) -> Self {
        Self {
            best: Best::new(limit),
            next: 0,
            by,
            interests,
            wanted: Wanted::ANY,
            below_mean: false,
            #[cfg(feature = "orders")]
            order: Order::Score,
        }
    }

    /// The ranking of `wanted` movies alone, as [`TopN::with_wanted`](super::TopN::with_wanted) has it.
    pub fn with_wanted(mut self, wanted: Wanted) -> Self {
        self.wanted = wanted;
        self
    }

    /// The ranking with movies too that are predicted below the mean of one of them.
    pub fn with_below_mean(mut self) -> Self {
        self.below_mean = true;
        self
    }

    /// The ranking by another order than that of scores: fame and interest count nothing then. By stars a movie is worth to
    /// each how far above their own mean it is predicted.
    #[cfg(feature = "orders")]
    pub fn with_order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// Scores `movies` further movies for both and keeps the best of those whose id `filter` lets through. Call it again
    /// until it is done. Costs two scores a movie, in another order than that of scores twice what a list for one does.
    pub fn advance(
        &mut self,
        model: &Model<'_>,
        users: [&UserState; 2],
        mut filter: impl FnMut(MovieId) -> bool,
        movies: u32,
    ) -> Progress {
        #[cfg(feature = "orders")]
        if self.order != Order::Score {
            return self.sort(model, &users, &mut filter, movies);
        }
        let [first, second] = &self.interests;
        let by = |interest| By {
            fame_of_a_count: model.fame_of_a_count(1.0),
            interest,
            wanted: self.wanted,
            above_mean: !self.below_mean,
        };
        walk_on(model, &mut self.next, |part, next, _| {
            let walk = Walk {
                limit: self.best.limit,
                hits: &mut self.best.hits,
                next,
                agreement: self.by,
            };
            walk.rank(part, users, [by(first), by(second)], &mut filter, movies)
        })
    }

    /// What a movie costs.
    #[cfg(feature = "together")]
    pub(crate) fn cost(&self, costs: &Costs) -> u32 {
        #[cfg(feature = "orders")]
        if self.order != Order::Score {
            return costs.sorted.saturating_mul(2);
        }
        // Rows are scored for each of them, also where one alone would be looked up.
        costs.ranked.saturating_mul(2).saturating_add(2_000)
    }

    #[cfg(feature = "orders")]
    #[inline(never)] // So that the other user's stack isn't every list's.
    fn sort(
        &mut self,
        model: &Model<'_>,
        users: &[&UserState],
        filter: &mut dyn FnMut(MovieId) -> bool,
        movies: u32,
    ) -> Progress {
        let by = Sorting {
            order: self.order,
            everybody: &everybody(model, self.order),
            wanted: self.wanted,
            above_mean: !self.below_mean,
            agreement: self.by,
        };
        walk_on(model, &mut self.next, |part, next, _| {
            self.best
                .walk(next)
                .sort((part, users), &by, filter, movies)
        })
    }

    /// The best movies so far, the best first, equal ones by ascending id. Their score is in stars above the means, fame and
    /// interest among them, or what another order goes by.
    pub fn hits(&self) -> &[Hit] {
        self.best.hits()
    }
}

struct Walk<'w> {
    hits: &'w mut Held<[Hit]>,
    limit: usize,
    next: &'w mut u32,
    agreement: Agreement,
}

impl Walk<'_> {
    #[inline(never)]
    fn rank(
        self,
        model: &Model<'_>,
        users: [&UserState; 2],
        by: [By<'_>; 2],
        filter: &mut dyn FnMut(MovieId) -> bool,
        movies: u32,
    ) -> Progress {
        let total = model.own_movies();
        let end = self.next.saturating_add(movies.max(1)).min(total);
        let ids = model.movie_ids();
        let ([one, other], [by_one, by_other]) = (users, by);
        let mut bar = bar(self.hits, self.limit);
        // A score is of both, so that either's counts to the bit.
        let none = model.key_of_score(LOWEST);
        while *self.next < end {
            let left = end.wrapping_sub(*self.next).min(SLICE as u32);
            let keys_of = |user: &UserState, by: &By<'_>, keys: &mut [i32; SLICE]| {
                let keys = keys.get_mut(..left as usize).unwrap_or_default();
                model.score_keys(
                    user,
                    *self.next,
                    (by.fame_of_a_count, by.interest),
                    none,
                    keys,
                );
            };
            let (mut keys, mut others) = ([0; SLICE], [0; SLICE]);
            keys_of(one, &by_one, &mut keys);
            keys_of(other, &by_other, &mut others);
            let mut row = *self.next;
            for (key, other_key) in keys.iter().zip(&others).take(left as usize) {
                let [first, second] = [*key, *other_key].map(|key| model.score_of_key(key));
                let score = self.agreement.of(first - one.mean(), second - other.mean());
                if score > bar
                    && model.is_wanted(row, &by_one.wanted)
                    && let Some(movie) = ids.id(row).map(MovieId)
                    && filter(movie)
                    && by_one.is_good(model, one, row, *key)
                    && by_other.is_good(model, other, row, *other_key)
                {
                    bar = offer(self.hits, self.limit, Hit { movie, score });
                }
                row = row.wrapping_add(1);
            }
            *self.next = row;
        }
        Progress { done: end, total }
    }
}
