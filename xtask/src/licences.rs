//! Licences of everything that is compiled in: what goes into a firmware may be closed by whoever ships it, so
//! nothing copyleft is allowed there; the host has named exceptions.

use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;

use crate::boards::Board;
use crate::shell;

/// Allowed everywhere, on devices too.
const PERMISSIVE: [&str; 10] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "ISC",
    "MIT",
    "Unlicense",
    "Zlib",
];

/// Allowed on the host by name: crate, licence.
const HOST_EXCEPTIONS: [(&str, &str); 7] = [
    // Data tables of Unicode, under a permissive licence of their own.
    ("unicode-ident", "Unicode-3.0"),
    ("unicode-normalization", "Unicode-3.0"),
    // Certificates of authorities, as data, under a permissive licence of its own.
    ("webpki-roots", "CDLA-Permissive-2.0"),
    // Weak copyleft by file, used unchanged: the serial port, and what decodes logs in tests.
    ("serialport", "MPL-2.0"),
    ("alterable_logger", "MPL-2.0"),
    ("colored", "MPL-2.0"),
    ("option-ext", "MPL-2.0"),
];

/// Checks every dependency's licence.
///
/// # Errors
/// When one is not allowed: crate, version and licence.
pub fn run() -> Result<()> {
    let mut refused = Vec::new();
    for board in Board::ALL {
        // `cargo tree` knows which crates a board's firmware really takes; `metadata` knows every platform's.
        let tree = shell::output(
            shell::cargo()
                .args([
                    "tree",
                    "-p",
                    "firmware",
                    "--target",
                    board.target(),
                    // Without what only runs in the compiler.
                    "-e",
                    "normal,no-proc-macro",
                ])
                .args(["--features", &format!("{},log", board.name())])
                .args(["--prefix", "none", "--format", "{p}|{l}"]),
        )?;
        refuse(&tree, &[], board.name(), &mut refused);
    }
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
    refuse(&tree, &HOST_EXCEPTIONS, "the host", &mut refused);
    if !refused.is_empty() {
        bail!("{}", refused.join("; "));
    }
    Ok(())
}

fn refuse(tree: &str, exceptions: &[(&str, &str)], side: &str, refused: &mut Vec<String>) {
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
        let allowed = exceptions
            .iter()
            .filter(|(crate_name, _)| *crate_name == name)
            .map(|(_, licence)| *licence);
        let allowed = PERMISSIVE.into_iter().chain(allowed).collect::<Vec<_>>();
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
    fn an_exception_counts_for_its_crate_alone() {
        let mut refused = Vec::new();
        refuse(
            "a v1.0.0|MPL-2.0\nb v1.0.0|MPL-2.0 (*)\n",
            &[("a", "MPL-2.0")],
            "the host",
            &mut refused,
        );
        assert_eq!(refused, ["b v1.0.0 in the host is licensed as `MPL-2.0`"]);
    }
}
