//! The profile region as `embedded-storage` sees it: bounds and reading here, erasing and programming by the board.
#![allow(unsafe_code)] // Flash that changes under the program is read through a pointer, volatile.

use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash, check_erase, check_read,
    check_write,
};

/// What a board's flash controller does; each call waits until it is done, but never without a bound.
pub trait Controller {
    /// Bytes of a page, the least that can be erased.
    const PAGE: usize;

    /// Erases the page that begins at `address`; whether the controller said that it did.
    fn erase(&mut self, address: u32) -> bool;

    /// Programs the word at `address`; whether the controller said that it did.
    fn program(&mut self, address: u32, word: u32) -> bool;
}

/// A region of flash that nothing else writes.
#[derive(Debug)]
pub struct Region<C> {
    controller: C,
    start: u32,
    length: u32,
}

impl<C: Controller> Region<C> {
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

impl<C> ErrorType for Region<C> {
    type Error = FlashError;
}

impl<C: Controller> ReadNorFlash for Region<C> {
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

impl<C: Controller> NorFlash for Region<C> {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = C::PAGE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), FlashError> {
        check_erase(self, from, to).map_err(FlashError)?;
        (from..to)
            .step_by(C::PAGE)
            .try_for_each(|offset| done(self.controller.erase(self.start.wrapping_add(offset))))
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FlashError> {
        check_write(self, offset, bytes.len()).map_err(FlashError)?;
        let (words, _) = bytes.as_chunks::<4>();
        let mut address = self.start.wrapping_add(offset);
        for word in words {
            done(self.controller.program(address, u32::from_le_bytes(*word)))?;
            address = address.wrapping_add(4);
        }
        Ok(())
    }
}
