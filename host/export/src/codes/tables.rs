//! Codes as an image's tables.

use pocketrec::image::TableKind as K;
use pocketrec::image::builder::OwnedTable;

use super::halves::{Halves, Network};
use super::{CODEWORDS, Codes, Input, Metric, SEED};
use crate::Chosen;
use crate::pick::pick;
use crate::{Bytes, Precision, quantise};
use pocketrec_base::error::BadInput;
use pocketrec_base::threads;
use pocketrec_train::Parameters;

/// How much the most rated movies count above the others: the power of one more than a movie's ratings that its error is
/// weighed by. At 1 an error counts as often as the movie is rated; lists have the well known on top.
const POWER: f32 = 1.0;

/// What the error of a movie counts that was rated so often.
pub(super) fn weight(count: u32) -> f32 {
    (count as f32 + 1.0).powf(POWER)
}

/// The tables of the chosen movies in codes of so many `bytes`: codewords' rows and biases, the codes, and what scores an MLP
/// behind them. A `draft` has codes of no use, at once and of the same size.
///
/// # Errors
///
/// [`BadInput`] for an MLP that has no integer form, or numbers beyond the reach of the integers.
pub(crate) fn tables(
    p: &Parameters,
    (user_counts, movie_counts): (&[u32], &[u32]),
    chosen: &Chosen,
    bytes: Bytes,
    draft: bool,
) -> Result<Vec<OwnedTable>, BadInput> {
    let books = bytes as usize;
    let columns = p.movie_dim;
    let has_network = !p.layers.is_empty();
    let mut found = if draft {
        none(p, chosen.movies.len(), books)
    } else {
        let weights = pick(movie_counts, 1, &chosen.movies);
        let weights: Vec<f32> = weights.into_iter().map(weight).collect();
        let bias = match p.movie_bias.is_empty() {
            true => Vec::new(),
            false => pick(&p.movie_bias, 1, &chosen.movies),
        };
        let (metric, network) = match has_network {
            true => {
                let (by_row, metric) = Metric::of_network(p, (user_counts, movie_counts));
                let parameters = p;
                (by_row, Some(Network { parameters, metric }))
            }
            false => (Metric::of(p, user_counts), None),
        };
        let input = Input {
            rows: &pick(&p.movie_embedding, columns, &chosen.movies),
            columns,
            biases: &bias,
            weights: &weights,
            metric: &metric,
            books,
            seed: SEED,
            network,
            threads: threads::available(),
        };
        input.encode().ok_or_else(|| {
            BadInput::new(
                "the movies' numbers are beyond the reach of codes: `--precision f32` holds them",
            )
        })?
    };
    let halves = found.halves.take();
    let mut tables = found.tables();
    if let Some(halves) = halves {
        tables.extend(halves.tables(p, Precision::Codes(bytes))?);
    }
    Ok(tables)
}

/// Zeros of the size that codes will have.
fn none(p: &Parameters, movies: usize, books: usize) -> Codes {
    let columns = p.movie_dim;
    let biases = !p.movie_bias.is_empty();
    let codewords = movies.clamp(1, CODEWORDS);
    let words = books * codewords;
    let halves = || Halves::of(p, &vec![0.0; words * columns], books);
    Codes {
        codewords,
        codes: vec![0; movies * books],
        rows: quantise::Bytes {
            values: vec![0; words * columns],
            multipliers: vec![1; words],
            scale: 1.0,
        },
        biases: (vec![0; if biases { words } else { 0 }], 1.0 / 1024.0),
        halves: (!p.layers.is_empty()).then(halves),
    }
}

impl Codes {
    fn tables(self) -> Vec<OwnedTable> {
        let words = self.rows.multipliers.len();
        let movies = self.codes.len() * self.codewords / words;
        let mut tables = vec![
            OwnedTable::of(K::MovieCode, movies, &self.codes),
            OwnedTable::of(K::MovieEmbedding, words, &self.rows.values).with_scale(self.rows.scale),
            OwnedTable::of(K::MovieRowMultiplier, words, &self.rows.multipliers),
        ];
        if !self.biases.0.is_empty() {
            let biases = OwnedTable::of(K::MovieBias, words, &self.biases.0);
            tables.push(biases.with_scale(self.biases.1));
        }
        tables
    }
}
