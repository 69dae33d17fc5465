//! STM32F405: its clocks, USART1 on PA9 and PA10, SysTick and fault handlers.
//!
//! The same file runs on a board and on the emulator's `netduinoplus2`, whose clock tree isn't modelled.
#![no_std]
#![no_main]

use core::hint::black_box;
use core::mem::MaybeUninit;
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicU32, Ordering};
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_rt::{ExceptionFrame, entry, exception};
use firmware::board::Board;
use firmware::flash::{Controller, Region};
use firmware::receive::Receive;
use firmware::reset::{Cause, Record};
use firmware::{app, regions};
use pocketrec::service::Service;
use pocketrec::store::flash::FlashLog;
use stm32f4::stm32f405 as pac;

#[cfg(feature = "log")]
use defmt_rtt as _;

/// People whose taste this board keeps apart.
const OWNERS: usize = if cfg!(feature = "owners") { 3 } else { 1 };
/// Ratings that it remembers of each.
const LOG: usize = 256;
/// Bits a second on the UART.
const BAUD: u32 = 115_200;
/// The internal oscillator, on which the board also runs when the PLL doesn't lock.
const HSI_HZ: u32 = 16_000_000;
/// The core's clock from the PLL, the fastest this chip allows.
const PLL_HZ: u32 = 168_000_000;
/// Turns of a waiting loop: some milliseconds at 16 MHz, and every wait here takes well under one.
const PATIENCE: u32 = 20_000;

static RECEIVE: Receive = Receive::new();
static MILLISECONDS: AtomicU32 = AtomicU32::new(0);
#[unsafe(link_section = ".uninit.reset_record")]
static RESET: Record = Record::new();

#[entry]
fn main() -> ! {
    static mut PLACE: MaybeUninit<Service<OWNERS, LOG, FlashLog<Region<Flash>>>> =
        MaybeUninit::uninit();

    let boot = RESET.boot();
    let strict = strict_floats();
    // SAFETY: main runs once, and the handlers below touch only what they say.
    let (core, chip) = unsafe { (cortex_m::Peripherals::steal(), pac::Peripherals::steal()) };
    let clocks = Clocks::start(&chip);

    let mut timer = core.SYST;
    timer.set_clock_source(SystClkSource::Core);
    timer.set_reload(clocks.core_hz / 1000 - 1);
    timer.clear_current();
    timer.enable_counter();
    timer.enable_interrupt();

    start_uart(&chip, clocks.uart_hz);
    // SAFETY: the handler of USART1 shares only `RECEIVE` with main.
    unsafe { cortex_m::peripheral::NVIC::unmask(pac::Interrupt::USART1) };

    let board = Stm32f405 { uart: chip.USART1 };
    let store = regions::profile_log::<_, OWNERS, LOG>(Flash(chip.FLASH));
    app::run(
        PLACE,
        board,
        store,
        &RECEIVE,
        regions::image(),
        boot,
        strict,
    )
}

struct Stm32f405 {
    uart: pac::USART1,
}

impl Board for Stm32f405 {
    const NAME: &'static str = "stm32f405";
    // A movie takes some 30 us at 16 MHz without the PLL's help, times ten for the largest model.
    const SLICE: u32 = 64;

    fn now_ms(&self) -> u32 {
        MILLISECONDS.load(Ordering::Relaxed)
    }

    fn send(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if !wait(|| self.uart.sr().read().txe().bit_is_set()) {
                return;
            }
            self.uart
                .dr()
                .write(|register| register.dr().set(byte.into()));
        }
    }

    fn sleep_unless(&mut self, work: impl FnOnce() -> bool) {
        // A pending interrupt ends WFI even while it is held off, and is taken right after.
        cortex_m::interrupt::free(|_| {
            if !work() {
                cortex_m::asm::wfi();
            }
        });
    }
}

/// Waits until the condition holds; `false` when patience ran out.
fn wait(mut condition: impl FnMut() -> bool) -> bool {
    (0..PATIENCE).any(|_| condition())
}

struct Clocks {
    core_hz: u32,
    uart_hz: u32,
}

impl Clocks {
    /// 168 MHz from the internal oscillator through the PLL, or 16 MHz without it.
    ///
    /// Boards differ in their crystals (8, 12 or 25 MHz) and a wrong guess overclocks the chip, so none is used:
    /// at room temperature the internal oscillator is within 1 %, and a UART bears 2 %.
    fn start(chip: &pac::Peripherals) -> Self {
        let rcc = &chip.RCC;
        if rcc.cr().read().hsion().bit_is_clear() {
            // No board can run this with its oscillator off: an emulator that doesn't model the clock tree, and
            // that runs the core at full speed.
            return Self {
                core_hz: PLL_HZ,
                uart_hz: PLL_HZ / 2,
            };
        }
        // 16 MHz / 16 * 336 / 2 = 168 MHz; 1 MHz * 336 / 7 = 48 MHz for the parts that want that.
        rcc.pllcfgr().write(|register| {
            // SAFETY: within the ranges of the reference manual, RM0090, section 7.3.2.
            unsafe { register.pllm().bits(16).plln().bits(336).pllq().bits(7) }
                .pllp()
                .div2()
                .pllsrc()
                .hsi()
        });
        rcc.cr().modify(|_, register| register.pllon().on());
        if !wait(|| rcc.cr().read().pllrdy().is_ready()) {
            rcc.cr().modify(|_, register| register.pllon().off());
            return Self {
                core_hz: HSI_HZ,
                uart_hz: HSI_HZ,
            };
        }
        // Five wait states at 168 MHz and 3.3 V, before the clock rises.
        chip.FLASH.acr().write(|register| {
            register
                .latency()
                .ws5()
                .prften()
                .enabled()
                .icen()
                .enabled()
                .dcen()
                .enabled()
        });
        rcc.cfgr()
            .modify(|_, register| register.ppre1().div4().ppre2().div2());
        rcc.cfgr().modify(|_, register| register.sw().pll());
        if !wait(|| rcc.cfgr().read().sws().is_pll()) {
            rcc.cfgr()
                .modify(|_, register| register.sw().hsi().ppre1().div1().ppre2().div1());
            return Self {
                core_hz: HSI_HZ,
                uart_hz: HSI_HZ,
            };
        }
        Self {
            core_hz: PLL_HZ,
            uart_hz: PLL_HZ / 2,
        }
    }
}

/// USART1 on PA9 (sends) and PA10 (receives), 8 bits, no parity, one stop bit.
fn start_uart(chip: &pac::Peripherals, clock_hz: u32) {
    chip.RCC
        .ahb1enr()
        .modify(|_, register| register.gpioaen().enabled());
    chip.RCC
        .apb2enr()
        .modify(|_, register| register.usart1en().enabled());
    chip.GPIOA
        .afrh()
        .modify(|_, register| register.afrh9().af7().afrh10().af7());
    // A line that nobody drives reads as idle.
    chip.GPIOA
        .pupdr()
        .modify(|_, register| register.pupdr10().pull_up());
    chip.GPIOA
        .moder()
        .modify(|_, register| register.moder9().alternate().moder10().alternate());
    // With 16 samples a bit, the divider in 16ths is the clock over the baud rate.
    let divider = (clock_hz + BAUD / 2) / BAUD;
    // SAFETY: every value is a divider; this one is 729 or 139.
    chip.USART1
        .brr()
        .write(|register| unsafe { register.bits(divider as u16) });
    chip.USART1.cr1().write(|register| {
        register
            .ue()
            .enabled()
            .te()
            .enabled()
            .re()
            .enabled()
            .rxneie()
            .enabled()
    });
}

/// The flash controller. The CPU can't fetch while it works: a byte takes 16 us, erasing a sector up to half a
/// second.
struct Flash(pac::FLASH);

impl Flash {
    const ERRORS: u32 = 0xF2;

    /// Waits until the controller is ready: for more than a second at full speed.
    #[inline(never)]
    fn ready(&self) -> bool {
        const PATIENCE: u32 = 20_000_000;
        (0..PATIENCE).any(|_| self.0.sr().read().bsy().bit_is_clear())
    }

    /// Makes the controller ready for a command, and unlocks it; whether it is ready.
    #[inline(never)]
    fn unlock(&mut self) -> bool {
        const KEYS: [u32; 2] = [0x4567_0123, 0xCDEF_89AB];
        if !self.ready() {
            return false;
        }
        let flash = &self.0;
        if flash.cr().read().lock().bit_is_set() {
            for key in KEYS {
                // SAFETY: the unlocking sequence of the reference manual, RM0090, section 3.6.1.
                flash.keyr().write(|register| unsafe { register.bits(key) });
            }
        }
        // SAFETY: ones clear the errors of an earlier command.
        flash
            .sr()
            .write(|register| unsafe { register.bits(Self::ERRORS) });
        true
    }

    /// Waits for the end of the command, and locks the controller; whether the command had no error.
    #[inline(never)]
    fn lock(&mut self) -> bool {
        let ended = self.ready();
        let flash = &self.0;
        let failed = flash.sr().read().bits() & Self::ERRORS != 0;
        flash.cr().write(|register| register.lock().locked());
        // The data cache may hold what was there before.
        let cached = flash.acr().read().dcen().bit_is_set();
        flash
            .acr()
            .modify(|_, register| register.dcen().clear_bit());
        flash.acr().modify(|_, register| register.dcrst().set_bit());
        flash
            .acr()
            .modify(|_, register| register.dcrst().clear_bit());
        flash
            .acr()
            .modify(|_, register| register.dcen().bit(cached));
        ended && !failed
    }
}

impl Controller for Flash {
    const PAGE: usize = 16 * 1024;

    fn erase(&mut self, address: u32) -> bool {
        // Sectors 0 to 3 are the ones of this size.
        let sector = (address.wrapping_sub(0x0800_0000) / Self::PAGE as u32) as u8;
        if !(1..=3).contains(&sector) || !self.unlock() {
            return false;
        }
        let flash = &self.0;
        // SAFETY: a sector of the profile region.
        flash
            .cr()
            .write(|register| unsafe { register.ser().set_bit().snb().bits(sector) });
        flash.cr().modify(|_, register| register.strt().set_bit());
        self.lock()
    }

    fn program(&mut self, address: u32, word: u32) -> bool {
        if !self.unlock() {
            return false;
        }
        let flash = &self.0;
        flash
            .cr()
            .write(|register| register.psize().psize32().pg().set_bit());
        // SAFETY: a word of the profile region, which nothing else writes or borrows.
        unsafe {
            core::ptr::with_exposed_provenance_mut::<u32>(address as usize).write_volatile(word)
        };
        self.lock()
    }
}

unsafe extern "C" {
    /// cortex-m-rt's handler of what nobody handles.
    fn DefaultHandler();
}

const UART: usize = pac::Interrupt::USART1 as usize;

/// The vectors up to the UART's, which is the only interrupt that is switched on: those behind it stay out of flash.
#[unsafe(link_section = ".vector_table.interrupts")]
#[unsafe(no_mangle)]
static __INTERRUPTS: [unsafe extern "C" fn(); UART + 1] = {
    let mut handlers = [DefaultHandler as unsafe extern "C" fn(); UART + 1];
    handlers[UART] = receive;
    handlers
};

/// The handler of the UART.
unsafe extern "C" fn receive() {
    // SAFETY: only this handler reads the receive side; main writes the transmit side.
    let uart = unsafe { &*pac::USART1::ptr() };
    loop {
        let status = uart.sr().read();
        if status.ore().bit_is_set() {
            RECEIVE.lose();
        }
        if status.rxne().bit_is_clear() && status.ore().bit_is_clear() {
            return;
        }
        // Reading the data after the status also clears the overrun.
        RECEIVE.push(uart.dr().read().dr().bits() as u8);
    }
}

#[exception]
fn SysTick() {
    MILLISECONDS.store(
        MILLISECONDS.load(Ordering::Relaxed).wrapping_add(1),
        Ordering::Relaxed,
    );
}

#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    RESET.write(Cause::Fault {
        address: frame.pc(),
    });
    cortex_m::peripheral::SCB::sys_reset()
}

#[panic_handler]
fn panic(information: &PanicInfo) -> ! {
    cortex_m::interrupt::disable();
    RESET.write(Cause::Panic {
        line: information.location().map_or(0, |location| location.line()),
    });
    cortex_m::peripheral::SCB::sys_reset()
}

/// Subnormals as IEEE 754 has them, in main and in handlers, so that every prediction has the PC's bits; whether
/// one multiplication keeps to it.
fn strict_floats() -> bool {
    const FLUSH_TO_ZERO: u32 = 1 << 24;
    const DEFAULT_NAN: u32 = 1 << 25;
    // SAFETY: reads and writes the floating-point status registers, which cortex-m-rt has switched on.
    unsafe {
        let mut status: u32;
        core::arch::asm!("vmrs {}, fpscr", out(reg) status, options(nomem, nostack));
        status &= !(FLUSH_TO_ZERO | DEFAULT_NAN);
        core::arch::asm!("vmsr fpscr, {}", in(reg) status, options(nomem, nostack));
        (*cortex_m::peripheral::FPU::PTR)
            .fpdscr
            .modify(|status| status & !(FLUSH_TO_ZERO | DEFAULT_NAN));
    }
    // 2^-100 * 2^-40 is subnormal: bit 9 of the fraction.
    let product =
        black_box(f32::from_bits((127 - 100) << 23)) * black_box(f32::from_bits((127 - 40) << 23));
    product.to_bits() == 1 << 9
}
