//! Movies that are sums of codewords, before a network: their half of dense layer 0 is the sum of their codewords' halves.
//!
//! ```text
//! codeword k of book b, unit j:   m[b][k][j]     a byte; of all books together at most 255
//! the user's half:                u[j]           whole, less the unit's offset, held to the unit's most, at most 32,512
//! dense layer 0:                  h[j] = max(u[j] + Σ_b m[b][k_b][j], 0)      in 15 bits
//! ```
//!
//! Layers behind it are those of the rows' arithmetic. A word has the bytes of four units, so that one addition adds four
//! and carries nothing: the verifier has excluded a sum above 255. The units stand in the order 0, 2, 1, 3, for every
//! second byte of a sum, the lower ones first, are two neighbours.

use super::{MOST_MOVIE, Network, UNIT_PAIRS, User, behind, behind_lesson};
use crate::MAX_UNITS;
use crate::kernels::{Kernel, ran};
use crate::numeric::dsp::Pair;
use crate::numeric::fixed::between;
use crate::numeric::unroll::{each, each_of_two};
use crate::numeric::walk::rows;
use crate::table::Codes;
use core::ops::Range;

/// The codewords' halves of dense layer 0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Coded<'a> {
    /// \[codewords of all books\]\[fours of units\].
    pub(crate) halves: &'a [u32],
    /// What is taken off the user's half of each unit.
    pub(crate) offsets: &'a [i16],
    /// The most that is left of it, either way.
    pub(crate) most: &'a [i16],
}

impl<'a> Coded<'a> {
    /// The halves of a codeword, counted over all books; none outside the table.
    #[inline]
    pub(crate) fn of(&self, word: usize) -> &'a [u32] {
        let fours = self.offsets.len() / 4;
        let start = word.wrapping_mul(fours);
        let end = start.wrapping_add(fours);
        self.halves.get(start..end).unwrap_or_default()
    }

    /// Whether no sum of one codeword of each book, of so many `codewords`, is above [`MOST_MOVIE`] in any of these `units`,
    /// as they stand in the table.
    #[inline(never)]
    pub(crate) fn fit(&self, units: Range<usize>, codewords: usize) -> bool {
        let fours = self.offsets.len() / 4;
        let mut fit = true;
        for unit in units {
            let mut sum = 0_i32;
            for book in rows(self.halves, fours.wrapping_mul(codewords)) {
                let mut most = 0;
                for word in rows(book, fours) {
                    let word = word.get(unit / 4).copied().unwrap_or_default();
                    let half = word.wrapping_shr(8 * (unit as u32 % 4)) as u8;
                    most = if half > most { half } else { most };
                }
                sum = sum.wrapping_add(most.into());
            }
            fit &= sum <= MOST_MOVIE;
        }
        fit
    }
}

impl User {
    /// Makes counts of a half of dense layer 0 in the units of its sums, [`ROUND`](super::ROUND) added: its top 16 bits, less
    /// the offset. They stand in pairs, in the first half of the places.
    #[inline(never)]
    pub(crate) fn count_half(&mut self, coded: &Coded<'_>) {
        each_of_two(
            &mut self.half,
            coded.offsets,
            coded.most,
            |half, offset, most| {
                let count = (*half >> 16).wrapping_sub((*offset).into());
                *half = between(count, (*most).into());
            },
        );
        let counts = self.half;
        let (twos, _) = counts.as_chunks::<2>();
        self.half = [0; MAX_UNITS];
        for (pair, [low, high]) in self.half.iter_mut().zip(twos) {
            *pair = *low & 0xffff | *high << 16;
        }
    }

    /// The counts in pairs that [`count_half`](Self::count_half) leaves.
    #[inline]
    pub(crate) fn counts(&self) -> &[Pair; UNIT_PAIRS] {
        let pairs: &[Pair; MAX_UNITS] = bytemuck::must_cast_ref(&self.half);
        pairs.first_chunk().unwrap_or(&[0; UNIT_PAIRS])
    }
}

impl Network<'_> {
    /// The network's output, as a score, for the movie of `row`, the sum of its codewords; one outside the table is zeros.
    /// `half` are counts in pairs ([`User::counts`]).
    #[inline(never)]
    pub(crate) fn forward_coded(
        &self,
        coded: &Coded<'_>,
        half: &[Pair; UNIT_PAIRS],
        (codes, row): (&Codes<'_>, usize),
    ) -> i32 {
        #[cfg(cortex_m_dsp)]
        if let [second, output] = self.later() {
            let words = codes.words(row);
            let halves = (coded.halves, coded.offsets.len());
            let layers = [second, output].map(|layer| (layer.weights, layer.bias));
            if let Some(sum) = crate::kernels::dsp::coded(halves, half, words, layers) {
                return sum.wrapping_shr(self.output_shift);
            }
        }
        let sum = self.sum_coded(coded, half, codes.words(row));
        sum.wrapping_shr(self.output_shift)
    }

    /// The output's sum in plain Rust.
    #[inline(always)]
    fn sum_coded(
        &self,
        coded: &Coded<'_>,
        half: &[Pair; UNIT_PAIRS],
        words: impl Iterator<Item = usize>,
    ) -> i32 {
        let mut sums = [0_u32; MAX_UNITS / 4];
        for word in words {
            each(&mut sums, coded.of(word), |sum, word| {
                *sum = sum.wrapping_add(*word);
            });
        }
        let mut places = [0; UNIT_PAIRS];
        let (halves, _) = half.as_chunks::<2>();
        let (twos, _) = places.as_chunks_mut::<2>();
        let count = self.steps.len() / 4;
        for ((pairs, half), sum) in twos.iter_mut().zip(halves).zip(&sums).take(count) {
            *pairs = units(half, *sum);
        }
        let pairs = count.wrapping_mul(2);
        match self.later() {
            [second, output] if second.bias.len() == 4 && output.bias.len() == 1 => {
                ran(Kernel::IntegerCoded);
                let places = places.get(..pairs).unwrap_or_default();
                behind_lesson(places.iter(), |pair| *pair, second, output)
            }
            later if cfg!(feature = "shapes") => {
                ran(Kernel::IntegerCodedLayers);
                behind(&mut places, pairs, later)
            }
            // The verifier has refused it.
            _ => 0,
        }
    }
}

/// Four units, of the user's half and the movie's, as two pairs.
#[inline(always)]
fn units(half: &[Pair; 2], sum: u32) -> [Pair; 2] {
    let pair = |half: Pair, bytes: u32| {
        let low = i32::from(half as i16).wrapping_add((bytes & 0xff) as i32);
        let high = (half as i32 >> 16).wrapping_add((bytes >> 16 & 0xff) as i32);
        let positive = |x: i32| (x & !(x >> 31)) as u32;
        positive(low) | positive(high) << 16
    };
    let [a, b] = *half;
    [pair(a, sum), pair(b, sum >> 8)]
}
