//! Training as a whole: from ratings and a recipe to everything that a checkpoint holds. The command, evaluation and
//! simulated people all come by here.

use std::sync::atomic::Ordering;

use pocketrec_data::{Dataset, Ratings, Split};
use pocketrec_metrics::baselines::Baselines;

use super::checkpoint::{Checkpoint, DataNote, SplitNote, State, Validation};
use super::drift::{self, Drift};
use super::error::Error;
use super::interest::{self, Interest};
use super::newcomer::newcomer;
use super::odds::{self, Odds};
use super::options::{ModelKind, Options};
use super::run::{Fit, Observer, validate};
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
    trained.newcomer = newcomer(&trained.fit.parameters, &data.ratings, &split.train);
    if data.has_times {
        trained.drift = drift::find(&trained.fit.parameters, &data.ratings, split);
    }
    trained.odds = odds::find(&trained.fit.parameters, &data.ratings, split);
    if !lists {
        return Ok(trained);
    }
    let (ratings, parameters) = (&data.ratings, &trained.fit.parameters);
    let fame = fame::choose(parameters, ratings, split);
    let finds = recipe::has_interest(&trained.options) && data.has_times && !observer.stop();
    let flag = observer.stop_flag();
    let stop = || flag.is_some_and(|flag| flag.load(Ordering::Relaxed));
    let interest = finds
        .then(|| interest::find(parameters, ratings, split, &trained.options, &stop))
        .flatten();
    trained.validation = (!split.validation.is_empty()).then(|| Validation {
        ratings: split.validation.len(),
        rmse: validate(parameters, ratings, &split.validation).rmse(),
        movie_means: Baselines::of(ratings, split)
            .score_movies(ratings, split)
            .rmse,
        personal: interest.is_some() || parameters.are_personal(),
    });
    trained.options.fame = Some(fame);
    trained.interest = interest;
    Ok(trained)
}

/// The recipe of `model` trained on all of `ratings`; titles, scale and licence are those of `data`. Nothing that lists
/// add is found.
///
/// # Errors
/// As [`train`].
pub fn by_recipe(
    data: &Dataset,
    ratings: Ratings,
    model: ModelKind,
    seed: u64,
) -> Result<Checkpoint, Error> {
    let mut options = recipe::options(model);
    options.seed = seed;
    (options.scale, options.step) = ((data.scale.min, data.scale.max), data.scale.step);
    let data = Dataset::new(
        data.name.clone(),
        ratings,
        data.titles.clone(),
        data.license.clone(),
    );
    // Gradients need validation ratings to stop early; the sampler doesn't, but one rule is simpler to tell.
    let held = SplitNote {
        seed,
        share: recipe::VALIDATION,
    };
    let split = Split::random(data.ratings.len(), held.share, seed);
    let trained = train(&data, &split, Recipe::new(options, false), &mut ())?;
    let note = DataNote {
        source: String::new(),
        ..DataNote::of(&data)
    };
    Ok(trained.checkpoint(note, &data.ratings, None, held))
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

    /// The checkpoint of it. People and movies are told to have as many ratings as are among those with the numbers
    /// `counted`, or among all; `held` says which were held out.
    pub fn checkpoint(
        &self,
        data: DataNote,
        ratings: &Ratings,
        counted: Option<&[u32]>,
        held: SplitNote,
    ) -> Checkpoint {
        let counts = |rows: &[u32], length: usize| {
            let mut counts = vec![0; length];
            let mut count = |row: u32| counts[row as usize] += 1;
            match counted {
                None => rows.iter().copied().for_each(&mut count),
                Some(numbers) => {
                    let rows = numbers.iter().map(|&number| rows[number as usize]);
                    rows.for_each(&mut count);
                }
            }
            counts
        };
        Checkpoint {
            parameters: self.fit.parameters.clone(),
            user_counts: counts(&ratings.users, ratings.user_count()),
            movie_counts: counts(&ratings.movies, ratings.movie_count()),
            user_ids: ratings.user_ids.clone(),
            movie_ids: ratings.movie_ids.clone(),
            data,
            split: held,
            options: self.options.clone(),
            best_epoch: self.fit.best_epoch,
            newcomer: self.newcomer.clone(),
            drift: self.drift.clone(),
            odds: self.odds.clone(),
            interest: self.interest.clone(),
            validation: self.validation,
        }
    }
}
