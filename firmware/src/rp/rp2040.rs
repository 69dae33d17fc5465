//! What the RP2040 has of its own.

pub use rp2040_pac as pac;

pub(super) use pac::{TIMER, USBCTRL_REGS as UsbRegisters, timer, usbctrl_regs as usb_registers};

/// About what the ring oscillator has that runs from reset.
pub(super) const RING_HZ: u32 = 6_500_000;
/// The parts of the chip that a watchdog can reset.
pub(super) const PARTS: u32 = 0x0001_ffff;
/// What the watchdog counts in a microsecond: two, by the chip's erratum E1.
pub(super) const COUNTS: u32 = 2;

/// The timer's field of a register of resets.
macro_rules! timer_of {
    ($register:expr) => {
        $register.timer()
    };
}
pub(super) use timer_of;

/// A microsecond for timer and watchdog.
pub(super) fn start_ticks(chip: &pac::Peripherals, crystal: bool) {
    // The reference clock is the crystal's, or nearly half of it.
    let cycles = if crystal { 12 } else { 6 };
    // SAFETY: cycles of the reference clock in a microsecond.
    chip.WATCHDOG
        .tick()
        .write(|register| unsafe { register.cycles().bits(cycles).enable().set_bit() });
}

/// Has the pin be UART0's. One that receives is pulled up: a line that nobody drives reads as idle.
pub(super) fn connect(chip: &pac::Peripherals, pin: usize, receives: bool) {
    if receives {
        chip.PADS_BANK0
            .gpio(pin)
            .modify(|_, register| register.pue().set_bit().pde().clear_bit());
    }
    chip.IO_BANK0
        .gpio(pin)
        .gpio_ctrl()
        .write(|register| register.funcsel().uart());
}
