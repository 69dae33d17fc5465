//! Predictions of an image compared with those of the program that trained the model.

use std::path::Path;

use pocketrec::ids::{MovieId, UserId};
use pocketrec::model::Model;
use pocketrec_base::error::BadInput;
use pocketrec_checkpoint::Checkpoint;
use pocketrec_data::{Names, known};
use pocketrec_export::rounding::{Lost, Rounding};
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

/// A prediction, and the line it is in.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Row {
    user: usize,
    movie: usize,
    due: f32,
    line: usize,
}

/// Predictions to compare with.
#[derive(Clone, Debug, PartialEq)]
pub struct Due {
    rows: Vec<Row>,
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
    /// Whether all are within what they should be.
    pub holds: bool,
    /// The most that any may differ by.
    pub bound: f32,
    /// What of the image isn't of the model, in words, whatever predictions are due.
    pub astray: Option<String>,
    /// What codes lose, in an image in codes.
    pub codes: Option<Lost>,
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
                (Some(user), Some(movie)) if value.is_finite() => due.rows.push(Row {
                    user,
                    movie,
                    due: value,
                    line,
                }),
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

    /// Compares with the image of a checkpoint, stored so. In single precision predictions should be equal to [`EXACT`], in
    /// others as near as rounding can leave them.
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
        self.with_bytes(checkpoint, precision, bytes.as_ref())
    }

    /// Compares with an image of all of a checkpoint, and that with the checkpoint.
    pub(crate) fn with_bytes(
        &self,
        checkpoint: &Checkpoint,
        precision: Precision,
        bytes: &[u8],
    ) -> Result<Compared, BadInput> {
        let model = Model::open(bytes).map_err(BadInput::new)?;
        let rounding = Rounding::of(checkpoint, bytes)?;
        let predict = |user: usize, movie: usize| {
            let (user, movie) = (
                UserId(checkpoint.user_ids[user]),
                MovieId(checkpoint.movie_ids[movie]),
            );
            model.predict(user, movie).map_err(BadInput::new)
        };
        let bound = |user, movie| match precision {
            Precision::F32 => 0.0,
            _ => rounding.bound(user, movie) as f32,
        };
        let found = self.compare(checkpoint, predict, bound)?;
        let own = Due {
            rows: self
                .rows
                .iter()
                .map(|row| Row {
                    due: checkpoint.parameters.predict(row.user, row.movie),
                    ..*row
                })
                .collect(),
            left_out: 0,
        };
        let own = own.compare(checkpoint, predict, bound)?;
        let astray = rounding.astray();
        Ok(Compared {
            astray: astray.or_else(|| (!own.holds).then_some(own.at)),
            codes: rounding.lost_by_codes(),
            ..found
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
            |_, _| 0.0,
        )
    }

    fn compare(
        &self,
        checkpoint: &Checkpoint,
        predict: impl Fn(usize, usize) -> Result<f32, BadInput>,
        beyond: impl Fn(usize, usize) -> f32,
    ) -> Result<Compared, BadInput> {
        let (low, high) = checkpoint.parameters.scale;
        let mut squares = 0.0;
        let (mut worst, mut bound, mut at) = (0.0f32, 0.0f32, 0);
        let mut worst_excess = f32::NEG_INFINITY;
        for (number, row) in self.rows.iter().enumerate() {
            // A device clamps to the scale, which other programs may not.
            let due = row.due.clamp(low, high);
            let off = (predict(row.user, row.movie)? - due).abs();
            let off = if off.is_nan() { f32::INFINITY } else { off };
            squares += f64::from(off).powi(2);
            let may = EXACT * due.abs().max(1.0) + beyond(row.user, row.movie);
            (worst, bound) = (worst.max(off), bound.max(may));
            if off - may > worst_excess {
                (worst_excess, at) = (off - may, number);
            }
        }
        let row = &self.rows[at];
        let shown =
            |id: u32, names: &Names| names.of(id).map_or_else(|| id.to_string(), String::from);
        let data = &checkpoint.data;
        Ok(Compared {
            count: self.rows.len(),
            rms: (squares / self.rows.len() as f64).sqrt(),
            worst,
            at: format!(
                "row {}, user {} and movie {}: {} where {} is due",
                row.line,
                shown(checkpoint.user_ids[row.user], &data.user_names),
                shown(checkpoint.movie_ids[row.movie], &data.movie_names),
                predict(row.user, row.movie)?,
                row.due.clamp(low, high)
            ),
            holds: worst_excess <= 0.0,
            bound,
            astray: None,
            codes: None,
        })
    }
}
