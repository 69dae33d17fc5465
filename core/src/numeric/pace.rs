//! Walks over many items to their end, or as far as a budget of cycles goes, so that a board can do other things between
//! two slices of a long work.
//!
//! What is cut is written once, straight on, as if it were done at one go: stages, one behind the other, in which walks
//! (passes) stand. [`Whole`] does all of it, and compiles to nothing. [`Slices`] comes back to where it was cut: earlier
//! stages aren't begun again, and of the stage itself what stands between its passes is done once more, while passes that
//! were at their end are skipped. So a stage may be begun any number of times, and leaves behind what the last time left.

use core::cell::Cell;
use core::ops::Range;

/// What the parts of a pass have come to.
pub(crate) type Sums = [u32; 3];

/// How far work goes at a time.
pub(crate) trait Pace: Copy {
    /// Whether it may end before all is done.
    const CUTS: bool;

    /// Whether stage `number`, counted from 0, is the one that is to be done.
    fn begins(self, number: u8) -> bool;

    /// Whether the stage that was begun is done, and there is time for the next.
    fn ends(self) -> bool;

    /// Whether the time was too short. Then what was found counts for nothing: it is found again.
    fn is_short(self) -> bool;

    /// Counts cycles that are taken beside walks.
    fn charge(self, cycles: u32);

    /// Walks through `count` items that take about `cycles` each, in parts: `work` takes the next ones, and what those
    /// before came to, at first `begin`. Gives what all came to, as soon as they have: never before, and not where the
    /// stage is done once more for what is behind.
    ///
    /// # Errors
    ///
    /// Those of `work`.
    fn walk<E>(
        self,
        count: usize,
        cycles: u32,
        begin: Sums,
        work: impl FnOnce(Range<usize>, Sums) -> Result<Sums, E>,
    ) -> Result<Option<Sums>, E>;

    /// As [`walk`](Self::walk), through a slice.
    ///
    /// # Errors
    ///
    /// Those of `work`.
    #[inline(always)]
    fn over<'t, T, E>(
        self,
        items: &'t [T],
        cycles: u32,
        begin: Sums,
        work: impl FnOnce(&'t [T], Sums) -> Result<Sums, E>,
    ) -> Result<Option<Sums>, E> {
        self.walk(items.len(), cycles, begin, |part, sums| {
            work(items.get(part).unwrap_or_default(), sums)
        })
    }
}

/// To the end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whole;

impl Pace for Whole {
    const CUTS: bool = false;

    #[inline(always)]
    fn begins(self, _: u8) -> bool {
        true
    }

    #[inline(always)]
    fn ends(self) -> bool {
        true
    }

    #[inline(always)]
    fn is_short(self) -> bool {
        false
    }

    #[inline(always)]
    fn charge(self, _: u32) {}

    #[inline(always)]
    fn walk<E>(
        self,
        count: usize,
        _: u32,
        begin: Sums,
        work: impl FnOnce(Range<usize>, Sums) -> Result<Sums, E>,
    ) -> Result<Option<Sums>, E> {
        work(0..count, begin).map(Some)
    }

    #[inline(always)]
    fn over<'t, T, E>(
        self,
        items: &'t [T],
        _: u32,
        begin: Sums,
        work: impl FnOnce(&'t [T], Sums) -> Result<Sums, E>,
    ) -> Result<Option<Sums>, E> {
        work(items, begin).map(Some)
    }
}

/// As far as a slice goes, from where the one before ended.
#[derive(Debug)]
pub(crate) struct Slices {
    /// Cycles that are left of this slice.
    left: Cell<u32>,
    /// Cycles that the stage has taken beside its walks. They count at its end, so that a walk gets somewhere however
    /// short a slice is.
    beside: Cell<u32>,
    /// Whether they were too few.
    short: Cell<bool>,
    /// Stages that are done.
    stage: Cell<u8>,
    /// Passes of the next stage that are done, and the one that comes next.
    done: Cell<u8>,
    pass: Cell<u8>,
    /// Items of the next pass that are done, and what they came to.
    at: Cell<usize>,
    sums: Cell<Sums>,
}

impl Slices {
    /// Nothing is done yet.
    pub(crate) const fn new() -> Self {
        Self {
            left: Cell::new(0),
            beside: Cell::new(0),
            short: Cell::new(false),
            stage: Cell::new(0),
            done: Cell::new(0),
            pass: Cell::new(0),
            at: Cell::new(0),
            sums: Cell::new([0; 3]),
        }
    }

    /// Begins a slice of about so many `cycles`: of one item at least.
    pub(crate) fn begin(&self, cycles: u32) {
        self.left.set(cycles.max(1));
        self.beside.set(0);
        self.short.set(false);
    }

    /// Takes up to `count` items of `cycles` from the slice: one at least, unless it is at its end.
    fn take(&self, count: usize, cycles: u32) -> usize {
        let left = self.left.get();
        if left == 0 {
            return 0;
        }
        let most = left.checked_div(cycles).unwrap_or(left).max(1);
        let taken = count.min(most as usize);
        self.left
            .set(left.saturating_sub(cycles.saturating_mul(taken as u32)));
        taken
    }
}

impl Pace for &Slices {
    const CUTS: bool = true;

    fn begins(self, number: u8) -> bool {
        self.pass.set(0);
        self.stage.get() == number
    }

    fn ends(self) -> bool {
        if self.short.get() {
            return false;
        }
        self.stage.set(self.stage.get().wrapping_add(1));
        self.done.set(0);
        let left = self.left.get().saturating_sub(self.beside.take());
        self.left.set(left);
        self.short.set(left == 0);
        !self.short.get()
    }

    fn is_short(self) -> bool {
        self.short.get()
    }

    fn charge(self, cycles: u32) {
        self.beside.set(self.beside.get().saturating_add(cycles));
    }

    fn walk<E>(
        self,
        count: usize,
        cycles: u32,
        begin: Sums,
        work: impl FnOnce(Range<usize>, Sums) -> Result<Sums, E>,
    ) -> Result<Option<Sums>, E> {
        let pass = self.pass.get();
        self.pass.set(pass.wrapping_add(1));
        if self.short.get() || pass < self.done.get() {
            return Ok(None);
        }
        let at = self.at.get();
        let taken = self.take(count.saturating_sub(at), cycles);
        let end = at.wrapping_add(taken);
        let sums = work(at..end, if at == 0 { begin } else { self.sums.get() })?;
        if end < count {
            self.at.set(end);
            self.sums.set(sums);
            self.short.set(true);
            return Ok(None);
        }
        self.at.set(0);
        self.done.set(pass.wrapping_add(1));
        Ok(Some(sums))
    }
}

/// Tells tests that so many items of about so many cycles are walked through now.
#[inline(always)]
pub(crate) fn walked(_items: usize, _cycles: u32) {
    #[cfg(test)]
    WALKED.set(WALKED.get() + _items as u64 * u64::from(_cycles));
}

#[cfg(test)]
std::thread_local! {
    /// What walks have taken.
    pub(crate) static WALKED: Cell<u64> = const { Cell::new(0) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// Two stages, the first of two passes, and what each pass came to.
    fn work<P: Pace>(pace: P, seen: &mut Vec<u32>, totals: &mut Vec<u32>) -> bool {
        let items: Vec<u32> = (1..=9).collect();
        let mut sum = |items: &[u32], begin| {
            let ended = pace.over(items, 3, [begin, 0, 0], |part, [sum, ..]| {
                seen.extend(part);
                Ok::<_, ()>([sum + part.iter().sum::<u32>(), 0, 0])
            });
            totals.extend(ended.unwrap().map(|[sum, ..]| sum));
        };
        if pace.begins(0) {
            sum(&items, 100);
            sum(&[], 200);
            sum(&items[4..], 300);
            if !pace.ends() {
                return false;
            }
        }
        if pace.begins(1) {
            sum(&items[..2], 400);
            return pace.ends();
        }
        true
    }

    #[test]
    fn slices_see_each_item_once_and_come_to_what_the_whole_comes_to() {
        let (mut seen, mut totals) = (Vec::new(), Vec::new());
        assert!(work(Whole, &mut seen, &mut totals));
        assert_eq!(totals, [145, 200, 335, 403]);
        for cycles in 0..60 {
            let slices = Slices::new();
            let (mut in_slices, mut so_far) = (Vec::new(), Vec::new());
            loop {
                let before = in_slices.len();
                slices.begin(cycles);
                let ended = work(&slices, &mut in_slices, &mut so_far);
                let items = (in_slices.len() - before) as u32;
                assert!(
                    items == 0 || (items - 1) * 3 < cycles.max(1),
                    "{items} in {cycles}"
                );
                if !(&slices).is_short() {
                    assert!(ended);
                    break;
                }
            }
            assert_eq!(
                (in_slices, so_far),
                (seen.clone(), totals.clone()),
                "{cycles}"
            );
        }
    }
}
