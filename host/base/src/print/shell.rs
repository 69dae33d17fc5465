//! The next command to type, as a shell takes it.

use std::ffi::OsStr;

use super::escape::escape;

/// A word as a shell reads it: bare where it can be, else in quotes, with bytes that aren't plain text by their numbers.
pub fn quoted(word: &OsStr) -> String {
    let bytes = word.as_encoded_bytes();
    let bare = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-./,:=@%+".contains(byte);
    if !bytes.is_empty() && bytes.iter().all(bare) {
        return word.to_string_lossy().into_owned();
    }
    match word.to_str().filter(|text| escape(text) == *text) {
        Some(text) if cfg!(windows) => format!("\"{text}\""),
        Some(text) => format!("'{}'", text.replace('\'', r"'\''")),
        None => numbered(bytes),
    }
}

/// Any bytes in `$'…'`, which bash, zsh and POSIX shells of 2024 read.
fn numbered(bytes: &[u8]) -> String {
    let mut text = String::from("$'");
    for byte in bytes {
        match byte {
            b'\'' | b'\\' => text.extend(['\\', char::from(*byte)]),
            b' '..=b'~' => text.push(char::from(*byte)),
            // Three digits, so that a digit behind isn't read as a fourth.
            _ => text.push_str(&format!("\\{byte:03o}")),
        }
    }
    text + "'"
}

/// How this program was started: by cargo, or by its own name.
fn program() -> String {
    let own = std::env::var_os("CARGO_PKG_NAME").is_some_and(|name| name == "host");
    let path = std::env::current_exe().unwrap_or_default();
    let released = path
        .parent()
        .is_some_and(|folder| folder.ends_with("release"));
    match (own, released) {
        (true, true) => "cargo run --release -p host --".into(),
        (true, false) => "cargo run -p host --".into(),
        _ => quoted(&std::env::args_os().next().unwrap_or_else(|| "host".into())),
    }
}

/// A command of this program with those words, to be typed as it stands.
pub fn command<W: AsRef<OsStr>>(words: impl IntoIterator<Item = W>) -> String {
    let mut line = program();
    for word in words {
        line.push(' ');
        line.push_str(&quoted(word.as_ref()));
    }
    line
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::ffi::OsStrExt;
    use std::process::Command;

    use super::*;

    #[test]
    fn a_shell_reads_a_quoted_word_as_what_it_was() {
        for word in [
            &b"target/pocketrec/model.img"[..],
            b"",
            b"my films/it's \"here\".csv",
            b"$HOME/`id`;&|<>*?[]{}~#!\\",
            "Am\u{e9}lie \u{1f3ac}".as_bytes(),
        ] {
            let quoted = quoted(OsStr::from_bytes(word));
            let printed = Command::new("sh")
                .args(["-c", &format!("printf %s {quoted}")])
                .output()
                .expect("a shell starts");
            assert_eq!(printed.stdout, word, "{quoted}");
        }
    }

    #[test]
    fn bytes_that_are_no_plain_text_are_told_by_their_numbers() {
        for (word, text) in [
            (&b"a\nb"[..], r"$'a\012b'"),
            (b"\x1b[31m", r"$'\033[31m'"),
            (b"it's\\\xff1", r"$'it\'s\\\3771'"),
            ("\u{202e}".as_bytes(), r"$'\342\200\256'"),
        ] {
            assert_eq!(quoted(OsStr::from_bytes(word)), text);
        }
    }
}
