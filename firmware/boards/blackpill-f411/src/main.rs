//! WeAct Black Pill, an STM32F411; the chip's own parts are `firmware::stm32f4`.
//!
//! The same file runs on a board and on the emulator's `netduinoplus2`, an STM32F405, whose clock tree isn't modelled.
#![no_std]
#![no_main]

use cortex_m_rt::exception;
use firmware::arm;
use firmware::board::{Board, Facts};
use firmware::stm32f4::{self, HSI_HZ, Speed, Stm32f4, pac};

/// 84 MHz: the fastest that this chip allows at the core's voltage after a reset.
const SPEED: Speed = Speed {
    divider: 4,
    wait_states: 2,
    buses: [2, 1],
};

/// The flash controller, with the sectors of this chip that hold the profile.
type Flash = stm32f4::Flash<{ FACTS.page }>;

firmware::board! {
    start: start,
    flash: Flash,
    interrupts: { pac::Interrupt::USART1 => receive },
}

/// Starts the chip.
fn start() -> (BlackPill, Flash) {
    // SAFETY: called once, the handlers below are those of USART1 and SysTick, and the chip allows this speed.
    let (chip, flash) = unsafe { stm32f4::start(SPEED) };
    (BlackPill(chip), flash)
}

struct BlackPill(Stm32f4);

impl Board for BlackPill {
    const FACTS: Facts = FACTS;
    const SLOWEST_HZ: u32 = HSI_HZ;

    fn now_ms(&self) -> u32 {
        self.0.now_ms()
    }

    fn send(&mut self, bytes: &[u8]) {
        self.0.send(bytes);
    }

    fn sleep_unless(&mut self, work: impl FnOnce() -> bool) {
        arm::sleep_unless(work);
    }
}

/// The handler of the UART.
unsafe extern "C" fn receive() {
    stm32f4::receive(&RECEIVE);
}

#[exception]
fn SysTick() {
    stm32f4::tick();
}
