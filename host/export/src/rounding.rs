//! How far rounding may leave an image from the model that it was made of: `network` adds what an MLP does to a prediction's
//! bound, `rows` says of each row whether rounding leaves it so.
//!
//! ```text
//! |image - model|  <=  |decoded - model| + arithmetic
//! ```
//!
//! `decoded` is the prediction of the image's numbers in exact arithmetic, `model` that of the checkpoint's, and the last
//! term is the most that the kernels lose, added up along their sums ([`Rounding::bound`]). An image of other numbers would
//! have such a bound too, so each row must also be one that rounding could leave ([`Rounding::astray`]): in half precision
//! each number to half of its last bit; in 16 bits to half a count; a row of 8 bits such that it moves no prediction of
//! those by which rows are rounded further than the nearest integers would; codes such that changing one of them brings none
//! nearer to its movie. That the codewords are of use tells what they lose beside numbers that are rounded one by one
//! ([`Rounding::lost_by_codes`]).

mod network;
mod rows;

use std::sync::OnceLock;

use pocketrec::MAX_DIM;
use pocketrec::ids::{IdIndex, UserId};
use pocketrec::image::{Image, Table, TableKind};
use pocketrec::model::Model;
use pocketrec::table::{EmbeddingTable, Values};
use pocketrec_base::error::BadInput;
use pocketrec_checkpoint::Checkpoint;

use crate::codes::settled::Settled;
use network::Units;

pub use crate::codes::settled::Lost;

/// Half of the last bit of a number of single precision, as a share of it.
const SINGLE: f64 = 1.0 / 16_777_216.0;

/// One of a score in integers, in stars.
const SCORE: f64 = 1.0 / 1_048_576.0;

/// The largest score that a base may have, in stars.
const MOST_BASE: f64 = 256.0;

/// One of a term of codes, in stars, and the most that a term can be.
const TERM: f64 = 1.0 / 4096.0;
const MOST_TERM: f64 = 8.0 - TERM;

/// An image of all users and movies of a checkpoint, and how far it may be from it.
pub struct Rounding<'a> {
    checkpoint: &'a Checkpoint,
    model: Model<'a>,
    users: EmbeddingTable<'a>,
    /// What users' biases are multiplied by where they are integers.
    bias_scale: f32,
    units: Option<Units<'a>>,
    settled: OnceLock<Option<Settled>>,
}

/// The numbers of a user and a movie.
struct Pair<'n> {
    user: &'n [f32],
    user_bias: f32,
    movie: &'n [f32],
    movie_bias: f32,
    /// The movie's half of dense layer 0, where it isn't that of its row.
    half: Option<Vec<f64>>,
}

/// A sum, and how far from it what a device makes of it may be.
#[derive(Clone, Copy, Default)]
struct Near {
    value: f64,
    error: f64,
}

impl<'a> Rounding<'a> {
    /// Of the image in `bytes`, of all users and movies of a checkpoint.
    ///
    /// # Errors
    /// [`BadInput`] for an image that can't be opened, or of other users and movies.
    pub fn of(checkpoint: &'a Checkpoint, bytes: &'a [u8]) -> Result<Self, BadInput> {
        let model = Model::open(bytes).map_err(BadInput::new)?;
        let p = &checkpoint.parameters;
        let rows = |ids: IdIndex<'_>, due: &[u32]| {
            let mut each = (0..).zip(due);
            each.all(|(row, id)| ids.row(*id) == Some(row))
        };
        let of_these = (model.users() as usize, model.movies() as usize) == (p.users, p.movies)
            && (model.user_dim(), model.movie_dim()) == (p.user_dim, p.movie_dim)
            && model.movie_biases().is_some() == p.model.has_biases()
            && model.mlp().is_some() != p.layers.is_empty()
            && rows(model.movie_ids(), &checkpoint.movie_ids);
        let users = model.user_table().zip(model.user_ids());
        let (users, _) = users
            .filter(|(_, ids)| of_these && rows(*ids, &checkpoint.user_ids))
            .ok_or_else(|| BadInput::new("the image is of another model than the checkpoint"))?;
        Ok(Self {
            checkpoint,
            model,
            users,
            bias_scale: table(bytes, TableKind::UserBias).map_or(1.0, |table| table.scale),
            units: Units::of(p, &model, bytes)?,
            settled: OnceLock::new(),
        })
    }

    /// The most that a prediction of the image, before it is held to the scale, may be from the model's, by the rows of
    /// user and movie. Costs two predictions.
    pub fn bound(&self, user: usize, movie: usize) -> f64 {
        let p = &self.checkpoint.parameters;
        let mut rows = [[0.0; MAX_DIM]; 2];
        self.users.read(user, &mut rows[0]);
        self.model.movie_table().read(movie, &mut rows[1]);
        let bias = self.model.movie_biases();
        let image = self.score(&Pair {
            user: &rows[0][..p.user_dim],
            user_bias: self.user_bias(user),
            movie: &rows[1][..p.movie_dim],
            movie_bias: bias.map_or(0.0, |table| table.first(movie)),
            half: self.coded_half(movie),
        });
        let bias = |biases: &[f32], row: usize| biases.get(row).copied().unwrap_or_default();
        let model = self.score(&Pair {
            user: p.user_row(user),
            user_bias: bias(&p.user_bias, user),
            movie: p.movie_row(movie),
            movie_bias: bias(&p.movie_bias, movie),
            half: None,
        });
        (image.value - model.value).abs() + image.error + self.terms(&rows[0], movie)
    }

    /// The codes of all movies, \[movies\]\[books\].
    fn all_codes(&self) -> Option<Vec<u8>> {
        let codes = self.model.movie_table().codes()?;
        let rows = 0..self.checkpoint.movie_ids.len();
        Some(rows.flat_map(|row| codes.of(row)).copied().collect())
    }

    /// The tables of codewords' rows and biases.
    fn words(&self) -> (EmbeddingTable<'a>, Option<EmbeddingTable<'a>>) {
        // Without codes a table is the codewords' own.
        let plain = |table: EmbeddingTable<'a>| {
            EmbeddingTable::new(table.values(), table.columns()).with_scale(table.scale())
        };
        (
            plain(self.model.movie_table()),
            self.model.movie_biases().map(plain),
        )
    }

    /// The codewords of a movie, counted over all books; none where movies aren't in codes.
    fn words_of(&self, movie: usize) -> Vec<usize> {
        let table = self.model.movie_table();
        let Some(codes) = table.codes() else {
            return Vec::new();
        };
        let codes = codes.of(movie);
        let words = match table.values() {
            Values::I8 { multipliers, .. } => multipliers.len(),
            _ => 0,
        };
        let codewords = words / codes.len().max(1);
        let each = codes.iter().enumerate();
        each.map(|(book, code)| book * codewords + usize::from(*code))
            .collect()
    }

    /// The half of dense layer 0 of a movie in codes, before an MLP.
    fn coded_half(&self, movie: usize) -> Option<Vec<f64>> {
        let units = self.units.as_ref()?;
        let coded = units.coded.as_ref()?;
        let words = self.words_of(movie);
        let worth = units.worth[0].iter().enumerate();
        let half = worth.map(|(unit, worth)| {
            let counts: f64 = words.iter().map(|word| coded.count(*word, unit)).sum();
            (counts - f64::from(coded.offsets[unit])) * worth
        });
        Some(half.collect())
    }

    fn user_bias(&self, user: usize) -> f32 {
        let id = UserId(self.checkpoint.user_ids[user]);
        self.model.user_row(id).map_or(0.0, |(_, bias)| bias)
    }

    /// Whether scores are integers.
    fn counts(&self) -> bool {
        matches!(
            self.model.movie_table().values(),
            Values::I16(_) | Values::I8 { .. }
        )
    }

    /// What a pair's numbers come to, and how far from that the kernels may be; but for codewords' terms.
    fn score(&self, pair: &Pair<'_>) -> Near {
        let p = &self.checkpoint.parameters;
        let wide = |x: &f32| f64::from(*x);
        let base = wide(&p.mean) + wide(&pair.user_bias);
        let mut sum = Near {
            value: base + wide(&pair.movie_bias),
            error: 0.0,
        };
        let mut sizes =
            wide(&p.mean.abs()) + wide(&pair.user_bias.abs()) + wide(&pair.movie_bias.abs());
        if p.model.has_dot() {
            for (a, b) in pair.user.iter().zip(pair.movie) {
                sum.value += wide(a) * wide(b);
                sizes += (wide(a) * wide(b)).abs();
            }
        }
        if self.counts() {
            sum.error += SCORE / 2.0 + (base.abs() - MOST_BASE).max(0.0);
            if p.model.has_dot() && self.model.movie_table().codes().is_none() {
                let lost = fixed(pair.user, self.model.movie_table().scale());
                let products = lost
                    .iter()
                    .zip(pair.movie)
                    .map(|(lost, x)| lost * wide(&x.abs()));
                sum.error += SCORE / 2.0 + products.sum::<f64>();
            }
        }
        if let [first, later @ ..] = &p.layers[..] {
            let output = self.network((first, later), pair);
            sum.value += output.value;
            sum.error += output.error;
            sizes += output.value.abs();
        }
        // In integers only what is made of them at the end.
        let terms = if self.counts() { 4 } else { p.movie_dim + 6 };
        sum.error += terms as f64 * SINGLE * sizes;
        sum
    }

    /// What rounding the terms of a movie's codewords may lose.
    fn terms(&self, user: &[f32; MAX_DIM], movie: usize) -> f64 {
        let p = &self.checkpoint.parameters;
        let words = self.words_of(movie);
        let (rows, biases) = self.words();
        if !p.model.has_dot() && biases.is_none() {
            return 0.0;
        }
        let lost = fixed(&user[..p.user_dim], rows.scale());
        let term = |at: &usize| {
            let mut row = [0.0; MAX_DIM];
            rows.read(*at, &mut row);
            let mut term = biases.map_or(0.0, |table| f64::from(table.first(*at)));
            let mut error = TERM / 2.0;
            if p.model.has_dot() {
                error += SCORE / 2.0;
                for ((x, y), lost) in user.iter().zip(&row).zip(&lost) {
                    term += f64::from(*x) * f64::from(*y);
                    error += lost * f64::from(y.abs());
                }
            }
            error + (term.abs() + error - MOST_TERM).max(0.0)
        };
        words.iter().map(term).sum()
    }
}

/// A table of an image.
fn table(bytes: &[u8], kind: TableKind) -> Option<Table<'_>> {
    let mut tables = Image::parse(bytes).ok()?.tables().flatten();
    tables.find(|table| table.kind == kind as u16)
}

/// What each number of a user's row loses where core makes it fixed-point numbers, before movies of this scale: as fine as
/// their sum and the largest of them let it.
fn fixed(row: &[f32], scale: f32) -> Vec<f64> {
    let sum: f32 = row.iter().map(|x| x.abs()).sum();
    let largest = row.iter().fold(0.0, |most: f32, x| most.max(x.abs()));
    let counts = |shift: i32| scale / SCORE as f32 * (shift as f32).exp2();
    let fits =
        |shift: &i32| sum * counts(*shift) <= 65_000.0 && largest * counts(*shift) <= 32_000.0;
    let found = (2..=16).rev().find(fits);
    let counts = f64::from(counts(found.unwrap_or(2)));
    let limit = match found {
        Some(_) => 32_767.0,
        None => (65_535.0 / row.len().max(1) as f64).floor().min(32_767.0),
    };
    // Half a count, and what adding the half loses in single precision.
    let lost = |x: f64| 0.5 / counts + 2.0 * SINGLE * x + (x - limit / counts).max(0.0);
    row.iter().map(|x| lost(x.abs().into())).collect()
}

#[cfg(test)]
#[path = "rounding_tests.rs"]
mod tests;
