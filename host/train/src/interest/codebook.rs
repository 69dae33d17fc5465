//! From a vector a movie to a byte a movie: a codebook of directions (k-means: Lloyd 1982), and a length that
//! follows from how well known the movie is.

use super::found;
use super::settings::{CODES, DIM, ROUNDS};
use super::solve::Vector;
use super::stop::Stop;
use crate::random::{Random, Stream};

/// Movies with fewer ratings have no part in how length follows from fame.
const KNOWN: u32 = 3;

/// The codebook, and which row of it each movie has.
pub(super) struct Codebook {
    pub codes: Vec<u8>,
    /// Whole multiples of `scale`.
    pub rows: Vec<Vector>,
    pub scale: f32,
    /// The power of (1 + ratings) that rows are multiplied by, over that of the best known movie.
    pub power: f32,
}

fn squared(row: &Vector) -> f32 {
    row.iter().map(|x| x * x).sum()
}

/// The slope of the logarithm of the vectors' lengths by that of one more than the movies' ratings.
fn power(vectors: &[Vector], counts: &[u32]) -> f32 {
    let mut points = Vec::new();
    for (row, &count) in vectors.iter().zip(counts) {
        let length = squared(row).sqrt();
        if count >= KNOWN && length > 0.0 {
            points.push((f64::from(count).ln_1p(), f64::from(length).ln()));
        }
    }
    let n = points.len().max(1) as f64;
    let (x, y) = points
        .iter()
        .fold((0.0, 0.0), |(a, b), (x, y)| (a + x, b + y));
    let (x, y) = (x / n, y / n);
    let (mut cross, mut square) = (0.0, 0.0);
    for (a, b) in points {
        cross += (a - x) * (b - y);
        square += (a - x) * (a - x);
    }
    if square > 0.0 {
        (cross / square).clamp(0.0, 2.0) as f32
    } else {
        0.0
    }
}

/// Puts the vectors into a codebook. A movie that nobody rated has the code of the longest row but nothing to
/// multiply it by.
pub(super) fn quantise(
    vectors: &[Vector],
    counts: &[u32],
    seed: u64,
    stop: Stop<'_>,
) -> Option<Codebook> {
    let power = power(vectors, counts);
    let most = f64::from(found::most(counts));
    // What core multiplies by, before it is rounded.
    let factors: Vec<f32> = counts
        .iter()
        .map(|&count| ((f64::from(count).ln_1p() - most) * f64::from(power)).exp() as f32)
        .collect();
    let rated: Vec<usize> = (0..counts.len()).filter(|&at| counts[at] > 0).collect();
    let points: Vec<(Vector, f32)> = rated
        .iter()
        .map(|&at| {
            (
                vectors[at].map(|x| x / factors[at]),
                factors[at] * factors[at],
            )
        })
        .collect();
    let mut rows = first(&points, seed);
    let mut nearest = vec![0u8; points.len()];
    for _ in 0..ROUNDS {
        if stop() {
            return None;
        }
        assign(&points, &rows, &mut nearest);
        let mut sums = vec![([0.0f64; DIM], 0.0f64); rows.len()];
        for ((point, weight), &code) in points.iter().zip(&nearest) {
            let (sum, total) = &mut sums[usize::from(code)];
            *total += f64::from(*weight);
            for (sum, x) in sum.iter_mut().zip(point) {
                *sum += f64::from(weight * x);
            }
        }
        for (row, (sum, total)) in rows.iter_mut().zip(&sums) {
            if *total > 0.0 {
                *row = sum.map(|x| (x / total) as f32);
            }
        }
    }
    let largest = rows
        .iter()
        .flatten()
        .fold(0.0f32, |most, x| most.max(x.abs()));
    let scale = (largest / 127.0).max(f32::MIN_POSITIVE);
    for row in &mut rows {
        *row = row.map(|x| (x / scale).round() * scale);
    }
    assign(&points, &rows, &mut nearest);
    let mut codes = vec![0; counts.len()];
    for (&at, &code) in rated.iter().zip(&nearest) {
        codes[at] = code;
    }
    Some(Codebook {
        codes,
        rows,
        scale,
        power,
    })
}

/// Different points to start from, drawn by weight.
fn first(points: &[(Vector, f32)], seed: u64) -> Vec<Vector> {
    let random = Random::new(seed, Stream::Interest, 1);
    // The largest of u^(1/w) draws without replacement by weight (Efraimidis and Spirakis 2006).
    let mut drawn: Vec<(f64, usize)> = points
        .iter()
        .enumerate()
        .map(|(at, (_, weight))| {
            let unit = ((random.bits(at as u64) >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
            (unit.ln() / f64::from(*weight).max(f64::MIN_POSITIVE), at)
        })
        .collect();
    drawn.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let rows: Vec<Vector> = drawn
        .iter()
        .take(CODES)
        .map(|(_, at)| points[*at].0)
        .collect();
    if rows.is_empty() {
        vec![[0.0; DIM]]
    } else {
        rows
    }
}

/// The nearest row for each point; of equals the first.
fn assign(points: &[(Vector, f32)], rows: &[Vector], nearest: &mut [u8]) {
    // Distances but for the point's own square; rows in columns, for the sake of vector registers.
    let mut columns = vec![[0.0f32; CODES]; DIM];
    let mut halves = [f32::INFINITY; CODES];
    for (at, row) in rows.iter().enumerate() {
        halves[at] = squared(row) / 2.0;
        for (column, x) in columns.iter_mut().zip(row) {
            column[at] = *x;
        }
    }
    for ((point, _), code) in points.iter().zip(nearest) {
        let mut distances = halves;
        for (column, x) in columns.iter().zip(point) {
            for (distance, c) in distances.iter_mut().zip(column) {
                *distance -= x * c;
            }
        }
        let mut best = 0;
        for (at, distance) in distances.iter().enumerate() {
            if *distance < distances[best] {
                best = at;
            }
        }
        *code = best as u8;
    }
}
