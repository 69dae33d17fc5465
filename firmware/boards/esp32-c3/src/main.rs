//! Boards with an ESP32-C3; the chip's own parts are `firmware::esp32c3`.
#![no_std]
#![no_main]

use firmware::esp32c3::{self, Esp32c3};

/// The flash chip beside it.
type Flash = esp32c3::flash::Flash<{ FACTS.page }>;

/// By what the chip's ROM knows a firmware that it boots as it lies in flash.
#[unsafe(link_section = ".boot_header")]
#[used]
static BOOT_HEADER: [u32; 2] = [0xaedb_041d; 2];

firmware::board! {
    start: start,
    flash: Flash,
    interrupts: {
        esp32c3::UART => uart,
        esp32c3::USB => usb,
    },
}

/// Starts the chip.
fn start() -> (Esp32c3, Flash) {
    // SAFETY: called once, on such a chip, as its ROM leaves it; the handlers are those below.
    unsafe { esp32c3::start(&RECEIVE) }
}

/// The handler of UART0.
unsafe extern "C" fn uart() {
    // SAFETY: only this handler reads the receive side; main writes the transmit side.
    unsafe { esp32c3::handle_uart(&RECEIVE) };
}

/// The handler of the line over USB.
unsafe extern "C" fn usb() {
    // SAFETY: beside this handler only main reads the receive side, with interrupts held off.
    unsafe { esp32c3::handle_usb(&RECEIVE) };
}
