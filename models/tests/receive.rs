//! The ring that a board takes bytes in with, its interrupt handler coming before every access of the main loop.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use models::interrupt::receive::{CAPACITY, Receive};
use models::interrupt::{accesses, interrupted};

/// Fetches until nothing is left, with a byte coming at each of `before`, into a ring that has `waiting` bytes already.
/// Returns how many accesses of the main loop there were.
fn run(waiting: usize, before: &[usize]) -> usize {
    let ring = Rc::new(Receive::new());
    // Starts anywhere but at the ring's first place.
    for byte in 0..CAPACITY - 3 {
        ring.push(byte as u8);
        assert_eq!(ring.pop(), Some(byte as u8));
    }
    let sent = Rc::new(RefCell::new(Vec::new()));
    let next = Rc::new(Cell::new(0_u8));
    let send = {
        let (ring, sent) = (ring.clone(), sent.clone());
        move || {
            let (byte, lost) = (next.get(), ring.lost());
            next.set(byte.wrapping_add(1));
            ring.push(byte);
            // What is lost is counted; what isn't has to come out.
            if ring.lost() == lost {
                sent.borrow_mut().push(byte);
            }
        }
    };
    for _ in 0..waiting {
        send();
    }
    let mut came = Vec::new();
    let main = || {
        for _ in 0..3 {
            let empty = ring.is_empty();
            match ring.pop() {
                Some(byte) => came.push(byte),
                None => assert!(empty, "it had a byte, and lost it"),
            }
        }
    };
    interrupted(before, send, main);
    let count = accesses();
    came.extend(std::iter::from_fn(|| ring.pop()));
    assert_eq!(came, *sent.borrow(), "{waiting} waiting, {before:?}");
    let free = CAPACITY - waiting;
    let most = before.len().saturating_sub(free) as u32;
    assert!(ring.lost() <= most, "{waiting} waiting, {before:?}");
    count
}

#[test]
fn whenever_bytes_come_all_that_fit_are_fetched_in_order_and_once() {
    for waiting in [0, 1, 2, 3, CAPACITY - 2, CAPACITY - 1, CAPACITY] {
        let count = run(waiting, &[]);
        assert!(
            count >= 3 * 4,
            "{count} accesses of three looks and fetches"
        );
        for first in 0..=count {
            run(waiting, &[first]);
            for second in first..=count + 4 {
                run(waiting, &[first, second]);
            }
        }
    }
}
