//! One line of a ratings file, in every form that releases, their copies and other data sets have.
//!
//! Two parsers: [`fast`] takes the plain line of a release's form and gives up on the rest; [`Form::parse`] takes
//! everything (quotes, spaces, dates, names for ids, other scales, columns in another order) and says what is wrong.
//! Where `fast` gives an answer it is the same one, which a test holds them to.

use std::borrow::Cow;

use super::cells::{Cells, Separator, number};
use super::form::{Form, HEADER};
use super::json;
use super::names::LONGEST;
use super::scale::LIMIT;
use super::time::{self, Unit};

/// What a plain line says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rating {
    /// User id.
    pub user: u32,
    /// Movie id.
    pub movie: u32,
    /// Stars.
    pub stars: f32,
    /// Seconds since 1970 (UTC).
    pub time: u32,
}

/// What any line says.
#[derive(Debug, Clone, PartialEq)]
pub struct Said<'a> {
    /// User id, as it is written.
    pub user: Cow<'a, [u8]>,
    /// Movie id, as it is written.
    pub movie: Cow<'a, [u8]>,
    /// Stars; `None` for the mark of no rating, below the scale that was given.
    pub stars: Option<f32>,
    /// Seconds since 1970 (UTC) and how they are written, if they are.
    pub time: Option<(u32, Unit)>,
}

impl Form {
    /// Reads a line (without its `\n`).
    ///
    /// # Errors
    /// What would be right, in words that complete "… should be".
    pub fn parse<'a>(&self, line: &'a [u8]) -> Result<Said<'a>, String> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if !self.names.is_empty() {
            return self.said(json::cells(line, self.wanted())?.map(Cow::Owned));
        }
        let [user, movie, stars] = self.columns;
        let wanted = [Some(user), Some(movie), Some(stars), self.time];
        let mut found: [Cow<'a, [u8]>; 4] = Default::default();
        let (mut cells, mut count) = (Cells::new(line, self.separator), 0);
        while let Some(cell) = cells.next() {
            let Ok(cell) = cell else {
                return Err(format!(
                    "a quote isn't closed in this line or has text behind it; a line should be {}",
                    self.example()
                ));
            };
            if let Some(at) = wanted.iter().position(|place| *place == Some(count)) {
                found[at] = cell;
            }
            count += 1;
        }
        if count != self.fields {
            return Err(format!(
                "it has {count} field{}; a line should be {}",
                if count == 1 { "" } else { "s" },
                self.example()
            ));
        }
        self.said(found).map_err(|reason| match (self.header, self.separator) {
            // Other programs write other orders of columns, which only a header tells.
            (false, Separator::Comma) => format!(
                "{reason}; without a header such as `{HEADER}` the fields are user, movie, rating and timestamp, in that \
                 order, or as --columns says"
            ),
            _ => reason,
        })
    }

    /// What cells of user, movie, stars and time say.
    pub(super) fn said<'a>(
        &self,
        [user, movie, stars, time]: [Cow<'a, [u8]>; 4],
    ) -> Result<Said<'a>, String> {
        let shown = |cell: &[u8]| String::from_utf8_lossy(cell).into_owned();
        for (what, cell) in [("user", &user), ("movie", &movie)] {
            if cell.is_empty() || cell.iter().any(u8::is_ascii_control) {
                return Err(format!(
                    "the {what} id `{}` should be a number or a name",
                    shown(cell)
                ));
            }
            if cell.len() > LONGEST {
                return Err(format!(
                    "the {what} id has {} bytes; it should have at most {LONGEST}",
                    cell.len()
                ));
            }
        }
        let right = || match self.scale {
            Some(scale) => format!(
                "the rating `{}` should be on the scale {scale}, as --scale says",
                shown(&stars)
            ),
            None => format!(
                "the rating `{}` should be a number of stars, such as 4, 4.0 or 3.5",
                shown(&stars)
            ),
        };
        let number = number(&stars).ok_or_else(right)?;
        if number.abs() > LIMIT {
            return Err(format!(
                "the rating `{}` should be from -{LIMIT} to {LIMIT}: what is larger is a count, not a rating",
                shown(&stars)
            ));
        }
        let stars = match self.scale {
            Some(scale) if scale.says_none(number) => None,
            Some(scale) if !scale.has(number) => return Err(right()),
            _ => Some(number),
        };
        let time = match (self.time, time::read(&time)) {
            (None, _) => None,
            (_, None) if time::is_missing(&time) => None,
            (_, None) => return Err(self.right_time(&shown(&time))),
            (_, found) => found,
        };
        Ok(Said {
            user,
            movie,
            stars,
            time,
        })
    }
}

/// Reads a plain line that starts at `text[at]`, and gives the rating and where the next line starts.
///
/// Plain is: the four columns in order, numbers of at most ten digits and nothing else, stars from 0.5 to 5 written `d`,
/// `d.0` or `d.5`, no quotes, no spaces around fields, `extra` fields behind them. `None` means "ask [`Form::parse`]", not
/// "wrong". The last byte of `text` must be a line feed.
#[inline(always)]
pub fn fast(text: &[u8], at: usize, separator: Separator, extra: usize) -> Option<(Rating, usize)> {
    let (user, at) = id(text, at)?;
    let at = skip(text, at, separator)?;
    let (movie, at) = id(text, at)?;
    let at = skip(text, at, separator)?;
    let whole = u32::from(text.get(at)?.wrapping_sub(b'0'));
    let (halves, at) = if *text.get(at + 1)? == b'.' {
        match *text.get(at + 2)? {
            b'0' => (whole * 2, at + 3),
            b'5' => (whole * 2 + 1, at + 3),
            _ => return None,
        }
    } else {
        (whole * 2, at + 1)
    };
    if !(1..=10).contains(&halves) {
        return None;
    }
    let at = skip(text, at, separator)?;
    let (seconds, mut at) = match digits(text, at) {
        Some((_, end)) if text[end] == b'-' => (time::read(text.get(at..at + 19)?)?.0, at + 19),
        found => found?,
    };
    if extra > 0 {
        at = skip_fields(text, at, separator, extra)?;
    }
    let next = match *text.get(at)? {
        b'\n' => at + 1,
        b'\r' if *text.get(at + 1)? == b'\n' => at + 2,
        _ => return None,
    };
    Some((
        Rating {
            user,
            movie,
            stars: halves as f32 * 0.5,
            time: seconds,
        },
        next,
    ))
}

/// The end of the line, if exactly `extra` fields without a quote lie before it.
fn skip_fields(text: &[u8], mut at: usize, separator: Separator, extra: usize) -> Option<usize> {
    for _ in 0..extra {
        at = skip(text, at, separator)?;
        while !matches!(*text.get(at)?, b'\n' | b'\r' | b'"') && skip(text, at, separator).is_none()
        {
            at += 1;
        }
    }
    Some(at)
}

#[inline(always)]
fn skip(text: &[u8], at: usize, separator: Separator) -> Option<usize> {
    let sign = match separator {
        Separator::Comma => b',',
        Separator::Tab => b'\t',
        Separator::Semicolon => b';',
        Separator::Bar => b'|',
        Separator::Colons => {
            return (*text.get(at)? == b':' && *text.get(at + 1)? == b':').then_some(at + 2);
        }
        Separator::Blanks => return None,
    };
    (*text.get(at)? == sign).then_some(at + 1)
}

/// An id without a zero in front: one with it might be a name that only looks like a number.
#[inline(always)]
fn id(text: &[u8], at: usize) -> Option<(u32, usize)> {
    let (id, end) = digits(text, at)?;
    (*text.get(at)? != b'0' || end == at + 1).then_some((id, end))
}

/// A number of one to ten digits that fits, and where it ends.
///
/// Eight bytes at once: which are digits, then neighbours joined to pairs, pairs to fours and those to eight. What is
/// longer or too near the end of the text goes digit by digit.
#[inline(always)]
fn digits(text: &[u8], at: usize) -> Option<(u32, usize)> {
    let Some(eight) = text.get(at..).and_then(|rest| rest.first_chunk()) else {
        return more_digits(text, at, 0, 0);
    };
    let values = u64::from_le_bytes(*eight) ^ 0x3030_3030_3030_3030;
    // The high bit of a byte that is 10 or more. A carry reaches only bytes behind the first such one.
    let others = (values.wrapping_add(0x7676_7676_7676_7676) | values) & 0x8080_8080_8080_8080;
    let count = (others.trailing_zeros() / 8) as usize;
    if count == 0 {
        return None;
    }
    // Digits to the high end: zeros stand where a number of eight digits has its first ones.
    let ones = values << (64 - 8 * count);
    let pairs = ones.wrapping_mul(10).wrapping_add(ones >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_ffff_0000_ffff;
    let value = fours.wrapping_mul(10_000).wrapping_add(fours >> 32) as u32;
    if count < 8 {
        return Some((value, at + count));
    }
    more_digits(text, at + 8, 8, value)
}

/// The rest of a number of which `count` digits were read, and where it ends.
#[inline(always)]
fn more_digits(text: &[u8], mut at: usize, mut count: usize, value: u32) -> Option<(u32, usize)> {
    let mut value = u64::from(value);
    while let Some(digit) = text
        .get(at)
        .map(|b| b.wrapping_sub(b'0'))
        .filter(|d| *d < 10)
    {
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
        at += 1;
        count += 1;
    }
    if count == 0 || count > 10 {
        return None;
    }
    Some((u32::try_from(value).ok()?, at))
}

#[cfg(test)]
#[path = "line_tests.rs"]
mod tests;
