//! Numbers and tables as text.

use std::fmt::Write;

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

/// A number of bytes in the unit that suits it, by thousands: `533 MB`.
pub fn bytes(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} bytes"),
        1_000..1_000_000 => format!("{:.0} KB", count as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.0} MB", count as f64 / 1e6),
        _ => format!("{:.2} GB", count as f64 / 1e9),
    }
}

/// Which way a column is aligned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// Lays out rows as columns two spaces apart, a rule under the first row; every line indented by one space.
pub fn table(align: &[Align], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
    };
    let widths: Vec<usize> = (0..align.len())
        .map(|column| width(column).unwrap_or(0))
        .collect();
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        let mut line = String::new();
        for ((cell, width), align) in row.iter().zip(&widths).zip(align) {
            // Writing to a string can't fail.
            let _ = match align {
                Align::Left => write!(line, "  {cell:<width$}"),
                Align::Right => write!(line, "  {cell:>width$}"),
            };
        }
        text.push_str(line[1..].trim_end());
        text.push('\n');
        if number == 0 {
            let rule: usize = widths.iter().sum::<usize>() + 2 * (widths.len() - 1);
            text.push_str(&format!(" {}\n", "─".repeat(rule)));
        }
    }
    text
}

/// A text of at most `width` characters, an ellipsis in place of what is cut.
pub fn shortened(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(width.saturating_sub(1)).collect();
    short.truncate(short.trim_end().len());
    short.push('…');
    short
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
    fn columns_line_up_whatever_the_letters() {
        let rows = [["Title", "Stars"], ["Léon", "4.5"], ["Big", "10.25"]]
            .map(|row| row.map(String::from).to_vec());
        assert_eq!(
            table(&[Align::Left, Align::Right], &rows),
            " Title  Stars\n ────────────\n Léon     4.5\n Big    10.25\n"
        );
    }

    #[test]
    fn long_text_is_cut_with_an_ellipsis() {
        assert_eq!(shortened("Léon", 4), "Léon");
        assert_eq!(shortened("Léon: The Professional", 6), "Léon:…");
    }
}
