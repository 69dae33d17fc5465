//! What the ratings of one row say, gathered from the other side's rows.

use super::kernel::{LANES, Row, Sums, Vectors};
use super::links::Links;
use super::table::{AHEAD, Table, fetch};

/// Ratings gathered at a time: 64 rows of 16 numbers fill 4 KB.
pub(super) const BLOCK: usize = 64;

/// A block of the other side's rows: with 1 in place of the bias, and the same times their weights.
pub(super) struct Panel<const T: usize> {
    x: Table<T>,
    scaled: Table<T>,
}

impl<const T: usize> Panel<T> {
    pub(super) fn new() -> Self {
        Self {
            x: Table::zeros(BLOCK),
            scaled: Table::zeros(BLOCK),
        }
    }
}

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
    gather_by(sums, panel, given, row, plain_rating)
}

/// Takes a rating into a block: `x` and `scaled` become `from` with 1 in place of the bias, and that times `w`; `sum`
/// grows by it times `pull`.
#[inline(always)]
fn plain_rating<const T: usize>(
    from: &Row<T>,
    [w, pull]: [f32; 2],
    [sum, x, scaled]: [&mut Row<T>; 3],
) {
    *x = *from;
    x[0][0] = 1.0;
    for ((sum, x), scaled) in sum.iter_mut().zip(&*x).zip(scaled) {
        for c in 0..LANES {
            sum[c] += pull * x[c];
            scaled[c] = w * x[c];
        }
    }
}

/// As [`plain_rating`]. The compiler, which sees that the first number is another's, takes the rest one by one.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2")]
fn avx2_rating<const T: usize>(
    from: &Row<T>,
    [w, pull]: [f32; 2],
    [sum, x, scaled]: [&mut Row<T>; 3],
) {
    use std::arch::x86_64::*;
    let (w, pull) = (_mm256_set1_ps(w), _mm256_set1_ps(pull));
    for i in 0..T {
        // SAFETY: each reads or writes the eight numbers of a group.
        unsafe {
            let mut group = _mm256_loadu_ps(from[i].as_ptr());
            if i == 0 {
                group = _mm256_blend_ps::<1>(group, _mm256_set1_ps(1.0));
            }
            _mm256_storeu_ps(x[i].as_mut_ptr(), group);
            _mm256_storeu_ps(scaled[i].as_mut_ptr(), _mm256_mul_ps(w, group));
            let more = _mm256_mul_ps(pull, group);
            let to = sum[i].as_mut_ptr();
            _mm256_storeu_ps(to, _mm256_add_ps(_mm256_loadu_ps(to), more));
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn gather_avx2<const T: usize>(
    sums: &mut Sums<T>,
    panel: &mut Panel<T>,
    given: Given<'_, T>,
    row: usize,
) -> f64 {
    let rating = |from: &Row<T>, by, to: [&mut Row<T>; 3]| avx2_rating(from, by, to);
    gather_by(sums, panel, given, row, rating)
}

#[inline(always)]
fn gather_by<const T: usize>(
    sums: &mut Sums<T>,
    panel: &mut Panel<T>,
    given: Given<'_, T>,
    row: usize,
    rating: impl Fn(&Row<T>, [f32; 2], [&mut Row<T>; 3]),
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
    let mut soon = on.iter().skip(AHEAD);
    let (x, scaled) = (&mut *panel.x, &mut *panel.scaled);
    let mut linear = [[0.0f32; LANES]; T];
    for (rows, stars) in rows.chunks(BLOCK).zip(stars.chunks(BLOCK)) {
        let block = x.iter_mut().zip(&mut *scaled);
        for ((x, scaled), (&other, &stars)) in block.zip(rows.iter().zip(stars)) {
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
            rating(from, [w, pull], [&mut linear, x, scaled]);
        }
        sums.add(&x[..rows.len()], &scaled[..rows.len()], vectors);
    }
    sums.linear = linear;
    square
}
