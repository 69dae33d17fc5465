//! `host bench growth`: does an epoch's time grow with the ratings alone?
//!
//! The time of a rating on ever larger shapes, and on tables of a million rows each: a trainer that passes over whole
//! tables within an epoch would show there. Everything is made up in memory.

use std::time::Instant;

use anyhow::Result;

use super::report::{Report, median};
use super::samples::{Size, samples};
use crate::note;
use crate::print::{self, Column, Table, bytes, count, grouped};
use pocketrec_base::error::BadInput;
use pocketrec_data::synth::Shape;
use pocketrec_train::fast::Fast;
use pocketrec_train::order::Order;
use pocketrec_train::simd::Kernel;
use pocketrec_train::{ModelKind, Optimiser, Options, Parameters};

/// The shapes, each larger than the one before.
const SHAPES: [&str; 4] = ["ml-100k", "ml-1m", "ml-20m", "ml-32m"];
/// The shape that a million users and movies are compared with; they have as many ratings.
const BASE: &str = "ml-20m";
/// Seconds that epochs of a small shape are repeated for.
const LEAST: f64 = 0.5;

/// Options of `host bench growth`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Kind of model: mlp, mf or hybrid
    #[arg(long, value_name = "KIND", default_value = "mlp", value_parser = super::trainer::model)]
    model: ModelKind,

    /// Epochs of each optimiser on each data set, interleaved; more where epochs are short
    #[arg(long, value_name = "N", default_value_t = 3)]
    epochs: usize,

    /// The largest data set to time; a million users and movies are timed along with ml-20m
    #[arg(long, value_name = "SHAPE", default_value = "ml-32m", value_parser = SHAPES)]
    largest: String,

    /// Instruction set of the kernels: avx2, avx512, neon or portable [default: the fastest here]
    #[arg(long, value_name = "PATH", value_parser = super::trainer::kernel)]
    kernel: Option<Kernel>,
}

/// What one shape took.
struct Measured {
    name: String,
    size: Size,
    /// Seconds of an epoch of lazy and of decayed Adam.
    seconds: [f64; 2],
    peak: Option<u64>,
}

/// Times and prints.
pub(super) fn run(args: &Args) -> Result<()> {
    let options = Options {
        model: args.model,
        kernel: args.kernel,
        ..Options::default()
    };
    options.check().map_err(BadInput::new)?;
    if args.epochs == 0 {
        return Err(BadInput::new("--epochs is 0; it should be at least 1").into());
    }
    let kernel = args.kernel.unwrap_or_else(Kernel::best);
    note!(
        "{} with {} kernels on {}, batches of {}; an epoch is 95 % of a shape's ratings",
        args.model.name(),
        kernel.name(),
        count(options.thread_count(), "thread"),
        grouped(options.batch as u64)
    );
    note!("");
    let of = |name: &str| {
        let shape = Shape::named(name)?;
        let size = Size {
            users: shape.users,
            movies: shape.movies,
            ratings: shape.ratings - shape.ratings / 20,
        };
        Some((name.to_owned(), size))
    };
    let last = SHAPES.iter().position(|name| *name == args.largest);
    let wanted = &SHAPES[..=last.unwrap_or(SHAPES.len() - 1)];
    let mut shapes: Vec<(String, Size)> = wanted.iter().filter_map(|name| of(name)).collect();
    let base = wanted.contains(&BASE).then(|| of(BASE)).flatten();
    shapes.extend(base.map(|(_, base)| {
        let size = Size {
            users: 1_000_000,
            movies: 1_000_000,
            ..base
        };
        ("a million each".to_owned(), size)
    }));
    let measured: Vec<Measured> = shapes
        .into_iter()
        .map(|(name, size)| {
            print::log(&name);
            measure(name, size, &options, kernel, args.epochs)
        })
        .collect();
    let mut report = Report::default();
    report.add("growth", &table(&measured));
    let base = measured.iter().find(|measured| measured.name == BASE);
    if let (Some(base), Some(last)) = (base, measured.last()) {
        let ratio = |i: usize| last.seconds[i] / base.seconds[i];
        note!(
            "A million users and movies take {:.2} times the epoch of {BASE} with lazy Adam and {:.2} times with decayed",
            ratio(0),
            ratio(1)
        );
    }
    print::answer(&report)
}

fn measure(name: String, size: Size, options: &Options, kernel: Kernel, epochs: usize) -> Measured {
    memory::forget_peak();
    let threads = options.thread_count();
    let mut order = Order::new(samples(size), options.seed, options.batch, threads);
    let mut trainers = [Optimiser::Lazy, Optimiser::Decayed].map(|optimiser| {
        let options = Options {
            optimiser,
            ..options.clone()
        };
        let start = Parameters::initial(&options, size.users, size.movies, 3.5);
        (Fast::new(&start, &options, kernel, threads), Vec::new())
    });
    let rates = (options.learning_rate, options.table_rate());
    let begin = Instant::now();
    let mut epoch = 0;
    while epoch < epochs || begin.elapsed().as_secs_f64() < LEAST {
        epoch += 1;
        let shuffled = order.of_epoch(epoch);
        for (trainer, times) in &mut trainers {
            let clock = Instant::now();
            trainer.epoch(shuffled, &|_| rates, &mut |_| true);
            times.push(clock.elapsed().as_secs_f64());
        }
    }
    Measured {
        name,
        size,
        seconds: trainers.map(|(_, times)| median(&times)),
        peak: memory::peak(),
    }
}

fn table(measured: &[Measured]) -> Table {
    let numbers = [
        "Users",
        "Movies",
        "Ratings",
        "Lazy s",
        "Lazy ns a rating",
        "Decayed s",
        "Decayed ns a rating",
        "Peak, both",
    ];
    let mut columns = vec![Column::text("Shape")];
    columns.extend(numbers.map(Column::number));
    let mut table = Table::new(columns);
    for one in measured {
        let each = |seconds: f64| format!("{:.1}", seconds / one.size.ratings as f64 * 1e9);
        let [lazy, decayed] = one.seconds;
        table.row([
            one.name.clone(),
            grouped(one.size.users as u64),
            grouped(one.size.movies as u64),
            grouped(one.size.ratings as u64),
            format!("{lazy:.4}"),
            each(lazy),
            format!("{decayed:.4}"),
            each(decayed),
            one.peak.map_or("-".into(), bytes),
        ]);
    }
    table
}

/// The most memory that this process had at a time, where the system tells.
mod memory {
    /// Forgets the peak so far: from now on it is of what comes.
    pub(super) fn forget_peak() {
        // Elsewhere than on Linux there is no such file, and then no peak is told.
        let _ = std::fs::write("/proc/self/clear_refs", "5");
    }

    /// The peak in bytes.
    pub(super) fn peak() -> Option<u64> {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
        let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(kilobytes * 1024)
    }
}
