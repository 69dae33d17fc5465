//! The flash chip beside the RP2040, which holds the program too: while it is erased or programmed nothing may be read
//! from it, neither code nor data. The chip's own ROM does both; what calls it lies in RAM, and interrupts are held off.
//!
//! The ROM waits for the flash chip without a bound, so the watchdog is armed meanwhile: it resets a board whose flash
//! doesn't answer.

use crate::FACTS;
use core::sync::atomic::{AtomicU32, Ordering};
use firmware::flash::Controller;
use rp2040_pac as pac;

/// Where the program sees the flash chip's first byte.
const START: u32 = 0x1000_0000;
/// Bytes that the chip programs at once; what is all ones there stays as it is.
const PAGE: usize = 256;
/// How long one call may take: erasing a sector takes 400 ms at most. The chip counts two for a microsecond (its erratum
/// E1).
const PATIENCE: u32 = 2 * 2_000_000;

/// Functions of the ROM, found by their codes, and the copy of the boot loader's second stage.
#[derive(Clone, Copy)]
struct Rom {
    connect: extern "C" fn(),
    stop_reading: extern "C" fn(),
    /// From an offset on so many bytes, in blocks of a larger size by that command where a whole one fits.
    erase: extern "C" fn(u32, u32, u32, u32),
    /// From an offset on these bytes, so many; the last number is not looked at.
    program: extern "C" fn(u32, u32, u32, u32),
    flush: extern "C" fn(),
    read_again: extern "C" fn(),
}

/// The boot loader's second stage: it has the chip read by four lines at once.
static SECOND_STAGE: [AtomicU32; 64] = [const { AtomicU32::new(0) }; 64];

/// The flash chip.
pub struct Flash {
    rom: Option<Rom>,
    watchdog: pac::WATCHDOG,
}

impl Flash {
    /// Finds what the ROM has for it.
    pub fn new(watchdog: pac::WATCHDOG) -> Self {
        let words = core::ptr::with_exposed_provenance::<u32>(START as usize);
        for (at, word) in SECOND_STAGE.iter().enumerate() {
            // SAFETY: the first 256 bytes of the firmware's region, which its linker script puts there.
            word.store(unsafe { words.add(at).read_volatile() }, Ordering::Relaxed);
        }
        Self {
            rom: find(),
            watchdog,
        }
    }

    /// Runs one of the ROM's functions while nothing reads from flash; whether there is one.
    fn run(
        &mut self,
        choose: impl FnOnce(&Rom) -> extern "C" fn(u32, u32, u32, u32),
        arguments: [u32; 3],
    ) -> bool {
        let Some(rom) = self.rom else {
            return false;
        };
        let work = choose(&rom);
        cortex_m::interrupt::free(|_| {
            // SAFETY: below 2 to the 24th.
            self.watchdog
                .load()
                .write(|register| unsafe { register.load().bits(PATIENCE) });
            self.watchdog
                .ctrl()
                .modify(|_, register| register.enable().set_bit());
            without_flash(&rom, work, &arguments);
            self.watchdog
                .ctrl()
                .modify(|_, register| register.enable().clear_bit());
        });
        true
    }
}

impl Controller<4> for Flash {
    const PAGE: usize = FACTS.page;

    fn erase(&mut self, address: u32) -> bool {
        self.run(
            |rom| rom.erase,
            [address.wrapping_sub(START), Self::PAGE as u32, 1 << 16],
        )
    }

    fn program(&mut self, address: u32, word: [u8; 4]) -> bool {
        const WORDS: usize = PAGE / 4;
        let mut page = [u32::MAX; WORDS];
        let offset = address.wrapping_sub(START);
        let at = offset as usize % PAGE / 4;
        let Some(place) = page.get_mut(at) else {
            return false;
        };
        *place = u32::from_le_bytes(word);
        let bytes = page.as_ptr().expose_provenance() as u32;
        self.run(
            |rom| rom.program,
            [offset - offset % PAGE as u32, bytes, PAGE as u32],
        )
    }
}

/// What runs from RAM: nothing here is a call of code in flash, and no constant is read from there.
#[unsafe(link_section = ".data.without_flash")]
#[inline(never)]
fn without_flash(rom: &Rom, work: extern "C" fn(u32, u32, u32, u32), arguments: &[u32; 3]) {
    /// Erases a block of 64 KB, which never is to be erased here.
    const BLOCK: u32 = 0xD8;
    let [first, second, third] = *arguments;
    (rom.connect)();
    (rom.stop_reading)();
    work(first, second, third, BLOCK);
    (rom.flush)();
    (rom.read_again)();
}

/// The ROM's functions, by its table: pairs of a code of two letters and an address, a zero behind the last. The data
/// sheet has them in section 2.8.3.
fn find() -> Option<Rom> {
    /// Where the ROM says where its table is.
    const TABLE: usize = 0x14;
    /// It has some thirty.
    const MOST: usize = 200;
    let half = |address: usize| {
        // SAFETY: below 16 KB, where the ROM is.
        u32::from(unsafe {
            core::ptr::with_exposed_provenance::<u16>(address & 0x3ffe).read_volatile()
        })
    };
    let table = half(TABLE) as usize;
    let address = |code: [u8; 2]| {
        let code = u32::from(u16::from_le_bytes(code));
        (0..MOST)
            .map(|entry| table + 4 * entry)
            .map(|at| (half(at), half(at + 2)))
            .take_while(|(found, _)| *found != 0)
            .find(|(found, _)| *found == code)
            .map(|(_, address)| address as usize)
    };
    let second_stage = SECOND_STAGE.as_ptr().expose_provenance();
    // SAFETY: the data sheet says what each of them takes; the second stage returns to whoever calls it, and its code
    // runs wherever it lies. A set lowest bit means Thumb.
    unsafe {
        Some(Rom {
            connect: plain(address(*b"IF")?),
            stop_reading: plain(address(*b"EX")?),
            erase: with_numbers(address(*b"RE")?),
            program: with_numbers(address(*b"RP")?),
            flush: plain(address(*b"FC")?),
            read_again: plain(second_stage | 1),
        })
    }
}

/// # Safety
///
/// At the address is a function that takes nothing and returns.
unsafe fn plain(address: usize) -> extern "C" fn() {
    // SAFETY: as the caller promises.
    unsafe { core::mem::transmute(core::ptr::with_exposed_provenance::<()>(address)) }
}

/// # Safety
///
/// At the address is a function that takes up to four numbers and returns.
unsafe fn with_numbers(address: usize) -> extern "C" fn(u32, u32, u32, u32) {
    // SAFETY: as the caller promises.
    unsafe { core::mem::transmute(core::ptr::with_exposed_provenance::<()>(address)) }
}
