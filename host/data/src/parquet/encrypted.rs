//! Files of Parquet's with encrypted columns and a plain end: the crate skips what says so, and takes them for damaged.
//!
//! The end is a struct in Thrift's compact form, of which only the kinds of fields are looked at.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// The field of the end that says how columns are encrypted.
const ALGORITHM: i64 = 8;
/// Structs in each other at most.
const DEEPEST: usize = 32;

/// Whether a file's end says that columns are encrypted.
pub(super) fn says(path: &Path) -> bool {
    end_of(path).is_ok_and(|end| Compact(&end).has(ALGORITHM).unwrap_or(false))
}

/// The end without the eight bytes that say how long it is.
fn end_of(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let mut tail = [0; 8];
    file.seek(SeekFrom::End(-8))?;
    file.read_exact(&mut tail)?;
    // Of a file that is cut the last bytes are any.
    if tail[4..] != *super::parts::MAGIC {
        return Ok(Vec::new());
    }
    let length = u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]);
    file.seek(SeekFrom::End(-8 - i64::from(length)))?;
    let mut end = Vec::new();
    file.take(length.into()).read_to_end(&mut end)?;
    Ok(end)
}

struct Compact<'a>(&'a [u8]);

impl Compact<'_> {
    /// Whether the struct that begins here has a field; nothing where it ends early.
    fn has(mut self, wanted: i64) -> Option<bool> {
        let mut id = 0;
        while let Some((kind, own)) = self.field(id)? {
            if own == wanted {
                return Some(true);
            }
            id = own;
            self.skip(kind, DEEPEST)?;
        }
        Some(false)
    }

    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    fn bytes(&mut self, count: u64) -> Option<()> {
        self.0 = self.0.get(usize::try_from(count).ok()?..)?;
        Some(())
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 127) << shift;
            if byte < 128 {
                return Some(number);
            }
        }
        None
    }

    /// The kind and the number of the next field behind that of number `before`; none behind the last.
    fn field(&mut self, before: i64) -> Option<Option<(u8, i64)>> {
        let head = self.byte()?;
        let id = match (head & 15, head >> 4) {
            (0, _) => return Some(None),
            (_, 0) => {
                let number = self.number()?;
                (number >> 1) as i64 ^ -((number & 1) as i64)
            }
            (_, more) => before + i64::from(more),
        };
        Some(Some((head & 15, id)))
    }

    fn skip(&mut self, kind: u8, deep: usize) -> Option<()> {
        let deep = deep.checked_sub(1)?;
        match kind {
            1 | 2 => Some(()),
            3 => self.bytes(1),
            4..=6 => self.number().map(|_| ()),
            7 => self.bytes(8),
            8 => {
                let length = self.number()?;
                self.bytes(length)
            }
            9 | 10 => {
                let head = self.byte()?;
                let count = match head >> 4 {
                    15 => self.number()?,
                    few => few.into(),
                };
                (0..count).try_for_each(|_| match head & 15 {
                    1 | 2 => self.bytes(1),
                    kind => self.skip(kind, deep),
                })
            }
            12 => {
                let mut id = 0;
                while let Some((kind, own)) = self.field(id)? {
                    id = own;
                    self.skip(kind, deep)?;
                }
                Some(())
            }
            // Maps, which no end has.
            _ => None,
        }
    }
}
