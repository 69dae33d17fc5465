//! A run of the sampler as training sees it: options and a split in, parameters and a history out.

use std::time::Instant;

use super::bayes::{self, Input, Settings, Sweep, Tags, Watch};
use super::parameters::{Parameters, clamp};
use super::simd::Kernel;
use super::{Epoch, Error, Fit, Observer, Options, validate};
use crate::data::{Ratings, Split};

/// Lines of history that the sweeps of a run are gathered into, about.
const LINES: usize = 20;
/// Ratings that errors are followed on while sampling, at most, for training and for validation.
const PROBE: usize = 100_000;

fn group(settings: &Settings) -> usize {
    (settings.burn_in + settings.sweeps).div_ceil(LINES).max(1)
}

/// Lines of history that a run has.
pub fn lines(settings: &Settings) -> usize {
    (settings.burn_in + settings.sweeps).div_ceil(group(settings))
}

/// Samples the model of [`bayes`] on the ratings that `split` gives for training.
///
/// A line of history is a few sweeps: the errors of the mean of the samples so far (of those
/// sweeps' own mean during burn-in), on at most 100,000 ratings of each kind. The last line has the
/// validation errors of the parameters that come out.
///
/// # Errors
/// [`Error::Options`] when the options don't pass [`Options::check`] or rows have more dimensions
/// than can be sampled, [`Error::NoRatings`] when there is nothing to train on, [`Error::Diverged`]
/// when a parameter isn't finite.
pub fn fit(
    ratings: &Ratings,
    tags: &Tags,
    split: &Split,
    options: &Options,
    settings: &Settings,
    observer: &mut dyn Observer,
) -> Result<Fit, Error> {
    options.check()?;
    if options.user_dim != options.movie_dim || options.user_dim >= 32 {
        return Err(Error::Options(format!(
            "the gibbs solver gives users and movies rows of one size, 1 to 31, not {} and {}",
            options.user_dim, options.movie_dim
        )));
    }
    if split.train.is_empty() {
        return Err(Error::NoRatings);
    }
    let select = |row: u32| {
        let row = row as usize;
        (ratings.users[row], ratings.movies[row], ratings.stars[row])
    };
    let probe = |rows: &[u32]| Probe::new(rows, select);
    let mut run = Run {
        group: group(settings),
        ratings: split.train.len(),
        burning_in: false,
        scale: options.scale,
        train: probe(&split.train),
        validation: probe(&split.validation),
        clock: Instant::now(),
        history: Vec::new(),
        observer,
    };
    let (users, movies) = (ratings.user_count(), ratings.movie_count());
    let input = Input {
        users,
        movies,
        ratings: split.train.iter().map(|&row| select(row)),
        tags,
    };
    let rows = bayes::fit(input, settings, &mut run);
    let parameters = Parameters {
        model: options.model,
        mean: rows.mean,
        scale: options.scale,
        users,
        movies,
        user_dim: options.user_dim,
        movie_dim: options.movie_dim,
        user_embedding: rows.user_rows,
        movie_embedding: rows.movie_rows,
        user_bias: rows.user_bias,
        movie_bias: rows.movie_bias,
        layers: Vec::new(),
    };
    let history = run.finish(&parameters, ratings, &split.validation);
    let finite = [
        &parameters.user_embedding,
        &parameters.movie_embedding,
        &parameters.user_bias,
        &parameters.movie_bias,
    ]
    .into_iter()
    .all(|table| table.iter().all(|value| value.is_finite()));
    let best_epoch = history.len();
    if !finite {
        return Err(Error::Diverged { epoch: best_epoch });
    }
    Ok(Fit {
        parameters,
        history,
        best_epoch,
        stopped_early: false,
        kernel: Kernel::Portable,
        threads: settings.threads,
        state: None,
    })
}

/// Ratings that errors are followed on, and the sum of the samples' predictions of them.
struct Probe {
    ratings: Vec<(u32, u32, f32)>,
    sums: Vec<f64>,
    samples: usize,
}

impl Probe {
    /// At most [`PROBE`] of `rows`, evenly spread.
    fn new(rows: &[u32], select: impl Fn(u32) -> (u32, u32, f32)) -> Self {
        let step = rows.len().div_ceil(PROBE).max(1);
        let ratings: Vec<_> = rows.iter().step_by(step).map(|&row| select(row)).collect();
        Self {
            sums: vec![0.0; ratings.len()],
            samples: 0,
            ratings,
        }
    }

    fn restart(&mut self) {
        self.sums.fill(0.0);
        self.samples = 0;
    }

    fn add(&mut self, predict: &dyn Fn(u32, u32) -> f32) {
        self.samples += 1;
        for (sum, &(user, movie, _)) in self.sums.iter_mut().zip(&self.ratings) {
            *sum += f64::from(predict(user, movie));
        }
    }

    /// Mean squared and mean absolute error of the mean prediction, clamped.
    fn errors(&self, scale: (f32, f32)) -> (f64, f64) {
        let (mut squared, mut absolute) = (0.0, 0.0);
        for (sum, &(.., stars)) in self.sums.iter().zip(&self.ratings) {
            let predicted = clamp((sum / self.samples.max(1) as f64) as f32, scale);
            let error = f64::from(predicted) - f64::from(stars);
            squared += error * error;
            absolute += error.abs();
        }
        let count = self.ratings.len().max(1) as f64;
        (squared / count, absolute / count)
    }
}

struct Run<'a> {
    group: usize,
    ratings: usize,
    burning_in: bool,
    scale: (f32, f32),
    train: Probe,
    validation: Probe,
    clock: Instant,
    history: Vec<Epoch>,
    observer: &'a mut dyn Observer,
}

impl Run<'_> {
    fn line(&mut self, validation: (f64, f64)) {
        let (train_mse, train_mae) = self.train.errors(self.scale);
        let (validation_mse, validation_mae) = validation;
        let lowest = self.history.iter().map(|e| e.validation_mse);
        let epoch = Epoch {
            number: self.history.len() + 1,
            train_mse,
            train_mae,
            validation_mse,
            validation_mae,
            seconds: self.clock.elapsed().as_secs_f64(),
            improved: lowest.fold(f64::INFINITY, f64::min) > validation_mse,
        };
        self.clock = Instant::now();
        self.history.push(epoch);
        self.observer.epoch(&epoch);
    }

    /// The last line, with the errors of what came out.
    fn finish(mut self, parameters: &Parameters, ratings: &Ratings, rows: &[u32]) -> Vec<Epoch> {
        self.line(validate(parameters, ratings, rows));
        self.history
    }
}

impl Watch for Run<'_> {
    fn sweep(&mut self, sweep: &Sweep<'_>) {
        if self.burning_in && !sweep.burn_in {
            self.train.restart();
            self.validation.restart();
        }
        self.burning_in = sweep.burn_in;
        self.train.add(sweep.predict);
        self.validation.add(sweep.predict);
        let in_group = (sweep.number - 1) % self.group + 1;
        let here = self.group.min(sweep.total - (sweep.number - in_group));
        self.observer.progress(
            self.history.len() + 1,
            in_group * self.ratings,
            here * self.ratings,
        );
        if in_group < here || sweep.number == sweep.total {
            return;
        }
        let errors = self.validation.errors(self.scale);
        self.line(errors);
        if sweep.burn_in {
            self.train.restart();
            self.validation.restart();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ModelKind, recipe};
    use super::*;

    fn ratings() -> (Ratings, Split) {
        let (users, movies) = (40u32, 30u32);
        let mut ratings = Ratings {
            user_ids: (1..=users).collect(),
            movie_ids: (1..=movies).collect(),
            ..Ratings::default()
        };
        for user in 0..users {
            for movie in 0..movies {
                let taste = (f64::from(user) * 0.7).sin() * (f64::from(movie) * 1.3).sin();
                ratings.users.push(user);
                ratings.movies.push(movie);
                ratings.stars.push((3.0 + 2.0 * taste) as f32);
                ratings.times.push(0);
            }
        }
        let (validation, train) = (0..users * movies).partition(|row| row % 7 == 3);
        (ratings, Split { train, validation })
    }

    fn run(options: &Options, observer: &mut dyn Observer) -> Result<Fit, Error> {
        let (ratings, split) = ratings();
        let settings = recipe::settings(options, split.train.len());
        fit(
            &ratings,
            &Tags::default(),
            &split,
            options,
            &settings,
            observer,
        )
    }

    #[test]
    fn the_last_line_of_history_is_of_the_parameters_that_come_out() {
        let fit = run(&recipe::options(ModelKind::Hybrid), &mut ()).unwrap();
        let (ratings, split) = ratings();
        let last = fit.history[fit.best_epoch - 1];
        assert_eq!(fit.history.len(), LINES);
        assert_eq!(
            validate(&fit.parameters, &ratings, &split.validation),
            (last.validation_mse, last.validation_mae)
        );
        assert!(last.validation_mse < 0.02, "{last:?}");
    }

    #[test]
    fn the_observer_hears_of_every_line_and_of_its_last_rating() {
        #[derive(Default)]
        struct Heard(Vec<usize>, usize);
        impl Observer for Heard {
            fn progress(&mut self, _: usize, done: usize, total: usize) {
                self.1 += usize::from(done == total);
            }
            fn epoch(&mut self, epoch: &Epoch) {
                self.0.push(epoch.number);
            }
        }
        let mut heard = Heard::default();
        let options = Options {
            sweeps: Some(9),
            ..recipe::options(ModelKind::Hybrid)
        };
        run(&options, &mut heard).unwrap();
        assert_eq!((heard.0, heard.1), ((1..=9).collect(), 9));
    }

    #[test]
    fn rows_that_cannot_be_sampled_are_refused_by_size() {
        let options = Options {
            user_dim: 40,
            movie_dim: 40,
            ..recipe::options(ModelKind::Hybrid)
        };
        let error = run(&options, &mut ()).unwrap_err().to_string();
        assert!(error.contains("not 40 and 40"), "{error}");
    }
}
