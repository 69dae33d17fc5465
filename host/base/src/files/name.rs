//! Paths as text that a file can hold, whatever bytes are in their names.

use std::path::{Path, PathBuf};

/// What a path that is no text begins with; behind it are its bytes, two hexadecimal digits each.
const BYTES: &str = "bytes:";

/// A path as text, which [`path`] makes it again of.
pub fn text(path: &Path) -> String {
    match path.to_str() {
        Some(text) if !text.starts_with(BYTES) => text.to_owned(),
        _ => path
            .as_os_str()
            .as_encoded_bytes()
            .iter()
            .fold(BYTES.to_owned(), |text, byte| format!("{text}{byte:02x}")),
    }
}

/// The path that [`text`] was made of. One with names that this system can't have, as of another's checkpoint, comes out
/// as it can.
pub fn path(text: &str) -> PathBuf {
    let bytes = text.strip_prefix(BYTES).and_then(|digits| {
        let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
        let byte = |pair: &[u8; 2]| {
            let digits = std::str::from_utf8(pair).ok()?;
            u8::from_str_radix(digits, 16).ok()
        };
        pairs
            .iter()
            .map(byte)
            .collect::<Option<Vec<u8>>>()
            .filter(|_| rest.is_empty())
    });
    match bytes {
        None => PathBuf::from(text),
        Some(bytes) => of_bytes(bytes),
    }
}

#[cfg(unix)]
fn of_bytes(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    std::ffi::OsString::from_vec(bytes).into()
}

#[cfg(not(unix))]
fn of_bytes(bytes: Vec<u8>) -> PathBuf {
    String::from_utf8_lossy(&bytes).into_owned().into()
}

#[cfg(all(test, unix))]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn every_path_is_the_same_again_and_a_plain_one_is_its_own_text() {
        for name in [
            &b"/data/ml-20m"[..],
            b"",
            b"/data/Am\xe9lie",
            "Am\u{e9}lie".as_bytes(),
            b"bytes:00",
            b"bytes:",
            b"a\nb\x1b",
        ] {
            let whole = Path::new(OsStr::from_bytes(name));
            assert_eq!(path(&text(whole)), whole, "{}", text(whole));
        }
        assert_eq!(text(Path::new("/data/ml-20m")), "/data/ml-20m");
        assert_eq!(path("bytes:0x"), Path::new("bytes:0x"));
    }
}
