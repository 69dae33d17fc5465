//! Tables of titles and of own ratings: columns by their names, and records by their lines.

use csv::StringRecord;

/// What columns of a movie's year are called, in [`plain`] letters.
pub const YEARS: [&str; 3] = ["year", "releaseyear", "movieyear"];

/// A column's name in small letters and digits, without signs and without the type that RecBole puts behind it
/// (`item_id:token`).
pub fn plain(name: &str) -> String {
    let name = name.split(':').next().unwrap_or_default();
    let letters = name.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

/// The names of a header's columns.
pub struct Header(Vec<String>);

impl Header {
    /// Of its cells.
    pub fn new<'a>(cells: impl IntoIterator<Item = &'a str>) -> Header {
        Header(cells.into_iter().map(plain).collect())
    }

    /// Where the first of these names that is there stands.
    pub fn find(&self, known: &[&str]) -> Option<usize> {
        let mut known = known.iter();
        known.find_map(|known| self.0.iter().position(|name| name == known))
    }

    /// Whether a column is called so.
    pub fn has(&self, name: &str) -> bool {
        self.find(&[name]).is_some()
    }

    /// Whether a name starts so.
    pub fn has_start(&self, start: &str) -> bool {
        self.0.iter().any(|name| name.starts_with(start))
    }
}

/// The records of a table in memory, each with its line's number and text.
pub struct Records<'a> {
    reader: csv::Reader<&'a [u8]>,
    text: &'a str,
    /// Bytes and lines ahead of what was read.
    passed: usize,
    line: u64,
}

impl<'a> Records<'a> {
    /// Of a text whose cells have `separator` between.
    pub fn new(text: &'a str, separator: u8) -> Records<'a> {
        Records {
            reader: csv::ReaderBuilder::new()
                .flexible(true)
                .has_headers(false)
                .delimiter(separator)
                .from_reader(text.as_bytes()),
            text,
            passed: 0,
            line: 1,
        }
    }

    /// Reads the next record; the number and the text of the line on which it starts, and nothing behind the last.
    ///
    /// The reader's own count lags where lines end with a carriage return or are blank.
    pub fn read(&mut self, record: &mut StringRecord) -> Option<(u64, &'a str)> {
        // Can't fail: the text is UTF-8, in memory, and any number of fields will do.
        if !matches!(self.reader.read_record(record), Ok(true)) {
            return None;
        }
        let ahead = record.position().map_or(0, |at| at.byte() as usize);
        let rest = self.text.get(ahead..).unwrap_or_default();
        let start = ahead + rest.len() - rest.trim_start_matches(['\r', '\n']).len();
        let passed = self.text.get(self.passed..start).unwrap_or_default();
        self.line += passed.matches('\n').count() as u64;
        self.passed = start;
        let line = self.text.get(start..).unwrap_or_default();
        Some((self.line, line.lines().next().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_names_however_they_are_written() {
        let header = Header::new(["\u{feff}Movie ID", "Release-Year:float", "Your Rating"]);
        assert_eq!(header.find(&["id", "movieid"]), Some(0));
        assert_eq!(header.find(&YEARS), Some(1));
        assert!(header.has("yourrating") && !header.has("rating"));
        assert!(header.has_start("your"));
    }

    #[test]
    fn records_have_the_numbers_of_their_lines() {
        let text = "a,b\r\n\r\n\"two\nlines\",c\n\n\nlast,d";
        let mut records = Records::new(text, b',');
        let mut record = StringRecord::new();
        let mut lines = Vec::new();
        while let Some((number, line)) = records.read(&mut record) {
            lines.push((number, line, record.len()));
        }
        assert_eq!(lines, [(1, "a,b", 2), (3, "\"two", 2), (7, "last,d", 2)]);
    }
}
