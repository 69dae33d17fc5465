//! Made-up ratings on their way out: lines as GroupLens writes them, or columns of a table.

use std::io::{self, Write};
use std::mem::take;

use pocketrec_tables::{Cells, Kind};

/// The first line.
pub const HEADER: &[u8] = b"userId,movieId,rating,timestamp\r\n";

/// The same columns of a table.
pub const COLUMNS: [(&str, Kind); 4] = [
    ("userId", Kind::Whole),
    ("movieId", Kind::Whole),
    ("rating", Kind::Number),
    ("timestamp", Kind::Whole),
];

/// Ratings that are still to be written.
pub enum Rows {
    /// Lines.
    Text(Vec<u8>),
    /// Columns.
    Columns {
        users: Vec<i64>,
        movies: Vec<i64>,
        stars: Vec<f32>,
        times: Vec<i64>,
    },
}

impl Rows {
    /// None yet, as lines.
    pub fn of_text() -> Rows {
        Rows::Text(Vec::new())
    }

    /// None yet, as columns.
    pub fn of_columns() -> Rows {
        Rows::Columns {
            users: Vec::new(),
            movies: Vec::new(),
            stars: Vec::new(),
            times: Vec::new(),
        }
    }

    /// Adds a rating of so many half stars.
    pub fn add(&mut self, user: u32, movie: u32, halves: u8, time: u32) {
        match self {
            Rows::Text(text) => {
                decimal(text, user);
                text.push(b',');
                decimal(text, movie);
                let tail = [
                    b',',
                    b'0' + halves / 2,
                    b'.',
                    if halves % 2 == 1 { b'5' } else { b'0' },
                    b',',
                ];
                text.extend_from_slice(&tail);
                decimal(text, time);
                text.extend_from_slice(b"\r\n");
            }
            Rows::Columns {
                users,
                movies,
                stars,
                times,
            } => {
                users.push(user.into());
                movies.push(movie.into());
                stars.push(f32::from(halves) / 2.0);
                times.push(time.into());
            }
        }
    }

    /// The lines, which are gone from here then.
    pub fn write_text(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if let Rows::Text(text) = self {
            out.write_all(text)?;
            text.clear();
        }
        Ok(())
    }

    /// The columns of [`COLUMNS`], which are gone from here then.
    pub fn take_columns(&mut self) -> Vec<Cells> {
        match self {
            Rows::Text(_) => Vec::new(),
            Rows::Columns {
                users,
                movies,
                stars,
                times,
            } => vec![
                Cells::Whole(take(users)),
                Cells::Whole(take(movies)),
                Cells::Numbers(take(stars)),
                Cells::Whole(take(times)),
            ],
        }
    }
}

fn decimal(text: &mut Vec<u8>, mut number: u32) {
    let mut digits = [0; 10];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    text.extend_from_slice(&digits[at..]);
}

/// Counts what is written through it.
pub struct Counted<'a> {
    pub out: &'a mut dyn Write,
    pub bytes: u64,
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
