//! Which rows a batch touches, and which of its ratings touch each.
//!
//! A row that a batch meets gets a slot, in order of first meeting, and the batch's ratings of
//! one row form a chain from the slot's first rating on. So the gradients of equal rows are
//! summed in the order of the ratings, whichever thread does it. Slots are then dealt out by the
//! length of their chains, so that a processor guesses the lengths right.
//!
//! Advice for whoever changes this: no step here branches on the data. With a branch on whether a
//! row has been met, the wrong guesses cost more than all the rest.

use std::ops::Range;

use super::super::simd::prefetch;

/// Chains of this length and longer are dealt out together.
const LONGEST: usize = 16;
/// How many ratings ahead a row's mark is asked for.
const AHEAD: usize = 16;

/// A row that a batch touches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slot {
    /// The row.
    pub row: u32,
    /// The batch's first rating of it.
    pub first: u32,
    /// How many ratings of it the batch has.
    pub count: u32,
    /// The last of them so far.
    last: u32,
}

/// The slots of one batch.
#[derive(Clone, Debug)]
pub struct Slots {
    met: Vec<Slot>,
    dealt: Vec<Slot>,
    count: usize,
    /// The next rating of the same row after each rating, if it has one.
    next: Vec<u32>,
}

/// What finds the slot of a row: a mark a row.
#[derive(Clone, Debug)]
pub struct Marks {
    /// `base + slot` when the row has been met in the current batch, less than `base` if not.
    marks: Vec<u32>,
    base: u32,
    batch: u32,
}

impl Marks {
    /// For a table of `rows` and batches of at most `batch` ratings.
    pub fn new(rows: usize, batch: usize) -> Self {
        Self {
            marks: vec![0; rows],
            base: 0,
            batch: u32::try_from(batch).unwrap_or(u32::MAX),
        }
    }

    fn next_batch(&mut self) {
        // The largest mark of the next batch is below its base plus `batch`.
        let batch = u64::from(self.batch);
        if u64::from(self.base) + 2 * batch > u64::from(u32::MAX) {
            self.marks.fill(0);
            self.base = 1;
        } else {
            self.base += self.batch;
        }
    }
}

impl Slots {
    /// Room for batches of `batch` ratings.
    pub fn new(batch: usize) -> Self {
        Self {
            met: vec![Slot::default(); batch + 1],
            dealt: vec![Slot::default(); batch],
            count: 0,
            // One more, for what must be written but isn't wanted.
            next: vec![0; batch + 1],
        }
    }

    /// How many rows the batch touches.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether the batch touches none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Some of the slots, shorter chains first.
    pub fn dealt(&self, range: Range<usize>) -> &[Slot] {
        &self.dealt[..self.count][range]
    }

    /// The rating after `rating` in its chain, good for as many as the slot counts.
    pub fn next(&self) -> &[u32] {
        &self.next
    }

    /// Finds the slots of a batch whose ratings touch these rows in turn: `row(i)` is the row of
    /// rating `i` of `length`.
    ///
    /// # Panics
    /// When a row is not one of the table's, or the batch longer than there is room for.
    pub fn find(&mut self, marks: &mut Marks, length: usize, row: impl Fn(usize) -> u32) {
        marks.next_batch();
        let nowhere = self.next.len() - 1;
        assert!(length <= nowhere, "a batch longer than there is room for");
        let base = marks.base;
        let mut count = 0;
        for rating in 0..length {
            if rating + AHEAD < length
                && let Some(mark) = marks.marks.get(row(rating + AHEAD) as usize)
            {
                prefetch(std::ptr::from_ref(mark).cast());
            }
            let row = row(rating);
            let rating = rating as u32;
            let mark = &mut marks.marks[row as usize];
            let new = *mark < base;
            let place = if new { count as u32 } else { *mark - base };
            *mark = base + place;
            let slot = &mut self.met[place as usize];
            let before = if new { nowhere } else { slot.last as usize };
            self.next[before] = rating;
            *slot = Slot {
                row,
                first: if new { rating } else { slot.first },
                count: if new { 1 } else { slot.count + 1 },
                last: rating,
            };
            count += usize::from(new);
        }
        self.count = count;
        self.deal();
    }

    /// Sorts the slots by the length of their chains (counting sort, stable).
    fn deal(&mut self) {
        let class = |slot: &Slot| (slot.count as usize).min(LONGEST);
        let mut places = [0usize; LONGEST + 2];
        let met = &self.met[..self.count];
        for slot in met {
            places[class(slot) + 1] += 1;
        }
        for length in 1..places.len() {
            places[length] += places[length - 1];
        }
        for slot in met {
            let place = &mut places[class(slot)];
            self.dealt[*place] = *slot;
            *place += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(slots: &mut Slots, marks: &mut Marks, batch: &[u32]) {
        slots.find(marks, batch.len(), |i| batch[i]);
        let mut met = Vec::new();
        let mut longest = 0;
        for slot in slots.dealt(0..slots.len()) {
            let mut rating = slot.first;
            let mut chain = vec![rating];
            for _ in 1..slot.count {
                rating = slots.next()[rating as usize];
                chain.push(rating);
            }
            let due: Vec<u32> = (0..batch.len() as u32)
                .filter(|i| batch[*i as usize] == slot.row)
                .collect();
            assert_eq!(chain, due);
            assert!(
                chain.len().min(LONGEST) >= longest,
                "shorter chains come first"
            );
            longest = chain.len().min(LONGEST);
            met.extend(chain);
        }
        met.sort_unstable();
        assert_eq!(met, (0..batch.len() as u32).collect::<Vec<_>>());
    }

    #[test]
    fn every_rating_is_in_the_chain_of_its_row_and_in_order() {
        let mut marks = Marks::new(10, 40);
        let mut slots = Slots::new(40);
        let long: Vec<u32> = (0..40).map(|i| [5, 5, 5, i % 7][i as usize % 4]).collect();
        for batch in [
            &[3u32, 7, 3, 0, 7, 3][..],
            &[7, 7],
            &[],
            &[9, 3],
            &long,
            &[1],
        ] {
            check(&mut slots, &mut marks, batch);
        }
    }

    #[test]
    fn marks_survive_running_out_of_numbers() {
        let mut marks = Marks::new(4, 1 << 30);
        let mut slots = Slots::new(4);
        for _ in 0..9 {
            check(&mut slots, &mut marks, &[1, 2, 1]);
        }
    }
}
