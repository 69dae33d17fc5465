//! The verbs, one file each. A new verb is a file here, a line in `Verb` and a line in `Verb::run`.

pub mod add_movie;
pub mod bench;
mod columns;
pub mod console;
mod data;
pub mod emulate;
pub mod evaluate;
mod examples;
pub mod export;
pub mod fetch;
mod find;
pub mod image;
pub mod import;
pub mod inspect;
pub mod likely;
mod line;
pub mod map;
mod model;
mod movie;
mod out;
pub mod predict;
pub mod query;
pub mod recommend;
mod remembered;
pub mod report;
pub mod selftest;
pub mod similar;
pub mod simulate;
pub mod start;
pub mod synth;
pub mod train;
mod trained;
mod wanted;

use clap::{Parser, Subcommand};

use crate::print;

/// Trains a movie recommender on a PC and runs it on a microcontroller.
#[derive(Debug, Parser)]
#[command(name = "host", version, about, max_term_width = 80)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    verb: Verb,

    /// Print one JSON document (see docs/JSON.md) to standard output and everything else to standard error
    #[arg(long, global = true, help_heading = "Output", display_order = 1000)]
    json: bool,

    /// Print results, warnings and errors only
    #[arg(
        short,
        long,
        global = true,
        help_heading = "Output",
        display_order = 1000
    )]
    quiet: bool,
}

impl Cli {
    /// Does what is asked.
    ///
    /// # Errors
    /// One sentence a person can act on; [`exit_code`](crate::exit::code) tells bad input from a failure.
    pub fn run(self) -> anyhow::Result<()> {
        if self.json {
            print::answer_in_json();
        }
        if self.quiet {
            print::be_quiet();
        }
        self.verb.run()
    }
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Train a model on the MovieLens ratings that ship with the project, or on --data
    Train(train::Args),
    /// Measure how well trained models predict and rank, by cross-validation or on given test ratings
    Evaluate(evaluate::Args),
    /// Benchmark training and scoring on this machine
    Bench(bench::Args),
    /// Download a MovieLens release from GroupLens, check it and unzip it
    Fetch(fetch::Args),
    /// Generate synthetic ratings of the size of a MovieLens release, whose lowest possible RMSE is known
    Synth(synth::Args),
    /// Import a model that another program trained: Spark, PyTorch, JAX, Keras, implicit, LightFM, myFM, Surprise, LIBMF
    Import(import::Args),
    /// Add a movie that training never saw to a trained model, by its genres, year and first ratings
    AddMovie(add_movie::Args),
    /// Write a trained model as a flash image, and report its size and which boards it fits
    Export(export::Args),
    /// Verify an image and show what it contains
    Inspect(inspect::Args),
    /// Predict a rating on this PC, from an image
    Predict(predict::Args),
    /// Recommend movies to a user on this PC, from an image
    Recommend(recommend::Args),
    /// List the movies most similar to one on this PC, from an image
    Similar(similar::Args),
    /// Write a table that places an image's movies on a map, similar ones close together
    Map(map::Args),
    /// Show what a model is worth and what it costs, as one page for a browser
    Report(report::Args),
    /// Measure how well a device learns new users, on people left out of training
    Simulate(simulate::Args),
    /// Query a board, or its firmware in an emulator, over a serial line
    Query(query::Args),
    /// Boot a board's firmware in an emulator and keep it running for `query`
    Emulate(emulate::Args),
    /// Rate movies and see the list move, on a full screen or line by line
    Console(console::Args),
    /// Check that a board's answers to a whole transcript match this PC's, bit for bit
    Selftest(selftest::Args),
}

impl Verb {
    fn run(self) -> anyhow::Result<()> {
        match self {
            Verb::Train(args) => train::run(&args),
            Verb::Evaluate(args) => evaluate::run(&args),
            Verb::Bench(args) => bench::run(&args),
            Verb::Fetch(args) => fetch::run(&args),
            Verb::Synth(args) => synth::run(&args),
            Verb::Import(args) => import::run(&args),
            Verb::AddMovie(args) => add_movie::run(&args),
            Verb::Export(args) => export::run(&args),
            Verb::Inspect(args) => inspect::run(&args),
            Verb::Predict(args) => predict::run(&args),
            Verb::Recommend(args) => recommend::run(&args),
            Verb::Similar(args) => similar::run(&args),
            Verb::Map(args) => map::run(&args),
            Verb::Report(args) => report::run(&args),
            Verb::Simulate(args) => simulate::run(&args),
            Verb::Query(args) => query::run(&args),
            Verb::Emulate(args) => emulate::run(&args),
            Verb::Console(args) => console::run(&args),
            Verb::Selftest(args) => selftest::run(&args),
        }
    }
}
