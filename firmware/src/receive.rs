//! Bytes that the UART's interrupt took in, in order, until the main loop fetches them.
//!
//! A ring of atomics, so that the interrupt handler and the main loop share a plain `static`: heapless's queue
//! would hand a producer to the handler, which takes `unsafe` or a lock to get it there.

use core::sync::atomic::Ordering;

use super::sync::{AtomicBool, AtomicU8, AtomicU32, AtomicUsize};

/// Bytes of the ring: two frames of the largest size and room to spare. A power of two.
pub const CAPACITY: usize = 1024;

/// A ring of received bytes between one interrupt handler, or several of one priority, and one main loop.
///
/// Costs [`CAPACITY`] bytes of RAM and 24 more. No call waits.
pub struct Receive {
    bytes: [AtomicU8; CAPACITY],
    /// Bytes ever taken in; written by the interrupt handler only.
    head: AtomicUsize,
    /// Bytes ever fetched; written by the main loop only.
    tail: AtomicUsize,
    working: AtomicBool,
    during_work: AtomicU32,
    lost: AtomicU32,
}

impl Receive {
    /// An empty ring.
    pub const fn new() -> Self {
        Self {
            bytes: [const { AtomicU8::new(0) }; CAPACITY],
            head: AtomicUsize::new(0),
            tail: AtomicUsize::new(0),
            working: AtomicBool::new(false),
            during_work: AtomicU32::new(0),
            lost: AtomicU32::new(0),
        }
    }

    /// Takes in a byte; the interrupt handler calls it. A byte that finds the ring full is lost and counted.
    pub fn push(&self, byte: u8) {
        let head = self.head.load(Ordering::Relaxed);
        let free = CAPACITY - head.wrapping_sub(self.tail.load(Ordering::Acquire));
        match self.bytes.get(head % CAPACITY) {
            Some(place) if free > 0 => {
                place.store(byte, Ordering::Relaxed);
                self.head.store(head.wrapping_add(1), Ordering::Release);
            }
            _ => self.lose(),
        }
        if self.working.load(Ordering::Relaxed) {
            add_one(&self.during_work);
        }
    }

    /// Whether so many bytes would not find the ring full; the interrupt handler asks where whoever sends them can wait.
    pub fn has_room_for(&self, bytes: usize) -> bool {
        let head = self.head.load(Ordering::Relaxed);
        CAPACITY - head.wrapping_sub(self.tail.load(Ordering::Acquire)) >= bytes
    }

    /// Counts a byte that the UART lost before the handler came; the interrupt handler calls it.
    pub fn lose(&self) {
        add_one(&self.lost);
    }

    /// Fetches the oldest byte; the main loop calls it.
    pub fn pop(&self) -> Option<u8> {
        let tail = self.tail.load(Ordering::Relaxed);
        if tail == self.head.load(Ordering::Acquire) {
            return None;
        }
        let byte = self.bytes.get(tail % CAPACITY)?.load(Ordering::Relaxed);
        self.tail.store(tail.wrapping_add(1), Ordering::Release);
        Some(byte)
    }

    /// Whether nothing waits to be fetched.
    pub fn is_empty(&self) -> bool {
        self.tail.load(Ordering::Relaxed) == self.head.load(Ordering::Acquire)
    }

    /// Bytes ever taken in; wraps.
    pub fn received(&self) -> u32 {
        self.head.load(Ordering::Relaxed) as u32
    }

    /// Says whether a long request is being worked on, so that bytes that arrive meanwhile are counted apart.
    pub fn set_working(&self, working: bool) {
        self.working.store(working, Ordering::Relaxed);
    }

    /// Bytes that arrived while a long request was being worked on, since boot.
    pub fn during_work(&self) -> u32 {
        self.during_work.load(Ordering::Relaxed)
    }

    /// Bytes lost since boot, in the UART or for want of room here.
    pub fn lost(&self) -> u32 {
        self.lost.load(Ordering::Relaxed)
    }
}

impl Default for Receive {
    fn default() -> Self {
        Self::new()
    }
}

/// A count has one writer, the interrupt handler: a load and a store do, where Cortex-M0 has no atomic addition.
fn add_one(count: &AtomicU32) {
    count.store(
        count.load(Ordering::Relaxed).wrapping_add(1),
        Ordering::Relaxed,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_in_the_order_they_came_in() {
        let receive = Receive::new();
        for round in 0..5 {
            for i in 0..CAPACITY - 1 {
                receive.push((i + round) as u8);
            }
            for i in 0..CAPACITY - 1 {
                assert_eq!(receive.pop(), Some((i + round) as u8));
            }
            assert_eq!(receive.pop(), None);
        }
        assert_eq!(receive.lost(), 0);
    }

    #[test]
    fn a_full_ring_keeps_what_it_has_and_counts_what_it_loses() {
        let receive = Receive::new();
        for i in 0..CAPACITY + 3 {
            receive.push(i as u8);
        }
        assert_eq!(receive.lost(), 3);
        assert!(receive.has_room_for(0) && !receive.has_room_for(1));
        for i in 0..CAPACITY {
            assert_eq!(receive.pop(), Some(i as u8));
        }
        assert!(receive.is_empty());
        assert!(receive.has_room_for(CAPACITY) && !receive.has_room_for(CAPACITY + 1));
    }

    #[test]
    fn bytes_are_counted_as_during_work_only_while_work_lasts() {
        let receive = Receive::new();
        receive.push(1);
        receive.set_working(true);
        receive.push(2);
        receive.push(3);
        receive.set_working(false);
        receive.push(4);
        assert_eq!(receive.during_work(), 2);
    }

    #[test]
    fn one_thread_may_push_while_another_pops() {
        static RECEIVE: Receive = Receive::new();
        const COUNT: usize = 100_000;
        let producer = std::thread::spawn(|| {
            for i in 0..COUNT {
                while RECEIVE.head.load(Ordering::Relaxed) - RECEIVE.tail.load(Ordering::Relaxed)
                    >= CAPACITY
                {
                    std::thread::yield_now();
                }
                RECEIVE.push(i as u8);
            }
        });
        for i in 0..COUNT {
            let byte = loop {
                match RECEIVE.pop() {
                    Some(byte) => break byte,
                    None => std::thread::yield_now(),
                }
            };
            assert_eq!(byte, i as u8);
        }
        producer.join().unwrap();
        assert_eq!(RECEIVE.lost(), 0);
    }
}
