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
//! What is left follows from the size of the data by [`settings`]: how many sweeps there are. Its
//! model is mean, biases and dot product: a network on top of rows that were found this way has
//! lowered no error that we measured (docs/RESULTS.md), and costs a device 30 times the arithmetic
//! of the rest. `--solver adam` trains all parts of `hybrid` by gradients instead.

use super::bayes::{self, Tags};
use super::checkpoint::State;
use super::error::Error;
use super::options::{ModelKind, Options, Solver};
use super::run::{Fit, Observer};
use super::{fit, gibbs};
use pocketrec_data::{Dataset, Split};

/// What `train` trains when nothing is said.
pub const MODEL: ModelKind = ModelKind::Hybrid;

/// Share of the ratings that `train` holds back for validation when nothing is said.
pub const VALIDATION: f64 = 0.05;

/// Numbers of a sampled row, the bias included, at least. Rows of up to 15 dimensions are made from
/// rows of 15 factors: what a sample knows beyond the dimensions asked for still helps its mean.
const WIDTH: usize = 16;
/// Rating visits that sweeps may cost together: about 45 seconds of processor time.
const VISITS: usize = 600_000_000;
/// The fewest sweeps, whatever the data's size, and the most.
const SWEEPS: (usize, usize) = (28, 100);
/// One sweep in so many is burn-in.
const BURN_IN: usize = 4;
/// Samples that go into the mean, about.
const SAMPLES: usize = 40;

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
        ..Options::default()
    }
}

/// How the sampler runs on so many training ratings: as many sweeps as `VISITS` buy, between the
/// two of `SWEEPS`. Many ratings pin rows down, so fewer samples give their mean.
pub fn settings(options: &Options, ratings: usize) -> bayes::Settings {
    let rule = (VISITS / ratings.max(1)).clamp(SWEEPS.0, SWEEPS.1);
    let total = options.sweeps.unwrap_or(rule).max(2);
    let burn_in = total / BURN_IN;
    let sweeps = total - burn_in;
    bayes::Settings {
        width: WIDTH.max((options.user_dim + 1).next_multiple_of(8)),
        burn_in,
        sweeps,
        thin: sweeps.div_ceil(SAMPLES),
        dim: options.user_dim,
        seed: options.seed,
        threads: options.thread_count(),
    }
}

/// Lines of history that a run has, at most.
pub fn lines(options: &Options, ratings: usize) -> usize {
    match options.solver {
        Solver::Adam | Solver::Imported => options.epochs,
        Solver::Gibbs => gibbs::lines(&settings(options, ratings)),
    }
}

/// What is known of movies besides ratings: genres, and the five years that the title's year is in.
pub fn tags(data: &Dataset) -> Tags {
    let rows = data.ratings.movie_ids.iter().zip(0u32..);
    Tags::new(rows.flat_map(|(id, row)| {
        let movie = data.titles.get(*id);
        let genres = movie.map_or(&[][..], |movie| &movie.genres);
        let year = movie.and_then(|movie| year(&movie.title));
        genres
            .iter()
            .filter(|genre| !genre.starts_with('('))
            .map(|genre| format!("genre {genre}"))
            .chain(year.map(|year| format!("years {}", year / 5 * 5)))
            .map(move |label| (label, row))
            .collect::<Vec<_>>()
    }))
}

/// The year that a title ends with: `Toy Story (1995)`.
fn year(title: &str) -> Option<u32> {
    let (_, rest) = title.trim_end().rsplit_once('(')?;
    let year = rest.strip_suffix(')')?.parse().ok()?;
    (1870..2100).contains(&year).then_some(year)
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
            let settings = settings(options, split.train.len());
            let tags = tags(data);
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
            let settings = settings(&options(MODEL), ratings);
            (settings.burn_in, settings.sweeps, settings.thin)
        };
        assert_eq!(sweeps(80_000), (25, 75, 2));
        assert_eq!(sweeps(1_000_000), (25, 75, 2));
        assert_eq!(sweeps(20_000_000), (7, 23, 1));
        assert_eq!(sweeps(32_000_000), (7, 21, 1));
    }

    #[test]
    fn rows_are_sampled_wide_enough_for_the_dimensions() {
        let width = |dim| {
            let options = Options {
                user_dim: dim,
                movie_dim: dim,
                ..options(MODEL)
            };
            settings(&options, 100_000).width
        };
        assert_eq!([2, 8, 15, 16, 24, 32].map(width), [16, 16, 16, 24, 32, 40]);
    }

    #[test]
    fn a_year_is_read_from_the_end_of_a_title_only() {
        assert_eq!(year("Toy Story (1995)"), Some(1995));
        assert_eq!(year("2001: A Space Odyssey (1968) "), Some(1968));
        assert_eq!(year("Babylon 5"), None);
        assert_eq!(year("Unknown (no year)"), None);
        assert_eq!(year("1984 (84)"), None);
    }
}
