//! A board without hardware: core's service in this process, behind the same bytes as a real one.
//!
//! It is what a board is compared with, bit for bit, and what the connection is tested against.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Result, Write};
use std::time::{Duration, Instant};

use pocketrec::image::ImageError;
use pocketrec::model::Model;
use pocketrec::service::{Board, Port, Service};
use pocketrec::store::InRam;
use pocketrec::wire::{Capabilities, LinkCounters, Reset};

/// Owners that the board holds, and ratings of each: no board of ours has more.
pub const OWNERS: usize = 8;
const RATINGS: usize = 1024;

/// The board: bytes written to it are received by the service; bytes read from it are the service's.
pub struct MemoryBoard<'m> {
    service: Service<'m, OWNERS, RATINGS>,
    line: MemoryPort,
}

struct MemoryPort {
    out: VecDeque<u8>,
    started: Instant,
    received: u32,
    while_working: u32,
    working: bool,
}

impl Port for MemoryPort {
    fn send(&mut self, bytes: &[u8]) {
        self.out.extend(bytes);
    }

    fn now(&self) -> u32 {
        self.started.elapsed().as_millis() as u32
    }

    fn counters(&self) -> LinkCounters {
        LinkCounters {
            received: self.received,
            while_working: self.while_working,
            ..LinkCounters::default()
        }
    }

    fn working(&mut self, working: bool) {
        self.working = working;
    }
}

impl<'m> MemoryBoard<'m> {
    /// A board with `model`, or without one for that reason.
    pub fn new(model: std::result::Result<Model<'m>, ImageError>) -> Self {
        let board = Board {
            name: "memory",
            firmware: [0, 1, 0],
            capabilities: Capabilities::default(),
            image_region: u32::MAX,
            reset: Reset::Power,
            at: 0,
            crashes: 0,
            poll_cycles: 1_000_000,
        };
        Self {
            service: Service::with_store(model, board, InRam),
            line: MemoryPort {
                out: VecDeque::new(),
                started: Instant::now(),
                received: 0,
                while_working: 0,
                working: false,
            },
        }
    }
}

impl Write for MemoryBoard<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        for byte in bytes {
            self.line.received += 1;
            self.line.while_working += u32::from(self.line.working);
            self.service.receive(*byte, &mut self.line);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

impl Read for MemoryBoard<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        while self.line.out.is_empty() && self.service.is_working() {
            self.service.poll(&mut self.line);
        }
        if self.line.out.is_empty() {
            std::thread::sleep(Duration::from_millis(1));
            return Err(ErrorKind::TimedOut.into());
        }
        self.line.out.read(buffer)
    }
}
