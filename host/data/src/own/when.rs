//! Dates and times as exports write them, as numbers that grow.

/// A number that grows with time, for `1260759144`, `2021-03-04`, `2021-03-04T05:06:07.000Z` and `… +02:00`.
pub fn when(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        return number.is_finite().then_some(number as i64);
    }
    let (date, time) = text.split_at_checked(10)?;
    let mut fields = date.split(['-', '/']);
    let mut next = || fields.next()?.parse::<i64>().ok();
    let (year, month, day) = (next()?, next()?, next()?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let (time, zone) = zone(time.trim_start_matches([' ', 'T']));
    let mut seconds = 0;
    let mut unit = 3600;
    for field in time.split(':').filter(|field| !field.is_empty()) {
        let whole = field.split('.').next()?;
        seconds += whole.parse::<i64>().ok()? * unit;
        unit /= 60;
    }
    // Months of 31 days keep the order.
    Some(((year * 12 + month) * 31 + day) * 86_400 + seconds - zone)
}

/// A time without its zone, and the zone's seconds.
fn zone(time: &str) -> (&str, i64) {
    let time = time.strip_suffix(['Z', 'z']).unwrap_or(time);
    let Some(at) = time.rfind(['+', '-']) else {
        return (time, 0);
    };
    let (time, zone) = time.split_at(at);
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let digits: String = zone.chars().filter(char::is_ascii_digit).collect();
    let number = |from: usize, to: usize| {
        let part = digits
            .get(from..to)
            .and_then(|part| part.parse::<i64>().ok());
        part.unwrap_or_default()
    };
    (
        time.trim(),
        sign * (number(0, 2) * 3600 + number(2, 4) * 60),
    )
}

#[cfg(test)]
mod tests {
    use super::when;

    #[test]
    fn later_is_more_in_every_form() {
        for (earlier, later) in [
            ("1260759144", "1260759145"),
            ("1260759144.2", "1260759146"),
            ("2021-03-04", "2021-03-05"),
            ("2021-03-31", "2021-04-01"),
            ("2021-03-04T05:06:07.000Z", "2021-03-04T05:06:08.000Z"),
            ("2021-03-04 05:06:07", "2021-03-04 15:06:07"),
            ("2021-03-04T05:00:00+02:00", "2021-03-04T04:00:00Z"),
        ] {
            assert!(
                when(earlier).unwrap() < when(later).unwrap(),
                "{earlier} {later}"
            );
        }
        for text in ["", "yesterday", "2021-13-01", "2021-03-04Tx", "nan"] {
            assert_eq!(when(text), None, "{text}");
        }
    }
}
