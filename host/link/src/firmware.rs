//! Building a board's firmware from a program: `cargo xtask firmware`, whose last line is the path of its ELF file.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use boards::Board;
use pocketrec_base::child::Tied;

/// The workspace's folder.
pub(crate) fn workspace() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// Builds a board's firmware with further features, in a cargo profile or the usual one; the path of its ELF file. What
/// cargo says meanwhile goes where `words` says.
///
/// # Errors
///
/// When cargo can't be started or the firmware doesn't build: what cargo said where nobody has seen it yet.
pub fn build(
    board: Board,
    profile: Option<&str>,
    features: &[&str],
    words: Stdio,
) -> Result<PathBuf> {
    let mut build = task(board, features);
    build.args(profile.iter().flat_map(|name| ["--profile", name]));
    made(build.stderr(words), board)
}

/// What a file holds that flashes a board as a whole.
#[derive(Clone, Copy, Debug)]
pub struct OneFile<'a> {
    /// How its name ends, as [`Board::check_one_file`] has it.
    pub extension: &'a str,
    /// The image.
    pub image: &'a Path,
    /// Whether the firmware is left out.
    pub image_only: bool,
    /// Further features of the firmware.
    pub features: &'a [&'a str],
}

/// Makes a file that flashes a board, of the firmware, which it builds, and an image; its path.
///
/// # Errors
///
/// As [`build`], and where something wouldn't lie in the region that the board has for it.
pub fn one_file(board: Board, file: &OneFile<'_>) -> Result<PathBuf> {
    let image = std::path::absolute(file.image).context("the image's path")?;
    let mut make = task(board, file.features);
    make.arg(format!("--{}", file.extension))
        .arg("--image")
        .arg(image)
        .args(file.image_only.then_some("--image-only"));
    made(make.stderr(Stdio::inherit()), board)
}

/// The task runner's verb.
fn task(board: Board, features: &[&str]) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["xtask", "firmware", board.name])
        .args(features.iter().flat_map(|name| ["--features", name]))
        .current_dir(workspace());
    command
}

/// Runs it; the path in its last line.
fn made(command: &mut Command, board: Board) -> Result<PathBuf> {
    let output = Tied::output(command.stdout(Stdio::piped()))
        .context("cargo, which builds the firmware, can't be started")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let path = text.lines().rev().find(|line| !line.trim().is_empty());
    match path {
        Some(path) if output.status.success() => Ok(PathBuf::from(path.trim())),
        _ => {
            let words = String::from_utf8_lossy(&output.stderr);
            let name = board.name;
            let why = format!(
                "the firmware was not built: `cargo xtask firmware {name}` says why\n{words}"
            );
            bail!("{}", why.trim_end())
        }
    }
}
