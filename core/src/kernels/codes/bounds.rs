//! The most that a network could give a movie, as a sum of terms of its codewords: what a ranking passes over movies by.
//!
//! With a user fixed, a unit of dense layer 0 is relu(x) of an x between u and u + 255. On that interval a relu is at most
//! its chord, and at least x or 0; where a unit counts for or against the score says which of the two bounds it from
//! above (linear relaxation: Zhang et al. 2018, "Efficient neural network robustness certification with general activation
//! functions"). So backwards through the layers the score is at most a constant plus a slope times each unit's x, and x is
//! a sum over the codewords. Slopes are rounded as they come, which only makes the bound worse, and constants up. All of it
//! is in integers.

use crate::MAX_UNITS;
use crate::kernels::integer::coded::Coded;
use crate::kernels::integer::{Layer, MOST_MOVIE, Network, UNIT_PAIRS, User};
use crate::numeric::dsp::{Pair, multiply_add};
use crate::numeric::walk::numbered;

/// A line's slope of 1 is so many.
const ONE: i32 = 1 << SLOPE_BITS;
const SLOPE_BITS: u32 = 12;

/// Above any network's output, as a score: its sum has 32 bits, the last two of which, at least, are cut off.
const ANY: i64 = 1 << 29;

/// What a network gives at most.
#[derive(Clone, Debug)]
pub(super) struct Bounds {
    /// As a score; of so many terms, one a book, what they are below their own level taken in.
    pub(super) constant: i64,
    /// By unit.
    slopes: [Pair; UNIT_PAIRS],
    /// Bits by which a sum of slopes is finer than a term.
    finer: u32,
    /// What is taken off a term, for it to have room.
    level: i32,
}

/// A bound of relu: `slope` x + `constant`, in counts of 1 / [`ONE`].
#[derive(Clone, Copy)]
struct Line {
    slope: i32,
    constant: i64,
}

impl Line {
    /// Above relu, or below it, between `low` and `high`; `None` where it is 0 all along.
    fn of(low: i32, high: i32, above: bool) -> Option<Self> {
        let line = |slope, constant| Some(Self { slope, constant });
        if high <= 0 {
            None
        } else if low >= 0 {
            line(ONE, 0)
        } else if !above {
            // Whichever leaves less between.
            (high > low.wrapping_neg()).then_some(Self {
                slope: ONE,
                constant: 0,
            })
        } else {
            // Of so many bits that nothing is lost that counts, and a division of 32 bits does.
            let bits = if high | low.wrapping_neg() < 1 << 19 {
                0
            } else {
                12
            };
            let (up, down) = ((high >> bits) as u32, (low.wrapping_neg() >> bits) as u32);
            let slope = (up << SLOPE_BITS).checked_div(up.wrapping_add(down));
            let slope = slope.unwrap_or_default() as i32;
            // A line is above where it is at both ends.
            let at_low = i64::from(low).wrapping_mul(i64::from(slope)).wrapping_neg();
            let at_high = i64::from(high).wrapping_mul(i64::from(ONE.wrapping_sub(slope)));
            line(slope, if at_low > at_high { at_low } else { at_high })
        }
    }
}

/// The weight of an input in a unit of a layer.
fn weight(layer: &Layer<'_>, input: usize, unit: usize) -> i32 {
    let at = (input / 2)
        .wrapping_mul(layer.bias.len())
        .wrapping_add(unit);
    let pair = layer.weights.get(at).copied().unwrap_or_default();
    let weight = if input.is_multiple_of(2) {
        pair
    } else {
        pair >> 16
    };
    i32::from(weight as i16)
}

/// x / 2^bits, rounded up.
fn up(x: i64, bits: u32) -> i64 {
    let most = 1_i64.wrapping_shl(bits).wrapping_sub(1);
    x.wrapping_add(most).wrapping_shr(bits)
}

impl Bounds {
    /// Of a user, for movies of so many `books`; where `beside` there is something else, which terms of 16 bits are for too.
    /// Costs some hundred multiply-adds a unit of layer 1.
    #[inline(never)]
    pub(super) fn of(network: &Network<'_>, user: &User, books: usize, beside: bool) -> Self {
        let nothing = Self {
            constant: ANY,
            slopes: [0; UNIT_PAIRS],
            finer: 0,
            level: 0,
        };
        // Behind more layers sums would leave 64 bits.
        let [second, output] = network.later() else {
            return nothing;
        };
        let units = network.steps.len();
        let mut halves = [0; MAX_UNITS];
        let (twos, _) = halves.as_chunks_mut::<2>();
        for (two, pair) in twos.iter_mut().zip(user.counts()) {
            *two = [i32::from(*pair as i16), *pair as i32 >> 16];
        }
        // Counts of 2^-28 of the output's sum, of a unit of layer 1 and of layer 0.
        let mut constant = 0_i64;
        let mut by_unit = [0_i64; MAX_UNITS];
        for (k, bias) in numbered(second.bias, 0) {
            let (mut low, mut high) = (*bias, *bias);
            for (j, half) in numbered(halves.iter().take(units), 0) {
                let w = weight(second, j, k);
                let least = positive(*half);
                let most = positive(half.wrapping_add(MOST_MOVIE));
                let (by_low, by_high) = if w < 0 { (most, least) } else { (least, most) };
                low = low.wrapping_add(w.wrapping_mul(by_low));
                high = high.wrapping_add(w.wrapping_mul(by_high));
            }
            let by = weight(output, k, 0);
            let Some(line) = Line::of(low, high, by > 0) else {
                continue;
            };
            let by = i64::from(by);
            let slope = by.wrapping_mul(line.slope.into());
            constant = constant
                .wrapping_add(by.wrapping_mul(line.constant))
                .wrapping_add(slope.wrapping_mul((*bias).into()));
            if by < 0 {
                // The unit loses its low bits.
                constant = constant.wrapping_sub(by << 28);
            }
            for (j, sum) in numbered(by_unit.iter_mut().take(units), 0) {
                *sum = sum.wrapping_add(slope.wrapping_mul(weight(second, j, k).into()));
            }
        }
        // Counts of 2^-24 from here on.
        constant = up(constant, 4);
        for bias in output.bias {
            constant = constant.wrapping_add(i64::from(*bias) << 24);
        }
        for (half, slope) in halves.iter().zip(&mut by_unit).take(units) {
            let high = half.wrapping_add(MOST_MOVIE);
            // A unit isn't below 0, so its slope may be rounded up.
            let of_unit = up(*slope, 16);
            let line = Line::of(*half, high, of_unit > 0);
            let line = line.unwrap_or(Line {
                slope: 0,
                constant: 0,
            });
            *slope = of_unit.wrapping_mul(line.slope.into());
            constant = constant
                .wrapping_add(of_unit.wrapping_mul(line.constant))
                .wrapping_add(slope.wrapping_mul((*half).into()));
        }
        let shift = network.output_shift;
        let Some((slopes, coarser, highest)) = rounded(&by_unit, shift) else {
            return nothing;
        };
        let finer = shift.wrapping_add(32).wrapping_sub(coarser);
        let room = if beside { 0 } else { i32::from(i16::MAX) };
        let level = positive(up(highest, finer).wrapping_sub(room.into()) as i32);
        let levels = i64::from(level).wrapping_mul(books as i64);
        Self {
            constant: up(constant, shift.wrapping_add(24)).wrapping_add(levels << super::COARSER),
            slopes,
            finer,
            level,
        }
    }

    /// The term of a codeword whose half of dense layer 0 this is: at least what it adds to the bound.
    #[inline]
    pub(super) fn term(&self, half: &[u32]) -> i32 {
        let mut sum = (1_i32.wrapping_shl(self.finer)).wrapping_sub(1);
        let mut add = |word: &u32, [a, b]: [&Pair; 2]| {
            sum = multiply_add(word & 0x00ff_00ff, *a, sum);
            sum = multiply_add(word >> 8 & 0x00ff_00ff, *b, sum);
        };
        let (eights, rest) = half.as_chunks::<2>();
        let mut fours = self.slopes.as_chunks::<4>().0.iter();
        for ([first, second], [a, b, c, d]) in eights.iter().zip(&mut fours) {
            add(first, [a, b]);
            add(second, [c, d]);
        }
        if let ([last, ..], Some([a, b, ..])) = (rest, fours.next()) {
            add(last, [a, b]);
        }
        sum.wrapping_shr(self.finer).wrapping_sub(self.level)
    }
}

/// Slopes in counts of 2^-24 as 16 bits of counts that are 2^n times as large, n, and the most that they come to in any
/// sum; `None` where n would have to be too large for terms.
fn rounded(slopes: &[i64; MAX_UNITS], shift: u32) -> Option<([Pair; UNIT_PAIRS], u32, i64)> {
    let mut largest = 0;
    for slope in slopes {
        let magnitude = slope.wrapping_abs();
        largest = if magnitude > largest {
            magnitude
        } else {
            largest
        };
    }
    // Terms are 2^28 times as coarse at most, and twice at least.
    let finest = shift.wrapping_add(4);
    let coarser = (finest..shift.wrapping_add(32)).find(|bits| up(largest, *bits) <= 32_767)?;
    let mut pairs = [0; UNIT_PAIRS];
    let mut highest = 0_i64;
    for (pair, two) in pairs.iter_mut().zip(slopes.as_chunks::<2>().0) {
        let [low, high] = two.map(|slope| up(slope, coarser));
        *pair = u32::from(low as u16) | u32::from(high as u16) << 16;
        for slope in [low, high] {
            if slope > 0 {
                highest = highest.wrapping_add(slope.wrapping_mul(MOST_MOVIE.into()));
            }
        }
    }
    Some((pairs, coarser, highest))
}

/// x, or 0 where it is negative.
fn positive(x: i32) -> i32 {
    x & !(x >> 31)
}

impl Coded<'_> {
    /// The term of the codeword `at` of all books.
    #[inline]
    pub(super) fn term(&self, bounds: &Bounds, at: usize) -> i32 {
        bounds.term(self.of(at))
    }
}

#[cfg(all(test, feature = "write"))]
mod tests {
    use super::super::{Above, Bar, Codewords, Found, Looks, Lookup, Ranked, Words};
    use super::*;
    use crate::image::integers::{CodedNetwork, IntegerNetwork, Later};
    use crate::numeric::random::Numbers;
    use crate::table::{Codes, EmbeddingTable, MAX_BOOKS, Values};
    use crate::{MAX_LAYERS, MAX_UNITS};
    use proptest::prelude::*;
    use std::vec;
    use std::vec::Vec;

    /// Codewords' halves in the units' own order, such that one of each book adds up to at most 255.
    fn halves(numbers: &mut Numbers, (books, codewords, units): (usize, usize, usize)) -> Vec<u8> {
        let shares: Vec<u32> = (0..books * units)
            .map(|_| 1 + numbers.below(255 / books as u32))
            .collect();
        (0..books * codewords * units)
            .map(|at| {
                let share = shares[at / (codewords * units) * units + at % units];
                // Extremes too.
                match numbers.below(4) {
                    0 => share as u8,
                    1 => 0,
                    _ => numbers.below(share + 1) as u8,
                }
            })
            .collect()
    }

    /// A codeword's bytes as words of four units.
    fn words_of(bytes: &[u8]) -> Vec<u32> {
        let four = |four: &[u8]| u32::from_le_bytes([four[0], four[2], four[1], four[3]]);
        bytes.chunks(4).map(four).collect()
    }

    /// Weights of the layers behind the first in pairs.
    fn pairs_of(network: &IntegerNetwork) -> Vec<Vec<u32>> {
        let two = |w: &[i16]| u32::from(w[0] as u16) | u32::from(w[1] as u16) << 16;
        let layers = network.later().iter();
        layers
            .map(|layer| layer.weights().chunks(2).map(two).collect())
            .collect()
    }

    /// The layers behind the first, of their weights in `pairs`.
    fn layers_of<'a>(
        network: &'a IntegerNetwork,
        pairs: &'a [Vec<u32>],
    ) -> [Layer<'a>; MAX_LAYERS - 1] {
        let mut layers = [Layer::EMPTY; MAX_LAYERS - 1];
        for ((to, weights), from) in layers.iter_mut().zip(pairs).zip(network.later()) {
            *to = Layer {
                weights,
                bias: from.bias(),
            };
        }
        layers
    }

    /// The user's half, a number a unit.
    fn halves_of(user: &User) -> Vec<i32> {
        let pairs = user.counts().iter();
        pairs
            .flat_map(|pair| [i32::from(*pair as i16), *pair as i32 >> 16])
            .collect()
    }

    /// The output by itself, in 64 bits.
    fn plain(network: &Network<'_>, half: &[i32], movie: &[i64]) -> i64 {
        let mut units: Vec<i64> = half
            .iter()
            .zip(movie)
            .map(|(u, m)| (i64::from(*u) + m).max(0))
            .collect();
        for (at, layer) in network.later().iter().enumerate() {
            let sums = layer.bias.iter().enumerate().map(|(k, bias)| {
                let of = |(j, unit): (usize, &i64)| unit * i64::from(weight(layer, j, k));
                i64::from(*bias) + units.iter().enumerate().map(of).sum::<i64>()
            });
            let sums: Vec<i64> = sums.collect();
            units = match at + 1 == network.count {
                true => sums,
                false => sums.iter().map(|sum| (*sum).max(0) >> 16).collect(),
            };
        }
        units[0] >> network.output_shift
    }

    impl Codewords for Words<'_> {
        fn words(&self) -> Option<Words<'_>> {
            Some(*self)
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn a_ranking_by_bounds_finds_what_the_plain_form_ranks_first(
            sizes in prop_oneof![
                Just(Vec::from([32, 4])),
                Just(Vec::from([8, 6])),
                Just(Vec::from([12, 4, 2])),
                Just(Vec::from([4])),
            ],
            books in 1_usize..=MAX_BOOKS,
            codewords in prop_oneof![Just(1_usize), Just(256), 2_usize..40],
            movies in 1_usize..120,
            beside in any::<bool>(),
            far in any::<bool>(),
            size in 0.01_f32..4.0,
            fame in -20_000_i32..20_000,
            known_too in any::<bool>(),
            seed in any::<u64>(),
        ) {
            let mut numbers = Numbers(seed);
            let units = sizes[0];
            let bytes = halves(&mut numbers, (books, codewords, units));
            let layers: Vec<(Vec<f32>, Vec<f32>)> = sizes
                .iter()
                .zip(sizes.iter().skip(1).chain(&[1]))
                .map(|(inputs, outputs)| {
                    let scale = size / crate::numeric::square_root(*inputs as f32);
                    (numbers.singles(inputs * outputs, scale), numbers.singles(*outputs, 0.5))
                })
                .collect();
            let later: Vec<Later<'_>> = layers.iter().map(|(w, b)| (&w[..], &b[..])).collect();
            let count = if far { 0.0001 } else { 0.005 };
            let counts: Vec<f32> = (0..units).map(|_| count + numbers.single(count / 2.0)).collect();
            let most: Vec<i16> = (0..units).map(|_| numbers.below(if far { 32_513 } else { 600 }) as i16).collect();
            let Ok(integer) = IntegerNetwork::of_codes(&CodedNetwork { counts: &counts, most: &most, later: &later }) else {
                return Err(TestCaseError::reject("beyond the reach of scores"));
            };
            let pairs = pairs_of(&integer);
            let words = words_of(&bytes);
            let offsets: Vec<i16> = (0..units).map(|_| numbers.below(300) as i16).collect();
            let network = Network {
                first: &[],
                pairs: 0,
                steps: integer.steps(),
                later: layers_of(&integer, &pairs),
                count: sizes.len(),
                output_shift: u32::from(integer.output_bits()) - 20,
                stored: &[],
                coded: Some(Coded { halves: &words, offsets: &offsets, most: &most }),
            };
            let coded = network.coded.as_ref().unwrap();
            prop_assert!(coded.fit(0..units, codewords));
            let mut top = [0; MAX_UNITS];
            top.iter_mut().zip(&most).for_each(|(top, most)| *top = *most as u32 + 255);
            prop_assert_eq!(network.later_bounds(top), Ok(()));
            let mut user = User::NOBODY;
            let dim = 4;
            user.set(3.5, &numbers.singles(dim, 2.0), -12);
            let spread = if far { 30_000 } else { 300 };
            for half in user.half.iter_mut().take(units) {
                let count = numbers.below(2 * spread) as i32 - spread as i32;
                *half = (count << 16) + numbers.below(65536) as i32;
            }
            user.count_half(coded);
            let rows: Vec<i16> = (0..books * codewords * dim).map(|_| numbers.single(3000.0) as i16).collect();
            let biases: Vec<i16> = (0..books * codewords).map(|_| numbers.single(900.0) as i16).collect();
            let all: Vec<u8> = (0..movies * books).map(|_| numbers.below(codewords as u32) as u8).collect();
            let known: Vec<u8> = (0..movies).map(|_| numbers.below(256) as u8).collect();
            let codes = Codes { codes: &all, books, codewords };
            let table = |values, columns| beside.then(|| EmbeddingTable::new(Values::I16(values), columns));
            let of = Words {
                rows: table(&rows, dim),
                biases: table(&biases, 1),
                bias_shift: 8,
                network: Some((&network, coded)),
            };
            let ranked = Ranked {
                codes,
                known: if known_too { &known } else { &[] },
                each: fame,
                interest: None,
                base: user.base,
                bounded: Some((&of, &user)),
            };
            let mut lookup = Lookup::NONE;
            lookup.fill(&user, &of, &ranked);
            let mut above_base = Vec::new();
            let due: Vec<i32> = (0..movies)
                .map(|movie| {
                    let half: Vec<i64> = (0..units)
                        .map(|j| codes.words(movie).map(|at| i64::from(bytes[at * units + j])).sum())
                        .collect();
                    let output = plain(&network, &halves_of(&user)[..units], &half);
                    assert_eq!(i64::from(of.output(&user, &codes, movie)), output);
                    let beside = of.sum(&user, &codes, movie);
                    let known = if known_too { fame * i32::from(known[movie]) } else { 0 };
                    above_base.push(beside + output as i32);
                    user.base + beside + output as i32 + known
                })
                .collect();
            let least = [i32::MIN, -(1 << 12), above_base[movies / 3]];
            for (bar, least) in [i32::MIN, due[0], due[0] - 1, due[movies / 2], i32::MAX]
                .into_iter()
                .flat_map(|bar| least.map(|least| (bar, least)))
            {
                let (mut bar, mut first) = (Bar { key: bar, above_base: least }, 0);
                let passes = |row: usize, bar: Bar| due[row] > bar.key && above_base[row] >= least;
                while first < movies {
                    // Few looks at a time, or as many as there are.
                    let mut looks = Looks::of(numbers.below(3) * movies as u32);
                    match ranked.above(&mut lookup, first..movies, bar, &mut looks) {
                        Above::Movie(found) => {
                            let (row, key) = (found.row, due[found.row]);
                            prop_assert_eq!(found, Found { row, key, above_base: above_base[row] });
                            prop_assert!(passes(row, bar));
                            prop_assert!((first..row).all(|row| !passes(row, bar)));
                            bar.key = key;
                            first = row + 1;
                        }
                        Above::None { next } => {
                            prop_assert!((first..next).all(|row| !passes(row, bar)));
                            first = next;
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn where_no_unit_bends_a_bound_is_what_a_movie_gets_but_for_rounding() {
        let mut numbers = Numbers(4);
        let (units, books, codewords) = (32, 4, 64);
        let bytes = halves(&mut numbers, (books, codewords, units));
        let mut positive = numbers.singles(128, 0.2);
        positive.iter_mut().for_each(|w| *w = w.abs());
        let layers = [
            (positive, vec![0.2; 4]),
            (numbers.singles(4, 0.5), numbers.singles(1, 0.2)),
        ];
        let later: Vec<Later<'_>> = layers.iter().map(|(w, b)| (&w[..], &b[..])).collect();
        let counts = [0.005; 32];
        let coded = CodedNetwork {
            counts: &counts,
            most: &[300; 32],
            later: &later,
        };
        let integer = IntegerNetwork::of_codes(&coded).unwrap();
        assert_eq!(integer.later().len(), 2);
        let pairs = pairs_of(&integer);
        let network = Network {
            first: &[],
            pairs: 0,
            steps: integer.steps(),
            later: layers_of(&integer, &pairs),
            count: 2,
            output_shift: u32::from(integer.output_bits()) - 20,
            stored: &[],
            coded: None,
        };
        let mut user = User::NOBODY;
        let halves: Vec<i32> = (0..units).map(|_| numbers.below(300) as i32).collect();
        for (pair, two) in user.half.iter_mut().zip(halves.chunks(2)) {
            *pair = two[0] | two[1] << 16;
        }
        let bounds = Bounds::of(&network, &user, books, false);
        for _ in 0..500 {
            let words: Vec<usize> = (0..books)
                .map(|book| book * codewords + numbers.below(codewords as u32) as usize)
                .collect();
            let of = |at: usize| &bytes[at * units..][..units];
            let half: Vec<i64> = (0..units)
                .map(|j| words.iter().map(|at| i64::from(of(*at)[j])).sum())
                .collect();
            let output = plain(&network, &halves[..units], &half);
            let terms: i32 = words.iter().map(|at| bounds.term(&words_of(of(*at)))).sum();
            let bound = bounds.constant + (i64::from(terms) << super::super::COARSER);
            let between = bound - output;
            assert!((0..1 << 13).contains(&between), "{between}");
        }
    }
}
