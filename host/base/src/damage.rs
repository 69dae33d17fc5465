//! Damage to files, for tests of what reads them: whatever is in a file, reading ends with what it holds or with a
//! sentence. Tests of rooms that read files compile this file; no program does.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;

/// A change of a file, at a share of its length.
#[derive(Clone, Debug)]
pub(crate) enum Damage {
    /// Another byte.
    Byte(f64, u8),
    /// The end is missing.
    Cut(f64),
    /// Some bytes are missing.
    Gone(f64, usize),
    /// Some bytes are there twice.
    Twice(f64, usize),
    /// The nearest digit and those behind it are nines, and one more: a size that nobody has the memory for.
    Nines(f64),
    /// Four or eight bytes are those of a large number: such a size in a binary header.
    Large(f64, bool),
}

/// Some of them, one after the other.
pub(crate) fn some() -> impl Strategy<Value = Vec<Damage>> {
    let at = 0.0..1.0;
    let one = prop_oneof![
        4 => (at.clone(), any::<u8>()).prop_map(|(at, byte)| Damage::Byte(at, byte)),
        1 => at.clone().prop_map(Damage::Cut),
        1 => (at.clone(), 1_usize..40).prop_map(|(at, length)| Damage::Gone(at, length)),
        1 => (at.clone(), 1_usize..40).prop_map(|(at, length)| Damage::Twice(at, length)),
        2 => at.clone().prop_map(Damage::Nines),
        1 => (at, any::<bool>()).prop_map(|(at, long)| Damage::Large(at, long)),
    ];
    prop::collection::vec(one, 1..4)
}

/// A file with such damage.
pub(crate) fn damaged(file: &[u8], damages: &[Damage]) -> Vec<u8> {
    let mut file = file.to_vec();
    damages.iter().for_each(|damage| damage.apply(&mut file));
    file
}

impl Damage {
    fn apply(&self, file: &mut Vec<u8>) {
        let place = |at: &f64| (at * file.len() as f64) as usize;
        match self {
            _ if file.is_empty() => {}
            Damage::Byte(at, byte) => {
                let at = place(at);
                file[at] = *byte;
            }
            Damage::Cut(at) => file.truncate(place(at)),
            Damage::Gone(at, length) => {
                let from = place(at);
                file.drain(from..file.len().min(from + length));
            }
            Damage::Twice(at, length) => {
                let from = place(at);
                let again = file[from..file.len().min(from + length)].to_vec();
                file.splice(from..from, again);
            }
            Damage::Nines(at) => {
                let digit = file.iter().skip(place(at)).position(u8::is_ascii_digit);
                let Some(from) = digit.map(|digit| digit + place(at)) else {
                    return;
                };
                let digits = file[from..].iter().take_while(|byte| byte.is_ascii_digit());
                let end = from + digits.count();
                file.splice(from..end, std::iter::repeat_n(b'9', end - from + 1));
            }
            Damage::Large(at, long) => {
                // Four bytes beside each other are aligned in most headers.
                let from = place(at) & !3;
                let number = if *long { 1u64 << 40 } else { 0xf000_0000 }.to_le_bytes();
                let number = if *long { &number[..] } else { &number[..4] };
                for (to, byte) in file[from..].iter_mut().zip(number) {
                    *to = *byte;
                }
            }
        }
    }
}

/// Fails unless this is a sentence of a bearable length that names the file. Line breaks within what a file calls its own
/// are escaped where it is printed.
pub(crate) fn is_sentence(sentence: &str, file: &str) {
    let is_short = (1..600).contains(&sentence.chars().count());
    assert!(is_short, "{sentence:?} isn't a sentence");
    assert!(sentence.contains(file), "{sentence:?} doesn't name {file}");
}

/// The system's memory; keeps how much the most was that was asked for at once.
pub(crate) struct Watched;

static MOST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: all is the system's own.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        MOST.fetch_max(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the same promises to this one.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        MOST.fetch_max(layout.size(), Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        MOST.fetch_max(size, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }
}

/// Fails if more memory was asked for at once than any test's file is worth. Needs [`Watched`].
pub(crate) fn no_memory_is_claimed() {
    const BEARABLE: usize = 1 << 28;
    let most = MOST.load(Ordering::Relaxed);
    assert!(
        (1..BEARABLE).contains(&most),
        "{most} bytes were asked for at once"
    );
}
