//! `host train`: ratings in, checkpoint and learning curves out.

mod args;
mod earlier;
mod keep;
mod told;

use std::path::Path;
use std::sync::atomic::Ordering;

use anyhow::Result;

pub use self::args::Args;
use self::keep::{Run, Watched};
use self::told::{Scores, Told};
use super::columns;
use super::data::{self, DataArgs};
use crate::print::{self, bytes, count, epochs, examples, grouped, summary};
use crate::report::verdict;
use crate::{note, warn};
use pocketrec_base::error::{BadInput, Stopped};
use pocketrec_base::files::{self, lock::Lock};
use pocketrec_base::pages;
use pocketrec_base::signals;
use pocketrec_checkpoint::{Checkpoint, DataNote};
use pocketrec_data::{Dataset, Scale, Split};
use pocketrec_export::limits;
use pocketrec_metrics::baselines::Baselines;
use pocketrec_train::bayes::EXPLAINS;
use pocketrec_train::recipe::Borne;
use pocketrec_train::simd::Kernel;
use pocketrec_train::{Fit, Options, Recipe, Solver, fame, recipe, train};

/// Trains, tells and writes.
///
/// # Errors
/// [`BadInput`] for options or data that can't be trained with; else what failed.
pub fn run(args: &Args) -> Result<()> {
    args.check_validation()?;
    let every = args.keep_every()?;
    let mut lock = None;
    match &args.write_split {
        Some(folder) => files::check_folder("--write-split", folder)?,
        None => {
            files::check_folder("--out", &args.out)?;
            if args.out.is_dir() {
                lock = Some(Lock::take("--out", &args.out)?);
            }
        }
    }
    // What the options alone decide is told before the ratings are read.
    let asked = args.model.options(Scale::of(&[]))?;
    if let (Some(beyond), None) = (limits::of_options(&asked), &args.write_split) {
        warn!("`export` will refuse this model: it has {beyond}");
    }
    let data = load(&args.data, &args.out.join(files::CACHE))?;
    let options = args.model.options(data.scale)?;
    let ratings = &data.ratings;
    if args.write_split.is_none() {
        note!("{}: {}", data.name, summary::sentence(&data));
        note!("{}", data.license);
        data::tell(&data);
        note!("");
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

    let (users, movies) = (ratings.user_count(), ratings.movie_count());
    let borne = Borne::of(&options, ratings, &split.train);
    let mut largest = options.clone();
    if options.by_data {
        (largest.user_dim, largest.movie_dim) = (borne.most, borne.most);
    }
    print::note_block(&summary::layers(&largest, users, movies));
    note!(
        " {}",
        summary::memory(&largest, ratings.len(), users, movies)
    );
    if borne.most > options.user_dim {
        note!(
            " up to {}: fewer if the last ones explain nothing",
            count(borne.most, "dimension")
        );
    }
    note!("");
    note!(
        "Training on {}, validating on {}; {}",
        count(split.train.len(), "rating"),
        grouped(split.validation.len() as u64),
        method(&options, split.train.len())
    );
    let known = DataNote::of_run(&data, &options).sides.known;
    if let [most @ .., last] = &known[..] {
        let most: String = most.iter().map(|one| format!(", {one}")).collect();
        note!("Learning from ratings{most} and {last}");
    }
    let (for_ratings, for_model) = summary::memory_of(
        &largest,
        ratings.len(),
        ratings.user_count(),
        ratings.movie_count(),
    );
    if !pages::would_be_given(for_ratings + for_model) {
        return Err(anyhow::anyhow!(
            "training takes about {} of memory, more than this machine gives; a smaller --dim or fewer ratings take less",
            bytes(for_ratings + for_model)
        ));
    }
    let baselines = Baselines::of(ratings, &split);
    let run = Run {
        args,
        data: &data,
        split: &split,
        baselines: &baselines,
        options: &options,
    };
    let earlier = match args.resume {
        true => {
            let (state, before) = earlier::read(args, &run.note())?;
            if let Some(change) = earlier::change(&before, &options) {
                note!("{change}");
            }
            Some(state)
        }
        false => None,
    };
    // Not made before: what is refused leaves nothing behind.
    let _lock = match lock {
        Some(lock) => lock,
        None => Lock::take("--out", &args.out)?,
    };
    let stop = signals::heed("Stopping; what there is will be kept. Once more ends at once");
    let validated = !split.validation.is_empty();
    let lines = recipe::lines(&options, split.train.len());
    let shown = epochs::Epochs::new(lines, validated);
    let mut watched = Watched::new(&run, shown, stop, every);
    let recipe = Recipe {
        options: options.clone(),
        lists: true,
        earlier,
    };
    let trained = train(&data, &split, recipe, &mut watched);
    drop(watched);
    let trained = trained.map_err(|error| match error {
        pocketrec_train::Error::Stopped => Stopped(format!("{error}; nothing was written")).into(),
        error => pocketrec_evaluate::refusal(error),
    })?;
    let checkpoint = run.checkpoint(&trained);
    let fit = trained.fit;
    run.write(&fit, &checkpoint)?;
    if stop.load(Ordering::Relaxed) {
        let wants_interest = recipe::has_interest(&options) && data.has_times;
        return Err(Stopped(kept(args, &fit, wants_interest, &checkpoint)).into());
    }
    if let Some(why) = kept_epoch(&options, &fit, validated) {
        note!("{why}");
    }
    if options.by_data {
        note!("{}", dimensions(&borne, &options, fit.parameters.movie_dim));
    }
    let weight = trained.options.fame.unwrap_or_default();
    let interest = checkpoint.interest.as_ref();
    let weight = interest.map_or(weight, |interest| interest.fame);
    note!("{}", fame::sentence(weight, interest.is_some()));
    let scores = validated.then(|| Scores::of(&data, &split, &baselines, &fit));
    match &scores {
        Some(scores) => {
            note!("");
            print::block(&scores.table(&options, &fit));
            note!("");
        }
        None => {
            note!("No rating was held back, so how well the model predicts was not measured");
        }
    }
    let picked = examples::pick(&data, &split, &baselines, &fit.parameters, 7);
    if let Some((user, picked)) = picked.filter(|(_, picked)| !picked.is_empty()) {
        print::note_block(&examples::text(&data, user, &picked));
        note!("");
    }
    tell_faults(&checkpoint);
    print::answer(&Told::of(args, &data, &split, &options, &fit, scores))
}

/// Which epoch is kept, where that isn't the last that was run, or isn't the best; nothing where it is both.
fn kept_epoch(options: &Options, fit: &Fit, validated: bool) -> Option<String> {
    let last = fit.history.len();
    let best = fit
        .history
        .iter()
        .filter(|_| validated)
        .min_by(|a, b| a.validation_mse.total_cmp(&b.validation_mse))?;
    let kept = fit.best_epoch;
    if options.solver == Solver::Gibbs {
        return (kept != best.number).then(|| {
            format!(
                "Epoch {kept} is the model. The epochs before it are measured on the mean of all samples so far, which is \
                 more accurate than {} dimensions can store",
                fit.parameters.user_dim
            )
        });
    }
    if fit.stopped_early {
        let patience = options.patience.unwrap_or_default();
        return Some(format!(
            "No better epoch for {patience} in a row: stopped, and kept epoch {kept}"
        ));
    }
    if kept != best.number {
        return Some(format!(
            "Kept epoch {kept}, the last, as --no-early-stop asks; epoch {} was better, with a validation MSE of {:.4}: \
             without that option it would have been kept",
            best.number, best.validation_mse
        ));
    }
    (kept != last).then(|| format!("Kept epoch {kept}, the best of {last}"))
}

/// Warns of a model that is no use or that no image can hold.
fn tell_faults(checkpoint: &Checkpoint) {
    if let Some(warning) = checkpoint.validation.and_then(verdict::warning) {
        warn!("{warning}");
    }
    // What options alone decide has been told.
    if limits::of_parameters(&checkpoint.parameters).is_none()
        && let Err(why) = pocketrec_export::build(
            checkpoint,
            &pocketrec_export::Chosen::all(checkpoint),
            pocketrec_export::Precision::F16,
        )
    {
        warn!("`export` will refuse this model: {why}");
    }
}

/// What is there of a run that was stopped, and how it goes on.
fn kept(args: &Args, fit: &Fit, wants_interest: bool, checkpoint: &Checkpoint) -> String {
    let mut text = format!(
        "Stopped: wrote {}",
        args.out.join(files::CHECKPOINT).display()
    );
    match &fit.state {
        Some(state) => {
            let whole = state.history.len();
            text += &match checkpoint.options.solver {
                Solver::Adam | Solver::Imported => format!(
                    " of epoch {}, the best of {whole} that were done",
                    fit.best_epoch
                ),
                Solver::Gibbs => " of the sweeps that were done".into(),
            };
            text += "; the same command with --resume continues it";
        }
        None => text += ", which is trained to its end",
    }
    if wants_interest && checkpoint.interest.is_none() {
        text += "; its lists go without what people look for, which is found last";
    }
    text
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

/// How the model is found, in a few words.
fn method(options: &Options, ratings: usize) -> String {
    match options.solver {
        Solver::Adam | Solver::Imported => format!(
            "Adam ({}) at {}, batches of {}, {} kernels on {}",
            options.optimiser.name(),
            options.learning_rate,
            grouped(options.batch as u64),
            options.kernel.unwrap_or_else(Kernel::best).name(),
            count(options.thread_count(), "thread")
        ),
        Solver::Gibbs => {
            let settings = recipe::settings(options, ratings, options.user_dim);
            format!(
                "Gibbs sampling, {} after {} of burn-in ({}, {}); an epoch below is a few sweeps",
                count(settings.sweeps, "sweep"),
                settings.burn_in,
                settings.kernel.name(),
                count(settings.threads, "thread")
            )
        }
    }
}

/// How many dimensions the data said, and why.
fn dimensions(borne: &Borne, options: &Options, kept: usize) -> String {
    let why = match kept < borne.most {
        true => format!(
            "of the {} that the ratings are enough for, the last ones explain under {:.3} % of their variance each",
            borne.most,
            100.0 * EXPLAINS
        ),
        false if kept == options.user_dim => format!(
            "the fewest, as a prediction rests on {:.0} ratings of its user and movie, and a dimension needs {}",
            borne.ratings,
            Borne::RATINGS
        ),
        false => format!(
            "a prediction rests on {:.0} ratings of its user and movie, and a dimension needs {}",
            borne.ratings,
            Borne::RATINGS
        ),
    };
    format!(
        "{}: {why}; `--dim` sets another number",
        count(kept, "dimension")
    )
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
        assert_eq!(crate::exit::code(&error), 2);
        let due = format!("{}: every rating is 4; training takes", path.display());
        assert!(error.to_string().starts_with(&due), "{error}");
    }
}
