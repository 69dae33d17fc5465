//! Books of codewords, and the search for the codewords whose sum is nearest to a point.

use pocketrec_base::threads;

/// Points that a thread takes at a time.
const TASK: usize = 128;

/// The most codes that are kept from book to book.
const MOST_BEAM: usize = 16;

/// Sums that stay in registers while a point's numbers are gone through, in groups of [`LANES`].
const GROUPS: usize = 8;
const LANES: usize = 8;

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

/// The cheapest codes of a book, each behind one of those that were kept of the books before: in the order of their
/// costs, of equal costs in the order in which they came.
struct Cheapest {
    /// Costs, behind one that is less than any.
    costs: [f32; MOST_BEAM + 1],
    /// What each is behind, times 256, and its code.
    steps: [u32; MOST_BEAM + 1],
}

impl Cheapest {
    fn new() -> Self {
        let mut costs = [f32::INFINITY; MOST_BEAM + 1];
        costs[0] = f32::NEG_INFINITY;
        Self {
            costs,
            steps: [0; MOST_BEAM + 1],
        }
    }

    /// Puts a code in its place: each that is dearer moves on by one, without a look at which it is.
    #[inline(always)]
    fn take(&mut self, cost: f32, step: u32) {
        let (costs, steps) = (self.costs, self.steps);
        for at in 0..MOST_BEAM {
            let (moves, is_here) = (cost < costs[at], cost < costs[at + 1]);
            let here = if is_here { cost } else { costs[at + 1] };
            self.costs[at + 1] = if moves { costs[at] } else { here };
            let here = if is_here { step } else { steps[at + 1] };
            self.steps[at + 1] = if moves { steps[at] } else { here };
        }
    }
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

    /// Sets the codes of each of `points`, `beam` of which, at most 16, are kept from book to book. Codes that are there already are
    /// kept where none of a lower cost are found. The same on any number of threads.
    pub fn encode_all(&self, points: &[f32], (beam, threads): (usize, usize), codes: &mut Vec<u8>) {
        let beam = beam.min(MOST_BEAM);
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
            #[cfg(target_arch = "x86_64")]
            if std::arch::is_x86_feature_detected!("avx2") {
                // SAFETY: AVX2 was found on this CPU in the line above.
                unsafe { self.encode_wide(points, (beam, known), scratch, codes) };
                return;
            }
            self.encode_some(points, (beam, known), scratch, codes);
        });
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn encode_wide(
        &self,
        points: &[f32],
        how: (usize, bool),
        scratch: &mut Scratch,
        codes: &mut [u8],
    ) {
        self.encode_some(points, how, scratch, codes);
    }

    #[inline(always)]
    fn encode_some(
        &self,
        points: &[f32],
        (beam, known): (usize, bool),
        scratch: &mut Scratch,
        codes: &mut [u8],
    ) {
        let codes = codes.chunks_exact_mut(self.books);
        for (point, codes) in points.chunks_exact(self.side).zip(codes) {
            self.encode(point, beam, known, scratch, codes);
        }
    }

    #[inline(always)]
    fn encode(
        &self,
        point: &[f32],
        beam: usize,
        known: bool,
        scratch: &mut Scratch,
        codes: &mut [u8],
    ) {
        self.costs(point, &mut scratch.costs);
        scratch.beam.clear();
        scratch.beam.push(Found::default());
        for book in 0..self.books {
            let mut cheapest = Cheapest::new();
            for from in 0..scratch.beam.len() {
                let found = scratch.beam[from];
                self.sum(book, 0..book, &found.codes, scratch);
                if found.cost + least(&scratch.sums) >= cheapest.costs[beam] {
                    continue;
                }
                for (code, sum) in (0u32..).zip(&scratch.sums) {
                    let cost = found.cost + sum;
                    if cost < cheapest.costs[beam] {
                        cheapest.take(cost, (from as u32) << 8 | code);
                    }
                }
            }
            scratch.next.clear();
            let count = beam.min(scratch.beam.len() * self.codewords);
            for (cost, step) in (cheapest.costs[1..=count].iter()).zip(&cheapest.steps[1..]) {
                let mut codes = scratch.beam[(step >> 8) as usize].codes;
                codes[book] = *step as u8;
                scratch.next.push(Found { cost: *cost, codes });
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

    /// The squared distance of a point from the sum of its codes, and the least that is left where one code is
    /// changed. Of codes that [`encode_all`](Self::encode_all) found the second is no less than the first, but for what
    /// single precision loses.
    pub fn distances(&self, point: &[f32], codes: &[u8]) -> [f64; 2] {
        let word = |book: usize, code: usize| {
            &self.words[(book * self.codewords + code) * self.side..][..self.side]
        };
        let mut left: Vec<f64> = point.iter().map(|x| f64::from(*x)).collect();
        for (book, code) in codes.iter().enumerate() {
            for (left, x) in left.iter_mut().zip(word(book, usize::from(*code))) {
                *left -= f64::from(*x);
            }
        }
        let now = left.iter().map(|x| x * x).sum();
        let mut least = now;
        for (book, code) in codes.iter().enumerate() {
            let old = word(book, usize::from(*code));
            for code in 0..self.codewords {
                let pairs = left.iter().zip(old).zip(word(book, code));
                let moved = pairs.map(|((x, old), new)| x + f64::from(*old) - f64::from(*new));
                least = moved.map(|x| x * x).sum::<f64>().min(least);
            }
        }
        [now, least]
    }

    /// Half of each word's square less its product with a point.
    #[inline(always)]
    fn costs(&self, point: &[f32], costs: &mut [f32]) {
        let count = self.halves.len();
        costs.copy_from_slice(&self.halves);
        let (wide, rest) = costs.as_chunks_mut::<{ GROUPS * LANES }>();
        for (start, costs) in (0..).step_by(GROUPS * LANES).zip(&mut *wide) {
            let mut sums = [[0.0; LANES]; GROUPS];
            sums.as_flattened_mut().copy_from_slice(costs);
            for (x, column) in point.iter().zip(self.columns.chunks_exact(count)) {
                let column = column[start..].as_chunks::<LANES>().0;
                for (sums, column) in sums.iter_mut().zip(column) {
                    for (sum, c) in sums.iter_mut().zip(column) {
                        *sum -= x * c;
                    }
                }
            }
            costs.copy_from_slice(sums.as_flattened());
        }
        let start = count - rest.len();
        for (x, column) in point.iter().zip(self.columns.chunks_exact(count)) {
            add(rest, &column[start..], -x);
        }
    }

    /// The costs of each code of `book` beside the codes of `others`, in the scratch's sums.
    #[inline(always)]
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
        let products = others.filter(|other| *other != book).map(|other| {
            let row = other * self.codewords + usize::from(codes[other]);
            &self.products[row * count..][own.clone()]
        });
        let costs = &scratch.costs[own.clone()];
        // Of sixteen codewords, as a nibble holds, the sums stay in registers.
        if let (Ok(sums), Ok(costs)) = (
            <&mut [f32; 16]>::try_from(&mut scratch.sums[..]),
            <&[f32; 16]>::try_from(costs),
        ) {
            let mut all = *costs;
            for product in products {
                if let Ok(product) = <&[f32; 16]>::try_from(product) {
                    for (sum, x) in all.iter_mut().zip(product) {
                        *sum += x;
                    }
                }
            }
            *sums = all;
            return;
        }
        scratch.sums.copy_from_slice(costs);
        for product in products {
            add(&mut scratch.sums, product, 1.0);
        }
    }

    /// A code at a time to the best beside the others, until none changes.
    #[inline(always)]
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
#[inline(always)]
fn add(sums: &mut [f32], column: &[f32], x: f32) {
    for (sum, c) in sums.iter_mut().zip(column) {
        *sum += x * c;
    }
}

/// The place of the smallest, the first of equals.
#[inline(always)]
fn smallest(numbers: &[f32]) -> usize {
    let least = least(numbers);
    numbers.iter().position(|x| *x == least).unwrap_or_default()
}

/// The smallest.
#[inline(always)]
fn least(numbers: &[f32]) -> f32 {
    let mut lanes = [f32::INFINITY; LANES];
    let (eights, rest) = numbers.as_chunks::<LANES>();
    for eight in eights {
        for (least, x) in lanes.iter_mut().zip(eight) {
            *least = if x < least { *x } else { *least };
        }
    }
    let lower = |a: f32, b: &f32| if *b < a { *b } else { a };
    lanes.iter().chain(rest).fold(f32::INFINITY, lower)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pocketrec_base::random::Sequence;

    #[test]
    fn the_cheapest_are_kept_in_order_and_equals_as_they_came() {
        let mut random = Sequence::new(5);
        let mut cheapest = Cheapest::new();
        let mut all = Vec::new();
        for step in 0..200 {
            let cost = random.below(40) as f32;
            all.push((cost, step));
            cheapest.take(cost, step);
        }
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        let kept = (cheapest.costs.into_iter().zip(cheapest.steps)).skip(1);
        assert!(kept.eq(all.into_iter().take(MOST_BEAM)));
    }

    #[test]
    fn a_search_that_keeps_all_codes_finds_the_nearest_sum() {
        let mut random = Sequence::new(3);
        let mut number = || random.unit() as f32 - 0.5;
        for (codewords, side) in [(4, 5), (2, 70)] {
            let words: Vec<f32> = (0..2 * codewords * side).map(|_| number()).collect();
            let points: Vec<f32> = (0..9 * side).map(|_| number()).collect();
            let books = Books::new(words.clone(), side, 2);
            let mut codes = Vec::new();
            books.encode_all(&points, (MOST_BEAM, 2), &mut codes);
            for (point, codes) in points.chunks_exact(side).zip(codes.chunks_exact(2)) {
                let squared = |a: usize, b: usize| -> f32 {
                    let (a, b) = (&words[a * side..], &words[(codewords + b) * side..]);
                    let all = point.iter().zip(a).zip(b);
                    all.map(|((x, a), b)| (x - a - b).powi(2)).sum()
                };
                let found = squared(codes[0].into(), codes[1].into());
                for a in 0..codewords {
                    for b in 0..codewords {
                        assert!(found <= squared(a, b) + 1e-5, "{codes:?} {a} {b}");
                    }
                }
            }
        }
    }
}
