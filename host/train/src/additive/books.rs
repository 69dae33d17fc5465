//! Books of codewords, and the search for the codewords whose sum is nearest to a point.

use pocketrec_base::threads;

/// Points that a thread takes at a time.
const TASK: usize = 128;

/// Codewords of a few books, \[books\]\[codewords\]\[side\], and their products, by which a search needs no vectors.
pub struct Books {
    words: Vec<f32>,
    side: usize,
    books: usize,
    codewords: usize,
    /// The words in columns, \[side\]\[books x codewords\].
    columns: Vec<f32>,
    /// Half of each word's square.
    halves: Vec<f32>,
    /// The product of each pair of words.
    products: Vec<f32>,
}

/// Codes of a point as a search finds them, and their cost: half of the squared distance, but for the point's own part.
#[derive(Clone, Copy, Default)]
struct Found {
    cost: f32,
    codes: [u8; super::MOST_BOOKS],
}

/// Working memory of a search.
struct Scratch {
    /// Half of each word's square less its product with the point.
    costs: Vec<f32>,
    sums: Vec<f32>,
    beam: Vec<Found>,
    next: Vec<Found>,
}

impl Books {
    /// From codewords of `side` numbers. Costs a product for each pair of codewords.
    pub fn new(words: Vec<f32>, side: usize, books: usize) -> Self {
        let count = words.len() / side;
        let mut columns = vec![0.0; words.len()];
        for (at, word) in words.chunks_exact(side).enumerate() {
            for (column, x) in columns.chunks_exact_mut(count).zip(word) {
                column[at] = *x;
            }
        }
        let mut products = vec![0.0; count * count];
        for (word, sums) in words
            .chunks_exact(side)
            .zip(products.chunks_exact_mut(count))
        {
            for (x, column) in word.iter().zip(columns.chunks_exact(count)) {
                add(sums, column, *x);
            }
        }
        let halves = (0..count)
            .map(|at| products[at * count + at] / 2.0)
            .collect();
        Self {
            side,
            books,
            codewords: count / books,
            columns,
            halves,
            products,
            words,
        }
    }

    /// \[books\]\[codewords\]\[side\].
    pub fn words(&self) -> &[f32] {
        &self.words
    }

    /// Codewords of each book.
    pub fn codewords(&self) -> usize {
        self.codewords
    }

    /// Sets the codes of each of `points`, `beam` of which are kept from book to book. Codes that are there already are
    /// kept where none of a lower cost are found. The same on any number of threads.
    pub fn encode_all(&self, points: &[f32], (beam, threads): (usize, usize), codes: &mut Vec<u8>) {
        let known = !codes.is_empty();
        codes.resize(points.len() / self.side * self.books, 0);
        let tasks = points
            .chunks(TASK * self.side)
            .zip(codes.chunks_mut(TASK * self.books));
        let memory = || Scratch {
            costs: vec![0.0; self.halves.len()],
            sums: vec![0.0; self.codewords],
            beam: Vec::new(),
            next: Vec::new(),
        };
        threads::share(threads, tasks, memory, |scratch, (points, codes)| {
            let codes = codes.chunks_exact_mut(self.books);
            for (point, codes) in points.chunks_exact(self.side).zip(codes) {
                self.encode(point, beam, known, scratch, codes);
            }
        });
    }

    fn encode(
        &self,
        point: &[f32],
        beam: usize,
        known: bool,
        scratch: &mut Scratch,
        codes: &mut [u8],
    ) {
        let count = self.halves.len();
        scratch.costs.copy_from_slice(&self.halves);
        for (x, column) in point.iter().zip(self.columns.chunks_exact(count)) {
            add(&mut scratch.costs, column, -x);
        }
        scratch.beam.clear();
        scratch.beam.push(Found::default());
        for book in 0..self.books {
            scratch.next.clear();
            for at in 0..scratch.beam.len() {
                let found = scratch.beam[at];
                self.sum(book, 0..book, &found.codes, scratch);
                for (code, sum) in scratch.sums.iter().enumerate() {
                    let cost = found.cost + sum;
                    let full = scratch.next.len() == beam;
                    if full && scratch.next.last().is_some_and(|last| cost >= last.cost) {
                        continue;
                    }
                    if full {
                        scratch.next.pop();
                    }
                    let place = scratch.next.partition_point(|other| other.cost <= cost);
                    let mut codes = found.codes;
                    codes[book] = code as u8;
                    scratch.next.insert(place, Found { cost, codes });
                }
            }
            std::mem::swap(&mut scratch.beam, &mut scratch.next);
        }
        let mut best = self.settle(scratch.beam[0].codes, scratch);
        if known {
            let mut before = Found::default();
            before.codes[..self.books].copy_from_slice(codes);
            let before = self.settle(before.codes, scratch);
            // Of equals what was there, so that rounds come to an end.
            if before.cost <= best.cost {
                best = before;
            }
        }
        codes.copy_from_slice(&best.codes[..self.books]);
    }

    /// The costs of each code of `book` beside the codes of `others`, in the scratch's sums.
    fn sum(
        &self,
        book: usize,
        others: std::ops::Range<usize>,
        codes: &[u8],
        scratch: &mut Scratch,
    ) {
        let (count, own) = (
            self.halves.len(),
            book * self.codewords..(book + 1) * self.codewords,
        );
        scratch.sums.copy_from_slice(&scratch.costs[own.clone()]);
        for other in others.filter(|other| *other != book) {
            let row = other * self.codewords + usize::from(codes[other]);
            add(
                &mut scratch.sums,
                &self.products[row * count..][own.clone()],
                1.0,
            );
        }
    }

    /// A code at a time to the best beside the others, until none changes.
    fn settle(&self, mut codes: [u8; super::MOST_BOOKS], scratch: &mut Scratch) -> Found {
        let (mut book, mut same) = (0, 0);
        while same < self.books {
            self.sum(book, 0..self.books, &codes, scratch);
            let now = usize::from(codes[book]);
            let best = smallest(&scratch.sums);
            if scratch.sums[best] < scratch.sums[now] {
                codes[book] = best as u8;
                same = 1;
            } else {
                same += 1;
            }
            book = (book + 1) % self.books;
        }
        let row = |book: usize| book * self.codewords + usize::from(codes[book]);
        let mut cost = 0.0;
        for book in 0..self.books {
            cost += scratch.costs[row(book)];
            for other in 0..book {
                cost += self.products[row(other) * self.halves.len() + row(book)];
            }
        }
        Found { cost, codes }
    }
}

/// `sums + x column`.
fn add(sums: &mut [f32], column: &[f32], x: f32) {
    for (sum, c) in sums.iter_mut().zip(column) {
        *sum += x * c;
    }
}

/// The place of the smallest, the first of equals.
fn smallest(numbers: &[f32]) -> usize {
    let mut lanes = [f32::INFINITY; 8];
    let (eights, rest) = numbers.as_chunks::<8>();
    for eight in eights {
        for (least, x) in lanes.iter_mut().zip(eight) {
            *least = if x < least { *x } else { *least };
        }
    }
    let least = lanes
        .iter()
        .chain(rest)
        .fold(f32::INFINITY, |a, b| a.min(*b));
    numbers.iter().position(|x| *x == least).unwrap_or_default()
}
