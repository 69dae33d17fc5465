//! The recipes: with what each kind of model is trained unless told otherwise. The one home of defaults.
//!
//! | model | solver | from |
//! |---|---|---|
//! | `mlp` | Adam, as [`Options::default`] | the lesson |
//! | `mf` | Adam, as [`Options::default`] | the lesson's settings on another model |
//! | `hybrid` | [`bayes`]: Gibbs sampling, samples made into one model | below |
//!
//! `hybrid` has no constant that is set for a data set. How strongly rows are held to their prior,
//! how much implicit feedback and genres say, and how noisy each user is, are drawn with the rest.
//! What is left follows from the data: how many sweeps there are from its size ([`settings`]), how many dimensions from
//! how often users and movies are rated ([`Borne`]) and from what the samples say that each explains
//! ([`bayes::EXPLAINS`]). Its model is mean, biases and dot product: a network on top of rows that were found this way has
//! lowered no error that we measured (docs/RESULTS.md), and costs a device 30 times the arithmetic
//! of the rest. `--solver adam` trains all parts of `hybrid` by gradients instead.

use super::bayes;
use super::error::Error;
use super::options::{ModelKind, Options, Solver};
use super::run::{Fit, Observer};
use super::simd::Kernel;
use super::state::State;
use super::{fit, gibbs, sides};
use pocketrec_data::{Dataset, Ratings, Split};

/// What `train` trains when nothing is said.
pub const MODEL: ModelKind = ModelKind::Hybrid;

/// Share of the ratings that `train` holds back for validation when nothing is said.
pub const VALIDATION: f64 = 0.05;

/// Dimensions at most, where nobody says: the most below 32 that a board takes two at a time, and with the bias the four
/// lines of eight that a sampled row has.
const MOST_DIMENSIONS: usize = 30;
/// Numbers of a sampled row, the bias included, at least. Rows of up to 15 dimensions are made from
/// rows of 15 factors: what a sample knows beyond the dimensions asked for still helps its mean.
const WIDTH: usize = 16;
/// Rating visits that sweeps may cost together: some 10 seconds of processor time for rows of 16 numbers.
const VISITS: usize = 304_000_000;
/// The fewest sweeps, whatever the data's size, and as many as that buys at most. 20 million made-up ratings of 8 dimensions
/// gain 0.0003 of RMSE by 19 sweeps that all draw everything in place of the fewest.
const SWEEPS: (usize, usize) = (16, 100);
/// Few ratings leave rows uncertain, and so the mean of few samples: there are more sweeps as long as they cost no more visits
/// than this, which is a few seconds of processor time.
const FEW_VISITS: usize = 40_000_000;
/// And at most so many: more lower no error by 0.0001.
const MOST_SWEEPS: usize = 200;
/// One sweep in so many is burn-in.
const BURN_IN: usize = 4;
/// Samples that go into the mean, about.
const SAMPLES: usize = 75;

pub use super::interest::settings as interest;

/// Whether a model's lists have an interest: the default's. The lesson's model stays as it is.
pub fn has_interest(options: &Options) -> bool {
    options.solver == Solver::Gibbs
}

/// The options of a kind of model; the scale is the caller's to set.
pub fn options(model: ModelKind) -> Options {
    Options {
        model,
        solver: match model {
            ModelKind::Hybrid => Solver::Gibbs,
            ModelKind::Mlp | ModelKind::Mf => Solver::Adam,
        },
        by_data: model == ModelKind::Hybrid,
        ..Options::default()
    }
}

/// What ratings bear of dimensions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Borne {
    /// The ratings that speak of a prediction, on the mean.
    pub ratings: f64,
    /// The most dimensions.
    pub most: usize,
}

impl Borne {
    /// For each so many ratings that speak of a prediction there may be a dimension.
    pub const RATINGS: f64 = 4.5;

    /// By those of `ratings` that are trained on. Where the data say how many dimensions there are, it is an even number
    /// from that of the options up to 30.
    ///
    /// Where a user has n ratings and a movie m, rows of D numbers that are fitted to them err in their product by D (1/n +
    /// 1/m) times the ratings' noise. So what speaks of a prediction are 1 / (1/n + 1/m) ratings: the mean of that over the
    /// ratings, 37 for the built-in ones and some 180 for a million by 6,000 users. A dimension for every 4.5 leaves the
    /// built-in ones the 8 that devices are quickest with, where 16 would lower the RMSE by 0.0016. Stars aren't looked
    /// at, of whichever part of the data.
    pub fn of(options: &Options, ratings: &Ratings, train: &[u32]) -> Self {
        let mut counts = (
            vec![0_u32; ratings.user_count()],
            vec![0_u32; ratings.movie_count()],
        );
        let pairs = || {
            let rows = train.iter().map(|&row| row as usize);
            rows.map(|row| (ratings.users[row] as usize, ratings.movies[row] as usize))
        };
        for (user, movie) in pairs() {
            counts.0[user] += 1;
            counts.1[movie] += 1;
        }
        let speak = |(user, movie): (usize, usize)| {
            let (n, m) = (f64::from(counts.0[user]), f64::from(counts.1[movie]));
            n * m / (n + m)
        };
        let mean = pairs().map(speak).sum::<f64>() / train.len().max(1) as f64;
        let borne = (mean / Self::RATINGS) as usize;
        let most = match options.by_data {
            true => (borne - borne % 2).min(MOST_DIMENSIONS),
            false => 0,
        };
        Self {
            ratings: mean,
            most: most.max(options.user_dim),
        }
    }
}

/// How the sampler runs on so many training ratings: as many sweeps as `VISITS` buy, between the
/// two of `SWEEPS`, and more of few ratings. Many ratings pin rows down, so fewer samples give their mean.
/// Rows have as many dimensions as the options say and up to `most`.
pub fn settings(options: &Options, ratings: usize, most: usize) -> bayes::Settings {
    let visits = |all: usize| all / ratings.max(1);
    let rule = (visits(VISITS).clamp(SWEEPS.0, SWEEPS.1)).max(visits(FEW_VISITS).min(MOST_SWEEPS));
    let total = options.sweeps.unwrap_or(rule).max(2);
    let burn_in = total / BURN_IN;
    let sweeps = total - burn_in;
    bayes::Settings {
        width: WIDTH.max((most + 1).next_multiple_of(8)),
        burn_in,
        sweeps,
        thin: sweeps.div_ceil(SAMPLES),
        implicit_every: if total > SWEEPS.0 { 1 } else { 2 },
        dims: (options.user_dim, most),
        seed: options.seed,
        threads: options.thread_count(),
        kernel: options.kernel.unwrap_or_else(Kernel::best),
    }
}

/// Lines of history that a run has, at most.
pub fn lines(options: &Options, ratings: usize) -> usize {
    match options.solver {
        Solver::Adam | Solver::Imported => options.epochs,
        Solver::Gibbs => gibbs::lines(&settings(options, ratings, options.user_dim)),
    }
}

/// Trains by the solver that `options` name on the ratings that `split` gives for training; a run that was stopped or
/// kept goes on from its state, if there is one.
///
/// # Errors
/// As [`train`](super::train()).
pub(crate) fn fit(
    data: &Dataset,
    split: &Split,
    options: &Options,
    earlier: Option<State>,
    observer: &mut dyn Observer,
) -> Result<Fit, Error> {
    let ratings = &data.ratings;
    match options.solver {
        // Refused there: what was imported can't be trained on.
        Solver::Adam | Solver::Imported => fit::fit(ratings, split, options, earlier, observer),
        Solver::Gibbs => {
            let borne = Borne::of(options, ratings, &split.train);
            let settings = settings(options, split.train.len(), borne.most);
            let tags = match options.sides {
                true => sides::tags(data),
                false => Default::default(),
            };
            gibbs::fit(ratings, &tags, split, options, &settings, earlier, observer)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lessons_model_keeps_the_lessons_options() {
        assert_eq!(options(ModelKind::Mlp), Options::default());
        assert_eq!(options(MODEL).solver, Solver::Gibbs);
    }

    #[test]
    fn sweeps_follow_from_the_number_of_ratings() {
        let sweeps = |ratings| {
            let settings = settings(&options(MODEL), ratings, 8);
            let every = settings.implicit_every;
            (settings.burn_in, settings.sweeps, settings.thin, every)
        };
        assert_eq!(sweeps(80_000), (50, 150, 2, 1));
        assert_eq!(sweeps(300_000), (33, 100, 2, 1));
        assert_eq!(sweeps(1_000_000), (25, 75, 1, 1));
        assert_eq!(sweeps(19_000_000), (4, 12, 1, 2));
        assert_eq!(sweeps(32_000_000), (4, 12, 1, 2));
    }

    #[test]
    fn rows_are_sampled_wide_enough_for_the_dimensions() {
        let width = |dim| {
            let options = Options {
                user_dim: dim,
                movie_dim: dim,
                ..options(MODEL)
            };
            settings(&options, 100_000, dim).width
        };
        assert_eq!([2, 8, 15, 16, 24, 32].map(width), [16, 16, 16, 24, 32, 40]);
    }

    #[test]
    fn the_most_dimensions_follow_from_how_often_users_and_movies_are_rated() {
        // Everybody rates everything, so 1 / (1/n + 1/n) = n / 2 ratings speak of each prediction.
        let square = |side: u32, options: &Options| {
            let pairs = || (0..side).flat_map(|user| (0..side).map(move |movie| (user, movie)));
            let ratings = Ratings {
                user_ids: (0..side).collect(),
                movie_ids: (0..side).collect(),
                users: pairs().map(|(user, _)| user).collect(),
                movies: pairs().map(|(_, movie)| movie).collect(),
                ..Ratings::default()
            };
            let train: Vec<u32> = (0..side * side).collect();
            let borne = Borne::of(options, &ratings, &train);
            assert!((borne.ratings - f64::from(side) / 2.0).abs() < 1e-6);
            borne.most
        };
        let by_data = options(MODEL);
        let most = [10, 72, 90, 180, 250, 300].map(|side| square(side, &by_data));
        assert_eq!(most, [8, 8, 10, 20, 26, 30]);
        let asked = Options {
            by_data: false,
            ..by_data
        };
        assert_eq!(square(300, &asked), 8);
        // Rows of 30 numbers and a bias are four lines of eight.
        assert_eq!(settings(&options(MODEL), 1_000_000, 30).width, 32);
    }
}
