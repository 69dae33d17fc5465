//! What boards with Nordic's chips share: the clock, UART0, TIMER0 and the flash controller, which have the same registers
//! from nRF51 to nRF52 (the PACs of nRF51, nRF52833 and nRF52840 agree); so those of the first serve all.
//!
//! UART0 is the one without DMA, which takes a byte at a time.
#![allow(
    unsafe_code,
    reason = "registers that take any bits, and flash written through a pointer"
)]

use core::cell::Cell;

pub use nrf51_pac as pac;

use crate::arm;
use crate::board::Board;
use crate::flash::Controller;
use crate::receive::Receive;

/// Turns of a waiting loop: some 8 ms at 64 MHz, four times as long at 16; a byte takes 87 us, the crystal's start below
/// 1 ms, and the CPU stands still while flash is erased.
const PATIENCE: u32 = 80_000;
/// Where the registers of a port lie behind those of the one before it.
const PORTS: usize = 0x300;

/// UART0 and the timer.
pub struct Nrf {
    uart: pac::UART0,
    timer: pac::TIMER0,
    /// The timer when it was last read, less what is not yet a whole millisecond.
    microseconds: Cell<u32>,
    milliseconds: Cell<u32>,
}

/// Starts the crystal, the timer, and UART0 at 115,200 bits a second, 8N1, on two pins: port times 32 plus number. Its
/// interrupt is switched on.
///
/// # Safety
///
/// Called once, on a chip of this family, whose handler of UART0 is [`receive`] and touches nothing else of it.
pub unsafe fn start<const PAGE: usize>(send_pin: u32, receive_pin: u32) -> (Nrf, Flash<PAGE>) {
    // SAFETY: called once, as the caller promises.
    let chip = unsafe { pac::Peripherals::steal() };
    // The crystal is more exact than the oscillator that runs from reset; without it the board works on.
    chip.CLOCK
        .tasks_hfclkstart
        // SAFETY: 1 triggers the task; it is the register's one bit.
        .write(|register| unsafe { register.bits(1) });
    wait(|| chip.CLOCK.events_hfclkstarted.read().bits() != 0);
    start_timer(&chip.TIMER0);
    start_uart(&chip.UART0, send_pin, receive_pin);
    // SAFETY: the handler shares only the ring with main, as the caller promises.
    unsafe { cortex_m::peripheral::NVIC::unmask(pac::Interrupt::UART0) };
    let nrf = Nrf {
        uart: chip.UART0,
        timer: chip.TIMER0,
        microseconds: Cell::new(0),
        milliseconds: Cell::new(0),
    };
    (nrf, Flash(chip.NVMC))
}

impl Board for Nrf {
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
    // SAFETY: 16 MHz, on each of these chips, over 2 to the 4th; 9 is the largest power allowed.
    timer
        .prescaler
        .write(|register| unsafe { register.prescaler().bits(4) });
    // SAFETY: 1 starts the task, whose register holds nothing else.
    timer
        .tasks_start
        .write(|register| unsafe { register.bits(1) });
}

/// A pin's port, and its number there.
fn port_of(pin: u32) -> (&'static pac::gpio::RegisterBlock, u32) {
    let first = pac::GPIO::ptr().expose_provenance();
    let port = first.wrapping_add(PORTS.wrapping_mul(pin as usize / 32));
    // SAFETY: ports lie so; a board names pins that it has.
    let port = unsafe { &*core::ptr::with_exposed_provenance(port) };
    (port, pin % 32)
}

fn start_uart(uart: &pac::UART0, send_pin: u32, receive_pin: u32) {
    let (port, number) = port_of(send_pin);
    // A transmit pin idles high from the moment it is an output.
    // SAFETY: a mask of one pin.
    port.outset
        .write(|register| unsafe { register.bits(1 << number) });
    port.pin_cnf[number as usize].write(|register| register.dir().output());
    let (port, number) = port_of(receive_pin);
    port.pin_cnf[number as usize].write(|register| register.input().connect());
    // SAFETY: pins of this chip, and 1 to start a task or to choose an event.
    unsafe {
        uart.pseltxd.write(|register| register.bits(send_pin));
        uart.pselrxd.write(|register| register.bits(receive_pin));
        uart.baudrate
            .write(|register| register.baudrate().baud115200());
        uart.enable.write(|register| register.enable().enabled());
        uart.intenset
            .write(|register| register.rxdrdy().set().error().set());
        uart.tasks_starttx.write(|register| register.bits(1));
        uart.tasks_startrx.write(|register| register.bits(1));
    }
}

/// What the handler of UART0 does: bytes go into the ring.
pub fn receive(ring: &Receive) {
    // SAFETY: only this reads the receive side; main writes the transmit side.
    let uart = unsafe { &*pac::UART0::ptr() };
    if uart.events_error.read().bits() != 0 {
        uart.events_error.reset();
        let source = uart.errorsrc.read();
        if source.overrun().is_present() {
            ring.lose();
        }
        // SAFETY: a one clears the error that it stands for.
        uart.errorsrc
            .write(|register| unsafe { register.bits(source.bits()) });
    }
    // The UART holds six bytes; reading one raises the event again when another waits.
    while uart.events_rxdrdy.read().bits() != 0 {
        uart.events_rxdrdy.reset();
        ring.push(uart.rxd.read().rxd().bits());
    }
}

/// The flash controller, of pages of so many bytes. The CPU stands still while it works: a word takes some 46 us, erasing a
/// page 21 ms on nRF51 and 85 ms on nRF52.
pub struct Flash<const PAGE: usize>(pac::NVMC);

impl<const PAGE: usize> Flash<PAGE> {
    fn ready(&self) -> bool {
        wait(|| self.0.ready.read().ready().is_ready())
    }
}

impl<const PAGE: usize> Controller<4> for Flash<PAGE> {
    const PAGE: usize = PAGE;

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

    fn program(&mut self, address: u32, word: [u8; 4]) -> bool {
        let word = u32::from_le_bytes(word);
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
