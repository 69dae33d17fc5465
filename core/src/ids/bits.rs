//! Bits with a count every 256 of them, which answers in a few steps where a bit is.

use crate::numeric::pace::{Pace, walked};
use crate::numeric::walk::total;

/// Bits in a block.
const BLOCK_BITS: u32 = 256;

/// Words in a block: how many bits are set before it, then 256 bits, low first.
pub const BLOCK_WORDS: usize = 1 + (BLOCK_BITS / 32) as usize;

/// Checked blocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bits<'a> {
    pub(super) blocks: &'a [[u32; BLOCK_WORDS]],
    /// Bits that are set; never 0.
    pub(super) count: u32,
}

impl<'a> Bits<'a> {
    /// `None` if a block's count is wrong or no bit is set.
    pub(super) fn new(blocks: &'a [[u32; BLOCK_WORDS]], pace: impl Pace) -> Option<Self> {
        if blocks.len() > MAX_BLOCKS {
            return None;
        }
        let counted = pace.over(blocks, BLOCK, [0; 3], |part, [so_far, ..]| {
            count(part, so_far).map(|count| [count, 0, 0]).ok_or(())
        });
        counted.ok()?;
        // The same once more, since the slices of the count may be over.
        let last = blocks.last()?;
        let [before, ..] = last;
        let count = count(core::slice::from_ref(last), *before)?;
        (count > 0).then_some(Self { blocks, count })
    }

    /// How many bits are set before place `at`, if the one there is.
    pub(super) fn rank(&self, at: u32) -> Option<u32> {
        let [rank, bits @ ..] = self.blocks.get((at / BLOCK_BITS) as usize)?;
        let (word, mask) = ((at % BLOCK_BITS / 32) as usize, 1_u32 << (at % 32));
        let last = *bits.get(word)?;
        if last & mask == 0 {
            return None;
        }
        let before = total(bits.iter().take(word).map(|w| ones(*w)));
        Some(
            rank.wrapping_add(before)
                .wrapping_add(ones(last & (mask - 1))),
        )
    }

    /// Whether the bit at `at` is set.
    pub(super) fn has(&self, at: u32) -> bool {
        let block = self.blocks.get((at / BLOCK_BITS) as usize);
        let word = block.and_then(|block| block.get(1 + (at % BLOCK_BITS / 32) as usize));
        word.is_some_and(|word| (word >> (at % 32)) & 1 != 0)
    }

    /// Where bit number `n`, from 0, of those that are set is; with `zeros`, of those that aren't. Halves the blocks
    /// until one is left, and counts at most 8 words of it.
    #[inline(never)]
    pub(super) fn place(&self, n: u32, zeros: bool) -> Option<u32> {
        let flip = if zeros { u32::MAX } else { 0 };
        let (mut block, mut left) = (0, n);
        let mut end = self.blocks.len();
        let mut begin = 0;
        while begin < end {
            let middle = begin.wrapping_add(end) / 2;
            let [rank, ..] = self.blocks.get(middle)?;
            let first = (middle as u32).wrapping_mul(BLOCK_BITS);
            let before = if zeros {
                first.wrapping_sub(*rank)
            } else {
                *rank
            };
            if before <= n {
                (block, left) = (middle, n.wrapping_sub(before));
                begin = middle.wrapping_add(1);
            } else {
                end = middle;
            }
        }
        // No end of the block: the bit is in it, or in none.
        let behind = block.wrapping_mul(BLOCK_WORDS).wrapping_add(1);
        let bits = self.blocks.as_flattened().get(behind..)?;
        let mut at = (block as u32).wrapping_mul(BLOCK_BITS);
        for word in bits {
            let mut word = word ^ flip;
            let count = ones(word);
            if left < count {
                for _ in 0..left {
                    word &= word.wrapping_sub(1);
                }
                return Some(at.wrapping_add(word.trailing_zeros()));
            }
            left -= count;
            at = at.wrapping_add(32);
        }
        None
    }
}

/// The most blocks: places of bits are u32.
pub(super) const MAX_BLOCKS: usize = 1 << 24;

/// Cycles that counting a block takes at most, on a Cortex-M0.
const BLOCK: u32 = 512;

/// How many bits are set in blocks behind as many as `so_far`; `None` if a block's count is wrong.
fn count(blocks: &[[u32; BLOCK_WORDS]], so_far: u32) -> Option<u32> {
    walked(blocks.len(), BLOCK);
    let mut count = so_far;
    for [rank, bits @ ..] in blocks {
        if *rank != count {
            return None;
        }
        // At most 2^24 blocks of 256: only if every bit were set would u32::MAX be passed.
        count = count.checked_add(total(bits.iter().map(|word| ones(*word))))?;
    }
    Some(count)
}

/// How many bits are set. A Cortex-M has no instruction for it: a function keeps its dozen or two out of every loop.
#[inline(never)]
fn ones(word: u32) -> u32 {
    word.count_ones()
}

/// Sets the bits at `places`, and counts them; places beyond the last block are left out.
#[cfg(feature = "write")]
pub(super) fn fill(places: impl Iterator<Item = u32>, blocks: &mut [[u32; BLOCK_WORDS]]) {
    for block in blocks.iter_mut() {
        *block = [0; BLOCK_WORDS];
    }
    for at in places {
        if let Some([_, bits @ ..]) = blocks.get_mut((at / BLOCK_BITS) as usize)
            && let Some(word) = bits.get_mut((at % BLOCK_BITS / 32) as usize)
        {
            *word |= 1 << (at % 32);
        }
    }
    let mut count = 0;
    for [rank, bits @ ..] in blocks {
        *rank = count;
        count += bits.iter().map(|word| ones(*word)).sum::<u32>();
    }
}
