//! Consistent Overhead Byte Stuffing (Cheshire and Baker, 1999): bytes without zeros, at most one byte longer in
//! 254. Our own, since a ready-made one brings panics into a firmware.

/// The most bytes that `length` bytes become.
pub const fn encoded_length(length: usize) -> usize {
    length + length / 254 + 1
}

/// An encoder into a buffer, a byte at a time.
pub struct Encoder<'b> {
    out: &'b mut [u8],
    /// Where the code byte of the block in the making stands.
    code_at: usize,
    code: u8,
    at: usize,
}

impl<'b> Encoder<'b> {
    pub fn new(out: &'b mut [u8]) -> Self {
        Self {
            out,
            code_at: 0,
            code: 1,
            at: 1,
        }
    }

    fn put(&mut self, at: usize, byte: u8) -> Option<()> {
        *self.out.get_mut(at)? = byte;
        Some(())
    }

    fn close(&mut self) -> Option<()> {
        self.put(self.code_at, self.code)?;
        self.code_at = self.at;
        self.code = 1;
        self.at = self.at.wrapping_add(1);
        Some(())
    }

    /// Takes in bytes; `None` when the buffer is full. A function of its own: a frame has several parts, and a copy of this
    /// for each takes 200 bytes of flash.
    #[inline(never)]
    pub fn extend(&mut self, bytes: &[u8]) -> Option<()> {
        for &byte in bytes {
            self.push(byte)?;
        }
        Some(())
    }

    fn push(&mut self, byte: u8) -> Option<()> {
        // A full block stands for no zero. It is closed when more follows, so that no frame ends in an empty one.
        if self.code == 0xff {
            self.close()?;
        }
        if byte == 0 {
            return self.close();
        }
        self.put(self.at, byte)?;
        self.at = self.at.wrapping_add(1);
        self.code = self.code.wrapping_add(1);
        Some(())
    }

    /// Ends the frame with a zero; returns its length.
    pub fn finish(mut self) -> Option<usize> {
        self.put(self.code_at, self.code)?;
        self.put(self.at, 0)?;
        Some(self.at.wrapping_add(1))
    }
}

/// Decodes a frame without its ending zero in place; returns the length of the plain bytes, at the front of
/// `bytes`, or `None` where the code is broken.
pub fn decode_in_place(bytes: &mut [u8]) -> Option<usize> {
    let (mut from, mut to) = (0_usize, 0_usize);
    while from < bytes.len() {
        let code = usize::from(*bytes.get(from)?);
        let end = from.wrapping_add(code);
        if code == 0 || end > bytes.len() {
            return None;
        }
        from = from.wrapping_add(1);
        while from < end {
            let byte = *bytes.get(from)?;
            if byte == 0 {
                return None;
            }
            *bytes.get_mut(to)? = byte;
            from = from.wrapping_add(1);
            to = to.wrapping_add(1);
        }
        if code != 0xff && from < bytes.len() {
            *bytes.get_mut(to)? = 0;
            to = to.wrapping_add(1);
        }
    }
    Some(to)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    fn encode(plain: &[u8]) -> Vec<u8> {
        let mut out = std::vec![0xaa; encoded_length(plain.len()) + 1];
        let mut encoder = Encoder::new(&mut out);
        for &byte in plain {
            encoder.push(byte).unwrap();
        }
        let length = encoder.finish().unwrap();
        out.truncate(length);
        out
    }

    proptest! {
        #[test]
        fn what_was_encoded_has_no_zero_but_the_last_and_comes_back(
            runs in proptest::collection::vec((prop_oneof![0_usize..5, 250_usize..260, 500_usize..515], 0_usize..3), 0..4)
        ) {
            // Runs without zeros, many of them about as long as a block, then some zeros.
            let mut plain = Vec::new();
            for (run, zeros) in runs {
                plain.extend((0..run).map(|i| (i % 255) as u8 + 1));
                plain.extend(core::iter::repeat_n(0, zeros));
            }
            let mut coded = encode(&plain);
            prop_assert!(coded.len() <= encoded_length(plain.len()) + 1);
            prop_assert_eq!(coded.pop(), Some(0));
            prop_assert!(coded.iter().all(|&b| b != 0));
            let length = decode_in_place(&mut coded).unwrap();
            prop_assert_eq!(&coded[..length], &plain[..]);
        }

        #[test]
        fn noise_is_decoded_in_bounds_or_refused(mut noise in proptest::collection::vec(any::<u8>(), 0..600)) {
            if let Some(length) = decode_in_place(&mut noise) {
                prop_assert!(length <= noise.len());
            }
        }
    }

    #[test]
    fn blocks_of_254_are_coded_as_the_paper_has_it() {
        assert_eq!(encode(&[]), [1, 0]);
        assert_eq!(encode(&[0]), [1, 1, 0]);
        assert_eq!(encode(&[0x11, 0x22, 0, 0x33]), [3, 0x11, 0x22, 2, 0x33, 0]);
        let full: Vec<u8> = (1..=254).collect();
        let coded = encode(&full);
        assert_eq!((coded.len(), coded[0], coded[255]), (256, 255, 0));
    }
}
