//! Columns that line up and fit a line.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::escape::escape;
use super::item::{kept, unkept, worded};
use super::width::{self, shortened, width};

/// Which way a column is aligned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// What becomes of a column where a line has no room for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Give {
    /// Nothing: a number that is cut would be another number.
    Nothing,
    /// Its texts are cut with an ellipsis, the widest column's first.
    Letters,
    /// It is cut to [`WORTHWHILE`] before the others are, and left out before they are.
    Itself,
}

/// Columns between two columns.
const GAP: usize = 2;
/// A column of text isn't cut to less while another can give.
const LEAST: usize = 20;
/// A column that may be left out is, rather than cut to less.
const WORTHWHILE: usize = 14;

/// A column of a table.
#[derive(Debug, Clone)]
pub struct Column {
    title: String,
    align: Align,
    give: Give,
}

impl Column {
    /// A column of numbers, which are never cut.
    pub fn number(title: impl Into<String>) -> Self {
        Self::new(title, Align::Right, Give::Nothing)
    }

    /// A column of text, which is cut where a line has no room.
    pub fn text(title: impl Into<String>) -> Self {
        Self::new(title, Align::Left, Give::Letters)
    }

    /// A column of text that gives way before the others do, and is left out where nothing stands in it or nothing useful
    /// would stay.
    pub fn extra(title: impl Into<String>) -> Self {
        Self::new(title, Align::Left, Give::Itself)
    }

    fn new(title: impl Into<String>, align: Align, give: Give) -> Self {
        Self {
            title: worded(&title.into()).into_owned(),
            align,
            give,
        }
    }
}

/// A table: columns two spaces apart, a rule under their titles, each line indented by one space.
///
/// It fits a line of the width it is asked for. Columns of text are cut, in the order that [`Column`] tells. Where that
/// isn't enough the columns that have no room stand below, in a second table whose first column is that of the first.
/// Cells are [escaped](escape).
#[derive(Debug, Clone)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
    /// Columns that hold what came from outside.
    outside: BTreeSet<usize>,
}

/// A list of objects, one a row, whose members have the columns' titles in small letters: numbers where the cell is one,
/// else text.
impl Serialize for Table {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let name = |column: &Column| column.title.to_lowercase().replace([' ', '/'], "_");
        let names: Vec<String> = self.columns.iter().map(name).collect();
        to.collect_seq(self.rows.iter().map(|row| {
            let cells = row.iter().map(|cell| match cell.replace(',', "").parse() {
                Ok(number) => Value::from(number),
                Err::<f64, _>(_) => Value::from(cell.as_str()),
            });
            names.iter().cloned().zip(cells).collect::<Map<_, _>>()
        }))
    }
}

impl Table {
    /// A table without rows.
    pub fn new(columns: impl Into<Vec<Column>>) -> Self {
        Self {
            columns: columns.into(),
            rows: Vec::new(),
            outside: BTreeSet::new(),
        }
    }

    /// Adds a row, a cell for each column.
    pub fn row(&mut self, cells: impl IntoIterator<Item = impl AsRef<str>>) {
        let mut row = Vec::new();
        for (column, cell) in cells.into_iter().enumerate() {
            let (cell, outside) = unkept(cell.as_ref());
            if outside {
                self.outside.insert(column);
            }
            let cell = match outside {
                true => cell,
                false => worded(&cell).into_owned().into(),
            };
            row.push(escape(&cell).into_owned());
        }
        self.rows.push(row);
    }

    /// The table as lines that fit the terminal, by [`width::columns`].
    pub fn text(&self) -> String {
        self.fitting(width::columns())
    }

    /// The table as lines of at most `most` columns, unless numbers alone are wider.
    pub fn fitting(&self, most: usize) -> String {
        let room = most.saturating_sub(1);
        let over = |widths: &[usize], shown: &[usize]| {
            let gaps = GAP * shown.len().saturating_sub(1);
            (shown.iter().map(|column| widths[*column]).sum::<usize>() + gaps).saturating_sub(room)
        };
        let that = |give: Give, shown: &[usize]| -> Vec<usize> {
            let mut some = shown.to_vec();
            some.retain(|column| self.columns[*column].give == give);
            some
        };
        let natural: Vec<usize> = (0..self.columns.len())
            .map(|column| self.natural(column))
            .collect();
        let mut shown: Vec<usize> = (0..self.columns.len()).collect();
        shown.retain(|column| self.columns[*column].give != Give::Itself || self.says(*column));
        let mut widths;
        loop {
            widths = natural.clone();
            for (give, least) in [(Give::Itself, WORTHWHILE), (Give::Letters, LEAST)] {
                let spare = over(&widths, &shown);
                narrow(&mut widths, &that(give, &shown), least, spare);
            }
            match that(Give::Itself, &shown).pop() {
                Some(extra) if over(&widths, &shown) > 0 => shown.retain(|kept| *kept != extra),
                _ => break,
            }
        }
        let mut text = String::new();
        while !shown.is_empty() {
            let mut block = shown.clone();
            while block.len() > 2 && over(&widths, &block) > 0 {
                block.pop();
            }
            let spare = over(&widths, &block);
            narrow(&mut widths, &that(Give::Letters, &block), 1, spare);
            if !text.is_empty() {
                text.push('\n');
            }
            self.put(&mut text, &block, &widths);
            let rest = shown.split_off(block.len());
            // What stands below says of which row it is.
            shown = match rest.is_empty() {
                true => rest,
                false => [&shown[..1], &rest].concat(),
            };
        }
        text
    }

    /// Whether something stands in a column.
    fn says(&self, column: usize) -> bool {
        let mut cells = self.rows.iter().filter_map(|row| row.get(column));
        cells.any(|cell| !cell.is_empty())
    }

    /// Columns that nothing of a column is cut in.
    fn natural(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        let title = width(&escape(&self.columns[column].title));
        cells.map(|cell| width(cell)).fold(title, usize::max)
    }

    fn put(&self, text: &mut String, shown: &[usize], widths: &[usize]) {
        let titles: Vec<String> = self
            .columns
            .iter()
            .map(|column| escape(&column.title).into_owned())
            .collect();
        for (number, row) in std::iter::once(&titles).chain(&self.rows).enumerate() {
            let mut line = String::new();
            for &column in shown {
                let Some(cell) = row.get(column) else {
                    continue;
                };
                let cell = shortened(cell, widths[column]);
                let fill = " ".repeat(widths[column].saturating_sub(width(&cell)));
                let cell = match number > 0 && self.outside.contains(&column) {
                    true => kept(&cell),
                    false => cell.into(),
                };
                // Writing to a string can't fail.
                let _ = match self.columns[column].align {
                    Align::Left => write!(line, "  {cell}{fill}"),
                    Align::Right => write!(line, "  {fill}{cell}"),
                };
            }
            text.push_str(line.get(1..).unwrap_or_default().trim_end());
            text.push('\n');
            if number == 0 {
                let rule: usize = shown.iter().map(|column| widths[*column]).sum();
                let rule = rule + GAP * (shown.len() - 1);
                text.push_str(&format!(" {}\n", "─".repeat(rule)));
            }
        }
    }
}

/// Takes `spare` columns from the widest of some columns, one at a time, none of which gets narrower than `least`.
fn narrow(widths: &mut [usize], some: &[usize], least: usize, spare: usize) {
    for _ in 0..spare {
        let widest = some.iter().copied().max_by_key(|column| widths[*column]);
        match widest {
            Some(column) if widths[column] > least => widths[column] -= 1,
            _ => return,
        }
    }
}

/// Lays out rows, the first of which has the titles, as a [`Table`] that fits the terminal.
pub fn table(align: &[Align], rows: &[Vec<String>]) -> String {
    let Some((titles, rows)) = rows.split_first() else {
        return String::new();
    };
    let columns: Vec<Column> = titles
        .iter()
        .zip(align)
        .map(|(title, align)| match align {
            Align::Left => Column::text(title),
            Align::Right => Column::number(title),
        })
        .collect();
    let mut table = Table::new(columns);
    for row in rows {
        table.row(row);
    }
    table.text()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn movies() -> Table {
        let mut table = Table::new([
            Column::number(""),
            Column::number("Stars"),
            Column::text("Movie"),
            Column::extra("Genres"),
            Column::number("Id"),
        ]);
        table.row([
            "1",
            "4.52",
            "Shawshank Redemption, The (1994)",
            "Crime, Drama",
            "318",
        ]);
        table.row([
            "2",
            "4.40",
            "Spirited Away (Sen to Chihiro no kamikakushi) (千と千尋の神隠し) (2001)",
            "Adventure, Animation, Fantasy",
            "5618",
        ]);
        table.row(["10", "4.31", "Zu\u{308}rich\u{1b}[31m\n", "", "163949"]);
        table
    }

    #[test]
    fn a_table_fits_a_terminal_of_every_width_and_no_number_is_cut() {
        for most in 40..=200 {
            let text = movies().fitting(most);
            for line in text.lines() {
                assert!(width(line) <= most, "{most}: {line}");
            }
            for number in ["4.52", "4.40", "4.31", "318", "5618", "163949"] {
                assert!(text.contains(number), "{most}: {text}");
            }
            assert!(!text.contains('\u{1b}'));
            assert_eq!(text.lines().count(), 5, "{most}: {text}");
        }
    }

    #[test]
    fn what_gives_way_first_is_what_is_missed_least() {
        for (most, shown) in [(40, "
     Stars  Movie                     Id
 ───────────────────────────────────────
  1   4.52  Shawshank Redemptio…     318
  2   4.40  Spirited Away (Sen…     5618
 10   4.31  Zu\u{308}rich\\u{1b}[31m\\n    163949
"), (80, "
     Stars  Movie                                         Genres              Id
 ───────────────────────────────────────────────────────────────────────────────
  1   4.52  Shawshank Redemption, The (1994)              Crime, Drama       318
  2   4.40  Spirited Away (Sen to Chihiro no kamikakush…  Adventure, An…    5618
 10   4.31  Zu\u{308}rich\\u{1b}[31m\\n                                            163949
"), (120, "
     Stars  Movie                                                                    Genres                           Id
 ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
  1   4.52  Shawshank Redemption, The (1994)                                         Crime, Drama                    318
  2   4.40  Spirited Away (Sen to Chihiro no kamikakushi) (千と千尋の神隠し) (2001)  Adventure, Animation, Fant…    5618
 10   4.31  Zu\u{308}rich\\u{1b}[31m\\n                                                                                    163949
"), (200, "
     Stars  Movie                                                                    Genres                             Id
 ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
  1   4.52  Shawshank Redemption, The (1994)                                         Crime, Drama                      318
  2   4.40  Spirited Away (Sen to Chihiro no kamikakushi) (千と千尋の神隠し) (2001)  Adventure, Animation, Fantasy    5618
 10   4.31  Zu\u{308}rich\\u{1b}[31m\\n                                                                                      163949
")] {
            assert_eq!(format!("\n{}", movies().fitting(most)), shown);
        }
    }

    #[test]
    fn columns_of_numbers_without_room_stand_below_beside_the_first() {
        let mut table =
            Table::new(["Ratings", "Nothing", "Biases", "Retrained", "Device"].map(Column::number));
        table.row(["5", "0.9612", "0.9312", "0.9198", "0.9241"]);
        assert_eq!(
            format!("\n{}", table.fitting(40)),
            "
 Ratings  Nothing  Biases  Retrained
 ───────────────────────────────────
       5   0.9612  0.9312     0.9198

 Ratings  Device
 ───────────────
       5  0.9241
"
        );
        for most in 40..=200 {
            let text = table.fitting(most);
            assert!(text.lines().all(|line| width(line) <= most), "{text}");
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
}
