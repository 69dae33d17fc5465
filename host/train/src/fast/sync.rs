//! What the gate is made of, apart so that `models/` can put something else in its place.

pub use std::hint::spin_loop;
pub use std::sync::atomic::{AtomicU32, AtomicUsize};
pub use std::sync::{Condvar, Mutex, MutexGuard};

/// Rounds of the spin before a thread sleeps: some tens of microseconds.
pub const SPINS: usize = 2_000;
