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

use crate::numeric::arch::dsp::{multiply_add, top_halves};
use crate::{MAX_DIM, MAX_LAYERS, MAX_UNITS};

mod stored;

/// Two 16-bit numbers, the earlier one in the low half.
pub(crate) type Pair = u32;

/// Pairs of the longest row.
pub(crate) const ROW_PAIRS: usize = MAX_DIM / 2;

/// Pairs of the widest layer.
const UNIT_PAIRS: usize = MAX_UNITS / 2;

/// Bits behind the point of a score.
pub(crate) const SCORE_BITS: u32 = 20;

/// The largest magnitude of a user's half of a unit, 2^15 for rounding included.
pub(crate) const MAX_HALF: i32 = 1 << 30;

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
            (later, _) => self.any(half, row, later),
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

    /// Any shape that an image may have.
    fn any(&self, half: &[i32; MAX_UNITS], row: &[Pair], later: &[Layer<'_>]) -> i32 {
        let mut units = [0; UNIT_PAIRS];
        let (halves, _) = half.as_chunks::<2>();
        let rows = self.first.chunks_exact(self.pairs.wrapping_mul(2).max(1));
        for ((units, half), weights) in units.iter_mut().zip(halves).zip(rows) {
            let [mut a, mut b] = *half;
            let (of_a, of_b) = weights.split_at_checked(self.pairs).unwrap_or_default();
            for ((wa, wb), q) in of_a.iter().zip(of_b).zip(row) {
                a = multiply_add(*wa, *q, a);
                b = multiply_add(*wb, *q, b);
            }
            *units = top_halves(a, b);
        }
        behind(&mut units, later)
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
        let mut top = [0_u64; MAX_UNITS];
        let rows = self.first.chunks_exact(self.pairs.max(1));
        for (top, row) in top.iter_mut().zip(rows) {
            let mut sum = 0;
            for pair in row {
                let (a, b) = magnitudes(*pair);
                sum += (a + b) * u64::from(largest);
            }
            // The movie's half has as much room as the user's.
            if sum >= MAX_HALF as u64 {
                return Err(0);
            }
            *top = (sum + MAX_HALF as u64) >> 16;
        }
        for (layer, number) in self.later().iter().zip(1_u8..) {
            let units = layer.bias.len();
            let mut next = [0_u64; MAX_UNITS];
            for (at, (next, bias)) in next.iter_mut().zip(layer.bias).enumerate() {
                let mut sum = u64::from(bias.unsigned_abs());
                let column = layer.weights.iter().skip(at).step_by(units.max(1));
                for (pair, top) in column.zip(top.as_chunks::<2>().0) {
                    let (a, b) = magnitudes(*pair);
                    let [x, y] = *top;
                    sum += a * x + b * y;
                }
                if sum > i32::MAX as u64 {
                    return Err(number);
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

/// The layers behind dense layer 0, whose units these are; their places are working memory.
#[inline(always)]
fn behind(units: &mut [Pair; UNIT_PAIRS], later: &[Layer<'_>]) -> i32 {
    let mut sums = [0; MAX_UNITS];
    for layer in later {
        for (sum, bias) in sums.iter_mut().zip(layer.bias) {
            *sum = *bias;
        }
        let columns = layer.weights.chunks_exact(layer.bias.len().max(1));
        for (pair, columns) in units.iter().zip(columns) {
            for (sum, w) in sums.iter_mut().zip(columns) {
                *sum = multiply_add(*w, *pair, *sum);
            }
        }
        for (units, pair) in units.iter_mut().zip(sums.as_chunks::<2>().0) {
            let [a, b] = *pair;
            *units = top_halves(a, b);
        }
    }
    let [output, ..] = sums;
    output
}

/// The magnitudes of both numbers of a pair.
fn magnitudes(pair: Pair) -> (u64, u64) {
    let of = |bits: u32| u64::from((bits as i16).unsigned_abs());
    (of(pair), of(pair >> 16))
}

/// 2^`exponent`, for exponents from -126 to 127.
pub(crate) fn power_of_two(exponent: i32) -> f32 {
    f32::from_bits((exponent.wrapping_add(127) as u32 & 0xff) << 23)
}

/// The exponent of `x` where it is a power of two from 2^-24 to 2^8.
pub(crate) fn exponent(x: f32) -> Option<i32> {
    let bits = x.to_bits();
    let exponent = (bits >> 23) as i32 - 127;
    (bits & 0x7f_ffff == 0 && (-24..=8).contains(&exponent)).then_some(exponent)
}

/// A score in stars. Exact below 16 stars, which a score on any rating scale of MovieLens is.
#[inline]
pub(crate) fn stars(score: i32) -> f32 {
    // A power of two: on a core without an FPU the exponent alone is changed.
    if cfg!(all(target_os = "none", not(target_abi = "eabihf"))) {
        let bits = (score as f32).to_bits();
        f32::from_bits(if score == 0 {
            bits
        } else {
            bits.wrapping_sub(SCORE_BITS << 23)
        })
    } else {
        score as f32 * (1.0 / (1 << SCORE_BITS) as f32)
    }
}

/// The inverse of [`stars`], exact where that is.
pub(crate) fn key(score: f32) -> i32 {
    (score * power_of_two(SCORE_BITS as i32)) as i32
}

/// `x` times 2^[`SCORE_BITS`], to nearest, held to ±2^28.
pub(crate) fn score(x: f32) -> i32 {
    round(x * power_of_two(SCORE_BITS as i32), 1 << 28)
}

/// `x` held to ±`limit`. (`Ord::clamp` would bring a panic along.)
fn between(x: i32, limit: i32) -> i32 {
    if x > limit {
        limit
    } else if x < limit.wrapping_neg() {
        limit.wrapping_neg()
    } else {
        x
    }
}

/// `x` to the nearest integer, halves away from zero, held to ±`limit`.
pub(crate) fn round(x: f32, limit: i32) -> i32 {
    let nearest = if x > 0.0 {
        (x + 0.5) as i32
    } else {
        (x - 0.5) as i32
    };
    between(nearest, limit)
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
        let scale_at = |shift: u32| power_of_two(SCORE_BITS as i32 + shift as i32 + exponent);
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
        for (pair, values) in self.row.iter_mut().zip(row.chunks(2)) {
            for (value, shift) in values.iter().zip([0, 16]) {
                let number = round(value * scale, limit) as u16;
                *pair |= u32::from(number) << shift;
            }
        }
    }

    /// Takes in the user's half of dense layer 0, in single precision, by the network's steps.
    pub(crate) fn take_half(&mut self, half: &[f32; MAX_UNITS], steps: &[f32]) {
        for ((to, from), step) in self.half.iter_mut().zip(half).zip(steps) {
            let sum = (from * step) as i32;
            *to = between(sum.saturating_add(ROUND), MAX_HALF);
        }
    }
}

#[cfg(all(test, feature = "write"))]
mod tests {
    use super::*;
    use crate::image::integers::{IntegerNetwork, Later, SingleNetwork};
    use crate::numeric::activation::relu;
    use crate::numeric::square_root;
    use proptest::prelude::*;
    use std::vec::Vec;

    struct Numbers(u64);

    impl Numbers {
        fn bits(&mut self) -> u32 {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 32) as u32
        }

        fn single(&mut self, scale: f32) -> f32 {
            (self.bits() as f32 / (1_u32 << 31) as f32 - 1.0) * scale
        }

        fn singles(&mut self, count: usize, scale: f32) -> Vec<f32> {
            (0..count).map(|_| self.single(scale)).collect()
        }

        /// A row at its extremes half of the time.
        fn row(&mut self, largest: i16) -> [Pair; ROW_PAIRS] {
            let extreme = self.bits().is_multiple_of(2);
            core::array::from_fn(|_| {
                let mut one = || {
                    let x = if extreme {
                        if self.bits().is_multiple_of(2) {
                            largest
                        } else {
                            -largest
                        }
                    } else {
                        ((self.bits() % (2 * largest as u32 + 1)) as i32 - i32::from(largest))
                            as i16
                    };
                    u32::from(x as u16)
                };
                one() | one() << 16
            })
        }
    }

    fn pairs(numbers: &[i16]) -> Vec<Pair> {
        numbers
            .chunks(2)
            .map(|pair| u32::from(pair[0] as u16) | u32::from(pair[1] as u16) << 16)
            .collect()
    }

    /// A network in single precision, of `sizes` units.
    struct Single {
        dim: usize,
        movie: Vec<f32>,
        later: Vec<(Vec<f32>, Vec<f32>)>,
    }

    const LARGEST: i16 = 20_000;

    impl Single {
        fn new(numbers: &mut Numbers, dim: usize, sizes: &[usize], size: f32) -> Self {
            let later = sizes
                .windows(2)
                .map(|pair| {
                    let scale = square_root(3.0 / pair[0] as f32) * size;
                    (
                        numbers.singles(pair[0] * pair[1], scale),
                        numbers.singles(pair[1], 0.1 * size),
                    )
                })
                .collect();
            let scale = square_root(3.0 / (2 * dim) as f32) * size;
            Self {
                dim,
                movie: numbers.singles(sizes[0] * dim, scale),
                later,
            }
        }

        fn output(&self, half: &[f32; MAX_UNITS], row: &[f32]) -> f32 {
            let mut units: Vec<f32> = self
                .movie
                .chunks(self.dim)
                .zip(half)
                .map(|(weights, half)| {
                    relu(half + weights.iter().zip(row).map(|(w, x)| w * x).sum::<f32>())
                })
                .collect();
            for (at, (weights, bias)) in self.later.iter().enumerate() {
                units = (0..bias.len())
                    .map(|k| {
                        let terms = units.iter().enumerate();
                        let sum = bias[k]
                            + terms
                                .map(|(j, x)| x * weights[j * bias.len() + k])
                                .sum::<f32>();
                        if at + 1 == self.later.len() {
                            sum
                        } else {
                            relu(sum)
                        }
                    })
                    .collect();
            }
            units[0]
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn every_integer_kernel_gives_the_plain_forms_bits_and_single_precisions_stars(
            seed in any::<u64>(),
            dim in (1_usize..=MAX_DIM / 2).prop_map(|half| 2 * half),
            hidden in prop_oneof![
                Just(Vec::from([16_usize, 2])),
                prop::collection::vec(1_usize..=MAX_UNITS / 2, 1..MAX_LAYERS)
            ],
            lesson in any::<bool>(),
        ) {
            let mut numbers = Numbers(seed);
            let (dim, mut sizes) = if lesson { (8, Vec::from([32, 4])) } else {
                (dim, hidden.iter().map(|half| 2 * half).collect())
            };
            sizes.push(1);
            let single = Single::new(&mut numbers, dim, &sizes, if lesson { 1.0 } else { 0.3 });
            let later: Vec<Later<'_>> = single
                .later
                .iter()
                .map(|(weights, bias)| (&weights[..], &bias[..]))
                .collect();
            let scale = power_of_two(-15);
            let integer = IntegerNetwork::new(&SingleNetwork {
                movie_weights: &single.movie,
                movie_dim: dim,
                movie_scale: scale,
                movie_largest: LARGEST as u32,
                user_largest: &std::vec![1.0; sizes[0]],
                later: &later,
            }).unwrap();
            let first = pairs(integer.movie_weights());
            let weights: Vec<Vec<Pair>> =
                integer.later().iter().map(|layer| pairs(layer.weights())).collect();
            let mut layers = [Layer::EMPTY; MAX_LAYERS - 1];
            for ((to, weights), from) in layers.iter_mut().zip(&weights).zip(integer.later()) {
                *to = Layer { weights, bias: from.bias() };
            }
            let network = Network {
                first: &first,
                pairs: dim / 2,
                steps: integer.steps(),
                later: layers,
                count: layers.iter().filter(|layer| !layer.bias.is_empty()).count(),
                output_shift: u32::from(integer.output_bits()) - SCORE_BITS,
                stored: &[],
            };
            prop_assert_eq!(network.bounds(LARGEST as u32), Ok(()));
            for _ in 0..20 {
                let row = numbers.row(LARGEST);
                let extreme = numbers.bits().is_multiple_of(2);
                let mut user = User::NOBODY;
                let half: [f32; MAX_UNITS] = core::array::from_fn(|_| {
                    numbers.single(if extreme { 1.0e9 } else { 1.0 })
                });
                user.take_half(&half, network.steps);
                let row = &row[..dim / 2];
                let output = network.forward(&user.half, row);
                prop_assert_eq!(i64::from(output), network.plain(&user.half, row));
                let later = network.later();
                let any = network.any(&user.half, row, later) >> network.output_shift;
                prop_assert_eq!(any, output);
                let numbers16: Vec<i16> =
                    row.iter().flat_map(|pair| [*pair as i16, (*pair >> 16) as i16]).collect();
                let mut stored = std::vec![0; sizes[0]];
                integer.movie_half(&numbers16, &mut stored);
                let mut stored = pairs(&stored);
                prop_assert!(network.is_half_of(&stored, row));
                let mut whole = User::NOBODY;
                whole.take_half(&half, network.steps);
                whole.round_half(sizes[0]);
                let from_row = network.forward(&whole.half, row);
                let table = [&pairs(&std::vec![1; sizes[0]])[..], &stored].concat();
                let with = Network { stored: &table, ..network };
                prop_assert_eq!(with.forward_stored(&whole.half, 1), from_row);
                let zeros = network.plain(&whole.half, &row.iter().map(|_| 0).collect::<Vec<_>>());
                prop_assert_eq!(i64::from(with.forward_stored(&whole.half, 2)), zeros);
                prop_assert_eq!(i64::from(from_row), network.plain(&whole.half, row));
                for (whole, exact) in whole.half.iter().zip(&user.half).take(sizes[0]) {
                    prop_assert_eq!(whole & 0xffff, ROUND);
                    prop_assert!((whole - exact).abs() <= ROUND);
                }
                let at = numbers.bits() as usize % stored.len();
                stored[at] ^= 1 << (numbers.bits() % 32);
                prop_assert!(!network.is_half_of(&stored, row));
                if !extreme && sizes.len() <= 3 {
                    let floats: Vec<f32> = row
                        .iter()
                        .flat_map(|pair| [*pair as i16, (*pair >> 16) as i16])
                        .map(|x| f32::from(x) * scale)
                        .collect();
                    let expected = single.output(&half, &floats);
                    prop_assert!((stars(output) - expected).abs() < 0.01, "{} for {}", stars(output), expected);
                }
            }
        }
    }

    #[test]
    fn a_network_whose_sums_could_leave_32_bits_is_found() {
        let first = [0x7fff_7fff; 2 * 16];
        let weights = [0x0001_0001_u32; 1];
        let mut network = Network {
            first: &first,
            pairs: 16,
            steps: &[1.0; 2],
            later: [
                Layer {
                    weights: &weights,
                    bias: &[0],
                },
                Layer::EMPTY,
                Layer::EMPTY,
            ],
            count: 1,
            output_shift: 2,
            stored: &[],
        };
        assert_eq!(network.bounds(32_767), Err(0));
        assert_eq!(network.bounds(1000), Ok(()));
        let heavy = [0x7fff_7fff_u32];
        network.later[0].weights = &heavy;
        assert_eq!(network.bounds(1000), Ok(()));
        network.later[0].bias = &[i32::MAX];
        assert_eq!(network.bounds(1000), Err(1));
    }

    #[test]
    fn a_users_row_never_takes_a_dot_product_out_of_32_bits() {
        for size in [1.0e-6_f32, 0.01, 0.3, 2.0, 64.0] {
            for len in [2, 8, 32] {
                let mut user = User::NOBODY;
                user.set(3.5, &std::vec![size; len], -15);
                let sum: i64 = user
                    .row
                    .iter()
                    .flat_map(|pair| [*pair as i16, (*pair >> 16) as i16])
                    .map(|x| i64::from(x).abs())
                    .sum();
                assert!(sum * 32_768 + (1 << (user.dot_shift - 1)) <= i64::from(i32::MAX));
                assert!((2..=16).contains(&user.dot_shift));
            }
        }
    }

    #[test]
    fn scores_turn_into_stars_exactly() {
        for score in [0, 1, -1, 3 << 20, (5 << 20) - 1, -(1 << 23)] {
            assert_eq!(
                f64::from(stars(score)),
                f64::from(score) / f64::from(1 << 20)
            );
        }
        assert_eq!(score(3.5), 7 << 19);
        assert_eq!(exponent(power_of_two(-15)), Some(-15));
        assert_eq!(exponent(0.3), None);
        assert_eq!(exponent(-1.0), None);
        assert_eq!(exponent(0.0), None);
    }
}
