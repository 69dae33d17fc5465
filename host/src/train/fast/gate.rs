//! Where threads meet: a barrier that spins for a moment and then sleeps.
//!
//! A batch has two meetings some tens of microseconds apart, so a thread that is about to be
//! met is worth waiting for awake. One that isn't (another process has its core) is waited for
//! asleep, which gives the scheduler this core to run it on.

use std::hint;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

/// Rounds of the spin before a thread sleeps: some tens of microseconds.
const SPINS: usize = 2_000;

/// A barrier for a fixed number of threads.
#[derive(Debug)]
pub struct Gate {
    threads: usize,
    arrived: AtomicUsize,
    round: AtomicU32,
    sleepers: Mutex<usize>,
    opened: Condvar,
}

impl Gate {
    /// A gate that opens when `threads` have come.
    pub fn new(threads: usize) -> Self {
        Self {
            threads,
            arrived: AtomicUsize::new(0),
            round: AtomicU32::new(0),
            sleepers: Mutex::new(0),
            opened: Condvar::new(),
        }
    }

    /// Waits for all threads. The last to come runs `alone` before anyone goes on; everything
    /// written before the gate is seen by everyone after it.
    pub fn pass(&self, alone: impl FnOnce()) {
        let round = self.round.load(Ordering::Acquire);
        if self.arrived.fetch_add(1, Ordering::AcqRel) + 1 == self.threads {
            alone();
            self.arrived.store(0, Ordering::Relaxed);
            let sleepers = self.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
            self.round.store(round.wrapping_add(1), Ordering::Release);
            if *sleepers > 0 {
                self.opened.notify_all();
            }
            return;
        }
        for _ in 0..SPINS {
            if self.round.load(Ordering::Acquire) != round {
                return;
            }
            hint::spin_loop();
        }
        let mut sleepers = self.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
        *sleepers += 1;
        while self.round.load(Ordering::Acquire) == round {
            sleepers = self
                .opened
                .wait(sleepers)
                .unwrap_or_else(PoisonError::into_inner);
        }
        *sleepers -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_passes_before_everybody_came_and_one_alone_acts_between() {
        let (threads, rounds) = (3, 2_000);
        let gate = Gate::new(threads);
        let (came, acted) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    for round in 1..=rounds {
                        came.fetch_add(1, Ordering::Relaxed);
                        gate.pass(|| {
                            acted.fetch_add(1, Ordering::Relaxed);
                        });
                        assert!(came.load(Ordering::Relaxed) >= round * threads);
                        assert!(acted.load(Ordering::Relaxed) >= round);
                        gate.pass(|| ());
                        if round % 500 == 0 {
                            // Long enough that the others fall asleep.
                            std::thread::sleep(std::time::Duration::from_millis(2));
                        }
                    }
                });
            }
        });
        assert_eq!(acted.load(Ordering::Relaxed), rounds);
    }
}
