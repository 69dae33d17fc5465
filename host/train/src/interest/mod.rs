//! Interest: who rates what, beside how many stars. What [`pocketrec::model::interest`] ranks with is found here.
//!
//! `als` finds a vector for each person and movie from who rated what (implicit feedback: Hu, Koren and Volinsky
//! 2008), `codebook` puts the movies' into a byte each, and `choose` finds on validation ratings how fast older
//! ratings fade and how many stars an interest is worth. The constants are [`recipe`](super::recipe)'s.

mod als;
mod choose;
mod codebook;
mod solve;

use pocketrec::model::interest::LEVELS;

use super::recipe::interest as recipe;
use super::{Options, Parameters};
use pocketrec_data::{Ratings, Split};
use solve::{Square, invert};

/// What people look for.
#[derive(Clone, Debug, PartialEq)]
pub struct Interest {
    /// Numbers in a row of the codebook, and in a person's vector.
    pub dim: usize,
    /// Which row of the codebook a movie has.
    pub codes: Vec<u8>,
    /// Rows of `dim`, whole multiples of [`scale`](Self::scale).
    pub codebook: Vec<f32>,
    /// What the codebook's rows are multiples of.
    pub scale: f32,
    /// The power of (1 + ratings) that a movie's row is multiplied by.
    pub power: f32,
    /// Covariance of people's vectors before any rating: the lower triangle.
    pub spread: Vec<f32>,
    /// What a rating counts for when one more has been given.
    pub fade: f32,
    /// Stars for an interest of 1.
    pub weight: f32,
    /// Each person's vector, rows of `dim`.
    pub users: Vec<f32>,
}

/// Confidence bytes of movies with so many ratings: the logarithm of one more, of 255 steps.
pub fn confidence_bytes(counts: &[u32]) -> Vec<u8> {
    let most = most(counts);
    counts
        .iter()
        .map(|&count| ((count as f32).ln_1p() / most * 255.0).round() as u8)
        .collect()
}

/// The largest logarithm of one more than a movie's ratings.
pub fn most(counts: &[u32]) -> f32 {
    let most = counts.iter().copied().max().unwrap_or_default();
    (most as f32).ln_1p().max(f32::MIN_POSITIVE)
}

/// What a movie's row is multiplied by for its confidence byte, in 256ths, a level for four bytes: the power of
/// (1 + ratings), over that of the best known movie.
pub fn levels(counts: &[u32], power: f32) -> [u8; LEVELS] {
    let most = most(counts);
    std::array::from_fn(|level| {
        let byte = level as f32 * 4.0 + 1.5;
        let below = (byte / 255.0 - 1.0) * most * power;
        (below.exp() * 255.0).round().clamp(0.0, 255.0) as u8
    })
}

/// Everybody's training ratings in the order in which they were given; of equal times by movie.
pub(super) struct Histories {
    starts: Vec<usize>,
    movies: Vec<u32>,
    times: Vec<u32>,
}

impl Histories {
    fn new(ratings: &Ratings, rows: &[u32]) -> Self {
        let mut starts = vec![0usize; ratings.user_count() + 1];
        for &row in rows {
            starts[ratings.users[row as usize] as usize + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut next = starts.clone();
        let mut order = vec![0u32; rows.len()];
        for &row in rows {
            let at = &mut next[ratings.users[row as usize] as usize];
            order[*at] = row;
            *at += 1;
        }
        let key = |&row: &u32| (ratings.times[row as usize], ratings.movies[row as usize]);
        for user in starts.windows(2) {
            order[user[0]..user[1]].sort_unstable_by_key(key);
        }
        Self {
            movies: order
                .iter()
                .map(|&row| ratings.movies[row as usize])
                .collect(),
            times: order
                .iter()
                .map(|&row| ratings.times[row as usize])
                .collect(),
            starts,
        }
    }

    fn people(&self) -> usize {
        self.starts.len() - 1
    }

    /// The movies that a person rated, the first first.
    fn of(&self, user: usize) -> &[u32] {
        &self.movies[self.starts[user]..self.starts[user + 1]]
    }

    /// Those that were rated before `time`.
    fn before(&self, user: usize, time: u32) -> &[u32] {
        let times = &self.times[self.starts[user]..self.starts[user + 1]];
        &self.of(user)[..times.partition_point(|&other| other < time)]
    }
}

/// The movies' side, as a device has it.
pub(super) struct Movies {
    codes: Vec<u8>,
    codebook: Vec<f32>,
    scale: f32,
    power: f32,
    /// Each movie's row: the codebook's times its level.
    rows: Vec<Vector>,
    /// Covariance before any rating.
    spread: Square,
}

/// A vector of interest.
pub(super) type Vector = [f32; recipe::DIM];

impl Movies {
    fn new(histories: &Histories, counts: &[u32], options: &Options) -> Self {
        let vectors = als::movies(histories, counts.len(), options);
        let found = codebook::quantise(&vectors, counts, options.seed);
        let levels = levels(counts, found.power);
        let known = confidence_bytes(counts);
        let rows: Vec<Vector> = known
            .iter()
            .zip(&found.codes)
            .map(|(known, code)| {
                let level = f32::from(levels[usize::from(known >> 2)]) / 256.0;
                found.rows[usize::from(*code)].map(|x| x * level)
            })
            .collect();
        let spread = als::prior(&rows);
        Self {
            codes: found.codes,
            codebook: found.rows.concat(),
            scale: found.scale,
            power: found.power,
            rows,
            spread,
        }
    }

    /// The vector of somebody who rated `movies`, the latest last, of which each counts `fade` times what the next
    /// one does: a ridge regression whose penalty is the inverse of the prior's covariance.
    pub(super) fn person(&self, precision: &Square, movies: &[u32], fade: f32) -> Vector {
        let mut normal = *precision;
        let mut sums = [0.0; recipe::DIM];
        let mut weight = 1.0;
        for &movie in movies.iter().rev().take(pocketrec::model::interest::LATEST) {
            let row = &self.rows[movie as usize];
            solve::add(&mut normal, row, weight);
            for (sum, x) in sums.iter_mut().zip(row) {
                *sum += weight * x;
            }
            weight *= fade;
        }
        solve::solve(normal, sums)
    }
}

/// Finds what people look for by the training ratings of `split`. How fast ratings fade and what an interest is
/// worth is chosen on the validation ratings, where lists add it to the stars of `parameters` and to `fame`.
///
/// Time: [`recipe::SWEEPS`] passes over at most [`recipe::RATINGS`] ratings.
pub fn find(
    parameters: &Parameters,
    ratings: &Ratings,
    split: &Split,
    fame: f32,
    options: &Options,
) -> Interest {
    let histories = Histories::new(ratings, &split.train);
    let mut counts = vec![0; ratings.movie_count()];
    for &row in &split.train {
        counts[ratings.movies[row as usize] as usize] += 1;
    }
    let movies = Movies::new(&histories, &counts, options);
    let precision = invert(&movies.spread);
    let held = choose::Held::new(ratings, split, &histories, &counts);
    let (fade, weight) = held.choose(parameters, &movies, &precision, fame);
    let mut users = vec![[0.0; recipe::DIM]; histories.people()];
    let threads = options.thread_count();
    let share = users.len().div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        for (part, users) in users.chunks_mut(share).enumerate() {
            let (movies, histories, precision) = (&movies, &histories, &precision);
            scope.spawn(move || {
                for (at, user) in users.iter_mut().enumerate() {
                    let history = histories.of(part * share + at);
                    *user = movies.person(precision, history, fade);
                }
            });
        }
    });
    Interest {
        dim: recipe::DIM,
        codes: movies.codes,
        codebook: movies.codebook,
        scale: movies.scale,
        power: movies.power,
        spread: solve::triangle(&movies.spread),
        fade,
        weight,
        users: users.concat(),
    }
}

#[cfg(test)]
mod tests;
