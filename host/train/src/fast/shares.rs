//! How threads divide numbered tasks: each has a stretch of its own to work through, and one that
//! is done takes from the ends of the others' stretches.
//!
//! So a thread's next task mostly follows the one that it has, is known beforehand, and is the
//! same thread's as it was a batch ago, whose rows are in that thread's cache.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

/// The tasks that each thread has left, start and end in the halves of a word.
#[derive(Debug)]
pub struct Shares(Vec<Left>);

/// On cache lines of its own, so that threads don't wait for each other's counting.
#[derive(Debug)]
#[repr(align(128))]
struct Left(AtomicU64);

fn pack(start: u64, end: u64) -> u64 {
    start << 32 | end
}

impl Shares {
    /// No tasks, for so many threads.
    pub fn new(threads: usize) -> Self {
        Self((0..threads).map(|_| Left(AtomicU64::new(0))).collect())
    }

    /// The stretch of `count` tasks (fewer than 2^32) that `thread` starts with.
    pub fn of(&self, thread: usize, count: usize) -> Range<usize> {
        let threads = self.0.len();
        count * thread / threads..count * (thread + 1) / threads
    }

    /// Deals out `count` tasks. Nobody may take any meanwhile.
    pub fn deal(&self, count: usize) {
        for (thread, left) in self.0.iter().enumerate() {
            let share = self.of(thread, count);
            let word = pack(share.start as u64, share.end as u64);
            left.0.store(word, Ordering::Relaxed);
        }
    }

    /// A task that nobody has had yet, for `thread`.
    pub fn take(&self, thread: usize) -> Option<usize> {
        let threads = self.0.len();
        let take = |from: usize, own: bool| {
            let step = |word: u64| {
                let (start, end) = (word >> 32, word & u64::from(u32::MAX));
                if start == end {
                    return None;
                }
                Some(if own {
                    pack(start + 1, end)
                } else {
                    pack(start, end - 1)
                })
            };
            let left = &self.0[from].0;
            let before = left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, step)
                .ok()?;
            let (start, end) = (before >> 32, before & u64::from(u32::MAX));
            Some(if own { start } else { end - 1 } as usize)
        };
        take(thread, true).or_else(|| {
            let others = (1..threads).map(|i| (thread + i) % threads);
            others.into_iter().find_map(|other| take(other, false))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn every_task_is_done_once_whoever_works() {
        for threads in [1, 2, 5] {
            for count in [0, 1, 4, 1000] {
                let shares = Shares::new(threads);
                shares.deal(count);
                let done: Vec<AtomicUsize> = (0..count).map(|_| AtomicUsize::new(0)).collect();
                std::thread::scope(|scope| {
                    // The last thread never comes: the others do its share.
                    for thread in 0..threads.max(2) - 1 {
                        let (shares, done) = (&shares, &done);
                        scope.spawn(move || {
                            while let Some(task) = shares.take(thread) {
                                done[task].fetch_add(1, Ordering::Relaxed);
                            }
                        });
                    }
                });
                assert!(done.iter().all(|done| done.load(Ordering::Relaxed) == 1));
            }
        }
    }
}
