//! What boards with an ESP32-C3 share: two serial lines, UART0 on GPIO20 and GPIO21 and the chip's own over USB, the timer,
//! the watchdogs, and the flash chip beside it. Registers are as the ESP32-C3 Technical Reference Manual names them.
//!
//! Answers go to the line on which the last byte came.
#![allow(
    unsafe_code,
    reason = "registers that take any bits, and functions of the ROM, which are only numbers"
)]

mod clocks;
pub mod flash;
mod watchdog;

use core::cell::Cell;
use core::sync::atomic::{AtomicBool, Ordering};

pub use ::esp32c3 as pac;
use flash::Flash;

use crate::board::Board;
use crate::machine;
use crate::receive::Receive;

/// Interrupts of the processor that the lines are led to.
pub const UART: usize = 1;
/// As [`UART`].
pub const USB: usize = 2;

/// Bits a second on the UART.
const BAUD: u32 = 115_200;
/// The UART's clock: the crystal's, whatever the processor's is.
const CRYSTAL_HZ: u32 = 40_000_000;
/// Turns of a waiting loop: some milliseconds at the full clock; a byte of the UART takes 87 us, and a host that listens
/// fetches a packet each millisecond.
const PATIENCE: u32 = 200_000;
/// Bytes of a packet over USB. It takes 64, and behind a full one a host waits for more.
const PACKET: usize = 63;
/// Bytes that UART0 holds until it is read.
const UART_HOLDS: u16 = 128;

/// Whether the last byte came over USB.
static OVER_USB: AtomicBool = AtomicBool::new(false);

/// What only the chip's start touches.
struct Parts {
    system: pac::SYSTEM,
    /// Of sleep and reset, with watchdogs.
    clocks: pac::RTC_CNTL,
    analog: pac::I2C_ANA_MST,
    timers: pac::TIMG0,
    matrix: pac::INTERRUPT_CORE0,
}

/// The lines and the timer.
pub struct Esp32c3 {
    uart: &'static pac::uart0::RegisterBlock,
    usb: &'static pac::usb_device::RegisterBlock,
    timer: &'static pac::systimer::RegisterBlock,
    ring: &'static Receive,
    /// The timer when it was last read, less what is not yet a whole millisecond.
    ticks: Cell<u32>,
    milliseconds: Cell<u32>,
}

/// Starts the chip, its processor at 160 MHz, and both lines, whose interrupts are switched on: the UART at 115,200 bits a
/// second, 8N1.
///
/// # Safety
///
/// Called once, on such a chip, as its ROM leaves it; the handler of the interrupt [`UART`] is [`handle_uart`], that of
/// [`USB`] is [`handle_usb`], with the same ring, and nothing else uses what they and this drive.
pub unsafe fn start<const PAGE: usize>(ring: &'static Receive) -> (Esp32c3, Flash<PAGE>) {
    // SAFETY: called once, as the caller promises.
    let parts = unsafe {
        Parts {
            system: pac::SYSTEM::steal(),
            clocks: pac::RTC_CNTL::steal(),
            analog: pac::I2C_ANA_MST::steal(),
            timers: pac::TIMG0::steal(),
            matrix: pac::INTERRUPT_CORE0::steal(),
        }
    };
    watchdog::stop_all(&parts);
    clocks::start(&parts);
    // SAFETY: they lie there, and as the caller promises only their handlers touch them beside main.
    let (uart, usb, timer) = unsafe {
        (
            &*pac::UART0::PTR,
            &*pac::USB_DEVICE::PTR,
            &*pac::SYSTIMER::PTR,
        )
    };
    parts.system.perip_clk_en0().modify(|_, register| {
        register.uart_clk_en().set_bit().uart_mem_clk_en().set_bit();
        register.usb_device_clk_en().set_bit();
        register.systimer_clk_en().set_bit()
    });
    timer
        .conf()
        .modify(|_, register| register.timer_unit0_work_en().set_bit());
    start_uart(uart);
    usb.int_ena()
        .write(|register| register.serial_out_recv_pkt().set_bit());
    lead(&parts, pac::Interrupt::UART0, UART);
    lead(&parts, pac::Interrupt::USB_DEVICE, USB);
    let esp32c3 = Esp32c3 {
        uart,
        usb,
        timer,
        ring,
        ticks: Cell::new(0),
        milliseconds: Cell::new(0),
    };
    // SAFETY: the handlers share only atomics with main, as the caller promises.
    unsafe { riscv::interrupt::enable() };
    // SAFETY: such a chip, as the caller promises.
    (esp32c3, unsafe { Flash::new() })
}

/// Leads a source of interrupts to one of the processor's, as a level and at the lowest priority.
fn lead(parts: &Parts, source: pac::Interrupt, line: usize) {
    let matrix = &parts.matrix;
    // SAFETY: sources and lines that the chip has.
    unsafe {
        matrix
            .core_0_intr_map(source as usize)
            .write(|register| register.map().bits(line as u8));
        matrix
            .cpu_int_pri(line)
            .write(|register| register.map().bits(1));
        matrix
            .cpu_int_thresh()
            .write(|register| register.cpu_int_thresh().bits(1));
        matrix
            .cpu_int_type()
            .modify(|register, new| new.bits(register.bits() & !(1 << line)));
        matrix
            .cpu_int_enable()
            .modify(|register, new| new.bits(register.bits() | 1 << line));
    }
}

impl Board for Esp32c3 {
    /// Right as long as it is called once in nine hours.
    fn now_ms(&self) -> u32 {
        const TICKS: u32 = 125;
        self.timer
            .unit0_op()
            .write(|register| register.update().set_bit());
        // A tick later the value is there.
        let _ = (0..100).any(|_| self.timer.unit0_op().read().value_valid().bit_is_set());
        let value = self.timer.unit0_value();
        let (high, low) = (value.hi().read().bits(), value.lo().read().bits());
        // 16 MHz over 128: 125 a millisecond.
        let now = high << 25 | low >> 7;
        let before = self.ticks.get();
        let passed = now.wrapping_sub(before) / TICKS;
        self.ticks.set(before.wrapping_add(passed * TICKS));
        self.milliseconds
            .set(self.milliseconds.get().wrapping_add(passed));
        self.milliseconds.get()
    }

    fn send(&mut self, bytes: &[u8]) {
        if OVER_USB.load(Ordering::Relaxed) {
            for packet in bytes.chunks(PACKET) {
                if !wait(|| free(self.usb)) {
                    return;
                }
                for &byte in packet {
                    // SAFETY: every byte may be sent.
                    self.usb
                        .ep1()
                        .write(|register| unsafe { register.rdwr_byte().bits(byte) });
                }
                self.usb
                    .ep1_conf()
                    .write(|register| register.wr_done().set_bit());
            }
            return;
        }
        for &byte in bytes {
            if !wait(|| self.uart.status().read().txfifo_cnt().bits() < UART_HOLDS - 1) {
                return;
            }
            // SAFETY: every byte may be sent.
            self.uart
                .fifo()
                .write(|register| unsafe { register.rxfifo_rd_byte().bits(byte) });
        }
    }

    fn sleep_unless(&mut self, work: impl FnOnce() -> bool) {
        // What the ring had no room for waits in the controller: there is room now.
        riscv::interrupt::free(|| take_from_usb(self.usb, self.ring));
        machine::sleep_unless(work);
    }
}

/// Waits until the condition holds; `false` when patience ran out.
fn wait(mut condition: impl FnMut() -> bool) -> bool {
    (0..PATIENCE).any(|_| condition())
}

/// Whether the controller takes a packet.
fn free(usb: &pac::usb_device::RegisterBlock) -> bool {
    usb.ep1_conf().read().serial_in_ep_data_free().bit_is_set()
}

/// 8 bits, no parity, one stop bit. Pins are as the ROM has them, which said what it found over the same line.
fn start_uart(uart: &pac::uart0::RegisterBlock) {
    // In 16ths.
    const DIVIDER: u32 = (CRYSTAL_HZ * 16 + BAUD / 2) / BAUD;
    const CRYSTAL: u8 = 3;
    const EIGHT_BITS: u8 = 3;
    const ONE_STOP_BIT: u8 = 1;
    // SAFETY: numbers that the manual has for these fields: the crystal's clock, whole.
    unsafe {
        uart.clk_conf().write(|register| {
            register.sclk_sel().bits(CRYSTAL).sclk_en().set_bit();
            register.sclk_div_num().bits(0);
            register.tx_sclk_en().set_bit().rx_sclk_en().set_bit()
        });
        uart.clkdiv().write(|register| {
            register.clkdiv().bits((DIVIDER >> 4) as u16);
            register.frag().bits((DIVIDER & 15) as u8)
        });
        uart.conf0().write(|register| {
            register.bit_num().bits(EIGHT_BITS);
            register.stop_bit_num().bits(ONE_STOP_BIT);
            register.mem_clk_en().set_bit()
        });
        // From 16 bytes on, or when the line rests with fewer for the time of ten bits.
        uart.conf1().modify(|_, register| {
            register.rxfifo_full_thrhd().bits(16);
            register.rx_tout_en().set_bit()
        });
        uart.mem_conf()
            .modify(|_, register| register.rx_tout_thrhd().bits(10));
    }
    // The UART's own clock takes over what was written.
    uart.id()
        .modify(|_, register| register.reg_update().set_bit());
    wait(|| uart.id().read().reg_update().bit_is_clear());
    uart.int_ena().write(|register| {
        register.rxfifo_full().set_bit();
        register.rxfifo_tout().set_bit().rxfifo_ovf().set_bit()
    });
}

/// What the handler of UART0's interrupt does: bytes go into the ring.
///
/// # Safety
///
/// Nothing else reads the receive side of UART0; main writes the transmit side.
pub unsafe fn handle_uart(ring: &Receive) {
    // SAFETY: it lies there, and its other side is main's, as the caller promises.
    let uart = unsafe { &*pac::UART0::PTR };
    if uart.int_st().read().rxfifo_ovf().bit_is_set() {
        ring.lose();
    }
    while uart.status().read().rxfifo_cnt().bits() > 0 {
        ring.push(uart.fifo().read().rxfifo_rd_byte().bits());
        OVER_USB.store(false, Ordering::Relaxed);
    }
    uart.int_clr().write(|register| {
        register.rxfifo_full().clear_bit_by_one();
        register.rxfifo_tout().clear_bit_by_one();
        register.rxfifo_ovf().clear_bit_by_one()
    });
}

/// What the handler of the interrupt of the line over USB does: bytes go into the ring. What it has no room for waits in the
/// controller, which has the host wait.
///
/// # Safety
///
/// Nothing else reads the receive side of the controller but [`Esp32c3::sleep_unless`], with interrupts held off.
pub unsafe fn handle_usb(ring: &Receive) {
    // SAFETY: it lies there, and its other side is main's, as the caller promises.
    let usb = unsafe { &*pac::USB_DEVICE::PTR };
    usb.int_clr()
        .write(|register| register.serial_out_recv_pkt().clear_bit_by_one());
    take_from_usb(usb, ring);
}

fn take_from_usb(usb: &pac::usb_device::RegisterBlock, ring: &Receive) {
    let waits = || {
        usb.ep1_conf()
            .read()
            .serial_out_ep_data_avail()
            .bit_is_set()
    };
    while ring.has_room_for(1) && waits() {
        ring.push(usb.ep1().read().rdwr_byte().bits());
        OVER_USB.store(true, Ordering::Relaxed);
    }
}

/// Resets all of the chip but what keeps time in sleep; RAM stays as it is.
#[unsafe(no_mangle)]
fn pocketrec_reset_chip() -> ! {
    // SAFETY: it lies there, and nothing else runs any more.
    let clocks = unsafe { &*pac::RTC_CNTL::PTR };
    clocks
        .options0()
        .modify(|_, register| register.sw_sys_rst().set_bit());
    loop {
        core::hint::spin_loop();
    }
}
