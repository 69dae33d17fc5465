//! `host bench kernels`: how fast core scores a whole catalogue on this machine, on one thread.

use std::hint::black_box;
use std::time::Instant;

use anyhow::Result;
use pocketrec::model::Model;
use pocketrec::rank::TopN;

use super::report::Report;
use crate::note;
use crate::print::{self, Column, Table, count};
use pocketrec_base::error::BadInput;
use pocketrec_checkpoint::Checkpoint;
use pocketrec_export::{Chosen, ImageBytes, Movies, Precision, Users, build};
use pocketrec_train::{ModelKind, Options, Parameters};

/// Movies of the synthetic catalogue: those of MovieLens-20M.
const MOVIES: u32 = 26_744;

/// Times the whole catalogue is scored; the fastest counts.
const TIMES: usize = 25;

/// Options of `host bench kernels`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Units of each hidden layer, separated by commas
    #[arg(
        long,
        value_name = "UNITS",
        default_value = "32,4",
        value_delimiter = ','
    )]
    hidden: Vec<usize>,

    /// Dimensions of the embeddings
    #[arg(long, value_name = "N", default_value_t = 8)]
    dim: usize,
}

/// Times and prints.
///
/// # Errors
/// [`BadInput`] for a shape that no image holds.
pub fn run(args: &Args) -> Result<()> {
    let checkpoint = checkpoint(args)?;
    let chosen = Chosen {
        users: Users::None.rows(&checkpoint)?,
        movies: Movies::All.rows(&checkpoint)?,
        seen: None,
        facets: None,
    };
    let mut table = Table::new([
        Column::text("Tables"),
        Column::number("ns a movie"),
        Column::number("ms in all"),
        Column::number("Multiply-adds a second"),
    ]);
    for precision in [
        Precision::F32,
        Precision::F16,
        Precision::I16,
        Precision::I8,
    ] {
        let image = build(&checkpoint, &chosen, precision)?;
        table.row(line(&checkpoint.parameters, precision, &image)?);
    }
    let sums = without_mlp(checkpoint);
    for precision in [Precision::F32, Precision::CODES] {
        let image = build(&sums, &chosen, precision)?;
        table.row(list(&sums.parameters, precision, &image)?);
    }
    let mut report = Report::default();
    note!(
        "core scores {} of a hybrid model, {} a row and layers of {:?}, on one thread:",
        count(MOVIES, "movie"),
        count(args.dim, "number"),
        args.hidden
    );
    note!("");
    report.add("kernels", &table);
    print::answer(&report)
}

/// Times one image.
fn line(p: &Parameters, precision: Precision, image: &ImageBytes) -> Result<Vec<String>> {
    let model = Model::open(image.as_ref())?;
    let user = model.mean_user();
    let mut scores = vec![0.0; model.movies() as usize];
    let mut best = f64::INFINITY;
    for _ in 0..TIMES {
        let start = Instant::now();
        model.score_rows(black_box(&user), 0, &mut scores);
        black_box(&scores);
        best = best.min(start.elapsed().as_secs_f64());
    }
    // The user's half of dense layer 0 is computed once, so it doesn't count.
    let later = p.layers.iter().skip(1).map(|layer| layer.weight.len());
    let first = p
        .layers
        .first()
        .map_or(0, |layer| layer.outputs * p.movie_dim);
    let adds = p.movie_dim + first + later.sum::<usize>();
    let movies = scores.len() as f64;
    Ok(vec![
        precision.name().into(),
        format!("{:.0}", best * 1e9 / movies),
        format!("{:.1}", best * 1e3),
        format!("{:.2e}", adds as f64 * movies / best),
    ])
}

/// The same without its MLP.
fn without_mlp(checkpoint: Checkpoint) -> Checkpoint {
    let model = ModelKind::Mf;
    Checkpoint {
        parameters: Parameters {
            model,
            layers: Vec::new(),
            ..checkpoint.parameters
        },
        ..checkpoint
    }
}

/// Times a whole ranking of one image of a model without an MLP, top 10 kept.
fn list(p: &Parameters, precision: Precision, image: &ImageBytes) -> Result<Vec<String>> {
    let model = Model::open(image.as_ref())?;
    let user = model.mean_user();
    let mut best = f64::INFINITY;
    for _ in 0..TIMES {
        let start = Instant::now();
        let mut top = TopN::<10>::new();
        top.advance(black_box(&model), &user, |_| true, u32::MAX);
        black_box(&top);
        best = best.min(start.elapsed().as_secs_f64());
    }
    let movies = f64::from(model.movies());
    Ok(vec![
        format!("{}, no MLP, a list of 10", precision.name()),
        format!("{:.1}", best * 1e9 / movies),
        format!("{:.2}", best * 1e3),
        format!("{:.2e}", p.movie_dim as f64 * movies / best),
    ])
}

/// A model of the shape, untrained: what it predicts means nothing, what it costs is the same.
fn checkpoint(args: &Args) -> Result<Checkpoint> {
    let options = Options {
        model: ModelKind::Hybrid,
        hidden: args.hidden.clone(),
        user_dim: args.dim,
        movie_dim: args.dim,
        ..Options::default()
    };
    options.check().map_err(BadInput::new)?;
    let parameters = Parameters::initial(&options, 1, MOVIES as usize, 3.5);
    Ok(Checkpoint::of_parameters(parameters, options))
}
