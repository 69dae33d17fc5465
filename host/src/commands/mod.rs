//! The verbs, one file each. A new verb is a file here, a line in [`Verb`] and a line in [`Verb::run`].

pub mod fetch;
mod model;
mod model;
pub mod synth;
pub mod train;

use clap::{Parser, Subcommand};

/// Trains user and movie embeddings on a PC, and takes them to a microcontroller.
#[derive(Debug, Parser)]
#[command(name = "host", version, about, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Train a model on MovieLens ratings: those that ship with the project, or --data
    Train(train::Args),
    /// Download a MovieLens release from GroupLens, check it and unzip it
    Fetch(fetch::Args),
    /// Write made-up ratings in the shape of a MovieLens release, with a known best RMSE
    Synth(synth::Args),
}

impl Verb {
    /// Does it.
    ///
    /// # Errors
    /// One sentence a person can act on; [`exit_code`](crate::error::exit_code) tells bad input from a failure.
    pub fn run(self) -> anyhow::Result<()> {
        match self {
            Verb::Train(args) => train::run(&args),
            Verb::Fetch(args) => fetch::run(&args),
            Verb::Synth(args) => synth::run(&args),
        }
    }
}
