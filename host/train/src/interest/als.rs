//! Alternating least squares on who rated what (Hu, Koren and Volinsky 2008): a rating is a 1 that counts
//! 1 + [`ALPHA`] times, all other pairs are zeros that count once, and vectors are held to zero by [`LAMBDA`].

use super::histories::Histories;
use super::settings::{ALPHA, DIM, LAMBDA, RATINGS, SWEEPS};
use super::solve::{Square, Vector, add, invert, solve};
use super::stop::Stop;
use crate::options::Options;
use crate::random::{Random, Stream};
use pocketrec_base::threads;

/// The sum of all outer products of the rows with themselves, and the penalty.
fn normal(rows: &[Vector]) -> Square {
    let mut sums = [[0.0f64; DIM]; DIM];
    for row in rows {
        for (line, x) in sums.iter_mut().zip(row) {
            for (sum, y) in line.iter_mut().zip(row) {
                *sum += f64::from(x * y);
            }
        }
    }
    let mut normal = sums.map(|line| line.map(|x| x as f32));
    for (at, line) in normal.iter_mut().enumerate() {
        line[at] += LAMBDA;
    }
    normal
}

/// The covariance that a person's vector has before any rating: the inverse of what unrated movies and the penalty
/// say, in units of a rating's noise.
pub(super) fn prior(movies: &[Vector]) -> Square {
    invert(&normal(movies).map(|line| line.map(|x| x / ALPHA)))
}

/// Who has a rating with whom: of each row, the rows of the other side.
struct Links {
    starts: Vec<usize>,
    others: Vec<u32>,
}

impl Links {
    fn of(&self, row: usize) -> &[u32] {
        &self.others[self.starts[row]..self.starts[row + 1]]
    }

    /// The other side's.
    fn turned(&self, others: usize) -> Self {
        let mut starts = vec![0usize; others + 1];
        for &other in &self.others {
            starts[other as usize + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut next = starts.clone();
        let mut turned = vec![0; self.others.len()];
        for row in 0..self.starts.len() - 1 {
            for &other in self.of(row) {
                let at = &mut next[other as usize];
                turned[*at] = row as u32;
                *at += 1;
            }
        }
        Self {
            starts,
            others: turned,
        }
    }
}

/// One side's vectors, the other's being given; nothing once `stop` says so.
fn half(
    links: &Links,
    others: &[Vector],
    rows: &mut [Vector],
    threads: usize,
    stop: Stop<'_>,
) -> Option<()> {
    let normal = normal(others);
    let find = |(): &mut (), (at, row): (usize, &mut Vector)| {
        if stop() {
            return;
        }
        let mut square = normal;
        let mut sums = [0.0; DIM];
        for &other in links.of(at) {
            let other = &others[other as usize];
            add(&mut square, other, ALPHA);
            for (sum, x) in sums.iter_mut().zip(other) {
                *sum += (1.0 + ALPHA) * x;
            }
        }
        *row = solve(square, sums);
    };
    threads::share(threads, rows.iter_mut().enumerate(), || (), find);
    (!stop()).then_some(())
}

/// The movies' vectors, from at most [`RATINGS`] ratings: those of people evenly spread over all.
pub(super) fn movies(
    histories: &Histories,
    movies: usize,
    options: &Options,
    stop: Stop<'_>,
) -> Option<Vec<Vector>> {
    let step = histories.movies.len().div_ceil(RATINGS).max(1);
    let mut starts = vec![0];
    let mut others = Vec::new();
    for user in (0..histories.people()).step_by(step) {
        others.extend_from_slice(histories.of(user));
        starts.push(others.len());
    }
    let people = Links { starts, others };
    let fans = people.turned(movies);
    let random = Random::new(options.seed, Stream::Interest, 0);
    let mut rows: Vec<Vector> = (0..movies as u64)
        .map(|movie| {
            std::array::from_fn(|at| random.symmetric(movie * DIM as u64 + at as u64, 0.2))
        })
        .collect();
    let mut persons = vec![[0.0; DIM]; people.starts.len() - 1];
    let threads = options.thread_count();
    for _ in 0..SWEEPS {
        half(&people, &rows, &mut persons, threads, stop)?;
        half(&fans, &persons, &mut rows, threads, stop)?;
    }
    Some(rows)
}
