//! Raspberry Pi Pico 2 (RP2350): its clocks and pins; lines, timer and flash are `firmware::rp`.
//!
//! Of its cores one Cortex-M33 runs this, in the secure state that the boot loader leaves it in.
#![no_std]
#![no_main]

use firmware::rp::flash::{Rom, Watchdog};
use firmware::rp::{self, Chip, Rp, pac};
use firmware::usb::Descriptors;

/// The crystal.
const CRYSTAL_HZ: u32 = 12_000_000;
/// About what the ring oscillator has that runs from reset, on which the board also runs when the crystal doesn't start.
const RING_HZ: u32 = 11_000_000;
/// Turns of a waiting loop: some milliseconds at the full clock and much longer at the ring oscillator's; the crystal
/// takes about one, all else less.
const PATIENCE: u32 = 200_000;

/// What the chip's boot loader wants to know of the firmware: a program for the Arm cores of this chip, secure, with nothing
/// behind it. The data sheet has the words in section 5.9.5.
#[unsafe(link_section = ".image_definition")]
#[used]
static IMAGE_DEFINITION: [u32; 5] = [0xffff_ded3, 0x1021_0142, 0x0000_01ff, 0, 0xab12_3579];

/// Where this chip has what `firmware::rp` drives.
const CHIP: Chip<pac::Interrupt> = Chip {
    uart: (pac::UART0::PTR, pac::Interrupt::UART0_IRQ),
    timer: pac::TIMER0::PTR,
    usb: pac::Interrupt::USBCTRL_IRQ,
};

const WATCHDOG: Watchdog = Watchdog {
    place: pac::WATCHDOG::PTR,
    patience: 2_000_000,
};

/// The flash chip beside it.
type Flash = rp::flash::Flash<{ FACTS.page }>;

/// What a host is told of the line over USB.
static USB_DESCRIPTORS: Descriptors = Descriptors::new(USB, "github.com/pocketrec", TITLE);

firmware::board! {
    start: start,
    flash: Flash,
    interrupts: {
        pac::Interrupt::USBCTRL_IRQ => usb,
        pac::Interrupt::UART0_IRQ => uart,
    },
}

/// Starts the chip.
fn start() -> (Rp<pac::Interrupt>, Flash) {
    // SAFETY: called once, and the handlers below touch only what they say.
    let chip = unsafe { pac::Peripherals::steal() };
    // One that was armed for flash, when a reset cut that off.
    chip.WATCHDOG
        .ctrl()
        .modify(|_, register| register.enable().clear_bit());
    // What its reset takes in: all but the oscillators.
    // SAFETY: every bit stands for a part of the chip.
    chip.PSM.wdsel().write(|register| unsafe {
        register
            .bits(0x01ff_ffff)
            .xosc()
            .clear_bit()
            .rosc()
            .clear_bit()
    });
    let (uart_hz, usb) = start_clocks(&chip);
    for pin in 0..2 {
        // The pin that receives is pulled up: a line that nobody drives reads as idle. From reset on each is parted from
        // the chip.
        chip.PADS_BANK0.gpio(pin).modify(|_, register| {
            register.pue().bit(pin == 1).pde().clear_bit();
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
    let usb = usb.then_some(&USB_DESCRIPTORS);
    // SAFETY: called once; what it drives is out of its resets; the handlers are below, at the priority of the reset.
    let lines = unsafe { rp::start(CHIP, uart_hz, usb) };
    // SAFETY: the chip is an RP2350 whose boot loader leaves it in the secure state, and nothing else uses flash or the
    // watchdog from now on.
    let flash = unsafe { Flash::new(Rom::find(), WATCHDOG) };
    (lines, flash)
}

/// Waits until the condition holds; `false` when patience ran out.
fn wait(mut condition: impl FnMut() -> bool) -> bool {
    (0..PATIENCE).any(|_| condition())
}

/// 150 MHz from the crystal through the PLL, and a microsecond for timer and watchdog; returns the UART's clock, which is
/// the core's, and whether USB has one. On the ring oscillator where the crystal or the PLL doesn't start.
fn start_clocks(chip: &pac::Peripherals) -> (u32, bool) {
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
        register
            .pll_sys()
            .set_bit()
            .pll_usb()
            .set_bit()
            .uart0()
            .set_bit()
            .timer0()
            .set_bit()
            .usbctrl()
            .set_bit()
    });
    chip.RESETS.reset().modify(|_, register| {
        register
            .pll_sys()
            .clear_bit()
            .pll_usb()
            .clear_bit()
            .uart0()
            .clear_bit()
            .timer0()
            .clear_bit()
            .usbctrl()
            .clear_bit()
            .io_bank0()
            .clear_bit()
            .pads_bank0()
            .clear_bit()
    });
    wait(|| {
        let done = chip.RESETS.reset_done().read();
        done.pll_sys().bit()
            && done.pll_usb().bit()
            && done.uart0().bit()
            && done.timer0().bit()
            && done.usbctrl().bit()
            && done.io_bank0().bit()
            && done.pads_bank0().bit()
    });

    let crystal = start_crystal(chip);
    let core_hz = match crystal {
        true if start_core_pll(chip) => FACTS.clock_hz,
        true => CRYSTAL_HZ,
        false => RING_HZ,
    };
    clocks
        .clk_peri_ctrl()
        .write(|register| register.auxsrc().clk_sys().enable().set_bit());
    // The reference clock is the crystal's, or about that of the ring oscillator.
    let cycles = if crystal { 12 } else { 11 };
    for ticks in [chip.TICKS.ticktimer0(), chip.TICKS.tickwatchdog()] {
        // SAFETY: cycles of the reference clock in a microsecond.
        ticks
            .cycles()
            .write(|register| unsafe { register.bits(cycles) });
        ticks.ctrl().write(|register| register.enable().set_bit());
    }
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

/// 12 MHz * 125 / 5 / 2 = 150 MHz as the core's clock; whether it is.
fn start_core_pll(chip: &pac::Peripherals) -> bool {
    if !start_pll(&chip.PLL_SYS, 125, [5, 2]) {
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
    // SAFETY: a reference of 12 MHz and an oscillator of 1,200 to 1,500 MHz are within the data sheet's ranges, section 8.6.
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

/// The handler of the USB controller.
unsafe extern "C" fn usb() {
    rp::handle_usb(&RECEIVE);
}

/// The handler of UART0.
unsafe extern "C" fn uart() {
    // SAFETY: only this handler reads the receive side; main writes the transmit side.
    unsafe { rp::handle_uart(CHIP.uart.0, &RECEIVE) };
}
