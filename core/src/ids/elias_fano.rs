//! Elias–Fano: of each id the low bits as they are, and what is above them as distances in unary.
//!
//! The id of row r is h x 2^l + low: bit h + r of the upper bits is set, so that the zeros before it are h and the ones
//! before it r. About 2 + log2(largest id / ids) bits an id (P. Elias, "Efficient storage and retrieval by content and
//! address of static files", 1974; R. Fano, 1971). Both ways begin by finding a bit: the row's one, or the zero that
//! ends the ids of h; see S. Vigna, "Quasi-succinct indices", 2013. The samples that shorten the search are counts of
//! ones every 256 bits, so it is bounded for any ids.

use core::ops::Range;

use super::bits::{BLOCK_WORDS, Bits};
use crate::numeric::pace::{Pace, Sums, walked};

/// The most ids that may have the same upper part: a look-up walks through all of them.
pub const MAX_RUN: u32 = 64;

/// Cycles that a block's ids take at most, on a Cortex-M0.
const BLOCK: u32 = 24_000;

/// Words before the low bits: how many ids, how many low bits of each.
#[cfg(feature = "write")]
const HEADER: usize = 2;

/// A checked index.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EliasFano<'a> {
    low: &'a [u32],
    low_bits: u32,
    pub(super) upper: Bits<'a>,
}

impl<'a> EliasFano<'a> {
    /// `None` unless the ids ascend strictly, at most [`MAX_RUN`] of them with the same upper part, and every bit is as
    /// the writer would have it.
    pub(crate) fn new(words: &'a [u32], pace: impl Pace) -> Option<Self> {
        let [count, low_bits, words @ ..] = words else {
            return None;
        };
        if *low_bits > 31 {
            return None;
        }
        let packed = count.checked_mul(*low_bits)?;
        let (low, words) = words.split_at_checked(packed.div_ceil(32) as usize)?;
        let (blocks, behind) = words.as_chunks::<BLOCK_WORDS>();
        let unused = match low.last() {
            Some(last) if packed % 32 != 0 => last >> (packed % 32),
            _ => 0,
        };
        let index = Self {
            low,
            low_bits: *low_bits,
            upper: Bits::new(blocks, pace)?,
        };
        let fits = index.upper.count == *count && behind.is_empty() && unused == 0;
        (fits && index.ascends(pace)).then_some(index)
    }

    /// The largest id.
    pub(crate) fn last(&self) -> Option<u32> {
        self.id(self.upper.count.wrapping_sub(1))
    }

    /// Whether the ids ascend strictly and fit 32 bits, no upper part has too many, and the last one's zero is in the
    /// last block.
    fn ascends(&self, pace: impl Pace) -> bool {
        let blocks = self.upper.blocks;
        let ended = pace.walk(blocks.len(), BLOCK, [0; 3], |part, sums| {
            self.ascend(part, sums).ok_or(())
        });
        match ended {
            Ok(Some([.., end])) => ((end / 256) as usize).wrapping_add(1) == blocks.len(),
            ended => ended.is_ok(),
        }
    }

    /// Whether the ids of a `part` of the blocks do; the last of them and those before, how many have its upper part,
    /// and where their bits end.
    fn ascend(&self, part: Range<usize>, [mut last, mut run, mut end]: Sums) -> Option<Sums> {
        let mut at = (part.start as u32).wrapping_mul(256);
        let blocks = self.upper.blocks.get(part).unwrap_or_default();
        walked(blocks.len(), BLOCK);
        let mut row = blocks.first().map_or(0, |[rank, ..]| *rank);
        for [_, words @ ..] in blocks {
            for word in words {
                let mut word = *word;
                for _ in 0..32 {
                    if word & 1 != 0 {
                        let high = at.wrapping_sub(row);
                        let id = self.join(high, row);
                        run = u32::wrapping_add(run, 1);
                        if id.wrapping_shr(self.low_bits) != high
                            || (row > 0 && id <= last)
                            || run > MAX_RUN
                        {
                            return None;
                        }
                        last = id;
                        row = row.wrapping_add(1);
                        end = at.wrapping_add(1);
                    } else {
                        run = 0;
                    }
                    word >>= 1;
                    at = at.wrapping_add(1);
                }
            }
        }
        Some([last, run, end])
    }

    /// The id of a row whose upper part is known.
    fn join(&self, high: u32, row: u32) -> u32 {
        high.wrapping_shl(self.low_bits) | self.low(row)
    }

    /// The low bits of the id of `row`.
    #[inline(never)]
    fn low(&self, row: u32) -> u32 {
        #[cfg(test)]
        LOWS.set(LOWS.get() + 1);
        let at = row.wrapping_mul(self.low_bits);
        let word = |at: u32| self.low.get(at as usize).copied().unwrap_or_default();
        let (first, shift) = (at / 32, at % 32);
        let both = (word(first) >> shift) | ((word(first.wrapping_add(1)) << 1) << (31 - shift));
        both & !u32::MAX.wrapping_shl(self.low_bits)
    }

    /// The row of `id`.
    #[inline(never)]
    pub(crate) fn row(&self, id: u32) -> Option<u32> {
        let high = id.wrapping_shr(self.low_bits);
        // The ids of the same upper part are the ones before its zero, the largest nearest.
        let mut at = self.upper.place(high, true)?;
        loop {
            at = at.checked_sub(1)?;
            if !self.upper.has(at) {
                return None;
            }
            let row = at.wrapping_sub(high);
            let found = self.join(high, row);
            if found <= id {
                return (found == id).then_some(row);
            }
        }
    }

    /// The id of `row`.
    #[inline(never)]
    pub(crate) fn id(&self, row: u32) -> Option<u32> {
        let high = self.upper.place(row, false)?.wrapping_sub(row);
        Some(self.join(high, row))
    }
}

#[cfg(test)]
std::thread_local! {
    /// How often low bits were read: what a look-up costs.
    pub(super) static LOWS: core::cell::Cell<u32> = const { core::cell::Cell::new(0) };
}

/// How many words an index of `ids`, which ascend strictly, takes at its smallest, and with how many low bits; `None` if
/// there are no ids or more low bits than 2^32. Costs a pass over the ids, and up to 31 more where they are dense in places.
#[cfg(feature = "write")]
pub fn elias_fano_size(ids: &[u32]) -> Option<(usize, u32)> {
    let (count, last) = (u32::try_from(ids.len()).ok()?, *ids.last()?);
    let words = |low_bits: u32| {
        let low = count.checked_mul(low_bits)?.div_ceil(32) as usize;
        // A bit an id, a zero for each upper part.
        let upper = u64::from(count) + u64::from(last >> low_bits) + 1;
        let blocks = usize::try_from(upper.div_ceil(256)).ok()?;
        (count > 0 && blocks <= 1 << 24).then_some(HEADER + low + blocks * BLOCK_WORDS)
    };
    let runs = |low_bits: u32| {
        let mut alike = ids.chunk_by(|a, b| a >> low_bits == b >> low_bits);
        alike.all(|run| run.len() <= MAX_RUN as usize)
    };
    let mut sizes: [_; 32] = core::array::from_fn(|low_bits| {
        let low_bits = low_bits as u32;
        Some((words(low_bits)?, low_bits))
    });
    sizes.sort_unstable();
    let mut smallest_first = sizes.into_iter().flatten();
    smallest_first.find(|(_, low_bits)| runs(*low_bits))
}

/// Writes the index of `ids`, which ascend strictly, over `words`, as many as [`elias_fano_size`] says with these
/// `low_bits`. What doesn't fit is left out.
#[cfg(feature = "write")]
pub fn fill_elias_fano(ids: &[u32], low_bits: u32, words: &mut [u32]) {
    let [count, bits, words @ ..] = words else {
        return;
    };
    (*count, *bits) = (ids.len() as u32, low_bits);
    let packed = ids.len() * low_bits as usize;
    let Some((low, upper)) = words.split_at_mut_checked(packed.div_ceil(32)) else {
        return;
    };
    low.fill(0);
    for (row, id) in ids.iter().enumerate() {
        for bit in 0..low_bits {
            let at = row * low_bits as usize + bit as usize;
            if let Some(word) = low.get_mut(at / 32) {
                *word |= ((id >> bit) & 1) << (at % 32);
            }
        }
    }
    let places = ids.iter().zip(0_u32..);
    let places = places.map(|(id, row)| (id >> low_bits).wrapping_add(row));
    super::bits::fill(places, upper.as_chunks_mut().0);
}
