//! A run of Adam: epochs, validation, early stopping.

use super::error::Error;
use super::fast::Fast;
use super::history::History;
use super::memory;
use super::options::Options;
use super::order::Order;
use super::parameters::Parameters;
use super::run::{self, Fit, Observer};
use super::sample::Sample;
use super::schedule::Course;
use super::simd::Kernel;
use super::state::State;
use pocketrec_base::pages;
use pocketrec_data::{Ratings, Split};

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

/// The order in which each epoch by Adam meets the ratings of a split, by their numbers, given the epoch's
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

/// Trains a model on the ratings that `split` gives for training.
///
/// The result is a function of the arguments and of the kernel's path alone, bit for bit. With no
/// validation ratings nothing stops early and the last epoch's parameters are taken.
///
/// `earlier` is the state of a run that ended after fewer epochs, to go on from there up to `options.epochs` in all.
/// With the same ratings, split and options (but for `epochs`, under a schedule that doesn't depend on it) the result
/// is what one uninterrupted run would have given, bit for bit.
///
/// # Errors
/// As [`train`](super::train()).
pub(crate) fn fit(
    ratings: &Ratings,
    split: &Split,
    options: &Options,
    earlier: Option<State>,
    observer: &mut dyn Observer,
) -> Result<Fit, Error> {
    run::check(options, split)?;
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

    let mut history = History::new(Vec::new());
    let mut best: Option<(usize, Parameters)> = None;
    let mut state = State::default();
    if let Some(earlier) = earlier {
        if !memory::restore(&earlier, &mut solver) {
            return Err(run::other_shape());
        }
        history = History::new(earlier.history.clone());
        let parameters = memory::best(&earlier, &start).unwrap_or_else(|| solver.parameters());
        best = history.lowest().map(|epoch| (epoch.number, parameters));
        state = earlier;
    }
    drop(start);
    let (mut stopped_early, mut interrupted) = (false, false);
    // What the run gives where it is now.
    let give = |solver: &Fast, mut state: State, best: Option<&(usize, Parameters)>| {
        let last = state.history.len();
        let best = best.filter(|_| patience.is_some());
        let earlier = best.filter(|(epoch, _)| *epoch < last);
        memory::keep_best(&mut state, earlier.map(|(_, best)| best));
        let (best_epoch, parameters) =
            best.map_or_else(|| (last, solver.parameters()), Clone::clone);
        Fit {
            parameters,
            history: state.history.clone(),
            best_epoch,
            stopped_early: false,
            interrupted: true,
            kernel,
            threads,
            state: Some(state),
        }
    };
    for number in history.epochs.len() + 1..=options.epochs {
        if observer.stop() {
            interrupted = true;
            break;
        }
        history.begin(0.0);
        let mut progress = |done| {
            observer.progress(number, done, total);
            !observer.stop()
        };
        let Some(errors) = solver.epoch(order.of_epoch(number), &rates, &mut progress) else {
            interrupted = true;
            break;
        };
        let validation = solver.measure(&held_out);
        if !(errors.squared.is_finite() && validation.squared.is_finite()) {
            return Err(Error::Diverged {
                epoch: number,
                advice: "a lower --lr",
            });
        }
        let epoch = history.end(errors, validation);
        observer.epoch(&epoch);
        if epoch.improved && patience.is_some() {
            best = Some((number, solver.parameters()));
        }
        memory::follow(&mut state, &solver, &history.epochs);
        if let (Some(patience), Some((best_epoch, _))) = (patience, &best)
            && number >= best_epoch + patience
            && number < options.epochs
        {
            stopped_early = true;
            break;
        }
        if number < options.epochs && observer.wants_to_keep() {
            observer.keep(give(&solver, state.clone(), best.as_ref()));
        }
    }
    if history.epochs.is_empty() {
        return Err(Error::Stopped);
    }
    if interrupted {
        // Within an epoch the trainer is nowhere.
        memory::restore(&state, &mut solver);
    }
    let fit = give(&solver, state, best.as_ref());
    // Giving back hundreds of megabytes takes a while, which nobody needs to wait for.
    let _ = std::thread::Builder::new().spawn(move || drop(order));
    Ok(Fit {
        stopped_early,
        interrupted,
        ..fit
    })
}

#[cfg(test)]
mod tests {
    use super::super::options::{ModelKind, Optimiser};
    use super::super::random::{Random, Stream};
    use super::super::run::tests::{Heard, Stopping, timeless};
    use super::super::run::validate;
    use super::super::schedule::Schedule;
    use super::*;

    /// Ratings by a hidden taste of two numbers, in half stars.
    fn ratings() -> (Ratings, Split) {
        let random = Random::new(5, Stream::Order, 77);
        run::tests::ratings(|user, movie| {
            let taste = random.symmetric(u64::from(user), 1.0);
            let kind = random.symmetric(1000 + u64::from(movie), 1.0);
            ((3.0 + taste + 2.0 * taste * kind) * 2.0).round() / 2.0
        })
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
            let fit = fit(&ratings, &split, &quick(model), None, &mut ()).unwrap();
            let best = fit.history[fit.best_epoch - 1];
            assert!(best.validation_mse < 0.1, "{model:?}: {best:?}");
            let due = validate(&fit.parameters, &ratings, &split.validation);
            // The kernel sums in another order than a device does.
            assert!((due.mse() - best.validation_mse).abs() < 1e-5 * due.mse());
            assert!((due.mae() - best.validation_mae).abs() < 1e-5 * due.mae());
        }
    }

    #[test]
    fn a_run_is_by_the_path_that_was_asked_for() {
        let (ratings, split) = ratings();
        for kernel in Kernel::ALL
            .into_iter()
            .filter(|kernel| kernel.is_available())
        {
            let options = Options {
                epochs: 1,
                kernel: Some(kernel),
                ..quick(ModelKind::Mlp)
            };
            let fit = fit(&ratings, &split, &options, None, &mut ()).unwrap();
            assert_eq!(fit.kernel, kernel);
        }
    }

    #[test]
    fn a_seed_gives_the_same_parameters_twice_and_another_seed_others() {
        let (ratings, split) = ratings();
        let mut options = Options {
            epochs: 3,
            ..quick(ModelKind::Hybrid)
        };
        let first = fit(&ratings, &split, &options, None, &mut ()).unwrap();
        let second = fit(&ratings, &split, &options, None, &mut ()).unwrap();
        assert_eq!(first.parameters, second.parameters);
        options.seed += 1;
        let other = fit(&ratings, &split, &options, None, &mut ()).unwrap();
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
        let stopped = fit(&ratings, &split, &options, None, &mut ()).unwrap();
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
        let all = fit(&ratings, &split, &options, None, &mut ()).unwrap();
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
            let whole = fit(&ratings, &split, &options, None, &mut ()).unwrap();
            let short = Options {
                epochs: 3,
                ..options.clone()
            };
            let first = fit(&ratings, &split, &short, None, &mut ()).unwrap();
            let state = first.state.unwrap();
            let rest = fit(&ratings, &split, &options, Some(state.clone()), &mut ()).unwrap();
            assert_eq!(rest.parameters, whole.parameters, "{optimiser:?}");
            assert_eq!(rest.best_epoch, whole.best_epoch);
            assert_eq!(timeless(&rest.history), timeless(&whole.history));

            let other = Options {
                user_dim: 9,
                movie_dim: 9,
                ..options
            };
            let refused = fit(&ratings, &split, &other, Some(state), &mut ());
            assert!(matches!(refused, Err(Error::Options(_))));
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
            let whole = fit(&ratings, &split, &options, None, &mut ()).unwrap();
            let (mut earliest, mut most) = (0, 0);
            for asked in (1..60).step_by(2) {
                let mut observer = Stopping(asked, Vec::new());
                let stopped = match fit(&ratings, &split, &options, None, &mut observer) {
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
                let due = fit(&ratings, &split, &short, None, &mut ()).unwrap();
                assert_eq!(stopped.parameters, due.parameters, "asked {asked} times");
                assert_eq!(stopped.best_epoch, due.best_epoch);
                for kept in observer.1.pop().into_iter().chain([stopped]) {
                    let state = kept.state.unwrap();
                    let rest = fit(&ratings, &split, &options, Some(state), &mut ()).unwrap();
                    assert_eq!(rest.parameters, whole.parameters, "asked {asked} times");
                    assert_eq!(rest.best_epoch, whole.best_epoch);
                }
            }
            assert!(earliest > 1 && most > 2, "{earliest} {most}");
        }
    }

    #[test]
    fn the_observer_hears_of_every_epoch_and_of_the_last_rating() {
        let (ratings, split) = ratings();
        let mut heard = Heard::default();
        let options = Options {
            epochs: 3,
            ..quick(ModelKind::Mf)
        };
        fit(&ratings, &split, &options, None, &mut heard).unwrap();
        assert_eq!((heard.0.as_slice(), heard.1), ([1, 2, 3].as_slice(), 3));
    }

    #[test]
    fn nothing_to_train_on_is_an_error_and_not_a_model() {
        let (ratings, split) = ratings();
        let empty = Split {
            train: Vec::new(),
            ..split
        };
        let error = fit(&ratings, &empty, &Options::default(), None, &mut ()).unwrap_err();
        assert!(matches!(error, Error::NoRatings));
    }
}
