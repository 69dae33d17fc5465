//! Licences of everything that is compiled in, by the lists of deny.toml: what goes into a firmware may be closed by
//! whoever ships it, so nothing copyleft is allowed there; the PC's side has named exceptions.
//!
//! Where cargo-deny is installed, it checks the PC's side. The firmware's is always checked here: cargo-deny counts
//! procedural macros among what is linked, and they only run in the compiler.

use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;

use crate::boards;
use crate::shell;

/// What deny.toml allows.
#[derive(Debug, PartialEq, Eq)]
struct Policy {
    /// Everywhere, on devices too.
    allowed: Vec<String>,
    /// On the PC by name: crate, licence.
    exceptions: Vec<(String, String)>,
}

impl Policy {
    fn read(text: &str) -> Result<Policy> {
        let file: toml::Table = text.parse()?;
        let licences = file.get("licenses").context("no table `licenses`")?;
        let list = |value: &toml::Value, name: &str| -> Result<Vec<String>> {
            let list = value.get(name).and_then(toml::Value::as_array);
            let list = list.with_context(|| format!("no list `{name}` in `licenses`"))?;
            let words = list.iter().map(|word| word.as_str().map(String::from));
            words
                .collect::<Option<_>>()
                .with_context(|| format!("`{name}` is not a list of licences"))
        };
        let mut exceptions = Vec::new();
        for exception in licences
            .get("exceptions")
            .and_then(toml::Value::as_array)
            .into_iter()
            .flatten()
        {
            let name = exception.get("crate").and_then(toml::Value::as_str);
            let name = name.context("an exception without a `crate`")?;
            let each = list(exception, "allow")?
                .into_iter()
                .map(|licence| (name.to_string(), licence));
            exceptions.extend(each);
        }
        Ok(Policy {
            allowed: list(licences, "allow")?,
            exceptions,
        })
    }
}

/// Checks every dependency's licence.
///
/// # Errors
/// When one is not allowed: crate, version and licence.
pub fn run() -> Result<()> {
    let file = shell::root().join("deny.toml");
    let text = std::fs::read_to_string(&file).with_context(|| format!("{}", file.display()))?;
    let policy = Policy::read(&text).context("deny.toml")?;
    let mut refused = Vec::new();
    for board in boards::all() {
        // `cargo tree` knows which crates a board's firmware really takes; `metadata` knows every platform's.
        let tree = shell::output(
            shell::cargo()
                .args([
                    "tree",
                    "-p",
                    board.name,
                    "--target",
                    board.target,
                    // Without what only runs in the compiler.
                    "-e",
                    "normal,no-proc-macro",
                ])
                .args([
                    "--features",
                    "on-board,log,firmware/interest,firmware/learn",
                ])
                .args(["--prefix", "none", "--format", "{p}|{l}"]),
        )?;
        refuse(&tree, &policy.allowed, &[], board.name, &mut refused);
    }
    if shell::on_path("cargo-deny") {
        let check = ["deny", "check", "licenses", "bans", "sources"];
        if let Err(error) = shell::run(shell::cargo().args(check)) {
            refused.push(format!("{error:#}"));
        }
    } else {
        let tree = shell::output(shell::cargo().args([
            "tree",
            "--workspace",
            "-e",
            "normal,build,dev",
            "--prefix",
            "none",
            "--format",
            "{p}|{l}",
        ]))?;
        refuse(
            &tree,
            &policy.allowed,
            &policy.exceptions,
            "the host",
            &mut refused,
        );
    }
    if !refused.is_empty() {
        bail!("{}", refused.join("; "));
    }
    Ok(())
}

fn refuse(
    tree: &str,
    allowed: &[String],
    exceptions: &[(String, String)],
    side: &str,
    refused: &mut Vec<String>,
) {
    let mut packages = BTreeMap::new();
    for line in tree.lines() {
        if let Some((package, licence)) = line.split_once('|') {
            let package = package.split(" (").next().unwrap_or(package).trim();
            packages.insert(
                package.to_string(),
                licence.trim_end_matches(" (*)").trim().to_string(),
            );
        }
    }
    for (package, licence) in packages {
        let name = package.split(' ').next().unwrap_or(&package);
        let of_its_own = exceptions
            .iter()
            .filter(|(crate_name, _)| *crate_name == name)
            .map(|(_, licence)| licence.as_str());
        let everywhere = allowed.iter().map(String::as_str);
        let allowed = everywhere.chain(of_its_own).collect::<Vec<_>>();
        match satisfied(&licence, &allowed).context("an unreadable licence") {
            Ok(true) => {}
            _ => refused.push(format!("{package} in {side} is licensed as `{licence}`")),
        }
    }
}

/// Whether an SPDX expression can be satisfied by the allowed licences; `/` is the older way to write OR.
fn satisfied(expression: &str, allowed: &[&str]) -> Option<bool> {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let words = spaced.split_whitespace().collect::<Vec<_>>();
    let mut at = 0;
    let result = any(&words, &mut at, allowed)?;
    (at == words.len()).then_some(result)
}

fn any(words: &[&str], at: &mut usize, allowed: &[&str]) -> Option<bool> {
    let mut result = all(words, at, allowed)?;
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        result |= all(words, at, allowed)?;
    }
    Some(result)
}

fn all(words: &[&str], at: &mut usize, allowed: &[&str]) -> Option<bool> {
    let mut result = one(words, at, allowed)?;
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        result &= one(words, at, allowed)?;
    }
    Some(result)
}

fn one(words: &[&str], at: &mut usize, allowed: &[&str]) -> Option<bool> {
    let word = *words.get(*at)?;
    *at += 1;
    if word == "(" {
        let result = any(words, at, allowed)?;
        if words.get(*at) != Some(&")") {
            return None;
        }
        *at += 1;
        return Some(result);
    }
    let mut name = word.to_string();
    if words.get(*at) == Some(&"WITH") {
        name = format!("{word} WITH {}", words.get(*at + 1)?);
        *at += 2;
    }
    Some(allowed.contains(&name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_holds_when_one_way_through_it_is_allowed() {
        let allowed = ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"];
        for yes in [
            "MIT",
            "MIT/Apache-2.0",
            "GPL-3.0 OR MIT",
            "MIT AND Apache-2.0",
            "(MIT OR GPL-3.0) AND Apache-2.0",
            "Apache-2.0 WITH LLVM-exception OR GPL-2.0",
        ] {
            assert_eq!(satisfied(yes, &allowed), Some(true), "{yes}");
        }
        for no in [
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "",
        ] {
            assert_ne!(satisfied(no, &allowed), Some(true), "{no}");
        }
    }

    #[test]
    fn an_exception_counts_for_its_crate_and_on_the_host_alone() {
        let policy = Policy::read(
            "[licenses]\nallow = [\"MIT\"]\nexceptions = [{ crate = \"a\", allow = [\"MPL-2.0\"] }]",
        )
        .expect("a policy");
        let tree = "a v1.0.0|MPL-2.0\nb v1.0.0|MPL-2.0 (*)\nc v1.0.0|MIT\n";
        let mut refused = Vec::new();
        refuse(
            tree,
            &policy.allowed,
            &policy.exceptions,
            "the host",
            &mut refused,
        );
        assert_eq!(refused, ["b v1.0.0 in the host is licensed as `MPL-2.0`"]);
        refused.clear();
        refuse(tree, &policy.allowed, &[], "a board", &mut refused);
        assert_eq!(refused.len(), 2);
    }

    #[test]
    fn the_projects_own_policy_has_both_lists() {
        let policy = Policy::read(include_str!("../../deny.toml")).expect("a policy");
        assert!(policy.allowed.contains(&"MIT".into()));
        let serial_port = ("serialport".into(), "MPL-2.0".into());
        assert!(policy.exceptions.contains(&serial_port));
        assert!(!policy.allowed.contains(&"MPL-2.0".into()));
    }

    #[test]
    fn a_policy_that_lacks_its_lists_is_refused() {
        for broken in [
            "",
            "[licenses]",
            "[licenses]\nallow = [1]",
            "[licenses]\nallow = []\nexceptions = [{}]",
        ] {
            assert!(Policy::read(broken).is_err(), "{broken:?}");
        }
    }
}
