//! What the ratings of one row say, gathered from the other side's rows.

use super::kernel::{Row, Vectors};
use super::links::Links;
use super::sums::{BLOCK, Panel, Sums};
use super::table::fetch;

/// The ratings of the other side's rows.
#[derive(Clone, Copy)]
pub(super) struct Given<'a, const T: usize> {
    pub others: &'a [Row<T>],
    pub lists: &'a Links,
    /// What every prediction starts from.
    pub mean: f32,
    /// A weight for each of the other rows; 1 where there is none.
    pub precisions: &'a [f32],
    /// What the loops may use.
    pub vectors: Vectors,
}

/// Sums over the ratings of row `row`; returns the weighted sum of squares of what they explain.
pub(super) fn gather<const T: usize>(
    sums: &mut Sums<T>,
    panel: &mut Panel<T>,
    given: Given<'_, T>,
    row: usize,
) -> f64 {
    #[cfg(target_arch = "x86_64")]
    if given.vectors.have_avx2() {
        // SAFETY: this CPU has AVX2, as the line above says.
        return unsafe { gather_avx2(sums, panel, given, row) };
    }
    gather_by(sums, panel, given, row, Panel::put)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn gather_avx2<const T: usize>(
    sums: &mut Sums<T>,
    panel: &mut Panel<T>,
    given: Given<'_, T>,
    row: usize,
) -> f64 {
    let put = |panel: &mut Panel<T>, at, from: &Row<T>, by| panel.put_avx2(at, from, by);
    gather_by(sums, panel, given, row, put)
}

#[inline(always)]
fn gather_by<const T: usize>(
    sums: &mut Sums<T>,
    panel: &mut Panel<T>,
    given: Given<'_, T>,
    row: usize,
    put: impl Fn(&mut Panel<T>, usize, &Row<T>, [f32; 3]),
) -> f64 {
    let Given {
        others,
        lists,
        mean,
        precisions,
        vectors,
    } = given;
    sums.clear();
    let mut square = 0.0f64;
    let (rows, stars, on) = (lists.rows(row), lists.stars(row), lists.rows_on(row));
    // What the next block needs comes while this one is summed.
    let mut soon = on.iter().skip(BLOCK);
    for (rows, stars) in rows.chunks(BLOCK).zip(stars.chunks(BLOCK)) {
        for (at, (&other, &stars)) in rows.iter().zip(stars).enumerate() {
            if let Some(&next) = soon.next() {
                fetch(others, next);
            }
            let from = &others[other as usize];
            let y = stars - mean - from[0][0];
            let w = match precisions.get(other as usize) {
                Some(&w) => w,
                None => 1.0,
            };
            let pull = w * y;
            square += f64::from(pull * y);
            // What is multiplied by the bias is 1.
            put(panel, at, from, [1.0, w, pull]);
        }
        sums.add(panel, rows.len(), vectors);
    }
    square
}
