//! MovieLens ids are sparse; rows are dense. An [`IdIndex`] goes from one to the other, borrowed from the image in
//! one of four forms.

mod bits;
mod elias_fano;

use core::fmt;

use crate::numeric::pace::{Pace, Whole, walked};

pub use bits::BLOCK_WORDS;
use bits::Bits;
pub(crate) use elias_fano::EliasFano;
pub use elias_fano::MAX_RUN;
#[cfg(feature = "write")]
pub use elias_fano::{elias_fano_size, fill_elias_fano};

/// Which movie: its MovieLens id. Rows of tables are plain numbers, so the two can't be taken for each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct MovieId(pub u32);

/// Which user of an image: the MovieLens id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct UserId(pub u32);

impl fmt::Display for MovieId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The ids of a table's rows, ascending.
#[derive(Clone, Copy, Debug)]
pub struct IdIndex<'a>(Form<'a>);

#[derive(Clone, Copy, Debug)]
enum Form<'a> {
    Range { first: u32, count: u32 },
    Bitmap(Bits<'a>),
    Sorted(&'a [u32]),
    EliasFano(EliasFano<'a>),
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
        Self::bitmap_by(blocks, Whole)
    }

    pub(crate) fn bitmap_by(blocks: &'a [[u32; BLOCK_WORDS]], pace: impl Pace) -> Option<Self> {
        Bits::new(blocks, pace).map(|bits| Self(Form::Bitmap(bits)))
    }

    /// Ids in ascending order: 4 bytes of flash each. `None` if they don't ascend strictly or there are none.
    pub fn sorted(ids: &'a [u32]) -> Option<Self> {
        Self::sorted_by(ids, Whole)
    }

    pub(crate) fn sorted_by(ids: &'a [u32], pace: impl Pace) -> Option<Self> {
        u32::try_from(ids.len()).ok()?;
        let pairs = ids.len().checked_sub(1)?;
        let ascending = pace.walk(pairs, PAIR, [0; 3], |part, sums| {
            let ids = ids
                .get(part.start..part.end.wrapping_add(1))
                .unwrap_or_default();
            ascend(ids).then_some(sums).ok_or(())
        });
        ascending.ok().map(|_| Self(Form::Sorted(ids)))
    }

    /// Elias–Fano code (Elias 1974, Fano 1971): about 2.3 + log2(largest id / ids) bits of flash an id.
    ///
    /// `words` are the number of ids, the number l of low bits (0 to 31), l bits of each id packed low first with the
    /// last word's rest zero, then blocks as those of [`bitmap`](Self::bitmap) in which bit (id >> l) + row is set for
    /// each row; the last block holds the zero behind the last id's bit. `None` if any of this isn't so, the ids don't
    /// ascend strictly, or more than [`MAX_RUN`] of them have the same id >> l.
    pub fn elias_fano(words: &'a [u32]) -> Option<Self> {
        Self::elias_fano_by(words, Whole)
    }

    pub(crate) fn elias_fano_by(words: &'a [u32], pace: impl Pace) -> Option<Self> {
        EliasFano::new(words, pace).map(|index| Self(Form::EliasFano(index)))
    }

    /// How many ids there are; never 0.
    #[expect(clippy::len_without_is_empty, reason = "an index is never empty")]
    pub fn len(&self) -> u32 {
        match self.0 {
            Form::Range { count, .. } => count,
            Form::Bitmap(bits) => bits.count,
            Form::Sorted(ids) => ids.len() as u32,
            Form::EliasFano(index) => index.upper.count,
        }
    }

    /// The row of `id`. O(1) for a range or a bitmap, O(log n) for sorted ids; for Elias–Fano code O(log n), and a
    /// step for each larger id that has the same upper part, fewer than [`MAX_RUN`].
    pub fn row(&self, id: u32) -> Option<u32> {
        match self.0 {
            Form::Range { first, count } => id.checked_sub(first).filter(|&row| row < count),
            Form::Bitmap(bits) => bits.rank(id),
            Form::Sorted(ids) => place(ids, id),
            Form::EliasFano(index) => index.row(id),
        }
    }

    /// The id of `row`. O(1) for a range or sorted ids, O(log n) for a bitmap or Elias–Fano code.
    pub fn id(&self, row: u32) -> Option<u32> {
        match self.0 {
            Form::Range { first, count } => (row < count).then(|| first.wrapping_add(row)),
            Form::Bitmap(bits) => bits.place(row, false),
            Form::Sorted(ids) => ids.get(row as usize).copied(),
            Form::EliasFano(index) => index.id(row),
        }
    }

    /// The form's name, as `inspect` prints it.
    pub fn form(&self) -> &'static str {
        match self.0 {
            Form::Range { .. } => "range",
            Form::Bitmap(_) => "bitmap",
            Form::Sorted(_) => "sorted",
            Form::EliasFano(_) => "Elias-Fano",
        }
    }
}

/// Cycles that comparing two ids takes at most, on a Cortex-M0.
const PAIR: u32 = 16;

/// Whether each of `ids` is larger than the one before it.
fn ascend(ids: &[u32]) -> bool {
    walked(ids.len(), PAIR);
    ids.iter().zip(ids.iter().skip(1)).all(|(a, b)| a < b)
}

/// Where `id` is among ascending `ids`: by halves, as the standard library's search, without the ordering that it makes of
/// each comparison.
#[inline]
fn place(ids: &[u32], id: u32) -> Option<u32> {
    let mut begin = 0_usize;
    let mut left = ids.len();
    while left > 1 {
        let half = left / 2;
        let middle = begin.wrapping_add(half);
        if *ids.get(middle)? <= id {
            begin = middle;
        }
        left = left.wrapping_sub(half);
    }
    (*ids.get(begin)? == id).then_some(begin as u32)
}

/// Fills the blocks of a bitmap of `ids`; ids beyond the last block are left out. A bitmap of ids up to `last`
/// has `last / 256 + 1` blocks.
#[cfg(feature = "write")]
pub fn fill_bitmap(ids: &[u32], blocks: &mut [[u32; BLOCK_WORDS]]) {
    bits::fill(ids.iter().copied(), blocks);
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
            for near in [
                id.wrapping_sub(1),
                id.wrapping_add(1),
                id ^ 0x100,
                id | 1 << 31,
            ] {
                assert_eq!(index.row(near).is_some(), ids.contains(&near));
            }
        }
        assert_eq!(index.id(ids.len() as u32), None);
        assert_eq!(index.id(u32::MAX), None);
    }

    fn encoded(ids: &[u32]) -> Vec<u32> {
        let (size, low_bits) = elias_fano_size(ids).unwrap();
        let words = encoded_with(ids, low_bits);
        assert_eq!(words.len(), size);
        words
    }

    fn encoded_with(ids: &[u32], low_bits: u32) -> Vec<u32> {
        let (count, last) = (ids.len() as u32, ids[ids.len() - 1]);
        let blocks = (count + (last >> low_bits)) / 256 + 1;
        let low = (count * low_bits).div_ceil(32);
        let mut words = std::vec![u32::MAX; 2 + low as usize + blocks as usize * BLOCK_WORDS];
        fill_elias_fano(ids, low_bits, &mut words);
        words
    }

    proptest! {
        #[test]
        fn the_four_forms_answer_alike(
            ids in proptest::collection::btree_set(0_u32..3000, 1..200), first in 0_u32..5, count in 1_u32..50
        ) {
            let ids: Vec<u32> = ids.into_iter().collect();
            check(IdIndex::sorted(&ids).unwrap(), &ids);
            let mut blocks = std::vec![[0; BLOCK_WORDS]; (ids[ids.len() - 1] / 256 + 1) as usize];
            fill_bitmap(&ids, &mut blocks);
            check(IdIndex::bitmap(&blocks).unwrap(), &ids);
            check(IdIndex::elias_fano(&encoded(&ids)).unwrap(), &ids);
            let dense: Vec<u32> = (first..first + count).collect();
            check(IdIndex::range(first, count).unwrap(), &dense);
            check(IdIndex::elias_fano(&encoded(&dense)).unwrap(), &dense);
        }

        #[test]
        fn elias_fano_code_holds_ids_of_any_spread(
            dense in proptest::collection::btree_set(0_u32..600, 0..400),
            wide in proptest::collection::btree_set(proptest::num::u32::ANY, 1..40),
            low_bits in 20_u32..32
        ) {
            let ids: Vec<u32> = dense.union(&wide).copied().collect();
            // Many near each other and one far away take megabytes, and then no writer takes this form.
            if elias_fano_size(&ids).unwrap().0 < 1 << 15 {
                check(IdIndex::elias_fano(&encoded(&ids)).unwrap(), &ids);
            }
            let words = encoded_with(&ids, low_bits);
            let longest = ids.chunk_by(|a, b| a >> low_bits == b >> low_bits).map(<[u32]>::len).max();
            let index = IdIndex::elias_fano(&words);
            prop_assert_eq!(index.is_none(), longest > Some(MAX_RUN as usize));
            if let Some(index) = index {
                check(index, &ids);
            }
        }

        #[test]
        fn elias_fano_code_is_refused_or_holds_other_ids_with_any_bit_flipped(
            ids in proptest::collection::btree_set(0_u32..9000, 1..150)
        ) {
            let ids: Vec<u32> = ids.into_iter().collect();
            let words = encoded(&ids);
            for bit in 0..words.len() * 32 {
                let mut flipped = words.clone();
                flipped[bit / 32] ^= 1 << (bit % 32);
                if let Some(index) = IdIndex::elias_fano(&flipped) {
                    let others: Vec<u32> = (0..index.len()).map(|row| index.id(row).unwrap()).collect();
                    prop_assert!(others.is_sorted_by(|a, b| a < b));
                    prop_assert_ne!(&others, &ids);
                    for (id, row) in others.iter().zip(0..) {
                        prop_assert_eq!(index.row(*id), Some(row));
                    }
                    prop_assert_eq!(encoded_with(&others, flipped[1]), flipped);
                }
            }
        }
    }

    #[test]
    fn a_look_up_reads_at_most_64_low_parts_and_an_index_that_would_take_more_is_refused() {
        // All of one upper part, and one far away: with a step an id, the first would be found last.
        let far = |count: u32| (0..count).chain([1 << 24]).collect::<Vec<u32>>();
        for count in [MAX_RUN - 1, MAX_RUN] {
            let words = encoded_with(&far(count), 20);
            let index = IdIndex::elias_fano(&words).unwrap();
            for id in 0..count + 2 {
                elias_fano::LOWS.set(0);
                assert_eq!(index.row(id).is_some(), id < count, "{id} of {count}");
                assert!(elias_fano::LOWS.get() <= MAX_RUN, "{id} of {count}");
            }
        }
        for count in [MAX_RUN + 1, 1_000] {
            let ids = far(count);
            assert!(IdIndex::elias_fano(&encoded_with(&ids, 20)).is_none());
            // The writer finds fewer low bits, which are shorter runs.
            check(IdIndex::elias_fano(&encoded(&ids)).unwrap(), &ids);
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
