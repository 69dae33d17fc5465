//! What storing a model costs: the errors of images on ratings, by core.

use anyhow::Result;
use pocketrec::model::Model;

use super::{Chosen, Movies, Precision, Storage, Users, build};
use pocketrec_base::error::BadInput;
use pocketrec_base::print::count;
use pocketrec_checkpoint::Checkpoint;
use pocketrec_data::{Dataset, Split};
use pocketrec_metrics::Errors;
use pocketrec_metrics::image::{self as quality, Held};
use pocketrec_train::Solver;
use serde::Serialize;

/// Most users whose ratings are measured on: rounding 8-bit rows by predictions takes time.
const MEASURED: usize = 20_000;

/// Most training ratings that are measured on, evenly spaced, where none were held out.
const TRAINED: usize = 1_000_000;

/// Ratings to measure images of a checkpoint on, which hold every movie and at most 20,000 users.
pub struct Measure<'a> {
    checkpoint: &'a Checkpoint,
    everything: Chosen,
    ratings: Vec<Held>,
    /// Whether training held them out.
    pub held_out: bool,
}

impl<'a> Measure<'a> {
    /// Those that training held out, or some of those it was made of where it held none out.
    ///
    /// # Errors
    /// When the checkpoint's users can't be had.
    pub fn new(checkpoint: &'a Checkpoint, data: &Dataset) -> Result<Self> {
        let ratings = &data.ratings;
        let split = Split::random(ratings.len(), checkpoint.split.share, checkpoint.split.seed);
        let held_out = !split.validation.is_empty();
        let split = match held_out {
            true => split,
            false => Split {
                validation: spaced(&split.train, TRAINED),
                train: Vec::new(),
            },
        };
        Ok(Self {
            checkpoint,
            everything: Chosen {
                users: spaced(&Users::All.rows(checkpoint)?, MEASURED),
                movies: Movies::All.rows(checkpoint)?,
                seen: None,
                facets: None,
            },
            ratings: quality::held(ratings, &split),
            held_out,
        })
    }

    /// What the images that are measured hold.
    pub fn everything(&self) -> &Chosen {
        &self.everything
    }

    /// The ratings.
    pub fn ratings(&self) -> &[Held] {
        &self.ratings
    }

    /// The errors of an image stored so.
    ///
    /// # Errors
    /// When it can't be built.
    pub fn errors(&self, storage: Storage) -> Result<Errors> {
        let bytes = build(self.checkpoint, &self.everything, storage)?;
        let model = Model::open(bytes.as_ref()).map_err(BadInput::new)?;
        Ok(quality::errors(&model, &self.ratings))
    }

    /// So many ratings, and which.
    pub fn named(&self, ratings: usize) -> String {
        let everybody = self.everything.users.len() == self.checkpoint.user_ids.len();
        let of = match everybody {
            true => String::new(),
            false => format!(" of {}", count(self.everything.users.len(), "user")),
        };
        let which = match (self.checkpoint.options.solver, self.held_out) {
            (Solver::Imported, _) => "of those that `import` was given",
            (_, true) => "that training held out",
            (_, false) => "that the model was trained on, as training held none out",
        };
        format!("{}{of} {which}", count(ratings, "rating"))
    }

    /// Errors in f32, in f16 and in the storage of one's own.
    ///
    /// # Errors
    /// When an image can't be built.
    pub fn rounding(&self, own: Storage) -> Result<Rounding> {
        if !self.held_out {
            return Ok(Rounding::unmeasured("training held no ratings out"));
        }
        let mut storages = [Precision::F32, Precision::F16].map(Storage::from).to_vec();
        if !storages.contains(&own) {
            storages.push(own);
        }
        let (mut measured, mut ratings) = (Vec::new(), 0);
        for storage in storages {
            let found = self.errors(storage)?;
            ratings = found.count;
            measured.push(Rounded {
                precision: storage.precision.name(),
                rmse: found.rmse(),
                mae: found.mae(),
            });
        }
        if ratings == 0 {
            return Ok(Rounding::unmeasured("training held no ratings out"));
        }
        Ok(Rounding {
            on: self.named(ratings),
            measured,
        })
    }
}

/// Errors of a model, stored in different ways, on the same ratings.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Rounding {
    /// Which ratings, or why none.
    #[serde(skip)]
    pub on: String,
    /// The errors; none where they weren't measured.
    pub measured: Vec<Rounded>,
}

/// Errors with one element type.
#[derive(Debug, Serialize)]
pub struct Rounded {
    /// The element type.
    pub precision: &'static str,
    /// Root mean squared error.
    pub rmse: f64,
    /// Mean absolute error.
    pub mae: f64,
}

impl Rounding {
    /// Nothing was measured.
    pub fn unmeasured(why: &str) -> Self {
        Self {
            on: why.to_owned(),
            measured: Vec::new(),
        }
    }

    /// It in one sentence.
    pub fn sentence(&self) -> String {
        let measured: Vec<String> = self
            .measured
            .iter()
            .map(|one| format!("{} RMSE {:.4}, MAE {:.4}", one.precision, one.rmse, one.mae))
            .collect();
        match measured.is_empty() {
            true => format!("The effect of rounding was not measured: {}", self.on),
            false => format!(
                "Effect of rounding, on the {}: {}",
                self.on,
                measured.join("; ")
            ),
        }
    }
}

/// At most so many of `all`, evenly spaced.
fn spaced<T: Copy>(all: &[T], most: usize) -> Vec<T> {
    let count = all.len().min(most);
    (0..count).map(|at| all[at * all.len() / count]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_are_all_taken_and_of_many_some_from_end_to_end() {
        assert_eq!(spaced(&[3, 5, 8], 3), [3, 5, 8]);
        assert_eq!(spaced(&[3, 5, 8, 9, 11, 12], 3), [3, 8, 11]);
        assert_eq!(spaced::<usize>(&[], 3), [0; 0]);
    }
}
