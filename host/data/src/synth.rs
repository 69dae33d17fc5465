//! Ratings that are made up, in the shape of a MovieLens release, with a best reachable RMSE that is known.
//!
//! A rating is drawn given a signal `x = mean + b_u + b_m + <p_u, q_m>`, all of them normal: the stars are `x` plus
//! normal noise, rounded to half stars and clamped to 0.5 to 5. Nobody can predict better than the mean of the stars
//! given `x`, so the floor of the RMSE is the root of their mean variance given `x`. The probabilities of the stars
//! are taken from a table over `x` in steps of 1/64 star, both to draw and to work out the floor, so the floor is that
//! of the ratings as written.
//!
//! Who rates what: each user has at least 20 ratings and a log-normal number beyond them; the movie of popularity
//! rank r of M is drawn in proportion to `exp(-c (r / M)^0.435)`, which fits the top, the middle and the end of
//! MovieLens-20M (about 67,000, 4,700, 18 and 1 ratings at ranks 1, 1,000, M / 2 and M). Every user and every movie
//! occurs. Randomness is PCG by user, functions are libm's: the same seed gives the same bytes on every machine.

mod rows;

use std::io::{self, Write};

use pocketrec_base::print::count;
use pocketrec_base::random::{Sequence, hash};
use pocketrec_base::threads::share;

use pocketrec_tables::{Format, Table};
use rows::{COLUMNS, Counted, HEADER, Rows};

/// How much of everything there shall be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Users, with ids from 1 without gaps.
    pub users: usize,
    /// Movies, each rated at least once.
    pub movies: usize,
    /// Ratings.
    pub ratings: usize,
    /// Highest movie id: the first third of the movies has ids without gaps, the rest is spread up to here.
    pub top_movie: u32,
}

/// Users have at least so many ratings, as in MovieLens.
const LEAST: usize = 20;
/// Share of the movies that one user may rate at most.
const MOST: f64 = 0.44;

const MEAN: f64 = 3.53;
const USER_BIAS: f64 = 0.42;
const MOVIE_BIAS: f64 = 0.45;
/// Numbers in the hidden rows of users and movies.
const RANK: usize = 8;
/// Standard deviation of each of them: the interaction's variance is `RANK * FACTOR^4`, 0.2.
const FACTOR: f64 = 0.397_635_364_383_525_3;
/// Standard deviation of the noise before rounding.
const NOISE: f64 = 0.752;

impl Shape {
    /// The shape of `ml-100k`, `ml-1m`, `ml-10m`, `ml-20m`, `ml-25m` or `ml-32m`.
    pub fn named(name: &str) -> Option<Shape> {
        let shape = |users, movies, ratings, top_movie| {
            Some(Shape {
                users,
                movies,
                ratings,
                top_movie,
            })
        };
        match name {
            "ml-100k" => shape(943, 1_682, 100_000, 1_682),
            "ml-1m" => shape(6_040, 3_706, 1_000_209, 3_952),
            "ml-10m" => shape(69_878, 10_677, 10_000_054, 65_133),
            "ml-20m" => shape(138_493, 26_744, 20_000_263, 131_262),
            "ml-25m" => shape(162_541, 59_047, 25_000_095, 209_171),
            "ml-32m" => shape(200_948, 84_432, 32_000_204, 292_757),
            _ => None,
        }
    }

    /// Ids of so many movies, in ascending order, as sparse as those that [`write()`] gives them.
    pub fn movie_ids(&self, seed: u64) -> Vec<u32> {
        movie_ids(self, &mut random(seed, 4, 0))
    }

    fn most(&self) -> usize {
        ((self.movies as f64 * MOST) as usize).max(LEAST)
    }

    /// Checks that such ratings can be made.
    ///
    /// # Errors
    /// A sentence that says which number should be what.
    pub fn check(&self) -> Result<(), String> {
        let Shape {
            users,
            movies,
            ratings,
            top_movie,
        } = *self;
        if users == 0 || movies < 2 * LEAST {
            return Err(format!(
                "{} and {} are too few; there should be 1 and {}",
                count(users, "user"),
                count(movies, "movie"),
                2 * LEAST
            ));
        }
        if users > 1 << 28 || ratings > u32::MAX as usize {
            return Err(format!(
                "there should be at most {} users and {} ratings",
                1 << 28,
                u32::MAX
            ));
        }
        let least = (LEAST * users).max(movies);
        let most = self.most() * users;
        if !(least..=most).contains(&ratings) {
            return Err(format!(
                "{}, each with at least {LEAST} of {} and at most {}, can give {least} to {most} \
                 ratings, not {ratings}",
                count(users, "user"),
                count(movies, "movie"),
                self.most()
            ));
        }
        // Each movie is given to one user first.
        if movies > users * LEAST / 2 {
            return Err(format!(
                "{} should have at most {}, not {movies}",
                count(users, "user"),
                count(users * LEAST / 2, "movie")
            ));
        }
        if (top_movie as usize) < movies {
            return Err(format!(
                "the highest movie id should be at least {movies}, not {top_movie}"
            ));
        }
        Ok(())
    }
}

/// What was made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Made {
    /// The best RMSE that any predictor can expect, over all ratings.
    pub floor: f64,
    /// Bytes written.
    pub bytes: u64,
}

/// Writes ratings, users ascending and each one's movies ascending: as CSV the way GroupLens does, with a header and CRLF, or
/// as another table with the same columns.
///
/// Time is about that of formatting the text (20 million ratings take seconds on two threads); memory is the tables
/// and some megabytes of text.
///
/// # Errors
/// Those of `out`.
///
/// # Panics
/// If the shape doesn't pass [`Shape::check`].
pub fn write(
    shape: &Shape,
    seed: u64,
    threads: usize,
    format: Format,
    out: &mut dyn Write,
    progress: impl FnMut(usize),
) -> io::Result<Made> {
    shape.check().expect("a shape that passes its check");
    let mut out = Counted { out, bytes: 0 };
    let variance = match format {
        Format::Csv => {
            out.write_all(HEADER)?;
            let put = |rows: &mut Rows| rows.write_text(&mut out);
            draw(shape, seed, threads, Rows::of_text, put, progress)?
        }
        format => {
            let table = Table::new(format, &COLUMNS);
            let mut writer = table.to(&mut out)?;
            let put = |rows: &mut Rows| writer.put(table.packed(rows.take_columns()));
            let variance = draw(shape, seed, threads, Rows::of_columns, put, progress)?;
            writer.finish()?;
            variance
        }
    };
    Ok(Made {
        floor: (variance / shape.ratings as f64).sqrt(),
        bytes: out.bytes,
    })
}

/// Draws all ratings, hands them on in order, and returns the sum of their variances.
fn draw(
    shape: &Shape,
    seed: u64,
    threads: usize,
    empty: fn() -> Rows,
    mut put: impl FnMut(&mut Rows) -> io::Result<()>,
    mut progress: impl FnMut(usize),
) -> io::Result<f64> {
    let world = World::new(shape, seed);
    let mut variance = 0.0;
    let mut workers: Vec<Worker> = (0..threads.max(1))
        .map(|_| Worker::new(shape.movies, empty()))
        .collect();
    // Blocks are the same for any number of threads, and so is the order of the sum.
    const BLOCK: usize = 512;
    let mut first = 0;
    while first < shape.users {
        let world = &world;
        let make = |(): &mut (), (i, worker): (usize, &mut Worker)| {
            let from = (first + i * BLOCK).min(shape.users);
            worker.make(world, from..(from + BLOCK).min(shape.users));
        };
        share(threads, workers.iter_mut().enumerate(), || (), make);
        for worker in &mut workers {
            put(&mut worker.rows)?;
            variance += worker.variance;
        }
        first += workers.len() * BLOCK;
        progress(first.min(shape.users));
    }
    Ok(variance)
}

/// All that is fixed before ratings are drawn.
struct World {
    seed: u64,
    movie_ids: Vec<u32>,
    /// Ratings of each user.
    counts: Vec<u32>,
    /// Movies that each user must have, so that every movie occurs: the movies of user `u` are at
    /// `given[given_starts[u]..given_starts[u + 1]]`.
    given: Vec<u32>,
    given_starts: Vec<u32>,
    /// Chance of each movie, relative.
    weights: Vec<f64>,
    /// Where the cumulated weights pass each 1/2^20 of their sum, and the cumulated weights.
    cumulated: Vec<f64>,
    guide: Vec<u32>,
    movie_bias: Vec<f32>,
    movie_rows: Vec<[f32; RANK]>,
    stars: Vec<Cell>,
}

/// Stars given a signal: cumulated probabilities and variance.
struct Cell {
    cumulated: [f32; 9],
    variance: f64,
}

/// Signals from here on, in steps of 1/64.
const LOWEST: f64 = -4.0;
const CELLS: usize = 16 * 64;

fn random(seed: u64, stream: u64, position: u64) -> Sequence {
    Sequence::new(hash(hash(hash(seed) ^ stream) ^ position))
}

/// Standard normal (Box and Muller 1958).
fn normal(random: &mut Sequence) -> f64 {
    let radius = (-2.0 * libm::log(1.0 - random.unit())).sqrt();
    radius * libm::cos(std::f64::consts::TAU * random.unit())
}

impl World {
    fn new(shape: &Shape, seed: u64) -> World {
        let mut fixed = random(seed, 1, 0);
        let movies = shape.movies;
        let mut given_to = vec![0u32; movies];
        let mut room = vec![LEAST as u32 / 2; shape.users];
        for user in &mut given_to {
            let mut chosen = fixed.below(shape.users);
            while room[chosen] == 0 {
                chosen = (chosen + 1) % shape.users;
            }
            room[chosen] -= 1;
            *user = chosen as u32;
        }
        let mut given: Vec<u32> = (0..movies as u32).collect();
        given.sort_by_key(|&movie| given_to[movie as usize]);
        let mut given_starts = vec![0u32; shape.users + 1];
        for &user in &given_to {
            given_starts[user as usize + 1] += 1;
        }
        for user in 0..shape.users {
            given_starts[user + 1] += given_starts[user];
        }

        // Old movies, with low ids, are more popular, but not strictly so.
        let mut by_popularity: Vec<(f64, u32)> = (0..movies)
            .map(|movie| {
                (
                    movie as f64 / movies as f64 + 0.7 * fixed.unit(),
                    movie as u32,
                )
            })
            .collect();
        by_popularity.sort_by(|a, b| a.0.total_cmp(&b.0));
        let steep = libm::log(shape.users as f64 * 0.45).max(1.0);
        let mut weights = vec![0.0; movies];
        for (rank, &(_, movie)) in by_popularity.iter().enumerate() {
            weights[movie as usize] =
                libm::exp(-steep * libm::pow(rank as f64 / movies as f64, 0.435));
        }
        let mut sum = 0.0;
        let cumulated: Vec<f64> = weights
            .iter()
            .map(|weight| {
                sum += weight;
                sum
            })
            .collect();
        let mut guide = Vec::with_capacity(GUIDE + 1);
        let mut movie = 0;
        for step in 0..=GUIDE {
            while movie + 1 < movies && cumulated[movie] <= sum * step as f64 / GUIDE as f64 {
                movie += 1;
            }
            guide.push(movie as u32);
        }

        let (mut movie_bias, mut movie_rows) = (Vec::new(), Vec::new());
        for movie in 0..movies {
            let mut random = random(seed, 2, movie as u64);
            movie_bias.push((MOVIE_BIAS * normal(&mut random)) as f32);
            movie_rows.push(std::array::from_fn(|_| {
                (FACTOR * normal(&mut random)) as f32
            }));
        }
        World {
            seed,
            movie_ids: movie_ids(shape, &mut fixed),
            counts: counts(shape, seed),
            given,
            given_starts,
            weights,
            cumulated,
            guide,
            movie_bias,
            movie_rows,
            stars: (0..CELLS)
                .map(|cell| Cell::at(LOWEST + (cell as f64 + 0.5) / 64.0))
                .collect(),
        }
    }

    /// A movie by its weight: the guide narrows the search to a few movies.
    fn draw(&self, random: &mut Sequence) -> usize {
        let sum = self.cumulated[self.cumulated.len() - 1];
        let at = random.unit();
        let step = (at * GUIDE as f64) as usize;
        let (low, high) = (self.guide[step] as usize, self.guide[step + 1] as usize);
        low + self.cumulated[low..high].partition_point(|&cumulated| cumulated <= at * sum)
    }
}

const GUIDE: usize = 1 << 16;

impl Cell {
    fn at(signal: f64) -> Cell {
        let mut cumulated = [0.0; 9];
        for (step, below) in cumulated.iter_mut().enumerate() {
            // Half stars 0.5, 1.0 …: the border above the first is 0.75.
            let border = 0.75 + 0.5 * step as f64;
            *below =
                (0.5 * libm::erfc((signal - border) / (NOISE * std::f64::consts::SQRT_2))) as f32;
        }
        let (mut mean, mut square, mut before) = (0.0, 0.0, 0.0);
        for step in 0..10 {
            let upto = cumulated.get(step).map_or(1.0, |&c| f64::from(c));
            let stars = 0.5 + 0.5 * step as f64;
            mean += (upto - before) * stars;
            square += (upto - before) * stars * stars;
            before = upto;
        }
        Cell {
            cumulated,
            variance: square - mean * mean,
        }
    }
}

/// Distinct ids: without gaps at first, then spread evenly at random up to the top.
fn movie_ids(shape: &Shape, random: &mut Sequence) -> Vec<u32> {
    let dense = shape.movies / 3;
    let mut ids: Vec<u32> = (1..=dense as u32).collect();
    for id in dense as u32 + 1..=shape.top_movie {
        let left = (shape.top_movie - id + 1) as usize;
        // Selection sampling; the top itself is always in.
        let wanted = shape.movies - ids.len();
        if id == shape.top_movie || (wanted > 1 && random.below(left - 1) < wanted - 1) {
            ids.push(id);
        }
    }
    ids
}

/// Ratings of each user: 20 and a log-normal number more, none above the most, all together what the shape says.
fn counts(shape: &Shape, seed: u64) -> Vec<u32> {
    let mut weights = vec![0.0; shape.users];
    for (user, weight) in weights.iter_mut().enumerate() {
        *weight = libm::exp(1.38 * normal(&mut random(seed, 3, user as u64)));
    }
    let sum: f64 = weights.iter().sum();
    let extra = (shape.ratings - LEAST * shape.users) as f64;
    let most = shape.most();
    let mut counts: Vec<u32> = weights
        .iter()
        .map(|weight| (LEAST + (extra * weight / sum) as usize).min(most) as u32)
        .collect();
    let mut missing = shape.ratings - counts.iter().map(|&count| count as usize).sum::<usize>();
    while missing > 0 {
        for count in &mut counts {
            if missing > 0 && (*count as usize) < most {
                *count += 1;
                missing -= 1;
            }
        }
    }
    counts
}

/// One thread's ratings and scratch.
struct Worker {
    rows: Rows,
    variance: f64,
    /// Which user took a movie last, plus one.
    taken: Vec<u32>,
    chosen: Vec<u32>,
    keys: Vec<(f64, u32)>,
}

impl Worker {
    fn new(movies: usize, rows: Rows) -> Worker {
        Worker {
            rows,
            variance: 0.0,
            taken: vec![0; movies],
            chosen: Vec::new(),
            keys: Vec::new(),
        }
    }

    fn make(&mut self, world: &World, users: std::ops::Range<usize>) {
        self.variance = 0.0;
        for user in users {
            let mut random = random(world.seed, 4, user as u64);
            self.choose(world, user, &mut random);
            self.rate(world, user, &mut random);
        }
    }

    /// The user's movies, ascending.
    fn choose(&mut self, world: &World, user: usize, random: &mut Sequence) {
        let count = world.counts[user] as usize;
        let mark = user as u32 + 1;
        let given = world.given_starts[user] as usize..world.given_starts[user + 1] as usize;
        self.chosen.clear();
        self.chosen.extend_from_slice(&world.given[given]);
        for &movie in &self.chosen {
            self.taken[movie as usize] = mark;
        }
        if count * 20 > world.weights.len() {
            // Many of all: weighted sampling without replacement by exponential keys (Efraimidis and Spirakis 2006).
            self.keys.clear();
            for (movie, weight) in world.weights.iter().enumerate() {
                if self.taken[movie] != mark {
                    self.keys
                        .push((-libm::log(1.0 - random.unit()) / weight, movie as u32));
                }
            }
            let more = count - self.chosen.len();
            if more < self.keys.len() {
                self.keys
                    .select_nth_unstable_by(more, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            }
            self.chosen
                .extend(self.keys[..more].iter().map(|key| key.1));
        } else {
            while self.chosen.len() < count {
                let movie = world.draw(random);
                if self.taken[movie] != mark {
                    self.taken[movie] = mark;
                    self.chosen.push(movie as u32);
                }
            }
        }
        self.chosen.sort_unstable();
    }

    fn rate(&mut self, world: &World, user: usize, random: &mut Sequence) {
        let base = MEAN + USER_BIAS * normal(random);
        let row: [f32; RANK] = std::array::from_fn(|_| (FACTOR * normal(random)) as f32);
        // Between 1996 and 2015, most within an evening or a few.
        let start = 822_873_600 + random.below(580_000_000) as u32;
        let span = 1 + self.chosen.len() * (20 + random.below(4000));
        for &movie in &self.chosen {
            let other = &world.movie_rows[movie as usize];
            let dot: f32 = row.iter().zip(other).map(|(p, q)| p * q).sum();
            let signal = base + f64::from(world.movie_bias[movie as usize] + dot);
            let cell = (((signal - LOWEST) * 64.0) as usize).min(CELLS - 1);
            let cell = &world.stars[cell];
            self.variance += cell.variance;
            let bits = random.bits();
            let at = (bits >> 40) as f32 / (1u32 << 24) as f32;
            let halves = 1 + cell.cumulated.iter().filter(|&&below| below <= at).count() as u8;
            let time = start + (((bits & 0xffff_ffff) * span as u64) >> 32) as u32;
            let movie = world.movie_ids[movie as usize];
            self.rows.add(user as u32 + 1, movie, halves, time);
        }
    }
}

#[cfg(test)]
#[path = "synth_tests.rs"]
mod tests;
