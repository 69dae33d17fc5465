//! What boards with Raspberry Pi's chips share: two serial lines, UART0 on GPIO0 and GPIO1 and one over USB, the timer, and
//! the flash chip beside them. RP2040 and RP2350 have the same registers for these, which their PACs name otherwise.
//!
//! Answers go to the line on which the last byte came.
#![allow(
    unsafe_code,
    reason = "registers that take any bits, and memory of the USB controller that has no type"
)]

#[cfg_attr(feature = "rp2040", path = "rp2040.rs")]
#[cfg_attr(feature = "rp2350", path = "rp2350.rs")]
mod chip;
mod clocks;
pub mod flash;
mod usb;

use core::cell::Cell;
use core::sync::atomic::{AtomicBool, Ordering};
use cortex_m::peripheral::NVIC;

pub use chip::pac;
use chip::{TIMER, UsbRegisters, timer, usb_registers};
use flash::Flash;
pub use usb::handle as handle_usb;

use crate::arm;
use crate::board::Board;
use crate::receive::Receive;
use crate::usb::Descriptors;

/// Bits a second on the UART.
const BAUD: u32 = 115_200;
/// Turns of a waiting loop: some milliseconds at the full clock; a byte of the UART takes 87 us, and a host that listens
/// fetches a packet each millisecond.
const PATIENCE: u32 = 200_000;

/// Whether the last byte came over USB.
static OVER_USB: AtomicBool = AtomicBool::new(false);

/// The pins of UART0.
const SEND_PIN: usize = 0;
const RECEIVE_PIN: usize = 1;

/// The lines and the timer.
pub struct Rp {
    uart: &'static pac::uart0::RegisterBlock,
    timer: &'static timer::RegisterBlock,
    /// The timer when it was last read, less what is not yet a whole millisecond.
    microseconds: Cell<u32>,
    milliseconds: Cell<u32>,
}

/// Starts the chip, with a clock of `core_hz`, an even part of 750 MHz, and both lines, whose interrupts are switched on: the
/// UART at 115,200 bits a second, 8N1, and the one over USB, as the descriptors say, where its clock of 48 MHz runs.
///
/// # Safety
///
/// Called once, on such a chip, an RP2350 in the secure state that its boot loader leaves it in; the handler of the UART's
/// interrupt is [`handle_uart`], that of USB's [`handle_usb`], at the priority of the reset, and nothing else uses what they
/// and this drive.
pub unsafe fn start<const PAGE: usize>(
    core_hz: u32,
    descriptors: &'static Descriptors,
) -> (Rp, Flash<PAGE>) {
    // SAFETY: called once, as the caller promises.
    let chip = unsafe { pac::Peripherals::steal() };
    flash::set_up_watchdog(&chip);
    let (uart_hz, usb) = clocks::start(&chip, core_hz);
    chip::connect(&chip, SEND_PIN, false);
    chip::connect(&chip, RECEIVE_PIN, true);
    // SAFETY: it lies there, and as the caller promises only its handler touches it beside main.
    let (uart, timer) = unsafe { (&*pac::UART0::PTR, &*TIMER::PTR) };
    start_uart(uart, uart_hz);
    // SAFETY: the handlers share only atomics with main, as the caller promises.
    unsafe { NVIC::unmask(pac::Interrupt::UART0_IRQ) };
    if usb {
        usb::start(descriptors);
        // SAFETY: as above.
        unsafe { NVIC::unmask(pac::Interrupt::USBCTRL_IRQ) };
    }
    let rp = Rp {
        uart,
        timer,
        microseconds: Cell::new(0),
        milliseconds: Cell::new(0),
    };
    // SAFETY: such a chip, as the caller promises.
    (rp, unsafe { Flash::new() })
}

impl Rp {
    /// Whether the next answer goes over USB.
    fn over_usb(&self) -> bool {
        OVER_USB.load(Ordering::Relaxed)
    }
}

impl Board for Rp {
    /// About what the ring oscillators have that run from reset, where the crystal doesn't start.
    const FALLBACK_HZ: Option<u32> = Some(chip::RING_HZ);

    /// Right as long as it is called once in 71 minutes, when the timer's lower 32 bits wrap.
    fn now_ms(&self) -> u32 {
        let before = self.microseconds.get();
        let passed = self.timer.timerawl().read().bits().wrapping_sub(before) / 1000;
        self.microseconds.set(before.wrapping_add(passed * 1000));
        self.milliseconds
            .set(self.milliseconds.get().wrapping_add(passed));
        self.milliseconds.get()
    }

    fn send(&mut self, bytes: &[u8]) {
        if self.over_usb() {
            return usb::send(bytes);
        }
        for &byte in bytes {
            if !wait(|| self.uart.uartfr().read().txff().bit_is_clear()) {
                return;
            }
            // SAFETY: every byte may be sent.
            self.uart
                .uartdr()
                .write(|register| unsafe { register.data().bits(byte) });
        }
    }

    fn sleep_unless(&mut self, work: impl FnOnce() -> bool) {
        // What the ring had no room for waits in the controller: there is room now.
        if usb::holds() {
            NVIC::pend(pac::Interrupt::USBCTRL_IRQ);
        }
        arm::sleep_unless(work);
    }
}

/// Waits until the condition holds; `false` when patience ran out.
fn wait(mut condition: impl FnMut() -> bool) -> bool {
    (0..PATIENCE).any(|_| condition())
}

/// 8 bits, no parity, one stop bit.
fn start_uart(uart: &pac::uart0::RegisterBlock, clock_hz: u32) {
    // With 16 samples a bit, in 64ths.
    let divider = (clock_hz * 4 + BAUD / 2) / BAUD;
    // SAFETY: 67 and 52 64ths at 125 MHz; 8 bits are 3.
    unsafe {
        uart.uartibrd()
            .write(|register| register.baud_divint().bits((divider >> 6) as u16));
        uart.uartfbrd()
            .write(|register| register.baud_divfrac().bits((divider & 63) as u8));
        uart.uartlcr_h()
            .write(|register| register.wlen().bits(3).fen().set_bit());
    }
    // From four bytes on, or when the line rests with fewer.
    // SAFETY: an eighth of the 32 that it holds.
    uart.uartifls()
        .write(|register| unsafe { register.rxiflsel().bits(0) });
    uart.uartimsc()
        .write(|register| register.rxim().set_bit().rtim().set_bit());
    uart.uartcr()
        .write(|register| register.uarten().set_bit().txe().set_bit().rxe().set_bit());
}

/// What the handler of UART0's interrupt does: bytes go into the ring.
///
/// # Safety
///
/// Nothing else reads the receive side of UART0; main writes the transmit side.
pub unsafe fn handle_uart(ring: &Receive) {
    // SAFETY: it lies there, and its other side is main's, as the caller promises.
    let uart = unsafe { &*pac::UART0::PTR };
    while uart.uartfr().read().rxfe().bit_is_clear() {
        let data = uart.uartdr().read();
        if data.oe().bit_is_set() {
            ring.lose();
        }
        ring.push(data.data().bits());
        OVER_USB.store(false, Ordering::Relaxed);
    }
    uart.uarticr()
        .write(|register| register.rtic().clear_bit_by_one());
}
