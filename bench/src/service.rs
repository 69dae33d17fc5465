//! What the service takes beside the work that it was asked for: a poll of one movie of a list each, of which all but some
//! cycles are beside its movie; a poll with nothing to do; and the answer with a list's movies.

use crate::region;
use core::mem::MaybeUninit;
use pocketrec::model::{Model, Wanted};
use pocketrec::rank::Order;
use pocketrec::service::{Board, Port, Service};
use pocketrec::store::InRam;
use pocketrec::wire::{
    Capabilities, LinkCounters, MAX_FRAME, Request, Reset, VERSION, Who, encode_frame,
};

/// A line that nobody listens to.
struct Nowhere;

impl Port for Nowhere {
    fn send(&mut self, _: &[u8]) {}

    fn now(&self) -> u32 {
        0
    }

    fn counters(&self) -> LinkCounters {
        LinkCounters {
            received: 0,
            while_working: 0,
            lost: 0,
            bad_frames: 0,
        }
    }

    fn working(&mut self, _: bool) {}
}

/// Asks for a list, lets `first` polls pass, in which most of what enters it does, and counts 64.
#[inline(never)]
pub fn polls(name: &str, model: Model<'static>, first: u32) {
    let mut place = MaybeUninit::uninit();
    let service = service(&mut place, model);
    let request = Request::TopN {
        who: Who::ImageUser(2),
        count: 10,
        include_rated: true,
        include_below: true,
        order: Order::Score,
        wanted: Wanted::ANY,
    };
    ask(service, &request);
    for _ in 0..first {
        service.poll(&mut Nowhere);
    }
    assert!(service.is_working(), "a list is being made");
    region(name, 64, || {
        for _ in 0..64 {
            service.poll(&mut Nowhere);
        }
    });
}

/// Counts a poll with nothing to do; then asks for movies similar to one and counts the last poll, which answers with ten.
#[inline(never)]
pub fn answer(model: Model<'static>) {
    let movies = model.movies();
    let mut place = MaybeUninit::uninit();
    let service = service(&mut place, model);
    region("poll_idle", 1, || service.poll(&mut Nowhere));
    ask(
        service,
        &Request::Similar {
            movie: 301,
            count: 10,
        },
    );
    for _ in 1..movies {
        service.poll(&mut Nowhere);
    }
    assert!(service.is_working(), "a movie is left");
    region("answer", 1, || service.poll(&mut Nowhere));
    assert!(!service.is_working(), "the list is made");
}

/// A service whose polls take one movie each.
fn service<'p>(
    place: &'p mut MaybeUninit<Service<'static, 1>>,
    model: Model<'static>,
) -> &'p mut Service<'static, 1> {
    let board = Board {
        name: "",
        firmware: [0; 3],
        capabilities: Capabilities(0),
        image_region: 0,
        reset: Reset::Power,
        at: 0,
        crashes: 0,
        poll_cycles: 1,
    };
    // Where it stays: there is no stack for two of them.
    Service::before_recall_in(place, Ok(model), board, InRam)
}

fn ask(service: &mut Service<'static, 1>, request: &Request) {
    let mut frame = [0; MAX_FRAME];
    let length = encode_frame(VERSION, 1, request, &mut frame).unwrap_or_default();
    for byte in frame.iter().take(length) {
        service.receive(*byte, &mut Nowhere);
    }
}
