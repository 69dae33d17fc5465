//! MovieLens ids are sparse; rows are dense. An [`IdIndex`] goes from one to the other, borrowed from the image in
//! the smallest of three forms.

/// Bits in a block of a bitmap.
const BLOCK_BITS: u32 = 256;

/// Words in a block of a bitmap: the rank of its first bit, then 256 bits.
pub const BLOCK_WORDS: usize = 1 + (BLOCK_BITS / 32) as usize;

/// The ids of a table's rows, ascending.
#[derive(Clone, Copy, Debug)]
pub struct IdIndex<'a>(Form<'a>);

#[derive(Clone, Copy, Debug)]
enum Form<'a> {
    Range {
        first: u32,
        count: u32,
    },
    Bitmap {
        blocks: &'a [[u32; BLOCK_WORDS]],
        count: u32,
    },
    Sorted(&'a [u32]),
}

impl<'a> IdIndex<'a> {
    /// Ids `first`, `first + 1`, …, `count` of them: 8 bytes of flash. `None` if there are none, or if the last
    /// one would pass `u32::MAX`.
    pub fn range(first: u32, count: u32) -> Option<Self> {
        let fits = count > 0 && first.checked_add(count - 1).is_some();
        fits.then_some(Self(Form::Range { first, count }))
    }

    /// The ids whose bits are set; a block holds how many are set before it, then 256 bits, low first. 36 bytes
    /// of flash for 256 ids up to the largest one. `None` if a count is wrong or no bit is set.
    pub fn bitmap(blocks: &'a [[u32; BLOCK_WORDS]]) -> Option<Self> {
        // Ids are u32: a bitmap of more than 2^24 blocks would go beyond them.
        if blocks.len() > (1 << 24) {
            return None;
        }
        let mut count = 0_u32;
        for [rank, bits @ ..] in blocks {
            if *rank != count {
                return None;
            }
            // At most 2^24 blocks of 256: only a bitmap of every id would pass u32::MAX.
            count = count.checked_add(bits.iter().map(|word| word.count_ones()).sum())?;
        }
        (count > 0).then_some(Self(Form::Bitmap { blocks, count }))
    }

    /// Ids in ascending order: 4 bytes of flash each. `None` if they don't ascend strictly or there are none.
    pub fn sorted(ids: &'a [u32]) -> Option<Self> {
        let ascending = ids.iter().zip(ids.iter().skip(1)).all(|(a, b)| a < b);
        let fits = !ids.is_empty() && u32::try_from(ids.len()).is_ok();
        (ascending && fits).then_some(Self(Form::Sorted(ids)))
    }

    /// How many ids there are; never 0.
    #[expect(clippy::len_without_is_empty, reason = "an index is never empty")]
    pub fn len(&self) -> u32 {
        match self.0 {
            Form::Range { count, .. } | Form::Bitmap { count, .. } => count,
            Form::Sorted(ids) => ids.len() as u32,
        }
    }

    /// The row of `id`. O(1) for a range or a bitmap, O(log n) for sorted ids.
    pub fn row(&self, id: u32) -> Option<u32> {
        match self.0 {
            Form::Range { first, count } => id.checked_sub(first).filter(|&row| row < count),
            Form::Bitmap { blocks, .. } => {
                let [rank, bits @ ..] = blocks.get((id / BLOCK_BITS) as usize)?;
                let bit = id % BLOCK_BITS;
                let (word, mask) = ((bit / 32) as usize, 1_u32 << (bit % 32));
                let last = *bits.get(word)?;
                if last & mask == 0 {
                    return None;
                }
                let before: u32 = bits.iter().take(word).map(|w| w.count_ones()).sum();
                Some(
                    rank.wrapping_add(before)
                        .wrapping_add((last & (mask - 1)).count_ones()),
                )
            }
            Form::Sorted(ids) => ids.binary_search(&id).ok().map(|row| row as u32),
        }
    }

    /// The id of `row`. O(1) for a range or sorted ids, O(log n) for a bitmap.
    pub fn id(&self, row: u32) -> Option<u32> {
        match self.0 {
            Form::Range { first, count } => (row < count).then(|| first.wrapping_add(row)),
            Form::Bitmap { blocks, count } => {
                if row >= count {
                    return None;
                }
                let block = blocks
                    .partition_point(|[rank, ..]| *rank <= row)
                    .checked_sub(1)?;
                let [rank, bits @ ..] = blocks.get(block)?;
                let mut left = row.checked_sub(*rank)?;
                for (at, word) in bits.iter().enumerate() {
                    if left < word.count_ones() {
                        let mut word = *word;
                        for _ in 0..left {
                            word &= word.wrapping_sub(1);
                        }
                        let base = (block as u32).wrapping_mul(BLOCK_BITS);
                        return Some(base.wrapping_add(at as u32 * 32) + word.trailing_zeros());
                    }
                    left -= word.count_ones();
                }
                None
            }
            Form::Sorted(ids) => ids.get(row as usize).copied(),
        }
    }

    /// The form's name, as `inspect` prints it.
    pub fn form(&self) -> &'static str {
        match self.0 {
            Form::Range { .. } => "range",
            Form::Bitmap { .. } => "bitmap",
            Form::Sorted(_) => "sorted",
        }
    }
}

/// Fills the blocks of a bitmap of `ids`; ids beyond the last block are left out. A bitmap of ids up to `last`
/// has `last / 256 + 1` blocks.
#[cfg(feature = "write")]
pub fn fill_bitmap(ids: &[u32], blocks: &mut [[u32; BLOCK_WORDS]]) {
    for block in blocks.iter_mut() {
        *block = [0; BLOCK_WORDS];
    }
    for &id in ids {
        if let Some([_, bits @ ..]) = blocks.get_mut((id / BLOCK_BITS) as usize)
            && let Some(word) = bits.get_mut((id % BLOCK_BITS / 32) as usize)
        {
            *word |= 1 << (id % 32);
        }
    }
    let mut count = 0;
    for [rank, bits @ ..] in blocks {
        *rank = count;
        count += bits.iter().map(|word| word.count_ones()).sum::<u32>();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    fn check(index: IdIndex<'_>, ids: &[u32]) {
        assert_eq!(index.len() as usize, ids.len());
        for (row, &id) in ids.iter().enumerate() {
            assert_eq!(index.row(id), Some(row as u32), "{id} of {}", index.form());
            assert_eq!(
                index.id(row as u32),
                Some(id),
                "row {row} of {}",
                index.form()
            );
            for near in [id.wrapping_sub(1), id.wrapping_add(1)] {
                assert_eq!(index.row(near).is_some(), ids.contains(&near));
            }
        }
        assert_eq!(index.id(ids.len() as u32), None);
        assert_eq!(index.id(u32::MAX), None);
    }

    proptest! {
        #[test]
        fn the_three_forms_answer_alike(
            ids in proptest::collection::btree_set(0_u32..3000, 1..200), first in 0_u32..5, count in 1_u32..50
        ) {
            let ids: Vec<u32> = ids.into_iter().collect();
            check(IdIndex::sorted(&ids).unwrap(), &ids);
            let mut blocks = std::vec![[0; BLOCK_WORDS]; (ids[ids.len() - 1] / 256 + 1) as usize];
            fill_bitmap(&ids, &mut blocks);
            check(IdIndex::bitmap(&blocks).unwrap(), &ids);
            let dense: Vec<u32> = (first..first + count).collect();
            check(IdIndex::range(first, count).unwrap(), &dense);
        }
    }

    #[test]
    fn ids_that_do_not_ascend_or_overflow_are_refused() {
        assert!(IdIndex::sorted(&[]).is_none());
        assert!(IdIndex::sorted(&[3, 3]).is_none());
        assert!(IdIndex::sorted(&[3, 2]).is_none());
        assert!(IdIndex::range(1, 0).is_none());
        assert!(IdIndex::range(2, u32::MAX).is_none());
        check(IdIndex::range(u32::MAX, 1).unwrap(), &[u32::MAX]);
        let mut blocks = [[0; BLOCK_WORDS]; 2];
        assert!(IdIndex::bitmap(&blocks).is_none());
        fill_bitmap(&[1, 300], &mut blocks);
        assert!(IdIndex::bitmap(&blocks).is_some());
        blocks[1][0] = 0;
        assert!(IdIndex::bitmap(&blocks).is_none());
    }
}
