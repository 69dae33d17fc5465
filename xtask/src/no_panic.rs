//! The `no-panic` verb: proves from compiled code that nothing in core can panic.
//!
//! Three looks at the same thing, on each target:
//! 1. core's own rlib, at opt-level 3, wants no symbol of `core::panicking`: every public function that isn't
//!    generic is in it;
//! 2. a firmware that calls every public function of core, the generic ones too, has no such symbol after linking, in
//!    each profile of the firmware;
//! 3. nor has it as a stranger may build it: at every opt-level, with link-time optimisation and without, and with
//!    checks for overflow, so that whatever arithmetic wraps or saturates is said to in the code.
//!
//! And a look at the look: a firmware with a panic planted in it must be caught.

use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::elf;
use crate::firmware::{self, Profile};
use crate::shell;
use crate::toolchain::{self, Toolchain};

/// Checks core on every target, in every profile of the firmware and as a stranger may build it.
///
/// # Errors
/// When something doesn't build, when a panic is found, or when a planted one isn't.
pub fn run(toolchain: &Toolchain) -> Result<()> {
    // Each is linked as one unit, on one core; cargo locks a profile's folder, and these two have none in common.
    let results = std::thread::scope(|scope| {
        let strangers = scope.spawn(|| strangers(toolchain));
        [own(toolchain), strangers.join().expect("no panic")]
    });
    let failures = results.into_iter().filter_map(Result::err);
    let failures = failures.map(|error| format!("{error:#}"));
    told(&failures.collect::<Vec<_>>())?;
    println!("no path through core can panic");
    Ok(())
}

/// The check in the firmware's profiles.
///
/// # Errors
/// As [`run`].
pub fn own(toolchain: &Toolchain) -> Result<()> {
    let mut failures = uncalled()?;
    for target in toolchain::targets() {
        for profile in Profile::ALL {
            // At `s` rustc also exports generic code for other crates, panics and all, that nothing may call.
            if profile == Profile::Firmware {
                let found = panics(&elf::wanted(&rlib(toolchain, target, profile)?)?);
                if !found.is_empty() {
                    failures.push(format!("core's rlib ({target}) wants {}", found.join(", ")));
                }
            }
            let binary = firmware::build_binary(
                toolchain,
                target,
                "no-panic",
                &["no-panic", "queue"],
                profile,
            )?;
            let found = panics(&elf::symbols(&binary)?);
            if !found.is_empty() {
                failures.push(format!(
                    "a firmware ({target}, {}) holds {}",
                    profile.name(),
                    found.join(", ")
                ));
            }
        }
    }
    let target = toolchain::targets()[0];
    let planted = firmware::build_binary(
        toolchain,
        target,
        "no-panic",
        &["planted-panic"],
        Profile::Firmware,
    )?;
    if panics(&elf::symbols(&planted)?).is_empty() {
        failures.push("a panic planted on purpose was not found".to_string());
    }
    told(&failures)
}

/// The check as a stranger may build it.
///
/// # Errors
/// As [`run`].
pub fn strangers(toolchain: &Toolchain) -> Result<()> {
    let mut failures = Vec::new();
    for variant in Variant::all() {
        let found = panics(&elf::symbols(&variant.build(toolchain)?)?);
        if !found.is_empty() {
            failures.push(format!("a firmware ({variant}) holds {}", found.join(", ")));
        }
    }
    told(&failures)
}

fn told(failures: &[String]) -> Result<()> {
    if !failures.is_empty() {
        bail!("{}", failures.join("\n  "));
    }
    Ok(())
}

/// How a stranger may build: cargo's release profile with an opt-level, checks for overflow, and link-time optimisation
/// or none.
struct Variant {
    target: &'static str,
    level: &'static str,
    lto: &'static str,
}

impl std::fmt::Display for Variant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { target, level, lto } = self;
        write!(
            f,
            "{target}, opt-level {level}, LTO {lto}, with checks for overflow"
        )
    }
}

impl Variant {
    /// Every opt-level with LTO and without, for the target whose code is all plain; of the others, whose kernels are
    /// partly in assembly, the levels at which least and most is inlined, without it: less is found out then.
    fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for target in toolchain::targets() {
            let (levels, ways): (&[_], &[_]) = match target {
                PLAIN => (&["z", "s", "2", "3"], &["off", "fat"]),
                _ => (&["z", "3"], &["off"]),
            };
            for level in levels {
                all.extend(ways.iter().map(|lto| Self { target, level, lto }));
            }
        }
        all
    }

    fn build(&self, toolchain: &Toolchain) -> Result<PathBuf> {
        let level = match self.level.parse::<u8>() {
            Ok(number) => number.to_string(),
            Err(_) => format!("\"{}\"", self.level),
        };
        let settings = [
            format!("opt-level={level}"),
            format!("lto=\"{}\"", self.lto),
            String::from("overflow-checks=true"),
        ];
        let configuration = settings.map(|setting| format!("--config=profile.release.{setting}"));
        firmware::build_binary_with(
            toolchain,
            self.target,
            "no-panic",
            &["no-panic"],
            ("release", &configuration),
        )
    }
}

/// The target that has no kernels in assembly.
const PLAIN: &str = "thumbv6m-none-eabi";

/// Symbols that only a panic brings; both manglings of rustc spell the path so.
fn panics(symbols: &[String]) -> Vec<String> {
    let mut found = symbols
        .iter()
        .filter(|name| {
            name.contains("4core9panicking") || name.contains("4core6result13unwrap_failed")
        })
        .cloned()
        .collect::<Vec<_>>();
    found.sort();
    found.dedup();
    found
}

/// Builds core alone and returns its rlib, with machine code rather than the bitcode that LTO would leave in it.
fn rlib(toolchain: &Toolchain, target: &str, profile: Profile) -> Result<PathBuf> {
    let mut command = toolchain.cargo("build", target);
    command
        .args(["-p", "pocketrec", "--lib", "--profile", profile.name()])
        .arg(format!("--config=profile.{}.lto=false", profile.name()))
        .arg(format!(
            "--config=profile.{}.codegen-units=1",
            profile.name()
        ))
        .arg("--message-format=json-render-diagnostics")
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit());
    eprintln!("$ {}", shell::words(&command));
    let result = command.output()?;
    if !result.status.success() {
        bail!("core for {target} did not build");
    }
    String::from_utf8_lossy(&result.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["target"]["name"] == "pocketrec")
        .filter_map(|message| {
            message["filenames"]
                .as_array()?
                .iter()
                .filter_map(|name| name.as_str())
                .find(|name| name.ends_with(".rlib"))
                .map(PathBuf::from)
        })
        .next_back()
        .context("cargo named no rlib of core")
}

/// Files whose `pub fn`s no firmware calls: only core sees the first's, and the others' are the host's.
const NOT_FOR_DEVICES: [&str; 5] = [
    "core/src/wire/cobs.rs",
    "core/src/image/example.rs",
    "core/src/image/builder.rs",
    "core/src/image/writer.rs",
    "core/src/image/integers.rs",
];

/// Public functions of core that the no-panic firmware doesn't name.
fn uncalled() -> Result<Vec<String>> {
    let caller = std::fs::read_to_string(shell::root().join("firmware/src/bin/no-panic.rs"))?;
    let mut missing = Vec::new();
    visit(&shell::root().join("core/src"), &mut |path, text| {
        let path = path.strip_prefix(shell::root()).unwrap_or(path);
        if NOT_FOR_DEVICES.iter().any(|file| path == Path::new(file)) {
            return;
        }
        for function in public_functions(text) {
            if !calls(&caller, &function) {
                missing.push(format!(
                    "firmware/src/bin/no-panic.rs doesn't call `{function}` of {}",
                    path.display()
                ));
            }
        }
    })?;
    Ok(missing)
}

fn visit(directory: &Path, see: &mut impl FnMut(&Path, &str)) -> Result<()> {
    let mut entries = std::fs::read_dir(directory)?.collect::<std::io::Result<Vec<_>>>()?;
    entries.sort_by_key(std::fs::DirEntry::path);
    for entry in entries {
        let path = entry.path();
        if path.is_dir() {
            visit(&path, see)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            see(&path, &std::fs::read_to_string(&path)?);
        }
    }
    Ok(())
}

/// Names of the `pub fn`s of a source file that a device compiles: not of its tests, nor of what a std host writes.
fn public_functions(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut skip_item = false;
    for line in text.lines() {
        let line = line.trim_start();
        if line.starts_with("#[cfg(test)]") {
            break;
        }
        if line.starts_with("#[cfg(feature = \"write\")]") {
            skip_item = true;
        } else if line.is_empty() {
            skip_item = false;
        }
        let Some(rest) = ["pub fn ", "pub const fn ", "pub unsafe fn "]
            .iter()
            .find_map(|prefix| line.strip_prefix(prefix))
        else {
            continue;
        };
        let name = rest
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect::<String>();
        if !std::mem::take(&mut skip_item) {
            names.push(name);
        }
    }
    names
}

fn calls(caller: &str, function: &str) -> bool {
    caller.match_indices(function).any(|(at, _)| {
        let before = caller[..at].chars().next_back();
        let after = caller[at + function.len()..].chars().next();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_') && matches!(after, Some('(' | ':'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_public_function_of_core_is_called() {
        assert_eq!(uncalled().unwrap(), [""; 0]);
    }

    #[test]
    fn public_functions_are_found_and_those_of_tests_and_writers_are_not() {
        let text = "pub fn one() {}\n    pub const fn two(&self) {}\npub(crate) fn three() {}\n\
                    #[cfg(feature = \"write\")]\npub fn four() {}\npub fn five<T>() {}\n\
                    #[cfg(test)]\nmod tests { pub fn six() {} }\n";
        assert_eq!(public_functions(text), ["one", "two", "five"]);
    }

    #[test]
    fn a_function_counts_as_called_only_by_its_whole_name() {
        assert!(calls("model.predict(1, 2)", "predict"));
        assert!(calls("widen::<8>(1)", "widen"));
        assert!(!calls("model.predict_row(1, 2)", "predict"));
        assert!(!calls("model.repredict(1, 2)", "predict"));
    }

    #[test]
    fn every_opt_level_is_looked_at_with_link_time_optimisation_and_without() {
        let all = Variant::all();
        for level in ["z", "s", "2", "3"] {
            for lto in ["off", "fat"] {
                let looked = |v: &Variant| (v.target, v.level, v.lto) == (PLAIN, level, lto);
                assert!(all.iter().any(looked), "{level}, {lto}");
            }
        }
        for target in toolchain::targets() {
            assert!(all.iter().any(|variant| variant.target == target));
        }
    }

    #[test]
    fn symbols_of_panics_are_known_in_both_manglings() {
        let symbols = [
            "_ZN4core9panicking9panic_fmt17hE",
            "_RNvNtCs1_4core9panicking5panic",
            "memcpy",
        ]
        .map(String::from);
        assert_eq!(panics(&symbols).len(), 2);
    }
}
