//! Which movies belong together: a direction for each, found from who rated what and what soon after, and its codewords.
//!
//! Two movies are as much alike as the same people rated both, more so the nearer in the order in which they did:
//!
//! ```text
//! K = sum over people of  X' (T + share/sqrt(n)) X       T[i][j] = d^|i - j|
//! ```
//!
//! X has a row for each of a person's n ratings, in order, with a 1 for its movie. Nobody needs K itself: its
//! [`NUMBERS`] largest eigenvectors come from applying it again and again (subspace iteration, see Halko, Martinsson and
//! Tropp 2011), which costs a few passes over the ratings, since T is applied by two recurrences. Of small eigenvalues,
//! which are mostly noise, less is kept, as a ridge regression would.

use super::histories::Histories;
use super::settings::{KIN_DAMPING, KIN_FADE, KIN_PASSES, KIN_SHARE, RATINGS, ROUNDS};
use super::stop::Stop;
use crate::dense::{PIVOT, cholesky, solve_lower, svd};
use crate::options::Options;
use crate::random::{Random, Stream};
use pocketrec::model::interest::LATEST;
use pocketrec::model::kin::{BOOKS, BYTES, NUMBERS, PART, WORDS};
use pocketrec_base::threads;

/// Columns that are worked on together; a thread has some of these blocks to itself, so nothing depends on how many
/// threads there are.
const BLOCK: usize = 8;
const BLOCKS: usize = NUMBERS / BLOCK;

/// A table of [`NUMBERS`] columns, block after block of [`BLOCK`] of them.
type Blocks = Vec<Vec<[f32; BLOCK]>>;

/// The codewords, and which ones each movie has.
pub(super) struct Found {
    pub codes: Vec<u8>,
    pub codebook: Vec<f32>,
}

impl Found {
    /// The direction of somebody who rated these movies, the last one last, each of which counts `fade` times what the next
    /// one does: of length 1, or zeros for nothing.
    pub(super) fn direction(&self, history: &[u32], fade: f32) -> [f32; NUMBERS] {
        let mut x = [0.0; NUMBERS];
        let mut counts = 1.0;
        for &movie in history.iter().rev().take(LATEST) {
            for (book, x) in x.as_chunks_mut::<PART>().0.iter_mut().enumerate() {
                let word = &self.words(book)[self.word(movie as usize, book) * PART..];
                for (x, number) in x.iter_mut().zip(word) {
                    *x += counts * number;
                }
            }
            counts *= fade;
        }
        let length = x.iter().map(|x| x * x).sum::<f32>().sqrt();
        match length > 0.0 {
            true => x.map(|x| x / length),
            false => x,
        }
    }

    /// The product of each codeword with a direction.
    pub(super) fn terms(&self, x: &[f32; NUMBERS]) -> [[f32; WORDS]; BOOKS] {
        std::array::from_fn(|book| {
            let (words, _) = self.words(book).as_chunks::<PART>();
            let x = &x[book * PART..];
            std::array::from_fn(|word| words[word].iter().zip(x).map(|(a, b)| a * b).sum())
        })
    }

    /// A movie's sum of them.
    pub(super) fn sum(&self, terms: &[[f32; WORDS]; BOOKS], movie: usize) -> f32 {
        let all = terms.iter().enumerate();
        all.map(|(book, terms)| terms[self.word(movie, book)]).sum()
    }

    fn words(&self, book: usize) -> &[f32] {
        &self.codebook[book * WORDS * PART..][..WORDS * PART]
    }

    fn word(&self, movie: usize, book: usize) -> usize {
        usize::from(self.codes[movie * BYTES + book / 2] >> (4 * (book % 2)) & 15)
    }
}

/// Finds them; nothing once `stop` says so.
pub(super) fn find(
    histories: &Histories,
    counts: &[u32],
    options: &Options,
    stop: Stop<'_>,
) -> Option<Found> {
    let directions = directions(histories, counts.len(), options, stop)?;
    quantise(&directions, counts, options, stop)
}

/// A direction for each movie, of length 1; zeros for a movie that nobody rated.
fn directions(
    histories: &Histories,
    movies: usize,
    options: &Options,
    stop: Stop<'_>,
) -> Option<Vec<[f32; NUMBERS]>> {
    let threads = options.thread_count();
    let step = histories.movies.len().div_ceil(RATINGS).max(1);
    let random = Random::new(options.seed, Stream::Interest, 2);
    let mut table: Blocks = (0..BLOCKS)
        .map(|block| {
            let place = |movie: usize, at: usize| (movie * NUMBERS + block * BLOCK + at) as u64;
            (0..movies)
                .map(|movie| std::array::from_fn(|at| random.symmetric(place(movie, at), 1.0)))
                .collect()
        })
        .collect();
    for _ in 0..KIN_PASSES {
        straighten(&mut table);
        table = apply(&table, histories, step, threads, stop)?;
    }
    straighten(&mut table);
    let image = apply(&table, histories, step, threads, stop)?;
    let (rows, images) = (rows(&table), rows(&image));
    let mut inner = vec![0.0f64; NUMBERS * NUMBERS];
    for (row, image) in rows.iter().zip(&images) {
        for (line, x) in inner.chunks_exact_mut(NUMBERS).zip(row) {
            for (sum, y) in line.iter_mut().zip(image) {
                *sum += f64::from(*x) * f64::from(*y);
            }
        }
    }
    let found = svd(inner, NUMBERS);
    let largest = found.values.first().copied().unwrap_or_default();
    let least = found.values.last().copied().unwrap_or_default();
    let ridge = KIN_DAMPING * least + 1e-6 * largest + f64::MIN_POSITIVE;
    let turn: Vec<Vec<f32>> = (found.left.chunks_exact(NUMBERS).zip(&found.values))
        .map(|(vector, value)| {
            let kept = (value / (value + ridge)).sqrt();
            vector.iter().map(|x| (x * kept) as f32).collect()
        })
        .collect();
    let mut directions = vec![[0.0; NUMBERS]; movies];
    let mut rated = vec![false; movies];
    for &movie in &histories.movies {
        rated[movie as usize] = true;
    }
    let all = directions.iter_mut().zip(&rows).zip(rated);
    for ((to, row), _) in all.filter(|(_, rated)| *rated) {
        for (to, turn) in to.iter_mut().zip(&turn) {
            *to = row.iter().zip(turn).map(|(x, y)| x * y).sum();
        }
        let length = to.iter().map(|x| x * x).sum::<f32>().sqrt();
        if length > 0.0 {
            *to = to.map(|x| x / length);
        }
    }
    Some(directions)
}

/// K times a table.
fn apply(
    table: &Blocks,
    histories: &Histories,
    step: usize,
    threads: usize,
    stop: Stop<'_>,
) -> Option<Blocks> {
    let block = |(): &mut (), from: &Vec<[f32; BLOCK]>| {
        let mut to = vec![[0.0; BLOCK]; from.len()];
        for user in (0..histories.people()).step_by(step) {
            if stop() {
                break;
            }
            let movies = histories.of(user);
            let mut sum = [0.0; BLOCK];
            let mut before = [0.0; BLOCK];
            for &movie in movies {
                let (row, to) = (&from[movie as usize], &mut to[movie as usize]);
                for at in 0..BLOCK {
                    sum[at] += row[at];
                    before[at] = before[at] * KIN_FADE + row[at];
                    to[at] += before[at];
                }
            }
            let share = KIN_SHARE / (movies.len().max(1) as f32).sqrt();
            let mut behind = [0.0; BLOCK];
            for &movie in movies.iter().rev() {
                let (row, to) = (&from[movie as usize], &mut to[movie as usize]);
                for at in 0..BLOCK {
                    to[at] += behind[at] + share * sum[at];
                    behind[at] = (behind[at] + row[at]) * KIN_FADE;
                }
            }
        }
        to
    };
    let all = threads::share(threads, table.iter(), || (), block);
    (!stop()).then_some(all)
}

/// The same table, row by row.
fn rows(table: &Blocks) -> Vec<[f32; NUMBERS]> {
    let movies = table.first().map_or(0, Vec::len);
    (0..movies)
        .map(|movie| std::array::from_fn(|at| table[at / BLOCK][movie][at % BLOCK]))
        .collect()
}

/// Makes the columns orthonormal, by the Cholesky factor of their products.
fn straighten(table: &mut Blocks) {
    let rows = rows(table);
    let mut gram = vec![0.0f64; NUMBERS * NUMBERS];
    for row in &rows {
        let row = row.map(f64::from);
        for (at, line) in gram.chunks_exact_mut(NUMBERS).enumerate() {
            for (sum, y) in line.iter_mut().zip(&row[..=at]) {
                *sum += row[at] * y;
            }
        }
    }
    let trace: f64 = (0..NUMBERS).map(|at| gram[at * NUMBERS + at]).sum();
    for at in 0..NUMBERS {
        gram[at * NUMBERS + at] += 1e-9 * trace + f64::MIN_POSITIVE;
    }
    cholesky(&mut gram, NUMBERS, PIVOT);
    for (movie, row) in rows.iter().enumerate() {
        let mut row = row.map(f64::from);
        solve_lower(&gram, NUMBERS, &mut row);
        for (at, x) in row.iter().enumerate() {
            table[at / BLOCK][movie][at % BLOCK] = *x as f32;
        }
    }
}

/// Which numbers of a direction a book is for: each gets some of large eigenvalues and some of small ones.
fn numbers(book: usize) -> [usize; PART] {
    std::array::from_fn(|at| match at % 2 {
        0 => BOOKS * at + book,
        _ => BOOKS * (at + 1) - 1 - book,
    })
}

/// Puts the directions into codewords, book by book (k-means: Lloyd 1982), well known movies before others.
fn quantise(
    directions: &[[f32; NUMBERS]],
    counts: &[u32],
    options: &Options,
    stop: Stop<'_>,
) -> Option<Found> {
    let weights: Vec<f32> = counts.iter().map(|&count| count as f32).collect();
    let book = |(): &mut (), book: usize| {
        let numbers = numbers(book);
        let points: Vec<[f32; PART]> = (directions.iter())
            .map(|row| numbers.map(|number| row[number]))
            .collect();
        words(&points, &weights, options.seed, book as u64, stop)
    };
    let books = threads::share(options.thread_count(), 0..BOOKS, || (), book);
    if stop() {
        return None;
    }
    let mut codes = vec![0u8; counts.len() * BYTES];
    let mut squares = vec![0.0f32; counts.len()];
    for (book, (words, nearest)) in books.iter().enumerate() {
        let movies = codes.chunks_exact_mut(BYTES).zip(&mut squares);
        for ((codes, square), &word) in movies.zip(nearest) {
            codes[book / 2] |= word << (4 * (book % 2));
            *square += words[usize::from(word)].iter().map(|x| x * x).sum::<f32>();
        }
    }
    // So that nothing is more alike than 1.
    let longest = squares.iter().fold(1.0f32, |most, x| most.max(*x)).sqrt();
    let codebook = books.iter().flat_map(|(words, _)| words.as_flattened());
    Some(Found {
        codes,
        codebook: codebook.map(|x| x / longest).collect(),
    })
}

/// The codewords of a book, and the nearest for each point.
fn words(
    points: &[[f32; PART]],
    weights: &[f32],
    seed: u64,
    book: u64,
    stop: Stop<'_>,
) -> ([[f32; PART]; WORDS], Vec<u8>) {
    let random = Random::new(seed, Stream::Interest, 3 + book);
    // The largest of u^(1/w) draws without replacement by weight (Efraimidis and Spirakis 2006).
    let mut drawn: Vec<(f64, usize)> = (weights.iter().enumerate())
        .filter(|(_, weight)| **weight > 0.0)
        .map(|(at, weight)| {
            let unit = ((random.bits(at as u64) >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
            (libm::log(unit) / f64::from(*weight), at)
        })
        .collect();
    drawn.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut words = [[0.0; PART]; WORDS];
    for (word, (_, at)) in words.iter_mut().zip(&drawn) {
        *word = points[*at];
    }
    for _ in 0..ROUNDS {
        if stop() {
            break;
        }
        let mut sums = [([0.0f64; PART], 0.0f64); WORDS];
        for (point, weight) in points.iter().zip(weights) {
            let (sum, total) = &mut sums[usize::from(nearest(&words, point))];
            *total += f64::from(*weight);
            for (sum, x) in sum.iter_mut().zip(point) {
                *sum += f64::from(weight * x);
            }
        }
        for (word, (sum, total)) in words.iter_mut().zip(&sums) {
            if *total > 0.0 {
                *word = sum.map(|x| (x / total) as f32);
            }
        }
    }
    let codes = points.iter().map(|point| nearest(&words, point)).collect();
    (words, codes)
}

/// The word nearest to a point; of equals the first.
fn nearest(words: &[[f32; PART]; WORDS], point: &[f32; PART]) -> u8 {
    let mut best = (f32::INFINITY, 0);
    for (at, word) in words.iter().enumerate() {
        let distance = word.iter().zip(point).map(|(a, b)| (a - b) * (a - b)).sum();
        if distance < best.0 {
            best = (distance, at);
        }
    }
    best.1 as u8
}
