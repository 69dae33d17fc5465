//! Text from outside, made harmless.

use std::borrow::Cow;
use std::fmt;

/// A text in which every character that isn't plain text is replaced by its name in backslashes: controls (`\n`,
/// `\u{1b}`), and those that turn the direction of writing, have no width, or end a line.
///
/// What a title says can then neither move a cursor, colour or clear a screen, ring, nor pass for a line of its own.
/// Letters, combining marks and emoji stay.
pub fn escape(text: &str) -> Cow<'_, str> {
    replaced(text, is_hostile)
}

/// As [`escape`], but line feeds stay: for text that is made of lines here.
pub fn lines(text: &str) -> Cow<'_, str> {
    replaced(text, |c| c != '\n' && is_hostile(c))
}

/// JSON that says the same, without a character that would steer a terminal.
pub fn json(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut units = [0; 2];
    for c in text.chars() {
        match c != '\n' && is_hostile(c) {
            // Those that JSON has to escape are escaped already, so this one stands in a string.
            true => safe.extend(
                c.encode_utf16(&mut units)
                    .iter()
                    .map(|unit| format!("\\u{unit:04x}")),
            ),
            false => safe.push(c),
        }
    }
    safe
}

fn replaced(text: &str, is_hostile: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_hostile) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match is_hostile(c) {
            true => safe.extend(c.escape_default()),
            false => safe.push(c),
        }
    }
    Cow::Owned(safe)
}

/// Whether a terminal or a reader would take a character for something else than a letter that is there.
fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c,
            // Soft hyphen, Arabic letter mark, Hangul fillers, Mongolian vowel separator.
            '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{3164}' | '\u{ffa0}'
            // Without width, and marks of direction.
            | '\u{200b}'..='\u{200f}'
            // Ends of lines and paragraphs; embeddings and overrides of direction.
            | '\u{2028}'..='\u{202e}'
            // Word joiner, invisible operators, isolates of direction.
            | '\u{2060}'..='\u{206f}'
            // Byte order mark, annotations, and tags.
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Displays a value [escaped](escape): for texts that are put together before they are printed.
#[derive(Debug, Clone, Copy)]
pub struct Escaped<T>(pub T);

impl<T: fmt::Display> fmt::Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&escape(&self.0.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_control_and_every_mark_without_width_is_named() {
        let ranges = [
            0..=0x1f,
            0x7f..=0x9f,
            0x200b..=0x200f,
            0x2028..=0x202e,
            0x2060..=0x206f,
            0xfeff..=0xfeff,
            0xe0000..=0xe007f,
        ];
        for code in ranges.into_iter().flatten() {
            let Some(c) = char::from_u32(code) else {
                continue;
            };
            let text = format!("a{c}b");
            let safe = escape(&text);
            assert!(!safe.contains(c), "{code:x}");
            assert!(safe.starts_with("a\\") && safe.ends_with('b'), "{safe}");
        }
        assert_eq!(escape("a\u{1b}[31m\nb\t"), "a\\u{1b}[31m\\nb\\t");
        assert_eq!(lines("a\u{1b}\nb"), "a\\u{1b}\nb");
    }

    #[test]
    fn letters_of_every_script_stay_as_they_are() {
        for text in [
            "Léon: The Professional (a.k.a. The Professional) (1994)",
            "千と千尋の神隠し",
            "Zu\u{308}rich",
            "\\n as somebody typed it",
            "🎬 ️",
            "",
        ] {
            assert_eq!(escape(text), text);
        }
    }

    #[test]
    fn json_says_the_same_without_what_would_steer_a_terminal() {
        let title = "a\u{9b}31m\u{202e}b\n\u{e0001}\u{1b}\"é";
        let text = json(&serde_json::to_string_pretty(&[title]).unwrap());
        assert_eq!(lines(&text), text);
        let back: [String; 1] = serde_json::from_str(&text).unwrap();
        assert_eq!(back[0], title);
    }

    #[test]
    fn an_escaped_value_keeps_its_padding() {
        assert_eq!(format!("{:>6}|", Escaped("a\n")), "   a\\n|");
    }
}
