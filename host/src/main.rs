//! Arguments and dispatch only.

use std::process::ExitCode;

use clap::Parser;
use host::commands::Cli;

fn main() -> ExitCode {
    // `host … | head` ends quietly.
    sigpipe::reset();
    host::error::tell_what_cannot_be_printed();
    match Cli::parse().verb.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(host::error::exit_code(&error))
        }
    }
}
