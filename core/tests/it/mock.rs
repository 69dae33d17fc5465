//! Flash in memory that loses its power, wears out, and fails.

use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
};
use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

/// Flash as NOR flash is: erasure sets bits, writing clears them. It counts the bytes that it changes, and after
/// so many its power is gone.
#[derive(Clone)]
pub struct Mock<const PAGE: usize, const WORD: usize = 4> {
    pub bytes: Vec<u8>,
    /// Bytes left until the power goes.
    pub power: usize,
    pub used: usize,
    /// Whether it has gone: whatever runs then is no device any more.
    pub dead: std::rc::Rc<std::cell::Cell<bool>>,
    /// Whether an erasure begins at the page's end.
    pub backwards: bool,
    /// Bytes that can't be cleared any more.
    pub worn: std::collections::BTreeSet<usize>,
    /// Bytes that were written since they were erased: a word may be written once.
    pub written: Vec<bool>,
    pub erasures: std::rc::Rc<std::cell::RefCell<Vec<u32>>>,
    /// Reads, writes and erasures so far.
    pub calls: usize,
    /// Those that fail.
    pub failing: Range<usize>,
    /// Whether a write or an erasure that fails has done its work all the same.
    pub does_it_anyway: bool,
}

#[derive(Debug)]
pub struct NoPower;

impl NorFlashError for NoPower {
    fn kind(&self) -> NorFlashErrorKind {
        NorFlashErrorKind::Other
    }
}

impl<const PAGE: usize> Mock<PAGE> {
    pub fn new(pages: usize, fill: u8) -> Self {
        Self::of_words(pages, fill)
    }
}

impl<const PAGE: usize, const WORD: usize> Mock<PAGE, WORD> {
    /// Flash that is written in words of `WORD` bytes.
    pub fn of_words(pages: usize, fill: u8) -> Self {
        Self {
            bytes: vec![fill; pages * PAGE],
            power: usize::MAX,
            used: 0,
            dead: Default::default(),
            backwards: false,
            worn: Default::default(),
            written: vec![fill != 0xff; pages * PAGE],
            erasures: std::rc::Rc::new(vec![0; pages].into()),
            calls: 0,
            failing: 0..0,
            does_it_anyway: false,
        }
    }

    /// Whether the call that begins fails.
    fn fails(&mut self) -> bool {
        let call = self.calls;
        self.calls += 1;
        self.failing.contains(&call)
    }

    fn spend(&mut self) -> Result<(), NoPower> {
        let Some(power) = self.power.checked_sub(1) else {
            self.dead.set(true);
            return Err(NoPower);
        };
        self.power = power;
        self.used += 1;
        Ok(())
    }

    /// The power is back, for good or for so many bytes.
    pub fn restart(mut self, power: usize) -> Self {
        self.power = power;
        self.used = 0;
        self.dead = Default::default();
        self.calls = 0;
        self.failing = 0..0;
        self
    }

    pub fn holds(&self, needle: &[u8]) -> bool {
        self.bytes
            .windows(needle.len())
            .any(|window| window == needle)
    }
}

impl<const PAGE: usize, const WORD: usize> ErrorType for Mock<PAGE, WORD> {
    type Error = NoPower;
}

impl<const PAGE: usize, const WORD: usize> ReadNorFlash for Mock<PAGE, WORD> {
    const READ_SIZE: usize = 4;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NoPower> {
        assert!(offset.is_multiple_of(4) && bytes.len().is_multiple_of(4));
        if self.fails() {
            return Err(NoPower);
        }
        bytes.copy_from_slice(&self.bytes[offset as usize..][..bytes.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.bytes.len()
    }
}

impl<const PAGE: usize, const WORD: usize> NorFlash for Mock<PAGE, WORD> {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = PAGE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), NoPower> {
        assert!((from as usize).is_multiple_of(PAGE) && to as usize == from as usize + PAGE);
        let fails = self.fails();
        if fails && !self.does_it_anyway {
            return Err(NoPower);
        }
        self.erasures.borrow_mut()[from as usize / PAGE] += 1;
        for at in 0..PAGE {
            self.spend()?;
            let at = if self.backwards { PAGE - 1 - at } else { at };
            self.bytes[from as usize + at] = 0xff;
            self.written[from as usize + at] = false;
        }
        if fails { Err(NoPower) } else { Ok(()) }
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NoPower> {
        assert!((offset as usize).is_multiple_of(WORD) && bytes.len().is_multiple_of(WORD));
        let fails = self.fails();
        if fails && !self.does_it_anyway {
            return Err(NoPower);
        }
        for (at, byte) in (offset as usize..).zip(bytes) {
            self.spend()?;
            assert!(!self.written[at], "byte {at} is written twice");
            self.written[at] = true;
            if !self.worn.contains(&at) {
                self.bytes[at] &= byte;
            }
        }
        if fails { Err(NoPower) } else { Ok(()) }
    }
}

/// Flash that a test has a hand on while a device has it.
#[derive(Clone)]
pub struct Shared<const PAGE: usize>(pub Rc<RefCell<Mock<PAGE>>>);

impl<const PAGE: usize> Shared<PAGE> {
    pub fn new(flash: Mock<PAGE>) -> Self {
        Self(Rc::new(RefCell::new(flash)))
    }
}

impl<const PAGE: usize> ErrorType for Shared<PAGE> {
    type Error = NoPower;
}

impl<const PAGE: usize> ReadNorFlash for Shared<PAGE> {
    const READ_SIZE: usize = 4;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NoPower> {
        self.0.borrow_mut().read(offset, bytes)
    }

    fn capacity(&self) -> usize {
        self.0.borrow().capacity()
    }
}

impl<const PAGE: usize> NorFlash for Shared<PAGE> {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = PAGE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), NoPower> {
        self.0.borrow_mut().erase(from, to)
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NoPower> {
        self.0.borrow_mut().write(offset, bytes)
    }
}
