//! Flash of a board that isn't there: bytes that are cleared bit by bit and erased by pages, as NOR flash is.

use std::cell::RefCell;
use std::convert::Infallible;
use std::rc::Rc;

use embedded_storage::nor_flash::{ErrorType, NorFlash, ReadNorFlash};

/// Bytes of a page.
const PAGE: usize = 4096;

/// Pages: the live records of as many ratings as the board holds, twice, and some to write on in between.
const PAGES: usize = 16;

/// Bytes of all of it.
pub const BYTES: usize = PAGES * PAGE;

/// What the page looks at while the board has the flash.
#[derive(Debug)]
pub struct Cells {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Whether they changed since somebody looked.
    pub changed: bool,
}

/// The flash, as core's log of ratings takes it.
#[derive(Clone, Debug)]
pub struct Flash(pub Rc<RefCell<Cells>>);

impl Flash {
    /// Flash of these bytes, or erased flash where there aren't as many as it has.
    pub fn new(bytes: &[u8]) -> Self {
        let bytes = match bytes.len() {
            BYTES => bytes.to_vec(),
            _ => vec![0xff; BYTES],
        };
        let changed = false;
        Self(Rc::new(RefCell::new(Cells { bytes, changed })))
    }
}

impl ErrorType for Flash {
    type Error = Infallible;
}

impl ReadNorFlash for Flash {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Infallible> {
        let from = offset as usize;
        bytes.copy_from_slice(&self.0.borrow().bytes[from..from + bytes.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        BYTES
    }
}

impl NorFlash for Flash {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = PAGE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Infallible> {
        let mut cells = self.0.borrow_mut();
        cells.bytes[from as usize..to as usize].fill(0xff);
        cells.changed = true;
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Infallible> {
        let mut cells = self.0.borrow_mut();
        for (cell, byte) in cells.bytes[offset as usize..].iter_mut().zip(bytes) {
            *cell &= byte;
        }
        cells.changed = true;
        Ok(())
    }
}
