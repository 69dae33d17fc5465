//! Learning books: residual k-means, then codes and books by turns.

use super::{Books, Plan};
use crate::random::Random;

/// Rounds of k-means of each book's residuals.
const FIRST_ROUNDS: usize = 8;

/// Turns of codes and books.
const ROUNDS: usize = 12;

/// Sweeps over the books within a turn, each book becoming the means of what its movies have left of the others.
const SWEEPS: usize = 3;

/// Books for points of `side` numbers, and the points' codes. Where the plan's work is stopped they are of no use.
pub fn learn(plan: &Plan<'_>, points: &[f32], side: usize, codes: &mut Vec<u8>) -> Books {
    let (weights, books, threads) = (plan.weights, plan.books, plan.threads);
    let codewords = weights.len().clamp(1, plan.codewords);
    let mut words = Vec::new();
    let mut rest = points.to_vec();
    let mut apart = Vec::new();
    for book in 0..books {
        let random = (plan.random)(book);
        let mut one = Books::new(first(&rest, side, weights, codewords, random), side, 1);
        let mut nearest = Vec::new();
        for _ in 0..FIRST_ROUNDS {
            if (plan.stop)() {
                break;
            }
            one.encode_all(&rest, (1, threads), &mut nearest);
            let mut words = one.words().to_vec();
            means(&rest, side, weights, &nearest, &mut words);
            one = Books::new(words, side, 1);
        }
        one.encode_all(&rest, (1, threads), &mut nearest);
        for (rest, code) in rest.chunks_exact_mut(side).zip(&nearest) {
            let word = &one.words()[usize::from(*code) * side..][..side];
            rest.iter_mut().zip(word).for_each(|(x, c)| *x -= c);
        }
        words.extend_from_slice(one.words());
        apart.push(nearest);
    }
    *codes = (0..weights.len())
        .flat_map(|movie| apart.iter().map(move |of| of[movie]))
        .collect();
    for _ in 0..if books > 1 { ROUNDS } else { 0 } {
        if (plan.stop)() {
            break;
        }
        for _ in 0..SWEEPS {
            update(points, side, weights, codes, (books, codewords), &mut words);
        }
        Books::new(words.clone(), side, books).encode_all(points, (plan.beam, threads), codes);
    }
    for _ in 0..SWEEPS {
        update(points, side, weights, codes, (books, codewords), &mut words);
    }
    Books::new(words, side, books)
}

/// Each book's words, one book after the other, become the means of what is left by the others.
fn update(
    points: &[f32],
    side: usize,
    weights: &[f32],
    codes: &[u8],
    (books, codewords): (usize, usize),
    words: &mut [f32],
) {
    let mut rest = points.to_vec();
    let mut all: Vec<&mut [f32]> = words.chunks_exact_mut(codewords * side).collect();
    let own =
        |book: usize| -> Vec<u8> { codes.iter().skip(book).step_by(books).copied().collect() };
    for (book, words) in all.iter().enumerate() {
        shift(&mut rest, side, words, &own(book), -1.0);
    }
    for (book, words) in all.iter_mut().enumerate() {
        let own = own(book);
        shift(&mut rest, side, words, &own, 1.0);
        means(&rest, side, weights, &own, words);
        shift(&mut rest, side, words, &own, -1.0);
    }
}

/// Adds `by` times its word to each point.
fn shift(points: &mut [f32], side: usize, words: &[f32], codes: &[u8], by: f32) {
    for (point, code) in points.chunks_exact_mut(side).zip(codes) {
        let word = &words[usize::from(*code) * side..][..side];
        point.iter_mut().zip(word).for_each(|(x, c)| *x += by * c);
    }
}

/// Words become the weighted means of their points. One without any takes the place of the point that errs most.
fn means(points: &[f32], side: usize, weights: &[f32], codes: &[u8], words: &mut [f32]) {
    let mut sums = vec![0.0_f64; words.len()];
    let mut totals = vec![0.0_f64; words.len() / side];
    for ((point, weight), code) in points.chunks_exact(side).zip(weights).zip(codes) {
        let at = usize::from(*code);
        totals[at] += f64::from(*weight);
        for (sum, x) in sums[at * side..][..side].iter_mut().zip(point) {
            *sum += f64::from(weight * x);
        }
    }
    let mut errors: Option<Vec<(f32, usize)>> = None;
    for (at, total) in totals.iter().enumerate() {
        if *total > 0.0 {
            let places = words[at * side..][..side].iter_mut();
            for (word, sum) in places.zip(&sums[at * side..][..side]) {
                *word = (sum / total) as f32;
            }
            continue;
        }
        let errors = errors.get_or_insert_with(|| {
            let all = points
                .chunks_exact(side)
                .zip(codes)
                .zip(weights)
                .enumerate();
            let mut errors: Vec<(f32, usize)> = all
                .map(|(movie, ((point, code), weight))| {
                    let word = &words[usize::from(*code) * side..][..side];
                    let squared: f32 = point.iter().zip(word).map(|(x, c)| (x - c).powi(2)).sum();
                    (weight * squared, movie)
                })
                .collect();
            errors.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
            errors
        });
        if let Some((_, movie)) = errors.pop() {
            words[at * side..][..side].copy_from_slice(&points[movie * side..][..side]);
        }
    }
}

/// Points to start from, drawn by weight and square without replacement: the largest of u^(1/w) (Efraimidis and Spirakis
/// 2006).
fn first(points: &[f32], side: usize, weights: &[f32], count: usize, random: Random) -> Vec<f32> {
    let mut drawn: Vec<(f64, usize)> = points
        .chunks_exact(side)
        .zip(weights)
        .enumerate()
        .map(|(at, (point, weight))| {
            let unit = ((random.bits(at as u64) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
            let squared: f32 = point.iter().map(|x| x * x).sum();
            (unit.ln() / f64::from(weight * squared).max(1.0e-300), at)
        })
        .collect();
    drawn.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let chosen = drawn.iter().take(count);
    chosen
        .flat_map(|(_, at)| &points[at * side..][..side])
        .copied()
        .collect()
}
