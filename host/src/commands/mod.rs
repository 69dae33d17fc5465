//! The verbs, one file each. A new verb is a file here, a line in `Verb` and a line in `Verb::run`.

pub mod bench;
mod columns;
mod data;
pub mod emulate;
pub mod evaluate;
mod examples;
pub mod export;
pub mod fetch;
mod find;
pub mod image;
pub mod inspect;
pub mod kernels;
pub mod line;
mod model;
mod movie;
pub mod predict;
pub mod query;
pub mod recommend;
mod remembered;
pub mod selftest;
pub mod similar;
pub mod simulate;
pub mod start;
pub mod synth;
pub mod train;
mod trained;

use clap::{Parser, Subcommand};

use crate::print;

/// Trains user and movie embeddings on a PC, and takes them to a microcontroller.
#[derive(Debug, Parser)]
#[command(name = "host", version, about, max_term_width = 80)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    verb: Verb,

    /// Answer with one JSON document on standard output, as docs/JSON.md describes it; all else that is printed goes to
    /// standard error
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
    /// Train a model on MovieLens ratings: those that ship with the project, or --data
    Train(train::Args),
    /// Measure how well a recipe predicts and ranks: cross-validation, given files, official folds, last ratings
    Evaluate(evaluate::Args),
    /// Time training on this machine, epoch by epoch and kernel by kernel
    Bench(bench::Args),
    /// Download a MovieLens release from GroupLens, check it and unzip it
    Fetch(fetch::Args),
    /// Write made-up ratings in the shape of a MovieLens release, with a known best RMSE
    Synth(synth::Args),
    /// Write the flash image of a trained model, and say what it costs and where it fits
    Export(export::Args),
    /// Verify an image and tell what it holds
    Inspect(inspect::Args),
    /// Predict a rating from an image, on this PC
    Predict(predict::Args),
    /// List the best movies for somebody from an image, on this PC
    Recommend(recommend::Args),
    /// List the movies nearest to one from an image, on this PC
    Similar(similar::Args),
    /// Let people who took no part in training rate on a device, and measure what it learns
    Simulate(simulate::Args),
    /// Ask a board, or the firmware in an emulator, over its serial line
    Query(query::Args),
    /// Boot a board's firmware in an emulator and keep it, for `query` to ask
    Emulate(emulate::Args),
    /// Ask a board a whole transcript and compare every bit with what core answers on a PC
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
            Verb::Export(args) => export::run(&args),
            Verb::Inspect(args) => inspect::run(&args),
            Verb::Predict(args) => predict::run(&args),
            Verb::Recommend(args) => recommend::run(&args),
            Verb::Similar(args) => similar::run(&args),
            Verb::Simulate(args) => simulate::run(&args),
            Verb::Query(args) => query::run(&args),
            Verb::Emulate(args) => emulate::run(&args),
            Verb::Selftest(args) => selftest::run(&args),
        }
    }
}
