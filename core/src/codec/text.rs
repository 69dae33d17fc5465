//! Bytes to text: what the standard library's check does, in a third of its code and without its table of 256 bytes.
#![allow(unsafe_code)]

/// The text that `bytes` are, if they are UTF-8.
pub(crate) fn text(bytes: &[u8]) -> Option<&str> {
    let mut rest = bytes;
    while let [first, behind @ ..] = rest {
        let first = u32::from(*first);
        let (count, least) = match first {
            0..0x80 => (0, 0),
            0xc0..0xe0 => (1, 0x80),
            0xe0..0xf0 => (2, 0x800),
            0xf0..0xf8 => (3, 0x1_0000),
            _ => return None,
        };
        let (more, behind) = behind.split_at_checked(count)?;
        // The first byte's bits, less those that tell the length.
        let mut code = if count == 0 {
            first
        } else {
            first & (0x3f >> count)
        };
        for byte in more {
            if byte & 0xc0 != 0x80 {
                return None;
            }
            code = code << 6 | u32::from(byte & 0x3f);
        }
        // No longer code than it takes, no half of a pair of UTF-16, and nothing behind the last character.
        if code < least || code >> 11 == 0x1b || code > 0x10_ffff {
            return None;
        }
        rest = behind;
    }
    // SAFETY: each character was checked above.
    Some(unsafe { core::str::from_utf8_unchecked(bytes) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_character_is_text() {
        for character in '\0'..=char::MAX {
            let mut place = [0; 4];
            let bytes = character.encode_utf8(&mut place).as_bytes();
            assert_eq!(text(bytes), core::str::from_utf8(bytes).ok());
            assert!(text(bytes).is_some());
        }
    }

    #[test]
    fn every_three_bytes_are_text_where_the_standard_library_says_so() {
        for bits in 0..1_u32 << 24 {
            let bytes = &bits.to_be_bytes()[1..];
            assert_eq!(text(bytes), core::str::from_utf8(bytes).ok(), "{bytes:x?}");
        }
    }

    #[test]
    fn four_bytes_are_text_where_the_standard_library_says_so() {
        // All first and second bytes, and the others at the edges of their ranges.
        let edges = [0, 0x7f, 0x80, 0x81, 0xbf, 0xc0, 0xff];
        for front in 0..=u16::MAX {
            for third in edges {
                for fourth in edges {
                    let [first, second] = front.to_be_bytes();
                    let bytes = [first, second, third, fourth];
                    assert_eq!(
                        text(&bytes),
                        core::str::from_utf8(&bytes).ok(),
                        "{bytes:x?}"
                    );
                }
            }
        }
    }

    proptest! {
        #[test]
        fn noise_is_text_where_the_standard_library_says_so(
            mut bytes in proptest::collection::vec(any::<u8>(), 0..12), words in ".{0,12}", at in 0_usize..12
        ) {
            prop_assert_eq!(text(&bytes), core::str::from_utf8(&bytes).ok());
            let cut = bytes.len().min(at);
            bytes.splice(cut..cut, words.bytes());
            prop_assert_eq!(text(&bytes), core::str::from_utf8(&bytes).ok());
            prop_assert_eq!(text(words.as_bytes()), Some(&*words));
        }
    }
}
