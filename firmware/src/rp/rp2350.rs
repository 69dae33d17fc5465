//! What the RP2350 has of its own.

pub use rp235x_pac as pac;

pub(super) use pac::{TIMER0 as TIMER, USB as UsbRegisters, timer0 as timer, usb as usb_registers};

/// About what the ring oscillator has that runs from reset.
pub(super) const RING_HZ: u32 = 11_000_000;
/// The parts of the chip that a watchdog can reset.
pub(super) const PARTS: u32 = 0x01ff_ffff;
/// What the watchdog counts in a microsecond.
pub(super) const COUNTS: u32 = 1;

/// The timer's field of a register of resets.
macro_rules! timer_of {
    ($register:expr) => {
        $register.timer0()
    };
}
pub(super) use timer_of;

/// A microsecond for timer and watchdog.
pub(super) fn start_ticks(chip: &pac::Peripherals, crystal: bool) {
    // The reference clock is the crystal's, or about that of the ring oscillator.
    let cycles = if crystal { 12 } else { 11 };
    for ticks in [chip.TICKS.ticktimer0(), chip.TICKS.tickwatchdog()] {
        // SAFETY: cycles of the reference clock in a microsecond.
        ticks
            .cycles()
            .write(|register| unsafe { register.bits(cycles) });
        ticks.ctrl().write(|register| register.enable().set_bit());
    }
}

/// Has the pin be UART0's: from reset on it is parted from the chip. One that receives is pulled up: a line that nobody
/// drives reads as idle.
pub(super) fn connect(chip: &pac::Peripherals, pin: usize, receives: bool) {
    chip.PADS_BANK0.gpio(pin).modify(|_, register| {
        register.pue().bit(receives).pde().clear_bit();
        register.ie().set_bit().od().clear_bit()
    });
    chip.IO_BANK0
        .gpio(pin)
        .gpio_ctrl()
        .write(|register| register.funcsel().uart());
    chip.PADS_BANK0
        .gpio(pin)
        .modify(|_, register| register.iso().clear_bit());
}
