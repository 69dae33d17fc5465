//! A service in memory, asked over its real frames.

use pocketrec::image::ImageError;
use pocketrec::model::Model;
use pocketrec::service::{Board, Port, Service};
use pocketrec::store::Store;
use pocketrec::wire::{
    Capabilities, FrameReader, LinkCounters, MAX_FRAME, Reply, Request, Reset, VERSION,
    encode_frame,
};

#[derive(Default)]
pub struct Line(Vec<u8>);

impl Line {
    /// Whether nothing was sent since it was last looked at.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Port for Line {
    fn send(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn now(&self) -> u32 {
        0
    }

    fn counters(&self) -> LinkCounters {
        LinkCounters::default()
    }

    fn working(&mut self, _: bool) {}
}

pub const BOARD: Board = Board {
    name: "in memory",
    firmware: [1, 2, 3],
    capabilities: Capabilities(0),
    image_region: 1024,
    reset: Reset::Power,
    at: 0,
    crashes: 0,
    poll_cycles: 1,
};

pub struct Device<'m, const OWNERS: usize, const LOG: usize, S> {
    pub service: Service<'m, OWNERS, LOG, S>,
    pub line: Line,
    pub number: u32,
}

impl<'m, const OWNERS: usize, const LOG: usize, S: Store> Device<'m, OWNERS, LOG, S> {
    pub fn new(model: Result<Model<'m>, ImageError>, store: S) -> Self {
        Self {
            service: Service::with_store(model, BOARD, store),
            line: Line::default(),
            number: 0,
        }
    }

    pub fn send(&mut self, request: Request) {
        self.number = self.number.wrapping_add(1);
        let mut frame = [0; MAX_FRAME];
        let length = encode_frame(VERSION, self.number, &request, &mut frame).unwrap();
        for byte in &frame[..length] {
            self.service.receive(*byte, &mut self.line);
        }
    }

    pub fn replies(&mut self) -> Vec<Reply<'static>> {
        let mut reader = FrameReader::new();
        let mut replies = Vec::new();
        for byte in self.line.0.drain(..) {
            if let Some(frame) = reader.push(byte) {
                let body: &'static [u8] = Box::leak(frame.unwrap().body.into());
                replies.push(postcard::from_bytes(body).unwrap());
            }
        }
        replies
    }

    /// The last reply to a request.
    pub fn ask(&mut self, request: Request) -> Reply<'static> {
        self.send(request);
        while self.service.is_working() {
            self.service.poll(&mut self.line);
        }
        self.replies().pop().unwrap()
    }
}
