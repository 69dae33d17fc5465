//! Ratings as training wants them, kept beside the output so that a second start doesn't parse the text again.
//!
//! ```text
//! magic 8 | key 24 | fingerprint 8 | ratings 8 | users 4 | movies 4 | form 4 | dropped 4  little-endian, 64 bytes
//! user ids u32 ... | movie ids u32 ...
//! users    u32 for each user, the number of their ratings, if ratings ascend by user; else u32 for each rating
//! movies   u16 for each rating if there are at most 65,536 movies, else u32
//! times    u32 for each rating
//! stars    u8 for each rating, in half stars
//! ```
//!
//! The key is the source's size, its time of change and a hash of 4 KB at each of 64 places. A cache of another source,
//! of another version, cut, with a row out of range or with other ratings than the fingerprint says is no cache: the text is
//! read again.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::UNIX_EPOCH;

use super::ratings::Ratings;
use super::scale::Scale;
use pocketrec_base::pages;
use pocketrec_base::random::hash;
use pocketrec_base::threads::{for_memory, share};

const MAGIC: &[u8; 8] = b"PRcache2";
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
        let mut sum = 0;
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
                sum = hash(sum ^ u64::from_le_bytes(bytes));
            }
        }
        Ok(Key {
            size,
            changed,
            hash: sum,
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

/// Writes ratings under a key; their stars must be MovieLens's, 0.5 to 5 by halves.
///
/// # Errors
/// Those of `out`.
pub fn write(out: &mut dyn Write, key: Key, kept: &Kept) -> io::Result<()> {
    let ratings = &kept.ratings;
    let by_user = ratings.users.is_sorted();
    let narrow = ratings.movie_count() <= 1 << 16;
    let form = if by_user { BY_USER } else { 0 } | if narrow { NARROW } else { 0 };
    out.write_all(MAGIC)?;
    out.write_all(&key.bytes())?;
    out.write_all(&kept.fingerprint.to_le_bytes())?;
    out.write_all(&(ratings.len() as u64).to_le_bytes())?;
    for number in [
        ratings.user_count() as u32,
        ratings.movie_count() as u32,
        form,
        kept.dropped,
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

/// What a cache holds.
#[derive(Debug, PartialEq)]
pub struct Kept {
    /// The ratings.
    pub ratings: Ratings,
    /// Their [`Ratings::fingerprint`].
    pub fingerprint: u64,
    /// Their [`Ratings::scale`].
    pub scale: Scale,
    /// How many were dropped beside them, as rated again.
    pub dropped: u32,
}

/// Reads what is at `path`, if it is a whole cache of the source with that key.
///
/// The columns are filled block by block, each widened and checked while it is in a core's cache; all cores take
/// blocks. Memory beyond the result is some hundred KB a core.
pub fn read(path: &Path, key: Key) -> Option<Kept> {
    let mut file = File::open(path).ok()?;
    let mut head = [0; HEAD];
    file.read_exact(&mut head).ok()?;
    let long = |at: usize| u64::from_le_bytes(head[at..at + 8].try_into().unwrap_or_default());
    let word = |at: usize| u32::from_le_bytes(head[at..at + 4].try_into().unwrap_or_default());
    if &head[..8] != MAGIC || head[8..32] != key.bytes() {
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
    let mut ratings = Ratings {
        user_ids: ids(&file, starts[0], users)?,
        movie_ids: ids(&file, starts[1], movies)?,
        users: vec![0; len],
        movies: vec![0; len],
        stars: vec![0.0; len],
        times: vec![0; len],
    };
    let source = Source {
        file: &file,
        starts: [starts[2], starts[3], starts[4], starts[5]],
        ends: match by_user {
            true => Some(ends(&file, starts[2], users, len)?),
            false => None,
        },
        narrow,
        users: users as u32,
        movies: movies as u32,
    };
    let seen = fill(&source, &mut ratings)?;
    if ratings.fingerprint() != fingerprint {
        return None;
    }
    Some(Kept {
        ratings,
        fingerprint,
        scale: Scale {
            min: f32::from(seen.least) * 0.5,
            max: f32::from(seen.most) * 0.5,
            step: if seen.any & 1 != 0 { 0.5 } else { 1.0 },
        },
        dropped: word(60),
    })
}

/// Ids, if they ascend.
fn ids(file: &File, start: u64, count: usize) -> Option<Vec<u32>> {
    let mut ids = vec![0; count];
    read_words(file, start, &mut ids).ok()?;
    ids.is_sorted_by(|a, b| a < b).then_some(ids)
}

/// Where each user's ratings end, from the number of them, if they are as many as all.
fn ends(file: &File, start: u64, users: usize, len: usize) -> Option<Vec<usize>> {
    let mut counts = vec![0; users];
    read_words(file, start, &mut counts).ok()?;
    let mut end = 0usize;
    let mut ends = Vec::with_capacity(users);
    for count in counts {
        end = end.checked_add(count as usize)?;
        ends.push(end);
    }
    (end == len).then_some(ends)
}

/// Ratings that a thread fills in at a time: with what is read of them they stay in its second-level cache.
const BLOCK: usize = 1 << 15;

/// A part of the columns.
struct Block<'a> {
    at: usize,
    users: &'a mut [u32],
    movies: &'a mut [u32],
    times: &'a mut [u32],
    stars: &'a mut [f32],
}

/// Half stars that occur: the fewest, the most, and all their bits together.
#[derive(Clone, Copy)]
struct Seen {
    least: u8,
    most: u8,
    any: u8,
}

impl Seen {
    const NONE: Seen = Seen {
        least: u8::MAX,
        most: 0,
        any: 0,
    };

    fn and(self, other: Seen) -> Seen {
        Seen {
            least: self.least.min(other.least),
            most: self.most.max(other.most),
            any: self.any | other.any,
        }
    }
}

/// Fills all columns, on every core; the stars that occur, if all is in range.
fn fill(source: &Source, ratings: &mut Ratings) -> Option<Seen> {
    let columns = (ratings.users.chunks_mut(BLOCK))
        .zip(ratings.movies.chunks_mut(BLOCK))
        .zip(ratings.times.chunks_mut(BLOCK))
        .zip(ratings.stars.chunks_mut(BLOCK));
    let blocks = columns
        .enumerate()
        .map(|(number, (((users, movies), times), stars))| Block {
            at: number * BLOCK,
            users,
            movies,
            times,
            stars,
        });
    let buffers = || (vec![0; BLOCK], vec![0; BLOCK]);
    let fill =
        |(narrow, halves): &mut (Vec<u16>, Vec<u8>), block| source.fill(block, narrow, halves);
    share(for_memory(), blocks, buffers, fill)
        .into_iter()
        .try_fold(Seen::NONE, |seen, other| Some(seen.and(other?)))
}

/// The columns as they lie in a file.
struct Source<'a> {
    file: &'a File,
    /// Where users, movies, times and stars start.
    starts: [u64; 4],
    /// Where the ratings of each user end, if they ascend by user.
    ends: Option<Vec<usize>>,
    narrow: bool,
    users: u32,
    movies: u32,
}

impl Source<'_> {
    /// Fills a block in, by way of two buffers of at least its length; the stars in it, if all is in range.
    fn fill(&self, block: Block, narrow: &mut [u16], halves: &mut [u8]) -> Option<Seen> {
        let at = block.at as u64;
        let [users, movies, times, stars] = self.starts;
        pages::provide(block.users);
        pages::provide(block.movies);
        pages::provide(block.times);
        pages::provide(block.stars);
        let in_range =
            |rows: &[u32], limit: u32| rows.iter().fold(true, |r, &row| r & (row < limit));
        match &self.ends {
            Some(ends) => spread(ends, block.at, block.users),
            None => {
                read_words(self.file, users + at * 4, block.users).ok()?;
                in_range(block.users, self.users).then_some(())?;
            }
        }
        if self.narrow {
            let narrow = &mut narrow[..block.movies.len()];
            let bytes = bytemuck::cast_slice_mut(narrow);
            read_at(self.file, bytes, movies + at * 2).ok()?;
            for (row, narrow) in block.movies.iter_mut().zip(narrow) {
                *row = u16::from_le(*narrow).into();
            }
        } else {
            read_words(self.file, movies + at * 4, block.movies).ok()?;
        }
        in_range(block.movies, self.movies).then_some(())?;
        read_words(self.file, times + at * 4, block.times).ok()?;
        let halves = &mut halves[..block.stars.len()];
        read_at(self.file, halves, stars + at).ok()?;
        for (stars, &half) in block.stars.iter_mut().zip(&*halves) {
            *stars = f32::from(half) * 0.5;
        }
        // A pass each, which the compiler makes into vectors.
        let seen = Seen {
            least: halves.iter().fold(u8::MAX, |least, &half| least.min(half)),
            most: halves.iter().fold(0, |most, &half| most.max(half)),
            any: halves.iter().fold(0, |any, half| any | half),
        };
        (seen.least >= 1 && seen.most <= 10).then_some(seen)
    }
}

/// The users of ratings from the `at`-th on, from where each user's end.
fn spread(ends: &[usize], at: usize, mut rows: &mut [u32]) {
    let mut user = ends.partition_point(|&end| end <= at);
    let mut from = at;
    while !rows.is_empty() {
        let count = (ends[user] - from).min(rows.len());
        let (own, rest) = std::mem::take(&mut rows).split_at_mut(count);
        own.fill(user as u32);
        (rows, from, user) = (rest, from + count, user + 1);
    }
}

fn read_words(file: &File, start: u64, words: &mut [u32]) -> io::Result<()> {
    read_at(file, bytemuck::cast_slice_mut(words), start)?;
    // Nothing to do where words lie in memory as in the file.
    words
        .iter_mut()
        .for_each(|word| *word = u32::from_le(*word));
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::damage::{damaged, no_memory_is_claimed, some};
    use proptest::prelude::*;
    use std::path::PathBuf;

    fn ratings(movies: u32, sorted: bool, each: u32) -> Ratings {
        let mut ratings = Ratings {
            user_ids: vec![3, 9, 4_000_000_000],
            movie_ids: (0..movies).map(|row| row * 7 + 1).collect(),
            ..Ratings::default()
        };
        for i in 0..each * 3 {
            ratings.users.push(if sorted { i / each } else { i % 3 });
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

    fn kept(ratings: Ratings) -> Kept {
        Kept {
            scale: ratings.scale(),
            fingerprint: ratings.fingerprint(),
            ratings,
            dropped: 5,
        }
    }

    fn cached(kept: &Kept) -> (tempfile::TempDir, PathBuf, Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache");
        let mut bytes = Vec::new();
        write(&mut bytes, KEY, kept).unwrap();
        std::fs::write(&path, &bytes).unwrap();
        (folder, path, bytes)
    }

    #[test]
    fn what_was_written_is_read_in_every_form() {
        for (movies, sorted) in [(500, true), (500, false), (70_000, true), (70_000, false)] {
            // Some blocks, whose borders are not the users'.
            let kept = kept(ratings(movies, sorted, 30_000));
            let (_folder, path, _) = cached(&kept);
            assert_eq!(read(&path, KEY), Some(kept), "{movies} {sorted}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(150))]

        #[test]
        fn a_damaged_cache_is_none_or_holds_what_was_written(damages in some(), movies in 3_u32..20) {
            let kept = kept(ratings(movies, movies % 2 == 0, 8));
            let (_folder, path, bytes) = cached(&kept);
            std::fs::write(&path, damaged(&bytes, &damages)).unwrap();
            if let Some(read) = read(&path, KEY) {
                // How many were dropped is told, and nothing more.
                prop_assert_eq!(Kept { dropped: kept.dropped, ..read }, kept);
            }
            no_memory_is_claimed();
        }
    }

    #[test]
    fn a_cache_of_another_source_or_cut_or_out_of_range_is_none() {
        let (_folder, path, bytes) = cached(&kept(ratings(500, true, 3_000)));
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
            // The number of dropped ratings may be anything.
            if bit < 60 * 8 {
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
