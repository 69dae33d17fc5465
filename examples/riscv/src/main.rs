//! A whole firmware without a HAL: core's service on RISC-V, QEMU's `virt` machine. It asks the UART whether a byte came;
//! QEMU's waits for who is slow, but a real one holds 16 bytes: there take them in its interrupt, as `../cortex-m` does.
#![no_std]
#![no_main]

use panic_halt as _;
use pocketrec::model::Model;
use pocketrec::service::{Board, Port, Service};
use pocketrec::wire::{Capabilities, LinkCounters, Reset};
use riscv::register::time;

/// A 16550: a byte, and its line's state.
const DATA: *mut u8 = 0x1000_0000 as *mut u8;
const STATE: *mut u8 = 0x1000_0005 as *mut u8;
/// The image in memory, behind the firmware.
const IMAGE: (usize, usize) = (0x8040_0000, 4 * 1024 * 1024);
/// Ticks of the timer a millisecond.
const TICKS: u64 = 10_000;

struct Line;

impl Port for Line {
    fn send(&mut self, bytes: &[u8]) {
        for byte in bytes {
            // SAFETY: registers of the UART, of which nothing else writes `DATA`.
            unsafe {
                // Bounded: a byte takes 87 us.
                let _ = (0..100_000).any(|_| STATE.read_volatile() & 0x20 != 0);
                DATA.write_volatile(*byte);
            }
        }
    }

    fn now(&self) -> u32 {
        (time::read64() / TICKS) as u32
    }

    fn counters(&self) -> LinkCounters {
        LinkCounters::default()
    }

    fn working(&mut self, _working: bool) {}
}

#[riscv_rt::entry]
fn main() -> ! {
    // SAFETY: memory that is there, and nothing writes it while this runs.
    let image = unsafe { core::slice::from_raw_parts(IMAGE.0 as *const u8, IMAGE.1) };
    let board = Board {
        name: "my board",
        firmware: [0, 1, 0],
        capabilities: Capabilities(0),
        image_region: IMAGE.1 as u32,
        reset: Reset::Power,
        at: 0,
        crashes: 0,
        poll_cycles: 500_000,
    };
    let mut service = Service::<1>::new(Model::open(image), board);
    loop {
        // SAFETY: registers of the UART, of which nothing else reads `DATA`.
        while unsafe { STATE.read_volatile() } & 1 != 0 {
            service.receive(unsafe { DATA.read_volatile() }, &mut Line);
        }
        if service.is_working() {
            service.poll(&mut Line);
        }
    }
}
