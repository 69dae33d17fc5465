//! When a rating was given, in every way that files write it, and as a day that people read.

/// What a time is counted in, or how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Seconds since 1970.
    Seconds,
    /// Thousandths of a second since 1970.
    Milliseconds,
    /// Millionths of a second since 1970.
    Microseconds,
    /// Billionths of a second since 1970.
    Nanoseconds,
    /// A date, and perhaps a time of day.
    Date,
}

impl Unit {
    /// A bit of its own, so that the units of many ratings are told in a byte.
    pub fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// What a time should be, in words.
pub const RIGHT: &str = "seconds since 1970, such as 1112486027 (or milliseconds, microseconds or nanoseconds), or a \
    date and time (UTC unless it says otherwise), such as 2005-04-02 23:53:47";

/// Seconds since 1970 (UTC), fractions dropped, and how the cell says it.
///
/// Which unit a number is in follows from its size: until 2106 seconds stay below 2^32, and milliseconds since 1973 are
/// above 10^11. `None` for what is no time from 1970 to 2106.
pub fn read(cell: &[u8]) -> Option<(u32, Unit)> {
    let text = std::str::from_utf8(cell).ok()?;
    if let Some(found) = number(text) {
        return Some(found);
    }
    date(text).map(|seconds| (seconds, Unit::Date))
}

/// The day of a time in seconds since 1970 (UTC): `2005-04-02`.
pub fn day(seconds: u32) -> String {
    // Years from March on, so that a leap day is a year's last; in eras of 400 years (Howard Hinnant's
    // `civil_from_days`).
    let days = seconds / 86_400 + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = (from_march + 2) % 12 + 1;
    let year = era * 400 + year + u32::from(month <= 2);
    format!("{year}-{month:02}-{day:02}")
}

/// Whether the cell is one of the ways of writing that there is no time.
pub fn is_missing(cell: &[u8]) -> bool {
    ["", "null", "nan", "nat", "na", "n/a", "none", "\\n", "-"]
        .iter()
        .any(|none| cell.eq_ignore_ascii_case(none.as_bytes()))
}

fn number(text: &str) -> Option<(u32, Unit)> {
    // Digits first and last: `parse` alone would take `inf`, and a date's hyphen is for the other reader.
    let plain = |b: u8| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+');
    let digit = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_digit());
    if !text.bytes().all(plain) || !digit(text.bytes().next()) {
        return None;
    }
    // Whole numbers of nanoseconds have more digits than an f64 keeps.
    if let Ok(number) = text.parse::<u64>() {
        return whole(number);
    }
    let value = text.parse::<f64>().ok()?;
    let (divisor, unit) = unit(value);
    let seconds = (value / divisor as f64) as u64;
    Some((u32::try_from(seconds).ok()?, unit))
}

/// A whole number as [`read`] takes its digits.
pub fn whole(number: u64) -> Option<(u32, Unit)> {
    let (divisor, unit) = unit(number as f64);
    Some((u32::try_from(number / divisor).ok()?, unit))
}

/// The unit of a number, and how many of it a second has.
fn unit(number: f64) -> (u64, Unit) {
    match number {
        v if v < 1e11 => (1, Unit::Seconds),
        v if v < 1e14 => (1_000, Unit::Milliseconds),
        v if v < 1e17 => (1_000_000, Unit::Microseconds),
        _ => (1_000_000_000, Unit::Nanoseconds),
    }
}

/// `2005-04-02`, `2005/4/2 23:53`, `2005-04-02T23:53:47.123456789+02:00`.
fn date(text: &str) -> Option<u32> {
    let mut rest = text;
    let year = digits(&mut rest, 4, 4)?;
    let between = rest.chars().next().filter(|c| matches!(c, '-' | '/'))?;
    rest = &rest[1..];
    let month = digits(&mut rest, 1, 2)?;
    rest = rest.strip_prefix(between)?;
    let day = digits(&mut rest, 1, 2)?;
    let mut seconds = i64::from(days_since_1970(year, month, day)?) * 86_400;
    if !rest.is_empty() {
        rest = rest.strip_prefix(['T', 't', ' '])?.trim_start();
        let hour = digits(&mut rest, 1, 2)?;
        rest = rest.strip_prefix(':')?;
        let minute = digits(&mut rest, 2, 2)?;
        let mut second = 0;
        if let Some(behind) = rest.strip_prefix(':') {
            rest = behind;
            second = digits(&mut rest, 2, 2)?;
            if let Some(mut fraction) = rest.strip_prefix(['.', ',']) {
                digits(&mut fraction, 1, 9)?;
                rest = fraction;
            }
        }
        // A leap second counts as the next minute's first.
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        seconds += i64::from(hour * 3600 + minute * 60 + second) - zone(rest)?;
    }
    u32::try_from(seconds).ok()
}

/// Seconds that a zone's clock is ahead of UTC.
fn zone(text: &str) -> Option<i64> {
    let text = text.trim_start();
    if ["", "Z", "z", "UTC", "GMT"].contains(&text) {
        return Some(0);
    }
    let (sign, mut rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let hour = digits(&mut rest, 2, 2)?;
    let minute = match rest.strip_prefix(':').unwrap_or(rest) {
        "" => 0,
        mut minute => {
            let found = digits(&mut minute, 2, 2)?;
            minute.is_empty().then_some(found)?
        }
    };
    (hour <= 23 && minute <= 59).then_some(sign * i64::from(hour * 3600 + minute * 60))
}

/// A number of `least` to `most` digits at the front of `rest`, which is moved behind it.
fn digits(rest: &mut &str, least: usize, most: usize) -> Option<u32> {
    let count = rest
        .bytes()
        .take(most)
        .take_while(u8::is_ascii_digit)
        .count();
    let (number, behind) = rest.split_at(count);
    *rest = behind;
    (count >= least).then(|| number.parse().ok())?
}

/// Days from 1970-01-01 to a day of the Gregorian calendar; `None` if there is no such day, or before.
fn days_since_1970(year: u32, month: u32, day: u32) -> Option<u32> {
    let leap =
        |year: u32| year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    let february = if leap(year) { 29 } else { 28 };
    let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let length = *lengths.get((month as usize).checked_sub(1)?)?;
    if year < 1970 || day == 0 || day > length {
        return None;
    }
    let before =
        |year: u32| (year - 1) * 365 + (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400;
    let in_year: u32 = lengths[..month as usize - 1].iter().sum();
    Some(before(year) - before(1970) + in_year + day - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> Option<u32> {
        read(text.as_bytes()).map(|(seconds, _)| seconds)
    }

    #[test]
    fn one_moment_is_the_same_in_every_way_of_writing_it() {
        for text in [
            "1112486027",
            "1112486027.0",
            "1112486027.999",
            "1.112486027e9",
            "1.112486027E+09",
            "1112486027000",
            "1112486027123",
            "1112486027123456",
            "1112486027123456789",
            "2005-04-02 23:53:47",
            "2005-04-02T23:53:47",
            "2005-04-02T23:53:47Z",
            "2005-04-02T23:53:47.123Z",
            "2005-04-02 23:53:47.123456+00:00",
            "2005-04-03T01:53:47+02:00",
            "2005-04-03T01:53:47+0200",
            "2005-04-03 01:53:47 +02",
            "2005-04-02T18:23:47-05:30",
            "2005/04/02 23:53:47",
            "2005-4-2 23:53:47 UTC",
        ] {
            assert_eq!(seconds(text), Some(1_112_486_027), "{text}");
        }
        assert_eq!(seconds("2005-04-02"), Some(1_112_400_000));
        assert_eq!(seconds("2005-04-02 23:53"), Some(1_112_485_980));
        assert_eq!(seconds("1970-01-01"), Some(0));
        assert_eq!(seconds("2000-02-29"), Some(951_782_400));
    }

    #[test]
    fn every_day_from_1970_to_2106_is_read_as_it_is_written() {
        for number in 0..u32::MAX / 86_400 {
            assert_eq!(
                seconds(&day(number * 86_400 + 86_399)),
                Some(number * 86_400)
            );
        }
        assert_eq!(day(1_112_486_027), "2005-04-02");
    }

    #[test]
    fn what_is_no_moment_from_1970_to_2106_is_none() {
        for text in [
            "",
            "x",
            "-1",
            "inf",
            "nan",
            "1e",
            "4294967296",
            "1969-12-31",
            "2005-02-29",
            "2005-13-01",
            "2005-00-01",
            "2005-04-31",
            "2005-04-02 24:00:00",
            "2005-04-02 23:60:00",
            "2005-04-02T",
            "2005-04-02 23:53:47 CET",
            "04/02/2005",
            "2005-04-02 23:53:47+25:00",
            "2005-04/02",
            "2107-01-01",
            "1970-01-01T00:00:00+01:00",
            "99999999999999999999999",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    #[test]
    fn the_unit_follows_from_the_size() {
        for (text, unit) in [
            ("851866703", Unit::Seconds),
            ("851866703000", Unit::Milliseconds),
            ("851866703000000", Unit::Microseconds),
            ("851866703000000000", Unit::Nanoseconds),
            ("1996-12-29", Unit::Date),
        ] {
            assert_eq!(
                read(text.as_bytes()).map(|found| found.1),
                Some(unit),
                "{text}"
            );
        }
    }
}
