//! Packages of npm: emulators, of which a board that has one says in the `package.json` and `package-lock.json` beside its
//! data file, and what the page's tests run on. They go to the project's target folder, each file held to the lock's
//! checksum.

use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::boards::{self, Board, Emulator};
use crate::shell;

/// The oldest Node.js that they run on.
const OLDEST: u32 = 18;

const FILES: [&str; 2] = ["package.json", "package-lock.json"];

/// The boards whose emulator runs on Node.js.
fn boards() -> impl Iterator<Item = Board> {
    let all = boards::all().iter().copied();
    all.filter(|board| matches!(board.emulator, Some(Emulator::Node { .. })))
}

/// Where a board's packages lie; `host` looks there.
fn folder(board: Board) -> PathBuf {
    shell::target_directory().join("emulator").join(board.name)
}

/// One line on Node.js and the packages, when all that are locked are there.
///
/// # Errors
/// What is missing.
pub fn version() -> Result<String> {
    let version = shell::output(Command::new("node").arg("--version"))?;
    let version = version.trim();
    let major = version.trim_start_matches('v').split('.').next();
    if major
        .and_then(|major| major.parse::<u32>().ok())
        .is_none_or(|major| major < OLDEST)
    {
        bail!("node is {version}, and the emulators need {OLDEST} or later");
    }
    let mut names = vec![format!("Node.js {version}")];
    for board in boards() {
        names.extend(packages(board)?);
    }
    Ok(names.join(", "))
}

/// The packages that a board's lock names, when they are installed.
fn packages(board: Board) -> Result<Vec<String>> {
    let what = format!("{}'s emulator", board.name);
    installed(&what, Path::new(board.folder), &folder(board))
}

/// The packages that the lock in `from` names, when they are installed in `to`.
///
/// # Errors
/// What is missing, as packages of `what`.
pub fn installed(what: &str, from: &Path, to: &Path) -> Result<Vec<String>> {
    let read = |path: &Path| {
        std::fs::read_to_string(path)
            .with_context(|| format!("the packages of {what} are not in {}", to.display()))
    };
    let locked = read(&from.join(FILES[1]))?;
    if read(&to.join(FILES[1]))? != locked {
        bail!("the packages of {what} are older than its lock");
    }
    // npm writes it behind the last package.
    read(&to.join("node_modules").join(".package-lock.json"))?;
    let lock: serde_json::Value = serde_json::from_str(&locked)?;
    let packages = lock["packages"].as_object().into_iter().flatten();
    let named = packages.filter_map(|(path, package)| {
        let name = path.strip_prefix("node_modules/")?;
        Some(format!("{name} {}", package["version"].as_str()?))
    });
    Ok(named.collect())
}

/// The commands that bring them, once Node.js and npm are there.
pub fn download() -> Vec<Vec<String>> {
    boards()
        .flat_map(|board| bring(Path::new(board.folder), &folder(board)))
        .collect()
}

/// The commands that bring the packages of the lock in `from` to `to`.
pub fn bring(from: &Path, to: &Path) -> Vec<Vec<String>> {
    let to = to.display().to_string();
    let words = |words: &[&str]| words.iter().map(|word| word.to_string()).collect();
    let [package, lock] = FILES.map(|name| from.join(name).display().to_string());
    vec![
        words(&["mkdir", "-p", &to]),
        words(&["cp", &package, &lock, &to]),
        words(&[
            "npm",
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--prefix",
            &to,
        ]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_package_is_locked_by_its_checksum() {
        let page = shell::root().join("web/tests");
        let emulators = boards().map(|board| PathBuf::from(board.folder));
        for folder in emulators.chain([page]) {
            let path = folder.join(FILES[1]);
            let text = std::fs::read_to_string(path).unwrap();
            let lock: serde_json::Value = serde_json::from_str(&text).unwrap();
            let packages = lock["packages"].as_object().unwrap();
            assert!(packages.len() > 1);
            for (name, package) in packages.iter().filter(|(name, _)| !name.is_empty()) {
                let sum = package["integrity"].as_str().unwrap_or_default();
                assert!(sum.starts_with("sha512-"), "{name}: {package}");
            }
        }
    }
}
