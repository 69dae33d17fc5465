//! A whole firmware under embassy: core's service on a Raspberry Pi Pico's UART0, GPIO0 and GPIO1, at 115,200 baud.
#![no_std]
#![no_main]

use embassy_executor::Spawner;
use embassy_futures::{select::*, yield_now};
use embassy_rp::peripherals::UART0;
use embassy_rp::uart::{BufferedInterruptHandler, BufferedUart, Config};
use embassy_time::Instant;
use embedded_io_async::{Read, Write};
use panic_halt as _;
use pocketrec::model::Opening;
use pocketrec::service::{Board, POLLS_A_SECOND, QueuedPort, Service};
use pocketrec::wire::{Capabilities, Reset};

embassy_rp::bind_interrupts!(struct Irqs { UART0_IRQ => BufferedInterruptHandler<UART0>; });

/// The image in flash, behind the firmware: `memory.x` keeps the linker out of it.
const IMAGE: (usize, usize) = (0x1003_0000, 1856 * 1024);

#[embassy_executor::main]
async fn main(_spawner: Spawner) {
    let chip = embassy_rp::init(Default::default());
    // For as long as the UART is used: this function never ends.
    let (mut out, mut come) = ([0; 64], [0; 1024]);
    let (tx, rx) = (chip.PIN_0, chip.PIN_1);
    let config = Config::default();
    let mut uart = BufferedUart::new(chip.UART0, tx, rx, Irqs, &mut out, &mut come, config);

    // SAFETY: flash that is there, and nothing writes it while this runs.
    let image = unsafe { core::slice::from_raw_parts(IMAGE.0 as *const u8, IMAGE.1) };
    let board = Board {
        name: "my pico",
        firmware: [0, 1, 0],
        capabilities: Capabilities(0),
        image_region: image.len() as u32,
        reset: Reset::Power,
        at: 0,
        crashes: 0,
        poll_cycles: 125_000_000 / POLLS_A_SECOND,
    };
    // An image takes a while to verify: other tasks run between two slices.
    let mut opening = Opening::new(image);
    let model = loop {
        match opening.go_on(board.poll_cycles) {
            Some(opened) => break opened,
            None => yield_now().await,
        }
    };
    let mut service = Service::<1>::new(model, board);
    let mut port = QueuedPort::<{ QueuedPort::<0>::ENOUGH }>::new();
    let mut bytes = [0; 64];
    loop {
        // While there is work, what has come is taken and nothing is waited for.
        let received = match service.is_working() {
            false => uart.read(&mut bytes).await,
            true => match select(uart.read(&mut bytes), yield_now()).await {
                Either::First(received) => received,
                Either::Second(()) => Ok(0),
            },
        };
        let received = received.unwrap_or_else(|_| {
            port.count_lost(1);
            0
        });
        port.set_now(Instant::now().as_millis() as u32);
        port.count_received(received as u32);
        for byte in bytes.iter().take(received) {
            service.receive(*byte, &mut port);
            send_all(&mut uart, &mut port).await;
        }
        if service.is_working() {
            service.poll(&mut port);
            send_all(&mut uart, &mut port).await;
        }
    }
}

/// Sends what waits, so that the next call of the service finds the queue empty.
async fn send_all<const N: usize>(uart: &mut impl Write, port: &mut QueuedPort<N>) {
    while let Ok(sent @ 1..) = uart.write(port.waiting()).await {
        port.sent(sent);
    }
}
