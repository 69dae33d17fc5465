//! What a person may say about the model and its training: the options that `train` and `evaluate` share.

use anyhow::Result;

use pocketrec_base::error::BadInput;
use pocketrec_data::Scale;
use pocketrec_train::schedule::Schedule;
use pocketrec_train::simd::Kernel;
use pocketrec_train::{ModelKind, Optimiser, Options, Solver, recipe};

/// Model and training. What isn't given is the recipe's of the kind of model.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Model and training")]
pub struct ModelArgs {
    /// Kind of model: hybrid, mf (biases and dot product) or mlp (embeddings and a small multilayer perceptron, after a
    /// Keras lesson)
    #[arg(long, value_name = "KIND", default_value = recipe::MODEL.name(), value_parser = model)]
    pub model: ModelKind,

    /// Training algorithm: gibbs (sampling, nothing to tune) or adam (gradient descent) [default: gibbs for hybrid,
    /// else adam]
    #[arg(long, value_name = "NAME", value_parser = solver)]
    solver: Option<Solver>,

    /// Dimensions of each user's and each movie's embedding; at most 32 fit in an image [default: 8; by Gibbs sampling 8
    /// to 30, as many as the ratings bear]
    #[arg(long, value_name = "N")]
    dim: Option<usize>,

    /// Dimensions of user embeddings, if different from --dim
    #[arg(long, value_name = "N")]
    user_dim: Option<usize>,

    /// Dimensions of movie embeddings, if different from --dim
    #[arg(long, value_name = "N")]
    movie_dim: Option<usize>,

    /// Random seed for the validation split, the initial values and the order of ratings
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,

    /// Gibbs: sweeps over the ratings, of which the first quarter is discarded as burn-in [default: 100, fewer above 3
    /// million ratings, up to 200 below 400,000]
    #[arg(long, value_name = "N")]
    sweeps: Option<usize>,

    /// Gibbs: learn from ratings alone, not from what is known of users and movies: genres, years and the columns of
    /// --user-table and --movie-table
    #[arg(long)]
    no_sides: bool,

    /// Adam: units of each hidden layer, separated by commas, or none [default: 32,4]
    #[arg(long, value_name = "UNITS")]
    hidden: Option<Hidden>,

    /// Adam: learning rate [default: 0.005]
    #[arg(long, value_name = "RATE", value_parser = rate)]
    lr: Option<f32>,

    /// Adam: learning rate of embeddings and biases, if different from --lr
    #[arg(long, value_name = "RATE", value_parser = rate)]
    table_lr: Option<f32>,

    /// Adam: batch size, in ratings [default: 5000]
    #[arg(long, value_name = "N")]
    batch: Option<usize>,

    /// Adam: maximum number of epochs [default: 20]
    #[arg(long, value_name = "N")]
    epochs: Option<usize>,

    /// Adam: how embeddings are updated: lazy (only the rows in a batch), decayed (lazy, catching up on skipped decay)
    /// or dense (every row) [default: lazy]
    #[arg(long, value_name = "NAME", value_parser = optimiser)]
    optimiser: Option<Optimiser>,

    /// Adam: L2 penalty on the embeddings and biases of each rating's user and movie [default: 0]
    #[arg(long, value_name = "WEIGHT")]
    l2: Option<f32>,

    /// Adam: decoupled weight decay [default: 0]
    #[arg(long, value_name = "WEIGHT")]
    weight_decay: Option<f32>,

    /// Adam: learning-rate schedule: constant, cosine (to 0 over all epochs) or step:EPOCHS:FACTOR [default: constant]
    #[arg(long, value_name = "COURSE", value_parser = schedule)]
    schedule: Option<Schedule>,

    /// Adam: steps of linear warm-up from a learning rate of 0 [default: 0]
    #[arg(long, value_name = "STEPS")]
    warm_up: Option<usize>,

    /// Instruction set of the kernels: avx2, avx512, neon or portable. Sampling has the same bits with each; of Adam
    /// only portable has the same on every machine [default: the fastest here]
    #[arg(long, value_name = "PATH", value_parser = kernel)]
    kernel: Option<Kernel>,

    /// Number of threads, which doesn't change the result [default: one per core]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,

    /// Adam: stop after this many epochs without a lower validation error, and keep the best epoch [default: 5]
    #[arg(long, value_name = "N")]
    patience: Option<usize>,

    /// Adam: run every epoch and keep the last
    #[arg(long, conflicts_with = "patience")]
    no_early_stop: bool,
}

#[derive(Debug, Clone)]
struct Hidden(Vec<usize>);

impl std::str::FromStr for Hidden {
    type Err = String;

    fn from_str(text: &str) -> Result<Hidden, String> {
        if text == "none" {
            return Ok(Hidden(Vec::new()));
        }
        let units = |part: &str| match part.trim().parse() {
            Ok(units) if (1..=4096).contains(&units) => Ok(units),
            _ => Err(format!(
                "`{part}` should be a whole number from 1 to 4096; two layers are given as 32,4"
            )),
        };
        text.split(',')
            .map(units)
            .collect::<Result<_, _>>()
            .map(Hidden)
    }
}

pub(super) fn model(name: &str) -> Result<ModelKind, String> {
    ModelKind::from_name(name).ok_or_else(|| "it should be mlp, mf or hybrid".into())
}

fn solver(name: &str) -> Result<Solver, String> {
    Solver::from_name(name).ok_or_else(|| "it should be gibbs or adam".into())
}

fn optimiser(name: &str) -> Result<Optimiser, String> {
    Optimiser::from_name(name).ok_or_else(|| "it should be lazy, decayed or dense".into())
}

fn schedule(text: &str) -> Result<Schedule, String> {
    Schedule::from_name(text).ok_or_else(|| {
        "it should be constant, cosine or step:EPOCHS:FACTOR, for instance step:5:0.5".into()
    })
}

fn kernel(name: &str) -> Result<Kernel, String> {
    Kernel::from_name(name).ok_or_else(|| "it should be portable, avx2, avx512 or neon".into())
}

impl ModelArgs {
    /// The options of a run on ratings of that scale.
    ///
    /// # Errors
    /// [`BadInput`] names the option that can't be trained with, or that belongs to the other solver.
    pub fn options(&self, scale: Scale) -> Result<Options> {
        let base = recipe::options(self.model);
        let solver = self.solver.unwrap_or(base.solver);
        let given = match solver {
            Solver::Gibbs => self.of_adam(),
            Solver::Adam | Solver::Imported => [
                (self.sweeps.is_some(), "--sweeps"),
                (self.no_sides, "--no-sides"),
            ]
            .into_iter()
            .find_map(|(given, name)| given.then_some(name)),
        };
        if let Some(option) = given {
            let other = match solver {
                Solver::Gibbs => Solver::Adam,
                Solver::Adam | Solver::Imported => Solver::Gibbs,
            };
            return Err(BadInput::new(format!(
                "{option} doesn't apply to the {} solver; add --solver {}, or leave it out",
                solver.name(),
                other.name()
            ))
            .into());
        }
        let options = Options {
            solver,
            sweeps: self.sweeps,
            user_dim: self.user_dim.or(self.dim).unwrap_or(base.user_dim),
            movie_dim: self.movie_dim.or(self.dim).unwrap_or(base.movie_dim),
            by_data: solver == Solver::Gibbs
                && [self.dim, self.user_dim, self.movie_dim]
                    .iter()
                    .all(Option::is_none),
            sides: !self.no_sides,
            hidden: self.hidden.clone().map_or(base.hidden, |hidden| hidden.0),
            learning_rate: self.lr.unwrap_or(base.learning_rate),
            table_learning_rate: self.table_lr.or(base.table_learning_rate),
            batch: self.batch.unwrap_or(base.batch),
            epochs: self.epochs.unwrap_or(base.epochs),
            seed: self.seed,
            optimiser: self.optimiser.unwrap_or(base.optimiser),
            l2: self.l2.unwrap_or(base.l2),
            weight_decay: self.weight_decay.unwrap_or(base.weight_decay),
            schedule: self.schedule.unwrap_or(base.schedule),
            warm_up: self.warm_up.unwrap_or(base.warm_up),
            kernel: self.kernel.or(base.kernel),
            threads: self.threads.or(base.threads),
            patience: match self.no_early_stop {
                true => None,
                false => self.patience.or(base.patience),
            },
            scale: (scale.min, scale.max),
            step: scale.step,
            ..base
        };
        options.check().map_err(BadInput::new)?;
        if options.user_dim.max(options.movie_dim) > 1024 {
            return Err(BadInput::new("an embedding may have at most 1024 numbers").into());
        }
        Ok(options)
    }

    /// The first option given that only Adam listens to.
    fn of_adam(&self) -> Option<&'static str> {
        [
            (self.hidden.is_some(), "--hidden"),
            (self.lr.is_some(), "--lr"),
            (self.table_lr.is_some(), "--table-lr"),
            (self.batch.is_some(), "--batch"),
            (self.epochs.is_some(), "--epochs"),
            (self.optimiser.is_some(), "--optimiser"),
            (self.l2.is_some(), "--l2"),
            (self.weight_decay.is_some(), "--weight-decay"),
            (self.schedule.is_some(), "--schedule"),
            (self.warm_up.is_some(), "--warm-up"),
            (self.patience.is_some(), "--patience"),
            (self.no_early_stop, "--no-early-stop"),
        ]
        .into_iter()
        .find_map(|(given, name)| given.then_some(name))
    }
}

/// A learning rate. One that single precision makes 0 of would be refused as a 0 that nobody wrote.
fn rate(text: &str) -> Result<f32, String> {
    let wrong = || "it should be a number above 0, for instance 0.005".to_owned();
    let rate: f64 = text.parse().map_err(|_| wrong())?;
    if rate > 0.0 && rate < f64::from(f32::MIN_POSITIVE) {
        return Err(format!(
            "it should be at least {:e}, the smallest that training tells from 0, for instance 0.005",
            f32::MIN_POSITIVE
        ));
    }
    // Neither infinity nor what is no number.
    if rate.is_nan() || rate > f64::from(f32::MAX) {
        return Err(wrong());
    }
    Ok(rate as f32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        model: ModelArgs,
    }

    fn options(line: &str) -> Result<Options, String> {
        let words = std::iter::once("host").chain(line.split_whitespace());
        let line = Line::try_parse_from(words).map_err(|error| error.to_string())?;
        line.model
            .options(Scale::of(&[]))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_said_is_the_default_recipe_and_one_flag_is_the_lesson() {
        assert_eq!(options("").unwrap(), recipe::options(recipe::MODEL));
        assert_eq!(options("--model mlp").unwrap(), Options::default());
    }

    #[test]
    fn a_rate_too_small_to_be_told_from_0_is_refused_as_that() {
        for line in ["--model mlp --lr 1e-300", "--model mlp --table-lr 1e-40"] {
            let error = options(line).unwrap_err();
            let value = line.rsplit(' ').next().unwrap();
            assert!(
                error.contains(&format!("invalid value '{value}' for '--")),
                "{error}"
            );
            assert!(
                error.contains("should be at least 1.1754944e-38"),
                "{error}"
            );
        }
        for rate in ["inf", "nan", "1e39"] {
            let error = options(&format!("--model mlp --lr {rate}")).unwrap_err();
            assert!(error.contains("should be a number above 0"), "{error}");
        }
        let error = options("--model mlp --lr 0").unwrap_err();
        assert!(
            error.contains("the learning rate is 0; it must be above 0"),
            "{error}"
        );
        assert_eq!(
            options("--model mlp --lr 1e-3").unwrap().learning_rate,
            1e-3
        );
    }

    #[test]
    fn an_option_of_the_other_solver_is_refused_by_name() {
        for (line, name) in [
            ("--epochs 3", "--epochs"),
            ("--no-early-stop", "--no-early-stop"),
            ("--hidden none", "--hidden"),
            ("--schedule cosine", "--schedule"),
            ("--model mlp --sweeps 30", "--sweeps"),
        ] {
            let error = options(line).unwrap_err();
            assert!(error.contains(name), "{line}: {error}");
        }
        let adam = options("--model hybrid --solver adam --epochs 3 --hidden 8").unwrap();
        assert_eq!((adam.epochs, adam.hidden), (3, vec![8]));
        assert!(options("--model mlp --solver gibbs").is_err());
    }
}
