//! Evaluation: how well a recipe predicts and ranks ratings that it has not seen.
//!
//! [`protocol`] says which ratings are held back, [`run`] trains on the others and measures what core
//! predicts from the exported image, not from the checkpoint; [`ranking`] judges lists, [`cold`] leaves people out, and
//! [`report`] prints.

pub mod cold;
pub mod protocol;
pub mod report;
pub mod simulate;

use std::sync::Mutex;
use std::time::Instant;

use anyhow::{Context, Result};
use pocketrec::model::Model;

use pocketrec_base::error::BadInput;
use pocketrec_data::{Dataset, Split};
use pocketrec_export::quality::{Held, measure};
use pocketrec_export::{Chosen, Precision, build};
use pocketrec_train::checkpoint::{Checkpoint, DataNote, SplitNote};
use pocketrec_train::interest::{self, Interest};
use pocketrec_train::{Fit, Options, Solver, fame, recipe};

use pocketrec_metrics::ranking::{self, Judge};
use protocol::Fold;
use report::{Errors, FoldResult, Lists};

/// Ratings above which folds are tried one after the other, for the sake of memory.
const PARALLEL: usize = 3_000_000;

/// What is measured.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Model and training.
    pub options: Options,
    /// The images that predictions are made from.
    pub precisions: Vec<Precision>,
    /// Whether lists are judged too.
    pub lists: bool,
    /// Threads to use.
    pub threads: usize,
}

/// Tries every fold, in parallel where memory allows, and calls `done` with each result as it comes.
///
/// # Errors
/// The first that a fold ends with.
pub fn run(
    folds: &[Fold<'_>],
    plan: &Plan,
    done: &(dyn Fn(&FoldResult) + Sync),
) -> Result<Vec<FoldResult>> {
    let large = folds.iter().any(|fold| fold.data.ratings.len() > PARALLEL);
    let workers = if large {
        1
    } else {
        plan.threads.min(folds.len()).max(1)
    };
    let next = Mutex::new(folds.iter().enumerate());
    let results = Mutex::new(Vec::new());
    let work = || {
        loop {
            let fold = next.lock().map(|mut next| next.next());
            let Ok(Some((at, fold))) = fold else {
                return;
            };
            let result = one(fold, plan, plan.threads.div_ceil(workers));
            if let Ok(result) = &result {
                done(result);
            }
            if let Ok(mut results) = results.lock() {
                results.push((at, result));
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..workers {
            scope.spawn(work);
        }
        work();
    });
    let mut results = results
        .into_inner()
        .map_err(|_| anyhow::anyhow!("a fold panicked"))?;
    results.sort_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Trains on a fold and measures.
fn one(fold: &Fold<'_>, plan: &Plan, threads: usize) -> Result<FoldResult> {
    let ratings = &fold.data.ratings;
    if fold.split.validation.is_empty() {
        return Err(BadInput::new(format!("{} has no ratings to test on", fold.name)).into());
    }
    let options = Options {
        threads: Some(threads),
        ..plan.options.clone()
    };
    let clock = Instant::now();
    let (fit, fame, interest) = train(fold, &options, plan.lists)?;
    let options = Options {
        fame: Some(fame),
        ..options
    };
    let seconds = clock.elapsed().as_secs_f64();

    let mut seen = vec![false; ratings.movie_count()];
    for &rating in &fold.split.train {
        seen[ratings.movies[rating as usize] as usize] = true;
    }
    let unseen = fold.split.validation.iter();
    let unseen = unseen
        .filter(|&&rating| !seen[ratings.movies[rating as usize] as usize])
        .count();

    let baselines = pocketrec_metrics::baselines::Baselines::of(ratings, &fold.split);
    let mut errors = Vec::new();
    for (method, score) in [
        (
            "always the mean",
            baselines.score_mean(ratings, &fold.split),
        ),
        (
            "mean of each movie",
            baselines.score_movies(ratings, &fold.split),
        ),
    ] {
        errors.push(Errors {
            method: method.into(),
            rmse: score.rmse,
            mae: score.mae,
        });
    }
    let checkpoint = Checkpoint {
        interest,
        ..checkpoint(fold, options, fit)
    };
    let chosen = Chosen::all(&checkpoint);
    let mut held: Vec<Held> = fold
        .split
        .validation
        .iter()
        .map(|&rating| {
            let rating = rating as usize;
            (
                ratings.user_ids[ratings.users[rating] as usize],
                ratings.movie_ids[ratings.movies[rating] as usize],
                ratings.stars[rating],
            )
        })
        .collect();
    held.sort_by_key(|(user, movie, _)| (*user, *movie));
    let name = plan.options.model.name();
    let mut lists = Vec::new();
    for (at, &precision) in plan.precisions.iter().enumerate() {
        let image = build(&checkpoint, &chosen, precision)?;
        let model = Model::open(image.as_ref())
            .map_err(|why| anyhow::anyhow!("the image can't be opened: {why}"))?;
        let quality =
            measure(&model, &held).context("the image has none of the test ratings' users")?;
        errors.push(Errors {
            method: format!("{name} {}", precision.name()),
            rmse: quality.rmse,
            mae: quality.mae,
        });
        if plan.lists && at + 1 == plan.precisions.len() {
            let judge = Judge::new(ratings, &fold.split, ranking::PEOPLE);
            let mut add = |method: &str, ranking| {
                lists.push(Lists {
                    method: method.into(),
                    ranking,
                });
            };
            add("most rated", judge.popular());
            add(
                "predicted stars alone",
                judge.of_model(&model, &ratings.user_ids, true),
            );
            add(
                "as a device ranks",
                judge.of_model(&model, &ratings.user_ids, false),
            );
        }
    }
    Ok(FoldResult {
        fold: fold.name.clone(),
        train: fold.split.train.len(),
        test: fold.split.validation.len(),
        unseen_movies: unseen,
        seconds,
        errors,
        lists,
    })
}

/// Trains on a fold's training ratings alone: what early stopping and the weight of fame need is held back from
/// those. Returns that weight too, 0 without `lists`, and the interests, none without.
fn train(fold: &Fold<'_>, options: &Options, lists: bool) -> Result<(Fit, f32, Option<Interest>)> {
    let all = &fold.split.train;
    let share = match options.solver {
        Solver::Gibbs if !lists => 0.0,
        Solver::Gibbs | Solver::Adam => recipe::VALIDATION,
    };
    let inner = Split::random(all.len(), share, options.seed);
    let pick = |rows: &[u32]| rows.iter().map(|&row| all[row as usize]).collect();
    let split = Split {
        train: pick(&inner.train),
        validation: pick(&inner.validation),
    };
    let fit = recipe::fit(fold.data, &split, options, &mut ()).map_err(|error| match error {
        pocketrec_train::Error::Options(_) | pocketrec_train::Error::NoRatings => {
            anyhow::Error::new(BadInput::new(error))
        }
        pocketrec_train::Error::Diverged { .. } | pocketrec_train::Error::Stopped => error.into(),
    })?;
    let ratings = &fold.data.ratings;
    let fame = match lists {
        true => fame::choose(&fit.parameters, ratings, &split),
        false => 0.0,
    };
    let interest = (lists && recipe::has_interest(options) && fold.data.has_times)
        .then(|| interest::find(&fit.parameters, ratings, &split, fame, options));
    Ok((fit, fame, interest))
}

/// What training on a fold would have left on the disk.
pub fn checkpoint(fold: &Fold<'_>, options: Options, fit: Fit) -> Checkpoint {
    let Dataset {
        ratings,
        name,
        license,
        fingerprint,
        ..
    } = fold.data;
    let counts = |rows: &[u32], len: usize| {
        let mut counts = vec![0; len];
        for &rating in &fold.split.train {
            counts[rows[rating as usize] as usize] += 1;
        }
        counts
    };
    Checkpoint {
        user_counts: counts(&ratings.users, ratings.user_count()),
        movie_counts: counts(&ratings.movies, ratings.movie_count()),
        user_ids: ratings.user_ids.clone(),
        movie_ids: ratings.movie_ids.clone(),
        parameters: fit.parameters,
        data: DataNote {
            name: name.clone(),
            source: fold.name.clone(),
            fingerprint: *fingerprint,
            licence: license.clone(),
            ..DataNote::default()
        },
        split: SplitNote::default(),
        best_epoch: fit.best_epoch,
        interest: None,
        validation: None,
        options,
    }
}
