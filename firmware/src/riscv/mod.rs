//! What RISC-V boards share: entry, interrupts and handlers of faults, floating point as a PC has it, sleep.
//!
//! All RISC-V assembly of the firmware is here, and `firmware/riscv.x` is its linker script.

mod start;

use crate::reset::{Cause, Record};
use core::hint::black_box;

#[cfg(feature = "log")]
use defmt_rtt as _;

/// What the last run left, which no boot clears.
#[unsafe(link_section = ".uninit.reset_record")]
pub static RESET: Record = Record::new();

unsafe extern "Rust" {
    /// Resets the chip: the board's, or what boards with its chip share.
    safe fn pocketrec_reset_chip() -> !;
}

/// Sleeps until an interrupt, unless `work` says that there is some: as
/// [`Board::sleep_unless`](crate::board::Board::sleep_unless) has it.
pub fn sleep_unless(work: impl FnOnce() -> bool) {
    // A pending interrupt ends WFI even while it is held off, and is taken right after.
    ::riscv::interrupt::free(|| {
        if !work() {
            ::riscv::asm::wfi();
        }
    });
}

/// Notes the cause, and resets the chip.
pub fn reset(cause: Cause) -> ! {
    ::riscv::interrupt::disable();
    RESET.write(cause);
    pocketrec_reset_chip()
}

/// Whether floating point keeps subnormals: in software it always does.
pub fn strict_floats() -> bool {
    black_box(true)
}

/// The part of [`board!`](crate::board!) that is a RISC-V's: what the entry calls, and what a trap calls, which finds the
/// interrupt by its number in `mcause`; whatever nobody handles is a fault.
#[macro_export]
macro_rules! vectors {
    ($run:ident, { $($interrupt:path => $handler:path),+ }) => {
        #[unsafe(no_mangle)]
        extern "C" fn pocketrec_main() -> ! {
            $run()
        }

        #[unsafe(no_mangle)]
        unsafe extern "C" fn pocketrec_trap(cause: usize, address: usize) {
            const INTERRUPT: usize = 1 << 31;
            const HANDLERS: &[(usize, unsafe extern "C" fn())] =
                &[$((INTERRUPT | $interrupt as usize, $handler)),+];
            match HANDLERS.iter().find(|(number, _)| *number == cause) {
                // SAFETY: this is that interrupt.
                Some((_, handler)) => unsafe { handler() },
                None => $crate::machine::reset($crate::reset::Cause::Fault {
                    address: address as u32,
                }),
            }
        }
    };
}
