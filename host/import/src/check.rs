//! Predictions of an image compared with those of the program that trained the model.

use std::path::Path;

use pocketrec::ids::{MovieId, UserId};
use pocketrec::model::Model;
use pocketrec_base::error::BadInput;
use pocketrec_checkpoint::Checkpoint;
use pocketrec_data::{Names, known};
use pocketrec_export::{Chosen, Precision, Storage, build};
use pocketrec_train::Parameters;

use crate::error::{self, Failed};
use crate::table::{self, Table};

/// How far a prediction in single precision may be from the one that was given, where that is 1 or less; of larger ones,
/// this share.
pub const EXACT: f32 = 1e-5;

/// The names that a column of predictions may have.
const PREDICTIONS: &[&str] = &[
    "prediction",
    "predictions",
    "predicted",
    "pred",
    "yhat",
    "est",
    "estimate",
    "estimated",
    "output",
];

/// Predictions to compare with.
#[derive(Clone, Debug, PartialEq)]
pub struct Due {
    /// Row of the user, row of the movie, prediction, and the line it is in.
    rows: Vec<(usize, usize, f32, usize)>,
    /// Predictions that can't be: their user or movie isn't in the model, or they are NaN.
    left_out: usize,
}

/// How predictions compare.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// How many.
    pub count: usize,
    /// The root of the mean squared difference.
    pub rms: f64,
    /// The largest difference.
    pub worst: f32,
    /// The prediction that is furthest beyond what it may differ by, in words.
    pub at: String,
    /// Whether all are within what they should be, as far as that is known.
    pub holds: bool,
    /// Whether it is known for all.
    pub bounded: bool,
}

impl Due {
    /// Reads a table of user, movie and prediction.
    ///
    /// # Errors
    /// [`Failed`] for a table that isn't one, or whose users and movies aren't the model's.
    pub fn read(path: &Path, checkpoint: &Checkpoint) -> Result<Due, Failed> {
        let headed = |cells: &[String]| {
            cells.len() >= 3
                && cells
                    .get(2)
                    .is_some_and(|cell| cell.parse::<f32>().is_err())
        };
        Due::of(&table::read(path, headed)?, path, checkpoint)
    }

    fn of(table: &Table, path: &Path, checkpoint: &Checkpoint) -> Result<Due, Failed> {
        let shown = path.display();
        let columns = match table.names.is_empty() {
            true => (table.columns.len() == 3).then_some([0, 1, 2]),
            false => {
                let predicted = table
                    .find(PREDICTIONS)
                    .or_else(|| table.find(known::RATINGS));
                let places = (
                    table.find(known::USERS),
                    table.find(known::MOVIES),
                    predicted,
                );
                match places {
                    (Some(user), Some(movie), Some(predicted)) => Some([user, movie, predicted]),
                    _ => None,
                }
            }
        };
        let [user, movie, predicted] = columns.ok_or_else(|| {
            Failed::input(format!(
                "--check {shown} should have the columns user, movie and prediction; it has {}",
                match table.names.is_empty() {
                    true => table.columns.len().to_string(),
                    false => table.names.join(", "),
                }
            ))
        })?;
        let row = |text: &str, ids: &[u32], names: &Names| -> Option<usize> {
            let id = match names.is_empty() {
                true => text.parse().ok()?,
                false => names.id(text)?,
            };
            ids.binary_search(&id).ok()
        };
        let mut due = Due {
            rows: Vec::with_capacity(table.len()),
            left_out: 0,
        };
        let cells = table.columns[user]
            .iter()
            .zip(&table.columns[movie])
            .zip(&table.columns[predicted]);
        for (at, ((user, movie), predicted)) in cells.enumerate() {
            let line = at + table.ahead + 1;
            let value: f32 = predicted.parse().map_err(|_| {
                Failed::input(format!(
                    "{shown}, row {line}: the prediction `{}` should be a number",
                    error::shown(predicted)
                ))
            })?;
            let data = &checkpoint.data;
            let found = (
                row(user, &checkpoint.user_ids, &data.user_names),
                row(movie, &checkpoint.movie_ids, &data.movie_names),
            );
            match found {
                (Some(user), Some(movie)) if value.is_finite() => {
                    due.rows.push((user, movie, value, line))
                }
                _ => due.left_out += 1,
            }
        }
        if due.rows.is_empty() {
            return Err(Failed::input(format!(
                "none of the {} predictions of --check {shown} is for a user and a movie of the model",
                table.len()
            )));
        }
        Ok(due)
    }

    /// How many predictions can't be compared.
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// Compares with the image of a checkpoint, stored so. In single precision they should be equal to [`EXACT`], in half
    /// precision as near as rounding each number can leave them; otherwise nothing is known beforehand.
    ///
    /// # Errors
    /// [`BadInput`] where it can't become an image.
    pub fn with_image(
        &self,
        checkpoint: &Checkpoint,
        precision: Precision,
    ) -> Result<Compared, BadInput> {
        let bytes = build(
            checkpoint,
            &Chosen::all(checkpoint),
            Storage::from(precision),
        )?;
        let model = Model::open(bytes.as_ref()).map_err(BadInput::new)?;
        let p = &checkpoint.parameters;
        let predict = |user: usize, movie: usize| {
            let (user, movie) = (
                UserId(checkpoint.user_ids[user]),
                MovieId(checkpoint.movie_ids[movie]),
            );
            model.predict(user, movie).map_err(BadInput::new)
        };
        self.compare(checkpoint, predict, |user, movie| match precision {
            Precision::F32 => Some(0.0),
            Precision::F16 if p.layers.is_empty() => Some(half(p, user, movie)),
            _ => None,
        })
    }

    /// Compares with a model's own numbers, to [`EXACT`].
    ///
    /// # Errors
    /// None.
    pub fn with_numbers(
        &self,
        checkpoint: &Checkpoint,
        p: &Parameters,
    ) -> Result<Compared, BadInput> {
        self.compare(
            checkpoint,
            |user, movie| Ok(p.predict(user, movie)),
            |_, _| Some(0.0),
        )
    }

    fn compare(
        &self,
        checkpoint: &Checkpoint,
        predict: impl Fn(usize, usize) -> Result<f32, BadInput>,
        beyond: impl Fn(usize, usize) -> Option<f32>,
    ) -> Result<Compared, BadInput> {
        let (low, high) = checkpoint.parameters.scale;
        let mut squares = 0.0;
        let (mut worst, mut worst_excess, mut at) = (0.0f32, f32::NEG_INFINITY, 0);
        let (mut holds, mut bounded) = (true, true);
        for (number, &(user, movie, due, _)) in self.rows.iter().enumerate() {
            // A device clamps to the scale, which other programs may not.
            let due = due.clamp(low, high);
            let off = (predict(user, movie)? - due).abs();
            squares += f64::from(off).powi(2);
            let may = EXACT * due.abs().max(1.0) + beyond(user, movie).unwrap_or(f32::INFINITY);
            holds &= off <= may;
            bounded &= may.is_finite();
            let excess = if may.is_finite() { off - may } else { off };
            worst = if off > worst { off } else { worst };
            if excess > worst_excess {
                (worst_excess, at) = (excess, number);
            }
        }
        let (user, movie, due, line) = self.rows[at];
        let shown =
            |id: u32, names: &Names| names.of(id).map_or_else(|| id.to_string(), String::from);
        let data = &checkpoint.data;
        Ok(Compared {
            count: self.rows.len(),
            rms: (squares / self.rows.len() as f64).sqrt(),
            worst,
            at: format!(
                "row {line}, user {} and movie {}: {} where {due} is due",
                shown(checkpoint.user_ids[user], &data.user_names),
                shown(checkpoint.movie_ids[movie], &data.movie_names),
                predict(user, movie)?
            ),
            holds,
            bounded,
        })
    }
}

/// The most that a prediction can move where biases and rows are rounded to half precision: a number moves by at most a
/// part in 2048 of it, and one below 2^-14, the smallest that an image holds, by half of that.
fn half(p: &Parameters, user: usize, movie: usize) -> f32 {
    const SMALLEST: f32 = 1.0 / 16_384.0;
    let step = |x: f32| match x.abs() < SMALLEST {
        true => SMALLEST / 2.0,
        false => x.abs() / 2048.0,
    };
    let mut most = 0.0;
    if p.model.has_biases() {
        most += step(p.user_bias[user]) + step(p.movie_bias[movie]);
    }
    for (a, b) in p.user_row(user).iter().zip(p.movie_row(movie)) {
        most += a.abs() * step(*b) + b.abs() * step(*a) + step(*a) * step(*b);
    }
    most
}
