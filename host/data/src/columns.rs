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

use std::collections::TryReserveError;
use std::io::Read;
use std::path::Path;
use std::sync::{Condvar, Mutex};

use super::cells::plain_id;
use super::error::{BadLine, DataError};
use super::form::{self, Form};
use super::ids::IdSet;
use super::json;
use super::line::{Rating, Said, fast};
use super::names::{Closed, Interner};
use super::open::unreadable;
use super::quotes::WITHIN;
use super::reading::Reading;
use pocketrec_base::memory;
use pocketrec_base::threads::share;

const CHUNK: usize = 1 << 20;
/// A size is only a claim (a zip file makes it), so that no more memory than for these ratings is set aside on it.
const MOST_RESERVED: usize = 1 << 26;
/// 1990-01-01: MovieLens began later.
const BEFORE_MOVIELENS: u32 = 631_152_000;

/// Ratings as a file has them: ids, in file order.
#[derive(Debug, Default)]
pub struct Columns {
    /// User ids.
    pub users: Ids,
    /// Movie ids.
    pub movies: Ids,
    /// Stars.
    pub stars: Vec<f32>,
    /// Seconds since 1970; 0 where none is said.
    pub times: Vec<u32>,
    /// What else the lines told.
    pub told: Told,
}

/// A column of ids.
#[derive(Debug, Default)]
pub struct Ids {
    /// Ids, or numbers of [`names`](Self::names).
    pub values: Vec<u32>,
    /// The ids that occur, where they are numbers.
    pub set: IdSet,
    /// The ids' texts, once one of them was no plain number.
    names: Option<Interner>,
}

impl Ids {
    /// Adds an id that is a number.
    #[inline(always)]
    pub fn push(&mut self, id: u32) {
        if self.names.is_some() {
            return self.push_text(id.to_string().as_bytes());
        }
        if self.values.last() != Some(&id) {
            self.set.insert(id);
        }
        self.values.push(id);
    }

    /// Adds an id as it is written.
    fn push_text(&mut self, text: &[u8]) {
        if self.names.is_none() {
            match plain_id(text) {
                Some(id) => return self.push(id),
                None => self.become_names(),
            }
        }
        let number = self.names.get_or_insert_default().number(text);
        self.values.push(number);
    }

    fn become_names(&mut self) {
        let mut names = Interner::default();
        names.take_numbers(&mut self.values);
        self.names = Some(names);
    }

    fn append(&mut self, other: &mut Ids) {
        if let Some(theirs) = other.names.take() {
            if self.names.is_none() {
                self.become_names();
            }
            self.names
                .get_or_insert_default()
                .take(theirs, &mut other.values);
        } else if let Some(names) = &mut self.names {
            names.take_numbers(&mut other.values);
        }
        self.values.extend_from_slice(&other.values);
    }

    fn clear(&mut self) {
        self.values.clear();
        self.names = None;
    }

    /// The ids as numbers at last, which of them occur, and what they were.
    pub fn close(self) -> (Vec<u32>, IdSet, Closed) {
        let mut values = self.values;
        match self.names {
            None => (values, self.set, Closed::Numbers(None)),
            Some(names) => {
                let (set, closed) = names.close(&mut values);
                (values, set, closed)
            }
        }
    }
}

/// What lines tell beside their ratings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// How many lines there are.
    pub lines: u64,
    /// Lines that repeat the header.
    pub headers: u64,
    /// Lines with the mark of no rating.
    pub unrated: u64,
    /// Ratings without a time.
    pub untimed: u64,
    /// How times are written: bits of [`Unit`](super::time::Unit).
    pub units: u8,
    /// The first user id that is not a plain number, and its line.
    pub user_name: Option<(u64, String)>,
    /// The first movie id that is none, and its line.
    pub movie_name: Option<(u64, String)>,
    /// Which columns were taken for what, where that had to be guessed.
    pub guessed: Option<String>,
}

impl Told {
    fn append(&mut self, other: &Told) {
        let placed = |name: &Option<(u64, String)>| {
            name.as_ref()
                .map(|(line, text)| (self.lines + line, text.clone()))
        };
        let names = (placed(&other.user_name), placed(&other.movie_name));
        self.user_name = self.user_name.take().or(names.0);
        self.movie_name = self.movie_name.take().or(names.1);
        self.lines += other.lines;
        self.headers += other.headers;
        self.unrated += other.unrated;
        self.untimed += other.untimed;
        self.units |= other.units;
    }
}

impl Columns {
    #[inline(always)]
    pub(super) fn push(&mut self, rating: Rating) {
        if self.users.names.is_some() || self.movies.names.is_some() {
            self.users.push(rating.user);
            self.movies.push(rating.movie);
        } else {
            // Files are mostly sorted by user.
            if self.users.values.last() != Some(&rating.user) {
                self.users.set.insert(rating.user);
            }
            self.users.values.push(rating.user);
            self.movies.set.insert(rating.movie);
            self.movies.values.push(rating.movie);
        }
        self.stars.push(rating.stars);
        self.times.push(rating.time);
    }

    pub(super) fn push_said(&mut self, said: Said) {
        let Some(stars) = said.stars else {
            self.told.unrated += 1;
            return;
        };
        let line = self.told.lines + 1;
        let first = |known: &mut Option<(u64, String)>, text: &[u8]| {
            if known.is_none() && plain_id(text).is_none() {
                *known = Some((line, String::from_utf8_lossy(text).into_owned()));
            }
        };
        first(&mut self.told.user_name, &said.user);
        first(&mut self.told.movie_name, &said.movie);
        self.users.push_text(&said.user);
        self.movies.push_text(&said.movie);
        self.stars.push(stars);
        match said.time {
            Some((_, unit)) => self.told.units |= unit.bit(),
            None => self.told.untimed += 1,
        }
        self.times.push(said.time.map_or(0, |(seconds, _)| seconds));
    }

    fn clear(&mut self) {
        self.users.clear();
        self.movies.clear();
        self.stars.clear();
        self.times.clear();
        self.told = Told::default();
    }

    fn reserve(&mut self, more: usize, exact: bool) -> Result<(), TryReserveError> {
        let make: fn(&mut Vec<u32>, usize) -> _ = match exact {
            true => Vec::try_reserve_exact,
            false => Vec::try_reserve,
        };
        memory::may_fail(|| {
            make(&mut self.users.values, more)?;
            make(&mut self.movies.values, more)?;
            make(&mut self.times, more)?;
            match exact {
                true => self.stars.try_reserve_exact(more),
                false => self.stars.try_reserve(more),
            }
        })
    }

    /// Puts whole columns behind these, with what they know of which ids occur.
    pub(super) fn take_in(&mut self, mut other: Columns) -> Result<(), TryReserveError> {
        self.users.set.merge(std::mem::take(&mut other.users.set));
        self.movies.set.merge(std::mem::take(&mut other.movies.set));
        self.append(&mut other)
    }

    fn append(&mut self, other: &mut Columns) -> Result<(), TryReserveError> {
        self.reserve(other.stars.len(), false)?;
        self.users.append(&mut other.users);
        self.movies.append(&mut other.movies);
        self.stars.extend_from_slice(&other.stars);
        self.times.extend_from_slice(&other.times);
        self.told.append(&other.told);
        Ok(())
    }
}

/// Reads ratings from a stream of about `size` bytes; `path` is for messages. `on_chunk` is called now and then.
///
/// # Errors
/// [`DataError::Line`] with the first line that isn't a rating, [`DataError::Input`] if there are no ratings or not
/// enough memory for them, [`DataError::Io`] if reading fails.
pub fn read(
    mut source: impl Read + Send,
    size: u64,
    path: &Path,
    reading: &Reading,
    threads: usize,
    on_chunk: &(dyn Fn() + Sync),
) -> Result<Columns, DataError> {
    let mut head = Vec::new();
    source
        .by_ref()
        .take(CHUNK as u64)
        .read_to_end(&mut head)
        .map_err(|error| unreadable(path, error))?;
    let mark = if head.starts_with(b"\xef\xbb\xbf") {
        3
    } else {
        0
    };
    // Of an array without objects blanks are left.
    if head.len() < CHUNK && head[mark..].trim_ascii().is_empty() {
        return Err(DataError::Input(format!(
            "{} is empty; it should hold ratings",
            path.display()
        )));
    }
    let first: Vec<&[u8]> = head[mark..]
        .split(|b| *b == b'\n')
        .take(form::LINES)
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .collect();
    let mut form = Form::detect(&first, reading).map_err(|(at, right)| {
        let line = first.get(at).copied().unwrap_or_default();
        DataError::Line(BadLine::new(path, at as u64 + 1, line, right))
    })?;
    let header = form.header.then(|| {
        first
            .get(form.lines - 1)
            .copied()
            .unwrap_or_default()
            .to_vec()
    });
    let begin = (0..form.lines).fold(mark, |at, _| {
        memchr::memchr(b'\n', &head[at..]).map_or(head.len(), |end| at + end + 1)
    });
    let told = Told {
        lines: form.lines as u64,
        guessed: form.guessed.take(),
        ..Told::default()
    };
    let source = Mutex::new(Source {
        read: source,
        rest: head.split_off(begin),
        next: 0,
        done: false,
        unended: None,
    });
    let sink = Mutex::new(Sink {
        columns: Columns {
            told,
            ..Columns::default()
        },
        next: 0,
        failed: None,
    });
    let turn = Condvar::new();
    let parser = Parser {
        form: &form,
        header: header.as_deref(),
    };
    // A task is a worker, which ends when nothing is left to read.
    let worker = |(): &mut (), _| work(&source, &sink, &turn, parser, size, path, on_chunk);
    let sets = share(threads, 0..threads.max(1), || (), worker);
    let sink = sink
        .into_inner()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some(error) = sink.failed {
        return Err(error);
    }
    let mut columns = sink.columns;
    for (users, movies) in sets {
        columns.users.set.merge(users);
        columns.movies.set.merge(movies);
    }
    if columns.stars.is_empty() {
        let only = match columns.told.unrated {
            0 => "only a header".into(),
            unrated => {
                format!("only {unrated} lines whose rating is 0 or -1, which --scale leaves out")
            }
        };
        return Err(DataError::Input(format!(
            "{} holds no ratings, {only}",
            path.display()
        )));
    }
    // What is cut of an object shows by itself.
    if form.names.is_empty() {
        refuse_cut_time(&columns, &source, path)?;
    }
    Ok(columns)
}

/// A last line without a line feed may be whole, or cut: only its timestamp tells, being digits short of the others.
fn refuse_cut_time<R>(
    columns: &Columns,
    source: &Mutex<Source<R>>,
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
    if columns.told.untimed > 0 || last >= BEFORE_MOVIELENS || first < BEFORE_MOVIELENS {
        return Ok(());
    }
    let reason = format!(
        "the timestamp `{last}` is before 1990 and no line end follows, so the file was probably cut here; it should \
         be in seconds since 1970, such as {first}"
    );
    Err(DataError::Line(BadLine::new(
        path,
        columns.told.lines,
        line,
        reason,
    )))
}

struct Source<R> {
    read: R,
    /// What was read behind the last whole line handed out.
    rest: Vec<u8>,
    next: u64,
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
    failed: Option<DataError>,
}

fn work<R: Read>(
    source: &Mutex<Source<R>>,
    sink: &Mutex<Sink>,
    turn: &Condvar,
    parser: Parser,
    size: u64,
    path: &Path,
    on_chunk: &(dyn Fn() + Sync),
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
                lock().failed.get_or_insert(unreadable(path, error));
                turn.notify_all();
                break;
            }
        };
        on_chunk();
        drop(held);

        parsed.clear();
        let result = parser.parse(&chunk, &mut parsed);
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
            Ok(()) => {
                if sink.columns.stars.capacity() == 0 && !parsed.stars.is_empty() {
                    // What the first chunk's line length foretells, and a twentieth. Where there isn't so much, the
                    // columns grow as they are filled.
                    let guess = (size as usize / (chunk.len() / parsed.stars.len()).max(1))
                        .min(MOST_RESERVED);
                    let _ = sink.columns.reserve(guess + guess / 20, true);
                }
                if sink.columns.append(&mut parsed).is_err() {
                    let ratings = sink.columns.stars.len();
                    sink.failed = Some(DataError::Input(format!(
                        "{}: there isn't enough memory for more than its first {ratings} ratings",
                        path.display()
                    )));
                }
                sink.next += 1;
            }
            Err(bad) => {
                let number = sink.columns.told.lines + parsed.told.lines + 1;
                let line = &chunk[bad.start..bad.end];
                sink.failed = Some(DataError::Line(BadLine::new(
                    path, number, line, bad.reason,
                )));
            }
        }
        drop(sink);
        turn.notify_all();
    }
    (parsed.users.set, parsed.movies.set)
}

struct Bad {
    start: usize,
    end: usize,
    reason: String,
}

#[derive(Clone, Copy)]
struct Parser<'a> {
    form: &'a Form,
    /// The first line, if it names the columns.
    header: Option<&'a [u8]>,
}

impl Parser<'_> {
    /// Parses whole lines; `columns` counts them, blank ones too.
    fn parse(self, text: &[u8], columns: &mut Columns) -> Result<(), Bad> {
        let form = self.form;
        let plain = form.is_plain();
        let extra = form.fields.saturating_sub(4);
        let mut at = 0;
        while at < text.len() {
            let quick = if plain {
                fast(text, at, form.separator, extra)
            } else {
                None
            };
            if let Some((rating, next)) = quick {
                columns.push(rating);
                at = next;
            } else {
                let end =
                    memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |length| at + length);
                let line = &text[at..end];
                if !line.trim_ascii().is_empty() {
                    match form.parse(line) {
                        Ok(said) => columns.push_said(said),
                        Err(_) if self.repeats_header(line) => columns.told.headers += 1,
                        Err(reason) => {
                            return Err(Bad {
                                start: at,
                                end,
                                reason,
                            });
                        }
                    }
                }
                // A line that goes over several, of which a quote or an object holds the ends.
                let within = if form.names.is_empty() {
                    WITHIN
                } else {
                    json::WITHIN
                };
                columns.told.lines += memchr::memchr_iter(within, line).count() as u64;
                at = end + 1;
            }
            columns.told.lines += 1;
        }
        Ok(())
    }

    /// Whether a line is the header again, as where files were put one behind another.
    fn repeats_header(self, line: &[u8]) -> bool {
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        self.header == Some(line.strip_suffix(b"\r").unwrap_or(line))
    }
}
