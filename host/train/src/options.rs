//! What a person may choose about training. Changes when a choice is added.

use pocketrec::MAX_DIM;
use pocketrec_base::threads;
use serde::{Deserialize, Serialize};

use super::error::Error;
use super::schedule::Schedule;
use super::simd::Kernel;

/// Ratings of the largest batch: its gradients, at 32 dimensions, take 2 GB.
const MAX_BATCH: usize = 1 << 24;

/// The most threads: what a machine can't start ends the program.
const MAX_THREADS: usize = 1024;

/// Which parts of `mean + b_u + b_m + <p_u, q_m> + MLP([p_u ; q_m])` a model has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelKind {
    /// Mean and network: two embeddings, concatenated, through dense layers.
    Mlp,
    /// Mean, biases and the dot product: biased matrix factorisation.
    Mf,
    /// All of it.
    Hybrid,
}

impl ModelKind {
    /// Whether users and movies have a bias of their own.
    pub fn has_biases(self) -> bool {
        self != Self::Mlp
    }

    /// Whether the two embeddings of a rating are multiplied.
    pub fn has_dot(self) -> bool {
        self != Self::Mlp
    }

    /// Whether the two embeddings go through dense layers.
    pub fn has_network(self) -> bool {
        self != Self::Mf
    }

    /// The name used on the command line and in a checkpoint.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mlp => "mlp",
            Self::Mf => "mf",
            Self::Hybrid => "hybrid",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Mlp, Self::Mf, Self::Hybrid]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

/// How Adam treats the rows of the tables; the dense layers always get plain Adam.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Optimiser {
    /// Every row moves at every step, by its momentum when no rating touched it: the reference.
    Dense,
    /// Sparse Adam: only the rows that a batch touches move, and only their moments decay.
    Lazy,
    /// As `Lazy`, but a touched row's moments first decay by the steps that it slept through.
    Decayed,
}

impl Optimiser {
    /// The name used on the command line and in a checkpoint.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dense => "dense",
            Self::Lazy => "lazy",
            Self::Decayed => "decayed",
        }
    }

    /// The optimiser of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Dense, Self::Lazy, Self::Decayed]
            .into_iter()
            .find(|optimiser| optimiser.name() == name)
    }
}

/// How parameters are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Solver {
    /// Gradients: Adam over batches of ratings.
    #[default]
    Adam,
    /// Gibbs sampling of a Bayesian factorisation ([`bayes`](super::bayes)): no network.
    Gibbs,
    /// Another program: the model was imported, and can't be trained on here.
    Imported,
}

impl Solver {
    /// The name used on the command line and in a checkpoint.
    pub fn name(self) -> &'static str {
        match self {
            Self::Adam => "adam",
            Self::Gibbs => "gibbs",
            Self::Imported => "imported",
        }
    }

    /// The solver of that name that trains here.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Adam, Self::Gibbs]
            .into_iter()
            .find(|solver| solver.name() == name)
    }
}

/// Everything that shapes a training run besides the ratings. The default is the lesson's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// The parts of the model.
    pub model: ModelKind,
    /// How they are found. What Adam alone needs (layers, rates, batches, epochs, penalties,
    /// patience) doesn't apply to the other solver.
    #[serde(default)]
    pub solver: Solver,
    /// Sweeps of the Gibbs solver, burn-in included; by the size of the data when absent.
    #[serde(default)]
    pub sweeps: Option<usize>,
    /// Numbers a user row; at least so many where the data say how many.
    pub user_dim: usize,
    /// Numbers a movie row; equal to `user_dim` when the model has a dot product.
    pub movie_dim: usize,
    /// Whether the Gibbs solver gives rows more numbers than that where the ratings bear them
    /// ([`Borne`](super::recipe::Borne)) and they explain something.
    #[serde(default)]
    pub by_data: bool,
    /// Whether the Gibbs solver learns from what is known of users and movies besides ratings
    /// ([`sides`](super::sides)).
    #[serde(default = "yes")]
    pub sides: bool,
    /// Units of each hidden layer, first to last; a linear layer of one unit follows them.
    pub hidden: Vec<usize>,
    /// Adam's learning rate.
    pub learning_rate: f32,
    /// A learning rate for embeddings and biases alone; `learning_rate` when absent.
    pub table_learning_rate: Option<f32>,
    /// Ratings a step.
    pub batch: usize,
    /// Passes over the training ratings, at most.
    pub epochs: usize,
    /// Seed of the initial weights and of the order of ratings.
    pub seed: u64,
    /// How the tables are updated.
    pub optimiser: Optimiser,
    /// L2 penalty on the rows and biases of each rating: a rating's loss is
    /// `error^2 + l2 (|p_u|^2 + |q_m|^2 + b_u^2 + b_m^2)`.
    pub l2: f32,
    /// Decoupled weight decay: what a step touches first shrinks by `rate * weight_decay`
    /// (Loshchilov and Hutter 2019), rows and dense layers alike.
    #[serde(default)]
    pub weight_decay: f32,
    /// How the learning rates change over the run.
    #[serde(default)]
    pub schedule: Schedule,
    /// Steps over which the learning rates first rise from nothing.
    #[serde(default)]
    pub warm_up: usize,
    /// Stop after so many epochs without a better validation MSE and take the best epoch's
    /// parameters; `None` trains all epochs and takes the last one's.
    pub patience: Option<usize>,
    /// Weight of the confidence term that rankings add, in stars for each factor e of ratings; chosen
    /// on validation ratings after training ([`fame`](super::fame)) when absent.
    #[serde(default)]
    pub fame: Option<f32>,
    /// The lowest and highest legal rating; predictions are clamped to them.
    pub scale: (f32, f32),
    /// Step of the rating scale.
    pub step: f32,
    /// The code path; the machine's fastest when absent. Paths differ in the last bits, and only
    /// the portable one has the same bits on every machine.
    #[serde(default)]
    pub kernel: Option<Kernel>,
    /// Threads; as many as the machine has when absent. The result doesn't depend on them, so a
    /// checkpoint doesn't tell.
    #[serde(skip)]
    pub threads: Option<usize>,
}

fn yes() -> bool {
    true
}

impl Default for Options {
    fn default() -> Self {
        Self {
            model: ModelKind::Mlp,
            solver: Solver::Adam,
            sweeps: None,
            user_dim: 8,
            movie_dim: 8,
            by_data: false,
            sides: true,
            hidden: vec![32, 4],
            learning_rate: 0.005,
            table_learning_rate: None,
            batch: 5000,
            epochs: 20,
            seed: 0,
            optimiser: Optimiser::Lazy,
            l2: 0.0,
            weight_decay: 0.0,
            schedule: Schedule::Constant,
            warm_up: 0,
            patience: Some(5),
            fame: None,
            scale: (0.5, 5.0),
            step: 0.5,
            kernel: None,
            threads: None,
        }
    }
}

impl Options {
    /// The learning rate of embeddings and biases.
    pub fn table_rate(&self) -> f32 {
        self.table_learning_rate.unwrap_or(self.learning_rate)
    }

    /// Whether dense layers are trained: by the kind of model, and by Adam alone.
    pub fn has_network(&self) -> bool {
        self.model.has_network() && self.solver == Solver::Adam
    }

    /// The number of threads to train with.
    pub fn thread_count(&self) -> usize {
        self.threads.unwrap_or_else(threads::available)
    }

    /// Checks each option on its own and against the others.
    ///
    /// # Errors
    /// [`Error::Options`] names the first option that can't be trained with, and what could.
    pub fn check(&self) -> Result<(), Error> {
        let positive = |name: &str, value: usize| {
            if value == 0 {
                return Err(Error::Options(format!(
                    "{name} is 0; it must be at least 1"
                )));
            }
            Ok(())
        };
        let rate = |name: &str, value: f32| {
            if value.is_finite() && value > 0.0 {
                return Ok(());
            }
            Err(Error::Options(format!(
                "{name} is {value}; it must be above 0, for instance 0.005"
            )))
        };
        positive("the user embedding's size", self.user_dim)?;
        positive("the movie embedding's size", self.movie_dim)?;
        positive("the batch size", self.batch)?;
        if self.batch > MAX_BATCH {
            return Err(Error::Options(format!(
                "the batch size is {}; it must be at most {MAX_BATCH}",
                self.batch
            )));
        }
        positive("the number of epochs", self.epochs)?;
        if let Some(patience) = self.patience {
            positive("the patience of early stopping", patience)?;
        }
        for (index, units) in self.hidden.iter().enumerate() {
            positive(&format!("hidden layer {}", index + 1), *units)?;
        }
        rate("the learning rate", self.learning_rate)?;
        rate("the tables' learning rate", self.table_rate())?;
        if !(self.l2.is_finite() && self.l2 >= 0.0) {
            return Err(Error::Options(format!(
                "the L2 penalty is {}; it must be 0 or more",
                self.l2
            )));
        }
        if !(self.weight_decay >= 0.0
            && self.weight_decay * self.learning_rate.max(self.table_rate()) < 1.0)
        {
            return Err(Error::Options(format!(
                "the weight decay is {}; it must be 0 or more, and less than 1 when multiplied by the learning rate",
                self.weight_decay
            )));
        }
        if let Some(threads) = self.threads {
            positive("the number of threads", threads)?;
            if threads > MAX_THREADS {
                return Err(Error::Options(format!(
                    "the number of threads is {threads}; it must be at most {MAX_THREADS}"
                )));
            }
        }
        if let Some(kernel) = self.kernel.filter(|kernel| !kernel.is_available()) {
            return Err(Error::Options(format!(
                "this machine can't run the {} kernel; {} is the fastest that it can",
                kernel.name(),
                Kernel::best().name()
            )));
        }
        let (low, high) = self.scale;
        if low == high {
            return Err(Error::Options(format!(
                "every rating is {low}; training takes ratings of at least two different values"
            )));
        }
        if !(low.is_finite() && high.is_finite() && low < high) {
            return Err(Error::Options(format!(
                "the rating scale runs from {low} to {high}; the first must be below the second"
            )));
        }
        if self.solver == Solver::Imported {
            return Err(Error::Options(
                "the model was imported, and training has no state of it to go on from".into(),
            ));
        }
        if self.solver == Solver::Gibbs && self.model == ModelKind::Mlp {
            return Err(Error::Options(
                "the gibbs solver finds biases and a dot product, which an mlp model has not: take mf or hybrid".into(),
            ));
        }
        if self.solver == Solver::Gibbs && self.user_dim > MAX_DIM {
            return Err(Error::Options(format!(
                "the embeddings have {} numbers; the gibbs solver gives rows of at most {MAX_DIM}, as many as an image holds",
                self.user_dim
            )));
        }
        if self.sweeps.is_some_and(|sweeps| sweeps < 2) {
            return Err(Error::Options(
                "the gibbs solver needs at least 2 sweeps".into(),
            ));
        }
        if self.model.has_dot() && self.user_dim != self.movie_dim {
            return Err(Error::Options(format!(
                "a {} model multiplies user and movie rows, so they must be of one size, not {} and {}",
                self.model.name(),
                self.user_dim,
                self.movie_dim
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_the_lessons_and_passes_its_own_check() {
        let options = Options::default();
        assert_eq!(options.hidden, [32, 4]);
        assert_eq!((options.batch, options.epochs), (5000, 20));
        options.check().unwrap();
    }

    #[test]
    fn each_option_that_cannot_be_trained_with_is_refused_by_name() {
        let refuse = |name: &str, change: &dyn Fn(&mut Options)| {
            let mut options = Options::default();
            change(&mut options);
            let text = options.check().unwrap_err().to_string();
            assert!(text.contains(name), "{text:?} should name {name:?}");
        };
        refuse("user embedding", &|o| o.user_dim = 0);
        refuse("movie embedding", &|o| o.movie_dim = 0);
        refuse("batch", &|o| o.batch = 0);
        refuse("at most 16777216", &|o| o.batch = usize::MAX);
        refuse("every rating is 3;", &|o| o.scale = (3.0, 3.0));
        refuse("epochs", &|o| o.epochs = 0);
        refuse("patience", &|o| o.patience = Some(0));
        refuse("hidden layer 2", &|o| o.hidden = vec![3, 0]);
        refuse("learning rate", &|o| o.learning_rate = f32::NAN);
        refuse("tables' learning rate", &|o| {
            o.table_learning_rate = Some(-1.0)
        });
        refuse("L2", &|o| o.l2 = f32::INFINITY);
        refuse("weight decay", &|o| o.weight_decay = 1e9);
        refuse("weight decay", &|o| o.weight_decay = f32::NAN);
        refuse("threads", &|o| o.threads = Some(0));
        refuse("at most 1024", &|o| o.threads = Some(100_000));
        let other = Kernel::ALL
            .into_iter()
            .find(|kernel| !kernel.is_available());
        refuse("fastest", &|o| o.kernel = other);
        refuse("scale", &|o| o.scale = (5.0, 0.5));
        refuse("gibbs solver finds", &|o| o.solver = Solver::Gibbs);
        refuse("was imported", &|o| o.solver = Solver::Imported);
        refuse("2 sweeps", &|o| o.sweeps = Some(1));
        refuse("at most 32", &|o| {
            (o.model, o.solver) = (ModelKind::Hybrid, Solver::Gibbs);
            (o.user_dim, o.movie_dim) = (33, 33);
        });
        refuse("one size", &|o| {
            o.model = ModelKind::Hybrid;
            o.user_dim = 4;
        });
    }

    #[test]
    fn names_lead_back_to_what_they_name() {
        for kind in [ModelKind::Mlp, ModelKind::Mf, ModelKind::Hybrid] {
            assert_eq!(ModelKind::from_name(kind.name()), Some(kind));
        }
        for optimiser in [Optimiser::Dense, Optimiser::Lazy, Optimiser::Decayed] {
            assert_eq!(Optimiser::from_name(optimiser.name()), Some(optimiser));
        }
        for solver in [Solver::Adam, Solver::Gibbs] {
            assert_eq!(Solver::from_name(solver.name()), Some(solver));
        }
        assert_eq!(ModelKind::from_name("MLP"), None);
    }
}
