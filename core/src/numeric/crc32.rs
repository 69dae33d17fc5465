//! CRC-32 as Ethernet and zip have it (reflected, polynomial 0xEDB88320), a nibble at a time: a table of 64 bytes
//! and about 14 instructions a byte.

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
}
