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

use super::found::{kin_level, kin_scale};
use super::histories::Histories;
use super::settings::{BEAM, KIN_DAMPING, KIN_FADE, KIN_PASSES, KIN_SHARE, LAST_BEAM, RATINGS};
use crate::additive::{Books, Plan, learn};
use crate::dense::{PIVOT, cholesky, solve_lower, svd};
use crate::options::Options;
use crate::random::{Random, Stream};
use crate::stop::Stop;
use pocketrec::model::interest::LATEST;
use pocketrec::model::kin::{BOOKS, BYTES, NUMBERS, WORDS};
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
            for (book, words) in self.books() {
                let word = &words[self.word(movie as usize, book)];
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
        let mut terms = [[0.0; WORDS]; BOOKS];
        for (terms, (_, words)) in terms.iter_mut().zip(self.books()) {
            for (term, word) in terms.iter_mut().zip(words) {
                *term = word.iter().zip(x).map(|(a, b)| a * b).sum();
            }
        }
        terms
    }

    /// A movie's sum of them.
    pub(super) fn sum(&self, terms: &[[f32; WORDS]; BOOKS], movie: usize) -> f32 {
        let all = terms.iter().enumerate();
        all.map(|(book, terms)| terms[self.word(movie, book)]).sum()
    }

    /// The words of each book.
    fn books(&self) -> impl Iterator<Item = (usize, &[[f32; NUMBERS]])> {
        let (words, _) = self.codebook.as_chunks();
        words.chunks_exact(WORDS).enumerate()
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

/// Puts the directions into codewords, found from those of movies that lists may name.
fn quantise(
    directions: &[[f32; NUMBERS]],
    counts: &[u32],
    options: &Options,
    stop: Stop<'_>,
) -> Option<Found> {
    let named = |&movie: &usize| kin_level(counts[movie] as f32) > 0.0;
    let mut movies: Vec<usize> = (0..counts.len()).filter(named).collect();
    if movies.len() < WORDS {
        movies = (0..counts.len()).collect();
    }
    let points: Vec<f32> = movies.iter().flat_map(|movie| directions[*movie]).collect();
    let weights: Vec<f32> = movies.iter().map(|movie| counts[*movie] as f32).collect();
    let threads = options.thread_count();
    let plan = Plan {
        weights: &weights,
        books: BOOKS,
        codewords: WORDS,
        beam: BEAM,
        random: &|book| Random::new(options.seed, Stream::Interest, 3 + book as u64),
        threads,
        stop,
    };
    let mut codes = Vec::new();
    let learned = learn(&plan, &points, NUMBERS, &mut codes);
    if stop() {
        return None;
    }
    let mut codebook = ordered(&learned, &codes, &weights);
    let all = directions.as_flattened();
    let encode = |codebook: &[f32], points: &[f32]| {
        let mut codes = Vec::new();
        let books = Books::new(codebook.to_vec(), NUMBERS, BOOKS);
        books.encode_all(points, (LAST_BEAM, threads), &mut codes);
        codes
    };
    // So that nothing is much more alike than 1.
    let longest = longest(&codebook, &encode(&codebook, &points));
    codebook.iter_mut().for_each(|x| *x /= longest);
    // Words as an image has them, so that codes make up for much of the rounding.
    let scale = kin_scale(&codebook);
    let held = |x: f32| (x / scale).round().clamp(-127.0, 127.0) * scale;
    codebook.iter_mut().for_each(|x| *x = held(*x));
    let points: Vec<f32> = all.iter().map(|x| x / longest).collect();
    let codes = encode(&codebook, &points);
    let (pairs, _) = codes.as_chunks::<2>();
    Some(Found {
        codes: pairs.iter().map(|[low, high]| low | high << 4).collect(),
        codebook,
    })
}

/// The codewords, the books first in which the words of movies differ most: [`WORDS`] of each, zeros where there are fewer.
fn ordered(learned: &Books, codes: &[u8], weights: &[f32]) -> Vec<f32> {
    let of_book = learned.codewords() * NUMBERS;
    let mut books: Vec<(f64, &[f32])> = (learned.words().chunks_exact(of_book).enumerate())
        .map(|(book, words)| {
            let (mut sum, mut square, mut total) = ([0.0f64; NUMBERS], 0.0, 0.0);
            for (codes, weight) in codes.chunks_exact(BOOKS).zip(weights) {
                let weight = f64::from(*weight);
                total += weight;
                for (sum, x) in sum
                    .iter_mut()
                    .zip(&words[usize::from(codes[book]) * NUMBERS..])
                {
                    *sum += weight * f64::from(*x);
                    square += weight * f64::from(x * x);
                }
            }
            let mean: f64 = sum.iter().map(|x| x * x).sum();
            (square - mean / f64::max(total, f64::MIN_POSITIVE), words)
        })
        .collect();
    books.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut codebook = vec![0.0; BOOKS * WORDS * NUMBERS];
    let places = codebook.chunks_exact_mut(WORDS * NUMBERS);
    for (to, (_, words)) in places.zip(books) {
        to[..of_book].copy_from_slice(words);
    }
    codebook
}

/// The length of the longest sum of codewords, at least 1.
fn longest(codebook: &[f32], codes: &[u8]) -> f32 {
    let books = codebook.chunks_exact(WORDS * NUMBERS);
    let square = |codes: &[u8]| -> f32 {
        let mut sum = [0.0f32; NUMBERS];
        for (words, code) in books.clone().zip(codes) {
            let word = &words[usize::from(*code) * NUMBERS..];
            sum.iter_mut().zip(word).for_each(|(sum, x)| *sum += x);
        }
        sum.iter().map(|x| x * x).sum()
    };
    let squares = codes.chunks_exact(BOOKS).map(square);
    squares.fold(1.0f32, f32::max).sqrt()
}
