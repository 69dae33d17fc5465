//! `host train`: ratings in, checkpoint and learning curves out.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::columns;
use super::data::{self, DataArgs};
use super::model::ModelArgs;
use crate::data::{Dataset, Split};
use crate::error::BadInput;
use crate::export::limits;
use crate::files;
use crate::report::text::{Align, grouped, table};
use crate::report::{baselines::Baselines, baselines::Score, curve, examples, progress, summary};
use crate::train::checkpoint::{Checkpoint, CheckpointError, DataNote, SplitNote};
use crate::train::interest::Interest;
use crate::train::resume::State;
use crate::train::simd::Kernel;
use crate::train::{self, Fit, Options, Parameters, Solver, recipe};

/// Options of `host train`; what isn't given is the recipe's.
#[derive(Debug, clap::Args)]
#[command(allow_negative_numbers = true)]
pub struct Args {
    #[command(flatten)]
    data: DataArgs,

    /// Where to write the checkpoint and the learning curves
    #[arg(long, value_name = "FOLDER", default_value = files::FOLDER)]
    out: PathBuf,

    /// Share of the ratings to hold back for validation
    #[arg(long, value_name = "SHARE", default_value_t = recipe::VALIDATION)]
    validation: f64,

    /// Go on with the run whose files are in --out, up to --epochs in all; data and options must be those of that run
    #[arg(long)]
    resume: bool,

    /// Write the ratings, and which of them are held back, as plain columns to this folder, for other programs to train
    /// on the same, and stop
    #[arg(long, value_name = "FOLDER", conflicts_with = "resume")]
    write_split: Option<PathBuf>,

    /// With --write-split: write the order in which each of so many epochs meets the other ratings too, as Adam with
    /// these options would
    #[arg(
        long,
        value_name = "EPOCHS",
        requires = "write_split",
        default_value_t = 0,
        hide_default_value = true
    )]
    write_orders: usize,

    #[command(flatten)]
    model: ModelArgs,
}

impl Args {
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
    match &args.write_split {
        Some(folder) => files::check_folder("--write-split", folder)?,
        None => files::check_folder("--out", &args.out)?,
    }
    let data = load(&args.data, &args.out.join(files::CACHE))?;
    let options = args.model.options(data.scale)?;
    let ratings = &data.ratings;
    if args.write_split.is_none() {
        println!("{}: {}", data.name, summary::sentence(&data));
        println!("{}", data.license);
        data::tell(&data);
        println!();
    }
    let split = Split::random(ratings.len(), args.validation, args.model.seed);
    if split.train.is_empty() {
        return Err(
            BadInput::new(format!("{} ratings are too few to train on", ratings.len())).into(),
        );
    }
    if let Some(folder) = &args.write_split {
        return columns::write_split(ratings, &split, &options, args.write_orders, folder);
    }

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
        "Training on {} ratings, validating on {}; {}",
        grouped(split.train.len() as u64),
        grouped(split.validation.len() as u64),
        method(&options, split.train.len())
    );
    if let Some(beyond) = limits::of_options(&options) {
        eprintln!("warning: `export` will refuse this model: it has {beyond}");
    }
    let earlier = match args.resume {
        true => Some(earlier(args, &data, &options)?),
        false => None,
    };
    let validated = !split.validation.is_empty();
    let lines = recipe::lines(&options, split.train.len());
    let mut epochs = progress::Epochs::new(lines, validated);
    let fit = match &earlier {
        None => recipe::fit(&data, &split, &options, &mut epochs),
        Some((best, state)) => train::resume(ratings, &split, &options, best, state, &mut epochs),
    };
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
            options.patience.unwrap_or_default(),
            fit.best_epoch
        );
    }

    let fame = train::fame::choose(&fit.parameters, ratings, &split);
    let options = Options {
        fame: Some(fame),
        ..options
    };
    let interest = (recipe::has_interest(&options) && data.has_times)
        .then(|| train::interest::find(&fit.parameters, ratings, &split, fame, &options));
    println!("{}", lists(fame, interest.as_ref()));
    let baselines = Baselines::of(ratings, &split);
    if validated {
        println!("\n{}", scores(&data, &split, &baselines, &options, &fit));
    } else {
        println!("\nNo rating was held back, so how well the model predicts was not measured\n");
    }
    let picked = examples::pick(&data, &split, &baselines, &fit.parameters, 7);
    if let Some((user, picked)) = picked.filter(|(_, picked)| !picked.is_empty()) {
        println!("{}", examples::text(&data, user, &picked));
    }
    write(args, data, &split, (options, interest), fit, &baselines)
}

fn load(args: &DataArgs, cache: &Path) -> Result<Dataset> {
    let data = args.load(Some(cache))?;
    let stars = &data.ratings.stars;
    if stars.iter().all(|other| *other == stars[0]) {
        let shown = args
            .data
            .as_deref()
            .unwrap_or(Path::new(&data.name))
            .display();
        return Err(BadInput::new(format!(
            "{shown}: every rating is {}; training takes ratings of at least two different values",
            stars[0]
        ))
        .into());
    }
    Ok(data)
}

/// The best parameters so far and the state of the run in `--out`, if it was a run like this one.
fn earlier(args: &Args, data: &Dataset, options: &Options) -> Result<(Parameters, State)> {
    let path = args.out.join(files::CHECKPOINT);
    let refuse = |why: String| BadInput::new(format!("{} can't be resumed: {why}", path.display()));
    let told = |error: CheckpointError| match error.is_bad_input() {
        true => anyhow::Error::new(BadInput::new(error)),
        false => anyhow::Error::new(error),
    };
    let checkpoint = Checkpoint::read(&path).map_err(told)?;
    if options.solver != Solver::Adam {
        return Err(refuse(
            "only the adam solver goes on where it ended; add --solver adam".into(),
        )
        .into());
    }
    if checkpoint.data.fingerprint != data.fingerprint {
        return Err(refuse(format!(
            "it was trained on {}, and these ratings are others",
            checkpoint.data.name
        ))
        .into());
    }
    let same = Options {
        epochs: options.epochs,
        threads: options.threads,
        fame: options.fame,
        ..checkpoint.options
    };
    let split = (args.model.seed, args.validation);
    if same != *options || split != (checkpoint.split.seed, checkpoint.split.share) {
        return Err(refuse(
            "its run had other options; repeat all of them but --epochs and --threads".into(),
        )
        .into());
    }
    let state = State::read(&args.out.join(files::STATE)).map_err(told)?;
    if state.history.len() >= options.epochs {
        return Err(refuse(format!(
            "its run has done {} epochs already; ask for more with --epochs",
            state.history.len()
        ))
        .into());
    }
    Ok((checkpoint.parameters, state))
}

/// How the model is found, in a few words.
fn method(options: &Options, ratings: usize) -> String {
    match options.solver {
        Solver::Adam => format!(
            "Adam ({}) at {}, batches of {}, {} kernels on {} {}",
            options.optimiser.name(),
            options.learning_rate,
            grouped(options.batch as u64),
            options.kernel.unwrap_or_else(Kernel::best).name(),
            options.thread_count(),
            if options.thread_count() == 1 {
                "thread"
            } else {
                "threads"
            }
        ),
        Solver::Gibbs => {
            let settings = recipe::settings(options, ratings);
            format!(
                "Gibbs sampling, {} sweeps after {} of burn-in; an epoch below is a few of them",
                settings.sweeps, settings.burn_in
            )
        }
    }
}

/// What lists add to predicted stars, in a sentence.
fn lists(fame: f32, interest: Option<&Interest>) -> String {
    let fame = format!("Lists add {fame} ln(1 + ratings) to predicted stars");
    match interest {
        None => fame,
        Some(Interest { weight, fade, .. }) => format!(
            "{fame}, and {weight} times the interest that recent ratings show, each counting {fade:.2} of the next"
        ),
    }
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
    (options, interest): (Options, Option<Interest>),
    fit: Fit,
    baselines: &Baselines,
) -> Result<()> {
    std::fs::create_dir_all(&args.out)
        .with_context(|| format!("can't create {}", args.out.display()))?;
    let at = |name: &str| args.out.join(name);
    let wrote = |path: &Path| format!("can't write {}", path.display());
    let history = at(files::HISTORY);
    files::write(&history, curve::csv(&fit.history).as_bytes()).with_context(|| wrote(&history))?;
    let picture = at(files::CURVE);
    let title = format!("{} on {}", options.model.name(), data.name);
    let baseline = baselines.score_movies(&data.ratings, split).mae;
    let svg = curve::svg(&fit.history, baseline, fit.best_epoch, &title)?;
    files::write(&picture, svg.as_bytes()).with_context(|| wrote(&picture))?;

    let note = DataNote::of(&data);
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
        data: note,
        split: SplitNote {
            seed: args.model.seed,
            share: args.validation,
        },
        options,
        best_epoch: fit.best_epoch,
        interest,
    };
    let path = at(files::CHECKPOINT);
    checkpoint.write(&path)?;
    let state_path = at(files::STATE);
    match fit.state {
        Some(state) => state.write(&state_path)?,
        // An earlier run's would belong to another checkpoint.
        None if state_path.exists() => {
            std::fs::remove_file(&state_path).with_context(|| wrote(&state_path))?;
        }
        None => {}
    }
    println!(
        "Wrote {}, {} and {}",
        path.display(),
        history.display(),
        picture.display()
    );
    Ok(())
}

fn counts(rows: &[u32], len: usize) -> Vec<u32> {
    let mut counts = vec![0; len];
    for &row in rows {
        counts[row as usize] += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratings_that_are_all_the_same_are_refused_with_their_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("same.csv");
        std::fs::write(&path, "1,2,4,1112486027\n1,3,4,1112486028\n").unwrap();
        let args = DataArgs {
            data: Some(path.clone()),
            ..DataArgs::default()
        };
        let error = load(&args, &folder.path().join("cache")).unwrap_err();
        assert_eq!(crate::error::exit_code(&error), 2);
        let due = format!("{}: every rating is 4; training takes", path.display());
        assert!(error.to_string().starts_with(&due), "{error}");
    }
}
