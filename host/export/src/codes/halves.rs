//! Codewords' halves of dense layer 0, of which a device adds up bytes.

use super::Metric;
use crate::Precision;
use crate::influence::dot;
use crate::integers::{in_pairs, most_of_users, no_integers, weights_of_movies};
use pocketrec::image::builder::{OwnedTable, code_halves, integer_tables};
use pocketrec::image::integers::{CodedNetwork, IntegerNetwork};
use pocketrec_base::error::BadInput;
use pocketrec_train::Parameters;

/// The network that movies go into.
pub(crate) struct Network<'a> {
    pub parameters: &'a Parameters,
    /// What an error does to predictions, by a movie's bias, its row where that is multiplied, and its half.
    pub metric: Metric,
}

/// Codewords' halves in whole counts, a unit's own size of count.
pub(crate) struct Halves {
    /// What each unit's count is worth.
    pub counts: Vec<f32>,
    /// \[codewords of all books\]\[units\]: counts above the least of the book.
    pub bytes: Vec<u8>,
    /// What is taken off the user's half: the least of all books, negative.
    pub offsets: Vec<i16>,
    /// The most counts that are then left of it.
    pub most: Vec<i16>,
    /// The least of each book, \[books\]\[units\].
    least: Vec<i32>,
    codewords: usize,
}

impl Halves {
    /// Of codewords' `rows` in so many `books`. A count is as small as lets the sums of one codeword of each book fit a byte.
    pub(super) fn of(p: &Parameters, rows: &[f32], books: usize) -> Self {
        let weights = weights_of_movies(p);
        let units = weights.len() / p.movie_dim;
        let codewords = rows.len() / p.movie_dim / books;
        let half = |row: &[f32]| -> Vec<f32> {
            weights
                .chunks_exact(p.movie_dim)
                .map(|w| dot(w, row))
                .collect()
        };
        let all: Vec<f32> = rows.chunks_exact(p.movie_dim).flat_map(half).collect();
        let mut found = Self {
            counts: Vec::with_capacity(units),
            bytes: vec![0; all.len()],
            offsets: Vec::with_capacity(units),
            most: Vec::with_capacity(units),
            least: vec![0; books * units],
            codewords,
        };
        for (unit, largest) in most_of_users(p).into_iter().enumerate() {
            let ends = |book: usize| {
                let of_book = all[book * codewords * units..]
                    .chunks_exact(units)
                    .take(codewords);
                let of_unit = of_book.map(|half| f64::from(half[unit]));
                of_unit.fold((f64::MAX, f64::MIN), |(low, high), x| {
                    (low.min(x), high.max(x))
                })
            };
            let ends: Vec<(f64, f64)> = (0..books).map(ends).collect();
            let range: f64 = ends.iter().map(|(low, high)| high - low).sum();
            let low: f64 = ends.iter().map(|(low, _)| low).sum();
            // Each book may round up by one.
            let most = f64::from(CodedNetwork::MOST_MOVIE) - books as f64;
            let of_user =
                (f64::from(largest) + low.abs()) / (f64::from(CodedNetwork::MOST_USER) - 1.0);
            let count = (range / most)
                .max(of_user)
                .max(f64::from(f32::MIN_POSITIVE)) as f32;
            let whole = |x: f64| (x / f64::from(count)).round() as i32;
            for (book, (low, _)) in ends.iter().enumerate() {
                found.least[book * units + unit] = whole(*low);
            }
            for (word, half) in all.chunks_exact(units).enumerate() {
                let above = whole(half[unit].into()) - found.least[word / codewords * units + unit];
                found.bytes[word * units + unit] = above as u8;
            }
            let least: i32 = (0..books)
                .map(|book| found.least[book * units + unit])
                .sum();
            // Below minus the most that a movie has, a unit is 0 whatever the movie.
            let most = (whole(largest.into()) + least)
                .clamp(CodedNetwork::MOST_MOVIE, CodedNetwork::MOST_USER);
            found.counts.push(count);
            found.offsets.push(-least as i16);
            found.most.push(most as i16);
        }
        found
    }

    /// The half of a codeword, counted over all books, as a device has it.
    pub(super) fn numbers(&self, word: usize) -> impl Iterator<Item = f64> {
        let units = self.counts.len();
        let least = &self.least[word / self.codewords * units..];
        let bytes = &self.bytes[word * units..][..units];
        let counts = bytes
            .iter()
            .zip(least)
            .map(|(byte, least)| i32::from(*byte) + least);
        counts
            .zip(&self.counts)
            .map(|(n, count)| f64::from(n) * f64::from(*count))
    }

    /// The tables that score the MLP of `p` behind movies in codes.
    ///
    /// # Errors
    ///
    /// [`BadInput`] for an MLP that has no integer form.
    pub(super) fn tables(
        &self,
        p: &Parameters,
        precision: Precision,
    ) -> Result<Vec<OwnedTable>, BadInput> {
        let later = p.layers.get(1..).unwrap_or_default();
        let network = IntegerNetwork::of_codes(&CodedNetwork {
            counts: &self.counts,
            most: &self.most,
            later: &in_pairs(later),
        });
        let network = network.map_err(|why| no_integers(precision, why))?;
        let mut tables = integer_tables(&network);
        tables.extend(code_halves(&self.bytes, &self.offsets, &self.most));
        Ok(tables)
    }
}
