//! A neighbour that takes one core's time: how training fares when the machine isn't its own.

use std::hint::spin_loop;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use anyhow::Result;

use pocketrec_base::error::BadInput;

/// A busy loop pinned to the first core, until dropped.
pub(super) struct Busy {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Busy {
    /// Starts it.
    ///
    /// # Errors
    /// [`BadInput`] where a thread can't be pinned.
    pub(super) fn start() -> Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let told = stop.clone();
        let (say, hear) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let pinned = pin();
            // Whoever started it waits for this.
            let _ = say.send(pinned);
            while pinned && !told.load(Ordering::Relaxed) {
                spin_loop();
            }
        });
        let busy = Self {
            stop,
            thread: Some(thread),
        };
        match hear.recv() {
            Ok(true) => Ok(busy),
            _ => Err(BadInput::new(
                "--neighbour needs a system where a thread can be pinned to a core, such as Linux",
            )
            .into()),
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // It only spins, so it doesn't panic.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Pins this thread to the first core that the process may use.
#[cfg(target_os = "linux")]
fn pin() -> bool {
    let size = size_of::<libc::cpu_set_t>();
    // SAFETY: a set of cores is plain bits, for which zeros are a value; the calls read and write it within its size,
    // and 0 names the thread that calls.
    unsafe {
        let mut may: libc::cpu_set_t = std::mem::zeroed();
        if libc::sched_getaffinity(0, size, &mut may) != 0 {
            return false;
        }
        let first = (0..libc::CPU_SETSIZE as usize).find(|&core| libc::CPU_ISSET(core, &may));
        first.is_some_and(|core| {
            let mut only: libc::cpu_set_t = std::mem::zeroed();
            libc::CPU_SET(core, &mut only);
            libc::sched_setaffinity(0, size, &only) == 0
        })
    }
}

#[cfg(not(target_os = "linux"))]
fn pin() -> bool {
    false
}
