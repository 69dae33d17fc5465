//! The profile region as `embedded-storage` sees it: bounds and reading here, erasing and programming by the board.
#![allow(unsafe_code)] // Flash that changes under the program is read through a pointer, volatile.

use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash, check_erase, check_read,
    check_write,
};

/// What the controller of flash that is programmed in words of `WORD` bytes does; each call waits until it is done, but never
/// without a bound.
pub trait Controller<const WORD: usize> {
    /// Bytes of a page, the least that can be erased.
    const PAGE: usize;

    /// Erases the page that begins at `address`; whether the controller said that it did.
    fn erase(&mut self, address: u32) -> bool;

    /// Programs the word at `address`, which its bytes divide; whether the controller said that it did. No word is programmed
    /// twice without an erasure between.
    fn program(&mut self, address: u32, word: [u8; WORD]) -> bool;
}

/// A region of flash that nothing else writes, in words of `WORD` bytes.
#[derive(Debug)]
pub struct Region<C, const WORD: usize> {
    controller: C,
    start: u32,
    length: u32,
}

impl<C: Controller<WORD>, const WORD: usize> Region<C, WORD> {
    /// The region of `length` bytes from the address `start` on.
    ///
    /// # Safety
    ///
    /// It is flash that the controller writes, and nobody else does.
    pub const unsafe fn new(controller: C, (start, length): (u32, u32)) -> Self {
        Self {
            controller,
            start,
            length,
        }
    }
}

/// Why flash didn't do what it was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlashError(NorFlashErrorKind);

impl NorFlashError for FlashError {
    fn kind(&self) -> NorFlashErrorKind {
        self.0
    }
}

fn done(done: bool) -> Result<(), FlashError> {
    if done {
        Ok(())
    } else {
        Err(FlashError(NorFlashErrorKind::Other))
    }
}

impl<C, const WORD: usize> ErrorType for Region<C, WORD> {
    type Error = FlashError;
}

impl<C: Controller<WORD>, const WORD: usize> ReadNorFlash for Region<C, WORD> {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), FlashError> {
        check_read(self, offset, bytes.len()).map_err(FlashError)?;
        let mut address = self.start.wrapping_add(offset);
        for byte in bytes {
            // SAFETY: within the region, which is flash, as whoever made it promised.
            *byte = unsafe {
                core::ptr::with_exposed_provenance::<u8>(address as usize).read_volatile()
            };
            address = address.wrapping_add(1);
        }
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.length as usize
    }
}

impl<C: Controller<WORD>, const WORD: usize> NorFlash for Region<C, WORD> {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = C::PAGE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), FlashError> {
        check_erase(self, from, to).map_err(FlashError)?;
        (from..to)
            .step_by(C::PAGE)
            .try_for_each(|offset| done(self.controller.erase(self.start.wrapping_add(offset))))
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FlashError> {
        check_write(self, offset, bytes.len()).map_err(FlashError)?;
        let (words, _) = bytes.as_chunks::<WORD>();
        let mut address = self.start.wrapping_add(offset);
        for word in words {
            done(self.controller.program(address, *word))?;
            address = address.wrapping_add(WORD as u32);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// Notes what it is told.
    #[derive(Default)]
    struct Noted<const WORD: usize> {
        erased: Vec<u32>,
        programmed: Vec<(u32, [u8; WORD])>,
    }

    impl<const WORD: usize> Controller<WORD> for Noted<WORD> {
        const PAGE: usize = 64;

        fn erase(&mut self, address: u32) -> bool {
            self.erased.push(address);
            true
        }

        fn program(&mut self, address: u32, word: [u8; WORD]) -> bool {
            self.programmed.push((address, word));
            address != START + 64
        }
    }

    const START: u32 = 0x0800_0040;

    fn words_reach_the_controller<const WORD: usize>() {
        // SAFETY: this controller touches no memory, and nothing is read.
        let mut region = unsafe { Region::new(Noted::<WORD>::default(), (START, 128)) };
        let bytes: [u8; 64] = core::array::from_fn(|at| at as u8);
        let (from, to) = (WORD as u32, 64 - WORD);
        region.write(from, &bytes[..to]).unwrap();
        region.erase(64, 128).unwrap();
        assert_eq!(region.controller.erased, [START + 64]);
        let places = (START + from..).step_by(WORD);
        let (due, _) = bytes[..to].as_chunks::<WORD>();
        let due: Vec<_> = places.zip(due.iter().copied()).collect();
        assert_eq!(region.controller.programmed, due);

        // What isn't a whole word, or not at a word's place, or outside, is refused before anything is programmed.
        region.controller.programmed.clear();
        for (offset, length) in [(0, WORD - 1), (from - 1, WORD), (128, WORD)] {
            assert!(region.write(offset, &bytes[..length]).is_err());
        }
        assert_eq!(region.controller.programmed, []);
        // What the controller says that it couldn't do ends a write.
        assert!(region.write(64, &bytes[..2 * WORD]).is_err());
        assert_eq!(region.controller.programmed.len(), 1);
    }

    #[test]
    fn words_of_every_width_reach_the_controller_whole_and_in_order() {
        words_reach_the_controller::<4>();
        words_reach_the_controller::<8>();
        words_reach_the_controller::<16>();
        words_reach_the_controller::<32>();
    }
}
