//! Arguments and dispatch only.

#![deny(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "everything is printed by pocketrec_base::print, which escapes it"
)]

use std::process::ExitCode;

use host::commands;

#[global_allocator]
static MEMORY: pocketrec_base::memory::Telling = pocketrec_base::memory::Telling;

fn main() -> ExitCode {
    // `host … | head` ends quietly.
    sigpipe::reset();
    pocketrec_base::signals::watch();
    pocketrec_base::error::tell_what_the_system_refuses();
    match commands::start::cli().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            pocketrec_base::error::tell(&error);
            ExitCode::from(host::exit::code(&error))
        }
    }
}
