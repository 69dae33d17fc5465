//! A port whose bytes wait in a queue until the program's own task sends them.

use heapless::Deque;

use super::Port;
use crate::wire::{LinkCounters, MAX_FRAME};

/// A [`Port`] that keeps what a service sends until the program takes it: for a UART that can't be waited on inside a
/// call, as in async firmware, where the task that owns the UART feeds [`Service::receive`](super::Service::receive),
/// polls, and then writes [`waiting`](Self::waiting) out.
///
/// A call of a service sends at most two frames; a program that empties the queue before each call needs
/// [`ENOUGH`](Self::ENOUGH) bytes. What finds too little room is dropped whole and [counted](Self::dropped), as a port may: the
/// host asks again.
///
/// Costs `N` bytes of RAM and 8 words. Its queue is heapless's; where a program is compiled with checks for overflow, those
/// of that library are in it.
#[derive(Clone, Debug, Default)]
pub struct QueuedPort<const N: usize> {
    queue: Deque<u8, N>,
    now: u32,
    counters: LinkCounters,
    is_working: bool,
    dropped: u32,
}

impl<const N: usize> QueuedPort<N> {
    /// Bytes that hold whatever one call of a service sends.
    pub const ENOUGH: usize = 2 * MAX_FRAME + 64;

    /// A port without anything to send, at the time 0.
    pub const fn new() -> Self {
        Self {
            queue: Deque::new(),
            now: 0,
            counters: LinkCounters {
                received: 0,
                while_working: 0,
                lost: 0,
                bad_frames: 0,
            },
            is_working: false,
            dropped: 0,
        }
    }

    /// Sets the time: milliseconds since the start, which wrap around.
    pub fn set_now(&mut self, now: u32) {
        self.now = now;
    }

    /// Counts bytes that the UART received.
    pub fn count_received(&mut self, bytes: u32) {
        let counters = &mut self.counters;
        counters.received = counters.received.wrapping_add(bytes);
        if self.is_working {
            counters.while_working = counters.while_working.wrapping_add(bytes);
        }
    }

    /// Counts bytes that the UART lost.
    pub fn count_lost(&mut self, bytes: u32) {
        self.counters.lost = self.counters.lost.wrapping_add(bytes);
    }

    /// The first bytes that wait, as many as lie side by side; empty when nothing waits.
    pub fn waiting(&self) -> &[u8] {
        self.queue.as_slices().0
    }

    /// Takes away the first `bytes` that wait, once they are sent.
    pub fn sent(&mut self, bytes: usize) {
        for _ in 0..bytes {
            if self.queue.pop_front().is_none() {
                return;
            }
        }
    }

    /// Frames that found no room.
    pub fn dropped(&self) -> u32 {
        self.dropped
    }
}

impl<const N: usize> Port for QueuedPort<N> {
    fn send(&mut self, bytes: &[u8]) {
        if bytes.len() > N.saturating_sub(self.queue.len()) {
            self.dropped = self.dropped.wrapping_add(1);
            return;
        }
        for byte in bytes {
            // There is room.
            let _ = self.queue.push_back(*byte);
        }
    }

    fn now(&self) -> u32 {
        self.now
    }

    fn counters(&self) -> LinkCounters {
        self.counters
    }

    fn working(&mut self, working: bool) {
        self.is_working = working;
    }
}
