//! From a stream of text to four columns, on as many threads as there are.
//!
//! The stream is cut into chunks of whole lines. Each thread takes the next chunk, parses it into columns of its own
//! that stay in its cache, and appends them when all chunks before are appended. So the columns grow in file order,
//! whatever the threads do, and beside the finished columns only a few chunks are in memory.
//!
//! Advice for whoever changes this: reading happens under the lock on purpose. A read of 1 MB from the page cache
//! takes a quarter of the time that parsing it does, so threads don't wait for each other, and the source can be
//! anything that reads in order, such as an entry of a zip file.
//!
//! The columns don't ask for huge pages. A virtual machine's host takes free memory back in blocks of 2 MB, and giving
//! out one of those again costs milliseconds, where pages of 4 KB mostly come from what the machine still has.

use std::io::Read;
use std::path::Path;
use std::sync::{Condvar, Mutex};

use super::error::{BadLine, DataError};
use super::ids::IdSet;
use super::line::{Form, Rating, fast};

const CHUNK: usize = 1 << 20;
/// A size is only a claim (a zip file makes it), so that no more memory than for these ratings is set aside on it.
const MOST_RESERVED: usize = 1 << 26;
/// 1990-01-01: MovieLens began later.
const BEFORE_MOVIELENS: u32 = 631_152_000;

/// Ratings as a file has them: ids, in file order.
#[derive(Debug, Default)]
pub struct Columns {
    /// User ids.
    pub users: Vec<u32>,
    /// Movie ids.
    pub movies: Vec<u32>,
    /// Stars.
    pub stars: Vec<f32>,
    /// Seconds since 1970.
    pub times: Vec<u32>,
    /// The user ids that occur.
    pub user_set: IdSet,
    /// The movie ids that occur.
    pub movie_set: IdSet,
}

impl Columns {
    #[inline(always)]
    fn push(&mut self, rating: Rating) {
        self.users.push(rating.user);
        self.movies.push(rating.movie);
        self.stars.push(rating.stars);
        self.times.push(rating.time);
    }

    fn clear(&mut self) {
        self.users.clear();
        self.movies.clear();
        self.stars.clear();
        self.times.clear();
    }

    fn reserve(&mut self, more: usize) {
        self.users.reserve_exact(more);
        self.movies.reserve_exact(more);
        self.stars.reserve_exact(more);
        self.times.reserve_exact(more);
    }

    fn append(&mut self, other: &Columns) {
        self.users.extend_from_slice(&other.users);
        self.movies.extend_from_slice(&other.movies);
        self.stars.extend_from_slice(&other.stars);
        self.times.extend_from_slice(&other.times);
    }
}

/// Called with the bytes read so far.
pub type OnBytes<'a> = &'a (dyn Fn(u64) + Sync);

/// Reads ratings from a stream of `size` bytes (a hint); `path` is for messages.
///
/// # Errors
/// [`DataError::Line`] with the first line that isn't a rating, [`DataError::Input`] if there are no ratings,
/// [`DataError::Io`] if reading fails.
pub fn read(
    mut source: impl Read + Send,
    size: u64,
    path: &Path,
    threads: usize,
    on_bytes: OnBytes,
) -> Result<Columns, DataError> {
    let io = |error| DataError::Io(path.to_owned(), error);
    let mut head = Vec::new();
    source
        .by_ref()
        .take(CHUNK as u64)
        .read_to_end(&mut head)
        .map_err(io)?;
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return Err(DataError::Input(format!(
            "{} is in UTF-16; it should be saved as UTF-8, or as plain ASCII",
            path.display()
        )));
    }
    let mark = if head.starts_with(b"\xef\xbb\xbf") {
        3
    } else {
        0
    };
    if head.len() == mark {
        return Err(DataError::Input(format!(
            "{} is empty; it should hold ratings",
            path.display()
        )));
    }
    let line_end = memchr::memchr(b'\n', &head).unwrap_or(head.len());
    let first = head[mark..line_end]
        .strip_suffix(b"\r")
        .unwrap_or(&head[mark..line_end]);
    let form = Form::detect(first)
        .map_err(|right| DataError::Line(BadLine::new(path, 1, first, right)))?;
    let begin = if form.header {
        (line_end + 1).min(head.len())
    } else {
        mark
    };
    let lines = u64::from(form.header);
    let size_of_head = head.len() as u64;

    let source = Mutex::new(Source {
        read: source,
        rest: head.split_off(begin),
        next: 0,
        bytes: size_of_head,
        done: false,
        unended: None,
    });
    let sink = Mutex::new(Sink {
        columns: Columns::default(),
        next: 0,
        lines,
        failed: None,
    });
    let turn = Condvar::new();
    let sets = std::thread::scope(|scope| {
        let worker = || work(&source, &sink, &turn, &form, size, path, on_bytes);
        let others: Vec<_> = (1..threads.max(1)).map(|_| scope.spawn(worker)).collect();
        let mut sets = vec![worker()];
        // A worker doesn't panic: it indexes within bounds and locks aren't poisoned.
        sets.extend(others.into_iter().filter_map(|other| other.join().ok()));
        sets
    });
    let sink = sink
        .into_inner()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some(error) = sink.failed {
        return Err(error);
    }
    let mut columns = sink.columns;
    for (users, movies) in sets {
        columns.user_set.merge(&users);
        columns.movie_set.merge(&movies);
    }
    if columns.users.is_empty() {
        return Err(DataError::Input(format!(
            "{} holds no ratings, only a header",
            path.display()
        )));
    }
    refuse_cut_time(&columns, &source, sink.lines, path)?;
    Ok(columns)
}

/// A last line without a line feed may be whole, or cut: only its timestamp tells, being digits short of the others.
fn refuse_cut_time<R>(
    columns: &Columns,
    source: &Mutex<Source<R>>,
    lines: u64,
    path: &Path,
) -> Result<(), DataError> {
    let source = source
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    let (Some(line), Some(&first), Some(&last)) =
        (&source.unended, columns.times.first(), columns.times.last())
    else {
        return Ok(());
    };
    if last >= BEFORE_MOVIELENS || first < BEFORE_MOVIELENS {
        return Ok(());
    }
    let reason = format!(
        "the timestamp `{last}` is before 1990 and no line end follows, so the file was probably cut here; it should \
         be in seconds since 1970, such as {first}"
    );
    Err(DataError::Line(BadLine::new(path, lines, line, reason)))
}

struct Source<R> {
    read: R,
    /// What was read behind the last whole line handed out.
    rest: Vec<u8>,
    next: u64,
    bytes: u64,
    done: bool,
    /// The last line, if no line feed ends it.
    unended: Option<Vec<u8>>,
}

impl<R: Read> Source<R> {
    /// Fills `chunk` with whole lines, the last of which ends with a line feed; gives the chunk's number.
    fn next_chunk(&mut self, chunk: &mut Vec<u8>) -> std::io::Result<Option<u64>> {
        chunk.clear();
        if self.done {
            return Ok(None);
        }
        chunk.append(&mut self.rest);
        let wanted = CHUNK.saturating_sub(chunk.len()).max(1);
        let got = self.read.by_ref().take(wanted as u64).read_to_end(chunk)?;
        self.bytes += got as u64;
        self.done = got < wanted;
        if self.done {
            if chunk.is_empty() {
                return Ok(None);
            }
            if chunk.last() != Some(&b'\n') {
                let start = memchr::memrchr(b'\n', chunk).map_or(0, |end| end + 1);
                self.unended = Some(chunk[start..].to_vec());
                chunk.push(b'\n');
            }
        } else {
            match memchr::memrchr(b'\n', chunk) {
                Some(end) => {
                    self.rest.extend_from_slice(&chunk[end + 1..]);
                    chunk.truncate(end + 1);
                }
                // No rating is a megabyte long: let the parser refuse it.
                None => chunk.push(b'\n'),
            }
        }
        self.next += 1;
        Ok(Some(self.next - 1))
    }
}

struct Sink {
    columns: Columns,
    /// The chunk whose turn it is.
    next: u64,
    /// Lines before that chunk.
    lines: u64,
    failed: Option<DataError>,
}

fn work<R: Read>(
    source: &Mutex<Source<R>>,
    sink: &Mutex<Sink>,
    turn: &Condvar,
    form: &Form,
    size: u64,
    path: &Path,
    on_bytes: OnBytes,
) -> (IdSet, IdSet) {
    let mut chunk = Vec::with_capacity(CHUNK + 1);
    let mut parsed = Columns::default();
    let lock = || sink.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    loop {
        let mut held = source
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        let number = match held.next_chunk(&mut chunk) {
            Ok(Some(number)) => number,
            Ok(None) => break,
            Err(error) => {
                held.done = true;
                lock()
                    .failed
                    .get_or_insert(DataError::Io(path.to_owned(), error));
                turn.notify_all();
                break;
            }
        };
        on_bytes(held.bytes);
        drop(held);

        parsed.clear();
        let result = parse(&chunk, form, &mut parsed);
        let mut sink = lock();
        while sink.next != number && sink.failed.is_none() {
            sink = turn
                .wait(sink)
                .unwrap_or_else(|poisoned| poisoned.into_inner());
        }
        if sink.failed.is_some() {
            break;
        }
        match result {
            Ok(lines) => {
                if sink.columns.users.capacity() == 0 && !parsed.users.is_empty() {
                    // What the first chunk's line length foretells, and a twentieth.
                    let guess = (size as usize / (chunk.len() / parsed.users.len()).max(1))
                        .min(MOST_RESERVED);
                    sink.columns.reserve(guess + guess / 20);
                }
                sink.columns.append(&parsed);
                sink.lines += lines;
                sink.next += 1;
            }
            Err(bad) => {
                let number = sink.lines + bad.line + 1;
                let line = &chunk[bad.start..bad.end];
                sink.failed = Some(DataError::Line(BadLine::new(
                    path, number, line, bad.reason,
                )));
            }
        }
        drop(sink);
        turn.notify_all();
    }
    (parsed.user_set, parsed.movie_set)
}

struct Bad {
    /// Lines before it in the chunk.
    line: u64,
    start: usize,
    end: usize,
    reason: String,
}

/// Parses whole lines and gives their number, blank ones included.
fn parse(text: &[u8], form: &Form, columns: &mut Columns) -> Result<u64, Bad> {
    let plain = form.is_plain();
    let extra = form.fields - 4;
    let (mut at, mut lines) = (0, 0);
    let mut last_user = None;
    while at < text.len() {
        let quick = if plain {
            fast(text, at, form.separator, extra)
        } else {
            None
        };
        let (rating, next) = match quick {
            Some(found) => found,
            None => {
                let end =
                    memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |length| at + length);
                let line = &text[at..end];
                if line.trim_ascii().is_empty() {
                    at = end + 1;
                    lines += 1;
                    continue;
                }
                match form.parse(line) {
                    Ok(rating) => (rating, end + 1),
                    Err(reason) => {
                        return Err(Bad {
                            line: lines,
                            start: at,
                            end,
                            reason,
                        });
                    }
                }
            }
        };
        columns.push(rating);
        columns.movie_set.insert(rating.movie);
        if last_user != Some(rating.user) {
            columns.user_set.insert(rating.user);
            last_user = Some(rating.user);
        }
        at = next;
        lines += 1;
    }
    Ok(lines)
}
