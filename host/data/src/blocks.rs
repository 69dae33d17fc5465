//! Ratings in blocks, as the Netflix Prize has them: a line `17:` names a movie, and the lines behind it are its ratings.

use std::io::{self, BufRead, BufReader, Read};

/// The columns that a block and its lines make, in place of the first block's line.
const HEADER: &[u8] = b"movie,user,rating,date";
/// A longer line is no rating: it is passed on as it is.
const LONGEST: u64 = 4096;

/// Whether a text that begins like this is in blocks.
pub fn begin(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let end = memchr::memchr(b'\n', head);
    end.is_some_and(|end| movie(&head[..end]).is_some())
}

/// The movie that a line names, if it begins a block.
fn movie(line: &[u8]) -> Option<&[u8]> {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    let number = line.trim_ascii_end().strip_suffix(b":")?;
    (!number.is_empty() && number.iter().all(u8::is_ascii_digit)).then_some(number)
}

/// Text in blocks as lines of their own: as many lines, each behind its movie.
pub struct Blocks<R> {
    read: BufReader<R>,
    movie: Vec<u8>,
    line: Vec<u8>,
    /// What is to be given, and how much of it was.
    made: Vec<u8>,
    given: usize,
    begun: bool,
    /// Within a line that is too long.
    long: bool,
}

impl<R: Read> Blocks<R> {
    /// The lines of `read`.
    pub fn new(read: R) -> Blocks<R> {
        Blocks {
            read: BufReader::with_capacity(1 << 16, read),
            movie: Vec::new(),
            line: Vec::new(),
            made: Vec::new(),
            given: 0,
            begun: false,
            long: false,
        }
    }

    /// Makes the next line; whether there is one.
    fn next(&mut self) -> io::Result<bool> {
        self.line.clear();
        self.made.clear();
        self.given = 0;
        let got = (&mut self.read)
            .take(LONGEST)
            .read_until(b'\n', &mut self.line)?;
        if got == 0 {
            return Ok(false);
        }
        let within = std::mem::replace(&mut self.long, self.line.last() != Some(&b'\n'));
        match movie(&self.line).filter(|_| !within) {
            Some(movie) => {
                self.movie = [movie, b","].concat();
                if !std::mem::replace(&mut self.begun, true) {
                    self.made.extend_from_slice(HEADER);
                }
                self.made.push(b'\n');
            }
            None => {
                if !within && !self.line.trim_ascii().is_empty() {
                    self.made.extend_from_slice(&self.movie);
                }
                self.made.extend_from_slice(&self.line);
            }
        }
        Ok(true)
    }
}

impl<R: Read> Read for Blocks<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            if self.given == self.made.len() && !self.next()? {
                break;
            }
            let count = (self.made.len() - self.given).min(buffer.len() - filled);
            buffer[filled..filled + count]
                .copy_from_slice(&self.made[self.given..self.given + count]);
            self.given += count;
            filled += count;
        }
        Ok(filled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_become_as_many_lines_behind_their_movies() {
        let text = "1:\n1488844,3,2005-09-06\n\n822109,5,2005-05-13\r\n12:\r\n7,4,2005-01-01";
        assert!(begin(text.as_bytes()) && begin(b"\xef\xbb\xbf12:\r\n"));
        let mut lines = String::new();
        Blocks::new(text.as_bytes())
            .read_to_string(&mut lines)
            .unwrap();
        assert_eq!(
            lines,
            "movie,user,rating,date\n1,1488844,3,2005-09-06\n\n1,822109,5,2005-05-13\r\n\n12,7,4,2005-01-01"
        );
        for other in ["1,2,3\n", "a:\n", ":\n", "1:", "1::2::3\n"] {
            assert!(!begin(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn a_line_without_end_is_passed_on_and_fills_no_memory() {
        let text = [b"1:\n".to_vec(), b"x".repeat(100_000)].concat();
        let mut blocks = Blocks::new(&text[..]);
        let mut all = Vec::new();
        blocks.read_to_end(&mut all).unwrap();
        assert_eq!(all.len(), "movie,user,rating,date\n1,".len() + 100_000);
        assert!(blocks.line.capacity() <= 2 * LONGEST as usize);
    }
}
