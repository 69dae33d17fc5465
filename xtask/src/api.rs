//! Core's public API as a file, so that a change of it shows as a difference that a person can read.
//!
//! rustdoc's JSON is unstable and each version of `public-api` reads that of few compilers, so the compiler is always
//! the one that core declares as its oldest, whichever is in use: the file doesn't depend on the machine.

use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;

use crate::setup::{self, Manner};
use crate::{oldest, shell};

/// The file, by its path in the project.
const SNAPSHOT: &str = "core/public-api.txt";

/// Compares the API of core with all features with the file, or writes the file anew.
///
/// # Errors
/// When they differ: each line that came or went. When the compiler is missing and may not or can't be installed.
pub fn run(manner: Manner, bless: bool) -> Result<()> {
    let now = listed(manner)?;
    let path = shell::root().join(SNAPSHOT);
    if bless {
        std::fs::write(&path, &now).with_context(|| SNAPSHOT.to_string())?;
        eprintln!("{SNAPSHOT}: {} lines written", now.lines().count());
        return Ok(());
    }
    let before = std::fs::read_to_string(&path).with_context(|| SNAPSHOT.to_string())?;
    let changes = changes(&before, &now);
    if !changes.is_empty() {
        for change in &changes {
            eprintln!("{change}");
        }
        bail!(
            "core's public API differs from {SNAPSHOT} in the {} lines above; if that is meant, \
             `cargo xtask api --bless` writes them down, and CHANGELOG.md has a word on them",
            changes.len()
        );
    }
    Ok(())
}

/// One line an item, sorted.
fn listed(manner: Manner) -> Result<String> {
    let version = oldest::of_core()?;
    setup::old_toolchain(&version, manner)?;
    // A folder of its own: the variable below would have everything else compiled anew.
    let folder = shell::target_directory().join("api");
    let mut command = oldest::cargo(&version);
    command
        .args([
            "rustdoc",
            "-p",
            "pocketrec",
            "--lib",
            "--all-features",
            "--target-dir",
        ])
        .arg(&folder)
        .args([
            "--",
            "-Zunstable-options",
            "--output-format=json",
            "--cap-lints=allow",
        ])
        // rustdoc's JSON isn't stable. What core is compiled with elsewhere never sees this variable.
        .env("RUSTC_BOOTSTRAP", "1");
    shell::run(&mut command)?;
    let api = public_api::Builder::from_rustdoc_json(folder.join("doc/pocketrec.json"))
        .sorted(true)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .omit_auto_derived_impls(true)
        .build()
        .with_context(|| {
            format!("the version of `public-api` in xtask/Cargo.toml doesn't read the JSON of Rust {version}")
        })?;
    Ok(api.items().map(|item| format!("{item}\n")).collect())
}

/// Lines that went, with `-`, and lines that came, with `+`, in order of their text.
fn changes(before: &str, now: &str) -> Vec<String> {
    let [old, new] = [before, now].map(|text| text.lines().collect::<BTreeSet<_>>());
    let gone = old.difference(&new).map(|line| (line, '-'));
    let come = new.difference(&old).map(|line| (line, '+'));
    let mut all = gone.chain(come).collect::<Vec<_>>();
    all.sort_unstable();
    all.into_iter()
        .map(|(line, sign)| format!("{sign} {line}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_and_went_is_named_line_by_line() {
        let before = "pub fn a()\npub fn b(x: u8)\n";
        let now = "pub fn a()\npub fn b(x: u16)\npub fn c()\n";
        let expected = ["+ pub fn b(x: u16)", "- pub fn b(x: u8)", "+ pub fn c()"];
        assert_eq!(changes(before, now), expected);
        assert!(changes(before, before).is_empty());
    }
}
