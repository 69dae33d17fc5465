//! Values from postcard's bytes, of the kinds that requests and images consist of.

use super::text::text;
use crate::image::MAX_TEXT;
use crate::wire::Who;

/// Behind the end its bytes are zeros.
pub(super) struct Reader<'de> {
    pub(super) rest: &'de [u8],
    /// Whether a byte wasn't there, or a number wasn't one.
    pub(super) failed: bool,
}

// None of these is inlined: a field of a message is a call, and no more.
impl<'de> Reader<'de> {
    pub(super) fn new(bytes: &'de [u8]) -> Self {
        Self {
            rest: bytes,
            failed: false,
        }
    }

    /// A message that was read, and what is behind it.
    pub(super) fn end<T>(self, message: T) -> Option<(T, &'de [u8])> {
        (!self.failed).then_some((message, self.rest))
    }

    #[inline(never)]
    pub(super) fn byte(&mut self) -> u8 {
        match self.rest {
            [byte, rest @ ..] => {
                self.rest = rest;
                *byte
            }
            [] => {
                self.failed = true;
                0
            }
        }
    }

    /// A number of as many bits as `largest` has, all of them ones. Longer codes of small numbers are taken up to the
    /// length of the longest number's, as postcard takes them.
    #[inline(never)]
    pub(super) fn varint(&mut self, largest: usize) -> usize {
        let (mut number, mut shift) = (0, 0);
        loop {
            let byte = usize::from(self.byte());
            if byte > largest.wrapping_shr(shift) {
                self.failed = true;
                return 0;
            }
            number |= (byte & 0x7f).wrapping_shl(shift);
            if byte < 0x80 {
                return number;
            }
            shift = shift.wrapping_add(7);
        }
    }

    #[inline(never)]
    pub(super) fn word(&mut self) -> u32 {
        let mut word = 0;
        for _ in 0..4 {
            word = word >> 8 | u32::from(self.byte()) << 24;
        }
        word
    }

    #[inline(never)]
    pub(super) fn who(&mut self) -> Who {
        match self.varint(u32::MAX as usize) {
            0 => Who::Owner(self.byte()),
            code => {
                self.failed |= code != 1;
                Who::ImageUser(self.varint(u32::MAX as usize) as u32)
            }
        }
    }

    /// Whether a byte is 1 and not 0.
    #[inline(never)]
    pub(super) fn flag(&mut self) -> bool {
        let byte = self.byte();
        self.failed |= byte > 1;
        byte == 1
    }

    #[inline(never)]
    pub(super) fn bytes(&mut self) -> &'de [u8] {
        let count = self.varint(usize::MAX);
        let (bytes, rest) = self.rest.split_at_checked(count).unwrap_or_else(|| {
            self.failed = true;
            (&[], &[])
        });
        self.rest = rest;
        bytes
    }

    /// A text of at most [`MAX_TEXT`] bytes.
    #[inline(never)]
    pub(super) fn text(&mut self) -> &'de str {
        let bytes = Some(self.bytes()).filter(|bytes| bytes.len() <= MAX_TEXT);
        bytes.and_then(text).unwrap_or_else(|| {
            self.failed = true;
            ""
        })
    }
}
