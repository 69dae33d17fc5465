//! Arguments and dispatch only.

use std::process::ExitCode;

use host::commands;

fn main() -> ExitCode {
    // `host … | head` ends quietly.
    sigpipe::reset();
    host::error::tell_what_cannot_be_printed();
    match commands::start::cli().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", host::print::error(&error));
            ExitCode::from(host::error::exit_code(&error))
        }
    }
}
