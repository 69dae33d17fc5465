//! How wide a text is, and how much room a line has.

use std::io::IsTerminal;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns where standard output is no terminal and nobody says otherwise.
const USUAL: usize = 100;
/// Fewer columns are taken as so many, more as so many.
const RANGE: (usize, usize) = (40, 200);

/// Columns of a line: what the variable `COLUMNS` says, else the terminal's, else 100; from 40 to 200.
pub fn columns() -> usize {
    let said = std::env::var("COLUMNS").ok();
    let terminal = || match std::io::stdout().is_terminal() {
        true => terminal_size::terminal_size().map(|(width, _)| width.0.into()),
        false => None,
    };
    said.and_then(|said| said.trim().parse().ok().filter(|columns| *columns > 0))
        .or_else(terminal)
        .unwrap_or(USUAL)
        .clamp(RANGE.0, RANGE.1)
}

/// Columns that a text takes: two for a wide character, none for a combining one.
pub fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// A text of at most `most` columns, an ellipsis in place of what is cut.
pub fn shortened(text: &str, most: usize) -> String {
    if width(text) <= most {
        return text.to_owned();
    }
    let room = most.saturating_sub(1);
    let mut used = 0;
    let kept = text.char_indices().find_map(|(at, c)| {
        used += c.width().unwrap_or(0);
        (used > room).then_some(at)
    });
    let mut short = text[..kept.unwrap_or(text.len())].trim_end().to_owned();
    if most > 0 {
        short.push('…');
    }
    short
}

/// A text broken into lines of at most `most` columns between words; a longer word has a line of its own.
pub fn wrapped(text: &str, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(word) <= most => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_character_counts_as_two_and_a_combining_one_as_none() {
        for (text, columns) in [("abc", 3), ("千と千尋", 8), ("Zu\u{308}rich", 6), ("", 0)] {
            assert_eq!(width(text), columns, "{text}");
        }
    }

    #[test]
    fn long_text_is_cut_with_an_ellipsis_and_never_too_wide() {
        assert_eq!(shortened("Léon", 4), "Léon");
        assert_eq!(shortened("Léon: The Professional", 6), "Léon:…");
        assert_eq!(shortened("千と千尋の神隠し", 6), "千と…");
        assert_eq!(shortened("Le\u{301}on: The", 3), "Le\u{301}…");
        for text in [
            "Léon: The Professional",
            "千と千尋の神隠し",
            "Zu\u{308}rich",
        ] {
            for most in 0..30 {
                assert!(width(&shortened(text, most)) <= most, "{text} {most}");
            }
        }
    }

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("extraordinary x", 4), ["extraordinary", "x"]);
        assert!(wrapped("", 4).is_empty());
    }
}
