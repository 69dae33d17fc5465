//! The flash chip beside the microcontroller, which holds the program too: while it is erased or programmed nothing may be
//! read from it, neither code nor data. The microcontroller's own ROM does both; what calls it lies in RAM, and interrupts
//! are held off.
//!
//! The ROM waits for the flash chip without a bound, so the watchdog is armed meanwhile: it resets a board whose flash
//! doesn't answer.

use super::{chip, pac};
use crate::flash::Controller;
use core::sync::atomic::{AtomicU32, Ordering};

/// Where the program sees the flash chip's first byte.
const START: u32 = 0x1000_0000;
/// Bytes that the chip programs at once; what is all ones there stays as it is.
const PROGRAMMED: usize = 256;
/// Where RP2350's boot ROM leaves the code that has the flash chip read as quickly as it can.
#[cfg(feature = "rp2350")]
const LEFT_BY_ROM: usize = 0x400E_0000;

/// Two seconds, as the watchdog counts them: erasing a sector takes 400 ms at most.
const PATIENCE: u32 = 2_000_000 * chip::COUNTS;

/// Functions of the ROM, found by their codes, and the code that has flash read again.
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

/// A copy of the code that has the chip read by four lines at once: in RAM, where it can be run while flash can't be read.
static SECOND_STAGE: [AtomicU32; 64] = [const { AtomicU32::new(0) }; 64];

/// The flash chip, in sectors of so many bytes.
pub struct Flash<const PAGE: usize> {
    rom: Option<Rom>,
    watchdog: &'static pac::watchdog::RegisterBlock,
}

/// Disarms the watchdog, which was armed where a reset cut off work on flash, and has its reset take in the processor.
pub(super) fn set_up_watchdog(chip: &pac::Peripherals) {
    chip.WATCHDOG
        .ctrl()
        .modify(|_, register| register.enable().clear_bit());
    // All but the oscillators.
    // SAFETY: every bit stands for a part of the chip.
    chip.PSM.wdsel().write(|register| unsafe {
        register
            .bits(chip::PARTS)
            .xosc()
            .clear_bit()
            .rosc()
            .clear_bit()
    });
}

impl<const PAGE: usize> Flash<PAGE> {
    /// With what its ROM has for it.
    ///
    /// # Safety
    ///
    /// The chip is what this was built for, an RP2350 in its secure state, and nothing else uses flash or the watchdog.
    pub(super) unsafe fn new() -> Self {
        Self {
            // SAFETY: as the caller promises.
            rom: unsafe { Rom::find() },
            // SAFETY: it lies there, and nothing else uses it, as the caller promises.
            watchdog: unsafe { &*pac::WATCHDOG::PTR },
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

impl<const PAGE: usize> Controller<4> for Flash<PAGE> {
    const PAGE: usize = PAGE;

    fn erase(&mut self, address: u32) -> bool {
        self.run(
            |rom| rom.erase,
            [address.wrapping_sub(START), PAGE as u32, 1 << 16],
        )
    }

    fn program(&mut self, address: u32, word: [u8; 4]) -> bool {
        const WORDS: usize = PROGRAMMED / 4;
        let mut page = [u32::MAX; WORDS];
        let offset = address.wrapping_sub(START);
        let at = offset as usize % PROGRAMMED / 4;
        let Some(place) = page.get_mut(at) else {
            return false;
        };
        *place = u32::from_le_bytes(word);
        let bytes = page.as_ptr().expose_provenance() as u32;
        self.run(
            |rom| rom.program,
            [
                offset - offset % PROGRAMMED as u32,
                bytes,
                PROGRAMMED as u32,
            ],
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

impl Rom {
    /// RP2040's, by its table: pairs of a code of two letters and an address, a zero behind the last. The data sheet has
    /// them in section 2.8.3. Flash is read again by the second stage of the boot loader, at flash's start.
    ///
    /// # Safety
    ///
    /// The chip is an RP2040.
    #[cfg(feature = "rp2040")]
    unsafe fn find() -> Option<Self> {
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
        // SAFETY: functions of this ROM; the firmware's region begins with the second stage, which its linker script puts
        // there.
        unsafe { Self::with(address, START as usize) }
    }

    /// RP2350's, by the function that it has for finding them, for code that runs on its Arm cores in the secure state: the
    /// data sheet's section 5.4.
    ///
    /// # Safety
    ///
    /// The chip is an RP2350, from its stepping A2 on, and this its secure state.
    #[cfg(feature = "rp2350")]
    unsafe fn find() -> Option<Self> {
        /// Where the ROM says where that function is.
        const LOOKUP: usize = 0x16;
        const SECURE: u32 = 4;
        // SAFETY: in the ROM, whose data sheet says what lies there.
        let lookup: extern "C" fn(u32, u32) -> usize = unsafe {
            let address = core::ptr::with_exposed_provenance::<u16>(LOOKUP).read_volatile();
            core::mem::transmute(core::ptr::with_exposed_provenance::<()>(address.into()))
        };
        let address = |code: [u8; 2]| {
            let found = lookup(u16::from_le_bytes(code).into(), SECURE);
            (found != 0).then_some(found)
        };
        // SAFETY: functions of this ROM, and where it leaves what it read flash by.
        unsafe { Self::with(address, LEFT_BY_ROM) }
    }

    /// # Safety
    ///
    /// The addresses are those of functions of the ROM, a set lowest bit meaning Thumb, and at `second_stage` lie 256 bytes
    /// of code that has flash read again, runs wherever it lies, and returns to whoever calls it.
    unsafe fn with(
        address: impl Fn([u8; 2]) -> Option<usize>,
        second_stage: usize,
    ) -> Option<Self> {
        let words = core::ptr::with_exposed_provenance::<u32>(second_stage);
        for (at, word) in SECOND_STAGE.iter().enumerate() {
            // SAFETY: as the caller promises.
            word.store(unsafe { words.add(at).read_volatile() }, Ordering::Relaxed);
        }
        let copy = SECOND_STAGE.as_ptr().expose_provenance();
        // SAFETY: the data sheets say what each of them takes.
        unsafe {
            Some(Self {
                connect: plain(address(*b"IF")?),
                stop_reading: plain(address(*b"EX")?),
                erase: with_numbers(address(*b"RE")?),
                program: with_numbers(address(*b"RP")?),
                flush: plain(address(*b"FC")?),
                read_again: plain(copy | 1),
            })
        }
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
