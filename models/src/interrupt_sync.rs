//! Atomics before whose every access an interrupt may come.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{self, Ordering};

thread_local! {
    /// Accesses of the main loop so far.
    static ACCESSES: Cell<usize> = const { Cell::new(0) };
    /// Before which accesses the handler is to come, and the handler; not there while it runs.
    static HANDLER: RefCell<Option<Handler>> = const { RefCell::new(None) };
}

struct Handler {
    before: Vec<usize>,
    run: Box<dyn FnMut()>,
}

/// Does `main`, with the handler coming before each access of these numbers, from 0; of equal ones once for each.
pub fn interrupted(before: &[usize], handler: impl FnMut() + 'static, main: impl FnOnce()) {
    ACCESSES.set(0);
    let handler = Handler {
        before: before.to_vec(),
        run: Box::new(handler),
    };
    HANDLER.set(Some(handler));
    main();
    HANDLER.set(None);
}

/// How many accesses there were since the last call of [`interrupted`].
pub fn accesses() -> usize {
    ACCESSES.get()
}

/// An access of whoever runs: only one of the main loop's can be preceded by the handler.
fn access() {
    let Some(mut handler) = HANDLER.take() else {
        return;
    };
    let number = ACCESSES.get();
    ACCESSES.set(number + 1);
    for _ in handler.before.iter().filter(|before| **before == number) {
        (handler.run)();
    }
    HANDLER.set(Some(handler));
}

macro_rules! atomic {
    ($name:ident, $value:ty) => {
        /// As the standard library's.
        #[derive(Debug)]
        pub struct $name(atomic::$name);

        impl $name {
            /// Of a value.
            pub const fn new(value: $value) -> Self {
                Self(atomic::$name::new(value))
            }

            /// Reads it.
            pub fn load(&self, order: Ordering) -> $value {
                access();
                self.0.load(order)
            }

            /// Writes it.
            pub fn store(&self, value: $value, order: Ordering) {
                access();
                self.0.store(value, order);
            }
        }
    };
}

atomic!(AtomicBool, bool);
atomic!(AtomicU8, u8);
atomic!(AtomicU32, u32);
atomic!(AtomicUsize, usize);
