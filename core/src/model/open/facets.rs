//! The tables of genres and years: found and checked.

use super::{ANY, Found, cast};
use crate::image::{Element, ImageError, TableKind, text};
use crate::model::facets::{BETWEEN, Facets, MAX_GENRES, MAX_NAMES, MAX_SETS, PAIR, YEARS, facet};
use crate::numeric::pace::{Pace, walked};

/// The other tables, which stand for nothing without [`TableKind::MovieFacets`].
const KINDS: [TableKind; 3] = [
    TableKind::GenreSets,
    TableKind::GenreNames,
    TableKind::FirstYear,
];

/// Cycles that looking at the facets of two movies takes at most, on a Cortex-M0.
const OF_TWO: u32 = 100;

/// Whether all movies' sets of genres are among the `sets`.
fn are_below(pairs: &[[u8; PAIR]], sets: usize) -> bool {
    walked(pairs.len(), OF_TWO);
    let is_below = |pair, is_second| usize::from(facet(pair, is_second).0) < sets;
    pairs
        .iter()
        .all(|pair| is_below(pair, false) && is_below(pair, true))
}

/// What the image says of genres and years, where it does.
#[inline(never)]
pub(super) fn open<'a, P: Pace>(found: &Found<'a, P>, movies: u32) -> Option<Facets<'a>> {
    let kind = TableKind::MovieFacets;
    if !found.has(kind) {
        if KINDS.into_iter().any(|kind| found.has(kind)) {
            found.refuse(ImageError::Missing(kind));
        }
        return None;
    }
    let (pairs, _) = found
        .bytes(kind, movies.div_ceil(2), PAIR as u32)
        .as_chunks();
    let words =
        |kind, rows| -> &'a [u32] { cast(found.bytes_of((kind, 0), Element::U32, rows, 1)) };
    let sets = words(TableKind::GenreSets, ANY);
    if sets.len() > MAX_SETS {
        found.shape(TableKind::GenreSets);
        return None;
    }
    let known = found.pace.over(pairs, OF_TWO, [0; 3], |part, sums| {
        are_below(part, sets.len()).then_some(sums).ok_or(())
    });
    if known.is_err() {
        found.value(kind);
    }
    let names = found.bytes(TableKind::GenreNames, 1, ANY);
    if names.len() > MAX_NAMES {
        found.shape(TableKind::GenreNames);
        return None;
    }
    let names = text(names).unwrap_or_else(|| {
        found.value(TableKind::GenreNames);
        ""
    });
    let genres = names
        .chars()
        .filter(|c| *c == BETWEEN)
        .fold(0_usize, |count, _| count.wrapping_add(1))
        .wrapping_add(1);
    if genres > MAX_GENRES {
        found.shape(TableKind::GenreNames);
    }
    let all = sets.iter().fold(0, |all, set| all | *set);
    if u64::from(all) >> genres.min(MAX_GENRES) != 0 {
        found.value(TableKind::GenreSets);
    }
    let first = words(TableKind::FirstYear, 1).first().copied().unwrap_or(1);
    let latest = u32::from(u16::MAX).wrapping_sub(u32::from(YEARS));
    if first == 0 || first > latest {
        found.value(TableKind::FirstYear);
    }
    Some(Facets {
        pairs,
        sets,
        before: first.wrapping_sub(1) as u16,
        names,
    })
}
