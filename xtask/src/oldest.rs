//! The oldest Rust that packages declare (`rust-version`): compiled with that very toolchain, which rustup brings
//! beside the one in use.

use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::process::Command;

use crate::setup::{self, Manner};
use crate::shell;

/// Compiles libraries and programs of every default member with the toolchain that it declares.
///
/// # Errors
/// When one doesn't compile, and when its toolchain is missing and may not or can't be installed.
pub fn run(manner: Manner) -> Result<()> {
    let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (package, version) in declared()? {
        versions.entry(version).or_default().push(package);
    }
    for (version, packages) in versions {
        setup::old_toolchain(&version, manner)?;
        let mut command = cargo(&version);
        // What people build; tests and their crates may need a newer one.
        command.arg("check");
        for package in packages {
            command.args(["-p", &package]);
        }
        shell::run(&mut command)?;
    }
    Ok(())
}

/// The version that core declares.
///
/// # Errors
/// When cargo's metadata can't be read or says none.
pub fn of_core() -> Result<String> {
    let mut all = declared()?.into_iter();
    let core = all.find(|(package, _)| package == "pocketrec");
    Ok(core.context("core declares no rust-version")?.1)
}

/// Cargo of another toolchain, without what the one in use left in the environment.
pub fn cargo(version: &str) -> Command {
    let mut command = Command::new("rustup");
    command
        .args(["run", version, "cargo"])
        .current_dir(shell::root());
    for name in [
        "CARGO",
        "RUSTC",
        "RUSTDOC",
        "RUSTUP_TOOLCHAIN",
        "LD_LIBRARY_PATH",
    ] {
        command.env_remove(name);
    }
    command
}

/// Default members that declare a version: package, version.
fn declared() -> Result<Vec<(String, String)>> {
    let metadata =
        shell::output(shell::cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
    let found = versions(&metadata).context("cargo's metadata is not as expected")?;
    if found.is_empty() {
        bail!("no package declares a rust-version");
    }
    Ok(found)
}

fn versions(metadata: &str) -> Option<Vec<(String, String)>> {
    let metadata: serde_json::Value = serde_json::from_str(metadata).ok()?;
    let members = metadata["workspace_default_members"].as_array()?;
    let packages = metadata["packages"].as_array()?.iter();
    let default = packages.filter(|package| members.contains(&package["id"]));
    let one = |package: &serde_json::Value| {
        let text = |name: &str| package[name].as_str().map(String::from);
        Some((text("name")?, text("rust_version")?))
    };
    Some(default.filter_map(one).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_members_that_declare_a_version_are_found() {
        let metadata = r#"{"packages":[
            {"id":"a","name":"core","rust_version":"1.89"},
            {"id":"b","name":"firmware","rust_version":"1.90"},
            {"id":"c","name":"xtask","rust_version":null}],
            "workspace_default_members":["a","c"]}"#;
        assert_eq!(
            versions(metadata),
            Some(vec![("core".into(), "1.89".into())])
        );
        assert_eq!(versions("{}"), None);
    }
}
