//! The flash chip beside the microcontroller, which holds the program too: while it is erased or programmed nothing may be
//! read from it, neither code nor data. The microcontroller's own ROM does both; what calls it lies in RAM, and interrupts
//! are held off.
//!
//! The ROM waits for the flash chip without a bound, so a watchdog is armed meanwhile: it resets a board whose flash doesn't
//! answer.

use super::{pac, watchdog};
use crate::flash::Controller;

/// Where data of the flash chip's first byte is read: the boot loader maps 4 MB there.
const START: u32 = 0x3C00_0000;

/// Functions of the ROM, at the same place in every version of the chip: its interface, as Espressif's linker scripts have
/// it.
mod rom {
    pub const ERASE_SECTOR: usize = 0x4000_0128;
    pub const WRITE: usize = 0x4000_012C;
    pub const UNLOCK: usize = 0x4000_0140;
    pub const INVALIDATE: usize = 0x4000_04D4;
    pub const SUSPEND: usize = 0x4000_0524;
    pub const RESUME: usize = 0x4000_0528;
}

/// The flash chip, in sectors of so many bytes.
pub struct Flash<const PAGE: usize> {
    clocks: &'static pac::rtc_cntl::RegisterBlock,
    unlocked: bool,
}

impl<const PAGE: usize> Flash<PAGE> {
    /// As the boot loader leaves it.
    ///
    /// # Safety
    ///
    /// The chip is an ESP32-C3 whose boot loader has mapped flash, and nothing else writes flash or uses the RTC watchdog.
    pub(super) unsafe fn new() -> Self {
        Self {
            // SAFETY: it lies there, and nothing else uses its watchdog, as the caller promises.
            clocks: unsafe { &*pac::RTC_CNTL::PTR },
            unlocked: false,
        }
    }

    /// Runs one of the ROM's functions while nothing reads from flash; whether it said that it did what it should. What was
    /// read of so many bytes from `address` on is forgotten.
    fn run(&mut self, function: usize, arguments: [u32; 3], address: u32, length: u32) -> bool {
        riscv::interrupt::free(|| {
            watchdog::arm(self.clocks);
            let error = without_flash(function, arguments, address, length);
            watchdog::stop(self.clocks);
            error == 0
        })
    }
}

impl<const PAGE: usize> Controller<4> for Flash<PAGE> {
    const PAGE: usize = PAGE;

    fn erase(&mut self, address: u32) -> bool {
        // Some flash chips come with their sectors protected.
        if !self.unlocked {
            self.unlocked = self.run(rom::UNLOCK, [0; 3], START, 0);
        }
        let sector = address.wrapping_sub(START) / PAGE as u32;
        self.unlocked && self.run(rom::ERASE_SECTOR, [sector, 0, 0], address, PAGE as u32)
    }

    fn program(&mut self, address: u32, word: [u8; 4]) -> bool {
        let word = u32::from_le_bytes(word);
        let bytes = (&raw const word).expose_provenance() as u32;
        let arguments = [address.wrapping_sub(START), bytes, 4];
        self.run(rom::WRITE, arguments, address, 4)
    }
}

/// What runs from RAM: from the suspension on nothing here is a call of code in flash, and no constant is read from there.
#[unsafe(link_section = ".ram_text.without_flash")]
#[inline(never)]
fn without_flash(function: usize, [a, b, c]: [u32; 3], address: u32, length: u32) -> u32 {
    // SAFETY: functions of the ROM, which take up to three numbers and return one or nothing.
    unsafe {
        let preloads = call(rom::SUSPEND, 0, 0, 0);
        let error = call(function, a, b, c);
        call(rom::RESUME, preloads, 0, 0);
        if length > 0 {
            /// Bytes of a line of the cache.
            const LINE: u32 = 32;
            let start = address & !(LINE - 1);
            let end = address.wrapping_add(length + LINE - 1) & !(LINE - 1);
            call(rom::INVALIDATE, start, end.wrapping_sub(start), 0);
        }
        error
    }
}

/// # Safety
///
/// At the address is a function that takes up to three numbers and returns one or nothing.
#[inline(always)]
unsafe fn call(address: usize, a: u32, b: u32, c: u32) -> u32 {
    // SAFETY: as the caller promises.
    let function: extern "C" fn(u32, u32, u32) -> u32 =
        unsafe { core::mem::transmute(core::ptr::with_exposed_provenance::<()>(address)) };
    function(a, b, c)
}
