//! Pages of memory that is about to be written.

use std::mem::MaybeUninit;

use super::{memory, threads};

/// Has the system provide the pages of `memory`, all of them plain ones, in one call. A page that is provided when it is
/// first written costs a fault of its own, most of whose time on a virtual machine is the way into the system
/// and back; of 20 million ratings those are 80,000. Where the system has no such call nothing happens.
pub fn provide<T>(memory: &mut [T]) {
    // Miri has no such call either.
    #[cfg(all(target_os = "linux", not(miri)))]
    {
        const PAGE: usize = 4096;
        let start = memory.as_mut_ptr().cast::<u8>();
        let skipped = start.align_offset(PAGE);
        let length = size_of_val(memory).saturating_sub(skipped) / PAGE * PAGE;
        if length > 0 {
            // SAFETY: the range is within `memory`, and being written to by the system leaves its content as it is.
            // A refusal (an older system, larger pages) leaves the pages to be provided one by one.
            unsafe {
                libc::madvise(start.add(skipped).cast(), length, libc::MADV_POPULATE_WRITE);
            }
        }
    }
    #[cfg(not(all(target_os = "linux", not(miri))))]
    let _ = memory;
}

/// Whether the system would give so many bytes now. None of them is kept, so that it is a forecast, and no promise.
pub fn would_be_given(bytes: u64) -> bool {
    let wanted = usize::try_from(bytes).unwrap_or(usize::MAX);
    memory::may_fail(|| Vec::<u8>::new().try_reserve_exact(wanted).is_ok())
}

/// A vector of `item` of each place, made on all cores: where much memory is new, its pages take most of the time.
pub fn filled<T: Copy + Send>(length: usize, item: impl Fn(usize) -> T + Sync) -> Vec<T> {
    const BLOCK: usize = 1 << 15;
    let mut items = Vec::with_capacity(length);
    let blocks = items.spare_capacity_mut()[..length].chunks_mut(BLOCK);
    let fill = |(): &mut (), (number, block): (usize, &mut [MaybeUninit<T>])| {
        provide(block);
        for (place, at) in block.iter_mut().zip(number * BLOCK..) {
            place.write(item(at));
        }
    };
    threads::share(threads::for_memory(), blocks.enumerate(), || (), fill);
    // SAFETY: every place has been written; a thread that panicked before has made this one panic.
    unsafe { items.set_len(length) };
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_keeps_its_content() {
        for length in [0, 1, 5_000, 100_000] {
            let mut memory: Vec<u32> = (0..length).collect();
            provide(&mut memory);
            assert!((0..length).eq(memory));
        }
    }

    #[test]
    fn every_place_is_filled_with_its_own_item() {
        for length in [0, 1, 40_000, 300_000] {
            let items = filled(length, |place| place as u32 * 3);
            assert!((0..length as u32).map(|place| place * 3).eq(items));
        }
    }
}
