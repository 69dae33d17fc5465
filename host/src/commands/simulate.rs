//! `host simulate`: people who took no part in training rate on a device, and the curve of what it learns is measured.

use std::io::{Read, Write};
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

use super::data::DataArgs;
use super::line::LineArgs;
use crate::print::progress::Step;
use crate::print::{self, Answer, Target, count, grouped};
use crate::{note, warn};
use pocketrec_base::error::BadInput;
use pocketrec_base::files;
use pocketrec_checkpoint::by_recipe;
use pocketrec_data::Dataset;
use pocketrec_evaluate::simulate::figures::Line;
use pocketrec_evaluate::simulate::people::Held;
use pocketrec_evaluate::simulate::{self, AT_LEAST, Outcome, biases, figures, picture, play};
use pocketrec_export::Precision;
use pocketrec_link::memory::MemoryBoard;
use pocketrec_link::{Connection, Timing};
use pocketrec_train::{ModelKind, recipe};

/// Options of `host simulate`.
#[derive(Debug, clap::Args)]
#[command(allow_negative_numbers = true)]
pub struct Args {
    /// Simulate the device with the device library on this PC; this is the default
    #[arg(long, conflicts_with_all = ["port", "emulator"])]
    core: bool,

    /// Where the device is, if it isn't core
    #[command(flatten)]
    line: LineArgs,

    #[command(flatten)]
    data: DataArgs,

    /// People to leave out of training, for each seed
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    people: u32,

    /// Number of seeds; each leaves out other people and trains again
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=100))]
    seeds: u64,

    /// Kind of model: mlp, mf or hybrid, trained with its default options
    #[arg(long, value_name = "KIND", default_value = recipe::MODEL.name(), value_parser = model)]
    model: ModelKind,

    /// Also retrain with the people's ratings, for comparison: five more training runs per seed
    #[arg(long)]
    retrain: bool,

    /// Write the figures as CSV; - is standard output
    #[arg(long, value_name = "FILE")]
    csv: Option<Target>,

    /// Draw the learning curve as SVG; - is standard output
    #[arg(long, value_name = "FILE")]
    picture: Option<Target>,
}

fn model(name: &str) -> Result<ModelKind, String> {
    ModelKind::from_name(name).ok_or_else(|| "it should be mlp, mf or hybrid".into())
}

/// Plays and tells.
///
/// # Errors
/// [`BadInput`] for data that can't be read or that has nobody with enough ratings; else what went wrong.
pub fn run(args: &Args) -> Result<()> {
    let figures = ("--csv", &args.csv, "figures are written as CSV", "csv");
    let picture = ("--picture", &args.picture, "the picture is an SVG", "svg");
    for (option, target, what, own) in [figures, picture] {
        let mut target = target.iter();
        target.try_for_each(|target| target.claim_kind(option, what, &[own]))?;
    }
    let data = args.data.load(None)?;
    let mut all = Outcome::default();
    let step = Step::new();
    let of = Of {
        line: Some(&args.line),
        people: args.people,
        model: args.model,
        retrain: args.retrain,
    };
    for seed in 0..args.seeds {
        let outcome = one_seed(&of, &data, seed, &step)?;
        all.people.extend(outcome.people);
        all.compared += outcome.compared;
    }
    drop(step);
    let curve = Curve {
        data: data.name,
        model: args.model.name(),
        people: all.people.len(),
        seeds: args.seeds,
        compared: all.compared,
        points: figures::lines(&all.people, args.retrain),
    };
    let csv = figures::csv(&curve.points);
    let title = format!("What a device learns about a new person ({})", curve.data);
    let svg = picture::svg(&curve.points, &title)?;
    let mut written = Vec::new();
    for (target, text) in [(&args.csv, &csv), (&args.picture, &svg)] {
        written.extend(target.iter().map(|target| (target, text.as_bytes())));
    }
    print::target::write_all(&written)?;
    print::answer(&curve)
}

/// What was measured.
#[derive(Debug, Serialize)]
struct Curve {
    /// The data's name.
    data: String,
    /// The kind of model.
    model: &'static str,
    /// People left out of training, of all seeds.
    people: usize,
    seeds: u64,
    /// Predictions of the device that had the same bits as core's on this PC.
    compared: usize,
    /// The figures by ratings given.
    points: Vec<Line>,
}

impl Answer for Curve {
    fn tell(&self) {
        note!(
            "{}: {} left out of training, {}; RMSE of their other ratings",
            self.data,
            count(self.people, "person"),
            count(self.seeds, "seed"),
        );
        note!("N: no learning. B: the person's bias, best shrinkage. R: retrained. D: the device.");
        note!("");
        print::block(&figures::text(&self.points));
        note!("");
        note!(
            "{} of the device compared with core's on this PC: all bits the same",
            count(self.compared, "prediction")
        );
    }
}

/// What is played.
pub struct Of<'a> {
    /// Where the device is; core on this PC where nothing says so.
    pub line: Option<&'a LineArgs>,
    /// People to leave out of training.
    pub people: u32,
    /// The kind of model.
    pub model: ModelKind,
    /// Whether to train with their ratings too.
    pub retrain: bool,
}

/// Trains without some people, and lets them rate.
///
/// # Errors
/// [`BadInput`] for data that has nobody with enough ratings; else what went wrong.
pub fn one_seed(args: &Of<'_>, data: &Dataset, seed: u64, step: &Step) -> Result<Outcome> {
    let line = args.line.filter(|line| line.is_given());
    let held = Held::draw(&data.ratings, args.people as usize, seed);
    if held.people.is_empty() {
        return Err(BadInput::new(format!(
            "{} has nobody with {AT_LEAST} ratings, whom a simulation needs",
            data.name
        ))
        .into());
    }
    if held.people.len() < args.people as usize {
        warn!(
            "--people is {}, and {} has {} with {AT_LEAST} ratings: all of them are left out of training",
            grouped(args.people.into()),
            data.name,
            count(held.people.len(), "person"),
        );
    }
    step.tell(&format!(
        "seed {seed}: training without {}",
        count(held.people.len(), "person")
    ));
    let rest = held.ratings_with(&data.ratings, 0);
    let baseline = biases::fit(&rest);
    let checkpoint =
        by_recipe(data, rest, args.model, seed).map_err(pocketrec_evaluate::refusal)?;
    let mut image = simulate::image(&checkpoint, Precision::F16)?;
    if line
        .and_then(LineArgs::room)
        .is_some_and(|room| image.as_ref().len() > room)
    {
        // Every movie that people rate has to be there.
        image = simulate::image(&checkpoint, Precision::I8)?;
    }
    let path = Path::new("target/pocketrec/simulate.img");
    let model = image.open(path)?;
    let mut outcome = match line {
        Some(line) => {
            write_bytes(path, image.as_ref())?;
            let mut device = line.connect(path)?;
            played(&mut device, &model, &held, seed, step)?
        }
        None => {
            let board = MemoryBoard::new(Ok(model));
            let mut device = Connection::new(board, "core", Timing::MEMORY);
            played(&mut device, &model, &held, seed, step)?
        }
    };
    let scale = (data.scale.min, data.scale.max);
    for (person, errors) in held.people.iter().zip(&mut outcome.people) {
        errors.biases = biases::errors(&baseline, person, scale);
    }
    if args.retrain {
        simulate::retrain(data, &held, args.model, seed, &mut outcome, |k| {
            step.tell(&format!(
                "seed {seed}: training with {} of each person",
                count(k, "rating")
            ));
        })?;
    }
    Ok(outcome)
}

fn played<L: Read + Write>(
    device: &mut Connection<L>,
    model: &pocketrec::model::Model<'_>,
    held: &Held,
    seed: u64,
    step: &Step,
) -> Result<Outcome> {
    play::play(device, model, &held.people, |number| {
        step.show(&format!(
            "seed {seed}: person {} of {} rates on the device",
            number + 1,
            held.people.len()
        ));
    })
}

fn write_bytes(path: &Path, bytes: &[u8]) -> Result<()> {
    let what = || format!("{} could not be written", path.display());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(what)?;
    }
    files::write(path, bytes).with_context(what)
}
