//! What boards with an STM32F4 share: the clock from the internal oscillator, USART1 on PA9 and PA10, SysTick and the flash
//! controller. Their registers are those of the F405 on all of them, as far as they are used here.
#![allow(
    unsafe_code,
    reason = "registers that take any bits, and flash written through a pointer"
)]

use core::sync::atomic::{AtomicU32, Ordering};
use cortex_m::peripheral::syst::SystClkSource;

pub use stm32f4::stm32f405 as pac;

use crate::arm;
use crate::board::Board;
use crate::flash::Controller;
use crate::receive::Receive;

/// Bits a second on the UART.
const BAUD: u32 = 115_200;
/// The internal oscillator, on which a board also runs when the PLL doesn't lock.
const HSI_HZ: u32 = 16_000_000;
/// Turns of a waiting loop: some milliseconds at 16 MHz, and every wait here takes well under one.
const PATIENCE: u32 = 20_000;

static MILLISECONDS: AtomicU32 = AtomicU32::new(0);

/// How a chip's clocks are made of 336 MHz from the PLL.
#[derive(Clone, Copy, Debug)]
pub struct Speed {
    /// What the PLL's clock is divided by for the core: 2, 4, 6 or 8.
    pub divider: u8,
    /// Wait states of flash at the core's clock and 3.3 V.
    pub wait_states: u8,
    /// What the core's clock is divided by for APB1 and for APB2, whose is the UART: 1, 2 or 4.
    pub buses: [u8; 2],
}

impl Speed {
    const fn core_hz(self) -> u32 {
        336_000_000 / self.divider as u32
    }

    const fn uart_hz(self) -> u32 {
        self.core_hz() / self.buses[1] as u32
    }
}

/// The divider of a bus as its register has it.
const fn bus(divider: u8) -> u8 {
    match divider {
        1 => 0,
        2 => 4,
        _ => 5,
    }
}

/// Starts the clocks, SysTick and USART1, whose interrupt is switched on.
///
/// # Safety
///
/// Called once, on a chip of this family, whose handlers of USART1 and SysTick are [`receive`] and [`tick`] and touch nothing
/// else of them; the speed is one that the chip allows.
pub unsafe fn start<const PAGE: usize>(speed: Speed) -> (Stm32f4, Flash<PAGE>) {
    // SAFETY: called once, as the caller promises.
    let (core, chip) = unsafe { (cortex_m::Peripherals::steal(), pac::Peripherals::steal()) };
    let clocks = Clocks::start(&chip, speed);

    let mut timer = core.SYST;
    timer.set_clock_source(SystClkSource::Core);
    timer.set_reload(clocks.core_hz / 1000 - 1);
    timer.clear_current();
    timer.enable_counter();
    timer.enable_interrupt();

    start_uart(&chip, clocks.uart_hz);
    // SAFETY: the handler shares only the ring with main, as the caller promises.
    unsafe { cortex_m::peripheral::NVIC::unmask(pac::Interrupt::USART1) };
    (Stm32f4 { uart: chip.USART1 }, Flash(chip.FLASH))
}

/// USART1 and the clock.
pub struct Stm32f4 {
    uart: pac::USART1,
}

impl Board for Stm32f4 {
    const FALLBACK_HZ: Option<u32> = Some(HSI_HZ);

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
        arm::sleep_unless(work);
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
    /// The core's clock from the internal oscillator through the PLL, or 16 MHz without it.
    ///
    /// Boards differ in their crystals (8, 12 or 25 MHz) and a wrong guess overclocks the chip, so none is used:
    /// at room temperature the internal oscillator is within 1 %, and a UART bears 2 %.
    fn start(chip: &pac::Peripherals, speed: Speed) -> Self {
        let rcc = &chip.RCC;
        if rcc.cr().read().hsion().bit_is_clear() {
            // No board can run this with its oscillator off: an emulator that doesn't model the clock tree, and
            // that runs the core at full speed.
            return Self {
                core_hz: speed.core_hz(),
                uart_hz: speed.uart_hz(),
            };
        }
        // 16 MHz / 16 * 336 = 336 MHz, over the divider; over 7 = 48 MHz for the parts that want that.
        rcc.pllcfgr().write(|register| {
            // SAFETY: within the ranges of the reference manuals, RM0090 section 7.3.2 and RM0383 section 6.3.2.
            unsafe {
                register.pllm().bits(16).plln().bits(336).pllq().bits(7);
                register.pllp().bits(speed.divider / 2 - 1)
            }
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
        // Before the clock rises.
        chip.FLASH.acr().write(|register| {
            // SAFETY: a number of wait states.
            unsafe { register.latency().bits(speed.wait_states) }
                .prften()
                .enabled()
                .icen()
                .enabled()
                .dcen()
                .enabled()
        });
        let [first, second] = speed.buses;
        // SAFETY: dividers of the buses.
        rcc.cfgr().modify(|_, register| unsafe {
            register.ppre1().bits(bus(first)).ppre2().bits(bus(second))
        });
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
            core_hz: speed.core_hz(),
            uart_hz: speed.uart_hz(),
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
    // SAFETY: every value is a divider; these are some hundreds.
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

/// The flash controller, of whose sectors those of `PAGE` bytes are erased. The CPU can't fetch while it works: a byte takes
/// 16 us, erasing a sector up to half a second.
pub struct Flash<const PAGE: usize>(pac::FLASH);

impl<const PAGE: usize> Flash<PAGE> {
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

impl<const PAGE: usize> Controller<4> for Flash<PAGE> {
    const PAGE: usize = PAGE;

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

    fn program(&mut self, address: u32, word: [u8; 4]) -> bool {
        let word = u32::from_le_bytes(word);
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

/// What the handler of USART1 does: bytes go into the ring.
pub fn receive(ring: &Receive) {
    // SAFETY: only this reads the receive side; main writes the transmit side.
    let uart = unsafe { &*pac::USART1::ptr() };
    loop {
        let status = uart.sr().read();
        if status.ore().bit_is_set() {
            ring.lose();
        }
        if status.rxne().bit_is_clear() && status.ore().bit_is_clear() {
            return;
        }
        // Reading the data after the status also clears the overrun.
        ring.push(uart.dr().read().dr().bits() as u8);
    }
}

/// What the handler of SysTick does.
pub fn tick() {
    MILLISECONDS.store(
        MILLISECONDS.load(Ordering::Relaxed).wrapping_add(1),
        Ordering::Relaxed,
    );
}
