//! Raspberry Pi Pico (RP2040): its clocks, UART0 on GPIO0 and GPIO1, its timer; `flash` is the chip beside it.
//!
//! The same file runs on a board and in `emulator.mjs`. This Cortex-M0+ has no floating-point unit; its second core
//! sleeps.
#![no_std]
#![no_main]

mod flash;

use core::cell::Cell;
use firmware::arm;
use firmware::board::Board;
use rp2040_pac as pac;

/// Bits a second on the UART.
const BAUD: u32 = 115_200;
/// The crystal.
const CRYSTAL_HZ: u32 = 12_000_000;
/// About what the ring oscillator has that runs from reset, on which the board also runs when the crystal doesn't start.
const RING_HZ: u32 = 6_500_000;
/// Turns of a waiting loop: some milliseconds at the full clock and much longer at the ring oscillator's; the crystal
/// takes about one, all else less.
const PATIENCE: u32 = 200_000;

/// What the chip's boot loader runs first: it has the flash chip read by four lines at once.
#[unsafe(link_section = ".boot2")]
#[used]
static BOOT2: [u8; 256] = rp2040_boot2::BOOT_LOADER_W25Q080;

firmware::board! {
    start: start,
    flash: flash::Flash,
    interrupts: { pac::Interrupt::UART0_IRQ => receive },
}

/// Starts the chip.
fn start() -> (Pico, flash::Flash) {
    // SAFETY: called once, and the handler below touches only what it says.
    let chip = unsafe { pac::Peripherals::steal() };
    // One that was armed for flash, when a reset cut that off.
    chip.WATCHDOG
        .ctrl()
        .modify(|_, register| register.enable().clear_bit());
    let uart_hz = start_clocks(&chip);
    start_uart(&chip, uart_hz);
    // SAFETY: the handler of UART0 shares only `RECEIVE` with main.
    unsafe { cortex_m::peripheral::NVIC::unmask(pac::Interrupt::UART0_IRQ) };
    let board = Pico {
        uart: chip.UART0,
        timer: chip.TIMER,
        microseconds: Cell::new(0),
        milliseconds: Cell::new(0),
    };
    (board, flash::Flash::new(chip.WATCHDOG))
}

struct Pico {
    uart: pac::UART0,
    timer: pac::TIMER,
    /// The timer when it was last read, less what is not yet a whole millisecond.
    microseconds: Cell<u32>,
    milliseconds: Cell<u32>,
}

impl Board for Pico {
    const FALLBACK_HZ: Option<u32> = Some(RING_HZ);

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
        arm::sleep_unless(work);
    }
}

/// Waits until the condition holds; `false` when patience ran out.
fn wait(mut condition: impl FnMut() -> bool) -> bool {
    (0..PATIENCE).any(|_| condition())
}

/// 125 MHz from the crystal through the PLL, and a microsecond for the timer; returns the UART's clock, which is the
/// core's. On the ring oscillator where the crystal or the PLL doesn't start.
fn start_clocks(chip: &pac::Peripherals) -> u32 {
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
            .uart0()
            .set_bit()
            .timer()
            .set_bit()
    });
    chip.RESETS.reset().modify(|_, register| {
        register
            .pll_sys()
            .clear_bit()
            .uart0()
            .clear_bit()
            .timer()
            .clear_bit()
            .io_bank0()
            .clear_bit()
            .pads_bank0()
            .clear_bit()
    });
    wait(|| {
        let done = chip.RESETS.reset_done().read();
        done.pll_sys().bit()
            && done.uart0().bit()
            && done.timer().bit()
            && done.io_bank0().bit()
            && done.pads_bank0().bit()
    });

    let core_hz = match start_crystal(chip) {
        true if start_pll(chip) => FACTS.clock_hz,
        true => CRYSTAL_HZ,
        false => RING_HZ,
    };
    clocks
        .clk_peri_ctrl()
        .write(|register| register.auxsrc().clk_sys().enable().set_bit());
    // The reference clock is the crystal's, or nearly half of it.
    let cycles = if core_hz == RING_HZ { 6 } else { 12 };
    // SAFETY: cycles of the reference clock in a microsecond.
    chip.WATCHDOG
        .tick()
        .write(|register| unsafe { register.cycles().bits(cycles).enable().set_bit() });
    core_hz
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

/// 12 MHz * 125 / 6 / 2 = 125 MHz as the core's clock; whether the PLL locked.
fn start_pll(chip: &pac::Peripherals) -> bool {
    let pll = &chip.PLL_SYS;
    // SAFETY: a reference of 12 MHz and an oscillator of 1,500 MHz are within the data sheet's ranges, section 2.18.
    unsafe {
        pll.cs().write(|register| register.refdiv().bits(1));
        pll.fbdiv_int()
            .write(|register| register.fbdiv_int().bits(125));
    }
    pll.pwr()
        .modify(|_, register| register.pd().clear_bit().vcopd().clear_bit());
    if !wait(|| pll.cs().read().lock().bit()) {
        return false;
    }
    // SAFETY: divisors of 1 to 7.
    pll.prim()
        .write(|register| unsafe { register.postdiv1().bits(6).postdiv2().bits(2) });
    pll.pwr()
        .modify(|_, register| register.postdivpd().clear_bit());
    let clocks = &chip.CLOCKS;
    clocks
        .clk_sys_ctrl()
        .modify(|_, register| register.auxsrc().clksrc_pll_sys());
    clocks
        .clk_sys_ctrl()
        .modify(|_, register| register.src().clksrc_clk_sys_aux());
    wait(|| clocks.clk_sys_selected().read().bits() & 1 << 1 != 0)
}

/// UART0 on GPIO0 (sends) and GPIO1 (receives), 8 bits, no parity, one stop bit.
fn start_uart(chip: &pac::Peripherals, clock_hz: u32) {
    let uart = &chip.UART0;
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
    for pin in 0..2 {
        chip.IO_BANK0
            .gpio(pin)
            .gpio_ctrl()
            .write(|register| register.funcsel().uart());
    }
}

/// The handler of UART0.
unsafe extern "C" fn receive() {
    // SAFETY: only this handler reads the receive side; main writes the transmit side.
    let uart = unsafe { &*pac::UART0::ptr() };
    while uart.uartfr().read().rxfe().bit_is_clear() {
        let data = uart.uartdr().read();
        if data.oe().bit_is_set() {
            RECEIVE.lose();
        }
        RECEIVE.push(data.data().bits());
    }
    uart.uarticr()
        .write(|register| register.rtic().clear_bit_by_one());
}
