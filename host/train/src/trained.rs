//! Training as a whole: from ratings and a recipe to everything that a checkpoint holds. The command, evaluation and
//! simulated people all come by here.

use std::sync::atomic::Ordering;

use pocketrec_base::threads::join;
use pocketrec_data::{Dataset, Split};
use pocketrec_metrics::baselines::Baselines;

use super::drift::{self, Drift};
use super::error::Error;
use super::interest::{self, Interest};
use super::newcomer::newcomer;
use super::odds::{self, Odds};
use super::options::Options;
use super::run::{Fit, Observer, validate};
use super::state::State;
use super::{fame, recipe};

/// What is to be trained.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// The model, and how it is found.
    pub options: Options,
    /// Whether it is to rank too: what lists add to predicted stars is found then, and how good the model is.
    pub lists: bool,
    /// The state of a run with the same arguments that was stopped or kept, to go on from there.
    pub earlier: Option<State>,
}

impl Recipe {
    /// Training from the start.
    pub fn new(options: Options, lists: bool) -> Self {
        Self {
            options,
            lists,
            earlier: None,
        }
    }
}

/// How well a model predicts the ratings that were held out, and what it must beat.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Validation {
    /// Ratings measured on.
    pub ratings: usize,
    /// The model's root mean squared error, in stars.
    pub rmse: f64,
    /// That of each movie's mean.
    pub movie_means: f64,
    /// Whether lists by it depend on the person. Where every user's predictions rank movies alike they don't.
    pub personal: bool,
}

/// What was trained.
#[derive(Clone, Debug)]
pub struct Trained {
    /// What the solver found, and its course.
    pub fit: Fit,
    /// How; with the weight of fame that was chosen.
    pub options: Options,
    /// Bias and row of somebody new, where they were found.
    pub newcomer: Option<Vec<f32>>,
    /// Where users' biases have come to, where validation ratings show that they have moved.
    pub drift: Option<Drift>,
    /// How sure predictions are, where ratings were held out to find it by.
    pub odds: Option<Odds>,
    /// What people look for, where it was found.
    pub interest: Option<Interest>,
    /// How good the model is, where that was asked for and ratings were held out.
    pub validation: Option<Validation>,
}

/// Trains on the ratings that `split` gives for training; its validation ratings stop early, and choose what lists add.
///
/// A run that `observer` has stopped goes without interests, which are found last.
///
/// # Errors
/// [`Error::Options`] when the options can't be trained with or the earlier run is of another shape,
/// [`Error::NoRatings`] when there is nothing to train on, [`Error::Diverged`] when numbers stop being finite, and
/// [`Error::Stopped`] when the observer has it stopped before there is anything to keep.
pub fn train(
    data: &Dataset,
    split: &Split,
    recipe: Recipe,
    observer: &mut dyn Observer,
) -> Result<Trained, Error> {
    let Recipe {
        options,
        lists,
        earlier,
    } = recipe;
    let fit = recipe::fit(data, split, &options, earlier, observer)?;
    let mut trained = Trained::of(fit, options);
    let (ratings, parameters) = (&data.ratings, &trained.fit.parameters);
    // Each has stretches where one core waits.
    let (beside, ordered) = join(
        trained.options.thread_count(),
        || {
            let newcomer = newcomer(parameters, ratings, &split.train);
            let odds = odds::find(parameters, ratings, split);
            (
                newcomer,
                odds,
                lists.then(|| fame::choose(parameters, ratings, split)),
            )
        },
        || {
            let orders = data.has_times.then(|| split.in_order(ratings));
            let drift = orders
                .as_ref()
                .and_then(|orders| drift::find(parameters, ratings, orders));
            (orders, drift)
        },
    );
    let (newcomer, odds, fame) = beside;
    let (orders, drift) = ordered;
    (trained.newcomer, trained.odds, trained.drift) = (newcomer, odds, drift);
    if !lists {
        return Ok(trained);
    }
    let (ratings, parameters) = (&data.ratings, &trained.fit.parameters);
    let finds = recipe::has_interest(&trained.options) && !observer.stop();
    let flag = observer.stop_flag();
    let stop = || flag.is_some_and(|flag| flag.load(Ordering::Relaxed));
    let interest = orders.filter(|_| finds).and_then(|orders| {
        interest::find(
            parameters,
            ratings,
            (split, &orders),
            &trained.options,
            &stop,
        )
    });
    trained.validation = (!split.validation.is_empty()).then(|| Validation {
        ratings: split.validation.len(),
        rmse: validate(parameters, ratings, &split.validation).rmse(),
        movie_means: Baselines::of(ratings, split)
            .score_movies(ratings, split)
            .rmse,
        personal: interest.is_some() || parameters.are_personal(),
    });
    trained.options.fame = fame;
    trained.interest = interest;
    Ok(trained)
}

impl Trained {
    /// What a solver found and nothing else: of a run that goes on, too.
    pub fn of(fit: Fit, options: Options) -> Self {
        Self {
            fit,
            options,
            newcomer: None,
            drift: None,
            odds: None,
            interest: None,
            validation: None,
        }
    }
}
