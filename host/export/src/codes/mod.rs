//! Codes: a movie's row and bias as the sum of one codeword from each of a few books, a byte a book.
//!
//! ```text
//! x_m = (bias, row)  ~  C_1[k_m1] + … + C_S[k_mS]         S bytes a movie, whatever its dimensions
//! error that counts  =  mean over ratings of (g·e)^2  =  e' M e,      M = the gradients' second moment
//! ```
//!
//! g is the gradient of a prediction by a movie's bias and row: (1, p_u) without an MLP, where it is the same for all movies.
//!
//! This is additive quantisation ([`pocketrec_train::additive`]). With M = L L' the error that counts is the plain square of L' e, so
//! everything happens there ([`metric`]). Movies weigh what they are rated. At last the books become integers, and
//! the codes are searched once more against those, so that they make up for much of the rounding. Before an MLP what becomes
//! integers beside them are the codewords' halves of dense layer 0 ([`halves`]), and that search is among these.
//!
//! All of it comes from the checkpoint alone: the same checkpoint gives the same bytes on any number of threads.

mod halves;
mod metric;
pub(super) mod settled;
mod tables;

use super::influence::dot;
use super::integers::weights_of_movies;
use super::quantise::{self, Bytes};
use halves::Halves;
use halves::Network;
use metric::Metric;
use pocketrec::MAX_DIM;
use pocketrec::model::Model;
use pocketrec::table::{EmbeddingTable, Values};
use pocketrec_checkpoint::Checkpoint;
use pocketrec_train::additive::{Books, Plan, learn};
use pocketrec_train::random::{Random, Stream};
pub(super) use tables::tables;

/// The most codewords of a book: what a byte tells apart.
pub(super) const CODEWORDS: usize = 256;

/// Codes kept from book to book while books are learned.
const BEAM: usize = 4;

/// What the draws depend on beside the checkpoint: one, so that a checkpoint has one image.
const SEED: u64 = 1;

/// Codes kept in the last search, after which nothing improves them.
const LAST_BEAM: usize = 16;

/// What is put into codes.
pub(super) struct Input<'a> {
    /// Movies' rows of `columns` numbers.
    pub rows: &'a [f32],
    pub columns: usize,
    /// A bias a movie, or none.
    pub biases: &'a [f32],
    /// What each movie's error counts.
    pub weights: &'a [f32],
    /// What an error does to predictions.
    pub metric: &'a Metric,
    /// Bytes a movie, 1 to 4.
    pub books: usize,
    pub seed: u64,
    /// The MLP that movies go into, where there is one.
    pub network: Option<Network<'a>>,
    /// The codes don't depend on them.
    pub threads: usize,
}

/// Books of integers, and which codewords each movie has.
pub(super) struct Codes {
    /// Codewords of each book.
    pub codewords: usize,
    /// \[movies\]\[books\].
    pub codes: Vec<u8>,
    /// \[books x codewords\]\[columns\].
    pub rows: Bytes,
    /// A bias a codeword and their scale; none where movies have none.
    pub biases: (Vec<i16>, f32),
    /// Codewords' halves of dense layer 0, where there is an MLP.
    pub halves: Option<Halves>,
}

impl Input<'_> {
    /// The codes of the movies; `None` for numbers beyond the reach of the integers. Costs about 0.2 ms a movie of 24
    /// dimensions and thread, for 4 books.
    pub(super) fn encode(&self) -> Option<Codes> {
        let points = self.points();
        let side = self.metric.side();
        let mut codes = Vec::new();
        let plan = Plan {
            weights: self.weights,
            books: self.books,
            codewords: CODEWORDS,
            beam: BEAM,
            random: &|book| Random::new(self.seed, Stream::Codes, book as u64),
            threads: self.threads,
            stop: &|| false,
        };
        let learned = learn(&plan, &points, side, &mut codes);
        let codewords = learned.codewords();
        let (mut rows, mut biases) = (Vec::new(), Vec::new());
        for word in learned.words().chunks_exact(side) {
            let plain = self.metric.unwhiten(word);
            let (bias, row) = plain.split_at(side - self.columns);
            biases.extend(bias.iter().map(|x| *x as f32));
            rows.extend(row.iter().map(|x| *x as f32));
        }
        let network = self.network.as_ref();
        let halves = network.map(|network| Halves::of(network.parameters, &rows, self.books));
        let rows = quantise::bytes(&rows, self.columns)?;
        let biases = quantise::words(&biases, -18..=-6)?;
        let words = (0..self.books * codewords).flat_map(|at| {
            let bias = biases.0.get(at);
            let bias = bias.map(|x| f64::from(*x) * f64::from(biases.1));
            let step = f64::from(rows.multipliers[at]) * f64::from(rows.scale);
            let row = rows.values[at * self.columns..][..self.columns].iter();
            let row = row.map(|x| f64::from(*x) * step);
            let half = halves.iter().flat_map(|halves| halves.numbers(at));
            self.whiten(bias, row, half)
        });
        let words: Vec<f32> = words.collect();
        let (points, side) = match network {
            Some(network) => (self.points_of(network), network.metric.side()),
            None => (points, side),
        };
        let rounded = Books::new(words, side, self.books);
        rounded.encode_all(&points, (LAST_BEAM, self.threads), &mut codes);
        Some(Codes {
            codewords,
            codes,
            rows,
            biases,
            halves,
        })
    }

    /// A bias, a row and a half where errors are plain squares; of the row only where that is multiplied, and of the half
    /// only where there is an MLP.
    fn whiten(
        &self,
        bias: Option<f64>,
        row: impl Iterator<Item = f64>,
        half: impl Iterator<Item = f64>,
    ) -> Vec<f32> {
        let bias = bias.into_iter();
        match &self.network {
            None => self.metric.whiten(&bias.chain(row).collect::<Vec<_>>()),
            Some(network) => {
                let row = row.filter(|_| network.parameters.model.has_dot());
                let all: Vec<f64> = bias.chain(row).chain(half).collect();
                network.metric.whiten(&all)
            }
        }
    }

    /// The movies there, \[movies\]\[side\].
    fn points_of(&self, network: &Network<'_>) -> Vec<f32> {
        let weights = weights_of_movies(network.parameters);
        let rows = self.rows.chunks_exact(self.columns).enumerate();
        rows.flat_map(|(at, row)| {
            let bias = self.biases.get(at).map(|x| f64::from(*x));
            let half = weights
                .chunks_exact(self.columns)
                .map(|w| dot(w, row).into());
            self.whiten(bias, row.iter().map(|x| f64::from(*x)), half)
        })
        .collect()
    }

    /// Biases and rows where errors are plain squares, \[movies\]\[side\].
    fn points(&self) -> Vec<f32> {
        let rows = self.rows.chunks_exact(self.columns).enumerate();
        rows.flat_map(|(at, row)| {
            let bias = self.biases.get(at).map(|x| f64::from(*x));
            let plain = bias.into_iter().chain(row.iter().map(|x| f64::from(*x)));
            self.metric.whiten(&plain.collect::<Vec<_>>())
        })
        .collect()
    }
}

/// The codes of a movie of this bias and row by the books of an image; `None` for one without.
pub(super) fn nearest(
    model: &Model<'_>,
    checkpoint: &Checkpoint,
    bias: Option<f32>,
    row: &[f32],
) -> Option<Vec<u8>> {
    let of = model.movie_table();
    let books = of.codes()?.of(0).len();
    // Without codes it is the codewords' own.
    let read = |table: &EmbeddingTable<'_>, at| {
        let words = EmbeddingTable::new(table.values(), table.columns());
        let mut place = [0.0; MAX_DIM];
        words.with_scale(table.scale()).read(at, &mut place);
        place
    };
    let (Values::I16(_) | Values::I8 { .. }) = of.values() else {
        return None;
    };
    let count = match of.values() {
        Values::I8 { multipliers, .. } => multipliers.len(),
        Values::I16(values) => values.len() / of.columns(),
        _ => 0,
    };
    let p = &checkpoint.parameters;
    let metric = Metric::of(p, &checkpoint.user_counts);
    let point = |bias: Option<f32>, row: &[f32]| {
        let all = bias.iter().chain(row).map(|x| f64::from(*x));
        metric.whiten(&all.collect::<Vec<_>>())
    };
    let biases = model.movie_biases();
    let words = (0..count).flat_map(|at| {
        let bias = biases.as_ref().map(|biases| read(biases, at)[0]);
        point(bias, &read(&of, at)[..of.columns()])
    });
    let words = Books::new(words.collect(), metric.side(), books);
    let mut codes = Vec::new();
    words.encode_all(&point(bias, row), (LAST_BEAM, 1), &mut codes);
    Some(codes)
}

#[cfg(test)]
impl Codes {
    /// Biases (0 where there are none) and rows of the movies as a device has them.
    fn decode(&self, columns: usize) -> (Vec<f32>, Vec<f32>) {
        let books = self.rows.multipliers.len() / self.codewords;
        let (mut biases, mut rows) = (Vec::new(), Vec::new());
        for codes in self.codes.chunks_exact(books) {
            let words = || (0..books).map(|s| s * self.codewords + usize::from(codes[s]));
            let bias: i32 = words()
                .map(|at| i32::from(self.biases.0.get(at).copied().unwrap_or_default()))
                .sum();
            biases.push(bias as f32 * self.biases.1);
            for column in 0..columns {
                let sum: i32 = words()
                    .map(|at| {
                        i32::from(self.rows.values[at * columns + column])
                            * i32::from(self.rows.multipliers[at])
                    })
                    .sum();
                rows.push(sum as f32 * self.rows.scale);
            }
        }
        (biases, rows)
    }
}

#[cfg(test)]
mod tests;
