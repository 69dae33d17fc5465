//! Lists of movies: the best for a user and the most similar to a movie, in bounded memory and a fixed order, computed
//! in slices so that a serial line stays responsive.

mod order;
mod together;
mod walk;

use crate::ids::MovieId;
use crate::kernels::Lookup;
#[cfg(feature = "codes")]
use crate::kernels::Whose;
use crate::list::List;
use crate::model::kin::KinTerms;
use crate::model::{Interest, Model, MovieVector, UserState, Wanted};

pub use order::Order;
pub use together::{Agreement, TopForTwo};
use walk::{By, Walk, walk_on};
#[cfg(feature = "learn")]
use walk::{bar, offer};

/// A movie and what it was ranked by.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Hit {
    /// Which movie.
    pub movie: MovieId,
    /// What it was ranked by: the score before it is clamped to the rating scale with the terms of confidence and
    /// interest, what another [`Order`] goes by, or a likeness.
    pub score: f32,
}

/// What an empty place of a list holds.
const NOTHING: Hit = Hit {
    movie: MovieId(0),
    score: 0.0,
};

/// The progress of a ranking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Progress {
    /// Movies looked at so far.
    pub done: u32,
    /// Movies in the model.
    pub total: u32,
}

impl Progress {
    /// Whether every movie was looked at.
    pub fn is_done(self) -> bool {
        self.done >= self.total
    }
}

/// The `N` best movies seen so far: by score, highest first, and among equal scores by id, lowest first.
#[derive(Clone, Debug)]
pub(crate) struct Best<const N: usize> {
    hits: List<Hit, N>,
    limit: usize,
}

impl<const N: usize> Best<N> {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            hits: List::of(NOTHING),
            limit: limit.min(N),
        }
    }

    pub(crate) fn hits(&self) -> &[Hit] {
        &self.hits
    }

    fn walk<'w>(&'w mut self, next: &'w mut u32) -> Walk<'w> {
        Walk {
            hits: &mut self.hits,
            limit: self.limit,
            next,
        }
    }

    /// The score that a movie of a higher id must pass to be kept, [`LOWEST`] while any is.
    #[cfg(feature = "learn")]
    #[inline]
    pub(crate) fn bar(&self) -> f32 {
        bar(&self.hits, self.limit)
    }

    /// Takes in a hit and returns the new bar. Hits come in ascending order of ids, so among equal scores the earlier
    /// one stays ahead.
    #[cfg(feature = "learn")]
    #[inline(always)]
    pub(crate) fn offer(&mut self, hit: Hit) -> f32 {
        offer(&mut self.hits, self.limit, hit)
    }
}

/// A [`TopN`] without its look-up table, which a service has beside: a list that begins is moved about on the stack.
#[derive(Clone, Debug)]
pub(crate) struct Ranking<const N: usize> {
    best: Best<N>,
    next: u32,
    fame: f32,
    /// What that gives a movie for each count of its confidence, from the first slice on.
    fame_of_a_count: Option<(f32, i32)>,
    interest: Interest,
    wanted: Wanted,
    above_mean: bool,
    #[cfg(feature = "orders")]
    order: Order,
}

impl<const N: usize> Ranking<N> {
    pub(crate) fn new(limit: usize, interest: Interest) -> Self {
        Self {
            best: Best::new(limit),
            next: 0,
            fame: 1.0,
            fame_of_a_count: None,
            interest,
            wanted: Wanted::ANY,
            above_mean: true,
            #[cfg(feature = "orders")]
            order: Order::Score,
        }
    }

    /// The ranking by `order`.
    #[cfg(feature = "orders")]
    #[inline]
    pub(crate) fn by(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// The ranking of `wanted` movies, with those too that are predicted below the user's mean where that is asked for.
    #[inline]
    pub(crate) fn of(mut self, wanted: Wanted, below_mean: bool) -> Self {
        self.wanted = wanted;
        self.above_mean = !below_mean;
        self
    }

    /// As [`TopN::advance`]. The `lookup` is nobody's, or was made for this user in the course of this ranking.
    pub(crate) fn advance(
        &mut self,
        (model, user): (&Model<'_>, &UserState),
        lookup: &mut Lookup,
        mut filter: impl FnMut(MovieId) -> bool,
        movies: u32,
    ) -> Progress {
        #[cfg(feature = "orders")]
        if self.order != Order::Score {
            return self.sort((model, user), &mut filter, movies);
        }
        let fame = self.fame;
        let counted = self.fame_of_a_count;
        let fame_of_a_count = counted.unwrap_or_else(|| model.fame_of_a_count(fame));
        self.fame_of_a_count = Some(fame_of_a_count);
        let by = By {
            fame_of_a_count,
            interest: &self.interest,
            wanted: self.wanted,
            above_mean: self.above_mean,
        };
        walk_on(model, &mut self.next, |part, next, _| {
            let of = (part, user);
            #[cfg(feature = "codes")]
            if let Some(progress) =
                self.best
                    .walk(next)
                    .look_up(of, &by, lookup, &mut filter, movies)
            {
                return progress;
            }
            #[cfg(not(feature = "codes"))]
            let _ = lookup;
            self.best.walk(next).rank(of, &by, &mut filter, movies)
        })
    }

    /// What a movie costs.
    #[cfg(feature = "orders")]
    pub(crate) fn cost(&self, costs: &crate::kernels::Costs) -> u32 {
        match self.order {
            Order::Score => costs.ranked,
            _ => costs.sorted,
        }
    }

    #[cfg(feature = "orders")]
    #[inline(never)] // So that the other user's stack isn't every list's.
    fn sort(
        &mut self,
        of: (&Model<'_>, &UserState),
        filter: &mut dyn FnMut(MovieId) -> bool,
        movies: u32,
    ) -> Progress {
        let (model, user) = of;
        let by = order::Sorting {
            order: self.order,
            everybody: &order::everybody(model, self.order),
            wanted: self.wanted,
            above_mean: self.above_mean,
            agreement: Agreement::Least,
        };
        walk_on(model, &mut self.next, |part, next, _| {
            let of = (part, &[user][..]);
            self.best.walk(next).sort(of, &by, filter, movies)
        })
    }

    pub(crate) fn hits(&self) -> &[Hit] {
        self.best.hits()
    }
}

/// A ranking of the whole catalogue for one user, of which the best `N` are kept.
///
/// Movies are ranked by their score plus `fame` times the image's confidence term
/// ([`Model::confidence_stars`]): predicted stars alone put movies first that two people rated. Where the image
/// says what people look for, [`with_interest`](Self::with_interest) adds that. Movies that are predicted below the user's
/// own mean ([`UserState::mean`]) stay out, however well known they are, unless they are asked for
/// ([`with_below_mean`](Self::with_below_mean)): so a list may be shorter than its limit.
///
/// RAM: 8 bytes a kept movie, and 580; with the feature `codes` 4.5 KB more, for what a user would give each codeword and what
/// is sought, and 5.4 KB on a core with the DSP extension.
#[derive(Clone, Debug)]
pub struct TopN<const N: usize> {
    ranking: Ranking<N>,
    lookup: Lookup,
    #[cfg(feature = "codes")]
    of: Whose,
}

impl<const N: usize> Default for TopN<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> TopN<N> {
    /// An empty ranking that keeps `N`.
    pub fn new() -> Self {
        Self::with_limit(N)
    }

    /// An empty ranking that keeps `limit`, at most `N`.
    pub fn with_limit(limit: usize) -> Self {
        Self {
            ranking: Ranking::new(limit, Interest::NONE),
            lookup: Lookup::NONE,
            #[cfg(feature = "codes")]
            of: Whose::NOBODYS,
        }
    }

    /// The ranking with another weight of the confidence term: 1 is what the image's maker found best, 0 leaves it
    /// out, more names better known movies and less than 0 little known ones. It is clamped to ±100, and what isn't a
    /// number is 0.
    pub fn with_fame(mut self, fame: f32) -> Self {
        let fame = if fame.is_nan() { 0.0 } else { fame };
        self.ranking.fame = crate::numeric::clamp(fame, -100.0, 100.0);
        self.ranking.fame_of_a_count = None;
        self.lookup.clear();
        self
    }

    /// The ranking for a user with this `interest`.
    pub fn with_interest(mut self, interest: Interest) -> Self {
        self.ranking.interest = interest;
        self.lookup.clear();
        self
    }

    /// The ranking with movies too that are predicted below the user's mean.
    pub fn with_below_mean(mut self) -> Self {
        self.ranking.above_mean = false;
        self
    }

    /// The ranking by another order than that of scores: fame and interest count nothing then. Costs a prediction a movie, two
    /// for a surprise, by the plain way.
    #[cfg(feature = "orders")]
    pub fn with_order(mut self, order: Order) -> Self {
        self.ranking.order = order;
        self
    }

    /// The ranking of `wanted` movies alone; none is, but where any is, in an image that says nothing of genres and years
    /// ([`Model::has_facets`]).
    pub fn with_wanted(mut self, wanted: Wanted) -> Self {
        self.ranking.wanted = wanted;
        self
    }

    /// Scores `movies` further movies, or fewer, and keeps the best of those whose id
    /// `filter` lets through. Call it again until it is done. Costs a score a movie, and another one for those that would
    /// enter the list; the filter is asked only about them.
    pub fn advance(
        &mut self,
        model: &Model<'_>,
        user: &UserState,
        filter: impl FnMut(MovieId) -> bool,
        movies: u32,
    ) -> Progress {
        #[cfg(feature = "codes")]
        if self.of.change_to(&user.integer) {
            self.lookup.clear();
        }
        self.ranking
            .advance((model, user), &mut self.lookup, filter, movies)
    }

    /// The best movies so far: highest score first, equal scores by ascending id.
    pub fn hits(&self) -> &[Hit] {
        self.ranking.hits()
    }
}

/// The `N` movies most similar to one; the movie itself is left out.
///
/// An image may say which movies belong together ([`Model::has_kin`]): then by that, times how well known a movie is, and
/// movies that hardly anybody rated are left out. By the cosine of their rows in another image, and where that is asked
/// for ([`by_taste`](Self::by_taste)).
///
/// RAM: 8 bytes a kept movie, and 540.
#[derive(Clone, Debug)]
pub struct Nearest<const N: usize> {
    best: Best<N>,
    row: u32,
    by: Likeness,
    next: u32,
}

/// What movies are compared by.
#[derive(Clone, Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "without an allocator each lies where the ranking does"
)]
enum Likeness {
    Kin(KinTerms),
    Taste(MovieVector),
}

impl<const N: usize> Nearest<N> {
    /// An empty list that keeps `limit`, at most `N`, of the movies nearest to that of `row`.
    pub fn with_limit(limit: usize, model: &Model<'_>, row: u32) -> Self {
        match model.kin_terms(row) {
            Some(terms) => Self::by(limit, row, Likeness::Kin(terms)),
            None => Self::by_taste(limit, model, row),
        }
    }

    /// As [`with_limit`](Self::with_limit), by the cosine of rows whatever the image says: who would give these movies the
    /// same stars. Movies that hardly anybody rated are among them.
    pub fn by_taste(limit: usize, model: &Model<'_>, row: u32) -> Self {
        Self::by(limit, row, Likeness::Taste(model.movie_vector(row)))
    }

    fn by(limit: usize, row: u32, by: Likeness) -> Self {
        Self {
            best: Best::new(limit),
            row,
            by,
            next: 0,
        }
    }

    /// Looks at the next `movies` movies. Call it again until it is done. Costs at most sixteen look-ups a movie, or a product of
    /// vectors by taste.
    pub fn advance(&mut self, model: &Model<'_>, movies: u32) -> Progress {
        walk_on(model, &mut self.next, |part, next, before| {
            let walk = self.best.walk(next);
            // Beyond all rows where it is another part's.
            let itself = self.row.wrapping_sub(before);
            match &self.by {
                Likeness::Kin(terms) => walk.gather(part, (itself, terms), movies),
                Likeness::Taste(vector) => walk.compare(part, (itself, vector), movies),
            }
        })
    }

    /// The most similar movies so far: the most alike first, equal ones by ascending id.
    pub fn hits(&self) -> &[Hit] {
        self.best.hits()
    }
}
