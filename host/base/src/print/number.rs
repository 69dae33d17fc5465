//! Numbers, and counted things in words.

/// A whole number with commas: `20,000,263`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// So many of a thing: `1 movie`, `9,066 movies`. `one` is what one of them is called.
pub fn count(number: impl TryInto<u64>, one: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    format!("{} {}", grouped(number), noun(number, one))
}

/// What so many of a thing are called, without the number.
pub fn noun(number: impl TryInto<u64>, one: &str) -> String {
    if number.try_into().is_ok_and(|number| number == 1) {
        return one.to_owned();
    }
    match one {
        "person" => "people".into(),
        _ => match one.strip_suffix('y') {
            Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
            _ => format!("{one}s"),
        },
    }
}

/// That there is so much of a thing: `there is 1 movie`, `there are 3 movies`.
pub fn there(number: impl TryInto<u64>, one: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    let are = if number == 1 { "is" } else { "are" };
    format!("there {are} {}", count(number, one))
}

/// `was` of one thing, `were` of others.
pub fn was(number: impl TryInto<u64>) -> &'static str {
    match number.try_into().is_ok_and(|number| number == 1) {
        true => "was",
        false => "were",
    }
}

/// Stars, and the word: `1 star`, `4.5 stars`. Only the very number 1 is one star.
pub fn stars(stars: f32) -> String {
    match stars == 1.0 {
        true => "1 star".into(),
        false => format!("{} stars", without_negative_zero(&stars.to_string())),
    }
}

/// A number with so many decimals, without a sign before a zero.
pub fn fixed(number: impl Into<f64>, decimals: usize) -> String {
    without_negative_zero(&format!("{:.decimals$}", number.into())).to_owned()
}

/// A number with its sign and so many decimals; a zero is `+0.00` whichever side it was rounded from.
pub fn signed(number: impl Into<f64>, decimals: usize) -> String {
    let text = format!("{:+.decimals$}", number.into());
    match without_negative_zero(&text) {
        zero if zero.len() < text.len() => format!("+{zero}"),
        _ => text,
    }
}

/// A number as text without its minus, where all digits are zeros.
fn without_negative_zero(text: &str) -> &str {
    match text.strip_prefix('-') {
        Some(rest) if rest.bytes().all(|byte| matches!(byte, b'0' | b'.')) => rest,
        _ => text,
    }
}

/// A share as percent, `0.123` as `12.3 %`; never above 100 by rounding errors of what was added up.
pub fn percent(share: f64, decimals: usize) -> String {
    format!("{} %", fixed(100.0 * share, decimals))
}

/// A number of bytes in the unit that suits it, by thousands: `533 MB`.
pub fn bytes(number: u64) -> String {
    // Whatever would be rounded up to a thousand is told in the next unit.
    match number {
        0..1_000 => count(number, "byte"),
        1_000..999_500 => format!("{:.0} KB", number as f64 / 1e3),
        999_500..999_500_000 => format!("{:.0} MB", number as f64 / 1e6),
        _ => format!("{:.2} GB", number as f64 / 1e9),
    }
}

/// So many seconds in whole units of the largest that it has: `1 minute`, `3 hours`, `2 days`.
pub fn lasting(seconds: u64) -> String {
    let units = [("day", 86_400), ("hour", 3_600), ("minute", 60)];
    let largest = units.iter().find(|(_, unit)| seconds >= *unit);
    match largest {
        Some((name, unit)) => count(seconds / unit, name),
        None => count(seconds, "second"),
    }
}

/// A time in the unit that suits it, to three digits: `12.3 us`, `840 ms`, `2.05 s`, `3 min 20 s`, `2 h 05 min`.
pub fn seconds(time: f64) -> String {
    let (number, unit) = match time {
        ..0.0 => (0.0, "s"),
        0.0 => return "0 s".into(),
        ..999.5e-9 => (time * 1e9, "ns"),
        ..999.5e-6 => (time * 1e6, "us"),
        ..999.5e-3 => (time * 1e3, "ms"),
        ..119.5 => (time, "s"),
        ..7170.0 => {
            let whole = time.round() as u64;
            return format!("{} min {:02} s", whole / 60, whole % 60);
        }
        _ => {
            let minutes = (time / 60.0).round() as u64;
            return format!("{} h {:02} min", minutes / 60, minutes % 60);
        }
    };
    let decimals = match number {
        ..9.995 => 2,
        ..99.95 => 1,
        _ => 0,
    };
    format!("{number:.decimals$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (100_004, "100,004"),
            (20_000_263, "20,000,263"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn one_is_one_and_all_others_are_many() {
        for (number, one, text) in [
            (0, "movie", "0 movies"),
            (1, "movie", "1 movie"),
            (2, "movie", "2 movies"),
            (1, "person", "1 person"),
            (523, "person", "523 people"),
            (2, "copy", "2 copies"),
            (2, "day", "2 days"),
            (9_066, "rating", "9,066 ratings"),
        ] {
            assert_eq!(count(number, one), text);
        }
        assert_eq!(there(1, "owner"), "there is 1 owner");
        assert_eq!(there(0, "owner"), "there are 0 owners");
        assert_eq!([0, 1, 2].map(was), ["were", "was", "were"]);
        assert_eq!(
            [1.0, 4.5, 0.0].map(stars),
            ["1 star", "4.5 stars", "0 stars"]
        );
    }

    #[test]
    fn what_lasts_is_told_in_its_largest_unit() {
        for (seconds, text) in [
            (0, "0 seconds"),
            (59, "59 seconds"),
            (60, "1 minute"),
            (7_199, "1 hour"),
            (86_399, "23 hours"),
            (200_000, "2 days"),
        ] {
            assert_eq!(lasting(seconds), text);
        }
    }

    #[test]
    fn no_zero_has_a_minus() {
        assert_eq!(fixed(-0.001, 2), "0.00");
        assert_eq!(fixed(-0.01, 2), "-0.01");
        assert_eq!(signed(-0.001, 2), "+0.00");
        assert_eq!(signed(0.001, 2), "+0.00");
        assert_eq!(signed(-0.5, 2), "-0.50");
        assert_eq!(signed(12.0, 1), "+12.0");
        assert_eq!(stars(-0.0), "0 stars");
    }

    #[test]
    fn sizes_are_never_a_thousand_of_the_smaller_unit() {
        for (number, text) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (999, "999 bytes"),
            (1_000, "1 KB"),
            (999_499, "999 KB"),
            (999_500, "1 MB"),
            (999_499_999, "999 MB"),
            (999_500_000, "1.00 GB"),
        ] {
            assert_eq!(bytes(number), text);
        }
    }

    #[test]
    fn times_have_three_digits_and_none_is_nothing_unless_it_is() {
        for (time, text) in [
            (0.0, "0 s"),
            (2e-9, "2.00 ns"),
            (4.2e-6, "4.20 us"),
            (0.000_999_6, "1.00 ms"),
            (0.123_4, "123 ms"),
            (0.999_6, "1.00 s"),
            (2.0, "2.00 s"),
            (59.99, "60.0 s"),
            (200.0, "3 min 20 s"),
            (7_500.0, "2 h 05 min"),
        ] {
            assert_eq!(seconds(time), text);
        }
    }
}
