//! Clocks: the core's from the crystal through its PLL, USB's through another, a microsecond for the timer; the ring
//! oscillator that runs from reset where they don't start.

use super::chip::{self, RING_HZ};
use super::{pac, wait};

/// The crystal of Raspberry Pi's boards.
const CRYSTAL_HZ: u32 = 12_000_000;
/// What the PLL of the core multiplies it by: an oscillator of 1,500 MHz.
const TIMES: u16 = 125;

/// Gives the core a clock of `core_hz`, an even part of 750 MHz, and the parts that are used theirs; returns the UART's clock,
/// which is the core's, and whether USB has one. On the crystal or the ring oscillator where the PLL or the crystal doesn't
/// start.
pub(super) fn start(chip: &pac::Peripherals, core_hz: u32) -> (u32, bool) {
    let clocks = &chip.CLOCKS;
    // A reset of the core alone leaves the clocks as they are: away from the PLL first, to the ring oscillator.
    clocks
        .clk_sys_ctrl()
        .modify(|_, register| register.src().clk_ref());
    wait(|| clocks.clk_sys_selected().read().bits() & 1 != 0);
    clocks
        .clk_ref_ctrl()
        .modify(|_, register| register.src().rosc_clksrc_ph());
    wait(|| clocks.clk_ref_selected().read().bits() & 1 != 0);

    // What this firmware uses starts anew.
    chip.RESETS.reset().modify(|_, register| {
        register.pll_sys().set_bit().pll_usb().set_bit();
        register.uart0().set_bit().usbctrl().set_bit();
        chip::timer_of!(register).set_bit()
    });
    chip.RESETS.reset().modify(|_, register| {
        register.pll_sys().clear_bit().pll_usb().clear_bit();
        register.uart0().clear_bit().usbctrl().clear_bit();
        register.io_bank0().clear_bit().pads_bank0().clear_bit();
        chip::timer_of!(register).clear_bit()
    });
    wait(|| {
        let done = chip.RESETS.reset_done().read();
        done.pll_sys().bit()
            && done.pll_usb().bit()
            && done.uart0().bit()
            && done.usbctrl().bit()
            && done.io_bank0().bit()
            && done.pads_bank0().bit()
            && chip::timer_of!(done).bit()
    });

    let crystal = start_crystal(chip);
    let core_hz = match crystal {
        true if start_core_pll(chip, core_hz) => core_hz,
        true => CRYSTAL_HZ,
        false => RING_HZ,
    };
    clocks
        .clk_peri_ctrl()
        .write(|register| register.auxsrc().clk_sys().enable().set_bit());
    chip::start_ticks(chip, crystal);
    (core_hz, crystal && start_usb_pll(chip))
}

/// The crystal as reference clock, and so as the core's for now; whether it started.
fn start_crystal(chip: &pac::Peripherals) -> bool {
    // A millisecond, in units of 256 of its cycles.
    const DELAY: u16 = (CRYSTAL_HZ / 1000).div_ceil(256) as u16;
    // SAFETY: 47 units.
    chip.XOSC
        .startup()
        .write(|register| unsafe { register.delay().bits(DELAY) });
    chip.XOSC
        .ctrl()
        .write(|register| register.freq_range()._1_15mhz().enable().enable());
    if !wait(|| chip.XOSC.status().read().stable().bit()) {
        return false;
    }
    let clocks = &chip.CLOCKS;
    clocks
        .clk_ref_ctrl()
        .modify(|_, register| register.src().xosc_clksrc());
    wait(|| clocks.clk_ref_selected().read().bits() & 1 << 2 != 0)
}

/// 12 MHz * 125 through two numbers as the core's clock; whether it is.
fn start_core_pll(chip: &pac::Peripherals, core_hz: u32) -> bool {
    let through = (CRYSTAL_HZ * u32::from(TIMES) / 2 / core_hz) as u8;
    if !start_pll(&chip.PLL_SYS, TIMES, [through, 2]) {
        return false;
    }
    let clocks = &chip.CLOCKS;
    clocks
        .clk_sys_ctrl()
        .modify(|_, register| register.auxsrc().clksrc_pll_sys());
    clocks
        .clk_sys_ctrl()
        .modify(|_, register| register.src().clksrc_clk_sys_aux());
    wait(|| clocks.clk_sys_selected().read().bits() & 1 << 1 != 0)
}

/// 12 MHz * 100 / 5 / 5 = 48 MHz as the clock of USB; whether it is.
fn start_usb_pll(chip: &pac::Peripherals) -> bool {
    let started = start_pll(&chip.PLL_USB, 100, [5, 5]);
    if started {
        chip.CLOCKS
            .clk_usb_ctrl()
            .write(|register| register.auxsrc().clksrc_pll_usb().enable().set_bit());
    }
    started
}

/// A PLL from the crystal: times one number, through two others. Whether it locked.
fn start_pll(pll: &pac::pll_sys::RegisterBlock, times: u16, [first, second]: [u8; 2]) -> bool {
    // SAFETY: a reference of 12 MHz and an oscillator of 1,200 to 1,500 MHz are within the data sheets' ranges: RP2040's
    // section 2.18, RP2350's 8.6.
    unsafe {
        pll.cs().write(|register| register.refdiv().bits(1));
        pll.fbdiv_int()
            .write(|register| register.fbdiv_int().bits(times));
    }
    pll.pwr()
        .modify(|_, register| register.pd().clear_bit().vcopd().clear_bit());
    if !wait(|| pll.cs().read().lock().bit()) {
        return false;
    }
    // SAFETY: divisors of 1 to 7.
    pll.prim()
        .write(|register| unsafe { register.postdiv1().bits(first).postdiv2().bits(second) });
    pll.pwr()
        .modify(|_, register| register.postdivpd().clear_bit());
    true
}
