//! The flash controller: pages of 2 KB in two banks, double words of 8 bytes, each with 8 bits of error correction behind it.
//! So a double word is programmed once between two erasures, as a whole.
//!
//! While a page is erased (22 ms) or a double word programmed (90 us) in the second bank, code runs on from the first.

use crate::{FACTS, pac};
use firmware::arm;
use firmware::flash::Controller;
use firmware::reset::Cause;

/// Where flash begins, and what a bank has.
const START: u32 = 0x0800_0000;
const BANK: u32 = 0x0008_0000;
/// What the status register says of a command that failed, and all that a one in it clears: RM0351, section 3.7.5.
const ERRORS: u32 = 0x0000_03FA;
const CLEARED: u32 = 0x0000_C3FB;
/// Turns of a waiting loop: a tenth of a second at the full clock; erasing a page takes 25 ms at most.
const PATIENCE: u32 = 1_000_000;

/// The flash controller.
pub struct Flash(pac::FLASH);

impl Flash {
    /// The controller, locked as it is after a reset.
    pub fn new(controller: pac::FLASH) -> Self {
        Self(controller)
    }

    #[inline(never)]
    fn ready(&self) -> bool {
        (0..PATIENCE).any(|_| self.0.sr().read().bsy().bit_is_clear())
    }

    /// Unlocks the controller, with no error left of an earlier command; whether it is ready for the next. Until [`lock`] the
    /// data cache is off: reading one bank while the other is written can spoil it, says the chip's errata sheet in 2.2.3.
    ///
    /// [`lock`]: Self::lock
    #[inline(never)]
    fn unlock(&mut self) -> bool {
        const KEYS: [u32; 2] = [0x4567_0123, 0xCDEF_89AB];
        if !self.ready() {
            return false;
        }
        let flash = &self.0;
        if flash.cr().read().lock().bit_is_set() {
            for key in KEYS {
                // SAFETY: the unlocking sequence of the reference manual, RM0351 section 3.3.5.
                flash.keyr().write(|register| unsafe { register.bits(key) });
            }
        }
        // SAFETY: ones clear the bits that they stand for.
        flash
            .sr()
            .write(|register| unsafe { register.bits(CLEARED) });
        flash
            .acr()
            .modify(|_, register| register.dcen().clear_bit());
        true
    }

    /// Waits for the end of the command, and locks the controller; whether the command had no error.
    #[inline(never)]
    fn lock(&mut self) -> bool {
        let ended = self.ready();
        let flash = &self.0;
        let failed = flash.sr().read().bits() & ERRORS != 0;
        flash.cr().write(|register| register.lock().set_bit());
        // Emptied before it is on again: it may hold what was there before.
        let acr = flash.acr();
        acr.modify(|_, register| register.dcrst().set_bit());
        acr.modify(|_, register| register.dcrst().clear_bit());
        acr.modify(|_, register| register.dcen().set_bit());
        ended && !failed
    }
}

impl Controller<8> for Flash {
    const PAGE: usize = FACTS.page;

    fn erase(&mut self, address: u32) -> bool {
        let offset = address.wrapping_sub(START);
        if offset >= 2 * BANK || !self.unlock() {
            return false;
        }
        let page = (offset % BANK / Self::PAGE as u32) as u8;
        let cr = self.0.cr();
        // SAFETY: a page of the profile region.
        cr.write(|register| unsafe {
            register.per().set_bit().pnb().bits(page);
            register.bker().bit(offset >= BANK)
        });
        cr.modify(|_, register| register.start().set_bit());
        self.lock()
    }

    fn program(&mut self, address: u32, word: [u8; 8]) -> bool {
        if !self.unlock() {
            return false;
        }
        self.0.cr().write(|register| register.pg().set_bit());
        let [a, b, c, d, e, f, g, h] = word;
        let halves = [[a, b, c, d], [e, f, g, h]].map(u32::from_le_bytes);
        let place = core::ptr::with_exposed_provenance_mut::<u32>(address as usize);
        // The controller takes the first half, and programs both when the second comes: nothing may come in between.
        cortex_m::interrupt::free(|_| {
            for (at, half) in halves.into_iter().enumerate() {
                // SAFETY: a double word of the profile region, which nothing else writes or borrows.
                unsafe { place.add(at).write_volatile(half) };
            }
        });
        self.lock()
    }
}

/// A double word that a power cut tore reads as neither what was there nor what was to come, and each reading of it raises
/// the exception that may not be masked. In the profile, whose records have checksums, and in the image, which is verified
/// when it is opened, the reading goes on; in code nothing can.
pub fn mended_or_fault() {
    // SAFETY: main changes other registers of the controller.
    let flash = unsafe { &*pac::FLASH::ptr() };
    let error = flash.eccr().read();
    let bank = if error.bk_ecc().bit_is_set() { BANK } else { 0 };
    let address = START + bank + error.addr_ecc().bits();
    let within = |(start, length): (u32, u32)| address.wrapping_sub(start) < length;
    if error.eccd().bit_is_clear() || !(within(FACTS.profile) || within(FACTS.image)) {
        arm::reset(Cause::Fault { address });
    }
    // A one clears it; what else could be cleared so is left as it is.
    flash
        .eccr()
        .modify(|_, register| register.eccd().set_bit().eccc().clear_bit());
}
