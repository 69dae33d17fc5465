//! Which rows a batch touches, and which of its ratings touch each.
//!
//! A row that a batch meets gets a slot, in order of first meeting, and the batch's ratings of
//! one row form a chain from the slot's first rating on. So the gradients of equal rows are
//! summed in the order of the ratings, whichever thread does it. One pass over the batch.

/// The end of a chain.
pub const END: u32 = u32::MAX;

/// The slots of one batch.
#[derive(Clone, Debug)]
pub struct Slots {
    /// Row of each slot.
    pub rows: Vec<u32>,
    /// First rating of each slot.
    pub first: Vec<u32>,
    /// The next rating of the same row after each rating, or [`END`].
    pub next: Vec<u32>,
    /// Last rating of each slot so far.
    last: Vec<u32>,
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
        let batch = batch as u32;
        Self {
            marks: vec![0; rows],
            base: 0,
            batch,
        }
    }

    fn next_batch(&mut self) {
        self.base = match self.base.checked_add(2 * self.batch) {
            Some(next) => next - self.batch,
            None => {
                self.marks.fill(0);
                self.batch
            }
        }
        .max(1);
    }
}

impl Slots {
    /// Room for batches of `batch` ratings.
    pub fn new(batch: usize) -> Self {
        Self {
            rows: Vec::with_capacity(batch),
            first: Vec::with_capacity(batch),
            next: Vec::with_capacity(batch),
            last: Vec::with_capacity(batch),
        }
    }

    /// Finds the slots of a batch whose ratings touch these rows in turn.
    ///
    /// # Panics
    /// When a row is not one of the table's.
    pub fn find(&mut self, marks: &mut Marks, batch: impl Iterator<Item = u32>) {
        marks.next_batch();
        self.rows.clear();
        self.first.clear();
        self.last.clear();
        self.next.clear();
        for (rating, row) in batch.enumerate() {
            let rating = rating as u32;
            self.next.push(END);
            let mark = &mut marks.marks[row as usize];
            if *mark < marks.base {
                *mark = marks.base + self.rows.len() as u32;
                self.rows.push(row);
                self.first.push(rating);
                self.last.push(rating);
            } else {
                let last = &mut self.last[(*mark - marks.base) as usize];
                self.next[*last as usize] = rating;
                *last = rating;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rating_is_in_the_chain_of_its_row_and_in_order() {
        let mut marks = Marks::new(10, 8);
        let mut slots = Slots::new(8);
        for batch in [vec![3u32, 7, 3, 0, 7, 3], vec![7, 7], vec![], vec![9, 3]] {
            slots.find(&mut marks, batch.iter().copied());
            let mut met = 0;
            for (slot, row) in slots.rows.iter().enumerate() {
                let mut rating = slots.first[slot];
                let mut chain = Vec::new();
                while rating != END {
                    chain.push(rating);
                    rating = slots.next[rating as usize];
                }
                let due: Vec<u32> = (0..batch.len() as u32)
                    .filter(|i| batch[*i as usize] == *row)
                    .collect();
                assert_eq!(chain, due);
                met += chain.len();
            }
            assert_eq!(met, batch.len());
        }
    }

    #[test]
    fn marks_survive_running_out_of_numbers() {
        let mut marks = Marks::new(4, 1 << 30);
        let mut slots = Slots::new(4);
        for _ in 0..9 {
            slots.find(&mut marks, [1, 2, 1].into_iter());
            assert_eq!(slots.rows, [1, 2]);
            assert_eq!(slots.next, [2, END, END]);
        }
    }
}
