//! Arguments and dispatch only.

use std::process::ExitCode;

use host::commands;

fn main() -> ExitCode {
    // `host … | head` ends quietly.
    sigpipe::reset();
    host::signals::watch();
    host::error::tell_what_cannot_be_printed();
    match commands::start::cli().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            host::error::tell(&error);
            ExitCode::from(host::error::exit_code(&error))
        }
    }
}
