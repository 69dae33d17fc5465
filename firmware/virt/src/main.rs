//! QEMU's machine `virt` (RV32): its UART, a 16550, its timer, its interrupt controller, and RAM that is written as flash is.
#![no_std]
#![no_main]

use firmware::board::Board;
use firmware::flash::Controller;
use firmware::machine;
use riscv::register::time;

/// The UART's registers: a byte, what interrupts, and the line's state.
const DATA: *mut u8 = 0x1000_0000 as *mut u8;
const INTERRUPTS: *mut u8 = 0x1000_0001 as *mut u8;
const STATE: *mut u8 = 0x1000_0005 as *mut u8;
/// What of the line's state says that a byte is there, and that one may be sent.
const RECEIVED: u8 = 1;
const SENDS: u8 = 0x20;

/// The interrupt controller's registers: the UART's priority, what is switched on for this processor, and what is up.
const PRIORITY: *mut u32 = 0x0c00_0028 as *mut u32;
const ENABLED: *mut u32 = 0x0c00_2000 as *mut u32;
const CLAIM: *mut u32 = 0x0c20_0004 as *mut u32;
/// The UART among its sources.
const SOURCE: u32 = 10;
/// The controller's interrupt of the processor, by its number in `mcause` and in `mie`.
const EXTERNAL: usize = 11;

/// What resets the machine, and the word that does.
const FINISHER: *mut u32 = 0x0010_0000 as *mut u32;
const RESET: u32 = 0x7777;

/// Ticks of the timer a millisecond.
const TICKS: u64 = 10_000;

firmware::board! {
    start: start,
    flash: Flash,
    interrupts: { EXTERNAL => receive },
}

/// Starts the machine.
fn start() -> (Virt, Flash) {
    // SAFETY: registers that the machine has; the handler below shares only `RECEIVE` with main.
    unsafe {
        PRIORITY.write_volatile(1);
        ENABLED.write_volatile(1 << SOURCE);
        riscv::register::mie::set_mext();
        // Last: the controller doesn't look again at what is up when it is switched on.
        INTERRUPTS.write_volatile(1);
        riscv::interrupt::enable();
    }
    (Virt, Flash)
}

struct Virt;

impl Board for Virt {
    fn now_ms(&self) -> u32 {
        (time::read64() / TICKS) as u32
    }

    fn send(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            // SAFETY: registers of the UART, whose transmit side is main's.
            unsafe {
                if !(0..1_000_000).any(|_| STATE.read_volatile() & SENDS != 0) {
                    return;
                }
                DATA.write_volatile(byte);
            }
        }
    }

    fn sleep_unless(&mut self, work: impl FnOnce() -> bool) {
        machine::sleep_unless(work);
    }
}

/// The handler of the interrupt controller, and so of the UART.
unsafe extern "C" fn receive() {
    // SAFETY: only this handler touches the controller once it is started, and the receive side of the UART.
    unsafe {
        let source = CLAIM.read_volatile();
        while STATE.read_volatile() & RECEIVED != 0 {
            RECEIVE.push(DATA.read_volatile());
        }
        CLAIM.write_volatile(source);
    }
}

/// RAM that is erased and programmed as flash is: to ones by the page, and bits to zeros by the word.
struct Flash;

impl Controller<4> for Flash {
    const PAGE: usize = FACTS.page;

    fn erase(&mut self, address: u32) -> bool {
        let page = core::ptr::with_exposed_provenance_mut::<u32>(address as usize);
        for at in 0..Self::PAGE / 4 {
            // SAFETY: a page of the profile region, which nothing else writes or borrows.
            unsafe { page.add(at).write_volatile(u32::MAX) };
        }
        true
    }

    fn program(&mut self, address: u32, word: [u8; 4]) -> bool {
        let place = core::ptr::with_exposed_provenance_mut::<u32>(address as usize);
        // SAFETY: a word of the profile region, which nothing else writes or borrows.
        unsafe { place.write_volatile(place.read_volatile() & u32::from_le_bytes(word)) };
        true
    }
}

/// Resets the machine; its RAM stays as it is.
#[unsafe(no_mangle)]
fn pocketrec_reset_chip() -> ! {
    // SAFETY: a register that the machine has.
    unsafe { FINISHER.write_volatile(RESET) };
    loop {
        core::hint::spin_loop();
    }
}
