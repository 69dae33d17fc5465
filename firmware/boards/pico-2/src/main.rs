//! Raspberry Pi Pico 2 (RP2350); the chip's own parts are `firmware::rp`.
//!
//! Of its cores one Cortex-M33 runs this, in the secure state that the boot loader leaves it in.
#![no_std]
#![no_main]

use firmware::rp::{self, Rp, pac};
use firmware::usb::Descriptors;

/// The flash chip beside it.
type Flash = rp::flash::Flash<{ FACTS.page }>;

/// What a host is told of the line over USB.
static USB_DESCRIPTORS: Descriptors = Descriptors::new(USB, "github.com/pocketrec", TITLE);

/// What the chip's boot loader wants to know of the firmware: a program for the Arm cores of this chip, secure, with nothing
/// behind it. The data sheet has the words in section 5.9.5.
#[unsafe(link_section = ".image_definition")]
#[used]
static IMAGE_DEFINITION: [u32; 5] = [0xffff_ded3, 0x1021_0142, 0x0000_01ff, 0, 0xab12_3579];

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
    // SAFETY: called once; the chip is an RP2350, which its boot loader leaves in the secure state; the handlers are those below.
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
