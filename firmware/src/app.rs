//! The application's loop: received bytes into core's service, its replies out, sleep in between.

use core::mem::MaybeUninit;

use crate::board::{Board, Facts};
use crate::receive::Receive;
use crate::reset::{Boot, Cause};
use pocketrec::image::ImageError;
use pocketrec::model::Model;
use pocketrec::service::{self, POLLS_A_SECOND, Port, Service};
use pocketrec::store::Store;
use pocketrec::wire::{Capabilities, LinkCounters, Reset};

/// What a board finds when it starts.
pub struct Found {
    /// What its data file says.
    pub facts: &'static Facts,
    /// The region that the model's image is in.
    pub image: &'static [u8],
    /// Why it started.
    pub boot: Boot,
    /// Whether its arithmetic keeps subnormals, as a PC's does.
    pub strict: bool,
}

/// Runs the application forever: `OWNERS` profiles of up to `LOG` ratings, kept by `store`, over the model that was
/// `found`. The service lives in `place`.
pub fn run<B: Board, S: Store, const OWNERS: usize, const LOG: usize>(
    place: &'static mut MaybeUninit<Service<'static, OWNERS, LOG, S>>,
    board: B,
    store: S,
    receive: &'static Receive,
    found: Found,
) -> ! {
    let service = start::<B, S, OWNERS, LOG>(place, store, found);
    service.recall();
    let mut line = Line { board, receive };
    loop {
        while let Some(byte) = receive.pop() {
            service.receive(byte, &mut line);
        }
        if service.is_working() {
            service.poll(&mut line);
        } else if !service.idle() {
            line.board.sleep_unless(|| !receive.is_empty());
        }
    }
}

/// Opens the image and makes the service in its place; a function of its own, whose stack is free again before the
/// service works.
#[inline(never)]
fn start<B: Board, S: Store, const OWNERS: usize, const LOG: usize>(
    place: &'static mut MaybeUninit<Service<'static, OWNERS, LOG, S>>,
    store: S,
    Found {
        facts,
        image,
        boot,
        strict,
    }: Found,
) -> &'static mut Service<'static, OWNERS, LOG, S> {
    let model = Model::open(image);
    log_start(facts.name, &model, &boot);
    let (reset, at) = match boot.cause {
        _ if !strict => (Reset::Arithmetic, 0),
        None => (Reset::Power, 0),
        Some(Cause::Panic { line }) => (Reset::Panic, line),
        Some(Cause::Fault { address }) => (Reset::Fault, address),
    };
    let about = service::Board {
        name: facts.name,
        firmware: VERSION,
        capabilities: Capabilities(if cfg!(feature = "log") {
            Capabilities::LOG
        } else {
            0
        }),
        image_region: image.len() as u32,
        reset,
        at,
        crashes: boot.crashes,
        poll_cycles: B::FALLBACK_HZ.unwrap_or(facts.clock_hz) / POLLS_A_SECOND,
    };
    Service::before_recall_in(place, model, about, store)
}

/// The package's version, as `Hello` tells it.
const VERSION: [u8; 3] = [
    number(env!("CARGO_PKG_VERSION_MAJOR")),
    number(env!("CARGO_PKG_VERSION_MINOR")),
    number(env!("CARGO_PKG_VERSION_PATCH")),
];

const fn number(digits: &str) -> u8 {
    let digits = digits.as_bytes();
    let mut number = 0;
    let mut i = 0;
    while i < digits.len() {
        number = number * 10 + (digits[i] - b'0');
        i += 1;
    }
    number
}

#[cfg_attr(not(feature = "log"), allow(unused_variables))]
fn log_start(board: &str, model: &Result<Model<'_>, ImageError>, boot: &Boot) {
    crate::info!(
        "{=str} started; crashes since power on: {=u32}",
        board,
        boot.crashes
    );
    match model {
        Ok(model) => crate::info!(
            "model {=str}: {=u32} movies, {=u32} users",
            model.header().name,
            model.movies(),
            model.users()
        ),
        // As on the wire; the words for it are the host's.
        Err(error) => {
            let (code, a, b) = error.to_numbers();
            crate::warning!("no model: code {=u8} ({=u32}, {=u32})", code, a, b);
        }
    }
}

/// A board's serial line, as the service sees it.
struct Line<B> {
    board: B,
    receive: &'static Receive,
}

impl<B: Board> Port for Line<B> {
    fn send(&mut self, bytes: &[u8]) {
        self.board.send(bytes);
    }

    fn now(&self) -> u32 {
        self.board.now_ms()
    }

    fn counters(&self) -> LinkCounters {
        LinkCounters {
            received: self.receive.received(),
            while_working: self.receive.during_work(),
            lost: self.receive.lost(),
            bad_frames: 0,
        }
    }

    fn working(&mut self, working: bool) {
        self.receive.set_working(working);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_packages() {
        assert_eq!(number("0"), 0);
        assert_eq!(number("128"), 128);
        let [major, minor, patch] = VERSION;
        assert_eq!(
            format!("{major}.{minor}.{patch}"),
            env!("CARGO_PKG_VERSION")
        );
    }
}
