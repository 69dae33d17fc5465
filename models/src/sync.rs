//! What the gate is made of, by loom: see `host/train/src/fast/sync.rs`.

pub use loom::hint::spin_loop;
pub use loom::sync::atomic::{AtomicU32, AtomicUsize};
pub use loom::sync::{Condvar, Mutex, MutexGuard};

/// Each round is one more switch of threads to be tried.
pub const SPINS: usize = 1;
