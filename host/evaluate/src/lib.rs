//! Evaluation: how well a recipe predicts and ranks ratings that it has not seen.
//!
//! [`protocol`] and [`by_time`] say which ratings are held back, [`run`] trains on the others and measures what core
//! predicts from the exported image, not from the checkpoint; [`ranking`] judges lists, [`cold`] leaves people out, and
//! [`report`] prints.

pub mod by_time;
pub mod cold;
mod dated;
pub mod odds;
pub mod picture;
pub mod protocol;
pub mod report;
pub mod simulate;

use std::time::Instant;

use anyhow::Result;
use pocketrec::model::Model;

use pocketrec_base::error::BadInput;
use pocketrec_base::threads;
use pocketrec_checkpoint::{Checkpoint, DataNote, SplitNote};
use pocketrec_data::{Dataset, Split};
use pocketrec_export::{Chosen, ImageBytes, Precision, build};
use pocketrec_metrics::ranking::{self, By, Judge};
use pocketrec_metrics::{Coverage, image};
use pocketrec_train::{Options, Recipe, Solver, Trained, recipe, train};

use odds::Odds;
use protocol::Fold;
use report::{Errors, FoldResult, Kept, Lists};

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
    /// Whether the ratings that are measured on are later than those that are learned from: users' biases are then taken
    /// as of their last rating, as `export` writes them.
    pub ahead: bool,
    /// Whether it is measured how many ratings lie in their intervals; some training ratings are then held back to find
    /// those by.
    pub odds: bool,
    /// Whether it is measured too how well ratings are predicted whose times are known, from their users' ratings around
    /// them; some training ratings are then held back to learn how.
    pub dated: bool,
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
    let work = |(): &mut (), fold: &Fold<'_>| {
        let result = one(fold, plan, plan.threads.div_ceil(workers));
        if let Ok(result) = &result {
            done(result);
        }
        result
    };
    let results = threads::share(workers, folds, || (), work);
    results.into_iter().collect()
}

/// Trains on a fold and measures.
fn one(fold: &Fold<'_>, plan: &Plan, threads: usize) -> Result<FoldResult> {
    let ratings = &fold.data.ratings;
    if fold.split.validation.is_empty() {
        return Err(BadInput::new(format!("{} has no ratings to test on", fold.name)).into());
    }
    let options = Options {
        threads: Some(threads),
        // Without lists there is nothing to choose it by.
        fame: (!plan.lists).then_some(0.0),
        ..plan.options.clone()
    };
    let clock = Instant::now();
    let (trained, inner) = trained(fold, options, plan)?;
    let seconds = clock.elapsed().as_secs_f64();

    let unseen = |rows: &[u32], count: usize| {
        let mut seen = vec![false; count];
        for &rating in &fold.split.train {
            seen[rows[rating as usize] as usize] = true;
        }
        let tested = fold.split.validation.iter();
        tested
            .filter(|&&rating| !seen[rows[rating as usize] as usize])
            .count()
    };
    let unseen_movies = unseen(&ratings.movies, ratings.movie_count());
    let unseen_users = unseen(&ratings.users, ratings.user_count());

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
    let name = plan.options.model.name();
    if plan.dated {
        let asked = &fold.split.validation;
        let found = dated::errors(&trained.fit.parameters, ratings, &inner, asked);
        errors.push(Errors {
            method: format!("{name}, times known"),
            rmse: found.rmse(),
            mae: found.mae(),
        });
    }
    let checkpoint = checkpoint(fold, &trained);
    let chosen = Chosen::all(&checkpoint);
    let held = image::held(ratings, &fold.split);
    let (mut odds, mut lists, mut kept) = (Vec::new(), Vec::new(), Vec::new());
    let judge = plan
        .lists
        .then(|| Judge::new(ratings, &fold.split, ranking::PEOPLE));
    let mut named: Option<(String, [Vec<Vec<usize>>; 2])> = None;
    let last = checkpoint.as_of_last();
    for (at, &precision) in plan.precisions.iter().enumerate() {
        let moved = plan.ahead && checkpoint.drift.is_some();
        if moved {
            let found = errors_of(&build(&checkpoint, &chosen, precision)?, &held)?;
            errors.push(Errors {
                method: format!("{name} {}, without drift", precision.name()),
                rmse: found.rmse(),
                mae: found.mae(),
            });
        }
        let of = if moved { &*last } else { &checkpoint };
        let built = build(of, &chosen, precision)?;
        let found = errors_of(&built, &held)?;
        let method = format!("{name} {}", precision.name());
        errors.push(Errors {
            method: method.clone(),
            rmse: found.rmse(),
            mae: found.mae(),
        });
        if plan.odds
            && let Some(coverage) = Coverage::of(image::intervals(&opened(&built)?, &held))
        {
            odds.push(Odds {
                method: method.clone(),
                coverage,
            });
        }
        let Some(judge) = &judge else { continue };
        let model = opened(&built)?;
        if plan.precisions.len() > 1 {
            let here = [By::Stars, By::Device].map(|by| judge.named(&model, &ratings.user_ids, by));
            match &named {
                None => named = Some((method, here)),
                Some((of, [alone, ranked])) => kept.push(Kept {
                    of: of.clone(),
                    method,
                    stars_alone: ranking::kept(alone, &here[0]),
                    as_ranked: ranking::kept(ranked, &here[1]),
                }),
            }
        }
        if at + 1 == plan.precisions.len() {
            let mut add = |method: &str, ranking| {
                lists.push(Lists {
                    method: method.into(),
                    ranking,
                });
            };
            add("most rated", judge.popular());
            for (method, by) in [
                ("predicted stars alone", By::Stars),
                ("movies below mean too", By::WithBelowMean),
                ("as a device ranks", By::Device),
            ] {
                add(method, judge.of_model(&model, &ratings.user_ids, by));
            }
        }
    }
    Ok(FoldResult {
        fold: fold.name.clone(),
        train: fold.split.train.len(),
        test: fold.split.validation.len(),
        unseen_movies,
        unseen_users,
        dim: checkpoint.parameters.movie_dim,
        seconds,
        errors,
        odds,
        lists,
        kept,
    })
}

/// An image as core opens it.
fn opened(image: &ImageBytes) -> Result<Model<'_>> {
    Model::open(image.as_ref()).map_err(|why| anyhow::anyhow!("the image can't be opened: {why}"))
}

/// The errors of an image on ratings of its users.
fn errors_of(built: &ImageBytes, held: &[image::Held]) -> Result<pocketrec_metrics::Errors> {
    let found = image::errors(&opened(built)?, held);
    anyhow::ensure!(
        found.count > 0,
        "the image has none of the test ratings' users"
    );
    Ok(found)
}

/// Trains on a fold's training ratings alone: what early stopping, what lists add and drift need is held back from those, as
/// the split that comes along says.
fn trained(fold: &Fold<'_>, options: Options, plan: &Plan) -> Result<(Trained, Split)> {
    let all = &fold.split.train;
    let share = match options.solver {
        Solver::Gibbs if !plan.lists && !plan.ahead && !plan.odds && !plan.dated => 0.0,
        Solver::Gibbs | Solver::Adam | Solver::Imported => recipe::VALIDATION,
    };
    let inner = Split::random(all.len(), share, options.seed);
    let pick = |rows: &[u32]| rows.iter().map(|&row| all[row as usize]).collect();
    let split = Split {
        train: pick(&inner.train),
        validation: pick(&inner.validation),
    };
    let recipe = Recipe::new(options, plan.lists);
    let trained = train(fold.data, &split, recipe, &mut ()).map_err(refusal)?;
    Ok((trained, split))
}

/// Why training gave nothing: [`BadInput`] where options or data are to blame.
pub fn refusal(error: pocketrec_train::Error) -> anyhow::Error {
    use pocketrec_train::Error::{Diverged, NoRatings, Options, Stopped};
    match error {
        Options(_) | NoRatings => BadInput::new(error).into(),
        Diverged { .. } | Stopped => error.into(),
    }
}

/// What training on a fold would have left on the disk.
pub fn checkpoint(fold: &Fold<'_>, trained: &Trained) -> Checkpoint {
    let Dataset {
        ratings,
        name,
        license,
        fingerprint,
        ..
    } = fold.data;
    let note = DataNote {
        name: name.clone(),
        source: fold.name.clone(),
        fingerprint: *fingerprint,
        licence: license.clone(),
        ..DataNote::default()
    };
    Checkpoint::of(
        trained,
        note,
        ratings,
        Some(&fold.split.train),
        SplitNote::default(),
    )
}
