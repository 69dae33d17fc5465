//! The firmware's own `memcpy` and its kin, called in the emulator.

use anyhow::{Context, Result};
use object::{Object, ObjectSymbol};
use pocketrec_link::emulator::Emulator;
use tests::control::{Gdb, Waiting, gdb};
use tests::firmware::{DEBUGGED, PROFILES, elf, known};

/// RAM that a firmware which hasn't started doesn't use.
const PLACE: u32 = 0x2000_0800;
/// Bytes of it that are looked at: more than the longest copy needs at both ends.
const BYTES: usize = 160;

/// Lengths with every number of bytes behind the last word, and of words behind the last four.
fn lengths() -> impl Iterator<Item = usize> {
    (0..10).chain([12, 15, 16, 17, 19, 20, 31, 32, 33, 44, 47, 48, 49, 63])
}

struct Board {
    debugger: Gdb,
    elf: Vec<u8>,
    home: u32,
    _emulator: Emulator,
}

impl Board {
    fn boot(name: &str) -> Result<Self> {
        let path = elf(name, PROFILES[1])?;
        let waiting = Waiting::new()?;
        let arguments = [gdb(&waiting)?, vec!["-S".into()]].concat();
        let emulator = Emulator::boot_with(known(name)?, &path, None, &arguments)?;
        let elf = std::fs::read(path)?;
        Ok(Self {
            debugger: Gdb::hold(waiting)?,
            home: address(&elf, "main")?,
            elf,
            _emulator: emulator,
        })
    }

    fn address(&self, symbol: &str) -> Result<u32> {
        address(&self.elf, symbol)
    }

    /// Calls a function on synthetic bytes; returns what they were, what they are, and what it returned.
    fn call(&mut self, function: u32, arguments: &[u32]) -> Result<(Vec<u8>, Vec<u8>, u32)> {
        let before = (1..=BYTES as u8)
            .map(|i| i.wrapping_mul(37))
            .collect::<Vec<_>>();
        self.debugger.write(PLACE, &before)?;
        let result = self.debugger.call(function, arguments, self.home)?;
        let after = self.debugger.read(PLACE, BYTES as u32)?;
        Ok((before, after, result))
    }
}

fn address(elf: &[u8], symbol: &str) -> Result<u32> {
    let file = object::File::parse(elf)?;
    let found = file.symbols().find(|found| found.name() == Ok(symbol));
    let found = found.with_context(|| format!("the firmware has no {symbol}"))?;
    Ok(found.address() as u32)
}

#[test]
fn memory_is_copied_to_the_byte_for_every_alignment_and_overlap() -> Result<()> {
    for name in DEBUGGED {
        let mut board = Board::boot(name)?;
        for function in ["memcpy", "memmove"] {
            let address = board.address(function)?;
            for length in lengths() {
                for to in 68..72 {
                    let near = [
                        to - 16,
                        to - 5,
                        to - 4,
                        to - 1,
                        to + 1,
                        to + 4,
                        to + 5,
                        to + 16,
                    ];
                    let far = 0..4;
                    let overlaps = function == "memmove";
                    for from in far.chain(near.into_iter().filter(|_| overlaps)) {
                        let arguments = [PLACE + to, PLACE + from, length as u32];
                        let (mut due, after, result) = board.call(address, &arguments)?;
                        due.copy_within(from as usize..from as usize + length, to as usize);
                        let case = format!("{name}: {function}({to}, {from}, {length})");
                        assert_eq!(after, due, "{case}");
                        assert_eq!(result, PLACE + to, "{case}");
                    }
                }
            }
        }
    }
    Ok(())
}

#[test]
fn memory_is_filled_to_the_byte_for_every_alignment() -> Result<()> {
    for name in DEBUGGED {
        let mut board = Board::boot(name)?;
        let in_c = board.address("memset")?;
        let eabi = board.address("__aeabi_memset")?;
        let clear = board.address("__aeabi_memclr")?;
        for length in lengths() {
            for to in 4..8_u32 {
                // Bits of an `int` above the byte don't count.
                let (value, byte) = (0xffff_ffa5, 0xa5);
                for (function, [second, third], byte) in [
                    (in_c, [value, length as u32], byte),
                    (eabi, [length as u32, value], byte),
                    (clear, [length as u32, value], 0),
                ] {
                    let arguments = [PLACE + to, second, third];
                    let (mut due, after, result) = board.call(function, &arguments)?;
                    due[to as usize..][..length].fill(byte);
                    assert_eq!(after, due, "{name}: {byte} x {length} at {to}");
                    if function == in_c {
                        assert_eq!(result, PLACE + to, "{name}");
                    }
                }
            }
        }
    }
    Ok(())
}

#[test]
fn memory_is_compared_by_its_first_byte_that_differs() -> Result<()> {
    for name in DEBUGGED {
        let mut board = Board::boot(name)?;
        let compare = board.address("memcmp")?;
        for (a, b) in [(0, 0), (0, 1), (3, 2), (7, 100), (100, 7)] {
            for length in [0, 1, 2, 16, 33_usize] {
                let arguments = [PLACE + a, PLACE + b, length as u32];
                let (before, after, result) = board.call(compare, &arguments)?;
                let [a, b] = [a, b].map(|at| &before[at as usize..][..length]);
                assert_eq!((result as i32).cmp(&0), a.cmp(b), "{name}: {a:?} {b:?}");
                assert_eq!(after, before, "{name}");
            }
        }
    }
    Ok(())
}
