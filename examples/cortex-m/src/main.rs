//! A whole firmware without a HAL: core's service on Arm's MPS2+ boards, which QEMU has; with the feature `m33` on a
//! Cortex-M33 (AN505), else on a Cortex-M4F (AN386). Bytes come by interrupt, and sending waits.
#![no_std]
#![no_main]

use core::cell::RefCell;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use cortex_m::interrupt::InterruptNumber;
use cortex_m::peripheral::{NVIC, Peripherals, syst::SystClkSource};
use cortex_m_rt::{entry, exception};
use critical_section::Mutex;
use heapless::Deque;
use panic_halt as _;
use pocketrec::model::Model;
use pocketrec::service::{Board, POLLS_A_SECOND, Port, Service};
use pocketrec::wire::{Capabilities, LinkCounters, Reset};

/// The core's clock, its UART, the first of the UART's two interrupts, and where the image lies.
const CHIP: (u32, usize, u16, usize) = match cfg!(feature = "m33") {
    true => (20_000_000, 0x5020_0000, 32, 0x1004_0000),
    false => (25_000_000, 0x4000_4000, 0, 0x0004_0000),
};
const IMAGE_BYTES: usize = 2 * 1024 * 1024;
/// The UART's registers: a byte, whether it is full of one, what is on, what interrupts, and the clock's divider.
const DATA: *mut u32 = CHIP.1 as *mut u32;
const STATE: *mut u32 = (CHIP.1 + 4) as *mut u32;
const CONTROL: *mut u32 = (CHIP.1 + 8) as *mut u32;
const PENDING: *mut u32 = (CHIP.1 + 12) as *mut u32;
const DIVIDER: *mut u32 = (CHIP.1 + 16) as *mut u32;

static RECEIVED: Mutex<RefCell<Deque<u8, 1024>>> = Mutex::new(RefCell::new(Deque::new()));
static LOST: AtomicU32 = AtomicU32::new(0);
static MILLISECONDS: AtomicU32 = AtomicU32::new(0);

struct Line;

impl Port for Line {
    fn send(&mut self, bytes: &[u8]) {
        for byte in bytes {
            // SAFETY: registers of the UART, of which nothing else writes `DATA`.
            unsafe {
                // Bounded: a byte takes 87 us.
                let _ = (0..100_000).any(|_| STATE.read_volatile() & 1 == 0);
                DATA.write_volatile((*byte).into());
            }
        }
    }

    fn now(&self) -> u32 {
        MILLISECONDS.load(Relaxed)
    }

    fn counters(&self) -> LinkCounters {
        LinkCounters {
            lost: LOST.load(Relaxed),
            ..LinkCounters::default()
        }
    }

    fn working(&mut self, _working: bool) {}
}

#[entry]
fn main() -> ! {
    if let Some(core) = Peripherals::take() {
        let mut timer = core.SYST;
        timer.set_clock_source(SystClkSource::Core);
        timer.set_reload(CHIP.0 / 1000 - 1);
        timer.enable_counter();
        timer.enable_interrupt();
    }
    // SAFETY: the UART and the image's memory are this program's; the handler shares only what is safe to.
    let image = unsafe {
        DIVIDER.write_volatile(CHIP.0 / 115_200);
        // Sends, receives, and interrupts for what comes.
        CONTROL.write_volatile(0b1011);
        NVIC::unmask(Interrupt(CHIP.2));
        NVIC::unmask(Interrupt(CHIP.2 + 1));
        core::slice::from_raw_parts(CHIP.3 as *const u8, IMAGE_BYTES)
    };
    let board = Board {
        name: "my board",
        firmware: [0, 1, 0],
        capabilities: Capabilities(0),
        image_region: IMAGE_BYTES as u32,
        reset: Reset::Power,
        at: 0,
        crashes: 0,
        poll_cycles: CHIP.0 / POLLS_A_SECOND,
    };
    let mut service = Service::<1>::new(Model::open(image), board);
    loop {
        while let Some(byte) = critical_section::with(|cs| RECEIVED.borrow_ref_mut(cs).pop_front())
        {
            service.receive(byte, &mut Line);
        }
        match service.is_working() {
            true => service.poll(&mut Line),
            // The timer wakes it each millisecond at the latest.
            false => cortex_m::asm::wfi(),
        }
    }
}

#[derive(Clone, Copy)]
struct Interrupt(u16);

// SAFETY: a number that the chip has, and always the same.
unsafe impl InterruptNumber for Interrupt {
    fn number(self) -> u16 {
        self.0
    }
}

/// Every interrupt that has no handler of its own: the UART's.
#[exception]
unsafe fn DefaultHandler(_number: i16) {
    // SAFETY: registers of the UART, of which nothing else reads `DATA`.
    unsafe {
        PENDING.write_volatile(0b11);
        while STATE.read_volatile() & 2 != 0 {
            let byte = DATA.read_volatile() as u8;
            if critical_section::with(|cs| RECEIVED.borrow_ref_mut(cs).push_back(byte)).is_err() {
                LOST.fetch_add(1, Relaxed);
            }
        }
    }
}

#[exception]
fn SysTick() {
    MILLISECONDS.fetch_add(1, Relaxed);
}
