//! micro:bit v1 (nRF51822): its clock, UART0 to the USB interface chip, TIMER0 and its flash.
//!
//! The same file runs on a board and on the emulator's `microbit`. This Cortex-M0 has no SysTick and no
//! floating-point unit.
#![no_std]
#![no_main]

use core::cell::Cell;
use firmware::arm;
use firmware::board::{Board, Facts};
use firmware::flash::Controller;
use nrf51_pac as pac;

/// The pins that lead to the USB interface chip, which shows them as a serial port.
const SEND_PIN: u32 = 24;
const RECEIVE_PIN: u32 = 25;
/// Turns of a waiting loop: some 8 ms at 16 MHz; a byte takes 87 us, the crystal's start below 1 ms.
const PATIENCE: u32 = 20_000;

firmware::board! {
    start: start,
    flash: Flash,
    interrupts: { pac::Interrupt::UART0 => receive },
}

/// Starts the chip.
fn start() -> (Microbit, Flash) {
    // SAFETY: called once, and the handler below touches only what it says.
    let chip = unsafe { pac::Peripherals::steal() };

    // The crystal is more exact than the oscillator that runs from reset; without it the board works on.
    chip.CLOCK
        .tasks_hfclkstart
        // SAFETY: 1 triggers the task; it is the register's one bit.
        .write(|register| unsafe { register.bits(1) });
    wait(|| chip.CLOCK.events_hfclkstarted.read().bits() != 0);

    start_timer(&chip.TIMER0);
    start_uart(&chip);
    // SAFETY: the handler of UART0 shares only `RECEIVE` with main.
    unsafe { cortex_m::peripheral::NVIC::unmask(pac::Interrupt::UART0) };

    let board = Microbit {
        uart: chip.UART0,
        timer: chip.TIMER0,
        microseconds: Cell::new(0),
        milliseconds: Cell::new(0),
    };
    (board, Flash(chip.NVMC))
}

struct Microbit {
    uart: pac::UART0,
    timer: pac::TIMER0,
    /// The timer when it was last read, less what is not yet a whole millisecond.
    microseconds: Cell<u32>,
    milliseconds: Cell<u32>,
}

impl Board for Microbit {
    const FACTS: Facts = FACTS;

    /// Right as long as it is called once in 71 minutes, when the timer's 32 bits wrap.
    fn now_ms(&self) -> u32 {
        // SAFETY: 1 starts the task, whose register holds nothing else.
        self.timer.tasks_capture[0].write(|register| unsafe { register.bits(1) });
        let before = self.microseconds.get();
        let passed = self.timer.cc[0].read().bits().wrapping_sub(before) / 1000;
        self.microseconds.set(before.wrapping_add(passed * 1000));
        self.milliseconds
            .set(self.milliseconds.get().wrapping_add(passed));
        self.milliseconds.get()
    }

    fn send(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.uart.events_txdrdy.reset();
            // SAFETY: every byte may be sent.
            self.uart
                .txd
                .write(|register| unsafe { register.txd().bits(byte) });
            if !wait(|| self.uart.events_txdrdy.read().bits() != 0) {
                return;
            }
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

/// TIMER0 counts microseconds in 32 bits.
fn start_timer(timer: &pac::TIMER0) {
    timer.mode.write(|register| register.mode().timer());
    timer.bitmode.write(|register| register.bitmode()._32bit());
    // SAFETY: 16 MHz over 2 to the 4th; 9 is the largest power allowed.
    timer
        .prescaler
        .write(|register| unsafe { register.prescaler().bits(4) });
    // SAFETY: 1 starts the task, whose register holds nothing else.
    timer
        .tasks_start
        .write(|register| unsafe { register.bits(1) });
}

/// UART0 at 115,200 bits a second, 8 bits, no parity, no flow control.
fn start_uart(chip: &pac::Peripherals) {
    // A transmit pin idles high from the moment it is an output.
    // SAFETY: a mask of one pin.
    chip.GPIO
        .outset
        .write(|register| unsafe { register.bits(1 << SEND_PIN) });
    chip.GPIO.pin_cnf[SEND_PIN as usize].write(|register| register.dir().output());
    chip.GPIO.pin_cnf[RECEIVE_PIN as usize].write(|register| register.input().connect());
    let uart = &chip.UART0;
    // SAFETY: pins of this chip, and 1 to start a task or to choose an event.
    unsafe {
        uart.pseltxd.write(|register| register.bits(SEND_PIN));
        uart.pselrxd.write(|register| register.bits(RECEIVE_PIN));
        uart.baudrate
            .write(|register| register.baudrate().baud115200());
        uart.enable.write(|register| register.enable().enabled());
        uart.intenset
            .write(|register| register.rxdrdy().set().error().set());
        uart.tasks_starttx.write(|register| register.bits(1));
        uart.tasks_startrx.write(|register| register.bits(1));
    }
}

/// The flash controller. The CPU stands still while it works: a word takes 46 us, erasing a page 21 ms.
struct Flash(pac::NVMC);

impl Flash {
    fn ready(&self) -> bool {
        wait(|| self.0.ready.read().ready().is_ready())
    }
}

impl Controller for Flash {
    const PAGE: usize = FACTS.page;

    fn erase(&mut self, address: u32) -> bool {
        self.0.config.write(|register| register.wen().een());
        // SAFETY: a page of the profile region.
        self.0
            .erasepage()
            .write(|register| unsafe { register.bits(address) });
        let done = self.ready();
        self.0.config.write(|register| register.wen().ren());
        done
    }

    fn program(&mut self, address: u32, word: u32) -> bool {
        self.0.config.write(|register| register.wen().wen());
        // SAFETY: a word of the profile region, which nothing else writes or borrows.
        unsafe {
            core::ptr::with_exposed_provenance_mut::<u32>(address as usize).write_volatile(word)
        };
        let done = self.ready();
        self.0.config.write(|register| register.wen().ren());
        done
    }
}

/// The handler of the UART.
unsafe extern "C" fn receive() {
    // SAFETY: only this handler reads the receive side; main writes the transmit side.
    let uart = unsafe { &*pac::UART0::ptr() };
    if uart.events_error.read().bits() != 0 {
        uart.events_error.reset();
        let source = uart.errorsrc.read();
        if source.overrun().is_present() {
            RECEIVE.lose();
        }
        // SAFETY: a one clears the error that it stands for.
        uart.errorsrc
            .write(|register| unsafe { register.bits(source.bits()) });
    }
    // The UART holds six bytes; reading one raises the event again when another waits.
    while uart.events_rxdrdy.read().bits() != 0 {
        uart.events_rxdrdy.reset();
        RECEIVE.push(uart.rxd.read().rxd().bits());
    }
}
