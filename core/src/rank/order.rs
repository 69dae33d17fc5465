//! What a list is sorted by, and the lists that aren't sorted by a score. These are asked for seldom: each movie is predicted
//! in the plain way, by little code.

use serde::{Deserialize, Serialize};
#[cfg(feature = "orders")]
use {
    super::walk::{Walk, bar, offer},
    super::{Agreement, Progress},
    crate::ids::MovieId,
    crate::model::{Model, UserState, Wanted},
    crate::rank::Hit,
};

/// What a list is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Order {
    /// The score: predicted stars, and what fame and the user's interest add.
    #[default]
    Score,
    /// Predicted stars alone, before they are clamped to the scale.
    Stars,
    /// How well a movie suits the user, in stars, however good it is in general: the dot product and the MLP.
    Taste,
    /// How well known a movie is, from 0 to 1: [`Model::confidence`](crate::model::Model::confidence) over its most.
    Fame,
    /// By how many stars the user's prediction is above that for the mean user.
    Surprise,
}

impl Order {
    /// All of them, by their numbers on the wire.
    pub const ALL: [Self; 5] = [
        Self::Score,
        Self::Stars,
        Self::Taste,
        Self::Fame,
        Self::Surprise,
    ];
}

/// What such a list goes by.
#[cfg(feature = "orders")]
pub(super) struct Sorting<'s> {
    pub order: Order,
    /// The mean user, where predictions are compared with theirs.
    pub everybody: &'s UserState,
    pub wanted: Wanted,
    /// Whether movies that are predicted below the mean of any of the users stay out.
    pub above_mean: bool,
    /// What a movie is worth to two.
    pub agreement: Agreement,
}

/// The mean user for an order that compares predictions with theirs, or nobody.
#[cfg(feature = "orders")]
pub(super) fn everybody(model: &Model<'_>, order: Order) -> UserState {
    let mut everybody = UserState::EMPTY;
    if order == Order::Surprise {
        let (row, bias) = model.mean_row();
        model.set_state(&mut everybody, row, bias);
    }
    everybody
}

#[cfg(feature = "orders")]
impl Sorting<'_> {
    /// What the movie of `row` is sorted by for one user.
    fn number(&self, model: &Model<'_>, user: &UserState, row: u32) -> f32 {
        match self.order {
            Order::Score | Order::Stars => model.score(user, row),
            Order::Taste => {
                let parts = model.explain(user, row);
                parts.dot + parts.mlp
            }
            Order::Fame => f32::from(model.confidence(row).unwrap_or_default()) * (1.0 / 255.0),
            Order::Surprise => model.score(user, row) - model.score(self.everybody, row),
        }
    }

    /// The same for two: by stars, how far above their own mean.
    fn number_for_two(&self, model: &Model<'_>, users: [&UserState; 2], row: u32) -> f32 {
        let [one, other] = users.map(|user| {
            let own = match self.order {
                Order::Score | Order::Stars => user.mean(),
                _ => 0.0,
            };
            self.number(model, user, row) - own
        });
        self.agreement.of(one, other)
    }
}

#[cfg(feature = "orders")]
impl Walk<'_> {
    /// [`TopN::advance`](super::TopN::advance) and [`TopForTwo::advance`](super::TopForTwo::advance), by another order than that
    /// of scores, for one user or two.
    #[inline(never)]
    pub(super) fn sort(
        self,
        (model, users): (&Model<'_>, &[&UserState]),
        by: &Sorting<'_>,
        filter: &mut dyn FnMut(MovieId) -> bool,
        movies: u32,
    ) -> Progress {
        let total = model.own_movies();
        let end = self.next.saturating_add(movies.max(1)).min(total);
        let ids = model.movie_ids();
        let mut bar = bar(self.hits, self.limit);
        while *self.next < end {
            let row = *self.next;
            *self.next = row.wrapping_add(1);
            if !model.is_wanted(row, &by.wanted) {
                continue;
            }
            let score = match *users {
                [user] => by.number(model, user, row),
                [one, other] => by.number_for_two(model, [one, other], row),
                _ => continue,
            };
            let mut users = users.iter();
            if score > bar
                && (!by.above_mean || users.all(|user| model.score(user, row) >= user.mean()))
                && let Some(movie) = ids.id(row).map(MovieId)
                && filter(movie)
            {
                bar = offer(self.hits, self.limit, Hit { movie, score });
            }
        }
        Progress { done: end, total }
    }
}
