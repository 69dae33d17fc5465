//! nRF52840-DK: UART0 to the USB interface chip; the chip's own parts are `firmware::nrf`.
#![no_std]
#![no_main]

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
fn start() -> (Nrf, Flash) {
    // SAFETY: called once, and the handler below is that of UART0.
    unsafe { nrf::start(SEND_PIN, RECEIVE_PIN) }
}

/// The handler of the UART.
unsafe extern "C" fn receive() {
    nrf::receive(&RECEIVE);
}
