//! Being told to end from outside: by Ctrl-C, by SIGTERM, and by SIGHUP when a terminal is closed.
//!
//! Unless somebody heeds it, the program ends at once and leaves nothing half-written ([`files::end`]). Who can end in
//! order asks with [`heed`] to be told instead; a second signal ends the program at once all the same.

use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Mutex, Once, PoisonError};

use crate::files;

/// A closed terminal and Ctrl-C, as systems number them.
const HANG_UP: u8 = 1;
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

/// Whether the flag of [`heed`] is set, for what waits without asking a board.
pub fn is_told_to_end() -> bool {
    STOP.load(Ordering::Relaxed)
}

/// Waits until there are keys to read, for at most `limit`, and tells whether the terminal on standard input is still
/// there. Where it was closed, the flag of [`heed`] is set as by a SIGHUP, also if none comes or it is ignored. A system
/// that can't tell has not waited.
///
/// To be asked before `crossterm` reads: where the terminal was closed, its reading never ends.
pub fn wait_for_keys(limit: std::time::Duration) -> bool {
    let is_there = !system::hangs_up(limit);
    if !is_there && !STOP.load(Ordering::Relaxed) {
        CAME.store(HANG_UP, Ordering::Relaxed);
        STOP.store(true, Ordering::Relaxed);
    }
    is_there
}

/// The exit code of a program that a signal ended, as shells have it: 128 and the signal's number.
pub fn exit_code() -> u8 {
    128 + CAME.load(Ordering::Relaxed)
}

fn heeded() -> std::sync::MutexGuard<'static, Option<&'static str>> {
    HEEDED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn came(signal: u8) {
    let first = !STOP.load(Ordering::Relaxed);
    if !first && signal == HANG_UP && CAME.load(Ordering::Relaxed) == HANG_UP {
        // That a terminal was closed a program may hear from its shell, from the system and from `wait_for_keys`.
        return;
    }
    CAME.store(signal, Ordering::Relaxed);
    let said = *heeded();
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

    /// Whether standard input is a terminal that was closed, once there is something to read or `limit` has passed.
    pub fn hangs_up(limit: std::time::Duration) -> bool {
        let mut input = libc::pollfd {
            fd: libc::STDIN_FILENO,
            events: libc::POLLIN,
            revents: 0,
        };
        let milliseconds = limit.as_millis().try_into().unwrap_or(i32::MAX);
        // SAFETY: there is one descriptor, and only what came of it is written.
        let ready = unsafe { libc::poll(&raw mut input, 1, milliseconds) };
        ready > 0 && input.revents & libc::POLLHUP != 0
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

    /// A terminal is closed here together with its programs.
    pub fn hangs_up(_: std::time::Duration) -> bool {
        false
    }

    /// Nobody is ended here for printing to a closed pipe.
    pub fn outlive_readers() {}
}
