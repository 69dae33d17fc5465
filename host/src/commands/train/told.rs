//! What a run came to: told as text, or as JSON.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::args::Args;
use crate::print::{self, Answer, Column, Table, shell};
use crate::say;
use pocketrec_base::files;
use pocketrec_data::{Dataset, Split};
use pocketrec_metrics::Score;
use pocketrec_metrics::baselines::Baselines;
use pocketrec_train::{Epoch, Fit, Options};

/// Validation errors of a model beside those of the two baselines.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Scores {
    always_the_mean: Score,
    movie_means: Score,
    model: Score,
    #[serde(skip)]
    mean: f64,
}

impl Scores {
    /// Those of a run that held ratings back.
    pub fn of(data: &Dataset, split: &Split, baselines: &Baselines, fit: &Fit) -> Self {
        let ratings = &data.ratings;
        let errors = pocketrec_train::validate(&fit.parameters, ratings, &split.validation);
        Self {
            always_the_mean: baselines.score_mean(ratings, split),
            movie_means: baselines.score_movies(ratings, split),
            model: errors.score(),
            mean: baselines.mean,
        }
    }

    /// The errors as a table.
    pub fn table(&self, options: &Options, fit: &Fit) -> String {
        let mut table = Table::new([
            Column::text("Validation"),
            Column::number("RMSE"),
            Column::number("MAE"),
        ]);
        let model = format!(
            "{}, epoch {} of {}",
            options.model.name(),
            fit.best_epoch,
            fit.history.len()
        );
        for (name, score) in [
            (
                format!("always the mean ({:.2})", self.mean),
                self.always_the_mean,
            ),
            ("the mean of each movie".into(), self.movie_means),
            (model, self.model),
        ] {
            table.row([
                name,
                format!("{:.4}", score.rmse),
                format!("{:.4}", score.mae),
            ]);
        }
        table.text()
    }
}

/// A run that went to its end.
#[derive(Debug, Serialize)]
pub struct Told<'a> {
    data: Data<'a>,
    model: &'static str,
    solver: &'static str,
    epochs: &'a [Epoch],
    kept_epoch: usize,
    stopped_early: bool,
    /// Of a movie's row.
    dimensions: usize,
    /// Nothing where no rating was held back.
    validation: Option<Scores>,
    #[serde(serialize_with = "print::path")]
    checkpoint: PathBuf,
    #[serde(serialize_with = "print::path")]
    history: PathBuf,
    #[serde(serialize_with = "print::path")]
    picture: PathBuf,
    #[serde(skip)]
    out: &'a Path,
}

/// What it was trained on.
#[derive(Debug, Serialize)]
struct Data<'a> {
    name: &'a str,
    fingerprint: String,
    licence: &'a str,
    users: usize,
    movies: usize,
    ratings: usize,
    held_back: usize,
}

impl<'a> Told<'a> {
    /// What that run came to.
    pub fn of(
        args: &'a Args,
        data: &'a Dataset,
        split: &Split,
        options: &Options,
        fit: &'a Fit,
        validation: Option<Scores>,
    ) -> Self {
        let ratings = &data.ratings;
        Self {
            data: Data {
                name: &data.name,
                fingerprint: format!("{:016x}", data.fingerprint),
                licence: &data.license,
                users: ratings.user_count(),
                movies: ratings.movie_count(),
                ratings: ratings.len(),
                held_back: split.validation.len(),
            },
            model: options.model.name(),
            solver: options.solver.name(),
            epochs: &fit.history,
            kept_epoch: fit.best_epoch,
            stopped_early: fit.stopped_early,
            dimensions: fit.parameters.movie_dim,
            validation,
            checkpoint: args.out.join(files::CHECKPOINT),
            history: args.out.join(files::HISTORY),
            picture: args.out.join(files::CURVE),
            out: &args.out,
        }
    }
}

impl Answer for Told<'_> {
    fn tell(&self) {
        say!(
            "Wrote {}, {} and {}",
            self.checkpoint.display(),
            self.history.display(),
            self.picture.display()
        );
        // Where `export` looks by itself it needn't be told.
        let mut words = vec![OsStr::new("export")];
        if self.out != Path::new(files::FOLDER) {
            words.extend([OsStr::new("--checkpoint"), self.checkpoint.as_os_str()]);
        }
        print::next(&shell::command(words));
    }
}
