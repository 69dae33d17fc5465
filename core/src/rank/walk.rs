//! The walks of lists through a catalogue, a slice at a time, and the list that they keep. Nothing here is generic, so that
//! it is compiled with this crate's optimisation, whatever the caller's.

use super::{Hit, Progress};
use crate::ids::MovieId;
#[cfg(feature = "codes")]
use crate::kernels::Lookup;
#[cfg(feature = "codes")]
use crate::kernels::codes::{Above, Bar, Found, Looks};
use crate::list::Held;
use crate::model::kin::KinTerms;
use crate::model::{Interest, Model, MovieVector, UserState, Wanted};
use crate::numeric::SOFTWARE_FLOAT;

/// Second looks at movies for which there is time in the shortest slice.
#[cfg(feature = "codes")]
const LOOKS: u32 = 256;

/// Movies scored at a time: small enough for a stack of 1 KB, large enough for a kernel to share loads.
pub(super) const SLICE: usize = 32;

/// Below any score and cosine.
pub(super) const LOWEST: f32 = f32::MIN;

/// [`Best::bar`](super::Best::bar).
#[inline]
pub(super) fn bar(hits: &Held<[Hit]>, limit: usize) -> f32 {
    let hits = hits.all();
    match hits.last() {
        Some(last) if hits.len() >= limit => last.score,
        _ => LOWEST,
    }
}

/// Whether `a` is more than `b`. Where floating point is software, integers in the same order say so with less work.
#[inline(always)]
fn is_more(a: f32, b: f32) -> bool {
    if SOFTWARE_FLOAT {
        in_order(a) > in_order(b)
    } else {
        a > b
    }
}

/// Integers in the order of numbers; both zeros are one.
#[inline(always)]
fn in_order(x: f32) -> i32 {
    let bits = x.to_bits() as i32;
    if bits < 0 {
        (bits & i32::MAX).wrapping_neg()
    } else {
        bits
    }
}

/// [`Best::offer`](super::Best::offer).
#[inline(never)]
pub(super) fn offer(hits: &mut Held<[Hit]>, limit: usize, hit: Hit) -> f32 {
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

/// A slice of a walk through the movies of `model`, at the row `next`: by a model that has them in its own tables, and by rows
/// there, before which there are so many others.
#[inline(always)]
pub(super) fn walk_on<'a>(
    model: &Model<'a>,
    next: &mut u32,
    walk: impl FnOnce(&Model<'a>, &mut u32, u32) -> Progress,
) -> Progress {
    if !model.has_more() {
        return walk(model, next, 0);
    }
    let (part, mut row) = model.part_of(*next);
    let before = next.wrapping_sub(row);
    let done = walk(part, &mut row, before).done.wrapping_add(before);
    *next = row.wrapping_add(before);
    Progress {
        done,
        total: model.movies(),
    }
}

/// A list and the row up to which movies were looked at.
pub(super) struct Walk<'w> {
    pub hits: &'w mut Held<[Hit]>,
    pub limit: usize,
    pub next: &'w mut u32,
}

/// What a ranking goes by beside stars.
#[derive(Clone, Copy)]
pub(super) struct By<'i> {
    /// What fame gives a movie for each count of its confidence, in stars and as a key.
    pub fame_of_a_count: (f32, i32),
    pub interest: &'i Interest,
    pub wanted: Wanted,
    /// Whether movies that are predicted below the user's mean stay out.
    pub above_mean: bool,
}

impl By<'_> {
    /// Whether the movie of `row`, ranked by this key, is predicted at the user's mean or above it, where that matters.
    #[inline(never)]
    pub(super) fn is_good(&self, model: &Model<'_>, user: &UserState, row: u32, key: i32) -> bool {
        let beside = (self.fame_of_a_count, self.interest);
        !self.above_mean
            || is_above_mean(model, user, row, model.above_mean(user, row, beside, key))
    }
}

/// More than scores and predictions differ by: a 256th of a star.
const NEARLY: i32 = 1 << 12;

/// Whether the movie of `row` is predicted at the user's mean or above it, by what its score is above that, about. Where
/// that leaves doubt, the movie is predicted, which takes far longer.
#[inline]
fn is_above_mean(model: &Model<'_>, user: &UserState, row: u32, above: i32) -> bool {
    if above.saturating_abs() > NEARLY {
        above > 0
    } else {
        model.score(user, row) >= user.mean()
    }
}

impl Walk<'_> {
    /// As [`rank`](Self::rank), of a model whose movies are sums of codewords; `None` for another.
    #[cfg(feature = "codes")]
    #[inline(never)]
    pub(super) fn look_up(
        &mut self,
        (model, user): (&Model<'_>, &UserState),
        by: &By<'_>,
        lookup: &mut Lookup,
        filter: &mut dyn FnMut(MovieId) -> bool,
        movies: u32,
    ) -> Option<Progress> {
        let ranked = model.ranked(user, (by.fame_of_a_count.1, by.interest))?;
        if !lookup.is_made() {
            model.fill_lookup(user, &ranked, lookup);
        }
        let total = model.own_movies();
        let end = self.next.saturating_add(movies.max(1)).min(total);
        // Once made, it is known: a float's conversion takes long on a small core.
        let mut bar = Bar {
            key: match lookup.list {
                i32::MIN => model.key_of_score(bar(self.hits, self.limit)),
                bar => bar,
            },
            above_base: match by.above_mean {
                true => -NEARLY,
                false => i32::MIN,
            },
        };
        let mut first = *self.next as usize;
        // A second look takes longer than looking up does: where many movies need one, fewer are walked through.
        let mut looks = Looks::of((movies / 8).max(LOOKS));
        let next = loop {
            let at = ranked.above(lookup, first..end as usize, bar, &mut looks);
            let found = match at {
                Above::Movie(found) => found,
                Above::None { next } => break next,
            };
            first = found.row.wrapping_add(1);
            if !self.take_in((model, user), by, &mut bar, found, filter) {
                continue;
            }
            if !looks.take() {
                break first;
            }
        };
        lookup.list = bar.key;
        *self.next = next as u32;
        Some(Progress {
            done: *self.next,
            total,
        })
    }

    /// Takes in a movie that was found, where it is one of those that are asked for; says whether it is. The bar rises.
    #[cfg(feature = "codes")]
    #[inline(never)] // Few are, and what these need isn't looked for in every slice.
    fn take_in(
        &mut self,
        (model, user): (&Model<'_>, &UserState),
        by: &By<'_>,
        bar: &mut Bar,
        found: Found,
        filter: &mut dyn FnMut(MovieId) -> bool,
    ) -> bool {
        let row = found.row as u32;
        if model.is_wanted(row, &by.wanted)
            && let Some(movie) = model.movie_ids().id(row).map(MovieId)
            && filter(movie)
        {
            if !by.above_mean || is_above_mean(model, user, row, found.above_base) {
                let score = model.score_of_key(found.key);
                bar.key = model.key_of_score(offer(self.hits, self.limit, Hit { movie, score }));
            }
            return true;
        }
        false
    }

    /// [`TopN::advance`](super::TopN::advance).
    #[inline(never)]
    pub(super) fn rank(
        self,
        (model, user): (&Model<'_>, &UserState),
        by: &By<'_>,
        filter: &mut dyn FnMut(MovieId) -> bool,
        movies: u32,
    ) -> Progress {
        let total = model.own_movies();
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

    /// [`Nearest::advance`](super::Nearest::advance), by kin. A movie of no likeness is left out.
    #[inline(never)]
    pub(super) fn gather(self, model: &Model<'_>, to: (u32, &KinTerms), movies: u32) -> Progress {
        let (itself, terms) = to;
        let total = model.own_movies();
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

    /// [`Nearest::advance`](super::Nearest::advance), by cosines of rows.
    #[inline(never)]
    pub(super) fn compare(
        self,
        model: &Model<'_>,
        to: (u32, &MovieVector),
        movies: u32,
    ) -> Progress {
        let (itself, vector) = to;
        let total = model.own_movies();
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
