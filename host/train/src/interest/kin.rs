//! Which movies belong together: a direction for each, found from who rated what and what soon after, and its codewords.
//!
//! Two movies are as much alike as the same people rated both, more so the nearer in the order in which they did:
//!
//! ```text
//! K = sum over people of  X' (T + s - own (1 + s) I) X       T[i][j] = d^|i - j|,  s = share/sqrt(n)
//! ```
//!
//! X has a row for each of a person's n ratings, in order, with a 1 for its movie; part of what a rating counts for with
//! itself is left out, so that directions say more of which movies go together and less of how often each is rated. Nobody
//! needs K itself: its [`NUMBERS`] largest eigenvectors come from applying it again and again (subspace iteration, see
//! Halko, Martinsson and Tropp 2011), which costs a few passes over the ratings, since T is applied by two recurrences. Of
//! small eigenvalues, which are mostly noise, less is kept, as a ridge regression would.
//!
//! What is left out makes eigenvalues of K negative, and some of these large: two movies that the same people rated have
//! their sum among the largest and their difference among the lowest. Applying K alone keeps either. So a polynomial of K is
//! applied: the Chebyshev polynomial that is small from the lowest eigenvalue to where the wanted ones begin and grows fastest
//! above (Rutishauser 1970; Zhou, Saad, Tiago and Chelikowsky 2006). Where they begin is estimated by a few passes with
//! nothing left out, which leaves no eigenvalue below 0; none of K is lower than what is left out of the most rated movie.

use super::found::{kin_level, kin_scale};
use super::settings::{
    BEAM, FIRST_PASSES, KIN_DAMPING, KIN_FADE, KIN_OWN, KIN_PASSES, KIN_SHARE, LAST_BEAM, LEARNED,
    RATINGS,
};
use crate::additive::{Books, Plan, learn};
use crate::bayes::tall;
use crate::dense::{PIVOT, cholesky, solve_lower, svd};
use crate::options::Options;
use crate::random::{Random, Stream};
use crate::stop::Stop;
use pocketrec::model::interest::LATEST;
use pocketrec::model::kin::{BOOKS, BYTES, NUMBERS, WORDS};
use pocketrec_base::threads;

/// Columns that are worked on together; a thread has some of these blocks to itself, so nothing depends on how many
/// threads there are. The recurrences wait for their own results: so many numbers side by side fill the time.
const BLOCK: usize = 16;

/// A number of each of [`NUMBERS`] columns for each movie.
type Table = Vec<[f32; NUMBERS]>;

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

/// Finds them from which movies each person rated, in order, and how many ratings movies have; nothing once `stop` says
/// so.
pub(super) fn find(
    histories: impl ExactSizeIterator<Item = impl Iterator<Item = u32>>,
    counts: &[u32],
    options: &Options,
    stop: Stop<'_>,
) -> Option<Found> {
    // A person in so many is enough of many.
    let ratings: usize = counts.iter().map(|&count| count as usize).sum();
    let step = ratings.div_ceil(RATINGS).max(1);
    let people: Vec<Vec<u32>> = histories.step_by(step).map(Iterator::collect).collect();
    let directions = directions(&people, counts, options, stop)?;
    quantise(&directions, counts, options, stop)
}

/// A direction for each movie, of length 1; zeros for a movie that nobody rated.
pub(super) fn directions(
    people: &[Vec<u32>],
    counts: &[u32],
    options: &Options,
    stop: Stop<'_>,
) -> Option<Vec<[f32; NUMBERS]>> {
    let threads = options.thread_count();
    let random = Random::new(options.seed, Stream::Interest, 2);
    let place = |movie: usize, at: usize| (movie * NUMBERS + at) as u64;
    let mut table: Table = (0..counts.len())
        .map(|movie| std::array::from_fn(|at| random.symmetric(place(movie, at), 1.0)))
        .collect();
    for _ in 0..FIRST_PASSES {
        straighten(&mut table, threads);
        table = apply(&table, people, 0.0, threads, stop)?;
    }
    straighten(&mut table, threads);
    let mut images = apply(&table, people, KIN_OWN, threads, stop)?;
    let bound = bound(people, counts.len());
    let (values, _) = eigen(&table, &images, bound);
    let begin = values.last().map_or(0.0, |value| value.max(0.0)) as f32;
    // The polynomial of each degree comes from the two before it.
    let (middle, half) = ((begin - bound) / 2.0, (begin + bound) / 2.0);
    let half = half.max(f32::MIN_POSITIVE);
    let mut before: Table = vec![[0.0; NUMBERS]; counts.len()];
    for pass in 0..KIN_PASSES {
        let factor = if pass == 0 { 1.0 } else { 2.0 } / half;
        for ((before, row), image) in before.iter_mut().zip(&mut table).zip(&images) {
            for ((before, x), image) in before.iter_mut().zip(row).zip(image) {
                let next = factor * (image - middle * *x) - *before;
                (*before, *x) = (*x, next);
            }
        }
        let turn = straighten(&mut table, threads);
        tall::turn(before.as_flattened_mut(), NUMBERS, &turn, threads);
        images = apply(&table, people, KIN_OWN, threads, stop)?;
    }
    let (values, vectors) = eigen(&table, &images, bound);
    let largest = values.first().map_or(0.0, |value| value.max(0.0));
    let least = values.last().map_or(0.0, |value| value.max(0.0));
    let ridge = KIN_DAMPING * least + 1e-6 * largest + f64::MIN_POSITIVE;
    let turn: Vec<Vec<f32>> = (vectors.chunks_exact(NUMBERS).zip(&values))
        .map(|(vector, value)| {
            let value = value.max(0.0);
            let kept = (value / (value + ridge)).sqrt();
            vector.iter().map(|x| (x * kept) as f32).collect()
        })
        .collect();
    let mut directions = vec![[0.0; NUMBERS]; counts.len()];
    let all = directions.iter_mut().zip(&table).zip(counts);
    for ((to, row), _) in all.filter(|(_, count)| **count > 0) {
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

/// The most that is left out of what a movie counts for with itself. K has no eigenvalue below the opposite of it, as it has
/// none below 0 with nothing left out.
fn bound(people: &[Vec<u32>], movies: usize) -> f32 {
    let mut own = vec![0.0f32; movies];
    for rated in people {
        let left_out = KIN_OWN * (1.0 + share(rated.len()));
        for &movie in rated {
            own[movie as usize] += left_out;
        }
    }
    own.into_iter().fold(0.0, f32::max)
}

/// The eigenvalues of K, the largest first, and its eigenvectors, as far as orthonormal columns span them whose images by K
/// are given.
fn eigen(table: &Table, images: &Table, bound: f32) -> (Vec<f64>, Vec<f64>) {
    let mut inner = vec![0.0f64; NUMBERS * NUMBERS];
    for (row, image) in table.iter().zip(images) {
        for (line, x) in inner.chunks_exact_mut(NUMBERS).zip(row) {
            for (sum, y) in line.iter_mut().zip(image) {
                *sum += f64::from(*x) * f64::from(*y);
            }
        }
    }
    // Singular values have no sign: they are taken of what has nothing below 0.
    let bound = f64::from(bound);
    inner
        .iter_mut()
        .step_by(NUMBERS + 1)
        .for_each(|x| *x += bound);
    let found = svd(inner, NUMBERS);
    let values = found.values.iter().map(|value| value - bound).collect();
    (values, found.left)
}

/// What two of so many ratings of one person count however far apart.
fn share(ratings: usize) -> f32 {
    KIN_SHARE / (ratings.max(1) as f32).sqrt()
}

/// K times a table, with so much left out of what a rating counts for with itself.
fn apply(
    table: &Table,
    people: &[Vec<u32>],
    own: f32,
    threads: usize,
    stop: Stop<'_>,
) -> Option<Table> {
    let block = |(): &mut (), block: usize| {
        let columns = table.iter().map(|row| row.as_chunks().0[block]);
        let from: Vec<[f32; BLOCK]> = columns.collect();
        let mut to = vec![[0.0; BLOCK]; from.len()];
        for movies in people {
            if stop() {
                break;
            }
            add_person(movies, own, &from, &mut to);
        }
        to
    };
    let blocks = threads::share(threads, 0..NUMBERS / BLOCK, || (), block);
    let row = |movie: usize| std::array::from_fn(|at| blocks[at / BLOCK][movie][at % BLOCK]);
    (!stop()).then(|| (0..table.len()).map(row).collect())
}

/// Adds to some columns of K times a table one person's part of it.
fn add_person(movies: &[u32], own: f32, from: &[[f32; BLOCK]], to: &mut [[f32; BLOCK]]) {
    #[inline(always)]
    fn plain(movies: &[u32], own: f32, from: &[[f32; BLOCK]], to: &mut [[f32; BLOCK]]) {
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
        let share = share(movies.len());
        let sum = sum.map(|sum| share * sum);
        let own = own * (1.0 + share);
        let mut behind = [0.0; BLOCK];
        for &movie in movies.iter().rev() {
            let (row, to) = (&from[movie as usize], &mut to[movie as usize]);
            for at in 0..BLOCK {
                to[at] += behind[at] + sum[at] - own * row[at];
                behind[at] = (behind[at] + row[at]) * KIN_FADE;
            }
        }
    }
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn wide(movies: &[u32], own: f32, from: &[[f32; BLOCK]], to: &mut [[f32; BLOCK]]) {
        plain(movies, own, from, to);
    }
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: AVX2 was found on this CPU in the line above.
        return unsafe { wide(movies, own, from, to) };
    }
    plain(movies, own, from, to);
}

/// Makes the columns orthonormal, by the Cholesky factor of their products: gives what they were multiplied by.
fn straighten(table: &mut Table, threads: usize) -> Vec<f64> {
    let mut gram = tall::covariance(table.as_flattened(), NUMBERS, 1.0, threads);
    let trace: f64 = (0..NUMBERS).map(|at| gram[at * NUMBERS + at]).sum();
    for at in 0..NUMBERS {
        gram[at * NUMBERS + at] += 1e-9 * trace + f64::MIN_POSITIVE;
    }
    cholesky(&mut gram, NUMBERS, PIVOT);
    // Rows times the factor's inverse, transposed.
    let mut turn = vec![0.0; NUMBERS * NUMBERS];
    for (column, x) in turn.chunks_exact_mut(NUMBERS).enumerate() {
        x[column] = 1.0;
        solve_lower(&gram, NUMBERS, x);
    }
    tall::turn(table.as_flattened_mut(), NUMBERS, &turn, threads);
    turn
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
    let points_of = |movies: &[usize]| -> Vec<f32> {
        let of = movies.iter();
        of.flat_map(|movie| directions[*movie]).collect()
    };
    let named = points_of(&movies);
    // Movies weigh as often as they are rated, so that of many the most rated ones decide; of equals the first.
    if movies.len() > LEARNED {
        movies.sort_by_key(|movie| std::cmp::Reverse(counts[*movie]));
        movies.truncate(LEARNED);
    }
    let points = points_of(&movies);
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
    let longest = longest(&codebook, &encode(&codebook, &named));
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
