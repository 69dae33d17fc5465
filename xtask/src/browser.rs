//! The browser that the page is tested in, and the packages of npm that drive it.

use anyhow::{Context, Result};
use std::path::PathBuf;
use std::process::Command;

use crate::{npm, shell};

/// What the page leaves in the project's target folder is in this one.
pub const FOLDER: &str = "web";

/// Where the packages lie that the tests run on.
pub fn packages() -> PathBuf {
    shell::target_directory().join(FOLDER).join("packages")
}

/// The commands that bring them.
pub fn download() -> Vec<Vec<String>> {
    npm::bring(&shell::root().join("web/tests"), &packages())
}

/// The browser's program.
///
/// # Errors
/// When there is none.
pub fn chromium() -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let found = std::env::split_paths(&path)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|program| program.is_file());
    found.context("there is no Chromium on PATH")
}

/// One line on the browser and the packages.
///
/// # Errors
/// What is missing.
pub fn version() -> Result<String> {
    let browser = shell::output(Command::new(chromium()?).arg("--version"))?;
    let mut names = vec![browser.trim().to_string()];
    let from = shell::root().join("web/tests");
    names.extend(npm::installed("the page's tests", &from, &packages())?);
    Ok(names.join(", "))
}
