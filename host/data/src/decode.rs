//! Bytes of a text file as text, whatever wrote it: UTF-8, UTF-16, or what Windows wrote before.

/// A decoded text.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Decoded {
    /// The text, without a byte order mark.
    pub text: String,
    /// How many lines hold bytes that aren't UTF-8 and were read as Windows-1252, which has ISO-8859-1's letters.
    pub lines: u64,
    /// The first of them, from 1; 0 if there are none.
    pub first: u64,
    /// Whether other lines do hold letters in UTF-8: then the file is damaged or put together from two.
    pub mixed: bool,
}

/// Decodes `bytes`. What isn't UTF-8 is taken byte by byte, so that one bad byte spoils no letter but its own.
pub fn decode(bytes: &[u8]) -> Decoded {
    if let Some(text) = utf16(bytes) {
        return Decoded {
            text,
            ..Decoded::default()
        };
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Decoded {
            text: text.to_owned(),
            ..Decoded::default()
        };
    }
    let mut decoded = Decoded::default();
    decoded.text.reserve(bytes.len() + bytes.len() / 8);
    for (number, line) in (1..).zip(bytes.split_inclusive(|byte| *byte == b'\n')) {
        let mut whole = true;
        for chunk in line.utf8_chunks() {
            decoded.text.push_str(chunk.valid());
            decoded.mixed |= !chunk.valid().is_ascii();
            whole &= chunk.invalid().is_empty();
            decoded
                .text
                .extend(chunk.invalid().iter().map(|byte| windows_1252(*byte)));
        }
        if !whole {
            decoded.lines += 1;
            if decoded.first == 0 {
                decoded.first = number;
            }
        }
    }
    decoded
}

/// Text in UTF-16 that starts with a byte order mark, or with two letters of ASCII.
fn utf16(bytes: &[u8]) -> Option<String> {
    let (bytes, little) = match bytes {
        [0xff, 0xfe, rest @ ..] => (rest, true),
        [0xfe, 0xff, rest @ ..] => (rest, false),
        [1..=255, 0, 1..=255, 0, ..] => (bytes, true),
        [0, 1..=255, 0, 1..=255, ..] => (bytes, false),
        _ => return None,
    };
    let units = bytes.chunks_exact(2).map(|pair| match (pair, little) {
        ([low, high], true) | ([high, low], false) => u16::from_be_bytes([*high, *low]),
        _ => 0,
    });
    let letters = char::decode_utf16(units);
    Some(
        letters
            .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect(),
    )
}

/// The letters of Windows-1252 where it differs from ISO-8859-1, from 0x80; the five bytes that it leaves out are
/// controls, as browsers have it.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

fn windows_1252(byte: u8) -> char {
    let special = byte
        .checked_sub(0x80)
        .and_then(|at| WINDOWS_1252.get(usize::from(at)));
    special.copied().unwrap_or(char::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bad_byte_spoils_no_other_letter() {
        let decoded =
            decode(b"Am\xc3\xa9lie \xe2\x80\x94 ok\nL\xe9on, Am\xc3\xa9lie\n\x80 \x93x\x94\n");
        assert_eq!(decoded.text, "Amélie — ok\nLéon, Amélie\n€ “x”\n");
        assert_eq!((decoded.lines, decoded.first, decoded.mixed), (2, 2, true));
    }

    #[test]
    fn a_whole_file_of_another_age_is_read_and_counted() {
        let decoded = decode(b"plain\nL\xe9on\r\nMis\xe9rables, Les\n");
        assert_eq!(decoded.text, "plain\nLéon\r\nMisérables, Les\n");
        assert_eq!((decoded.lines, decoded.first, decoded.mixed), (2, 2, false));
    }

    #[test]
    fn byte_order_marks_say_what_it_is_and_are_no_text() {
        let text = "movieId,title\n1,Léon 🎬\n";
        let units = || text.encode_utf16();
        let little: Vec<u8> = units().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = units().flat_map(u16::to_be_bytes).collect();
        for bytes in [
            text.as_bytes().to_vec(),
            [b"\xef\xbb\xbf", text.as_bytes()].concat(),
            [b"\xff\xfe", &little[..]].concat(),
            [b"\xfe\xff", &big[..]].concat(),
            little.clone(),
            big.clone(),
        ] {
            let decoded = decode(&bytes);
            assert_eq!((decoded.text.as_str(), decoded.lines), (text, 0));
        }
        assert_eq!(decode(b""), Decoded::default());
        assert_eq!(decode(b"\xff\xfe\x00").text, "");
    }
}
