//! Ratings as training wants them, kept beside the output so that a second start doesn't parse the text again.
//!
//! ```text
//! magic 8 | key 24 | fingerprint 8 | ratings 8 | users 4 | movies 4 | form 4 | zero 4     little-endian, 64 bytes
//! user ids u32 ... | movie ids u32 ...
//! users    u32 for each user, the number of their ratings, if ratings ascend by user; else u32 for each rating
//! movies   u16 for each rating if there are at most 65,536 movies, else u32
//! times    u32 for each rating
//! stars    u8 for each rating, in half stars
//! ```
//!
//! The key is the source's size, its time of change and a hash of 4 KB at each of 64 places. A cache of another source,
//! of another version, cut or with a row out of range is no cache: the text is read again.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::Path;
use std::time::UNIX_EPOCH;

use super::ratings::{Ratings, in_parts, mix};

const MAGIC: &[u8; 8] = b"PRcache1";
const HEAD: usize = 64;

/// What tells whether a source is still the one that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    size: u64,
    changed: u64,
    hash: u64,
}

impl Key {
    /// The key of a file. Reads 256 KB of it at most.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn of(path: &Path) -> io::Result<Key> {
        const PLACES: u64 = 64;
        const BLOCK: u64 = 4096;
        let mut file = File::open(path)?;
        let meta = file.metadata()?;
        let size = meta.len();
        let changed = meta
            .modified()?
            .duration_since(UNIX_EPOCH)
            .map_or(0, |time| time.as_nanos() as u64);
        let mut hash = 0;
        let mut block = Vec::new();
        for place in 0..PLACES {
            file.seek(SeekFrom::Start(
                size.saturating_sub(BLOCK) * place / (PLACES - 1),
            ))?;
            block.clear();
            (&mut file).take(BLOCK).read_to_end(&mut block)?;
            for word in block.chunks(8) {
                let mut bytes = [0; 8];
                bytes[..word.len()].copy_from_slice(word);
                hash = mix(hash ^ u64::from_le_bytes(bytes));
            }
        }
        Ok(Key {
            size,
            changed,
            hash,
        })
    }

    fn bytes(self) -> [u8; 24] {
        let mut bytes = [0; 24];
        for (place, number) in bytes
            .chunks_mut(8)
            .zip([self.size, self.changed, self.hash])
        {
            place.copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }
}

/// How columns are written: bits of the header's `form`.
const BY_USER: u32 = 1;
const NARROW: u32 = 2;

/// Writes ratings and their fingerprint under a key.
///
/// # Errors
/// Those of `out`.
pub fn write(out: &mut dyn Write, key: Key, ratings: &Ratings, fingerprint: u64) -> io::Result<()> {
    let by_user = ratings.users.is_sorted();
    let narrow = ratings.movie_count() <= 1 << 16;
    let form = if by_user { BY_USER } else { 0 } | if narrow { NARROW } else { 0 };
    out.write_all(MAGIC)?;
    out.write_all(&key.bytes())?;
    out.write_all(&fingerprint.to_le_bytes())?;
    out.write_all(&(ratings.len() as u64).to_le_bytes())?;
    for number in [
        ratings.user_count() as u32,
        ratings.movie_count() as u32,
        form,
        0,
    ] {
        out.write_all(&number.to_le_bytes())?;
    }
    write_words(out, &ratings.user_ids)?;
    write_words(out, &ratings.movie_ids)?;
    if by_user {
        let mut counts = vec![0u32; ratings.user_count()];
        for &user in &ratings.users {
            counts[user as usize] += 1;
        }
        write_words(out, &counts)?;
    } else {
        write_words(out, &ratings.users)?;
    }
    if narrow {
        in_blocks(out, &ratings.movies, |bytes, movie| {
            bytes.extend_from_slice(&(movie as u16).to_le_bytes())
        })?;
    } else {
        write_words(out, &ratings.movies)?;
    }
    write_words(out, &ratings.times)?;
    in_blocks(out, &ratings.stars, |bytes, stars| {
        bytes.push((stars * 2.0) as u8)
    })
}

fn write_words(out: &mut dyn Write, words: &[u32]) -> io::Result<()> {
    in_blocks(out, words, |bytes, word| {
        bytes.extend_from_slice(&word.to_le_bytes())
    })
}

fn in_blocks<T: Copy>(
    out: &mut dyn Write,
    items: &[T],
    put: impl Fn(&mut Vec<u8>, T),
) -> io::Result<()> {
    let mut bytes = Vec::new();
    for block in items.chunks(1 << 14) {
        bytes.clear();
        block.iter().for_each(|&item| put(&mut bytes, item));
        out.write_all(&bytes)?;
    }
    Ok(())
}

/// Reads the ratings at `path` and their fingerprint, if they are a whole cache of the source with that key.
///
/// Each core reads and widens parts of its own, so memory beyond the result is some megabytes.
pub fn read(path: &Path, key: Key) -> Option<(Ratings, u64)> {
    let mut file = File::open(path).ok()?;
    let mut head = [0; HEAD];
    file.read_exact(&mut head).ok()?;
    let long = |at: usize| u64::from_le_bytes(head[at..at + 8].try_into().unwrap_or_default());
    let word = |at: usize| u32::from_le_bytes(head[at..at + 4].try_into().unwrap_or_default());
    if &head[..8] != MAGIC || head[8..32] != key.bytes() || word(60) != 0 {
        return None;
    }
    let (fingerprint, len) = (long(32), usize::try_from(long(40)).ok()?);
    let (users, movies, form) = (word(48) as usize, word(52) as usize, word(56));
    let by_user = form & BY_USER != 0;
    let narrow = form & NARROW != 0;
    // In an order that can't wrap: the file itself bounds each length.
    let size = file.metadata().ok()?.len();
    let user_words = if by_user { users } else { len };
    let width = if narrow { 2 } else { 4 };
    let starts = {
        let mut at = HEAD as u64;
        let mut starts = [0; 6];
        for (start, (count, bytes)) in starts.iter_mut().zip([
            (users, 4),
            (movies, 4),
            (user_words, 4),
            (len, width),
            (len, 4),
            (len, 1),
        ]) {
            *start = at;
            at = at.checked_add((count as u64).checked_mul(bytes)?)?;
        }
        (at == size && len > 0 && form <= 3).then_some(starts)?
    };
    let file = &file;
    let words = |start: u64, count: usize| {
        column(file, start, count, 4, |b| {
            u32::from_le_bytes([b[0], b[1], b[2], b[3]])
        })
    };
    let user_ids = words(starts[0], users)?;
    let movie_ids = words(starts[1], movies)?;
    let user_rows = words(starts[2], user_words)?;
    let user_rows = if by_user {
        spread(&user_rows, len)?
    } else {
        user_rows
    };
    let movie_rows = if narrow {
        column(file, starts[3], len, 2, |b| {
            u32::from(u16::from_le_bytes([b[0], b[1]]))
        })?
    } else {
        words(starts[3], len)?
    };
    let times = words(starts[4], len)?;
    let stars = column(file, starts[5], len, 1, |b| f32::from(b[0]) * 0.5)?;
    let ratings = Ratings {
        user_ids,
        movie_ids,
        users: user_rows,
        movies: movie_rows,
        stars,
        times,
    };
    sound(&ratings).then_some((ratings, fingerprint))
}

/// A column of `count` items of `width` bytes each, read and widened on every core.
fn column<T: Copy + Default + Send>(
    file: &File,
    start: u64,
    count: usize,
    width: usize,
    widen: impl Fn(&[u8]) -> T + Sync,
) -> Option<Vec<T>> {
    let mut column = vec![T::default(); count];
    let part = count
        .div_ceil(std::thread::available_parallelism().map_or(1, |n| n.get().min(8)))
        .max(1 << 16);
    let widen = &widen;
    let whole = std::thread::scope(|scope| {
        let parts: Vec<_> = column
            .chunks_mut(part)
            .enumerate()
            .map(|(number, part_of_column)| {
                scope.spawn(move || -> io::Result<()> {
                    let mut bytes = vec![0; (1 << 16) * width];
                    let mut at = start + (number * part * width) as u64;
                    for block in part_of_column.chunks_mut(1 << 16) {
                        let bytes = &mut bytes[..block.len() * width];
                        read_at(file, bytes, at)?;
                        at += bytes.len() as u64;
                        for (item, bytes) in block.iter_mut().zip(bytes.chunks_exact(width)) {
                            *item = widen(bytes);
                        }
                    }
                    Ok(())
                })
            })
            .collect();
        parts
            .into_iter()
            .all(|part| matches!(part.join(), Ok(Ok(()))))
    });
    whole.then_some(column)
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, at)
}

#[cfg(windows)]
fn read_at(file: &File, mut bytes: &mut [u8], mut at: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let count = std::os::windows::fs::FileExt::seek_read(file, bytes, at)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        (bytes, at) = (&mut bytes[count..], at + count as u64);
    }
    Ok(())
}

/// Rows from the number of ratings of each user.
fn spread(counts: &[u32], len: usize) -> Option<Vec<u32>> {
    if counts.iter().map(|&count| u64::from(count)).sum::<u64>() != len as u64 {
        return None;
    }
    let mut rows = Vec::with_capacity(len);
    for (user, &count) in counts.iter().enumerate() {
        rows.resize(rows.len() + count as usize, user as u32);
    }
    Some(rows)
}

/// Whether rows are in range, ids ascend and stars are stars, so that nothing built on the ratings can fail.
fn sound(ratings: &Ratings) -> bool {
    let (users, movies) = (ratings.user_count() as u32, ratings.movie_count() as u32);
    let part = |range: Range<usize>| {
        let all =
            |rows: &[u32], limit: u32| rows.iter().fold(true, |sound, &row| sound & (row < limit));
        all(&ratings.users[range.clone()], users)
            && all(&ratings.movies[range.clone()], movies)
            && ratings.stars[range]
                .iter()
                .fold(true, |sound, stars| sound & (0.5..=5.0).contains(stars))
    };
    let ascend = |ids: &[u32]| ids.is_sorted_by(|a, b| a < b);
    ascend(&ratings.user_ids)
        && ascend(&ratings.movie_ids)
        && in_parts(ratings.len(), part).into_iter().all(|sound| sound)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn ratings(movies: u32, sorted: bool) -> Ratings {
        let mut ratings = Ratings {
            user_ids: vec![3, 9, 4_000_000_000],
            movie_ids: (0..movies).map(|row| row * 7 + 1).collect(),
            ..Ratings::default()
        };
        for i in 0..9_000u32 {
            ratings.users.push(if sorted { i / 3_000 } else { i % 3 });
            ratings.movies.push(i * 7919 % movies);
            ratings.stars.push((i % 10 + 1) as f32 / 2.0);
            ratings.times.push(i.wrapping_mul(2_654_435_761));
        }
        ratings
    }

    const KEY: Key = Key {
        size: 1,
        changed: 2,
        hash: 3,
    };

    fn cached(ratings: &Ratings) -> (tempfile::TempDir, PathBuf, Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache");
        let mut bytes = Vec::new();
        write(&mut bytes, KEY, ratings, 77).unwrap();
        std::fs::write(&path, &bytes).unwrap();
        (folder, path, bytes)
    }

    #[test]
    fn what_was_written_is_read_in_every_form() {
        for (movies, sorted) in [(500, true), (500, false), (70_000, true), (70_000, false)] {
            let ratings = ratings(movies, sorted);
            let (_folder, path, _) = cached(&ratings);
            assert_eq!(read(&path, KEY), Some((ratings, 77)), "{movies} {sorted}");
        }
    }

    #[test]
    fn a_cache_of_another_source_or_cut_or_out_of_range_is_none() {
        let ratings = ratings(500, true);
        let (_folder, path, bytes) = cached(&ratings);
        for other in [
            Key { size: 0, ..KEY },
            Key { changed: 0, ..KEY },
            Key { hash: 0, ..KEY },
        ] {
            assert_eq!(read(&path, other), None);
        }
        let refuse = |bytes: &[u8], what: &str| {
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(read(&path, KEY), None, "{what}");
        };
        for length in [0, 1, 63, 64, 65, bytes.len() / 2, bytes.len() - 1] {
            refuse(&bytes[..length], &format!("cut to {length}"));
        }
        refuse(&[&bytes[..], b"x"].concat(), "a byte too many");
        for bit in 0..HEAD * 8 {
            // The fingerprint alone may be anything.
            if !(32 * 8..40 * 8).contains(&bit) {
                let mut flipped = bytes.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                refuse(&flipped, &format!("bit {bit} of the head"));
            }
        }
        let movies_at = HEAD + 3 * 4 + 500 * 4 + 3 * 4;
        for (at, value, what) in [
            (HEAD, 10, "user ids that don't ascend"),
            (HEAD + 12, 200, "movie ids that don't ascend"),
            (movies_at - 1, 1, "counts with another sum"),
            (movies_at + 1, 0xff, "a movie row out of range"),
            (bytes.len() - 1, 11, "eleven half stars"),
        ] {
            let mut wrong = bytes.clone();
            wrong[at] = value;
            refuse(&wrong, what);
        }
    }

    #[test]
    fn a_changed_source_has_another_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ratings.csv");
        std::fs::write(&path, vec![b'1'; 1_000_000]).unwrap();
        let first = Key::of(&path).unwrap();
        assert_eq!(first, Key::of(&path).unwrap());
        let mut text = vec![b'1'; 1_000_000];
        text[999_999] = b'2';
        std::fs::write(&path, text).unwrap();
        assert_ne!(first.hash, Key::of(&path).unwrap().hash);
    }
}
