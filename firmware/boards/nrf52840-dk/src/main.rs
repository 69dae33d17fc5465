//! nRF52840-DK: UART0 to the USB interface chip; the chip's own parts are `firmware::nrf`.
#![no_std]
#![no_main]

use firmware::arm;
use firmware::board::{Board, Facts};
use firmware::nrf::{self, Nrf, pac};

/// The pins that lead to the USB interface chip, which shows them as a serial port.
const SEND_PIN: u32 = 6;
const RECEIVE_PIN: u32 = 8;

/// The flash controller, with this chip's pages.
type Flash = nrf::Flash<{ FACTS.page }>;

firmware::board! {
    start: start,
    flash: Flash,
    interrupts: { pac::Interrupt::UART0 => receive },
}

/// Starts the chip.
fn start() -> (Nrf52840Dk, Flash) {
    // SAFETY: called once, and the handler below is that of UART0.
    let (nrf, flash) = unsafe { nrf::start(SEND_PIN, RECEIVE_PIN) };
    (Nrf52840Dk(nrf), flash)
}

struct Nrf52840Dk(Nrf);

impl Board for Nrf52840Dk {
    const FACTS: Facts = FACTS;

    fn now_ms(&self) -> u32 {
        self.0.now_ms()
    }

    fn send(&mut self, bytes: &[u8]) {
        self.0.send(bytes);
    }

    fn sleep_unless(&mut self, work: impl FnOnce() -> bool) {
        arm::sleep_unless(work);
    }
}

/// The handler of the UART.
unsafe extern "C" fn receive() {
    nrf::receive(&RECEIVE);
}
