//! A service behind the port that queues.

use crate::service::{BOARD, Line, frame_of};
use pocketrec::image::example;
use pocketrec::model::Wanted;
use pocketrec::rank::Order;
use pocketrec::service::{Port, QueuedPort, Service};
use pocketrec::wire::{MAX_LIST, Request, VERSION, Who};

const ENOUGH: usize = QueuedPort::<0>::ENOUGH;

/// Requests of every length of answer, each asked twice.
fn requests() -> Vec<Request> {
    let all = [
        Request::Hello,
        Request::ModelInfo,
        Request::Limits,
        Request::Health,
        Request::TopN {
            who: Who::Owner(0),
            count: MAX_LIST as u8,
            include_rated: false,
            include_below: false,
            order: Order::Score,
            wanted: Wanted::ANY,
        },
        Request::Profile { who: Who::Owner(0) },
    ];
    all.into_iter().flat_map(|each| [each, each]).collect()
}

#[test]
fn what_a_queue_gives_away_piece_by_piece_is_what_a_line_was_sent_and_enough_is_enough() {
    let image = example();
    for piece in [1, 7, 64, ENOUGH] {
        let model = || crate::open(image.bytes());
        let (mut waited, mut queued) = (Line::default(), QueuedPort::<ENOUGH>::new());
        let (mut one, mut other) = (
            Service::<2>::new(model(), BOARD),
            Service::<2>::new(model(), BOARD),
        );
        let mut taken = Vec::new();
        let mut take = |queued: &mut QueuedPort<ENOUGH>| {
            while !queued.waiting().is_empty() {
                let bytes = queued.waiting().len().min(piece);
                taken.extend_from_slice(&queued.waiting()[..bytes]);
                queued.sent(bytes);
            }
        };
        for (number, request) in requests().into_iter().enumerate() {
            for byte in frame_of(VERSION, number as u32 / 2, &request) {
                one.receive(byte, &mut waited);
                other.receive(byte, &mut queued);
                take(&mut queued);
            }
            while one.is_working() || other.is_working() {
                one.poll(&mut waited);
                other.poll(&mut queued);
                take(&mut queued);
            }
        }
        assert_eq!(queued.dropped(), 0);
        assert!(taken.len() > 100);
        assert!(taken == waited.sent, "pieces of {piece}");
    }
}

#[test]
fn a_frame_without_room_is_dropped_whole_and_counted() {
    let mut port = QueuedPort::<8>::new();
    port.send(&[1, 2, 3, 4, 5]);
    port.send(&[6, 7, 8, 9]);
    assert_eq!((port.waiting(), port.dropped()), (&[1, 2, 3, 4, 5][..], 1));
    port.sent(3);
    // Around the end of the queue's memory: what lies side by side comes first.
    port.send(&[6, 7, 8, 9]);
    let mut all = Vec::new();
    while !port.waiting().is_empty() {
        all.extend_from_slice(port.waiting());
        port.sent(port.waiting().len());
    }
    assert_eq!((all, port.dropped()), (vec![4, 5, 6, 7, 8, 9], 1));
}

#[test]
fn bytes_are_counted_as_received_during_work_only_then() {
    let mut port = QueuedPort::<8>::new();
    port.count_received(3);
    port.working(true);
    port.count_received(5);
    port.working(false);
    port.count_lost(2);
    port.set_now(77);
    let counters = port.counters();
    assert_eq!(
        (
            counters.received,
            counters.while_working,
            counters.lost,
            port.now()
        ),
        (8, 5, 2, 77)
    );
}
