//! `host bench`: how fast training, scoring and the search are on this machine, and where their time goes.

mod busy;
mod growth;
mod kernels;
mod peer;
mod peers;
mod report;
mod samples;
mod search;
mod trainer;

use std::fmt::Write;
use std::path::Path;
use std::time::Instant;

use anyhow::Result;

use self::busy::Busy;
use self::peers::Others;
use self::report::{Report, best, median};
use self::samples::{add_samples, samples};
use self::trainer::{Train, Trainer};
use super::columns::Columns;
use crate::note;
use crate::print::number::percent;
use crate::print::{self, Column, Table, count, grouped};
use pocketrec_base::error::BadInput;
use pocketrec_base::files;
use pocketrec_train::fast::{Fast, timing};
use pocketrec_train::order::Order;
use pocketrec_train::simd::Kernel;
use pocketrec_train::{ModelKind, Options, Parameters};

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
    Kernels(kernels::Args),
    /// Time the search for a movie among many titles
    Search(search::Args),
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
        Some(What::Kernels(args)) => kernels::run(args),
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
    report.add("kernels", &kernel_table(&shares, peak));
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

/// The kernels' table.
fn kernel_table(shares: &[timing::Share], peak: f64) -> Table {
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
