//! What Cortex-M boards share: the frame of their firmware, copying memory, floating point as a PC has it, sleep.
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

/// The frame of a Cortex-M board's firmware: the constants of its data file as `FACTS`, the ring `RECEIVE` for what its
/// UART takes in, its entry, its vector table, and handlers of faults and panics that note the cause and reset.
///
/// ```ignore
/// firmware::board! {
///     // Starts clocks, timer and UART: `fn() -> (impl Board, Flash)`.
///     start: start,
///     // What erases and programs its flash.
///     flash: Flash,
///     // The interrupts that are switched on; the vector table ends with the last of them.
///     interrupts: { pac::Interrupt::UART0 => receive },
/// }
/// ```
///
/// A profile region that is too small for the board's owners and ratings doesn't compile.
#[macro_export]
macro_rules! board {
    (
        start: $start:path,
        flash: $flash:ty,
        interrupts: { $($interrupt:path => $handler:path),+ $(,)? } $(,)?
    ) => {
        include!(concat!(env!("OUT_DIR"), "/board.rs"));

        /// Bytes that the UART took in.
        static RECEIVE: $crate::receive::Receive = $crate::receive::Receive::new();

        const _: () = {
            let page = <$flash as $crate::flash::Controller<{ FACTS.word }>>::PAGE;
            assert!(page == FACTS.page);
            let sizes = (FACTS.page as u32, FACTS.word as u32);
            $crate::room::require(FACTS.profile.1, sizes, FACTS.owners, FACTS.ratings);
        };

        #[$crate::arm::cortex_m_rt::entry]
        fn main() -> ! {
            static mut PLACE: core::mem::MaybeUninit<
                $crate::Service<
                    { FACTS.owners },
                    { FACTS.ratings },
                    $crate::FlashLog<$crate::flash::Region<$flash, { FACTS.word }>>,
                >,
            > = core::mem::MaybeUninit::uninit();

            let boot = $crate::arm::RESET.boot();
            let strict = $crate::arm::strict_floats();
            let (board, flash) = $start();
            // SAFETY: the data file puts these regions into flash that exists, apart from each other and from the
            // firmware; only this log writes the profile's, and nothing the image's.
            let (store, image) = unsafe {
                (
                    $crate::regions::profile_log(flash, &FACTS),
                    $crate::regions::image(&FACTS),
                )
            };
            let found = $crate::app::Found {
                facts: &FACTS,
                image,
                boot,
                strict,
            };
            $crate::app::run(PLACE, board, store, &RECEIVE, found)
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
            $crate::arm::reset($crate::reset::Cause::Fault {
                address: frame.pc(),
            })
        }

        #[panic_handler]
        fn panic(information: &core::panic::PanicInfo) -> ! {
            $crate::arm::reset($crate::reset::Cause::Panic {
                line: information.location().map_or(0, |location| location.line()),
            })
        }
    };
}
