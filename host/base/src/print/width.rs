//! How wide a text is, and how much room a line has.

use super::escape::escape;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns where standard output is no terminal and nobody says otherwise.
const USUAL: usize = 100;
/// Fewer columns are taken as so many, more as so many.
const RANGE: (usize, usize) = (40, 200);

/// Where a line is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// Columns of a table's line: what the variable `COLUMNS` says, else the terminal's, else 100; from 40 to 200.
pub fn columns() -> usize {
    room(Stream::Out).unwrap_or(USUAL)
}

/// Columns of a line, from 40 to 200: what the variable `COLUMNS` says, else the terminal's. `None` where neither says,
/// as in a pipe or a log: sentences stay whole there for whoever searches them.
pub fn room(stream: Stream) -> Option<usize> {
    use std::io::{stderr, stdout};
    use terminal_size::terminal_size_of;
    let said = std::env::var("COLUMNS").ok();
    let said = said.and_then(|said| said.trim().parse().ok().filter(|columns| *columns > 0));
    let terminal = || match stream {
        Stream::Out => terminal_size_of(stdout()),
        Stream::Err => terminal_size_of(stderr()),
    };
    said.or_else(|| terminal().map(|(width, _)| width.0.into()))
        .map(|columns: usize| columns.clamp(RANGE.0, RANGE.1))
}

/// Columns that a text takes: two for a wide character, none for a combining one.
pub fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// A text from outside as a sentence shows it: on one line, [`escape`]d, and at most `most` columns of it.
pub fn shown(text: &str, most: usize) -> String {
    // What is behind is cut anyway, and may be a whole file.
    let start: String = text.chars().take(8 * most).collect();
    shortened(&escape(&start), most)
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

/// A sentence broken into lines of at most `most` columns, between words and never within `a command` in backticks that
/// has room in a line; what is longer than a line is left to the terminal. Spaces ahead stay, and later lines have two
/// more.
pub fn folded(sentence: &str, most: usize) -> String {
    if width(sentence) <= most {
        return sentence.to_owned();
    }
    let text = sentence.trim_start_matches(' ');
    let ahead = sentence.len() - text.len();
    let (mut lines, mut used) = (" ".repeat(ahead), ahead);
    let behind = " ".repeat(ahead + 2);
    let mut at_start = true;
    for word in unbroken(text, most.saturating_sub(behind.len())) {
        let taken = width(word);
        if !at_start && used + 1 + taken > most {
            lines.truncate(lines.trim_end_matches(' ').len());
            lines.push('\n');
            lines.push_str(&behind);
            used = behind.len();
        } else if !at_start {
            lines.push(' ');
            used += 1;
        }
        lines.push_str(word);
        used += taken;
        at_start = false;
    }
    lines
}

/// The words of a text, with those between two backticks as one unless that takes more than `most` columns.
fn unbroken(text: &str, most: usize) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let mut end = rest.find(' ').unwrap_or(rest.len());
        while rest[..end].matches('`').count() % 2 == 1 {
            let Some(close) = rest[end..].find('`').map(|at| end + at + 1) else {
                break;
            };
            let whole = rest[close..].find(' ').map_or(rest.len(), |at| close + at);
            if width(&rest[..whole]) > most {
                break;
            }
            end = whole;
        }
        words.push(&rest[..end]);
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_is_shown_on_one_line_however_long_it_is() {
        assert_eq!(shown("user\tid", 40), "user\\tid");
        assert_eq!(shown("a\u{1b}[31m\nb", 10), "a\\u{1b}[3…");
        assert_eq!(shown(&"x".repeat(1 << 20), 4), "xxx…");
    }

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
    #[test]
    fn a_sentence_is_folded_between_words_and_commands_stay_whole() {
        for (sentence, most, lines) in [
            ("one two three", 20, "one two three"),
            ("one two three", 7, "one two\n  three"),
            ("  one two three", 9, "  one two\n    three"),
            (
                "try `cargo run -p host`, then stop",
                22,
                "try\n  `cargo run -p host`,\n  then stop",
            ),
            ("`a b` or `c d`", 8, "`a b` or\n  `c d`"),
            ("say `a b c d e f` now", 8, "say `a b\n  c d e\n  f` now"),
            ("a `lone tick and more", 8, "a `lone\n  tick\n  and\n  more"),
            ("千と千尋 千と千尋", 10, "千と千尋\n  千と千尋"),
            ("extraordinary x", 6, "extraordinary\n  x"),
        ] {
            assert_eq!(folded(sentence, most), lines, "{sentence}");
        }
        let sentence =
            "a sentence of many short words, with `one command` in it and so on to the end";
        for most in 40..100 {
            let folded = folded(sentence, most);
            assert!(folded.lines().all(|line| width(line) <= most), "{folded}");
            let words = |text: &str| {
                text.split_whitespace()
                    .map(String::from)
                    .collect::<Vec<_>>()
            };
            assert_eq!(words(&folded), words(sentence));
        }
    }
}
