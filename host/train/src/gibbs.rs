//! A run of the sampler as training sees it: options and a split in, parameters and a history out.

use super::bayes::{self, Input, Rows, Settings, Sweep, Tags, Then, Watch};
use super::error::Error;
use super::history::History;
use super::options::Options;
use super::parameters::{Parameters, clamp};
use super::run::{self, Fit, Observer, validate};
use super::simd::Kernel;
use super::state::{Numbers, State};
use pocketrec_data::{Ratings, Split};
use pocketrec_metrics::Errors;

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

/// Samples the model of [`bayes`] on the ratings that `split` gives for training, with tags of users and of movies.
///
/// A line of history is a few sweeps: the errors of the mean of the samples so far (of those
/// sweeps' own mean during burn-in), on at most 100,000 ratings of each kind. The last line has the
/// validation errors of the parameters that come out.
///
/// `earlier` is the state of a run with the same arguments that the observer had stopped or kept, to go on from there;
/// the result is what one uninterrupted run would have given, bit for bit. A run that is stopped gives the model of its
/// samples so far, or of its last sweep while it is burning in.
///
/// # Errors
/// [`Error::Options`] when the options don't pass [`Options::check`] or the earlier run was of another shape, [`Error::NoRatings`] when there is nothing to train on, [`Error::Diverged`]
/// when a parameter isn't finite, [`Error::Stopped`] when the observer has it stopped before a sweep is done.
pub fn fit(
    ratings: &Ratings,
    tags: &[Tags; 2],
    split: &Split,
    options: &Options,
    settings: &Settings,
    earlier: Option<State>,
    observer: &mut dyn Observer,
) -> Result<Fit, Error> {
    run::check(options, split)?;
    let select = |row: u32| {
        let row = row as usize;
        (ratings.users[row], ratings.movies[row], ratings.stars[row])
    };
    let probe = |rows: &[u32]| Probe::new(rows, select);
    let mut run = Run {
        group: group(settings),
        ratings,
        split,
        options,
        threads: settings.threads,
        kernel: settings.kernel,
        burning_in: false,
        train: probe(&split.train),
        validation: probe(&split.validation),
        history: History::new(Vec::new()),
        ending: false,
        stopped: None,
        observer,
    };
    if let Some(earlier) = &earlier {
        run.restore(earlier).ok_or_else(run::other_shape)?;
    }
    if run.observer.stop() {
        return Err(Error::Stopped);
    }
    let input = Input {
        users: ratings.user_count(),
        movies: ratings.movie_count(),
        ratings: split.train.iter().map(|&row| select(row)),
        tags,
    };
    let Some(rows) = bayes::fit(input, settings, earlier.as_ref(), &mut run) else {
        return run
            .stopped
            .take()
            .unwrap_or_else(|| Err(run::other_shape()));
    };
    run.finish(rows, None)
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

    /// Takes back sums and the number of samples.
    fn restore(&mut self, sums: &[f64]) -> Option<()> {
        let (samples, sums) = sums.split_last()?;
        self.sums.copy_from_slice(sums);
        self.samples = *samples as usize;
        Some(())
    }

    /// Sums and the number of samples.
    fn numbers(&self) -> Numbers {
        let samples = [self.samples as f64];
        Numbers::F64(self.sums.iter().copied().chain(samples).collect())
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

    /// Errors of the mean prediction, clamped.
    fn errors(&self, scale: (f32, f32)) -> Errors {
        let samples = self.samples.max(1) as f64;
        let mean = self.sums.iter().map(|sum| (sum / samples) as f32);
        mean.map(|predicted| clamp(predicted, scale))
            .zip(self.ratings.iter().map(|&(.., stars)| stars))
            .collect()
    }
}

/// Names in a [`State`].
const PROBE_TRAIN: &str = "probe_train";
const PROBE_VALIDATION: &str = "probe_validation";
const PROBE_CLOCK: &str = "probe_seconds";

struct Run<'a> {
    group: usize,
    ratings: &'a Ratings,
    split: &'a Split,
    options: &'a Options,
    threads: usize,
    kernel: Kernel,
    burning_in: bool,
    train: Probe,
    validation: Probe,
    history: History,
    /// Whether it is being stopped.
    ending: bool,
    /// What came of the run when it was stopped.
    stopped: Option<Result<Fit, Error>>,
    observer: &'a mut dyn Observer,
}

impl Run<'_> {
    /// Ends a line of history.
    fn line(&mut self, validation: Errors) {
        let train = self.train.errors(self.options.scale);
        let epoch = self.history.end(train, validation);
        self.observer.epoch(&epoch);
    }

    /// Takes over where an earlier run was.
    fn restore(&mut self, earlier: &State) -> Option<()> {
        self.history = History::new(earlier.history.clone());
        for (name, probe) in [
            (PROBE_TRAIN, &mut self.train),
            (PROBE_VALIDATION, &mut self.validation),
        ] {
            probe.restore(earlier.doubles(name, probe.sums.len() + 1)?)?;
        }
        let clock = earlier.doubles(PROBE_CLOCK, 2)?;
        self.history.begin(*clock.first()?);
        self.burning_in = *clock.last()? > 0.0;
        Some(())
    }

    /// The model that the rows are. Whole, the last line of history, with the errors of what came out, is told; of a run
    /// that was stopped it is in what comes of it, and not in the state.
    fn finish(&mut self, rows: Rows, state: Option<State>) -> Result<Fit, Error> {
        let options = self.options;
        let parameters = Parameters {
            model: options.model,
            mean: rows.mean,
            scale: options.scale,
            users: self.ratings.user_count(),
            movies: self.ratings.movie_count(),
            user_dim: rows.dim,
            movie_dim: rows.dim,
            user_embedding: rows.user_rows,
            movie_embedding: rows.movie_rows,
            user_bias: rows.user_bias,
            movie_bias: rows.movie_bias,
            layers: Vec::new(),
        };
        let errors = validate(&parameters, self.ratings, &self.split.validation);
        let interrupted = state.is_some();
        let mut history = self.history.epochs.clone();
        if interrupted {
            let train = self.train.errors(options.scale);
            history.push(self.history.epoch(train, errors));
        } else {
            self.line(errors);
            history.clone_from(&self.history.epochs);
        }
        let best_epoch = history.len();
        let mut tables = parameters.tables().into_iter().flatten();
        if !tables.all(|value| value.is_finite()) || !errors.squared.is_finite() {
            return Err(Error::Diverged {
                epoch: best_epoch,
                advice: "a lower --dim, another --seed, or --solver adam",
            });
        }
        Ok(Fit {
            parameters,
            history,
            best_epoch,
            stopped_early: false,
            interrupted,
            kernel: self.kernel,
            threads: self.threads,
            state,
        })
    }
}

impl Watch for Run<'_> {
    fn sweep(&mut self, sweep: &Sweep<'_>) -> Then {
        if self.burning_in && !sweep.burn_in {
            self.train.restart();
            self.validation.restart();
        }
        self.burning_in = sweep.burn_in;
        self.train.add(sweep.predict);
        self.validation.add(sweep.predict);
        let in_group = (sweep.number - 1) % self.group + 1;
        let here = self.group.min(sweep.total - (sweep.number - in_group));
        let ratings = self.split.train.len();
        self.observer.progress(
            self.history.epochs.len() + 1,
            in_group * ratings,
            here * ratings,
        );
        if sweep.number == sweep.total {
            return Then::GoOn;
        }
        if in_group == here {
            let errors = self.validation.errors(self.options.scale);
            self.line(errors);
            if sweep.burn_in {
                self.train.restart();
                self.validation.restart();
            }
        }
        self.ending = self.observer.stop();
        if self.ending {
            Then::End
        } else if self.observer.wants_to_keep() {
            Then::Keep
        } else {
            Then::GoOn
        }
    }

    fn keep(&mut self, rows: Rows, mut state: State) {
        state.history.clone_from(&self.history.epochs);
        state.keep(PROBE_TRAIN, self.train.numbers());
        state.keep(PROBE_VALIDATION, self.validation.numbers());
        let seconds = self.history.seconds();
        let burning_in = f64::from(u8::from(self.burning_in));
        state.keep(PROBE_CLOCK, Numbers::F64(vec![seconds, burning_in]));
        let fit = self.finish(rows, Some(state));
        if self.ending {
            self.stopped = Some(fit);
        } else if let Ok(fit) = fit {
            self.observer.keep(fit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::options::ModelKind;
    use super::super::recipe;
    use super::super::run::tests::{Heard, Stopping, timeless};
    use super::*;

    fn ratings() -> (Ratings, Split) {
        run::tests::ratings(|user, movie| {
            let taste = (f64::from(user) * 0.7).sin() * (f64::from(movie) * 1.3).sin();
            (3.0 + 2.0 * taste) as f32
        })
    }

    fn run(options: &Options, observer: &mut dyn Observer) -> Result<Fit, Error> {
        let (ratings, split) = ratings();
        let settings = recipe::settings(options, split.train.len(), options.user_dim);
        fit(
            &ratings,
            &Default::default(),
            &split,
            options,
            &settings,
            None,
            observer,
        )
    }

    #[test]
    fn a_run_that_is_stopped_anywhere_gives_a_model_and_goes_on_to_the_same_bits() {
        let (ratings, split) = ratings();
        let tags = [40u32, 30]
            .map(|rows| Tags::new((0..rows).map(|row| (format!("tag {}", row % 5), row))));
        let options = Options {
            sweeps: Some(43),
            ..recipe::options(ModelKind::Hybrid)
        };
        let settings = recipe::settings(&options, split.train.len(), options.user_dim);
        assert!(settings.thin == 1 && settings.burn_in == 10 && group(&settings) == 3);
        let run = |earlier, observer: &mut dyn Observer| {
            fit(
                &ratings, &tags, &split, &options, &settings, earlier, observer,
            )
        };
        let whole = run(None, &mut ()).unwrap();
        assert!(whole.state.is_none() && !whole.interrupted);
        assert!(matches!(
            run(None, &mut Stopping(1, Vec::new())),
            Err(Error::Stopped)
        ));
        for asked in [2, 4, 11, 20, 22, 43] {
            let mut observer = Stopping(asked, Vec::new());
            let stopped = run(None, &mut observer).unwrap();
            assert!(stopped.interrupted, "{asked}");
            assert_eq!(stopped.best_epoch, stopped.history.len());
            let lasts = observer.1.into_iter().rev().take(2);
            for kept in lasts.chain([stopped]) {
                let last = kept.history[kept.best_epoch - 1];
                let measured = validate(&kept.parameters, &ratings, &split.validation);
                assert_eq!(measured.mse(), last.validation_mse);
                assert_eq!(measured.mae(), last.validation_mae);
                let rest = run(kept.state, &mut ()).unwrap();
                assert_eq!(rest.parameters, whole.parameters, "{asked}");
                assert_eq!(timeless(&rest.history), timeless(&whole.history), "{asked}");
            }
        }
        let other = State::at(5, &whole.history);
        assert!(matches!(run(Some(other), &mut ()), Err(Error::Options(_))));
    }

    #[test]
    fn the_last_line_of_history_is_of_the_parameters_that_come_out() {
        let fit = run(&recipe::options(ModelKind::Hybrid), &mut ()).unwrap();
        let (ratings, split) = ratings();
        let last = fit.history[fit.best_epoch - 1];
        assert_eq!(fit.history.len(), LINES);
        let measured = validate(&fit.parameters, &ratings, &split.validation);
        assert_eq!(
            (measured.mse(), measured.mae()),
            (last.validation_mse, last.validation_mae)
        );
        assert!(last.validation_mse < 0.02, "{last:?}");
    }

    #[test]
    fn the_observer_hears_of_every_line_and_of_its_last_rating() {
        let mut heard = Heard::default();
        let options = Options {
            sweeps: Some(9),
            ..recipe::options(ModelKind::Hybrid)
        };
        run(&options, &mut heard).unwrap();
        assert_eq!((heard.0, heard.1), ((1..=9).collect(), 9));
    }

    #[test]
    fn a_run_is_by_the_path_that_was_asked_for() {
        for kernel in Kernel::ALL
            .into_iter()
            .filter(|kernel| kernel.is_available())
        {
            let options = Options {
                sweeps: Some(2),
                kernel: Some(kernel),
                ..recipe::options(ModelKind::Hybrid)
            };
            assert_eq!(run(&options, &mut ()).unwrap().kernel, kernel);
        }
    }

    #[test]
    fn rows_that_cannot_be_sampled_are_refused_by_size() {
        let options = Options {
            user_dim: 40,
            movie_dim: 40,
            ..recipe::options(ModelKind::Hybrid)
        };
        let error = run(&options, &mut ()).unwrap_err().to_string();
        assert!(error.contains("at most 32"), "{error}");
    }
}
