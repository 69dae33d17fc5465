//! The belief about a person's bias and row: their covariance, and how a rating narrows it.

use super::MAX_LEARNED;
#[cfg(cortex_m_float)]
use crate::kernels::float::{narrow as narrow_triangle, times};
use crate::model::Model;
use crate::numeric::unroll::each;
#[cfg(not(cortex_m_float))]
use crate::numeric::unroll::each_of_two;
use crate::numeric::{clamp_each, may_pass};

/// Numbers in the lower triangle of a covariance.
const TRIANGLE: usize = MAX_LEARNED * (MAX_LEARNED + 1) / 2;

/// No entry of a covariance passes this magnitude; verified for the prior, held for what follows.
const LIMIT: f32 = crate::model::SPREAD_LIMIT;

/// The variance of a bias and of a component of a row, in units of the noise of a rating, where the image doesn't
/// say how users spread.
const DEFAULT_VARIANCE: f32 = 0.25;

/// A covariance of bias and row, in units of a rating's noise. Bias first, then the row's components.
///
/// RAM: 2.2 KB, of which a model of 8 dimensions uses 180 bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Belief {
    /// The lower triangle, row after row: 1, 2, 3, … numbers.
    triangle: [f32; TRIANGLE],
    /// Numbers learned: 1 and the dimensions of a user's row.
    learned: usize,
}

impl Belief {
    /// The belief before the first rating: the covariance of the image's users.
    pub fn prior(model: &Model<'_>) -> Self {
        let mut belief = Self::NOTHING;
        belief.start(model);
        belief
    }

    /// Certainty: zeros.
    pub(super) const NOTHING: Self = Self {
        triangle: [0.0; TRIANGLE],
        learned: 0,
    };

    /// [`prior`](Self::prior) in this one's place: it is large enough for copies of it to show.
    #[inline(never)]
    pub(super) fn start(&mut self, model: &Model<'_>) {
        self.triangle.fill(0.0);
        self.learned = model.user_dim().saturating_add(1);
        match model.user_spread() {
            Some(spread) => {
                for (to, from) in self.triangle.iter_mut().zip(spread) {
                    *to = *from;
                }
            }
            None => self.rows(|_, row| {
                if let Some(variance) = row.last_mut() {
                    *variance = DEFAULT_VARIANCE;
                }
            }),
        }
    }

    /// Calls `visit` with each row of the triangle and its number.
    #[inline]
    fn rows(&mut self, mut visit: impl FnMut(usize, &mut [f32])) {
        let mut rest: &mut [f32] = &mut self.triangle;
        for number in 0..self.learned {
            let Some((row, behind)) = rest.split_at_mut_checked(number.wrapping_add(1)) else {
                return;
            };
            visit(number, row);
            rest = behind;
        }
    }

    /// P g. Costs one multiply-add an entry of the whole square.
    pub fn times(&self, g: &[f32; MAX_LEARNED]) -> [f32; MAX_LEARNED] {
        let mut product = [0.0; MAX_LEARNED];
        times(&self.triangle, self.learned, g, &mut product);
        product
    }

    /// The variance of a score whose gradient is `g`, in units of a rating's noise: g' P g, never negative.
    pub fn variance(&self, g: &[f32; MAX_LEARNED]) -> f32 {
        not_negative(self.dot(g, &self.times(g)))
    }

    /// Narrows the belief by a rating whose score has the gradient `g`; the gain P g / (1 + g' P g) goes to `gain`.
    pub(crate) fn narrow(&mut self, g: &[f32; MAX_LEARNED], gain: &mut [f32; MAX_LEARNED]) {
        narrow(&mut self.triangle, self.learned, g, gain);
    }

    /// The dot product of two vectors that the belief is of, from the first component to the last.
    #[inline]
    pub(crate) fn dot(&self, a: &[f32; MAX_LEARNED], b: &[f32; MAX_LEARNED]) -> f32 {
        crate::numeric::dot::dot(a.get(..self.learned).unwrap_or_default(), b)
    }
}

/// P g, of the lower triangle of the first `side` rows of P. The plain form, and the oracle of the kernel.
#[cfg(not(cortex_m_float))]
#[inline(never)]
fn times(triangle: &[f32], side: usize, g: &[f32], product: &mut [f32]) {
    let mut rest = triangle;
    for (number, own) in (0..side).zip(g) {
        let Some((row, behind)) = rest.split_at_checked(number.wrapping_add(1)) else {
            break;
        };
        let Some((variance, row)) = row.split_last() else {
            break;
        };
        // The triangle's row is this row of the square, and this column of the rows above.
        let mut sum = 0.0;
        each_of_two(product, row, g, |to, p, other| {
            sum += p * other;
            *to += p * own;
        });
        sum += variance * own;
        if let Some(to) = product.get_mut(number) {
            *to = sum;
        }
        rest = behind;
    }
}

/// An update of a Kalman filter for an observation of g' x with a noise of 1: P <- P - P g (P g)' / (1 + g' P g), of the
/// lower triangle of the first `side` rows of P. The gain P g / (1 + g' P g) goes to the first `side` numbers of `gain`.
// Results go to a place of the caller's: an array that is returned is copied, which takes as long as half of this.
#[inline(never)]
pub(crate) fn narrow<const N: usize>(
    triangle: &mut [f32],
    side: usize,
    g: &[f32; N],
    gain: &mut [f32; N],
) {
    let mut spread = [0.0; N];
    times(triangle, side, g, &mut spread);
    let seen = crate::numeric::dot::dot(g.get(..side).unwrap_or_default(), &spread);
    let total = 1.0 + not_negative(seen);
    let of_side = gain.get_mut(..side).unwrap_or_default();
    each(of_side, &spread, |gain, spread| *gain = spread / total);
    let bits = narrow_triangle(triangle, side, gain, &spread);
    // What lies behind these rows is zeros.
    if may_pass(bits) {
        clamp_each(Some(triangle), LIMIT);
    }
}

/// P <- P - gain spread', of the lower triangle of the first `side` rows; the bits of what is left, or-ed. The plain form,
/// and the oracle of the kernel.
#[cfg(not(cortex_m_float))]
fn narrow_triangle(triangle: &mut [f32], side: usize, gain: &[f32], spread: &[f32]) -> u32 {
    let mut rest = triangle;
    let mut bits = 0;
    for (number, own) in (1_usize..).zip(gain.iter().take(side)) {
        let Some((row, behind)) = rest.split_at_mut_checked(number) else {
            break;
        };
        each(row, spread, |p, other| {
            *p -= own * other;
            bits |= p.to_bits();
        });
        rest = behind;
    }
    bits
}

fn not_negative(x: f32) -> f32 {
    if x > 0.0 { x } else { 0.0 }
}
