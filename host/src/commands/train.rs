//! `host train`: ratings in, checkpoint and learning curves out.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::data::{Dataset, Split, builtin};
use crate::error::BadInput;
use crate::files;
use crate::report::text::{Align, grouped, table};
use crate::report::{baselines::Baselines, baselines::Score, curve, examples, progress, summary};
use crate::train::checkpoint::{Checkpoint, DataNote, SplitNote};
use crate::train::{self, Fit, ModelKind, Optimiser, Options};

/// Options of `host train`; what isn't given is the lesson's.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A ratings file, the folder of a MovieLens release or its zip [default: the ratings that ship with the project]
    #[arg(long, value_name = "PATH")]
    data: Option<PathBuf>,

    /// Where to write the checkpoint and the learning curves
    #[arg(long, value_name = "FOLDER", default_value = files::FOLDER)]
    out: PathBuf,

    /// Parts of the model: mlp (network), mf (biases and dot product) or hybrid (both)
    #[arg(long, value_name = "KIND", default_value = "mlp", value_parser = model)]
    model: ModelKind,

    /// Numbers in each user's and each movie's embedding
    #[arg(long, value_name = "N", default_value_t = 8)]
    dim: usize,

    /// Numbers in each user's embedding, if other than --dim
    #[arg(long, value_name = "N")]
    user_dim: Option<usize>,

    /// Numbers in each movie's embedding, if other than --dim
    #[arg(long, value_name = "N")]
    movie_dim: Option<usize>,

    /// Units of each hidden layer, with commas between; `none` for no hidden layer
    #[arg(long, value_name = "UNITS", default_value = "32,4")]
    hidden: Hidden,

    /// Learning rate
    #[arg(long, value_name = "RATE", default_value_t = 0.005)]
    lr: f32,

    /// Learning rate of embeddings and biases, if other than --lr
    #[arg(long, value_name = "RATE")]
    table_lr: Option<f32>,

    /// Ratings a step
    #[arg(long, value_name = "N", default_value_t = 5000)]
    batch: usize,

    /// Passes over the training ratings, at most
    #[arg(long, value_name = "N", default_value_t = 20)]
    epochs: usize,

    /// Share of the ratings to hold back for validation
    #[arg(long, value_name = "SHARE", default_value_t = 0.05)]
    validation: f64,

    /// Seed of split, initial weights and order
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,

    /// Adam for the tables: lazy (only rows that a batch touches), decayed (lazy, skipped decay made up for) or dense
    #[arg(long, value_name = "NAME", default_value = "lazy", value_parser = optimiser)]
    optimiser: Optimiser,

    /// L2 penalty on the embeddings and biases of each rating
    #[arg(long, value_name = "WEIGHT", default_value_t = 0.0)]
    l2: f32,

    /// Epochs without a better validation error before training stops; the best epoch is kept
    #[arg(long, value_name = "N", default_value_t = 5)]
    patience: usize,

    /// Run all epochs and keep the last
    #[arg(long, conflicts_with = "patience")]
    no_early_stop: bool,
}

#[derive(Debug, Clone)]
struct Hidden(Vec<usize>);

impl std::str::FromStr for Hidden {
    type Err = String;

    fn from_str(text: &str) -> Result<Hidden, String> {
        if text == "none" {
            return Ok(Hidden(Vec::new()));
        }
        let units = |part: &str| match part.trim().parse() {
            Ok(units) if (1..=4096).contains(&units) => Ok(units),
            _ => Err(format!(
                "`{part}` should be a whole number from 1 to 4096; two layers are given as 32,4"
            )),
        };
        text.split(',')
            .map(units)
            .collect::<Result<_, _>>()
            .map(Hidden)
    }
}

fn model(name: &str) -> Result<ModelKind, String> {
    ModelKind::from_name(name).ok_or_else(|| "it should be mlp, mf or hybrid".into())
}

fn optimiser(name: &str) -> Result<Optimiser, String> {
    Optimiser::from_name(name).ok_or_else(|| "it should be lazy, decayed or dense".into())
}

impl Args {
    fn options(&self, data: &Dataset) -> Result<Options> {
        let options = Options {
            model: self.model,
            user_dim: self.user_dim.unwrap_or(self.dim),
            movie_dim: self.movie_dim.unwrap_or(self.dim),
            hidden: self.hidden.0.clone(),
            learning_rate: self.lr,
            table_learning_rate: self.table_lr,
            batch: self.batch,
            epochs: self.epochs,
            seed: self.seed,
            optimiser: self.optimiser,
            l2: self.l2,
            patience: (!self.no_early_stop).then_some(self.patience),
            scale: (data.scale.min, data.scale.max),
            ..Options::default()
        };
        options.check().map_err(BadInput::new)?;
        if options.user_dim.max(options.movie_dim) > 1024 {
            return Err(BadInput::new("an embedding may have at most 1024 numbers").into());
        }
        Ok(options)
    }

    fn check_validation(&self) -> Result<()> {
        if (0.0..=0.9).contains(&self.validation) {
            return Ok(());
        }
        Err(BadInput::new(format!(
            "--validation is {}; it should be a share from 0 to 0.9, for instance 0.05",
            self.validation
        ))
        .into())
    }
}

/// Trains, tells and writes.
///
/// # Errors
/// [`BadInput`] for options or data that can't be trained with; else what failed.
pub fn run(args: &Args) -> Result<()> {
    args.check_validation()?;
    let data = match &args.data {
        None => builtin::load(),
        Some(path) => load(path)?,
    };
    let options = args.options(&data)?;
    let ratings = &data.ratings;
    let split = Split::random(ratings.len(), args.validation, args.seed);
    if split.train.is_empty() {
        return Err(
            BadInput::new(format!("{} ratings are too few to train on", ratings.len())).into(),
        );
    }
    std::fs::create_dir_all(&args.out)
        .with_context(|| format!("can't create {}", args.out.display()))?;

    println!("{}: {}", data.name, summary::sentence(&data));
    println!("{}\n", data.license);
    print!(
        "{}",
        summary::layers(&options, ratings.user_count(), ratings.movie_count())
    );
    println!(
        " {}\n",
        summary::memory(
            &options,
            ratings.len(),
            ratings.user_count(),
            ratings.movie_count()
        )
    );
    println!(
        "Training on {} ratings, validating on {}; Adam ({}) at {}, batches of {}",
        grouped(split.train.len() as u64),
        grouped(split.validation.len() as u64),
        options.optimiser.name(),
        options.learning_rate,
        grouped(options.batch as u64)
    );
    let mut epochs = progress::Epochs::new(options.epochs, false);
    let fit = train::fit(ratings, &split, &options, &mut epochs);
    drop(epochs);
    let fit = fit.map_err(|error| match error {
        train::Error::Options(_) | train::Error::NoRatings => {
            anyhow::Error::new(BadInput::new(error))
        }
        train::Error::Diverged { .. } => anyhow::Error::new(error),
    })?;
    if fit.stopped_early {
        println!(
            "No better epoch for {} in a row: stopped, and kept epoch {}",
            args.patience, fit.best_epoch
        );
    }

    let baselines = Baselines::of(ratings, &split);
    println!("\n{}", scores(&data, &split, &baselines, &options, &fit));
    if let Some((user, picked)) = examples::pick(&data, &split, &baselines, &fit.parameters, 7) {
        println!("{}", examples::text(&data, user, &picked));
    }
    write(args, data, &split, options, fit, &baselines)
}

fn load(path: &Path) -> Result<Dataset> {
    let bar = progress::Bytes::new("reading");
    let data = Dataset::load(path, &bar);
    bar.finish();
    data.map_err(crate::data::DataError::into_anyhow)
}

/// Validation errors beside the two baselines.
fn scores(
    data: &Dataset,
    split: &Split,
    baselines: &Baselines,
    options: &Options,
    fit: &Fit,
) -> String {
    let ratings = &data.ratings;
    let (mse, mae) = train::validate(&fit.parameters, ratings, &split.validation);
    let model = Score {
        rmse: mse.sqrt(),
        mae,
    };
    let mut rows = vec![["Validation", "RMSE", "MAE"].map(String::from).to_vec()];
    for (name, score) in [
        (
            format!("always the mean ({:.2})", baselines.mean),
            baselines.score_mean(ratings, split),
        ),
        (
            "the mean of each movie".into(),
            baselines.score_movies(ratings, split),
        ),
        (
            format!(
                "{}, epoch {} of {}",
                options.model.name(),
                fit.best_epoch,
                fit.history.len()
            ),
            model,
        ),
    ] {
        rows.push(vec![
            name,
            format!("{:.4}", score.rmse),
            format!("{:.4}", score.mae),
        ]);
    }
    table(&[Align::Left, Align::Right, Align::Right], &rows)
}

fn write(
    args: &Args,
    data: Dataset,
    split: &Split,
    options: Options,
    fit: Fit,
    baselines: &Baselines,
) -> Result<()> {
    let at = |name: &str| args.out.join(name);
    let wrote = |path: &Path| format!("can't write {}", path.display());
    let history = at(files::HISTORY);
    files::write(&history, curve::csv(&fit.history).as_bytes()).with_context(|| wrote(&history))?;
    let picture = at(files::CURVE);
    let title = format!("{} on {}", options.model.name(), data.name);
    let baseline = baselines.score_movies(&data.ratings, split).mae;
    let svg = curve::svg(&fit.history, baseline, fit.best_epoch, &title)?;
    files::write(&picture, svg.as_bytes()).with_context(|| wrote(&picture))?;

    let ratings = data.ratings;
    let (user_counts, movie_counts) = (
        counts(&ratings.users, ratings.user_count()),
        counts(&ratings.movies, ratings.movie_count()),
    );
    let checkpoint = Checkpoint {
        parameters: fit.parameters,
        user_counts,
        movie_counts,
        user_ids: ratings.user_ids,
        movie_ids: ratings.movie_ids,
        data: DataNote {
            name: data.name,
            source: source(args.data.as_deref()),
            fingerprint: data.fingerprint,
            licence: data.license,
        },
        split: SplitNote {
            seed: args.seed,
            share: args.validation,
        },
        options,
        best_epoch: fit.best_epoch,
    };
    let path = at(files::CHECKPOINT);
    checkpoint.write(&path)?;
    println!(
        "Wrote {}, {} and {}",
        path.display(),
        history.display(),
        picture.display()
    );
    Ok(())
}

/// The data's path made absolute, so that later commands find it from any folder; `built-in` for ours.
fn source(data: Option<&Path>) -> String {
    data.map_or_else(
        || "built-in".into(),
        |path| {
            path.canonicalize()
                .unwrap_or_else(|_| path.to_owned())
                .display()
                .to_string()
        },
    )
}

fn counts(rows: &[u32], len: usize) -> Vec<u32> {
    let mut counts = vec![0; len];
    for &row in rows {
        counts[row as usize] += 1;
    }
    counts
}
