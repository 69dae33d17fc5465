//! NumPy's format of one array: a line of Python that says what is in it, then the elements.
//!
//! The line is read here: crates that read it bring a parser of Python's literals with dozens of crates below it.

use crate::array::{Array, Element};
use crate::bytes::Bytes;

/// The first bytes.
pub const MAGIC: &[u8] = b"\x93NUMPY";

/// The array in a file.
///
/// # Errors
/// What is wrong with it, in words that follow its name.
pub fn read(bytes: Bytes) -> Result<Array, String> {
    let cut = || "is cut: it ends within its header".to_owned();
    let version = *bytes.get(6).ok_or_else(cut)?;
    let (length, start) = match version {
        1 => {
            let length = bytes.get(8..10).ok_or_else(cut)?;
            (u16::from_le_bytes([length[0], length[1]]).into(), 10)
        }
        2 | 3 => {
            let length = bytes.get(8..12).ok_or_else(cut)?;
            let length = u32::from_le_bytes([length[0], length[1], length[2], length[3]]);
            (length as usize, 12)
        }
        other => {
            return Err(format!(
                "is in version {other} of NumPy's format; 1 to 3 are known"
            ));
        }
    };
    let header = bytes
        .get(start..)
        .and_then(|rest| rest.get(..length))
        .ok_or_else(cut)?;
    let header = String::from_utf8_lossy(header).into_owned();
    let wrong = || {
        let start: String = header.trim().chars().take(80).collect();
        format!(
            "has a header that can't be understood: {}",
            start.escape_debug()
        )
    };
    let descr = value(&header, "descr").ok_or_else(wrong)?;
    let Some(descr) = descr
        .strip_prefix(['\'', '"'])
        .and_then(|rest| rest.split(['\'', '"']).next())
    else {
        return Err(
            "holds records of several fields; save each field as an array of its own".into(),
        );
    };
    let fortran = match value(&header, "fortran_order").ok_or_else(wrong)? {
        text if text.starts_with("True") => true,
        text if text.starts_with("False") => false,
        _ => return Err(wrong()),
    };
    let shape = value(&header, "shape").and_then(shape).ok_or_else(wrong)?;
    let (element, big_endian) = element(descr)?;
    let range = start + length..bytes.len();
    Ok(Array::new(shape, element, bytes, range)?.ordered(fortran, big_endian))
}

/// What stands behind a key.
fn value<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let quoted = [format!("'{key}'"), format!("\"{key}\"")];
    let behind = quoted
        .iter()
        .find_map(|key| header.split_once(key.as_str()))?
        .1;
    Some(behind.trim_start().strip_prefix(':')?.trim_start())
}

/// `(3, 4), …`, `(3,)`, `()`.
fn shape(text: &str) -> Option<Vec<usize>> {
    let (sides, _) = text.strip_prefix('(')?.split_once(')')?;
    let sides = sides
        .split(',')
        .map(str::trim)
        .filter(|side| !side.is_empty());
    sides
        .map(|side| side.trim_end_matches('L').parse().ok())
        .collect()
}

/// `<f4` and the like, and whether its bytes are in big-endian order.
fn element(descr: &str) -> Result<(Element, bool), String> {
    let rest = descr.trim_start_matches(['<', '>', '|', '=']);
    let big_endian = descr.starts_with('>');
    let unknown =
        || format!("holds elements of the type {descr}, which is none of numbers and texts");
    let kind = rest.chars().next().ok_or_else(unknown)?;
    let size: usize = rest[kind.len_utf8()..].parse().unwrap_or(0);
    let element = match (kind, size) {
        ('f', 2) => Element::F16,
        ('f', 4) => Element::F32,
        ('f', 8) => Element::F64,
        ('i', 1 | 2 | 4 | 8) => Element::Signed(size),
        ('u', 1 | 2 | 4 | 8) => Element::Unsigned(size),
        ('S', _) => Element::Bytes(size),
        ('U', _) => Element::Characters(size),
        ('O', _) => Element::Other("a pickle of Python objects".into()),
        _ => Element::Other(format!("elements of the type {descr}")),
    };
    Ok((element, big_endian))
}

/// An array's file, for tests.
#[cfg(test)]
pub(crate) fn written(descr: &str, shape: &str, bytes: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    while !(10 + header.len() + 1).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    let length = (header.len() as u16).to_le_bytes();
    [MAGIC, &[1, 0], &length, header.as_bytes(), bytes].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(bytes: Vec<u8>) -> Result<Array, String> {
        super::read(bytes.into())
    }

    #[test]
    fn arrays_of_numbers_and_texts_are_read_in_either_order() {
        let floats: Vec<u8> = [1.0f32, 2.0, 3.0, 4.0]
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect();
        let array = read(written("<f4", "(2, 2)", &floats)).unwrap();
        assert_eq!(
            (&*array.floats().unwrap(), &array.shape[..]),
            (&[1.0, 2.0, 3.0, 4.0][..], &[2, 2][..])
        );
        let mut bytes = written("<f4", "(2, 2)", &floats);
        let at = bytes.windows(5).position(|w| w == b"False").unwrap();
        bytes.splice(at..at + 5, *b"True ");
        assert_eq!(
            &*read(bytes).unwrap().floats().unwrap(),
            [1.0, 3.0, 2.0, 4.0]
        );
        let one = read(written("<f8", "()", &3.5f64.to_le_bytes())).unwrap();
        assert_eq!(&*one.floats().unwrap(), [3.5]);
        let texts = read(written("|S2", "(2,)", b"a\0bc")).unwrap();
        assert_eq!(texts.texts().unwrap(), ["a", "bc"]);
    }

    #[test]
    fn what_is_no_array_of_numbers_or_texts_says_so() {
        let objects = read(written("|O", "(2,)", b"\x80\x04.")).unwrap();
        assert!(
            objects
                .floats()
                .unwrap_err()
                .contains("a pickle of Python objects")
        );
        assert!(
            read(written("<f4", "(2,)", &[0; 4]))
                .unwrap_err()
                .contains("too few")
        );
        assert!(
            read(b"\x93NUMPY\x09\0".to_vec())
                .unwrap_err()
                .contains("version 9")
        );
        assert!(
            read(b"\x93NUMPY\x01\0\xff\xff{".to_vec())
                .unwrap_err()
                .contains("is cut")
        );
        let records = written("<f4", "(2,)", &[0; 8]);
        let records = String::from_utf8_lossy(&records[10..]).replacen("'<f4'", "[('a'", 1);
        let length = (records.len() as u16).to_le_bytes();
        let bytes = [MAGIC, &[1, 0], &length, records.as_bytes()].concat();
        assert!(read(bytes).unwrap_err().contains("several fields"));
    }

    proptest! {
        #[test]
        fn no_bytes_do_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 0usize..200, byte: u8) {
            let _ = read([MAGIC, &bytes].concat());
            let mut whole = written("<f4", "(3, 2)", &[0; 24]);
            let at = cut % whole.len();
            whole[at] = byte;
            if let Ok(array) = read(whole.clone()) {
                let _ = (array.floats(), array.texts());
            }
            whole.truncate(at);
            let _ = read(whole);
        }
    }
}
