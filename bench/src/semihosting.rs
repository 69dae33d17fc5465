//! Printing and exiting through the emulator.

use core::arch::asm;
use core::fmt;

const WRITE_BYTE: u32 = 0x03;
const EXIT: u32 = 0x18;
/// Why the program stops: it has finished, or it has failed.
const FINISHED: u32 = 0x2_0026;
const FAILED: u32 = 0x2_0023;

fn call(operation: u32, argument: u32) {
    // SAFETY: a semihosting call; the emulator reads at most the byte that `argument` points to.
    unsafe {
        asm!("bkpt #0xab", inout("r0") operation => _, in("r1") argument, options(nostack));
    }
}

/// What is written here the emulator prints.
pub struct Console;

impl fmt::Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            call(WRITE_BYTE, &raw const byte as u32);
        }
        Ok(())
    }
}

/// Ends the emulator, with exit code 0 if all went `well`.
pub fn exit(well: bool) -> ! {
    call(EXIT, if well { FINISHED } else { FAILED });
    loop {
        core::hint::spin_loop();
    }
}

/// Does nothing, in one instruction: a function of its own needs a body of its own.
#[inline(always)]
pub fn one_nop() {
    // SAFETY: nothing happens.
    unsafe { asm!("nop", options(nomem, nostack)) }
}

/// Does nothing, in two.
#[inline(always)]
pub fn two_nops() {
    // SAFETY: nothing happens.
    unsafe { asm!("nop", "nop", options(nomem, nostack)) }
}
