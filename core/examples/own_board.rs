//! The crate on a board of one's own: everything but the hardware.
//!
//! A board gives [`Service`] a clock and a way to send; here the "line" is a vector and the clock a counter.
//!
//! `cargo run -p pocketrec --example own_board`

use pocketrec::image::ImageError;
use pocketrec::model::Model;
use pocketrec::model::Wanted;
use pocketrec::rank::Order;
use pocketrec::service::{Board, Port, Service};
use pocketrec::wire::{
    Capabilities, FrameReader, LinkCounters, MAX_FRAME, Reply, Request, Reset, VERSION, Who,
    encode_frame,
};

/// What a board would do with its UART and its timer.
#[derive(Default)]
struct MyPort {
    sent: Vec<u8>,
    milliseconds: std::cell::Cell<u32>,
}

impl Port for MyPort {
    fn send(&mut self, bytes: &[u8]) {
        // On a board: write the bytes to the UART, waiting a bounded time.
        self.sent.extend_from_slice(bytes);
    }

    fn now(&self) -> u32 {
        // On a board: milliseconds of a timer.
        self.milliseconds.set(self.milliseconds.get() + 1);
        self.milliseconds.get()
    }

    fn counters(&self) -> LinkCounters {
        // On a board: what the receive interrupt counted.
        LinkCounters::default()
    }

    fn working(&mut self, _working: bool) {
        // On a board: the receive interrupt counts bytes apart while this is true.
    }
}

fn main() -> Result<(), ImageError> {
    // On a board: the image's region of memory-mapped flash. Here: the example that the crate's tests use.
    let storage = pocketrec::image::example();
    let flash: &[u8] = storage.bytes();

    let board = Board {
        name: "my board",
        firmware: [0, 1, 0],
        capabilities: Capabilities::default(),
        image_region: flash.len() as u32,
        reset: Reset::Power,
        at: 0,
        crashes: 0,
        poll_cycles: 1_000_000,
    };
    let mut port = MyPort::default();
    let mut service = Service::<1>::new(Model::open(flash), board);

    // What a host would send, a request a frame.
    let owner = Who::Owner(0);
    let requests = [
        Request::Hello,
        Request::Rate {
            who: owner,
            movie: 20,
            stars: 5.0,
        },
        Request::Predict {
            who: owner,
            movie: 20,
        },
        Request::TopN {
            who: owner,
            count: 3,
            include_rated: false,
            include_below: false,
            order: Order::Score,
            wanted: Wanted::ANY,
        },
    ];
    for (number, request) in (1..).zip(requests) {
        let mut frame = [0; MAX_FRAME];
        let length = encode_frame(VERSION, number, &request, &mut frame).unwrap_or(0);

        // The main loop of a board: bytes that came in, then a slice of work.
        for byte in &frame[..length] {
            service.receive(*byte, &mut port);
        }
        while service.is_working() {
            service.poll(&mut port);
        }
    }

    // What a host would read.
    let mut reader = FrameReader::new();
    for byte in &port.sent {
        if let Some(Ok(frame)) = reader.push(*byte) {
            let reply: Result<Reply<'_>, _> = postcard::from_bytes(frame.body);
            println!("reply to {}: {reply:?}", frame.number);
        }
    }
    Ok(())
}
