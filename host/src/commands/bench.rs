//! `host bench`: how fast training, scoring and the search are on this machine, and where their time goes.

mod busy;
mod growth;
mod peers;
mod samples;
mod search;

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Result;
use serde::Serialize;
use serde_json::{Map, Value};

use self::busy::Busy;
use self::peers::{Others, Peer};
use self::samples::{Size, samples};
use super::columns::{self, Columns};
use crate::note;
use crate::print::number::percent;
use crate::print::{self, Answer, Column, Table, count, grouped};
use pocketrec_base::error::BadInput;
use pocketrec_base::files;
use pocketrec_train::fast::{Fast, timing};
use pocketrec_train::order::Order;
use pocketrec_train::simd::Kernel;
use pocketrec_train::{ModelKind, Options, Parameters, Sample};

/// Options of `host bench`; alone it does what `host bench train` does.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    /// What to time
    #[command(subcommand)]
    what: Option<What>,

    #[command(flatten)]
    train: Train,
}

/// What to time.
#[derive(Debug, clap::Subcommand)]
enum What {
    /// Time training's kernels and epochs, optionally against other libraries [default]
    Train(Train),
    /// Time epochs of lazy and decayed Adam on data sets of growing size
    Growth(growth::Args),
    /// Time the device library's scoring of a whole catalogue, on one thread
    Kernels(super::kernels::Args),
    /// Time the search for a movie among many titles
    Search(search::Args),
}

/// Options of `host bench train`.
#[derive(Debug, clap::Args)]
struct Train {
    /// Kind of model: mlp, mf or hybrid
    #[arg(long, value_name = "KIND", default_value = "mlp", value_parser = model)]
    model: ModelKind,

    /// Synthetic ratings per epoch; the default is 95 % of MovieLens-20M's
    #[arg(long, value_name = "N", default_value_t = 19_000_250)]
    ratings: usize,

    /// Number of users
    #[arg(long, value_name = "N", default_value_t = 138_493)]
    users: usize,

    /// Number of movies
    #[arg(long, value_name = "N", default_value_t = 26_744)]
    movies: usize,

    /// Batch size, in ratings
    #[arg(long, value_name = "N", default_value_t = 5000)]
    batch: usize,

    /// Epochs of each setting, interleaved [default: 5, or 3 with --peers]
    #[arg(long, value_name = "N")]
    epochs: Option<usize>,

    /// Instruction set of the kernels: avx2, avx512, neon or portable [default: the fastest here]
    #[arg(long, value_name = "PATH", value_parser = kernel)]
    kernel: Option<Kernel>,

    /// Also time each epoch while a busy loop runs on one core
    #[arg(long)]
    neighbour: bool,

    /// Also time other libraries, interleaved with ours, if Python has them: all, or those named, separated by commas
    #[arg(
        long,
        value_name = "NAMES",
        num_args = 0..=1,
        require_equals = true,
        value_delimiter = ',',
        default_missing_values = peers::NAMES
    )]
    peers: Vec<Peer>,

    /// The Python interpreter that has the other libraries
    #[arg(long, value_name = "PROGRAM", default_value = "python3")]
    python: PathBuf,

    /// The ratings file to read, for the peers polars and duckdb [default: synthetic, of MovieLens-20M's size]
    #[arg(long, value_name = "PATH")]
    data: Option<PathBuf>,

    /// Instead of timing, write the parameters before and after 100 steps to this folder, for host/peers/first_steps.py
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["peers", "neighbour"])]
    trace: Option<PathBuf>,
}

fn model(name: &str) -> Result<ModelKind, String> {
    ModelKind::from_name(name).ok_or_else(|| "it should be mlp, mf or hybrid".into())
}

fn kernel(name: &str) -> Result<Kernel, String> {
    Kernel::from_name(name).ok_or_else(|| "it should be portable, avx2, avx512 or neon".into())
}

impl Train {
    fn size(&self) -> Size {
        Size {
            users: self.users,
            movies: self.movies,
            ratings: self.ratings,
        }
    }
}

/// Times and prints.
///
/// # Errors
/// [`BadInput`] for sizes or a kernel that can't be timed, or a peer that fails.
pub fn run(args: &Args) -> Result<()> {
    match &args.what {
        None => train(&args.train),
        Some(What::Train(args)) => train(args),
        Some(What::Growth(args)) => growth::run(args),
        Some(What::Kernels(args)) => super::kernels::run(args),
        Some(What::Search(args)) => search::run(args),
    }
}

fn train(args: &Train) -> Result<()> {
    let options = Options {
        model: args.model,
        batch: args.batch,
        kernel: args.kernel,
        ..Options::default()
    };
    options.check().map_err(BadInput::new)?;
    for (name, value) in [
        ("--ratings", args.ratings),
        ("--users", args.users),
        ("--movies", args.movies),
    ] {
        if value == 0 || value > u32::MAX as usize {
            return Err(BadInput::new(format!(
                "{name} is {value}; it should be from 1 to 4294967295"
            ))
            .into());
        }
    }
    let usual = if args.peers.is_empty() { 5 } else { 3 };
    let epochs = args.epochs.unwrap_or(usual);
    if epochs == 0 {
        return Err(BadInput::new("--epochs is 0; it should be at least 1").into());
    }
    let kernel = args.kernel.unwrap_or_else(Kernel::best);
    if let Some(folder) = &args.trace {
        files::check_folder("--trace", folder)?;
        return trace(args, &options, kernel, folder);
    }
    let cores = options.thread_count();
    let peak = timing::peak(kernel);
    let mut report = Report::default();
    note!(
        "{} kernels, {}; {peak:.1} billion multiply-adds a second on one core (measured)",
        kernel.name(),
        count(cores, "core")
    );
    note!(
        "{}: {} of {} and {}, batches of {}",
        args.model.name(),
        count(args.ratings, "rating"),
        count(args.users, "user"),
        count(args.movies, "movie"),
        grouped(args.batch as u64)
    );
    note!("");

    let samples = samples(args.size());
    let mut others = match args.peers.is_empty() {
        true => None,
        false => Some(Others::new(args, &samples, cores)?),
    };
    let mut order = Order::new(samples, options.seed, args.batch, cores);
    // As an epoch has them: batches sorted by user.
    let some = &order.of_epoch(1)[..args.ratings.min(200 * args.batch)];
    let start = Parameters::initial(&options, args.users, args.movies, 3.5);
    let shares = Fast::new(&start, &options, kernel, 1).time_kernels(some);
    // A kernel that is faster than what was measured was measured better.
    let rates = shares
        .iter()
        .map(|share| share.multiply_adds as f64 / share.nanoseconds);
    let peak = rates.fold(peak, f64::max);
    report.add("kernels", &kernels(&shares, peak));
    let work: usize = shares.iter().map(|share| share.multiply_adds).sum();

    let mut settings = vec![1, cores];
    settings.dedup();
    let fast = |options: &Options, threads: &usize| {
        let start = Parameters::initial(options, args.users, args.movies, 3.5);
        Fast::new(&start, options, kernel, *threads)
    };
    let mut trainers: Vec<Trainer> = settings
        .iter()
        .map(|threads| Trainer::new(fast(&options, threads), args.model, *threads))
        .collect();
    if others.as_ref().is_some_and(Others::has_factors) && args.model != ModelKind::Mf {
        let factors = Options {
            model: ModelKind::Mf,
            ..options.clone()
        };
        trainers.extend(
            settings
                .iter()
                .map(|threads| Trainer::new(fast(&factors, threads), ModelKind::Mf, *threads)),
        );
    }
    let mut shuffles = Vec::new();
    let rates = (options.learning_rate, options.table_rate());
    for epoch in 1..=epochs {
        let clock = Instant::now();
        let shuffled = order.of_epoch(epoch);
        shuffles.push(clock.elapsed().as_secs_f64());
        for trainer in &mut trainers {
            let seconds = trainer.epoch(shuffled, rates);
            trainer.quiet.push(seconds);
        }
        if args.neighbour {
            let _busy = Busy::start()?;
            for trainer in &mut trainers {
                let seconds = trainer.epoch(shuffled, rates);
                trainer.busy.push(seconds);
            }
        }
        if let Some(others) = &mut others {
            others.round(epoch, epochs)?;
        }
    }
    let epochs = epoch_table(args, &trainers, &shuffles, cores, work, peak);
    report.add("epochs", &epochs);
    if let Some(others) = others {
        for (name, table) in others.tables(&trainers, args.ratings) {
            report.add(name, &table);
        }
    }
    print::answer(&report)
}

/// Tables that are shown as soon as they are there, and all of which are one document as JSON.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
pub(super) struct Report(Map<String, Value>);

impl Report {
    /// Shows a table, or keeps it for the document.
    pub(super) fn add(&mut self, name: &str, table: &Table) {
        match print::is_json() {
            true => {
                // A table of texts and numbers is always JSON.
                let value = serde_json::to_value(table).unwrap_or_default();
                self.0.insert(name.to_owned(), value);
            }
            false => {
                print::block(&table.text());
                note!("");
            }
        }
    }
}

impl Answer for Report {
    fn tell(&self) {}
}

/// One of our trainers, and the seconds of its epochs.
struct Trainer {
    fast: Fast,
    model: ModelKind,
    threads: usize,
    quiet: Vec<f64>,
    /// Beside a busy loop.
    busy: Vec<f64>,
}

impl Trainer {
    fn new(fast: Fast, model: ModelKind, threads: usize) -> Self {
        Self {
            fast,
            model,
            threads,
            quiet: Vec::new(),
            busy: Vec::new(),
        }
    }

    fn epoch(&mut self, samples: &[Sample], rates: (f32, f32)) -> f64 {
        let clock = Instant::now();
        self.fast.epoch(samples, &|_| rates, &mut |_| true);
        clock.elapsed().as_secs_f64()
    }
}

/// Of an odd number the one in the middle, of an even number the slower of the two.
fn median(times: &[f64]) -> f64 {
    let mut times = times.to_vec();
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

fn best(times: &[f64]) -> f64 {
    times.iter().copied().fold(f64::INFINITY, f64::min)
}

/// Our epochs; `work` is the multiply-adds of a rating in the model that was asked for.
fn epoch_table(
    args: &Train,
    trainers: &[Trainer],
    shuffles: &[f64],
    cores: usize,
    work: usize,
    peak: f64,
) -> Table {
    let mut table = Table::new([
        Column::text("Epoch"),
        Column::number("Median s"),
        Column::number("Best s"),
        Column::number("M ratings/s"),
        Column::number("Of peak"),
    ]);
    let mut add = |name: String, times: &[f64], work: usize, threads: usize| {
        if times.is_empty() {
            return;
        }
        let rate = args.ratings as f64 / median(times);
        let of_peak = match work {
            0 => "-".into(),
            work => percent(
                (rate * work as f64 / (peak * 1e9 * threads as f64)).min(1.0),
                0,
            ),
        };
        table.row([
            name,
            in_seconds(median(times)),
            in_seconds(best(times)),
            format!("{:.1}", rate / 1e6),
            of_peak,
        ]);
    };
    for trainer in trainers {
        let threads = trainer.threads;
        let (name, work) = match trainer.model == args.model {
            true => (count(threads, "thread"), work),
            false => (
                format!("{}, {}", trainer.model.name(), count(threads, "thread")),
                0,
            ),
        };
        let beside = format!("{name}, a busy loop pinned to one core");
        add(name, &trainer.quiet, work, threads);
        add(beside, &trainer.busy, work, threads);
    }
    let shuffle = format!("shuffle, {}", count(cores, "thread"));
    add(shuffle, shuffles, 0, cores);
    table
}

/// Seconds with as many decimals as tell a short time from none.
fn in_seconds(time: f64) -> String {
    match time {
        ..0.01 => format!("{time:.6}"),
        _ => format!("{time:.3}"),
    }
}

/// Writes, as plain little-endian numbers, 100 batches, the parameters before them and those after.
fn trace(args: &Train, options: &Options, kernel: Kernel, folder: &Path) -> Result<()> {
    let count = args.ratings.min(100 * args.batch);
    let mut samples = samples(args.size());
    samples.truncate(count);
    let start = Parameters::initial(options, args.users, args.movies, 3.5);
    let mut trainer = Fast::new(&start, options, kernel, options.thread_count());
    let rates = (options.learning_rate, options.table_rate());
    trainer.epoch(&samples, &|_| rates, &mut |_| true);
    let mut columns = Columns::new(folder)?;
    add_samples(&mut columns, &samples)?;
    let mut shapes = format!(
        "model {}\nbatch {}\nrate {}\ntable_rate {}\nmean {}\n",
        options.model.name(),
        args.batch,
        rates.0,
        rates.1,
        start.mean
    );
    for (when, parameters) in [("before", &start), ("after", &trainer.parameters())] {
        let mut tensors = vec![
            (
                "user_embedding".to_string(),
                &parameters.user_embedding,
                args.users,
            ),
            (
                "movie_embedding".into(),
                &parameters.movie_embedding,
                args.movies,
            ),
            ("user_bias".into(), &parameters.user_bias, args.users),
            ("movie_bias".into(), &parameters.movie_bias, args.movies),
        ];
        for (i, layer) in parameters.layers.iter().enumerate() {
            tensors.push((format!("dense_{i}.weight"), &layer.weight, layer.inputs));
            tensors.push((format!("dense_{i}.bias"), &layer.bias, layer.outputs));
        }
        for (name, values, rows) in tensors {
            if values.is_empty() {
                continue;
            }
            if when == "before" {
                writeln!(shapes, "{name} {rows} {}", values.len() / rows)?;
            }
            columns.add(&format!("{when}.{name}.f32"), values.iter().copied())?;
        }
    }
    columns.add_file("shapes.txt", |file| file.write_all(shapes.as_bytes()))?;
    columns.commit()
}

/// Writes samples as columns, for peers to read.
fn write_samples(samples: &[Sample], folder: &Path) -> Result<()> {
    let mut columns = Columns::new(folder)?;
    add_samples(&mut columns, samples)?;
    columns.commit()
}

fn add_samples(columns: &mut Columns<'_>, samples: &[Sample]) -> Result<()> {
    columns.add(columns::USERS, samples.iter().map(|sample| sample.user))?;
    columns.add(columns::MOVIES, samples.iter().map(|sample| sample.movie))?;
    columns.add(columns::STARS, samples.iter().map(|sample| sample.stars))
}

/// The kernels' table.
fn kernels(shares: &[timing::Share], peak: f64) -> Table {
    let mut table = Table::new([
        Column::text("Kernel, one core"),
        Column::number("ns a rating"),
        Column::number("Multiply-adds"),
        Column::number("Of peak"),
    ]);
    for share in shares {
        let (work, of_peak) = match share.multiply_adds {
            0 => ("-".into(), "-".into()),
            work => (
                work.to_string(),
                percent(work as f64 / share.nanoseconds / peak, 0),
            ),
        };
        table.row([
            share.name.into(),
            format!("{:.1}", share.nanoseconds),
            work,
            of_peak,
        ]);
    }
    table
}
