//! `host bench`: how fast training is on this machine, and where its time goes.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};

use crate::error::BadInput;
use crate::files;
use crate::report::text::{Align, grouped, table};
use crate::train::fast::{Fast, timing};
use crate::train::order::Order;
use crate::train::random::{Random, Stream};
use crate::train::simd::Kernel;
use crate::train::{ModelKind, Options, Parameters, Sample};

/// Options of `host bench`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    /// What else to time
    #[command(subcommand)]
    what: Option<What>,

    /// Parts of the model: mlp, mf or hybrid
    #[arg(long, value_name = "KIND", default_value = "mlp", value_parser = model)]
    model: ModelKind,

    /// Ratings an epoch; the default is 95 % of MovieLens-20M's
    #[arg(long, value_name = "N", default_value_t = 19_000_250)]
    ratings: usize,

    /// Users
    #[arg(long, value_name = "N", default_value_t = 138_493)]
    users: usize,

    /// Movies
    #[arg(long, value_name = "N", default_value_t = 26_744)]
    movies: usize,

    /// Ratings a step
    #[arg(long, value_name = "N", default_value_t = 5000)]
    batch: usize,

    /// Epochs of each setting, taken in turn
    #[arg(long, value_name = "N", default_value_t = 5)]
    epochs: usize,

    /// Code path [default: the fastest]
    #[arg(long, value_name = "PATH", value_parser = kernel)]
    kernel: Option<Kernel>,

    /// Instead of timing, write the numbers before and after 100 steps to this folder, for peers/first_steps.py
    #[arg(long, value_name = "FOLDER")]
    trace: Option<PathBuf>,
}

/// What to time other than training.
#[derive(Debug, clap::Subcommand)]
enum What {
    /// Time core's own scoring of a whole catalogue, on one thread
    Kernels(super::kernels::Args),
}

fn model(name: &str) -> Result<ModelKind, String> {
    ModelKind::from_name(name).ok_or_else(|| "it should be mlp, mf or hybrid".into())
}

fn kernel(name: &str) -> Result<Kernel, String> {
    Kernel::from_name(name).ok_or_else(|| "it should be portable, avx2, avx512 or neon".into())
}

/// Times and prints.
///
/// # Errors
/// [`BadInput`] for sizes or a kernel that can't be timed.
pub fn run(args: &Args) -> Result<()> {
    if let Some(What::Kernels(args)) = &args.what {
        return super::kernels::run(args);
    }
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
    if args.epochs == 0 {
        return Err(BadInput::new("--epochs is 0; it should be at least 1").into());
    }
    let kernel = args.kernel.unwrap_or_else(Kernel::best);
    if let Some(folder) = &args.trace {
        return trace(args, &options, kernel, folder);
    }
    let cores = options.thread_count();
    let peak = timing::peak(kernel);
    println!(
        "{} kernels, {cores} cores; {peak:.1} billion multiply-adds a second on one core (measured)",
        kernel.name()
    );
    println!(
        "{} {} ratings of {} users and {} movies, batches of {}\n",
        args.model.name(),
        grouped(args.ratings as u64),
        grouped(args.users as u64),
        grouped(args.movies as u64),
        grouped(args.batch as u64)
    );

    let samples = samples(args);
    let start = Parameters::initial(&options, args.users, args.movies, 3.5);
    let some = &samples[..samples.len().min(200 * args.batch)];
    let shares = Fast::new(&start, &options, kernel, 1).time_kernels(some);
    println!("{}", kernels(&shares, peak));

    let mut settings = vec![1, cores];
    settings.dedup();
    let work: usize = shares.iter().map(|share| share.multiply_adds).sum();
    let mut trainers: Vec<(usize, Fast, Vec<f64>)> = settings
        .into_iter()
        .map(|threads| {
            (
                threads,
                Fast::new(&start, &options, kernel, threads),
                Vec::new(),
            )
        })
        .collect();
    let mut order = Order::new(samples, options.seed, args.batch, cores);
    let mut shuffles = Vec::new();
    let rates = (options.learning_rate, options.table_rate());
    for epoch in 1..=args.epochs {
        let clock = Instant::now();
        let shuffled = order.of_epoch(epoch);
        shuffles.push(clock.elapsed().as_secs_f64());
        for (_, trainer, times) in &mut trainers {
            let clock = Instant::now();
            trainer.epoch(shuffled, &|_| rates, &mut |_| ());
            times.push(clock.elapsed().as_secs_f64());
        }
    }
    let mut rows = vec![
        ["Epoch", "Median s", "Best s", "M ratings/s", "Of peak"]
            .map(String::from)
            .to_vec(),
    ];
    for (threads, _, mut times) in trainers {
        times.sort_by(f64::total_cmp);
        let median = times[times.len() / 2];
        let rate = args.ratings as f64 / median;
        let of_peak = match work {
            0 => "-".into(),
            work => format!(
                "{:.0} %",
                rate * work as f64 / (peak * 1e9 * threads as f64) * 100.0
            ),
        };
        rows.push(vec![
            format!("{threads} thread{}", if threads == 1 { "" } else { "s" }),
            format!("{median:.3}"),
            format!("{:.3}", times[0]),
            format!("{:.1}", rate / 1e6),
            of_peak,
        ]);
    }
    shuffles.sort_by(f64::total_cmp);
    rows.push(vec![
        format!("shuffle, {cores} threads"),
        format!("{:.3}", shuffles[shuffles.len() / 2]),
        format!("{:.3}", shuffles[0]),
        format!(
            "{:.1}",
            args.ratings as f64 / shuffles[shuffles.len() / 2] / 1e6
        ),
        "-".into(),
    ]);
    let right = Align::Right;
    println!(
        "{}",
        table(&[Align::Left, right, right, right, right], &rows)
    );
    Ok(())
}

/// Writes, as plain little-endian numbers, 100 batches, the parameters before them and those after.
fn trace(args: &Args, options: &Options, kernel: Kernel, folder: &Path) -> Result<()> {
    let count = args.ratings.min(100 * args.batch);
    let mut samples = samples(args);
    samples.truncate(count);
    let start = Parameters::initial(options, args.users, args.movies, 3.5);
    let mut trainer = Fast::new(&start, options, kernel, options.thread_count());
    let rates = (options.learning_rate, options.table_rate());
    trainer.epoch(&samples, &|_| rates, &mut |_| ());
    std::fs::create_dir_all(folder)
        .with_context(|| format!("can't create {}", folder.display()))?;
    let rows = |row: fn(&Sample) -> u32| -> Vec<u8> {
        samples
            .iter()
            .flat_map(|sample| row(sample).to_le_bytes())
            .collect()
    };
    let stars = samples.iter().flat_map(|sample| sample.stars.to_le_bytes());
    let mut shapes = format!(
        "model {}\nbatch {}\nrate {}\ntable_rate {}\nmean {}\n",
        options.model.name(),
        args.batch,
        rates.0,
        rates.1,
        start.mean
    );
    let write = |name: String, bytes: Vec<u8>| {
        let path = folder.join(name);
        files::write(&path, &bytes).with_context(|| format!("can't write {}", path.display()))
    };
    write("users.u32".into(), rows(|sample| sample.user))?;
    write("movies.u32".into(), rows(|sample| sample.movie))?;
    write("stars.f32".into(), stars.collect())?;
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
            let bytes = values.iter().flat_map(|value| value.to_le_bytes());
            write(format!("{when}.{name}.f32"), bytes.collect())?;
        }
    }
    write("shapes.txt".into(), shapes.into_bytes())
}

/// The kernels' table.
fn kernels(shares: &[timing::Share], peak: f64) -> String {
    let mut rows = vec![
        [
            "Kernel, one core",
            "ns a rating",
            "Multiply-adds",
            "Of peak",
        ]
        .map(String::from)
        .to_vec(),
    ];
    for share in shares {
        let (work, of_peak) = match share.multiply_adds {
            0 => ("-".into(), "-".into()),
            work => (
                work.to_string(),
                format!("{:.0} %", work as f64 / share.nanoseconds / peak * 100.0),
            ),
        };
        rows.push(vec![
            share.name.into(),
            format!("{:.1}", share.nanoseconds),
            work,
            of_peak,
        ]);
    }
    let right = Align::Right;
    table(&[Align::Left, right, right, right], &rows)
}

/// Made-up ratings: movies by a popularity that falls as MovieLens-20M's does (see
/// [`synth`](crate::data::synth)), users by the square of an even number, stars of no meaning.
fn samples(args: &Args) -> Vec<Sample> {
    let mut upto = Vec::with_capacity(args.movies);
    let mut sum = 0.0;
    for rank in 0..args.movies {
        sum += (-11.1 * (rank as f64 / args.movies as f64).powf(0.435)).exp();
        upto.push(sum);
    }
    // The movie at each of many quantiles, found once.
    let quantiles: Vec<u32> = (0..1u32 << 18)
        .map(|i| {
            let at = (f64::from(i) + 0.5) / f64::from(1 << 18) * sum;
            upto.partition_point(|upto| *upto < at).min(args.movies - 1) as u32
        })
        .collect();
    let random = Random::new(1, Stream::Order, 0);
    (0..args.ratings as u64)
        .map(|i| {
            let even = (random.bits(2 * i) >> 11) as f64 / (1u64 << 53) as f64;
            let bits = random.bits(2 * i + 1);
            // Users and movies are dealt over their tables as ids are, not by rank.
            let user = ((even * even * args.users as f64) as u64).wrapping_mul(7_919);
            let movie = u64::from(quantiles[(bits >> 46) as usize]).wrapping_mul(104_729);
            Sample {
                user: (user % args.users as u64) as u32,
                movie: (movie % args.movies as u64) as u32,
                stars: 0.5 + 0.5 * (bits % 10) as f32,
            }
        })
        .collect()
}
