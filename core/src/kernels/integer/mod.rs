//! Integer scoring: 16-bit rows and weights, 32-bit sums, for images of integer tables.
//!
//! The same bits everywhere by nature: the verifier has excluded an overflow of any sum
//! ([`Network::bounds`]), so neither order nor width of the additions matters, and a core with SMLAD, one without
//! and a PC agree.
//!
//! # The arithmetic
//!
//! Numbers of 16 bits stand in pairs, the earlier one in the low half of a word.
//!
//! ```text
//! dense layer 0, unit j:   a = half[j] + Σ_i W[j][i] q[i]           half is the user's, 2^15 added, |half| <= 2^30
//!                          h[j] = max(a, 0) >> 16                   0 to 32,767: relu, rounding and scaling at once
//! a later layer, unit k:   a = bias[k] + Σ_j W[j][k] h[j]           2^15 added to the bias of all but the last
//!                          h[k] = max(a, 0) >> 16                   the last layer keeps a
//! dot product:             d = Σ_i p[i] q[i]                        p is chosen a user so that |d| < 2^31 - 2^16
//! score, in 2^-20 stars:   base + (bias << b) + ((d + 2^(n-1)) >> n) + (a >> o)
//! ```
//!
//! A unit's sum keeps its top 16 bits, so a layer needs no scale of its own: scales are folded into the weights
//! behind it when the image is written (relu is homogeneous), a scale a unit in dense layer 0, a scale a column
//! later. Nothing but the user's half and row is ever converted on the device.

use super::{Kernel, ran};
use crate::numeric::dsp::{Pair, multiply_add, top_halves};
use crate::numeric::fixed::{SCORE_BITS, between, power_of_two, round, score};
use crate::numeric::unroll::each_of_two;
use crate::numeric::walk::{numbered, rows};
use crate::{MAX_DIM, MAX_LAYERS, MAX_UNITS};
#[cfg(cortex_m_dsp)]
use dense::behind;
#[cfg(not(cortex_m_dsp))]
use portable::behind;

#[cfg(feature = "codes-mlp")]
pub(crate) mod coded;
#[cfg(cortex_m_dsp)]
mod dense;
#[cfg(not(cortex_m_dsp))]
mod portable;
mod stored;
#[cfg(all(test, feature = "write"))]
mod tests;

/// Pairs of the longest row.
pub(crate) const ROW_PAIRS: usize = MAX_DIM / 2;

/// Pairs of the widest layer.
pub(crate) const UNIT_PAIRS: usize = MAX_UNITS / 2;

/// The largest magnitude of a user's half of a unit, 2^15 for rounding included.
pub(crate) const MAX_HALF: i32 = 1 << 30;

/// The most that a user's half of a unit may be, either way, before movies that are sums of codewords.
#[cfg(any(feature = "codes-mlp", feature = "write"))]
pub(crate) const MOST_USER: i32 = 32_767 - MOST_MOVIE;

/// The most that the halves of a movie's codewords come to in a unit.
#[cfg(any(feature = "codes-mlp", feature = "write"))]
pub(crate) const MOST_MOVIE: i32 = 255;

/// Movies that are scored at a time.
pub(crate) const BLOCK: usize = 32;

/// Added before a sum loses its low 16 bits, so that it rounds.
pub(crate) const ROUND: i32 = 1 << 15;

/// A dense layer after the first: weights \[pairs of inputs\]\[units\], the pair being of one unit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layer<'a> {
    pub(crate) weights: &'a [Pair],
    pub(crate) bias: &'a [i32],
}

impl Layer<'_> {
    pub(crate) const EMPTY: Self = Self {
        weights: &[],
        bias: &[],
    };
}

/// The MLP in integers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Network<'a> {
    /// Weights of dense layer 0 for the movie's row, \[units\]\[pairs of columns\].
    pub(crate) first: &'a [Pair],
    /// Pairs of a movie's row.
    pub(crate) pairs: usize,
    /// What one of a unit of dense layer 0 is multiplied by to become a count of its sum.
    pub(crate) steps: &'a [f32],
    /// The later layers.
    pub(crate) later: [Layer<'a>; MAX_LAYERS - 1],
    /// How many there are, at least one.
    pub(crate) count: usize,
    /// Bits by which the output's sum is finer than a score.
    pub(crate) output_shift: u32,
    /// Each movie's half of dense layer 0, \[movies\]\[pairs of units\]; empty in an image without.
    pub(crate) stored: &'a [Pair],
    /// The codewords' halves of dense layer 0 where movies are sums of such: then there are no weights for a row.
    #[cfg(feature = "codes-mlp")]
    pub(crate) coded: Option<coded::Coded<'a>>,
}

/// What is computed once a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct User {
    /// The user's half of dense layer 0, in the units of its sums, [`ROUND`] added.
    pub(crate) half: [i32; MAX_UNITS],
    /// The user's row for the dot product.
    pub(crate) row: [Pair; ROW_PAIRS],
    /// Bits by which the dot product's sum is finer than a score.
    pub(crate) dot_shift: u32,
    /// Mean and the user's bias, as a score.
    pub(crate) base: i32,
}

impl User {
    /// Somebody without a taste: all zeros, which a core clears faster than it copies.
    pub(crate) const NOBODY: Self = Self {
        half: [0; MAX_UNITS],
        row: [0; ROW_PAIRS],
        dot_shift: 0,
        base: 0,
    };
}

/// The products of a movie's row and the user's, rounded to a score's bits.
#[inline]
pub(crate) fn dot(user: &User, row: &[Pair]) -> i32 {
    // The shift is from 2 to 16.
    let mut sum = 1_i32.wrapping_shl(user.dot_shift.wrapping_sub(1));
    for (p, q) in user.row.iter().zip(row) {
        sum = multiply_add(*p, *q, sum);
    }
    sum.wrapping_shr(user.dot_shift)
}

impl<'a> Network<'a> {
    /// The later layers.
    pub(crate) fn later(&self) -> &[Layer<'a>] {
        self.later.get(..self.count).unwrap_or_default()
    }

    /// The network's output for a movie's row, as a score.
    pub(crate) fn forward(&self, half: &[i32; MAX_UNITS], row: &[Pair]) -> i32 {
        let sum = match (self.later(), <&[Pair; 4]>::try_from(row)) {
            ([second, output], Ok(row))
                if self.pairs == 4 && second.bias.len() == 4 && output.bias.len() == 1 =>
            {
                self.lesson(half, row, second, output)
            }
            (later, _) if cfg!(feature = "shapes") => self.any(half, row, later),
            // The verifier has refused it.
            _ => 0,
        };
        sum.wrapping_shr(self.output_shift)
    }

    /// Rows of 8, then any number of units, 4 units, and one: layer 1 is taken in as the units appear.
    /// 2,300 instructions on a Cortex-M0 for 32 units.
    fn lesson(
        &self,
        half: &[i32; MAX_UNITS],
        row: &[Pair; 4],
        second: &Layer<'_>,
        output: &Layer<'_>,
    ) -> i32 {
        ran(Kernel::IntegerLesson);
        let (weights, _) = self.first.as_chunks::<8>();
        let (halves, _) = half.as_chunks::<2>();
        let units = |(weights, half): (&[Pair; 8], &[i32; 2])| {
            let [mut a, mut b] = *half;
            let (of_a, of_b) = weights.split_at(4);
            for ((wa, wb), q) in of_a.iter().zip(of_b).zip(row) {
                a = multiply_add(*wa, *q, a);
                b = multiply_add(*wb, *q, b);
            }
            top_halves(a, b)
        };
        behind_lesson(weights.iter().zip(halves), units, second, output)
    }

    /// The plain form, and the oracle of every faster one: each number by itself, in 64 bits.
    #[cfg(test)]
    pub(crate) fn plain(&self, half: &[i32; MAX_UNITS], row: &[Pair]) -> i64 {
        let number =
            |pairs: &[Pair], at: usize| i64::from((pairs[at / 2] >> (16 * (at % 2))) as i16);
        let mut units: std::vec::Vec<i64> = (0..self.steps.len())
            .map(|j| {
                let weights = &self.first[j * self.pairs..][..self.pairs];
                let sum = (0..2 * self.pairs)
                    .map(|i| number(weights, i) * number(row, i))
                    .sum::<i64>();
                (i64::from(half[j]) + sum).max(0) >> 16
            })
            .collect();
        for (at, layer) in self.later().iter().enumerate() {
            let outputs = layer.bias.len();
            let sums = (0..outputs).map(|k| {
                let terms = units.iter().enumerate().map(|(j, unit)| {
                    let pair = layer.weights[j / 2 * outputs + k];
                    number(&[pair], j % 2) * unit
                });
                i64::from(layer.bias[k]) + terms.sum::<i64>()
            });
            let sums: std::vec::Vec<i64> = sums.collect();
            units = if at + 1 == self.count {
                sums
            } else {
                sums.iter().map(|sum| (*sum).max(0) >> 16).collect()
            };
        }
        units[0] >> self.output_shift
    }

    /// Whether no sum can leave 32 bits, whatever the order of its additions, for rows whose numbers have at most
    /// the magnitude `largest`; the layer at fault otherwise.
    pub(crate) fn bounds(&self, largest: u32) -> Result<(), u8> {
        // A sum that 32 bits are too few for stays at their largest number, which is too large.
        let mut top = [0_u32; MAX_UNITS];
        for (top, row) in top.iter_mut().zip(rows(self.first, self.pairs)) {
            let mut sum = 0_u32;
            for pair in row {
                let (a, b) = magnitudes(*pair);
                sum = sum.saturating_add(a.wrapping_add(b).saturating_mul(largest));
            }
            // The movie's half has as much room as the user's.
            if sum >= MAX_HALF as u32 {
                return Err(0);
            }
            *top = sum.wrapping_add(MAX_HALF as u32) >> 16;
        }
        self.later_bounds(top)
    }

    /// The same of the later layers, by the most that each unit of dense layer 0 can be.
    pub(crate) fn later_bounds(&self, mut top: [u32; MAX_UNITS]) -> Result<(), u8> {
        for (number, layer) in numbered(self.later(), 1) {
            let units = layer.bias.len();
            let mut next = [0_u32; MAX_UNITS];
            // Each at most 2^15 times 2^16, and of fewer than 2^6 units: the sum saturates where it doesn't fit.
            for (at, (next, bias)) in numbered(next.iter_mut().zip(layer.bias), 0) {
                let mut sum = bias.unsigned_abs();
                let column = layer.weights.iter().skip(at).step_by(units.max(1));
                for (pair, top) in column.zip(top.as_chunks::<2>().0) {
                    let (a, b) = magnitudes(*pair);
                    let [x, y] = *top;
                    sum = sum
                        .saturating_add(a.saturating_mul(x))
                        .saturating_add(b.saturating_mul(y));
                }
                if sum > i32::MAX as u32 {
                    return Err(number as u8);
                }
                *next = sum >> 16;
            }
            top = next;
        }
        Ok(())
    }
}

/// Layer 1 of 4 units, which takes in the `units` of dense layer 0 as they appear, and the output.
#[inline(always)]
fn behind_lesson<T>(
    inputs: impl Iterator<Item = T>,
    units: impl Fn(T) -> Pair,
    second: &Layer<'_>,
    output: &Layer<'_>,
) -> i32 {
    let mut sums = [0; 4];
    for (sum, bias) in sums.iter_mut().zip(second.bias) {
        *sum = *bias;
    }
    let (columns, _) = second.weights.as_chunks::<4>();
    for (input, columns) in inputs.zip(columns) {
        let units = units(input);
        // Worth a look where multiplying takes instructions: three pairs in ten are dead.
        if cfg!(not(cortex_m_dsp)) && units == 0 {
            continue;
        }
        for (sum, w) in sums.iter_mut().zip(columns) {
            *sum = multiply_add(*w, units, *sum);
        }
    }
    let [a, b, c, d] = sums;
    let mut sum = 0;
    for bias in output.bias {
        sum = *bias;
    }
    for (w, units) in output
        .weights
        .iter()
        .zip([top_halves(a, b), top_halves(c, d)])
    {
        sum = multiply_add(*w, units, sum);
    }
    sum
}

/// The magnitudes of both numbers of a pair.
fn magnitudes(pair: Pair) -> (u32, u32) {
    let of = |bits: u32| u32::from((bits as i16).unsigned_abs());
    (of(pair), of(pair >> 16))
}

impl User {
    /// Sets the user's part of an integer score, but for the half of dense layer 0: `base` in stars, `row` the user's row, and the exponent of the scale
    /// of the movies' table.
    ///
    /// The row is made as fine as fits: its magnitudes add up to at most 65,535, so that no sum of products with
    /// 16-bit numbers leaves 32 bits, and none is above 32,767.
    pub(crate) fn set(&mut self, base: f32, row: &[f32], exponent: i32) {
        self.base = score(base);
        let mut sum = 0.0;
        let mut largest = 0.0;
        for x in row {
            let x = crate::numeric::magnitude(*x);
            sum += x;
            largest = if x > largest { x } else { largest };
        }
        let scale_at = |shift: u32| {
            power_of_two(
                (SCORE_BITS as i32)
                    .wrapping_add(shift as i32)
                    .wrapping_add(exponent),
            )
        };
        let mut shift = 16;
        while shift > 2
            && (sum * scale_at(shift) > 65_000.0 || largest * scale_at(shift) > 32_000.0)
        {
            shift -= 1;
        }
        self.dot_shift = shift;
        self.row = [0; ROW_PAIRS];
        let scale = scale_at(shift);
        // Reached only by rows far beyond those of a trained model.
        let limit = if sum * scale > 65_000.0 || largest * scale > 32_000.0 {
            (65_535_u32.checked_div(row.len() as u32).unwrap_or_default()).min(32_767) as i32
        } else {
            32_767
        };
        let number = |value: &f32| u32::from(round(value * scale, limit) as u16);
        let mut left = row;
        for pair in &mut self.row {
            let [low, rest @ ..] = left else {
                break;
            };
            *pair = number(low);
            left = rest;
            if let [high, rest @ ..] = left {
                *pair |= number(high) << 16;
                left = rest;
            }
        }
    }

    /// Takes in the user's half of dense layer 0, in single precision, by the network's steps.
    pub(crate) fn take_half(&mut self, half: &[f32; MAX_UNITS], steps: &[f32]) {
        each_of_two(&mut self.half, half, steps, |to, from, step| {
            let sum = (from * step) as i32;
            *to = between(sum.saturating_add(ROUND), MAX_HALF);
        });
    }
}
