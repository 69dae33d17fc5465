//! Sums of products, in order.

use super::unroll::both;

/// `start + a[0] b[0] + a[1] b[1] + …`, each product rounded, then added, from the first to the last. The shorter
/// of the two slices ends it.
#[inline]
pub fn dot_from(start: f32, a: &[f32], b: &[f32]) -> f32 {
    let mut sum = start;
    both(a, b, |x, y| sum += x * y);
    sum
}

/// `a[0] b[0] + a[1] b[1] + …` from +0, in order.
#[inline]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    dot_from(0.0, a, b)
}
