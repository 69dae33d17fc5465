//! The fields of a line: what parts them, and what a field alone says.

use std::borrow::Cow;

/// What stands between two fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Separator {
    /// Two colons, as in `ratings.dat`.
    Colons,
    /// A tab, as in `u.data`.
    Tab,
    /// A semicolon, as spreadsheets write where the comma is for decimals.
    Semicolon,
    /// A bar.
    Bar,
    /// A comma, as in `ratings.csv`.
    Comma,
    /// Spaces and tabs, any number of them.
    Blanks,
}

impl Separator {
    /// All, those that are never within a field before those that may be.
    pub const ALL: [Separator; 6] = [
        Separator::Colons,
        Separator::Tab,
        Separator::Semicolon,
        Separator::Bar,
        Separator::Comma,
        Separator::Blanks,
    ];

    /// As it is written.
    pub fn text(self) -> &'static str {
        match self {
            Separator::Colons => "::",
            Separator::Tab => "\t",
            Separator::Semicolon => ";",
            Separator::Bar => "|",
            Separator::Comma => ",",
            Separator::Blanks => " ",
        }
    }

    /// Where it first stands in `text`, and how long it is.
    fn find(self, text: &[u8]) -> Option<(usize, usize)> {
        let sign = |sign: u8| memchr::memchr(sign, text).map(|at| (at, 1));
        match self {
            Separator::Colons => memchr::memmem::find(text, b"::").map(|at| (at, 2)),
            Separator::Tab => sign(b'\t'),
            Separator::Semicolon => sign(b';'),
            Separator::Bar => sign(b'|'),
            Separator::Comma => sign(b','),
            Separator::Blanks => {
                let at = memchr::memchr2(b' ', b'\t', text)?;
                let rest = &text[at..];
                let other = rest.iter().position(|b| !matches!(b, b' ' | b'\t'));
                Some((at, other.unwrap_or(rest.len())))
            }
        }
    }
}

/// The fields of a line, one after another, without the quotes around them and the spaces beside them.
pub struct Cells<'a> {
    /// What is left; `None` behind the last field.
    rest: Option<&'a [u8]>,
    separator: Separator,
}

impl<'a> Cells<'a> {
    /// Of a line.
    pub fn new(line: &'a [u8], separator: Separator) -> Cells<'a> {
        let blank = separator == Separator::Blanks;
        let line = if blank { line.trim_ascii() } else { line };
        Cells {
            rest: Some(line),
            separator,
        }
    }

    /// The next field, if there is one; an error where a quote isn't closed or has text behind it.
    pub fn next(&mut self) -> Option<Result<Cow<'a, [u8]>, ()>> {
        let rest = self.rest.take()?;
        let start = match self.separator {
            // A tab may be the separator itself.
            Separator::Tab | Separator::Blanks => rest,
            _ => rest.trim_ascii_start(),
        };
        if let Some(inside) = start.strip_prefix(b"\"") {
            return Some(self.quoted(inside).ok_or(()));
        }
        let cell = match self.separator.find(rest) {
            Some((at, length)) => {
                self.rest = Some(&rest[at + length..]);
                &rest[..at]
            }
            None => rest,
        };
        Some(Ok(Cow::Borrowed(cell.trim_ascii())))
    }

    fn quoted(&mut self, inside: &'a [u8]) -> Option<Cow<'a, [u8]>> {
        let mut end = memchr::memchr(b'"', inside)?;
        let mut cell = Cow::Borrowed(&inside[..end]);
        while inside.get(end + 1) == Some(&b'"') {
            let from = end + 2;
            end = from + memchr::memchr(b'"', &inside[from..])?;
            let whole = cell.to_mut();
            whole.push(b'"');
            whole.extend_from_slice(&inside[from..end]);
        }
        let behind = &inside[end + 1..];
        match self.separator.find(behind) {
            Some((at, length)) if behind[..at].trim_ascii().is_empty() => {
                self.rest = Some(&behind[at + length..]);
            }
            None if behind.trim_ascii().is_empty() => {}
            _ => return None,
        }
        Some(cell)
    }
}

/// The fields of a line; `None` where a quote isn't closed.
pub fn cells(line: &[u8], separator: Separator) -> Option<Vec<Cow<'_, [u8]>>> {
    let mut cells = Cells::new(line, separator);
    let mut all = Vec::new();
    while let Some(cell) = cells.next() {
        all.push(cell.ok()?);
    }
    Some(all)
}

/// An id that is a plain number of 32 bits.
pub fn plain_id(cell: &[u8]) -> Option<u32> {
    if cell.is_empty() || cell.len() > 10 || (cell[0] == b'0' && cell.len() > 1) {
        return None;
    }
    let digit = |value: u64, &b: &u8| b.is_ascii_digit().then(|| value * 10 + u64::from(b - b'0'));
    cell.iter().try_fold(0, digit)?.try_into().ok()
}

/// A number of stars: digits, a sign, a point, or a comma, which where it parts fields too stands in quotes.
pub fn number(cell: &[u8]) -> Option<f32> {
    // `parse` alone would take `nan`, `inf` and `4e0`.
    let plain = |b: &u8| b.is_ascii_digit() || matches!(b, b'.' | b',' | b'-' | b'+');
    if !cell.iter().all(plain) {
        return None;
    }
    let text = std::str::from_utf8(cell).ok()?;
    text.replacen(',', ".", 1).parse().ok()
}
