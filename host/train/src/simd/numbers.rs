//! Memory that kernels read and write at places that they compute.

use std::ptr;

/// A place among numbers that several threads may share.
///
/// Kernels move it about as they would a pointer, without looking for the end at every number; so it can't be made
/// without a promise. Where debug assertions are compiled in, every access is checked:
/// `cargo xtask ci` runs the tests so, and Miri looks at what no check sees.
#[derive(Clone, Copy, Debug)]
pub struct Numbers {
    at: *mut f32,
    /// Where the memory starts and ends.
    #[cfg(debug_assertions)]
    bounds: (*mut f32, *mut f32),
}

// SAFETY: who makes one promises that threads agree about who touches what.
unsafe impl Send for Numbers {}
// SAFETY: as above.
unsafe impl Sync for Numbers {}

impl Numbers {
    /// The first of `length` numbers.
    ///
    /// # Safety
    /// Who calls this answers for all that is done with the value and its copies: as long as one is used, the memory is
    /// there and touched through them alone, they stay within it, and no thread writes a number while another reads or
    /// writes it.
    pub unsafe fn new(memory: *mut f32, length: usize) -> Self {
        #[cfg(not(debug_assertions))]
        let _ = length;
        Self {
            at: memory,
            #[cfg(debug_assertions)]
            bounds: (memory, memory.wrapping_add(length)),
        }
    }

    /// A place of which nothing may be touched.
    pub fn none() -> Self {
        // SAFETY: there is no number to touch.
        unsafe { Self::new(ptr::dangling_mut(), 0) }
    }

    /// So many numbers further on.
    #[inline(always)]
    #[expect(clippy::should_implement_trait, reason = "it is named as a pointer's")]
    pub fn add(self, numbers: usize) -> Self {
        #[cfg(debug_assertions)]
        {
            let at = self.at.wrapping_add(numbers);
            assert!(
                at >= self.bounds.0 && at <= self.bounds.1,
                "beyond {self:?}"
            );
        }
        let mut further = self;
        // SAFETY: whoever made this has promised that it stays within the memory.
        further.at = unsafe { self.at.add(numbers) };
        further
    }

    /// The address, for whoever means to touch so many numbers from here on.
    #[inline(always)]
    pub(super) fn good_for(self, numbers: usize) -> *mut f32 {
        #[cfg(debug_assertions)]
        {
            let end = self.at.wrapping_add(numbers);
            assert!(end <= self.bounds.1, "{numbers} from {self:?}");
        }
        #[cfg(not(debug_assertions))]
        let _ = numbers;
        self.at
    }

    /// The address, to be asked for beforehand.
    #[inline(always)]
    pub fn address(self) -> *const f32 {
        self.at
    }

    /// The number here.
    #[inline(always)]
    pub fn get(self) -> f32 {
        // SAFETY: by the promise to `new`.
        unsafe { self.good_for(1).read() }
    }

    /// Writes the number here.
    #[inline(always)]
    pub fn set(self, number: f32) {
        // SAFETY: by the promise to `new`.
        unsafe { self.good_for(1).write(number) }
    }

    /// Adds to the number here.
    #[inline(always)]
    pub fn increase(self, by: f32) {
        self.set(self.get() + by);
    }

    /// The bits here, where an integer is kept.
    #[inline(always)]
    pub fn bits(self) -> u32 {
        // SAFETY: by the promise to `new`; an integer of 32 bits has f32's size and alignment.
        unsafe { self.good_for(1).cast::<u32>().read() }
    }

    /// Writes the bits here.
    #[inline(always)]
    pub fn set_bits(self, bits: u32) {
        // SAFETY: as above.
        unsafe { self.good_for(1).cast::<u32>().write(bits) }
    }

    /// Copies so many numbers to another place, which has none of them.
    #[inline(always)]
    pub fn copy_to(self, to: Self, numbers: usize) {
        // SAFETY: by the promise to `new`.
        unsafe { ptr::copy_nonoverlapping(self.good_for(numbers), to.good_for(numbers), numbers) }
    }

    /// Sets so many numbers to zero.
    #[inline(always)]
    pub fn clear(self, numbers: usize) {
        // SAFETY: by the promise to `new`; no bits are zero.
        unsafe { ptr::write_bytes(self.good_for(numbers), 0, numbers) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(memory: &mut [f32]) -> Numbers {
        // SAFETY: nothing else touches the memory as long as the test uses this.
        unsafe { Numbers::new(memory.as_mut_ptr(), memory.len()) }
    }

    #[test]
    fn what_is_written_is_read() {
        let mut memory = [1.0, 2.0, 3.0, 4.0, 5.0];
        let numbers = all(&mut memory);
        numbers.add(1).increase(0.5);
        numbers.add(1).copy_to(numbers.add(3), 2);
        numbers.clear(1);
        numbers.add(2).set_bits(7);
        assert_eq!((numbers.add(3).get(), numbers.add(2).bits()), (2.5, 7));
        assert_eq!(memory[..2], [0.0, 2.5]);
        assert_eq!(memory[3..], [2.5, 3.0]);
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "2 from")]
    fn nothing_is_read_beyond_the_end_where_it_is_checked() {
        let mut memory = [1.0; 4];
        let numbers = all(&mut memory);
        numbers.add(3).copy_to(numbers, 2);
    }
}
