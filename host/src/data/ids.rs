//! Sparse MovieLens ids to dense rows while reading: a set that knows the rank of each of its members.

const PAGE_BITS: u32 = 16;
const PAGE_WORDS: usize = 1 << (PAGE_BITS - 6);

/// A set of ids as bitmaps of 65,536 ids each, allocated where ids occur (8 KB a page).
#[derive(Debug, Clone, Default)]
pub struct IdSet {
    pages: Vec<Option<Box<[u64; PAGE_WORDS]>>>,
}

impl IdSet {
    /// Adds an id.
    #[inline]
    pub fn insert(&mut self, id: u32) {
        let page = (id >> PAGE_BITS) as usize;
        if page >= self.pages.len() {
            self.pages.resize_with(page + 1, || None);
        }
        let page = self.pages[page].get_or_insert_with(|| Box::new([0; PAGE_WORDS]));
        page[(id >> 6) as usize % PAGE_WORDS] |= 1 << (id & 63);
    }

    /// Adds all ids of another set.
    pub fn merge(&mut self, other: &IdSet) {
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
        (ids, Ranks { pages })
    }
}

/// From an id to its rank in O(1): a bitmap word and the number of ids before it, side by side.
#[derive(Debug)]
pub struct Ranks {
    pages: Vec<Option<Box<RankedPage>>>,
}

type RankedPage = [(u64, u32); PAGE_WORDS];

impl Ranks {
    /// The rank of an id that was inserted; 0 or a neighbour's rank for one that wasn't.
    #[inline]
    pub fn of(&self, id: u32) -> u32 {
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
            ids in proptest::collection::vec(prop_oneof![0u32..300, 60_000u32..70_000, any::<u32>()], 0..200),
            cut in 0usize..200,
        ) {
            let (one, other) = ids.split_at(cut.min(ids.len()));
            let (mut set, mut more) = (IdSet::default(), IdSet::default());
            one.iter().for_each(|&id| set.insert(id));
            other.iter().for_each(|&id| more.insert(id));
            set.merge(&more);
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
}
