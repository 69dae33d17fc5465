//! The program as people run it.

use std::path::Path;
use std::process::{Command, Output};

/// Runs the program in `folder`.
pub fn host(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_host"))
        .current_dir(folder)
        .args(arguments)
        .output()
        .expect("the program starts")
}

/// What it printed.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
