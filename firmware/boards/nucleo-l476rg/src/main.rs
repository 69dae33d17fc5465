//! Nucleo-L476RG (STM32L476): its clocks, USART2 to the debug probe, SysTick; `flash` is its flash controller.
#![no_std]
#![no_main]

mod flash;

use core::sync::atomic::{AtomicU32, Ordering};
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_rt::exception;
use firmware::arm;
use firmware::board::Board;
use stm32l4::stm32l4x6 as pac;

/// Bits a second on the UART.
const BAUD: u32 = 115_200;
/// The internal oscillator: the UART's clock, and the core's where the PLL doesn't lock.
const HSI_HZ: u32 = 16_000_000;
/// Turns of a waiting loop: some milliseconds at 16 MHz; a byte takes 87 us, and all else less.
const PATIENCE: u32 = 20_000;

static MILLISECONDS: AtomicU32 = AtomicU32::new(0);

firmware::board! {
    start: start,
    flash: flash::Flash,
    interrupts: { pac::Interrupt::USART2 => receive },
}

/// Starts the chip.
fn start() -> (Nucleo, flash::Flash) {
    // SAFETY: called once, and the handlers below touch only what they say.
    let (core, chip) = unsafe { (cortex_m::Peripherals::steal(), pac::Peripherals::steal()) };
    let core_hz = start_clocks(&chip);

    let mut timer = core.SYST;
    timer.set_clock_source(SystClkSource::Core);
    timer.set_reload(core_hz / 1000 - 1);
    timer.clear_current();
    timer.enable_counter();
    timer.enable_interrupt();

    start_uart(&chip);
    // SAFETY: the handler of USART2 shares only `RECEIVE` with main.
    unsafe { cortex_m::peripheral::NVIC::unmask(pac::Interrupt::USART2) };
    (Nucleo { uart: chip.USART2 }, flash::Flash::new(chip.FLASH))
}

struct Nucleo {
    uart: pac::USART2,
}

impl Board for Nucleo {
    const FALLBACK_HZ: Option<u32> = Some(HSI_HZ);

    fn now_ms(&self) -> u32 {
        MILLISECONDS.load(Ordering::Relaxed)
    }

    fn send(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if !wait(|| self.uart.isr().read().txe().bit_is_set()) {
                return;
            }
            self.uart
                .tdr()
                .write(|register| register.tdr().set(byte.into()));
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

/// 80 MHz from the internal oscillator through the PLL, or 16 MHz without it; returns the core's clock.
///
/// The oscillator is within 1 % at room temperature, and a UART bears 2 %. The chip starts at the core voltage that the
/// fastest clock wants.
fn start_clocks(chip: &pac::Peripherals) -> u32 {
    const HSI: u8 = 1;
    const PLL: u8 = 3;
    let rcc = &chip.RCC;
    rcc.cr().modify(|_, register| register.hsion().set_bit());
    wait(|| rcc.cr().read().hsirdy().bit_is_set());
    let switch = |source: u8| {
        // SAFETY: one of the four sources.
        rcc.cfgr()
            .modify(|_, register| unsafe { register.sw().bits(source) });
        wait(|| rcc.cfgr().read().sws().bits() == source)
    };
    switch(HSI);
    // 16 MHz * 10 / 2. The dividers' numbers are 0 for 1 and for 2; the source's is 2.
    // SAFETY: an oscillator of 160 MHz is within the range of the reference manual, RM0351 section 6.4.4.
    rcc.pllcfgr().write(|register| unsafe {
        register.pllsrc().bits(2).pllm().bits(0).plln().bits(10);
        register.pllr().bits(0).pllren().set_bit()
    });
    rcc.cr().modify(|_, register| register.pllon().set_bit());
    if !wait(|| rcc.cr().read().pllrdy().bit_is_set()) {
        rcc.cr().modify(|_, register| register.pllon().clear_bit());
        return HSI_HZ;
    }
    // Before the clock rises: four wait states, RM0351 section 3.3.3. The caches are on from the reset.
    const WAIT_STATES: u8 = 4;
    let acr = chip.FLASH.acr();
    // SAFETY: a number of wait states.
    acr.modify(|_, register| unsafe { register.latency().bits(WAIT_STATES).prften().set_bit() });
    if wait(|| acr.read().latency().bits() == WAIT_STATES) && switch(PLL) {
        return FACTS.clock_hz;
    }
    switch(HSI);
    HSI_HZ
}

/// USART2 on PA2 (sends) and PA3 (receives), which lead to the debug probe: 8 bits, no parity, one stop bit.
fn start_uart(chip: &pac::Peripherals) {
    let rcc = &chip.RCC;
    // A clock of its own, whatever the core's is.
    rcc.ccipr()
        .modify(|_, register| register.usart2sel().hsi16());
    rcc.ahb2enr()
        .modify(|_, register| register.gpioaen().set_bit());
    rcc.apb1enr1()
        .modify(|_, register| register.usart2en().set_bit());
    // The clock is there two cycles later, which a read takes.
    let _ = rcc.apb1enr1().read();
    let port = &chip.GPIOA;
    port.afrl()
        .modify(|_, register| register.afrl2().af7().afrl3().af7());
    // A line that nobody drives reads as idle.
    port.pupdr()
        .modify(|_, register| register.pupdr3().pull_up());
    port.moder()
        .modify(|_, register| register.moder2().alternate().moder3().alternate());
    let uart = &chip.USART2;
    // With 16 samples a bit, the divider in 16ths is the clock over the baud rate.
    const DIVIDER: u16 = ((HSI_HZ + BAUD / 2) / BAUD) as u16;
    uart.brr().write(|register| register.brr().set(DIVIDER));
    uart.cr1().write(|register| {
        register
            .ue()
            .set_bit()
            .te()
            .set_bit()
            .re()
            .set_bit()
            .rxneie()
            .set_bit()
    });
}

/// The handler of USART2.
unsafe extern "C" fn receive() {
    // SAFETY: only this handler reads the receive side; main writes the transmit side.
    let uart = unsafe { &*pac::USART2::ptr() };
    loop {
        let status = uart.isr().read();
        if status.ore().bit_is_set() {
            uart.icr().write(|register| register.orecf().clear());
            RECEIVE.lose();
        }
        if status.rxne().bit_is_clear() {
            return;
        }
        RECEIVE.push(uart.rdr().read().rdr().bits() as u8);
    }
}

#[exception]
fn SysTick() {
    MILLISECONDS.store(
        MILLISECONDS.load(Ordering::Relaxed).wrapping_add(1),
        Ordering::Relaxed,
    );
}

/// Of its sources only a word of flash is used here that reads otherwise than its error correction can mend.
#[exception]
unsafe fn NonMaskableInt() {
    flash::mended_or_fault();
}
