//! What is timed: options, and our trainers with the seconds of their epochs.

use std::path::PathBuf;
use std::time::Instant;

use pocketrec_train::fast::Fast;
use pocketrec_train::simd::Kernel;
use pocketrec_train::{ModelKind, Sample};

use super::peer::{NAMES, Peer};
use super::samples::Size;

/// Options of `host bench train`.
#[derive(Debug, clap::Args)]
pub(super) struct Train {
    /// Kind of model: mlp, mf or hybrid
    #[arg(long, value_name = "KIND", default_value = "mlp", value_parser = model)]
    pub model: ModelKind,

    /// Synthetic ratings per epoch; the default is 95 % of MovieLens-20M's
    #[arg(long, value_name = "N", default_value_t = 19_000_250)]
    pub ratings: usize,

    /// Number of users
    #[arg(long, value_name = "N", default_value_t = 138_493)]
    pub users: usize,

    /// Number of movies
    #[arg(long, value_name = "N", default_value_t = 26_744)]
    pub movies: usize,

    /// Batch size, in ratings
    #[arg(long, value_name = "N", default_value_t = 5000)]
    pub batch: usize,

    /// Epochs of each setting, interleaved [default: 5, or 3 with --peers]
    #[arg(long, value_name = "N")]
    pub epochs: Option<usize>,

    /// Instruction set of the kernels: avx2, avx512, neon or portable [default: the fastest here]
    #[arg(long, value_name = "PATH", value_parser = kernel)]
    pub kernel: Option<Kernel>,

    /// Also time each epoch while a busy loop runs on one core
    #[arg(long)]
    pub neighbour: bool,

    /// Also time other libraries, interleaved with ours, if Python has them: all, or those named, separated by commas
    #[arg(
        long,
        value_name = "NAMES",
        num_args = 0..=1,
        require_equals = true,
        value_delimiter = ',',
        default_missing_values = NAMES
    )]
    pub peers: Vec<Peer>,

    /// The Python interpreter that has the other libraries
    #[arg(long, value_name = "PROGRAM", default_value = "python3")]
    pub python: PathBuf,

    /// The ratings file to read, CSV or Parquet, for the peers polars and duckdb [default: synthetic CSV, of MovieLens-20M's size]
    #[arg(long, value_name = "PATH")]
    pub data: Option<PathBuf>,

    /// Instead of timing, write the parameters before and after 100 steps to this folder, for host/peers/first_steps.py
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["peers", "neighbour"])]
    pub trace: Option<PathBuf>,
}

pub(super) fn model(name: &str) -> Result<ModelKind, String> {
    ModelKind::from_name(name).ok_or_else(|| "it should be mlp, mf or hybrid".into())
}

pub(super) fn kernel(name: &str) -> Result<Kernel, String> {
    Kernel::from_name(name).ok_or_else(|| "it should be portable, avx2, avx512 or neon".into())
}

impl Train {
    pub fn size(&self) -> Size {
        Size {
            users: self.users,
            movies: self.movies,
            ratings: self.ratings,
        }
    }
}

/// One of our trainers, and the seconds of its epochs.
pub(super) struct Trainer {
    pub fast: Fast,
    pub model: ModelKind,
    pub threads: usize,
    pub quiet: Vec<f64>,
    /// Beside a busy loop.
    pub busy: Vec<f64>,
}

impl Trainer {
    pub fn new(fast: Fast, model: ModelKind, threads: usize) -> Self {
        Self {
            fast,
            model,
            threads,
            quiet: Vec::new(),
            busy: Vec::new(),
        }
    }

    pub fn epoch(&mut self, samples: &[Sample], rates: (f32, f32)) -> f64 {
        let clock = Instant::now();
        self.fast.epoch(samples, &|_| rates, &mut |_| true);
        clock.elapsed().as_secs_f64()
    }
}
