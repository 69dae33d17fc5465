//! Being told to end from outside: by Ctrl-C, by SIGTERM, and by SIGHUP when a terminal is closed.
//!
//! Unless somebody heeds it, the program ends at once and leaves nothing half-written ([`files::end`]). Who can end in
//! order asks with [`heed`] to be told instead; a second signal ends the program at once all the same.

use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Mutex, Once, PoisonError};

use crate::files;

/// Ctrl-C, as systems number it.
const INTERRUPT: u8 = 2;

static STOP: AtomicBool = AtomicBool::new(false);
/// The first signal that came.
static CAME: AtomicU8 = AtomicU8::new(INTERRUPT);
/// What is said when the first one comes; none while nobody heeds it.
static HEEDED: Mutex<Option<&'static str>> = Mutex::new(None);

/// From now on signals end the program as this module says. What whoever started the program had it ignore, as `nohup`
/// does with SIGHUP, stays ignored. Done once, however often it is asked for.
pub fn watch() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // A system that doesn't let it ends the program in its own way.
        let _ = system::each(came);
    });
}

/// A flag that the first signal sets from now on, instead of ending the program; `said` is then told on standard error
/// unless it is empty.
pub fn heed(said: &'static str) -> &'static AtomicBool {
    *heeded() = Some(said);
    watch();
    &STOP
}

/// The exit code of a program that a signal ended, as shells have it: 128 and the signal's number.
pub fn exit_code() -> u8 {
    128 + CAME.load(Ordering::Relaxed)
}

fn heeded() -> std::sync::MutexGuard<'static, Option<&'static str>> {
    HEEDED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn came(signal: u8) {
    let said = *heeded();
    let first = !STOP.load(Ordering::Relaxed);
    CAME.store(signal, Ordering::Relaxed);
    match said.filter(|_| first) {
        Some(said) => {
            STOP.store(true, Ordering::Relaxed);
            system::outlive_readers();
            if !said.is_empty() {
                // Of a terminal that was closed nobody reads it.
                let _ = writeln!(std::io::stderr(), "{said}");
            }
        }
        None => files::end(exit_code()),
    }
}

#[cfg(unix)]
mod system {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    /// Calls `came` on a thread of its own with the number of each signal that comes.
    pub fn each(came: fn(u8)) -> std::io::Result<()> {
        let wanted = [SIGINT, SIGTERM, SIGHUP].into_iter();
        let mut signals = Signals::new(wanted.filter(|signal| !is_ignored(*signal)))?;
        std::thread::Builder::new()
            .name("signals".into())
            .spawn(move || {
                signals
                    .forever()
                    .filter_map(|signal| u8::try_from(signal).ok())
                    .for_each(came);
            })?;
        Ok(())
    }

    /// From now on who prints to a pipe that nobody reads any more is told so, instead of being ended: Ctrl-C ends the
    /// `tee` behind a program too.
    pub fn outlive_readers() {
        // SAFETY: a signal is ignored, and no code of ours runs in a handler.
        unsafe {
            libc::signal(libc::SIGPIPE, libc::SIG_IGN);
        }
    }

    fn is_ignored(signal: i32) -> bool {
        // SAFETY: `sigaction` is plain data, and with no new action the call only fills it in.
        unsafe {
            let mut now: libc::sigaction = std::mem::zeroed();
            libc::sigaction(signal, std::ptr::null(), &raw mut now) == 0
                && now.sa_sigaction == libc::SIG_IGN
        }
    }
}

#[cfg(not(unix))]
mod system {
    /// Calls `came` on a thread of its own for each Ctrl-C.
    pub fn each(came: fn(u8)) -> Result<(), ctrlc::Error> {
        ctrlc::set_handler(move || came(super::INTERRUPT))
    }

    /// Nobody is ended here for printing to a closed pipe.
    pub fn outlive_readers() {}
}
