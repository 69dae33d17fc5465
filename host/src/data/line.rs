//! One line of a ratings file, in every form that MovieLens releases and their copies have.
//!
//! Two parsers: [`fast`] takes the plain line of any form and gives up on the rest; [`Form::parse`] takes everything
//! (quotes, spaces, dates, columns in another order) and says what is wrong. Where `fast` gives an answer it is the
//! same one, which a test holds them to.

/// What a line says, with MovieLens ids.
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

/// What stands between two fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Separator {
    /// A tab, as in `u.data`.
    Tab,
    /// Two colons, as in `ratings.dat`.
    Colons,
    /// A comma, as in `ratings.csv`.
    Comma,
}

impl Separator {
    fn text(self) -> &'static str {
        match self {
            Separator::Tab => "\t",
            Separator::Colons => "::",
            Separator::Comma => ",",
        }
    }
}

/// How a file writes its ratings, read off its first line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// Between fields.
    pub separator: Separator,
    /// Whether the first line names the columns.
    pub header: bool,
    /// Fields a line.
    pub fields: usize,
    /// Where user, movie, stars and time stand in a line.
    pub columns: [usize; 4],
}

/// The names a header may give to user, movie, stars and time, in lower case.
const NAMES: [&[&str]; 4] = [
    &["userid", "user_id", "user", "user_id:token"],
    &[
        "movieid",
        "movie_id",
        "movie",
        "itemid",
        "item_id",
        "item",
        "item_id:token",
    ],
    &["rating", "stars", "rating:float"],
    &["timestamp", "time", "timestamp:float"],
];

/// The header of GroupLens's own CSV files.
const HEADER: &str = "userId,movieId,rating,timestamp";

impl Form {
    /// Reads the form off a file's first line (without its line end or byte order mark).
    ///
    /// # Errors
    /// What a first line should be, if this is none.
    pub fn detect(line: &[u8]) -> Result<Form, String> {
        let has = |wanted: &str| {
            line.windows(wanted.len())
                .any(|part| part == wanted.as_bytes())
        };
        let separator = [Separator::Colons, Separator::Tab, Separator::Comma]
            .into_iter()
            .find(|separator| has(separator.text()))
            .ok_or("a ratings file separates user, movie, rating and timestamp by commas, tabs or `::`")?;
        let cells = split(line, separator);
        let cells: Vec<String> = cells
            .unwrap_or_default()
            .iter()
            .map(|cell| String::from_utf8_lossy(cell).trim().to_ascii_lowercase())
            .collect();
        let fields = cells.len();
        let header = cells
            .iter()
            .any(|cell| NAMES.iter().any(|names| names.contains(&cell.as_str())));
        if !header && fields < 4 {
            return Err(format!(
                "the first line should be a header such as `{HEADER}` or have at least the four fields of a rating: {}",
                example(separator)
            ));
        }
        if !header {
            return Ok(Form {
                separator,
                header,
                fields,
                columns: [0, 1, 2, 3],
            });
        }
        let places =
            NAMES.map(|names| cells.iter().position(|cell| names.contains(&cell.as_str())));
        let missing: Vec<String> = (places.iter().zip(HEADER.split(',')))
            .filter(|(place, _)| place.is_none())
            .map(|(_, name)| format!("`{name}`"))
            .collect();
        if !missing.is_empty() {
            return Err(format!(
                "the header has no column {}; it should name the columns of `{HEADER}`, in any order",
                missing.join(" and no ")
            ));
        }
        let columns = places.map(Option::unwrap_or_default);
        Ok(Form {
            separator,
            header,
            fields,
            columns,
        })
    }

    /// Whether [`fast`] knows the order of the columns.
    pub fn is_plain(&self) -> bool {
        self.columns == [0, 1, 2, 3]
    }

    /// What a line of this form should look like.
    pub fn example(&self) -> String {
        if self.fields == 4 && self.is_plain() {
            example(self.separator)
        } else {
            format!(
                "{} fields with user, movie, rating and timestamp in columns {}, {}, {} and {}",
                self.fields,
                self.columns[0] + 1,
                self.columns[1] + 1,
                self.columns[2] + 1,
                self.columns[3] + 1
            )
        }
    }

    /// Reads a line (without its `\n`).
    ///
    /// # Errors
    /// What would be right, in words that complete "… should be".
    pub fn parse(&self, line: &[u8]) -> Result<Rating, String> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let Some(cells) = split(line, self.separator) else {
            return Err(format!(
                "a quote isn't closed or has text behind it; a line should be {}",
                self.example()
            ));
        };
        if cells.len() != self.fields {
            return Err(format!(
                "it has {} field{}; a line should be {}",
                cells.len(),
                if cells.len() == 1 { "" } else { "s" },
                self.example()
            ));
        }
        let cells = self.columns.map(|column| cells[column].as_slice());
        rating(cells).map_err(|reason| match (self.header, self.separator) {
            // Other programs write other orders of columns, which only a header tells.
            (false, Separator::Comma) => format!(
                "{reason}; without a header such as `{HEADER}` the fields are user, movie, rating and timestamp, in that \
                 order"
            ),
            _ => reason,
        })
    }
}

/// The rating that cells of user, movie, stars and time say.
fn rating(cells: [&[u8]; 4]) -> Result<Rating, String> {
    let shown = |i: usize| String::from_utf8_lossy(cells[i]).into_owned();
    let id = |i: usize, what: &str| {
        whole(cells[i]).ok_or_else(|| {
            format!(
                "the {what} id `{}` should be a whole number of at most {}",
                shown(i),
                u32::MAX
            )
        })
    };
    Ok(Rating {
        user: id(0, "user")?,
        movie: id(1, "movie")?,
        stars: stars(cells[2]).ok_or_else(|| {
            format!(
                "the rating `{}` should be 0.5 to 5 in steps of a half, such as 4, 4.0 or 3.5",
                shown(2)
            )
        })?,
        time: time(cells[3]).ok_or_else(|| {
            format!(
                "the timestamp `{}` should be seconds since 1970, such as 1112486027, or a date and time (UTC), such as \
                 2005-04-02 23:53:47",
                shown(3)
            )
        })?,
    })
}

fn example(separator: Separator) -> String {
    let sep = separator.text();
    match separator {
        Separator::Tab => {
            "user, movie, rating and timestamp with a tab between, such as `196\t242\t3\t881250949`"
                .into()
        }
        _ => format!(
            "`user{sep}movie{sep}rating{sep}timestamp`, such as `1{sep}122{sep}3.5{sep}1112486027`"
        ),
    }
}

/// The fields of a line, without the quotes around them; `None` where a quote isn't closed.
fn split(line: &[u8], separator: Separator) -> Option<Vec<Vec<u8>>> {
    let separator = separator.text().as_bytes();
    let mut cells = Vec::with_capacity(5);
    let mut rest = line;
    loop {
        let mut cell = Vec::new();
        if let Some(mut inside) = rest.strip_prefix(b"\"") {
            loop {
                let quote = inside.iter().position(|&b| b == b'"')?;
                cell.extend_from_slice(&inside[..quote]);
                inside = &inside[quote + 1..];
                match inside.strip_prefix(b"\"") {
                    Some(after) => {
                        cell.push(b'"');
                        inside = after;
                    }
                    None => break,
                }
            }
            rest = inside;
        } else {
            let end = rest
                .windows(separator.len())
                .position(|part| part == separator)
                .unwrap_or(rest.len());
            cell.extend_from_slice(rest[..end].trim_ascii());
            rest = &rest[end..];
        }
        cells.push(cell);
        if rest.is_empty() {
            return Some(cells);
        }
        rest = rest.strip_prefix(separator)?;
    }
}

fn whole(cell: &[u8]) -> Option<u32> {
    if cell.is_empty() || !cell.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(cell).ok()?.parse().ok()
}

fn stars(cell: &[u8]) -> Option<f32> {
    // Digits and one point only: `parse` alone would take `nan`, `+4` and `4e0`.
    if !cell.iter().all(|b| b.is_ascii_digit() || *b == b'.') {
        return None;
    }
    let stars: f32 = std::str::from_utf8(cell).ok()?.parse().ok()?;
    ((0.5..=5.0).contains(&stars) && (stars * 2.0).fract() == 0.0).then_some(stars)
}

fn time(cell: &[u8]) -> Option<u32> {
    if let Some(seconds) = whole(cell) {
        return Some(seconds);
    }
    // 2005-04-02 23:53:47, with a T or a space between, and perhaps a Z behind.
    let cell = cell.strip_suffix(b"Z").unwrap_or(cell);
    if cell.len() != 19 || cell[4] != b'-' || cell[7] != b'-' || !matches!(cell[10], b' ' | b'T') {
        return None;
    }
    if cell[13] != b':' || cell[16] != b':' {
        return None;
    }
    let number = |from: usize, to: usize| whole(&cell[from..to]);
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if year < 1970 || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = u64::from(days_since_1970(year, month, day)?) * 86_400
        + u64::from(hour * 3600 + minute * 60 + second);
    u32::try_from(seconds).ok()
}

/// Days from 1970-01-01 to a day of the Gregorian calendar; `None` if there is no such day.
fn days_since_1970(year: u32, month: u32, day: u32) -> Option<u32> {
    let leap =
        |year: u32| year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    let february = if leap(year) { 29 } else { 28 };
    let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let length = *lengths.get((month as usize).checked_sub(1)?)?;
    if day == 0 || day > length {
        return None;
    }
    let before =
        |year: u32| (year - 1) * 365 + (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400;
    let in_year: u32 = lengths[..month as usize - 1].iter().sum();
    Some(before(year) - before(1970) + in_year + day - 1)
}

/// Reads a plain line that starts at `text[at]`, and gives the rating and where the next line starts.
///
/// Plain is: the four columns in order, numbers of at most ten digits and nothing else, stars written `d`, `d.0` or
/// `d.5`, no quotes, no spaces around fields, `extra` fields behind them. `None` means "ask [`Form::parse`]", not
/// "wrong". The last byte of `text` must be a line feed.
#[inline(always)]
pub fn fast(text: &[u8], at: usize, separator: Separator, extra: usize) -> Option<(Rating, usize)> {
    let (user, at) = digits(text, at)?;
    let at = skip(text, at, separator)?;
    let (movie, at) = digits(text, at)?;
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
        Some((_, end)) if text[end] == b'-' => (time(text.get(at..at + 19)?)?, at + 19),
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
    match separator {
        Separator::Comma => (*text.get(at)? == b',').then_some(at + 1),
        Separator::Tab => (*text.get(at)? == b'\t').then_some(at + 1),
        Separator::Colons => {
            (*text.get(at)? == b':' && *text.get(at + 1)? == b':').then_some(at + 2)
        }
    }
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
