//! Lists of movies: the best for a user and the most similar to a movie, in bounded memory and a fixed order, computed
//! in slices so that a serial line stays responsive.

mod together;

use crate::ids::MovieId;
use crate::kernels::Lookup;
#[cfg(feature = "codes")]
use crate::kernels::codes::Above;
use crate::list::{Held, List};
use crate::model::kin::KinTerms;
use crate::model::{Interest, Model, MovieVector, UserState, Wanted};
use crate::numeric::SOFTWARE_FLOAT;

pub use together::{Agreement, TopForTwo};

/// A movie and what it was ranked by.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Hit {
    /// Which movie.
    pub movie: MovieId,
    /// What it was ranked by: the score before it is clamped to the rating scale with the terms of confidence and
    /// interest, or a likeness.
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

/// Second looks at movies for which there is time in the shortest slice.
#[cfg(feature = "codes")]
const LOOKS: u32 = 256;

/// Movies scored at a time: small enough for a stack of 1 KB, large enough for a kernel to share loads.
const SLICE: usize = 32;

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

/// Below any score and cosine.
const LOWEST: f32 = f32::MIN;

// What follows isn't generic, so that it is compiled with this crate's optimisation, whatever the caller's.

/// [`Best::bar`].
#[inline]
fn bar(hits: &Held<[Hit]>, limit: usize) -> f32 {
    let hits = hits.all();
    match hits.last() {
        Some(last) if hits.len() >= limit => last.score,
        _ => LOWEST,
    }
}

/// Whether `a` is more than `b`. The bits of numbers without a sign are in order: where floating point is software,
/// that is less work.
#[inline(always)]
fn is_more(a: f32, b: f32) -> bool {
    let (bits, others) = (a.to_bits() as i32, b.to_bits() as i32);
    if SOFTWARE_FLOAT && bits | others >= 0 {
        bits > others
    } else {
        a > b
    }
}

/// [`Best::offer`].
#[inline(never)]
fn offer(hits: &mut Held<[Hit]>, limit: usize, hit: Hit) -> f32 {
    if hits.all().len() < limit {
        // The limit is at most the room there is.
        let _ = hits.add(hit);
    } else if hits
        .all()
        .last()
        .is_none_or(|last| !is_more(hit.score, last.score))
    {
        return bar(hits, limit);
    }
    let mut places = hits.all_mut().iter_mut().rev();
    if let Some(mut free) = places.next() {
        for ahead in places {
            if !is_more(hit.score, ahead.score) {
                break;
            }
            *free = *ahead;
            free = ahead;
        }
        *free = hit;
    }
    bar(hits, limit)
}

/// A list and the row up to which movies were looked at.
struct Walk<'w> {
    hits: &'w mut Held<[Hit]>,
    limit: usize,
    next: &'w mut u32,
}

/// What a ranking goes by beside stars.
#[derive(Clone, Copy)]
struct By<'i> {
    /// What fame gives a movie for each count of its confidence, in stars and as a key.
    fame_of_a_count: (f32, i32),
    interest: &'i Interest,
    wanted: Wanted,
    /// Whether movies that are predicted below the user's mean stay out.
    above_mean: bool,
}

impl By<'_> {
    /// Whether the movie of `row`, ranked by this key, is predicted at the user's mean or above it, where that matters.
    /// What the ranking added is taken off again; where that leaves doubt, the movie is predicted, which takes far longer.
    #[inline(never)]
    fn is_good(&self, model: &Model<'_>, user: &UserState, row: u32, key: i32) -> bool {
        if !self.above_mean {
            return true;
        }
        match model.is_above_mean(user, row, (self.fame_of_a_count, self.interest), key) {
            Some(is_above) => is_above,
            None => model.score(user, row) >= user.mean(),
        }
    }
}

impl Walk<'_> {
    /// As [`rank`](Self::rank), of a model whose movies are sums of codewords; `None` for another.
    #[cfg(feature = "codes")]
    #[inline(never)]
    fn look_up(
        &mut self,
        (model, user): (&Model<'_>, &UserState),
        by: By<'_>,
        lookup: &mut Lookup,
        filter: &mut dyn FnMut(MovieId) -> bool,
        movies: u32,
    ) -> Option<Progress> {
        let ranked = model.ranked(user, (by.fame_of_a_count.1, by.interest), lookup)?;
        let total = model.movies();
        let end = self.next.saturating_add(movies.max(1)).min(total);
        let ids = model.movie_ids();
        // Once made, it is known: a float's conversion takes long on a small core.
        let mut bar = match lookup.list {
            i32::MIN => model.key_of_score(bar(self.hits, self.limit)),
            bar => bar,
        };
        let mut first = *self.next as usize;
        // A second look takes longer than looking up does: where many movies need one, fewer are walked through.
        let mut looks = (movies / 8).max(LOOKS);
        let next = loop {
            let at = ranked.above(lookup, first..end as usize, bar, &mut looks);
            let (row, key) = match at {
                Above::Movie(row, key) => (row, key),
                Above::None { next } => break next,
            };
            first = row.wrapping_add(1);
            if model.is_wanted(row as u32, &by.wanted)
                && let Some(movie) = ids.id(row as u32).map(MovieId)
                && filter(movie)
            {
                if by.is_good(model, user, row as u32, key) {
                    let score = model.score_of_key(key);
                    bar = model.key_of_score(offer(self.hits, self.limit, Hit { movie, score }));
                }
                if looks == 0 {
                    break first;
                }
                looks = looks.wrapping_sub(1);
            }
        };
        lookup.list = bar;
        *self.next = next as u32;
        Some(Progress {
            done: *self.next,
            total,
        })
    }

    /// [`TopN::advance`].
    #[inline(never)]
    fn rank(
        self,
        (model, user): (&Model<'_>, &UserState),
        by: By<'_>,
        filter: &mut dyn FnMut(MovieId) -> bool,
        movies: u32,
    ) -> Progress {
        let total = model.movies();
        let end = self.next.saturating_add(movies.max(1)).min(total);
        let ids = model.movie_ids();
        let mut bar = model.key_of_score(bar(self.hits, self.limit));
        let beside = (by.fame_of_a_count, by.interest);
        while *self.next < end {
            let mut keys = [0; SLICE];
            let left = end.wrapping_sub(*self.next).min(SLICE as u32);
            let keys = keys.get_mut(..left as usize).unwrap_or_default();
            model.score_keys(user, *self.next, beside, bar, keys);
            let mut row = *self.next;
            let mut keys: &[i32] = keys;
            while let Some((at, key, rest)) = key_above(model, keys, bar) {
                keys = rest;
                row = row.wrapping_add(at);
                if model.is_wanted(row, &by.wanted)
                    && let Some(movie) = ids.id(row).map(MovieId)
                    && filter(movie)
                    && by.is_good(model, user, row, key)
                {
                    let score = model.score_of_key(key);
                    bar = model.key_of_score(offer(self.hits, self.limit, Hit { movie, score }));
                }
                row = row.wrapping_add(1);
            }
            *self.next = self.next.wrapping_add(left);
        }
        Progress {
            done: *self.next,
            total,
        }
    }

    /// [`Nearest::advance`], by kin. A movie of no likeness is left out.
    #[inline(never)]
    fn gather(self, model: &Model<'_>, to: (u32, &KinTerms), movies: u32) -> Progress {
        let (itself, terms) = to;
        let total = model.movies();
        let Some(kin) = model.kin() else {
            return Progress { done: total, total };
        };
        let end = self.next.saturating_add(movies.max(1)).min(total);
        let ids = model.movie_ids();
        let least = |score: f32| kin.key_of_score(if score > 0.0 { score } else { 0.0 });
        let mut bar = least(bar(self.hits, self.limit));
        while *self.next < end {
            let mut keys = [0; SLICE];
            let left = end.wrapping_sub(*self.next).min(SLICE as u32);
            let keys = keys.get_mut(..left as usize).unwrap_or_default();
            kin.keys(terms, *self.next as usize, bar, keys);
            let mut row = *self.next;
            let mut keys: &[i32] = keys;
            while let Some((at, key, rest)) = above(keys, bar) {
                keys = rest;
                row = row.wrapping_add(at);
                if row != itself
                    && let Some(movie) = ids.id(row).map(MovieId)
                {
                    let score = kin.score_of_key(key);
                    bar = least(offer(self.hits, self.limit, Hit { movie, score }));
                }
                row = row.wrapping_add(1);
            }
            *self.next = self.next.wrapping_add(left);
        }
        Progress { done: end, total }
    }

    /// [`Nearest::advance`], by cosines of rows.
    #[inline(never)]
    fn compare(self, model: &Model<'_>, to: (u32, &MovieVector), movies: u32) -> Progress {
        let (itself, vector) = to;
        let total = model.movies();
        let end = self.next.saturating_add(movies.max(1)).min(total);
        let ids = model.movie_ids();
        while *self.next < end {
            let mut cosines = [0.0; SLICE];
            let left = end.wrapping_sub(*self.next).min(SLICE as u32);
            let cosines = cosines.get_mut(..left as usize).unwrap_or_default();
            model.similarity_rows(vector, *self.next, cosines);
            let mut row = *self.next;
            let mut cosines: &[f32] = cosines;
            let mut bar = bar(self.hits, self.limit);
            while let Some((at, score, rest)) = number_above(cosines, bar) {
                cosines = rest;
                row = row.wrapping_add(at);
                if row != itself
                    && let Some(movie) = ids.id(row).map(MovieId)
                {
                    bar = offer(self.hits, self.limit, Hit { movie, score });
                }
                row = row.wrapping_add(1);
            }
            *self.next = self.next.wrapping_add(left);
        }
        Progress { done: end, total }
    }
}

/// The first key above `bar`: how many are before it, itself, and those behind it.
#[inline(never)]
fn above(keys: &[i32], bar: i32) -> Option<(u32, i32, &[i32])> {
    first_above(keys, bar)
}

/// As [`above`], of scores and cosines.
#[inline(never)]
fn number_above(numbers: &[f32], bar: f32) -> Option<(u32, f32, &[f32])> {
    first_above(numbers, bar)
}

#[inline(always)]
fn first_above<T: Copy + PartialOrd>(all: &[T], bar: T) -> Option<(u32, T, &[T])> {
    let mut rest = all;
    // Few are above it, so several are looked at in a turn; see `numeric/unroll.rs`.
    #[cfg(unrolled)]
    while let [a, b, c, d, behind @ ..] = rest
        && !(*a > bar || *b > bar || *c > bar || *d > bar)
    {
        rest = behind;
    }
    while let [first, behind @ ..] = rest {
        if *first > bar {
            let before = all.len().wrapping_sub(rest.len()) as u32;
            return Some((before, *first, behind));
        }
        rest = behind;
    }
    None
}

/// As [`above`], of a model's keys, which may be the bits of numbers ([`Model::keys_are_numbers`]).
#[inline]
fn key_above<'k>(model: &Model<'_>, keys: &'k [i32], bar: i32) -> Option<(u32, i32, &'k [i32])> {
    if !model.keys_are_numbers() {
        return above(keys, bar);
    }
    let numbers = bytemuck::must_cast_slice(keys);
    let (before, number, rest) = number_above(numbers, f32::from_bits(bar as u32))?;
    let rest = bytemuck::must_cast_slice(rest);
    Some((before, number.to_bits() as i32, rest))
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
        }
    }

    /// The ranking of `wanted` movies, with those too that are predicted below the user's mean where that is asked for.
    #[inline]
    pub(crate) fn of(mut self, wanted: Wanted, below_mean: bool) -> Self {
        self.wanted = wanted;
        self.above_mean = !below_mean;
        self
    }

    /// As [`TopN::advance`]. The `lookup` is nobody's, or was made in the course of this ranking.
    pub(crate) fn advance(
        &mut self,
        of: (&Model<'_>, &UserState),
        lookup: &mut Lookup,
        mut filter: impl FnMut(MovieId) -> bool,
        movies: u32,
    ) -> Progress {
        let fame = self.fame;
        let counted = self.fame_of_a_count;
        let fame_of_a_count = counted.unwrap_or_else(|| of.0.fame_of_a_count(fame));
        self.fame_of_a_count = Some(fame_of_a_count);
        let by = By {
            fame_of_a_count,
            interest: &self.interest,
            wanted: self.wanted,
            above_mean: self.above_mean,
        };
        #[cfg(feature = "codes")]
        if let Some(progress) =
            self.best
                .walk(&mut self.next)
                .look_up(of, by, lookup, &mut filter, movies)
        {
            return progress;
        }
        #[cfg(not(feature = "codes"))]
        let _ = lookup;
        self.best
            .walk(&mut self.next)
            .rank(of, by, &mut filter, movies)
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
        }
    }

    /// The ranking with another weight of the confidence term: 1 is what the image's maker found best, 0 leaves it
    /// out, more names better known movies and less than 0 little known ones. It is clamped to ±100, and what isn't a
    /// number is 0.
    pub fn with_fame(mut self, fame: f32) -> Self {
        let fame = if fame.is_nan() { 0.0 } else { fame };
        self.ranking.fame = crate::numeric::clamp(fame, -100.0, 100.0);
        self.ranking.fame_of_a_count = None;
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
        let walk = self.best.walk(&mut self.next);
        match &self.by {
            Likeness::Kin(terms) => walk.gather(model, (self.row, terms), movies),
            Likeness::Taste(vector) => walk.compare(model, (self.row, vector), movies),
        }
    }

    /// The most similar movies so far: the most alike first, equal ones by ascending id.
    pub fn hits(&self) -> &[Hit] {
        self.best.hits()
    }
}
