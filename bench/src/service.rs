//! What a poll of the service takes, of one movie of a list each: all but some cycles of it is beside its movie.

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
    let mut place = MaybeUninit::uninit();
    let service = Service::<1>::before_recall_in(&mut place, Ok(model), board, InRam);
    let request = Request::TopN {
        who: Who::ImageUser(2),
        count: 10,
        include_rated: true,
        include_below: true,
        order: Order::Score,
        wanted: Wanted::ANY,
    };
    let mut frame = [0; MAX_FRAME];
    let length = encode_frame(VERSION, 1, &request, &mut frame).unwrap_or_default();
    for byte in frame.iter().take(length) {
        service.receive(*byte, &mut Nowhere);
    }
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
