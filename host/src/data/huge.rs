//! Asking for huge pages under the columns of ratings.
//!
//! 20 million ratings are 320 MB: 80,000 pages of 4 KB, each of which the system hands out on first touch. In pages of
//! 2 MB that is 160 times.

/// Asks the system to back a column's memory, all of its capacity, with huge pages. It may not have any or not know
/// the question; then nothing happens. What the column holds stays as it is.
pub fn advise<T>(column: &Vec<T>) {
    #[cfg(target_os = "linux")]
    {
        const HUGE: usize = 2 << 20;
        let start = (column.as_ptr() as usize).next_multiple_of(HUGE);
        let end = (column.as_ptr() as usize + column.capacity() * size_of::<T>()) / HUGE * HUGE;
        if start < end {
            // SAFETY: the range lies within one allocation that the vector owns, and MADV_HUGEPAGE changes how memory
            // is backed, never what it holds or whether it may be used.
            let _ = unsafe {
                libc::madvise(start as *mut libc::c_void, end - start, libc::MADV_HUGEPAGE)
            };
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = column;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_column_holds_stays_as_it_is() {
        let mut column: Vec<u32> = Vec::with_capacity(3 << 20);
        column.extend(0..1 << 20);
        advise(&column);
        column.extend(1 << 20..3 << 20);
        assert!(
            column
                .iter()
                .enumerate()
                .all(|(i, &number)| i == number as usize)
        );
        advise(&Vec::<u32>::new());
        advise(&vec![1u8; 100]);
    }
}
