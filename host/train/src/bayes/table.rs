//! Rows of a side as the processor fetches them.

use super::kernel::{LANES, Row};
use std::ops::{Deref, DerefMut};

/// Rows that are asked for before they are needed.
pub(super) const AHEAD: usize = 32;

/// Numbers that the processor fetches at a time: 64 bytes.
const LINE: usize = 16;

#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Line([f32; LINE]);

/// Rows in memory that begins where a cache line does: a row of 16 numbers is one line, of 32 two.
#[derive(Clone, Debug)]
pub(super) struct Table<const T: usize> {
    lines: Vec<Line>,
    rows: usize,
}

impl<const T: usize> Table<T> {
    /// So many rows of zeros.
    pub(super) fn zeros(rows: usize) -> Self {
        let lines = (rows * T * LANES).div_ceil(LINE);
        Self {
            lines: vec![Line([0.0; LINE]); lines],
            rows,
        }
    }
}

impl<const T: usize> Deref for Table<T> {
    type Target = [Row<T>];

    fn deref(&self) -> &[Row<T>] {
        let start = self.lines.as_ptr().cast();
        // SAFETY: so many lines were made as the rows fill, of the same numbers one after the other, and aligned for more.
        unsafe { std::slice::from_raw_parts(start, self.rows) }
    }
}

impl<const T: usize> DerefMut for Table<T> {
    fn deref_mut(&mut self) -> &mut [Row<T>] {
        let start = self.lines.as_mut_ptr().cast();
        // SAFETY: as in `deref`, and the lines are borrowed as the rows are.
        unsafe { std::slice::from_raw_parts_mut(start, self.rows) }
    }
}

/// Asks for a row that will be read soon, so that it is at hand by then.
#[inline(always)]
pub(super) fn fetch<const T: usize>(rows: &[Row<T>], at: u32) {
    #[cfg(target_arch = "x86_64")]
    if let Some(row) = rows.get(at as usize) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        for group in row.iter().step_by(LINE / LANES) {
            // SAFETY: every x86-64 has the instruction, which reads nothing that the program sees.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(group.as_ptr().cast()) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (rows, at);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_begin_where_lines_do_and_hold_what_was_put_in() {
        let mut table = Table::<3>::zeros(5);
        for (number, row) in (0u8..).zip(table.iter_mut()) {
            row.as_flattened_mut().fill(f32::from(number));
        }
        assert_eq!(table.len(), 5);
        assert!((0u8..).zip(&*table).all(|(number, row)| {
            let numbers = row.as_flattened();
            numbers.len() == 24 && numbers.iter().all(|x| *x == f32::from(number))
        }));
        for rows in [0, 1, 1000] {
            let table = Table::<2>::zeros(rows);
            assert_eq!((table.len(), table.as_ptr() as usize % 64), (rows, 0));
        }
    }
}
