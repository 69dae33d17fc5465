//! CRC-32 as Ethernet and zip have it (reflected, polynomial 0xEDB88320), a nibble at a time: a table of 64 bytes
//! and about 14 instructions a byte. Where memory is no matter, on targets of 64 bits, eight bytes at a time by 8 KB of tables
//! (Kounavis and Berry, "Novel table lookup-based algorithms for high-performance CRC generation", 2008).

use crate::numeric::pace::walked;

/// Cycles that a byte takes at most, on a Cortex-M0.
pub(crate) const BYTE: u32 = 24;

const TABLE: [u32; 16] = {
    let mut table = [0; 16];
    let mut i = 0;
    while i < 16 {
        let mut value = i as u32;
        let mut bit = 0;
        while bit < 4 {
            value = if value & 1 == 1 {
                (value >> 1) ^ 0xedb8_8320
            } else {
                value >> 1
            };
            bit += 1;
        }
        #[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
        {
            table[i] = value;
        }
        i += 1;
    }
    table
};

/// A CRC-32 in the making.
#[derive(Clone, Copy, Debug)]
pub struct Crc32(u32);

impl Crc32 {
    /// The CRC of nothing yet.
    pub const fn new() -> Self {
        Self(u32::MAX)
    }

    /// The CRC of what gave `sum`, so that more can be taken in.
    pub(crate) const fn after(sum: u32) -> Self {
        Self(!sum)
    }

    /// Takes in `bytes`.
    #[inline(never)]
    pub fn update(&mut self, bytes: &[u8]) {
        walked(bytes.len(), BYTE);
        let mut crc = self.0;
        #[cfg(target_pointer_width = "64")]
        let bytes = {
            let (eights, rest) = bytes.as_chunks();
            crc = wide::update(crc, eights);
            rest
        };
        for &byte in bytes {
            crc ^= u32::from(byte);
            crc = (crc >> 4) ^ nibble(crc);
            crc = (crc >> 4) ^ nibble(crc);
        }
        self.0 = crc;
    }

    /// The CRC of all that was taken in.
    pub const fn finish(self) -> u32 {
        !self.0
    }
}

impl Default for Crc32 {
    fn default() -> Self {
        Self::new()
    }
}

#[inline]
fn nibble(crc: u32) -> u32 {
    // The mask keeps the index inside the table; the compiler sees it and drops the check.
    TABLE.get((crc & 15) as usize).copied().unwrap_or_default()
}

#[cfg(target_pointer_width = "64")]
mod wide {
    use super::TABLE;

    /// What a byte adds to the CRC of the bytes behind it: as many of these as its table's number.
    static TABLES: [[u32; 256]; 8] = {
        let mut tables = [[0; 256]; 8];
        let mut byte = 0;
        while byte < 256 {
            let mut crc = byte as u32;
            let mut behind = 0;
            while behind < 8 {
                let mut nibble = 0;
                #[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
                while nibble < 2 {
                    crc = (crc >> 4) ^ TABLE[(crc & 15) as usize];
                    nibble += 1;
                }
                #[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
                {
                    tables[behind][byte] = crc;
                }
                behind += 1;
            }
            byte += 1;
        }
        tables
    };

    pub(super) fn update(mut crc: u32, eights: &[[u8; 8]]) -> u32 {
        for eight in eights {
            let bytes = (u64::from_le_bytes(*eight) ^ u64::from(crc)).to_le_bytes();
            crc = bytes
                .iter()
                .zip(TABLES.iter().rev())
                .fold(0, |crc, (byte, table)| {
                    crc ^ table.get(usize::from(*byte)).copied().unwrap_or_default()
                });
        }
        crc
    }
}

/// The CRC-32 of `bytes`.
pub fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = Crc32::new();
    crc.update(bytes);
    crc.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_the_catalogue_of_crcs_comes_out() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b""), 0);
    }

    #[test]
    fn pieces_give_what_the_whole_gives() {
        let mut crc = Crc32::new();
        crc.update(b"1234");
        crc.update(b"");
        crc.update(b"56789");
        assert_eq!(crc.finish(), 0xcbf4_3926);
    }

    #[test]
    fn many_bytes_at_a_time_give_what_each_gives() {
        let bytes: [u8; 100] = core::array::from_fn(|at| (at * at + 7 * at) as u8);
        for length in 0..=bytes.len() {
            for start in 0..9.min(length) {
                let bytes = &bytes[start..length];
                let mut crc = Crc32::new();
                for byte in bytes {
                    crc.update(&[*byte]);
                }
                assert_eq!(crc32(bytes), crc.finish(), "{start} to {length}");
            }
        }
    }
}
