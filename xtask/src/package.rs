//! Core as a stranger gets it: documentation that holds with any set of features, and the crate as it is packaged.

use anyhow::{Context, Result};
use std::path::PathBuf;

use crate::shell;

/// Sets of core's features whose documentation is built, each apart: none, each alone, all.
///
/// # Errors
/// When cargo's metadata can't be read.
pub fn feature_sets() -> Result<Vec<Vec<String>>> {
    let metadata =
        shell::output(shell::cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
    let features = features(&metadata).context("cargo's metadata has no features of core")?;
    let each = features.iter().map(|feature| vec![feature.clone()]);
    Ok(std::iter::once(Vec::new())
        .chain(each)
        .chain([features.clone()])
        .collect())
}

fn features(metadata: &str) -> Option<Vec<String>> {
    let metadata: serde_json::Value = serde_json::from_str(metadata).ok()?;
    let mut packages = metadata["packages"].as_array()?.iter();
    let core = packages.find(|package| package["name"] == "pocketrec")?;
    let names = core["features"].as_object()?.keys();
    Some(names.filter(|name| *name != "default").cloned().collect())
}

/// Builds core's documentation with these features, links and examples' code fences checked.
///
/// # Errors
/// When rustdoc warns of anything.
pub fn documentation(features: &[String]) -> Result<()> {
    let mut command = shell::cargo();
    command
        .env("RUSTDOCFLAGS", "-D warnings")
        .args([
            "doc",
            "--quiet",
            "-p",
            "pocketrec",
            "--lib",
            "--no-deps",
            "--no-default-features",
        ])
        .args(["--features", &features.join(",")]);
    shell::run(&mut command)
}

/// Packages core, compiles the package, and its examples.
///
/// # Errors
/// When a file is missing in the package or it doesn't compile.
pub fn run() -> Result<()> {
    // `--allow-dirty`: what is looked at is what lies here, committed or not.
    let mut package = shell::cargo();
    package.args([
        "package",
        "-p",
        "pocketrec",
        "--offline",
        "--allow-dirty",
        "--quiet",
    ]);
    shell::run(&mut package)?;
    let folder = unpacked()?;
    for needed in ["README.md", "LICENSE-MIT", "LICENSE-APACHE"] {
        let text = std::fs::read_to_string(folder.join(needed));
        let text = text.with_context(|| format!("the package has no {needed}"))?;
        // A link that was packaged as such would be a line with a path.
        anyhow::ensure!(text.lines().count() > 5, "the package's {needed} is empty");
    }
    let mut examples = shell::cargo();
    examples
        .current_dir(&folder)
        .args([
            "check",
            "--quiet",
            "--offline",
            "--examples",
            "--features",
            "write",
            "--target-dir",
        ])
        .arg(shell::target_directory().join("package"));
    shell::run(&mut examples)
}

/// Where `cargo package` left the package that it compiled.
fn unpacked() -> Result<PathBuf> {
    let id = shell::output(shell::cargo().args(["pkgid", "-p", "pocketrec"]))?;
    let version = id.trim().rsplit(['#', '@']).next().unwrap_or_default();
    Ok(shell::target_directory().join(format!("package/pocketrec-{version}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_feature_but_the_default_set_is_found() {
        let metadata = r#"{"packages":[{"name":"host","features":{}},
            {"name":"pocketrec","features":{"default":["learn"],"learn":[],"write":[]}}]}"#;
        assert_eq!(
            features(metadata),
            Some(vec!["learn".into(), "write".into()])
        );
    }
}
