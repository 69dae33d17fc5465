//! Fields in quotes that go over several lines, as written reviews do.

use std::io::{self, Read};

/// Stands for a line feed within quotes: white space too, and no end of a line.
pub const WITHIN: u8 = b'\x0b';

/// Text whose line feeds within quotes are [`WITHIN`]: as many bytes, and each rating in a line.
///
/// A quote opens a field where only blanks lie between it and a separator or the line's start; within it, two are one
/// quote. So the sign for inches in the middle of a field is none.
pub struct Quotes<R> {
    read: R,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before a field's first byte.
    Before,
    /// In a field without quotes, or behind the one that closes it.
    Field,
    /// Within quotes.
    Quoted,
    /// Behind a quote within quotes, which closes the field unless another follows.
    Closing,
}

impl<R> Quotes<R> {
    /// The text of `read`.
    pub fn new(read: R) -> Quotes<R> {
        Quotes {
            read,
            state: State::Before,
        }
    }
}

/// The state before the byte behind `text`, which has no quote, if it was `state` before it.
fn unquoted(text: &[u8], state: State) -> State {
    // The bytes of the mark that UTF-8 may begin with are as blanks.
    let blank = |b: &u8| matches!(b, b' ' | b'\r' | 0xef | 0xbb | 0xbf);
    match text.iter().rposition(|b| !blank(b)) {
        Some(last) if matches!(text[last], b',' | b';' | b'|' | b'\t' | b':' | b'\n') => {
            State::Before
        }
        Some(_) => State::Field,
        None => state,
    }
}

impl<R: Read> Read for Quotes<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.read.read(buffer)?;
        let mut text = &mut buffer[..got];
        while !text.is_empty() {
            let (next, state) = match self.state {
                State::Before | State::Field => match memchr::memchr(b'"', text) {
                    None => (text.len(), unquoted(text, self.state)),
                    Some(at) => match unquoted(&text[..at], self.state) {
                        State::Before => (at + 1, State::Quoted),
                        _ => (at + 1, State::Field),
                    },
                },
                State::Quoted => match memchr::memchr2(b'"', b'\n', text) {
                    None => (text.len(), State::Quoted),
                    Some(at) if text[at] == b'"' => (at + 1, State::Closing),
                    Some(at) => {
                        text[at] = WITHIN;
                        (at + 1, State::Quoted)
                    }
                },
                State::Closing if text[0] == b'"' => (1, State::Quoted),
                State::Closing => (0, State::Field),
            };
            self.state = state;
            text = &mut text[next..];
        }
        Ok(got)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(text: &str, step: usize) -> String {
        let mut quotes = Quotes::new(text.as_bytes());
        let (mut all, mut part) = (Vec::new(), vec![0; step]);
        loop {
            match quotes.read(&mut part).unwrap() {
                0 => return String::from_utf8(all).unwrap(),
                got => all.extend_from_slice(&part[..got]),
            }
        }
    }

    #[test]
    fn a_field_over_several_lines_becomes_one_line_however_the_text_comes_in() {
        for (text, lines) in [
            (
                "1,2,3,\"good\nvery good\"\n4,5,6,x\n",
                vec!["1,2,3,\"good\u{b}very good\"", "4,5,6,x"],
            ),
            (
                "1;2;3; \"he said \"\"no\"\"\n\n\",7\n8",
                vec!["1;2;3; \"he said \"\"no\"\"\u{b}\u{b}\",7", "8"],
            ),
            ("\u{feff}\"a\nb\",2\n", vec!["\u{feff}\"a\u{b}b\",2"]),
            (
                "\"\",1\n\"\"\"\n\"\"\",2",
                vec!["\"\",1", "\"\"\"\u{b}\"\"\",2"],
            ),
            // No quotes around fields.
            (
                "1,2,7\" single\n3,4,12\"\n",
                vec!["1,2,7\" single", "3,4,12\""],
            ),
            ("1,\"a\" b\n\"c\",d\n", vec!["1,\"a\" b", "\"c\",d"]),
        ] {
            for step in 1..=text.len() {
                let joined = joined(text, step);
                assert_eq!(joined.len(), text.len());
                assert_eq!(
                    joined.lines().collect::<Vec<_>>(),
                    lines,
                    "{text:?} by {step}"
                );
            }
        }
    }
}
