//! What happens when the system gives no more memory: a sentence and exit code 1, and nothing half-written is left.
//!
//! [`Telling`] is the allocator of the command line. Who can do with less asks within [`may_fail`] (as `try_reserve` does)
//! and is told instead.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// The system's allocator, which ends the program with a sentence where it gives nothing.
#[derive(Debug)]
pub struct Telling;

// SAFETY: each call is the system's allocator's own, with the arguments that came.
unsafe impl GlobalAlloc for Telling {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        given(unsafe { System.alloc(layout) }, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        given(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as above.
        given(unsafe { System.realloc(memory, layout, size) }, size)
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }
}

thread_local! {
    /// Whether this thread copes with less.
    static COPES: Cell<bool> = const { Cell::new(false) };
}

/// Does what asks for memory that it can do without.
pub fn may_fail<T>(ask: impl FnOnce() -> T) -> T {
    let before = COPES.replace(true);
    let result = ask();
    COPES.set(before);
    result
}

fn given(memory: *mut u8, size: usize) -> *mut u8 {
    if memory.is_null() && !COPES.try_with(Cell::get).unwrap_or(false) {
        end(size);
    }
    memory
}

/// Tells it and ends, without asking for more.
#[cold]
fn end(size: usize) -> ! {
    static ENDING: AtomicBool = AtomicBool::new(false);
    // What fails while it ends, here or in another thread, can say nothing more.
    COPES.set(true);
    if !ENDING.swap(true, Ordering::SeqCst) {
        let mut text = [0; 200];
        let mut room = &mut text[..];
        let _ = writeln!(
            room,
            "error: this machine gives no more memory ({} KB more were asked for); fewer ratings, users or movies, or a \
             smaller --dim, take less",
            size.div_ceil(1000)
        );
        let left = room.len();
        let _ = io::stderr().write_all(&text[..text.len() - left]);
        crate::files::abandon();
        std::process::exit(1)
    }
    // Another thread is at it, and ends the program when nothing half-written is left.
    loop {
        std::thread::park();
    }
}
