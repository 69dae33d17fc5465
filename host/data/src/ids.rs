//! Sparse ids to dense rows while reading: a set that knows the rank of each of its members.

use std::collections::HashSet;

const PAGE_BITS: u32 = 16;
const PAGE_WORDS: usize = 1 << (PAGE_BITS - 6);
/// Ids below this are bits in pages, which together take no more than half a megabyte: no release has as many. Ids
/// beyond it may lie anywhere, and a page for each would be thousands of times as large as the file that names them.
const PAGED: u32 = 1 << 22;

/// A set of ids: bitmaps of 65,536 ids each, allocated where ids occur (8 KB a page), for the low ones, and a table of
/// the others. Takes half a megabyte and some ten bytes for each id beyond [`PAGED`].
#[derive(Debug, Clone, Default)]
pub struct IdSet {
    pages: Vec<Option<Box<[u64; PAGE_WORDS]>>>,
    high: HashSet<u32>,
}

impl IdSet {
    /// Adds an id.
    #[inline]
    pub fn insert(&mut self, id: u32) {
        if id >= PAGED {
            self.high.insert(id);
            return;
        }
        let page = (id >> PAGE_BITS) as usize;
        if page >= self.pages.len() {
            self.pages.resize_with(page + 1, || None);
        }
        let page = self.pages[page].get_or_insert_with(|| Box::new([0; PAGE_WORDS]));
        page[(id >> 6) as usize % PAGE_WORDS] |= 1 << (id & 63);
    }

    /// Adds all ids of another set.
    pub fn merge(&mut self, other: IdSet) {
        if other.pages.len() > self.pages.len() {
            self.pages.resize_with(other.pages.len(), || None);
        }
        for (mine, theirs) in self.pages.iter_mut().zip(&other.pages) {
            let Some(theirs) = theirs else { continue };
            let mine = mine.get_or_insert_with(|| Box::new([0; PAGE_WORDS]));
            for (word, more) in mine.iter_mut().zip(theirs.iter()) {
                *word |= more;
            }
        }
        if self.high.is_empty() {
            self.high = other.high;
        } else {
            self.high.extend(other.high);
        }
    }

    /// Closes the set: its ids ascending, and the way from id to rank.
    pub fn rank(self) -> (Vec<u32>, Ranks) {
        let mut ids = Vec::new();
        let mut pages = Vec::with_capacity(self.pages.len());
        for (number, page) in self.pages.into_iter().enumerate() {
            pages.push(page.map(|page| {
                let mut ranked = Box::new([(0, 0); PAGE_WORDS]);
                for (index, (slot, mut word)) in ranked.iter_mut().zip(*page).enumerate() {
                    *slot = (word, ids.len() as u32);
                    while word != 0 {
                        let bit = word.trailing_zeros();
                        ids.push((number as u32) << PAGE_BITS | (index as u32) << 6 | bit);
                        word &= word - 1;
                    }
                }
                ranked
            }));
        }
        let low = ids.len() as u32;
        let mut high: Vec<u32> = self.high.into_iter().collect();
        high.sort_unstable();
        ids.extend_from_slice(&high);
        (ids, Ranks { pages, low, high })
    }
}

/// From an id to its rank: for low ids in O(1), by a bitmap word and the number of ids before it, side by side; for
/// the others in O(log ids).
#[derive(Debug)]
pub struct Ranks {
    pages: Vec<Option<Box<RankedPage>>>,
    /// How many ids are in pages.
    low: u32,
    /// Those that aren't, ascending.
    high: Vec<u32>,
}

type RankedPage = [(u64, u32); PAGE_WORDS];

impl Ranks {
    /// The rank of an id that was inserted; that of another for one that wasn't.
    #[inline]
    pub fn of(&self, id: u32) -> u32 {
        if id >= PAGED {
            return self.low + self.high.partition_point(|&other| other < id) as u32;
        }
        let Some(Some(page)) = self.pages.get((id >> PAGE_BITS) as usize) else {
            return 0;
        };
        let (word, before) = page[(id >> 6) as usize % PAGE_WORDS];
        before + (word & ((1 << (id & 63)) - 1)).count_ones()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ranks_are_positions_in_the_sorted_ids(
            ids in proptest::collection::vec(
                prop_oneof![0u32..300, 60_000u32..70_000, PAGED - 3..PAGED + 3, any::<u32>()],
                0..200,
            ),
            cut in 0usize..200,
        ) {
            let (one, other) = ids.split_at(cut.min(ids.len()));
            let (mut set, mut more) = (IdSet::default(), IdSet::default());
            one.iter().for_each(|&id| set.insert(id));
            other.iter().for_each(|&id| more.insert(id));
            set.merge(more);
            let (sorted, ranks) = set.rank();
            let mut expected = ids.clone();
            expected.sort_unstable();
            expected.dedup();
            prop_assert_eq!(&sorted, &expected);
            for (rank, id) in sorted.iter().enumerate() {
                prop_assert_eq!(ranks.of(*id), rank as u32);
            }
        }
    }

    #[test]
    fn ids_spread_over_32_bits_take_memory_by_their_number() {
        let mut set = IdSet::default();
        (0..65_536).for_each(|id: u32| set.insert(id << 16));
        let pages = set.pages.iter().flatten().count();
        assert!(pages <= 64, "{pages} pages of 8 KB");
        assert!(set.high.capacity() <= 4 * 65_536);
        let (ids, ranks) = set.rank();
        assert_eq!(ids.len(), 65_536);
        assert_eq!(ranks.of(65_535 << 16), 65_535);
    }
}
