//! Where threads meet: a barrier that spins for a moment and then sleeps.
//!
//! A batch has two meetings some tens of microseconds apart, so a thread that is about to be
//! met is worth waiting for awake. One that isn't (another process has its core) is waited for
//! asleep, which gives the scheduler this core to run it on.
//!
//! A thread that panics never comes, so it closes the gate as it unwinds: who waits there or comes later leaves.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use super::sync::{AtomicU32, AtomicUsize, Condvar, Mutex, MutexGuard, SPINS, spin_loop};

/// A barrier for a fixed number of threads.
#[derive(Debug)]
pub struct Gate {
    threads: usize,
    arrived: AtomicUsize,
    round: AtomicU32,
    waiting: Mutex<Waiting>,
    opened: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    sleepers: usize,
    closed: bool,
}

/// Why a thread unwinds that found the gate closed.
struct Left;

/// Closes a gate when it is dropped by a panic.
struct Closing<'a>(&'a Gate);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.waiting().closed = true;
            self.0.opened.notify_all();
        }
    }
}

impl Gate {
    /// A gate that opens when `threads` have come.
    pub fn new(threads: usize) -> Self {
        Self {
            threads,
            arrived: AtomicUsize::new(0),
            round: AtomicU32::new(0),
            waiting: Mutex::default(),
            opened: Condvar::new(),
        }
    }

    /// Does `first` on this thread and `other` on each other thread of the gate, given its number from 1.
    ///
    /// # Panics
    /// With the panic of one of them, if any: the others leave at the gate.
    pub fn run(&self, first: impl FnOnce(), other: impl Fn(usize) + Sync) {
        let panic = std::thread::scope(|scope| {
            // A thread that can't be had is a panic too.
            let _closing = Closing(self);
            let other = &other;
            let start = |thread| {
                scope.spawn(move || {
                    let _closing = Closing(self);
                    other(thread);
                })
            };
            let others: Vec<_> = (1..self.threads).map(start).collect();
            // Caught only until the others have ended: what it left half done, nobody sees.
            let first = catch_unwind(AssertUnwindSafe(|| {
                let _closing = Closing(self);
                first();
            }));
            let others = others.into_iter().map(|thread| thread.join());
            let mut panics = others
                .chain([first])
                .filter_map(Result::err)
                .collect::<Vec<_>>();
            panics.retain(|panic| !panic.is::<Left>());
            panics.pop()
        });
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for all threads. The last to come runs `alone` before anyone goes on; everything
    /// written before the gate is seen by everyone after it.
    ///
    /// Only threads of [`run`](Self::run) may pass. When one of them panics the others unwind from here.
    pub fn pass(&self, alone: impl FnOnce()) {
        self.pass_busy(alone, || false);
    }

    /// As [`pass`](Self::pass), but who waits does something meanwhile: a small piece a call of `meanwhile`, as
    /// long as that returns whether more is left.
    pub fn pass_busy(&self, alone: impl FnOnce(), mut meanwhile: impl FnMut() -> bool) {
        // Read before arriving: from then on the last to come may open the gate, and the round be the next.
        let round = self.round.load(Ordering::Acquire);
        if self.arrived.fetch_add(1, Ordering::AcqRel) + 1 == self.threads {
            alone();
            // Nobody looks at it before the round is another: whoever did has arrived.
            self.arrived.store(0, Ordering::Relaxed);
            // Under the lock, so that nobody is between finding the round unchanged and falling asleep.
            let waiting = self.waiting();
            self.round.store(round.wrapping_add(1), Ordering::Release);
            if waiting.sleepers > 0 {
                self.opened.notify_all();
            }
            return;
        }
        while self.round.load(Ordering::Acquire) == round && meanwhile() {}
        for _ in 0..SPINS {
            if self.round.load(Ordering::Acquire) != round {
                return;
            }
            spin_loop();
        }
        let mut waiting = self.waiting();
        waiting.sleepers += 1;
        while self.round.load(Ordering::Acquire) == round {
            if waiting.closed {
                drop(waiting);
                // Without a word: the panic that closed the gate has been told.
                resume_unwind(Box::new(Left));
            }
            waiting = self
                .opened
                .wait(waiting)
                .unwrap_or_else(PoisonError::into_inner);
        }
        waiting.sleepers -= 1;
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
        let work = |_| {
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
        };
        gate.run(|| work(0), work);
        assert_eq!(acted.load(Ordering::Relaxed), rounds);
    }

    #[test]
    fn who_waits_does_something_meanwhile_until_it_is_done_or_the_gate_opens() {
        let gate = Gate::new(2);
        let pieces = AtomicUsize::new(0);
        let wait_for = |count: usize| {
            let begin = std::time::Instant::now();
            while pieces.load(Ordering::Relaxed) < count {
                assert!(begin.elapsed().as_secs() < 30, "nothing was done meanwhile");
                spin_loop();
            }
        };
        let late = || {
            wait_for(3);
            gate.pass_busy(|| (), || unreachable!("the last to come doesn't wait"));
            wait_for(4);
            gate.pass_busy(|| (), || unreachable!("the last to come doesn't wait"));
        };
        let early = |_| {
            let piece = || pieces.fetch_add(1, Ordering::Relaxed) + 1;
            gate.pass_busy(|| (), || piece() < 3);
            assert_eq!(pieces.load(Ordering::Relaxed), 3);
            // Of this there is no end but the gate's opening.
            gate.pass_busy(|| (), || piece() > 0);
        };
        gate.run(late, early);
    }

    #[test]
    fn a_panic_of_one_thread_ends_all_and_reaches_the_caller() {
        // Who panics, and where: on its way to the gate, or alone there.
        for (threads, who, alone) in [(2, 0, false), (2, 1, false), (3, 2, false), (3, 0, true)] {
            let (told, hear) = std::sync::mpsc::channel();
            std::thread::spawn(move || {
                let gate = Gate::new(threads);
                let passed = AtomicUsize::new(0);
                let work = |thread| {
                    for round in 0..100 {
                        let due = round == 50;
                        assert!(alone || !due || thread != who, "thread {who}");
                        gate.pass(|| assert!(!alone || !due, "thread {who}"));
                        passed.fetch_add(1, Ordering::Relaxed);
                    }
                };
                let run = || gate.run(|| work(0), work);
                let panic = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
                let text = panic.downcast_ref::<String>().cloned();
                // Nobody listens any more if this was too late.
                let _ = told.send((text, passed.into_inner()));
            });
            let came = hear.recv_timeout(std::time::Duration::from_secs(30));
            let expected = (Some(format!("thread {who}")), 50 * threads);
            assert_eq!(came, Ok(expected), "{threads} threads");
        }
    }
}
