//! STM32F405 at its fastest; the chip's own parts are `firmware::stm32f4`.
//!
//! The same file runs on a board and on the emulator's `netduinoplus2`, whose clock tree isn't modelled.
#![no_std]
#![no_main]

use cortex_m_rt::exception;
use firmware::stm32f4::{self, Speed, Stm32f4, pac};

/// 168 MHz, the fastest that this chip allows.
const SPEED: Speed = Speed {
    divider: 2,
    wait_states: 5,
    buses: [4, 2],
};

/// The flash controller, with the sectors of this chip that hold the profile.
type Flash = stm32f4::Flash<{ FACTS.page }>;

firmware::board! {
    start: start,
    flash: Flash,
    interrupts: { pac::Interrupt::USART1 => receive },
}

/// Starts the chip.
fn start() -> (Stm32f4, Flash) {
    // SAFETY: called once, the handlers below are those of USART1 and SysTick, and the chip allows this speed.
    unsafe { stm32f4::start(SPEED) }
}

/// The handler of the UART.
unsafe extern "C" fn receive() {
    stm32f4::receive(&RECEIVE);
}

#[exception]
fn SysTick() {
    stm32f4::tick();
}
