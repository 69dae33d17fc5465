//! Kin: movies that belong together because the same people rate them, often one soon after the other.
//!
//! Each movie has a direction of [`NUMBERS`] numbers, stored as a sum of codewords (additive quantisation: Babenko and
//! Lempitsky 2014), a nibble for each of [`BOOKS`] books:
//!
//! ```text
//! once a movie q, for codeword k of book b:   t[b][k] = (c(q)·c[b][k]) >> 2,      l[b][k] = max_k t[b][k] - t[b][k]
//! any movie m:                                key = (level(m) (Σ_b max_k t[b][k] - Σ_b l[b][m_b])) >> 2
//! ```
//!
//! where c(q) is the sum of its codewords. What a codeword lacks of the most of its book is what is kept of it: of a movie
//! that lacks too much for a list the other books aren't looked up. The books in which words differ most come first.
//!
//! level(m) rises with how well known m is, and is 0 where so few rated it that nothing can be said. All of it is in
//! integers, so a list has the same bits on every machine and whatever an image's rows are stored in, and a movie costs
//! at most sixteen look-ups.

use super::Model;
pub use crate::kernels::directions::NUMBERS;
#[cfg(test)]
pub(crate) use crate::kernels::directions::QUADS;
use crate::kernels::directions::{self, direction};
pub(crate) use crate::kernels::directions::{Codebook, Codeword, Direction};
pub use crate::kernels::lacks::{BOOKS, BYTES, WORDS};
use crate::kernels::lacks::{Lacks, lack};
use crate::kernels::products::products;
use crate::numeric::fixed::{between, power_of_two};
use crate::numeric::unroll::each_of_two;
use core::hint::black_box;

/// Levels that there are: one for four neighbouring confidence bytes.
pub const LEVELS: usize = 64;

/// The largest term of a codeword.
const MOST: i32 = (1 << 14) - 1;

/// More than any key's magnitude.
const BEYOND: i32 = 1 << 25;

/// The tables of an image; all of them were verified.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kin<'a> {
    /// The codes of each movie.
    pub codes: &'a [[u8; BYTES]],
    /// The codewords, book after book.
    pub codebook: &'a Codebook,
    /// A power of two.
    pub scale: f32,
    /// In 256ths.
    pub levels: &'a [u8; LEVELS],
    /// Confidence bytes.
    pub known: &'a [u8],
    /// The codes of movies behind the image's.
    #[cfg(feature = "grow")]
    pub more: &'a [[u8; BYTES]],
}

/// What each codeword adds to a movie's likeness with a direction, as what it lacks of the most of its book: 516 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KinTerms {
    lacks: Lacks,
    /// The sum of the largest term of each book: no movie's is more.
    most: i32,
}

impl KinTerms {
    /// Those of no direction.
    pub(crate) const NONE: Self = Self {
        lacks: [[0; WORDS]; BOOKS],
        most: 0,
    };

    /// The sum of the largest term of each book: no movie's is more. At most 2^18.
    pub(crate) fn most(&self) -> i32 {
        self.most
    }

    /// What each codeword lacks of the most of its book.
    #[cfg(feature = "codes")]
    pub(crate) fn lacks(&self) -> &Lacks {
        &self.lacks
    }

    /// What a movie lacks of the most, times `by`, or where that is `room` or more, something that is.
    #[inline(always)]
    pub(crate) fn lack(&self, codes: &[u8; BYTES], by: i32, room: i32) -> i32 {
        lack(&self.lacks, codes, by, room)
    }

    /// The sum of a movie's terms: at most 2^18.
    pub(crate) fn sum(&self, codes: &[u8; BYTES]) -> i32 {
        self.most.wrapping_sub(self.lack(codes, 1, i32::MAX))
    }
}

impl Kin<'_> {
    /// The key for a likeness of 1, as a power of two.
    fn one(&self) -> f32 {
        // Two bits from each of two shifts go, and a level has eight.
        16.0 / (self.scale * self.scale)
    }

    /// The codes of the movie of `row`, also of one behind the image's.
    #[inline(always)]
    fn codes_of(&self, row: u32) -> Option<&[u8; BYTES]> {
        let at = row as usize;
        #[cfg(feature = "grow")]
        if let Some(behind) = at.checked_sub(self.codes.len()) {
            return self.more.get(behind);
        }
        self.codes.get(at)
    }

    /// Adds `by`, at most 2^12, times the direction of the movie of `row`; nothing for a row outside the table. In the
    /// order of [`Direction`].
    #[inline(never)]
    pub(crate) fn add(&self, x: &mut [i32; NUMBERS], row: u32, by: i32) {
        if let Some(codes) = self.codes_of(row) {
            directions::add(x, self.codebook, codes, by);
        }
    }

    /// What each codeword adds to the product with `x`, without the last `shift` bits, held to ±[`MOST`]. Costs
    /// [`NUMBERS`] products a codeword, whose sum is below 2^29 in magnitude.
    #[inline(never)]
    pub(crate) fn terms_of(&self, x: &Direction, shift: u32) -> KinTerms {
        let mut kin = KinTerms::NONE;
        let mut sums = [0; WORDS];
        let (books, _) = self.codebook.as_chunks::<WORDS>();
        for (lacks, words) in kin.lacks.iter_mut().zip(books) {
            let mut most = -MOST;
            products(words.as_flattened(), x, &mut sums);
            for (lack, sum) in lacks.iter_mut().zip(sums) {
                let term = between(sum.wrapping_shr(shift), MOST);
                *lack = term as u16;
                most = if term > most { term } else { most };
            }
            // As if of another length: written out it takes three times the flash.
            for lack in black_box(&mut lacks[..]) {
                *lack = (most as u16).wrapping_sub(*lack);
            }
            kin.most = kin.most.wrapping_add(most);
        }
        kin
    }

    /// What each codeword adds to the likeness with the movie of `row`; nothing for a row outside the table.
    #[inline(never)]
    fn terms(&self, row: u32) -> KinTerms {
        let mut x = [0; NUMBERS];
        self.add(&mut x, row, 1);
        self.terms_of(direction(&mut x), 2)
    }

    /// The keys of the movies from row `first` on, at most 2^24; of one that isn't above `bar`, another that isn't.
    #[inline(never)]
    pub(crate) fn keys(&self, kin: &KinTerms, first: usize, bar: i32, keys: &mut [i32]) {
        let codes = self.codes.get(first..).unwrap_or_default();
        let known = self.known.get(first..).unwrap_or_default();
        each_of_two(keys, codes, known, |key, codes, known| {
            let level = self.level(*known);
            let most = kin.most.wrapping_mul(level);
            // Above 4 times the bar; 2^26 at most either way.
            let room = most.wrapping_sub(bar << 2);
            let lack = if room > 0 {
                kin.lack(codes, level, room)
            } else {
                0
            };
            *key = most.wrapping_sub(lack) >> 2;
        });
    }

    /// What the likeness of a movie of a confidence byte is multiplied by, in 256ths.
    #[inline(always)]
    pub(crate) fn level(&self, known: u8) -> i32 {
        let level = self.levels.get(usize::from(known >> 2));
        i32::from(level.copied().unwrap_or_default())
    }

    /// The likeness of a key. Exact, for it is below 2^24 and a likeness of 1 a power of two.
    pub(crate) fn score_of_key(&self, key: i32) -> f32 {
        key as f32 * (self.scale * self.scale * power_of_two(-4))
    }

    /// The key of a likeness that came from one.
    pub(crate) fn key_of_score(&self, score: f32) -> i32 {
        (score * self.one()) as i32
    }
}

impl<'a> Model<'a> {
    /// Whether the image says which movies belong together. [`Nearest`](crate::rank::Nearest) goes by it then.
    pub fn has_kin(&self) -> bool {
        self.kin.is_some()
    }

    /// What each codeword adds to the likeness with the movie of `row`, in an image that says which movies belong
    /// together. Costs 16,384 products.
    pub fn kin_terms(&self, row: u32) -> Option<KinTerms> {
        self.kin.as_ref().map(|kin| kin.terms(row))
    }

    /// How much the movies of two rows belong together, times how well known the second is: at most about 1. 0 in an
    /// image that doesn't say, and for a movie that hardly anybody rated.
    pub fn kinship(&self, row: u32, other: u32) -> f32 {
        let Some(kin) = &self.kin else {
            return 0.0;
        };
        let terms = kin.terms(row);
        let (part, other) = self.part_of(other);
        let mut keys = [0];
        if let Some(kin) = &part.kin {
            kin.keys(&terms, other as usize, -BEYOND, &mut keys);
        }
        let [key] = keys;
        kin.score_of_key(key)
    }

    /// What the image says of movies that belong together.
    pub(crate) fn kin(&self) -> Option<&Kin<'a>> {
        self.kin.as_ref()
    }
}
