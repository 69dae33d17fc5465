//! Scoring the catalogue, by the kernels that the model's shape gets on this machine
//! ([`Kernels::of`](crate::kernels::Kernels::of)).
//!
//! Whichever they are, each movie's sums run in the order of the plain form, [`Model::explain`], so the bits are
//! the same: a test and the device bench compare them.

use super::interest::BITS;
use super::{Interest, Model, UserState};
#[cfg(not(cortex_m_float))]
use crate::kernels::portable::{self, Lanes, Scratch};
#[cfg(not(cortex_m_float))]
use crate::kernels::{Kernel, ran};
#[cfg(not(cortex_m_float))]
use crate::numeric::walk;
use crate::numeric::{fixed, unroll};
use crate::{MAX_DIM, MAX_UNITS};

/// Movies that the portable kernel scores at a time: a few vector registers of them on a PC, two on a core whose
/// registers hold two, one where floating point is software.
#[cfg(not(cortex_m_float))]
const LANES: usize = if !cfg!(target_os = "none") {
    16
} else if cfg!(target_abi = "eabihf") {
    2
} else {
    1
};

impl Model<'_> {
    /// The scores of the movies of rows `first`, `first + 1`, …, one for each place of `scores`: how the
    /// catalogue is ranked. A movie costs its half of dense layer 0 and the layers behind it. A row outside the
    /// table counts as a row of zeros.
    pub fn score_rows(&self, user: &UserState, first: u32, scores: &mut [f32]) {
        self.in_parts(first, scores, |part, first, scores| {
            part.score_own_rows(user, first, scores);
        });
    }

    #[inline(always)]
    fn score_own_rows(&self, user: &UserState, first: u32, scores: &mut [f32]) {
        if let Some(integers) = &self.integers {
            return self.score_rows_in_integers(integers, user, first, scores);
        }
        #[cfg(cortex_m_float)]
        self.score_rows_by_assembly(user, first, scores);
        #[cfg(not(cortex_m_float))]
        self.score_rows_portably(user, first, scores);
    }

    /// As [`score_rows`](Self::score_rows), with what fame gives a movie for each count of its confidence
    /// ([`fame_of_a_count`](Self::fame_of_a_count)) and somebody's interest added, as keys: integers that are in order
    /// where those sums are, or the sums' bits ([`keys_are_numbers`](Self::keys_are_numbers)). Integers cost less to compare
    /// where floating point is software, and integer scores are keys as they are. What isn't above `bar`, a key too, need
    /// only be that.
    pub(crate) fn score_keys(
        &self,
        user: &UserState,
        first: u32,
        ((fame, each), interest): ((f32, i32), &Interest),
        bar: i32,
        keys: &mut [i32],
    ) {
        let at = first as usize;
        let known = self.confidence.and_then(|known| known.bytes.get(at..));
        let known = known.unwrap_or_default();
        let interests = self.interests().filter(|_| interest.any());
        if let Some(integers) = &self.integers {
            self.sum_rows(integers, &user.integer, at, keys);
            if each != 0 {
                unroll::each(keys, known, |key, known| {
                    *key = key.saturating_add(each.wrapping_mul(i32::from(*known)));
                });
            }
            if let Some((_, kin)) = interests {
                kin.add_to_keys(interest, at, bar, keys);
            }
            return;
        }
        // The scores take the keys' place for a moment.
        let scores: &mut [f32] = bytemuck::must_cast_slice_mut(keys);
        self.score_rows(user, first, scores);
        if fame != 0.0 {
            unroll::each(scores, known, |score, known| {
                *score += fame * f32::from(*known);
            });
        }
        if let Some((_, kin)) = interests {
            kin.add_to_stars(interest, at, f32::from_bits(ordered(bar) as u32), scores);
        }
        if cfg!(not(cortex_m_float)) {
            for key in keys {
                *key = ordered(*key);
            }
        }
    }

    /// What `fame` gives a movie for each count of its confidence, in stars and as a key.
    #[inline(never)]
    pub(crate) fn fame_of_a_count(&self, fame: f32) -> (f32, i32) {
        let fame = fame * self.confidence.map_or(0.0, |known| known.scale);
        // At most a star a count, so that there is room for 255 of them.
        let each = fixed::round(fame * fixed::power_of_two(20), 1 << 20);
        (fame, each)
    }

    /// By how much the movie of `row` is predicted above the user's mean, about, in 2^-20 stars, by its key in a ranking with
    /// this fame a count and interest: what the ranking added is taken off again.
    pub(crate) fn above_mean(
        &self,
        user: &UserState,
        row: u32,
        ((fame, each), interest): ((f32, i32), &Interest),
        key: i32,
    ) -> i32 {
        let at = row as usize;
        let known = self.confidence.and_then(|known| known.bytes.get(at));
        let known = known.copied().unwrap_or_default();
        let interests = self.interests().filter(|_| interest.any());
        let term = interests.map_or(0, |(_, kin)| kin.term_of(interest, at));
        if self.integers.is_some() {
            // Without floating point, which is software on some cores.
            key.saturating_sub(each.wrapping_mul(i32::from(known)))
                .saturating_sub(term << (20 - BITS))
                .saturating_sub(user.integer.base)
        } else {
            let added = fame * f32::from(known) + term as f32 * fixed::power_of_two(-BITS);
            fixed::key(self.score_of_key(key) - added - user.mean())
        }
    }

    /// Whether the keys are the bits of the scores as they are: a core with an FPU compares those as fast as integers.
    #[inline]
    pub(crate) fn keys_are_numbers(&self) -> bool {
        cfg!(cortex_m_float) && self.integers.is_none()
    }

    /// The score of a key.
    pub(crate) fn score_of_key(&self, key: i32) -> f32 {
        if self.integers.is_some() {
            fixed::stars(key)
        } else {
            f32::from_bits(ordered(key) as u32)
        }
    }

    /// The key of a score; of a score beyond 16 stars that came from an integer, one that is near.
    pub(crate) fn key_of_score(&self, score: f32) -> i32 {
        if self.integers.is_some() {
            fixed::key(score)
        } else {
            ordered(score.to_bits() as i32)
        }
    }
}

/// The portable kernel.
#[cfg(not(cortex_m_float))]
impl Model<'_> {
    fn score_rows_portably(&self, user: &UserState, first: u32, scores: &mut [f32]) {
        ran(Kernel::Lanes);
        let mut row = first as usize;
        let mut scratch = Scratch::<LANES>::new();
        let (blocks, rest) = scores.as_chunks_mut::<LANES>();
        for block in blocks {
            *block = self.score_lanes(user, row, &mut scratch);
            row = row.wrapping_add(LANES);
        }
        if !rest.is_empty() {
            // The lanes behind the last movie read zeros, or nothing that matters.
            let lanes = self.score_lanes(user, row, &mut scratch);
            for (score, lane) in rest.iter_mut().zip(lanes) {
                *score = lane;
            }
        }
    }

    /// The scores of `L` movies from row `first` on.
    fn score_lanes<const L: usize>(
        &self,
        user: &UserState,
        first: usize,
        scratch: &mut Scratch<L>,
    ) -> Lanes<L> {
        let mut columns = [[0.0; L]; MAX_DIM];
        let mut movie = [0.0; MAX_DIM];
        let dim = self.movie_dim();
        for lane in 0..L {
            let row = first.wrapping_add(lane);
            if row >= self.movies as usize {
                movie = [0.0; MAX_DIM];
            }
            self.movie_table.read(row, &mut movie);
            for (column, x) in columns.iter_mut().zip(&movie).take(dim) {
                if let Some(place) = column.get_mut(lane) {
                    *place = *x;
                }
            }
        }
        let columns = columns.get(..dim).unwrap_or_default();
        let mut sums = [user.base; L];
        if let Some(table) = self.movie_bias {
            for (lane, sum) in walk::numbered(&mut sums, 0) {
                *sum += table.first(first.wrapping_add(lane));
            }
        }
        if self.parts.dot {
            accumulate(&mut sums, &portable::dot(columns, &user.row));
        }
        if let Some(mlp) = &self.mlp {
            accumulate(
                &mut sums,
                &portable::forward(mlp, &user.half, columns, scratch),
            );
        }
        sums
    }
}

/// The bits of a number in an order that integers have: those of negative ones, but for the sign, turned around. Its
/// own inverse. -0.0 comes right before +0.0. As they are for a core whose keys are numbers.
#[inline]
fn ordered(bits: i32) -> i32 {
    if cfg!(cortex_m_float) {
        return bits;
    }
    bits ^ ((bits >> 31) & i32::MAX)
}

#[cfg(not(cortex_m_float))]
fn accumulate<const L: usize>(sums: &mut Lanes<L>, x: &Lanes<L>) {
    for (sum, x) in sums.iter_mut().zip(x) {
        *sum += x;
    }
}

/// The user's half of dense layer 0, by the fastest kernel for its shape.
pub(super) fn user_half(
    mlp: &crate::mlp::Mlp<'_>,
    row: &[f32; MAX_DIM],
    half: &mut [f32; MAX_UNITS],
) {
    #[cfg(cortex_m_float)]
    {
        use crate::kernels::float;
        use crate::numeric::activation::Activation;
        let row = row.get(..mlp.user_dim).unwrap_or_default();
        float::rows(mlp.user_weights, mlp.bias, row, Activation::Linear, half);
    }
    #[cfg(not(cortex_m_float))]
    mlp.user_half(row, half);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::IdIndex;
    use crate::image::{FORMAT, Header, MAGIC};
    use crate::kernels::{Kernels, Machine, Precision};
    use crate::mlp::{Dense, Mlp};
    use crate::model::{Parts, RatingScale};
    use crate::numeric::activation::Activation;
    use crate::numeric::random;
    use crate::table::{EmbeddingTable, Values};
    use crate::{MAX_LAYERS, MAX_UNITS};
    use proptest::prelude::*;
    use std::vec::Vec;

    /// Numbers as images hold them: zeros of both signs, and normal ones down to the smallest.
    struct Numbers(random::Numbers);

    impl Numbers {
        fn bits(&mut self) -> u32 {
            self.0.bits() >> 1
        }

        fn single(&mut self) -> f32 {
            match self.bits() % 20 {
                0 => 0.0,
                1 => -0.0,
                2 => f32::MIN_POSITIVE,
                _ => self.bits() as f32 / (1_u32 << 30) as f32 - 1.0,
            }
        }

        fn half(&mut self) -> u16 {
            let sign = (self.bits() as u16 & 1) << 15;
            match self.bits() % 20 {
                0 => sign,
                1 => sign | 0x0400,
                _ => sign | (0x2000 + (self.bits() % 0x2000) as u16),
            }
        }
    }

    /// Takes the place of a shape until there is one.
    const LITTLE: crate::kernels::Shape<'_> = crate::kernels::Shape {
        movies: Precision::F32,
        movie_bias: None,
        movie_dim: 1,
        user_dim: 1,
        dot: true,
        units: &[],
        relu: true,
        stored: false,
        codes: false,
    };

    #[derive(Clone, Debug)]
    struct Shape {
        parts: Parts,
        dim: usize,
        units: Vec<usize>,
        movies: usize,
        half_precision: bool,
        relu: bool,
    }

    fn shape() -> impl Strategy<Value = Shape> {
        (
            1_u8..8,
            prop_oneof![
                Just(4_usize),
                Just(8),
                Just(16),
                Just(32),
                1_usize..=MAX_DIM
            ],
            prop_oneof![
                Just(Vec::from([32, 4])),
                prop::collection::vec(1_usize..=MAX_UNITS, 0..MAX_LAYERS)
            ],
            1_usize..40,
            any::<bool>(),
            any::<bool>(),
        )
            .prop_map(|(parts, dim, mut units, movies, half_precision, relu)| {
                units.push(1);
                Shape {
                    parts: Parts::from_bits(parts).unwrap(),
                    dim,
                    units,
                    movies,
                    half_precision,
                    relu,
                }
            })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn every_shape_scores_to_the_bits_of_the_plain_form(
            shape in shape(),
            seed in any::<u64>(),
        ) {
            let mut numbers = Numbers(random::Numbers(seed));
            let halves: Vec<u16> = (0..40 * (MAX_DIM + 1)).map(|_| numbers.half()).collect();
            let singles: Vec<f32> = (0..20_000).map(|_| numbers.single()).collect();
            let mut rest = &singles[..];
            let mut take = |count: usize| {
                let (front, back) = rest.split_at(count);
                rest = back;
                front
            };
            let dim = shape.dim;
            let (rows, bias) = halves[..shape.movies * (dim + 1)].split_at(shape.movies * dim);
            let table = |halves, floats, columns| {
                EmbeddingTable::new(
                    if shape.half_precision { Values::F16(halves) } else { Values::F32(floats) },
                    columns,
                )
            };
            let hidden = if shape.relu { Activation::Relu } else { Activation::Linear };
            let mut later = [Dense::EMPTY; MAX_LAYERS - 1];
            for (at, pair) in shape.units.windows(2).enumerate() {
                later[at] = Dense {
                    weights: take(pair[0] * pair[1]),
                    bias: take(pair[1]),
                    activation: if at + 2 == shape.units.len() { Activation::Linear } else { hidden },
                };
            }
            let mlp = Mlp {
                user_weights: take(shape.units[0] * dim),
                movie_weights: take(shape.units[0] * dim),
                user_dim: dim,
                movie_dim: dim,
                bias: take(shape.units[0]),
                activation: if shape.units.len() == 1 { Activation::Linear } else { hidden },
                later,
                layers: shape.units.len(),
            };
            let mut model = Model {
                header: Header {
                    magic: MAGIC,
                    format: FORMAT,
                    length: 0,
                    crc: 0,
                    name: "",
                    fingerprint: 0,
                    license: "",
                    tables: 0,
                },
                scale: RatingScale { mean: 3.5, lowest: 0.5, highest: 5.0, step: 0.5 },
                parts: shape.parts,
                movies: shape.movies as u32,
                movie_ids: IdIndex::range(1, shape.movies as u32).unwrap(),
                movie_table: table(rows, take(shape.movies * dim), dim),
                movie_bias: shape.parts.biases.then(|| table(bias, take(shape.movies), 1)),
                users: None,
                mean_row: take(dim),
                mean_bias: 0.25,
                mlp: shape.parts.mlp.then_some(mlp),
                kernels: Kernels::of(&LITTLE, Machine::HERE),
                integers: None,
                user_spread: None,
                validation: None,
                seen: None,
                confidence: None,
                interests: None,
                kin: None,
                facets: None,
                odds: None,
                #[cfg(feature = "grow")]
                more: None,
                #[cfg(feature = "grow")]
                largest: crate::model::added::Limits::default(),
            };
            model.kernels = model.with_shape(|shape| Kernels::of(shape, Machine::HERE));
            let user = model.mean_user();
            // One more than there are: a row outside counts as zeros.
            let mut scores = [0.0; 41];
            let scores = &mut scores[..=shape.movies];
            model.score_rows(&user, 0, scores);
            for (row, score) in scores.iter().enumerate() {
                let parts = model.explain(&user, row as u32);
                let mut plain = parts.base;
                if shape.parts.biases {
                    plain += parts.movie_bias;
                }
                if shape.parts.dot {
                    plain += parts.dot;
                }
                if shape.parts.mlp {
                    plain += parts.mlp;
                }
                prop_assert_eq!(score.to_bits(), plain.to_bits(), "row {} of {:?}", row, shape);
                prop_assert_eq!(model.score(&user, row as u32).to_bits(), plain.to_bits());
            }
        }
    }
}
