//! Scoring in integers, for images whose movies' table is of integers.

#[cfg(feature = "codes")]
use super::Interest;
use super::{Explanation, Model, UserState};
use crate::MAX_UNITS;
#[cfg(feature = "codes-mlp")]
use crate::kernels::codes::Codewords;
#[cfg(feature = "codes")]
use crate::kernels::codes::{Lookup, Ranked, Words};
use crate::kernels::integer::{self, Network, ROW_PAIRS, User};
use crate::kernels::{Kernel, Machine, ran};
use crate::numeric::fixed::stars;
use crate::numeric::unroll::all;
#[cfg(feature = "codes")]
use crate::table::Codes;

/// What an image of integers has beside its tables.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Integers<'a> {
    /// The MLP, where the model has one.
    pub(crate) network: Option<Network<'a>>,
    /// The movies' table is of counts of 2^`exponent`.
    pub(crate) exponent: i32,
    /// Bits by which a movie's bias is coarser than a score.
    pub(crate) bias_shift: u32,
}

impl Integers<'_> {
    /// Fills in the user's part, for a base in stars, the user's row, and the half of dense layer 0.
    pub(crate) fn fill(&self, user: &mut User, base: f32, row: &[f32], half: &[f32; MAX_UNITS]) {
        user.set(base, row, self.exponent);
        if let Some(network) = &self.network {
            user.take_half(half, network.steps);
            #[cfg(feature = "codes-mlp")]
            if let Some(coded) = &network.coded {
                return user.count_half(coded);
            }
            if !network.stored.is_empty() {
                user.round_half(network.steps.len());
            }
        }
    }

    /// Whether movies' halves of dense layer 0 are stored.
    pub(super) fn stores_halves(&self) -> bool {
        let network = self.network.as_ref();
        network.is_some_and(|network| !network.stored.is_empty())
    }
}

#[cfg(feature = "codes-mlp")]
impl Codewords for Model<'_> {
    #[inline(never)]
    fn words(&self) -> Option<Words<'_>> {
        Some(self.words_of(self.integers.as_ref()?))
    }
}

impl Model<'_> {
    /// The parts of an integer score, from the movie's row whatever else is stored. Each is exact in single precision
    /// while it is below 16 stars, and so is their sum: the score.
    pub(super) fn explain_integer(
        &self,
        integers: &Integers<'_>,
        user: &UserState,
        row: usize,
    ) -> Explanation {
        #[cfg(feature = "codes")]
        if let Some((words, codes)) = self.words(integers) {
            let user = &user.integer;
            #[cfg(feature = "codes-mlp")]
            let sum = words.sum(user, &codes, row);
            #[cfg(not(feature = "codes-mlp"))]
            let sum = words.score(user, &codes, row).wrapping_sub(user.base);
            let bias = codes
                .words(row)
                .fold(0, |sum, at| words.bias(at).wrapping_add(sum));
            return Explanation {
                base: stars(user.base),
                movie_bias: stars(bias),
                // What is left, its rounding included.
                dot: stars(sum.wrapping_sub(bias)),
                #[cfg(feature = "codes-mlp")]
                mlp: stars(words.output(user, &codes, row)),
                #[cfg(not(feature = "codes-mlp"))]
                mlp: 0.0,
            };
        }
        let mut place = [0; ROW_PAIRS];
        let movie = self.movie_table.pairs_apart(row, &mut place);
        let user = &user.integer;
        let dot = if self.parts.dot {
            integer::dot(user, movie)
        } else {
            0
        };
        let mlp = integers
            .network
            .as_ref()
            .map_or(0, |network| network.forward(&user.half, movie));
        Explanation {
            base: stars(user.base),
            movie_bias: stars(self.integer_bias(integers, row)),
            dot: stars(dot),
            mlp: stars(mlp),
        }
    }

    /// The codewords that movies are sums of, in a model of such, and the movies' codes.
    #[cfg(feature = "codes")]
    pub(super) fn words<'w>(
        &'w self,
        integers: &'w Integers<'_>,
    ) -> Option<(Words<'w>, Codes<'w>)> {
        let codes = self.movie_table.codes()?;
        Some((self.words_of(integers), codes))
    }

    #[cfg(feature = "codes")]
    fn words_of<'w>(&'w self, integers: &'w Integers<'_>) -> Words<'w> {
        Words {
            rows: self.parts.dot.then(|| self.movie_table.words()),
            biases: self.movie_bias.as_ref().map(|table| table.words()),
            bias_shift: integers.bias_shift,
            #[cfg(feature = "codes-mlp")]
            network: integers
                .network
                .as_ref()
                .and_then(|network| Some((network, network.coded.as_ref()?))),
        }
    }

    /// What a ranking by looking up looks at, in a model whose movies are sums of codewords.
    #[cfg(feature = "codes")]
    #[inline]
    pub(crate) fn ranked<'r>(
        &'r self,
        user: &'r UserState,
        (each, interest): (i32, &'r Interest),
    ) -> Option<Ranked<'r>> {
        #[cfg_attr(not(feature = "codes-mlp"), allow(unused_variables))]
        let integers = self.integers.as_ref()?;
        let codes = self.movie_table.codes()?;
        Some(Ranked {
            codes,
            known: self.confidence.map_or(&[], |known| known.bytes),
            each,
            interest: self
                .interests()
                .filter(|_| interest.any())
                .map(|(_, kin)| (kin, interest)),
            base: user.integer.base,
            #[cfg(feature = "codes-mlp")]
            bounded: integers
                .network
                .as_ref()
                .is_some_and(|network| network.coded.is_some())
                .then_some((self, &user.integer)),
        })
    }

    /// Fills in what this user would give each codeword.
    #[cfg(feature = "codes")]
    #[inline(never)]
    pub(crate) fn fill_lookup(&self, user: &UserState, ranked: &Ranked<'_>, lookup: &mut Lookup) {
        if let Some(integers) = &self.integers {
            lookup.fill(&user.integer, &self.words_of(integers), ranked);
        }
    }

    /// A movie's bias as a score, 0 for a model without biases.
    #[inline]
    pub(super) fn integer_bias(&self, integers: &Integers<'_>, row: usize) -> i32 {
        self.movie_bias.map_or(0, |table| {
            table.integer(row).wrapping_shl(integers.bias_shift)
        })
    }

    /// The integer scores of rows `first`, `first + 1`, …, in stars.
    pub(super) fn score_rows_in_integers(
        &self,
        integers: &Integers<'_>,
        user: &UserState,
        first: u32,
        scores: &mut [f32],
    ) {
        let mut row = first as usize;
        for scores in scores.chunks_mut(BLOCK) {
            // The sums take the scores' place for a moment.
            self.sum_rows(
                integers,
                &user.integer,
                row,
                bytemuck::must_cast_slice_mut(scores),
            );
            all(scores, |score| {
                *score = stars(score.to_bits() as i32);
            });
            row = row.wrapping_add(BLOCK);
        }
    }

    pub(super) fn sum_rows(
        &self,
        integers: &Integers<'_>,
        user: &User,
        first: usize,
        sums: &mut [i32],
    ) {
        #[cfg(feature = "codes")]
        if let Some((words, codes)) = self.words(integers) {
            for (row, sum) in (first..=usize::MAX).zip(sums) {
                *sum = words.score(user, &codes, row);
            }
            return;
        }
        #[cfg(cortex_m_dsp)]
        let done = match self.kernels.rank {
            Kernel::DspPairs | Kernel::DspStored => self.sum_pairs(integers, user, first, sums),
            Kernel::DspDots => self.dot_byte_rows(integers, user, first, sums),
            _ => 0,
        };
        #[cfg(not(cortex_m_dsp))]
        let done = 0;
        let mut row = first.wrapping_add(done);
        let rest = sums.get_mut(done..).unwrap_or_default();
        let mut place = [0; ROW_PAIRS];
        for sum in rest {
            *sum = self.sum_row(integers, user, row, &mut place);
            row = row.wrapping_add(1);
        }
    }

    /// One movie's score; `place` is working memory.
    fn sum_row(
        &self,
        integers: &Integers<'_>,
        user: &User,
        row: usize,
        place: &mut [u32; ROW_PAIRS],
    ) -> i32 {
        let movie = self.movie_table.pairs(row, place);
        if integers.network.is_none() {
            ran(Kernel::IntegerDots);
        }
        let mut sum = user.base.wrapping_add(self.integer_bias(integers, row));
        if self.parts.dot {
            sum = sum.wrapping_add(integer::dot(user, movie));
        }
        if let Some(network) = &integers.network {
            // The bits are those of the row either way.
            let from_half = matches!(
                self.kernels.predict,
                Kernel::IntegerStored | Kernel::IntegerStoredLayers
            );
            sum = sum.wrapping_add(if from_half && Machine::HERE.stored_singly() {
                network.forward_stored(&user.half, row)
            } else {
                network.forward(&user.half, movie)
            });
        }
        sum
    }

    /// Without an MLP, from rows of 8 in bytes: nothing is looked up a movie; returns how many rows it did.
    #[cfg(cortex_m_dsp)]
    fn dot_byte_rows(
        &self,
        integers: &Integers<'_>,
        user: &User,
        first: usize,
        sums: &mut [i32],
    ) -> usize {
        use crate::kernels::dsp;
        use crate::table::Values;

        // There is no shift for nobody, which the kernel needs.
        if user.dot_shift == 0 {
            return 0;
        }
        let biases = match self.movie_bias.map(|table| table.values()) {
            None => None,
            Some(Values::I16(biases)) => Some(biases.get(first..).unwrap_or_default()),
            Some(_) => return 0,
        };
        let Some(rows) = self.movie_table.byte_rows(first, sums.len()) else {
            return 0;
        };
        dsp::dots(user, rows, (biases, integers.bias_shift), sums)
    }

    /// By the kernels of [`dsp`](crate::kernels::dsp) for the lesson's shape; returns how many rows it did.
    #[cfg(cortex_m_dsp)]
    fn sum_pairs(
        &self,
        integers: &Integers<'_>,
        user: &User,
        first: usize,
        sums: &mut [i32],
    ) -> usize {
        use crate::kernels::dsp;
        use crate::table::Values;

        let Some(network) = &integers.network else {
            return 0;
        };
        let [second, output] = network.later() else {
            return 0;
        };
        let (Ok(second_bias), Ok(output_weights), [output_bias]) = (
            second.bias.try_into(),
            output.weights.try_into(),
            output.bias,
        ) else {
            return 0;
        };
        let biases = match self.movie_bias.map(|table| table.values()) {
            None => None,
            Some(Values::I16(biases)) => match biases.get(first..) {
                Some(biases) => Some(biases),
                None => return 0,
            },
            Some(_) => return 0,
        };
        let net = dsp::Net {
            user,
            first: network.first.as_chunks().0,
            second: second.weights.as_chunks().0,
            second_bias,
            output: output_weights,
            output_bias: *output_bias,
            output_shift: network.output_shift,
            dot: self.parts.dot,
            bias_shift: integers.bias_shift,
        };
        let stored = network.stored_from(first);
        match self.movie_table.values() {
            Values::I16(values) => {
                let Ok(pairs) = bytemuck::try_cast_slice::<i16, u32>(values) else {
                    return 0;
                };
                let (rows, _) = pairs.as_chunks::<4>();
                let rows = rows.get(first..).unwrap_or_default();
                dsp::score(&net, rows, stored, biases, sums)
            }
            Values::I8 { .. } => {
                let Some((rows, multipliers)) = self.movie_table.byte_rows(first, sums.len())
                else {
                    return 0;
                };
                dsp::score_bytes(&net, (rows, multipliers), stored, biases, sums)
            }
            Values::F16(_) | Values::F32(_) => 0,
        }
    }
}

/// Movies that are summed up before they become stars.
const BLOCK: usize = integer::BLOCK;
