//! What Cortex-M boards share: entry, vector table and handlers of faults, copying memory, floating point as a PC has it,
//! sleep.
//!
//! All Thumb assembly of the firmware is here.

mod memory;

pub use cortex_m;
pub use cortex_m_rt;

use crate::reset::{Cause, Record};
use core::hint::black_box;

#[cfg(feature = "log")]
use defmt_rtt as _;

/// What the last run left, which no boot clears.
#[unsafe(link_section = ".uninit.reset_record")]
pub static RESET: Record = Record::new();

/// Sleeps until an interrupt, unless `work` says that there is some: as
/// [`Board::sleep_unless`](crate::board::Board::sleep_unless) has it.
pub fn sleep_unless(work: impl FnOnce() -> bool) {
    // A pending interrupt ends WFI even while it is held off, and is taken right after.
    cortex_m::interrupt::free(|_| {
        if !work() {
            cortex_m::asm::wfi();
        }
    });
}

/// Notes the cause, and resets the chip.
pub fn reset(cause: Cause) -> ! {
    cortex_m::interrupt::disable();
    RESET.write(cause);
    cortex_m::peripheral::SCB::sys_reset()
}

/// Has the floating-point unit, where there is one, compute subnormals as IEEE 754 has them, in main and in handlers, so
/// that every prediction has the PC's bits; whether one multiplication keeps to it.
pub fn strict_floats() -> bool {
    // Floating point in software always does.
    #[cfg(target_abi = "eabihf")]
    {
        const FLUSH_TO_ZERO: u32 = 1 << 24;
        const DEFAULT_NAN: u32 = 1 << 25;
        // SAFETY: reads and writes the floating-point status registers, which cortex-m-rt has switched on.
        unsafe {
            let mut status: u32;
            core::arch::asm!("vmrs {}, fpscr", out(reg) status, options(nomem, nostack));
            status &= !(FLUSH_TO_ZERO | DEFAULT_NAN);
            core::arch::asm!("vmsr fpscr, {}", in(reg) status, options(nomem, nostack));
            (*cortex_m::peripheral::FPU::PTR)
                .fpdscr
                .modify(|status| status & !(FLUSH_TO_ZERO | DEFAULT_NAN));
        }
        // 2^-100 * 2^-40 is subnormal: bit 9 of the fraction.
        let product = black_box(f32::from_bits((127 - 100) << 23))
            * black_box(f32::from_bits((127 - 40) << 23));
        product.to_bits() == 1 << 9
    }
    #[cfg(not(target_abi = "eabihf"))]
    black_box(true)
}

/// The part of [`board!`](crate::board!) that is a Cortex-M's: its entry, which calls `$run`, its vector table, which ends
/// with the last interrupt that is used, and the handler of faults.
#[macro_export]
macro_rules! vectors {
    ($run:ident, { $($interrupt:path => $handler:path),+ }) => {
        #[$crate::arm::cortex_m_rt::entry]
        fn main() -> ! {
            $run()
        }

        const LAST_INTERRUPT: usize = {
            let mut last = 0;
            $(
                if $interrupt as usize > last {
                    last = $interrupt as usize;
                }
            )+
            last
        };

        unsafe extern "C" {
            /// cortex-m-rt's handler of what nobody handles.
            fn DefaultHandler();
        }

        /// The vectors up to the last one that is used: those behind it stay out of flash.
        #[unsafe(link_section = ".vector_table.interrupts")]
        #[unsafe(no_mangle)]
        static __INTERRUPTS: [unsafe extern "C" fn(); LAST_INTERRUPT + 1] = {
            let mut handlers = [DefaultHandler as unsafe extern "C" fn(); LAST_INTERRUPT + 1];
            $(handlers[$interrupt as usize] = $handler;)+
            handlers
        };

        #[$crate::arm::cortex_m_rt::exception]
        unsafe fn HardFault(frame: &$crate::arm::cortex_m_rt::ExceptionFrame) -> ! {
            $crate::machine::reset($crate::reset::Cause::Fault {
                address: frame.pc(),
            })
        }
    };
}
