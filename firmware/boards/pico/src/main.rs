//! Raspberry Pi Pico (RP2040); the chip's own parts are `firmware::rp`.
//!
//! The same file runs on a board and in `emulator.mjs`. This Cortex-M0+ has no floating-point unit; its second core
//! sleeps.
#![no_std]
#![no_main]

use firmware::rp::{self, Rp, pac};
use firmware::usb::Descriptors;

/// The flash chip beside it.
type Flash = rp::flash::Flash<{ FACTS.page }>;

/// What a host is told of the line over USB.
static USB_DESCRIPTORS: Descriptors = Descriptors::new(USB, "github.com/pocketrec", TITLE);

/// What the chip's boot loader runs first: it has the flash chip read by four lines at once.
#[unsafe(link_section = ".boot2")]
#[used]
static BOOT2: [u8; 256] = rp2040_boot2::BOOT_LOADER_W25Q080;

firmware::board! {
    start: start,
    flash: Flash,
    interrupts: {
        pac::Interrupt::USBCTRL_IRQ => usb,
        pac::Interrupt::UART0_IRQ => uart,
    },
}

/// Starts the chip.
fn start() -> (Rp, Flash) {
    // SAFETY: called once; the chip is an RP2040; the handlers are those below.
    unsafe { rp::start(FACTS.clock_hz, &USB_DESCRIPTORS) }
}

/// The handler of the USB controller.
unsafe extern "C" fn usb() {
    rp::handle_usb(&RECEIVE);
}

/// The handler of UART0.
unsafe extern "C" fn uart() {
    // SAFETY: only this handler reads the receive side; main writes the transmit side.
    unsafe { rp::handle_uart(&RECEIVE) };
}
