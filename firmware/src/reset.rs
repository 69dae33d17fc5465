//! What a panic or a fault leaves in RAM before the reset that it causes, and how the next boot reads it.

use core::sync::atomic::{AtomicU32, Ordering};

/// Why the board last reset itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A panic, at this line of its source file.
    Panic {
        /// The line.
        line: u32,
    },
    /// A fault of the processor, at this address.
    Fault {
        /// The program counter where it struck.
        address: u32,
    },
}

/// What a boot finds out about the last run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Boot {
    /// What ended the last run, when that was a crash.
    pub cause: Option<Cause>,
    /// Crashes since power came on.
    pub crashes: u32,
}

/// Words of RAM that no boot clears: a firmware keeps one in its linker's `.uninit` section.
///
/// After power-up they hold noise; a record counts only with its magic number and its check word.
pub struct Record {
    magic: AtomicU32,
    kind: AtomicU32,
    detail: AtomicU32,
    count: AtomicU32,
    check: AtomicU32,
}

const MAGIC: u32 = 0x706f_636b;
const PANIC: u32 = 1;
const FAULT: u32 = 2;
/// Read by a boot already: only the count still holds.
const TOLD: u32 = 3;

impl Record {
    /// An empty record. (The linker doesn't load it.)
    pub const fn new() -> Self {
        Self {
            magic: AtomicU32::new(0),
            kind: AtomicU32::new(0),
            detail: AtomicU32::new(0),
            count: AtomicU32::new(0),
            check: AtomicU32::new(0),
        }
    }

    /// Writes the cause; the reset that follows keeps it.
    pub fn write(&self, cause: Cause) {
        let (kind, detail) = match cause {
            Cause::Panic { line } => (PANIC, line),
            Cause::Fault { address } => (FAULT, address),
        };
        self.store(kind, detail, self.crashes().wrapping_add(1));
    }

    /// What the last run left. The cause is told once: a reset by its button later is not another crash.
    pub fn boot(&self) -> Boot {
        let crashes = self.crashes();
        let detail = self.detail.load(Ordering::Relaxed);
        let cause = match self.kind.load(Ordering::Relaxed) {
            PANIC if self.is_whole() => Some(Cause::Panic { line: detail }),
            FAULT if self.is_whole() => Some(Cause::Fault { address: detail }),
            _ => None,
        };
        self.store(TOLD, 0, crashes);
        Boot { cause, crashes }
    }

    fn crashes(&self) -> u32 {
        if self.is_whole() {
            self.count.load(Ordering::Relaxed)
        } else {
            0
        }
    }

    fn is_whole(&self) -> bool {
        let [kind, detail, count] =
            [&self.kind, &self.detail, &self.count].map(|word| word.load(Ordering::Relaxed));
        self.magic.load(Ordering::Relaxed) == MAGIC
            && self.check.load(Ordering::Relaxed) == check(kind, detail, count)
    }

    fn store(&self, kind: u32, detail: u32, count: u32) {
        self.magic.store(MAGIC, Ordering::Relaxed);
        self.kind.store(kind, Ordering::Relaxed);
        self.detail.store(detail, Ordering::Relaxed);
        self.count.store(count, Ordering::Relaxed);
        self.check
            .store(check(kind, detail, count), Ordering::Relaxed);
    }
}

impl Default for Record {
    fn default() -> Self {
        Self::new()
    }
}

fn check(kind: u32, detail: u32, count: u32) -> u32 {
    !(MAGIC ^ kind.rotate_left(8) ^ detail.rotate_left(16) ^ count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boot_tells_the_last_crash_once_and_counts_them_all() {
        let record = Record::new();
        assert_eq!(
            record.boot(),
            Boot {
                cause: None,
                crashes: 0
            }
        );
        record.write(Cause::Panic { line: 42 });
        record.write(Cause::Fault {
            address: 0x0801_0203,
        });
        let cause = Some(Cause::Fault {
            address: 0x0801_0203,
        });
        assert_eq!(record.boot(), Boot { cause, crashes: 2 });
        assert_eq!(
            record.boot(),
            Boot {
                cause: None,
                crashes: 2
            }
        );
        record.write(Cause::Panic { line: 7 });
        let cause = Some(Cause::Panic { line: 7 });
        assert_eq!(record.boot(), Boot { cause, crashes: 3 });
    }

    #[test]
    fn noise_in_any_word_is_no_crash() {
        for word in 0..5 {
            let record = Record::new();
            record.write(Cause::Panic { line: 42 });
            let words = [
                &record.magic,
                &record.kind,
                &record.detail,
                &record.count,
                &record.check,
            ];
            words[word].store(0x1234_5678, Ordering::Relaxed);
            assert_eq!(
                record.boot(),
                Boot {
                    cause: None,
                    crashes: 0
                },
                "word {word}"
            );
        }
    }
}
