//! The course of a training run: epochs, validation, early stopping.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::fast::Fast;
use super::order::Order;
use super::parameters::{Parameters, clamp};
use super::plain::Errors;
use super::resume::State;
use super::schedule::Course;
use super::simd::Kernel;
use super::{Error, Options, Sample};
use pocketrec_base::pages;
use pocketrec_data::{Ratings, Split, in_parts};

/// What one epoch did. Errors are in stars and squared stars.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// 1 for the first.
    pub number: usize,
    /// Mean squared error over the epoch's batches, each before its own step, as Keras reports it.
    pub train_mse: f64,
    /// Mean absolute error, likewise.
    pub train_mae: f64,
    /// Mean squared error on the validation ratings after the epoch, predictions clamped.
    pub validation_mse: f64,
    /// Mean absolute error, likewise.
    pub validation_mae: f64,
    /// Wall time of the epoch, validation included.
    pub seconds: f64,
    /// Whether the validation MSE is the lowest so far.
    pub improved: bool,
}

/// Told how a run gets on.
pub trait Observer {
    /// After some batches: `done` of `total` ratings of epoch `epoch` (1 for the first).
    fn progress(&mut self, epoch: usize, done: usize, total: usize) {
        let _ = (epoch, done, total);
    }

    /// After each epoch.
    fn epoch(&mut self, epoch: &Epoch) {
        let _ = epoch;
    }

    /// Whether the run should end here; asked about as often as [`progress`](Self::progress) is told, and more often
    /// than once a second.
    fn stop(&mut self) -> bool {
        false
    }

    /// Whether [`keep`](Self::keep) is due; asked between epochs or sweeps.
    fn wants_to_keep(&mut self) -> bool {
        false
    }

    /// What the run would give if it ended here.
    fn keep(&mut self, fit: Fit) {
        drop(fit);
    }
}

/// An observer that wants to know nothing.
impl Observer for () {}

/// The result of a run.
#[derive(Clone, Debug)]
pub struct Fit {
    /// The best epoch's parameters, or the last one's when nothing stops early.
    pub parameters: Parameters,
    /// Each epoch in turn.
    pub history: Vec<Epoch>,
    /// Number of the epoch that `parameters` are from.
    pub best_epoch: usize,
    /// Whether epochs were left out because validation got no better.
    pub stopped_early: bool,
    /// Whether the observer had the run stopped before its end.
    pub interrupted: bool,
    /// The code path that did it.
    pub kernel: Kernel,
    /// With how many threads.
    pub threads: usize,
    /// What [`resume`] goes on from; none of a sampler that has done all its sweeps.
    pub state: Option<State>,
}

/// Mean squared and mean absolute error of clamped predictions over some of the ratings;
/// both 0 when there are none.
pub fn validate(parameters: &Parameters, ratings: &Ratings, rows: &[u32]) -> (f64, f64) {
    let predicted = in_parts(rows.len(), |part| {
        let rows = rows[part].iter().map(|&row| row as usize);
        let mut predicted = vec![0.0; rows.len()];
        let pair = |row: usize| (ratings.users[row] as usize, ratings.movies[row] as usize);
        parameters.raw_many(rows.map(pair), &mut predicted);
        predicted
    });
    let mut sums = Errors::default();
    for (&row, predicted) in rows.iter().zip(predicted.into_iter().flatten()) {
        let predicted = clamp(predicted, parameters.scale);
        let error = f64::from(predicted) - f64::from(ratings.stars[row as usize]);
        sums.squared += error * error;
        sums.absolute += error.abs();
    }
    let count = rows.len().max(1) as f64;
    (sums.squared / count, sums.absolute / count)
}

fn select(ratings: &Ratings, rows: &[u32]) -> Vec<Sample> {
    pages::filled(rows.len(), |place| {
        let row = rows[place] as usize;
        Sample {
            user: ratings.users[row],
            movie: ratings.movies[row],
            stars: ratings.stars[row],
        }
    })
}

/// Trains a model on the ratings that `split` gives for training.
///
/// The result is a function of the arguments and of the kernel's path alone, bit for bit. With no
/// validation ratings nothing stops early and the last epoch's parameters are taken.
///
/// # Errors
/// [`Error::Options`] when the options don't pass [`Options::check`], [`Error::NoRatings`] when
/// there is nothing to train on, [`Error::Diverged`] when an error stops being finite, [`Error::Stopped`] when the
/// observer has it stopped before an epoch is done.
pub fn fit(
    ratings: &Ratings,
    split: &Split,
    options: &Options,
    observer: &mut dyn Observer,
) -> Result<Fit, Error> {
    run(ratings, split, options, None, observer)
}

/// Goes on with a run that ended after fewer epochs, up to `options.epochs` in all.
///
/// With the same ratings, split and options (but for `epochs`, under a schedule that doesn't depend on it) the result
/// is what one uninterrupted run would have given, bit for bit.
///
/// # Errors
/// As [`fit`]; [`Error::Options`] also when the state is of a model of another shape.
pub fn resume(
    ratings: &Ratings,
    split: &Split,
    options: &Options,
    state: State,
    observer: &mut dyn Observer,
) -> Result<Fit, Error> {
    run(ratings, split, options, Some(state), observer)
}

/// The order in which each epoch of [`fit`] by Adam meets the ratings of a split, by their numbers, given the epoch's
/// number from 1: for other programs to train on the same batches.
pub fn orders(
    ratings: &Ratings,
    split: &Split,
    options: &Options,
) -> impl FnMut(usize) -> Vec<u32> {
    // The number takes the movie's place, which nothing looks at.
    let numbered = |number: &u32| Sample {
        user: ratings.users[*number as usize],
        movie: *number,
        stars: 0.0,
    };
    let samples = split.train.iter().map(numbered).collect();
    let mut order = Order::new(samples, options.seed, options.batch, options.thread_count());
    move |epoch| {
        order
            .of_epoch(epoch)
            .iter()
            .map(|sample| sample.movie)
            .collect()
    }
}

fn run(
    ratings: &Ratings,
    split: &Split,
    options: &Options,
    earlier: Option<State>,
    observer: &mut dyn Observer,
) -> Result<Fit, Error> {
    options.check()?;
    if split.train.is_empty() {
        return Err(Error::NoRatings);
    }
    let samples = select(ratings, &split.train);
    let held_out = select(ratings, &split.validation);
    let total = samples.len();
    let sum: f64 = samples.iter().map(|sample| f64::from(sample.stars)).sum();
    let mean = (sum / total as f64) as f32;
    let (users, movies) = (ratings.user_ids.len(), ratings.movie_ids.len());
    let start = Parameters::initial(options, users, movies, mean);
    let kernel = options.kernel.unwrap_or_else(Kernel::best);
    let threads = options.thread_count();
    let mut solver = Fast::new(&start, options, kernel, threads);
    let mut order = Order::new(samples, options.seed, options.batch, threads);
    let course = Course {
        schedule: options.schedule,
        warm_up: options.warm_up,
        epoch_steps: total.div_ceil(options.batch),
        epochs: options.epochs,
    };
    let (rate, table_rate) = (options.learning_rate, options.table_rate());
    let rates = |step| {
        let factor = course.factor(step);
        (rate * factor, table_rate * factor)
    };
    let patience = options.patience.filter(|_| !split.validation.is_empty());

    let mut history: Vec<Epoch> = Vec::new();
    let mut best: Option<(usize, Parameters)> = None;
    let mut state = State::default();
    if let Some(earlier) = earlier {
        if !earlier.restore(&mut solver) {
            return Err(Error::Options(
                "the run to resume is of a model of another shape, or of other ratings".into(),
            ));
        }
        history.clone_from(&earlier.history);
        let parameters = earlier.best(&start).unwrap_or_else(|| solver.parameters());
        best = Some((lowest(&history), parameters));
        state = earlier;
    }
    drop(start);
    let (mut stopped_early, mut interrupted) = (false, false);
    // What the run gives where it is now.
    let give = |solver: &Fast, state: &mut State, best: Option<&(usize, Parameters)>| {
        let last = state.history.len();
        let best = best.filter(|_| patience.is_some());
        state.keep_best(
            best.filter(|(epoch, _)| *epoch < last)
                .map(|(_, best)| best),
        );
        best.map_or_else(|| (last, solver.parameters()), Clone::clone)
    };
    for number in history.len() + 1..=options.epochs {
        if observer.stop() {
            interrupted = true;
            break;
        }
        let clock = Instant::now();
        let mut progress = |done| {
            observer.progress(number, done, total);
            !observer.stop()
        };
        let Some(sums) = solver.epoch(order.of_epoch(number), &rates, &mut progress) else {
            interrupted = true;
            break;
        };
        let validation = solver.measure(&held_out);
        let validation_count = held_out.len().max(1) as f64;
        let validation_mse = validation.squared / validation_count;
        if !(sums.squared.is_finite() && validation_mse.is_finite()) {
            return Err(Error::Diverged {
                epoch: number,
                advice: "a lower --lr",
            });
        }
        let improved = history
            .iter()
            .all(|earlier| validation_mse < earlier.validation_mse);
        let epoch = Epoch {
            number,
            train_mse: sums.squared / total as f64,
            train_mae: sums.absolute / total as f64,
            validation_mse,
            validation_mae: validation.absolute / validation_count,
            seconds: clock.elapsed().as_secs_f64(),
            improved,
        };
        history.push(epoch);
        observer.epoch(&epoch);
        if improved && patience.is_some() {
            best = Some((number, solver.parameters()));
        }
        state.follow(&solver, &history);
        if let (Some(patience), Some((best_epoch, _))) = (patience, &best)
            && number >= best_epoch + patience
            && number < options.epochs
        {
            stopped_early = true;
            break;
        }
        if number < options.epochs && observer.wants_to_keep() {
            let (best_epoch, parameters) = give(&solver, &mut state, best.as_ref());
            observer.keep(Fit {
                parameters,
                history: history.clone(),
                best_epoch,
                stopped_early: false,
                interrupted: true,
                kernel,
                threads,
                state: Some(state.clone()),
            });
        }
    }
    if history.is_empty() {
        return Err(Error::Stopped);
    }
    if interrupted {
        // Within an epoch the trainer is nowhere.
        state.restore(&mut solver);
    }
    let (best_epoch, parameters) = give(&solver, &mut state, best.as_ref());
    // Giving back hundreds of megabytes takes a while, which nobody needs to wait for.
    let _ = std::thread::Builder::new().spawn(move || drop(order));
    Ok(Fit {
        parameters,
        history,
        best_epoch,
        stopped_early,
        interrupted,
        kernel,
        threads,
        state: Some(state),
    })
}

/// The epoch with the lowest validation MSE, the first of equals; 0 of none.
fn lowest(history: &[Epoch]) -> usize {
    let epochs = history.iter().rev();
    epochs
        .min_by(|a, b| a.validation_mse.total_cmp(&b.validation_mse))
        .map_or(0, |epoch| epoch.number)
}

#[cfg(test)]
mod tests {
    use super::super::random::{Random, Stream};
    use super::super::schedule::Schedule;
    use super::super::{ModelKind, Optimiser};
    use super::*;

    /// Ratings by a hidden taste of two numbers, in half stars.
    fn ratings() -> (Ratings, Split) {
        let random = Random::new(5, Stream::Order, 77);
        let (users, movies) = (40u32, 30u32);
        let mut ratings = Ratings {
            user_ids: (1..=users).collect(),
            movie_ids: (1..=movies).collect(),
            ..Ratings::default()
        };
        for user in 0..users {
            for movie in 0..movies {
                let taste = random.symmetric(u64::from(user), 1.0);
                let kind = random.symmetric(1000 + u64::from(movie), 1.0);
                ratings.users.push(user);
                ratings.movies.push(movie);
                ratings
                    .stars
                    .push(((3.0 + taste + 2.0 * taste * kind) * 2.0).round() / 2.0);
                ratings.times.push(0);
            }
        }
        let (validation, train) = (0..users * movies).partition(|row| row % 7 == 3);
        (ratings, Split { train, validation })
    }

    fn quick(model: ModelKind) -> Options {
        Options {
            model,
            batch: 32,
            learning_rate: 0.01,
            epochs: 30,
            seed: 4,
            ..Options::default()
        }
    }

    #[test]
    fn every_kind_of_model_learns_a_hidden_taste() {
        let (ratings, split) = ratings();
        for model in [ModelKind::Mlp, ModelKind::Mf, ModelKind::Hybrid] {
            let fit = fit(&ratings, &split, &quick(model), &mut ()).unwrap();
            let best = fit.history[fit.best_epoch - 1];
            assert!(best.validation_mse < 0.1, "{model:?}: {best:?}");
            let (mse, mae) = validate(&fit.parameters, &ratings, &split.validation);
            // The kernel sums in another order than a device does.
            assert!((mse - best.validation_mse).abs() < 1e-5 * mse);
            assert!((mae - best.validation_mae).abs() < 1e-5 * mae);
        }
    }

    #[test]
    fn a_seed_gives_the_same_parameters_twice_and_another_seed_others() {
        let (ratings, split) = ratings();
        let mut options = Options {
            epochs: 3,
            ..quick(ModelKind::Hybrid)
        };
        let first = fit(&ratings, &split, &options, &mut ()).unwrap();
        let second = fit(&ratings, &split, &options, &mut ()).unwrap();
        assert_eq!(first.parameters, second.parameters);
        options.seed += 1;
        let other = fit(&ratings, &split, &options, &mut ()).unwrap();
        assert_ne!(first.parameters, other.parameters);
    }

    #[test]
    fn the_orders_told_are_those_that_epochs_have() {
        let (ratings, split) = ratings();
        let options = quick(ModelKind::Mlp);
        let samples = select(&ratings, &split.train);
        let mut order = Order::new(samples, options.seed, options.batch, 1);
        let mut told = orders(&ratings, &split, &options);
        for epoch in [1, 2] {
            let told = told(epoch);
            assert_eq!(select(&ratings, &told), order.of_epoch(epoch));
            assert_ne!(told, split.train);
        }
    }

    #[test]
    fn early_stopping_keeps_the_best_epoch_and_waits_for_its_patience() {
        let (ratings, split) = ratings();
        let options = Options {
            learning_rate: 0.3,
            patience: Some(2),
            epochs: 60,
            ..quick(ModelKind::Mf)
        };
        let stopped = fit(&ratings, &split, &options, &mut ()).unwrap();
        assert!(stopped.stopped_early);
        assert_eq!(stopped.history.len(), stopped.best_epoch + 2);
        let lowest = stopped
            .history
            .iter()
            .map(|e| e.validation_mse)
            .fold(f64::MAX, f64::min);
        assert_eq!(
            stopped.history[stopped.best_epoch - 1].validation_mse,
            lowest
        );

        let options = Options {
            patience: None,
            epochs: 6,
            ..options
        };
        let all = fit(&ratings, &split, &options, &mut ()).unwrap();
        assert_eq!((all.history.len(), all.best_epoch), (6, 6));
        assert!(!all.stopped_early);
    }

    #[test]
    fn a_resumed_run_gives_what_an_uninterrupted_one_gives_bit_for_bit() {
        let (ratings, split) = ratings();
        for (optimiser, patience) in [
            (Optimiser::Lazy, Some(5)),
            (Optimiser::Decayed, None),
            (Optimiser::Dense, Some(9)),
        ] {
            let options = Options {
                optimiser,
                patience,
                epochs: 6,
                warm_up: 70,
                schedule: Schedule::Step {
                    epochs: 2,
                    factor: 0.5,
                },
                weight_decay: 0.1,
                ..quick(ModelKind::Hybrid)
            };
            let whole = fit(&ratings, &split, &options, &mut ()).unwrap();
            let short = Options {
                epochs: 3,
                ..options.clone()
            };
            let first = fit(&ratings, &split, &short, &mut ()).unwrap();
            let state = first.state.unwrap();
            let rest = resume(&ratings, &split, &options, state.clone(), &mut ()).unwrap();
            assert_eq!(rest.parameters, whole.parameters, "{optimiser:?}");
            assert_eq!(rest.best_epoch, whole.best_epoch);
            let same =
                |a: &Epoch, b: &Epoch| Epoch { seconds: 0.0, ..*a } == Epoch { seconds: 0.0, ..*b };
            assert!(
                rest.history
                    .iter()
                    .zip(&whole.history)
                    .all(|(a, b)| same(a, b))
            );

            let other = Options {
                user_dim: 9,
                movie_dim: 9,
                ..options
            };
            let refused = resume(&ratings, &split, &other, state, &mut ());
            assert!(matches!(refused, Err(Error::Options(_))));
        }
    }

    /// Has a run stopped once it has been asked so often, and keeps what is kept after each epoch.
    struct Stopping(usize, Vec<Fit>);

    impl Observer for Stopping {
        fn stop(&mut self) -> bool {
            self.0 = self.0.saturating_sub(1);
            self.0 == 0
        }
        fn wants_to_keep(&mut self) -> bool {
            true
        }
        fn keep(&mut self, fit: Fit) {
            self.1.push(fit);
        }
    }

    #[test]
    fn a_run_that_is_stopped_anywhere_gives_its_whole_epochs_and_goes_on_to_the_same_bits() {
        let (ratings, split) = ratings();
        for patience in [Some(2), None] {
            let options = Options {
                patience,
                epochs: 7,
                batch: 8,
                // Too fast to get better each time: the best epoch isn't always the last.
                learning_rate: 0.1,
                ..quick(ModelKind::Hybrid)
            };
            let whole = fit(&ratings, &split, &options, &mut ()).unwrap();
            let (mut earliest, mut most) = (0, 0);
            for asked in (1..60).step_by(2) {
                let mut observer = Stopping(asked, Vec::new());
                let stopped = match fit(&ratings, &split, &options, &mut observer) {
                    Err(Error::Stopped) => {
                        earliest = asked;
                        continue;
                    }
                    other => other.unwrap(),
                };
                if !stopped.interrupted {
                    break;
                }
                most = stopped.history.len();
                let short = Options {
                    epochs: most,
                    ..options.clone()
                };
                let due = fit(&ratings, &split, &short, &mut ()).unwrap();
                assert_eq!(stopped.parameters, due.parameters, "asked {asked} times");
                assert_eq!(stopped.best_epoch, due.best_epoch);
                for kept in observer.1.pop().into_iter().chain([stopped]) {
                    let state = kept.state.unwrap();
                    let rest = resume(&ratings, &split, &options, state, &mut ()).unwrap();
                    assert_eq!(rest.parameters, whole.parameters, "asked {asked} times");
                    assert_eq!(rest.best_epoch, whole.best_epoch);
                }
            }
            assert!(earliest > 1 && most > 2, "{earliest} {most}");
        }
    }

    #[test]
    fn the_observer_hears_of_every_epoch_and_of_the_last_rating() {
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
        let (ratings, split) = ratings();
        let mut heard = Heard::default();
        let options = Options {
            epochs: 3,
            ..quick(ModelKind::Mf)
        };
        fit(&ratings, &split, &options, &mut heard).unwrap();
        assert_eq!((heard.0.as_slice(), heard.1), ([1, 2, 3].as_slice(), 3));
    }

    #[test]
    fn nothing_to_train_on_is_an_error_and_not_a_model() {
        let (ratings, split) = ratings();
        let empty = Split {
            train: Vec::new(),
            ..split
        };
        let error = fit(&ratings, &empty, &Options::default(), &mut ()).unwrap_err();
        assert!(matches!(error, Error::NoRatings));
    }
}
