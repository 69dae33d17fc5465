//! The compiler for boards: which of the three ways is open on this machine, and how cargo is called for it.
//!
//! 1. **rustup**: the targets are installed; nothing else is needed.
//! 2. **sources**: rustup's compiler with the `rust-src` component, which builds `core` itself.
//! 3. **debian**: Debian's `rustc-web`, `cargo-web` and `rust-web-src`, which build `core` too.
//!
//! The last two need `-Zbuild-std`, an unstable flag of cargo, hence `RUSTC_BOOTSTRAP=1`. It would hide an
//! unstable feature in our own code, which is why `cargo xtask ci` also builds core for the host without it.

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::boards;
use crate::shell;

/// What a person may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Choice {
    /// The first of the others that works here.
    Auto,
    /// rustup's compiler and its targets.
    Rustup,
    /// rustup's compiler and its `rust-src` component.
    Sources,
    /// Debian's compiler and its sources of core.
    Debian,
}

/// A compiler that is installed and can build for every board.
#[derive(Clone, Debug)]
pub struct Toolchain {
    way: Way,
    /// Directory of `rust-lld`, where PATH doesn't have it anyway.
    linker: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Rustup,
    Sources,
    Debian,
}

/// Debian's compiler lies here, whatever PATH says.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_CARGO: &str = "/usr/bin/cargo";
/// The first version whose edition and library the device side needs.
const OLDEST: (u32, u32) = (1, 89);

impl Toolchain {
    /// `cargo VERB` for a board's core; arguments that follow are the verb's own.
    pub fn cargo(&self, verb: &str, target: &str) -> Command {
        let mut command = match self.way {
            Way::Rustup | Way::Sources => shell::cargo(),
            Way::Debian => {
                let mut command = Command::new(DEBIAN_CARGO);
                command
                    .current_dir(shell::root())
                    .env("RUSTC", DEBIAN_RUSTC)
                    // rustup's proxies and cargo's `run` leave these behind; they would mix two compilers.
                    .env_remove("RUSTUP_TOOLCHAIN")
                    .env_remove("LD_LIBRARY_PATH")
                    .env_remove("RUSTDOC");
                command
            }
        };
        command.args([verb, "--target", target]);
        if self.way != Way::Rustup {
            command
                .env("RUSTC_BOOTSTRAP", "1")
                .arg("-Zbuild-std=core")
                .arg("--target-dir")
                .arg(shell::target_directory().join(match self.way {
                    Way::Debian => "debian",
                    _ => "sources",
                }));
        }
        if let Some(directory) = &self.linker {
            let mut path = vec![directory.clone()];
            path.extend(std::env::split_paths(
                &std::env::var_os("PATH").unwrap_or_default(),
            ));
            if let Ok(path) = std::env::join_paths(path) {
                command.env("PATH", path);
            }
        }
        command
    }

    /// This compiler with core for `target`: its own, or built with the rest where that isn't installed and its sources are.
    ///
    /// # Errors
    /// When there is neither.
    pub fn for_target(&self, target: &'static str) -> Result<Self> {
        if self.way != Way::Rustup {
            return Ok(self.clone());
        }
        match &missing(&[target])?[..] {
            [] => Ok(self.clone()),
            _ => check(Way::Sources)
                .with_context(|| format!("rustup's target {target} is not installed")),
        }
    }

    /// The compiler's version line.
    pub fn version(&self) -> String {
        let compiler = match self.way {
            Way::Debian => DEBIAN_RUSTC.into(),
            _ => rustc(),
        };
        shell::output(Command::new(compiler).arg("--version"))
            .map(|line| line.trim().to_string())
            .unwrap_or_default()
    }

    /// Whether `cargo clippy` runs on this compiler.
    pub fn has_clippy(&self) -> bool {
        self.way != Way::Debian
    }

    /// One line for people.
    pub fn describe(&self) -> String {
        let way = match self.way {
            Way::Rustup => "rustup's targets",
            Way::Sources => "rustup's compiler with -Zbuild-std=core",
            Way::Debian => "Debian's compiler with -Zbuild-std=core",
        };
        format!("{} ({way})", self.version())
    }
}

/// The installed toolchain that `choice` allows.
///
/// # Errors
/// When there is none: the sentence says which commands would bring one.
pub fn find(choice: Choice) -> Result<Toolchain> {
    let mut reasons = Vec::new();
    for way in ways(choice) {
        match check(way) {
            Ok(toolchain) => return Ok(toolchain),
            Err(reason) => reasons.push(reason.to_string()),
        }
    }
    bail!(
        "no compiler for boards here ({}); `cargo xtask setup` says how to get one",
        reasons.join("; ")
    );
}

fn ways(choice: Choice) -> Vec<Way> {
    match choice {
        Choice::Auto => vec![Way::Rustup, Way::Sources, Way::Debian],
        Choice::Rustup => vec![Way::Rustup],
        Choice::Sources => vec![Way::Sources],
        Choice::Debian => vec![Way::Debian],
    }
}

fn check(way: Way) -> Result<Toolchain> {
    match way {
        Way::Rustup => {
            let missing = missing(&targets())?;
            if !missing.is_empty() {
                bail!("rustup's target {} is not installed", missing.join(" and "));
            }
            Ok(Toolchain { way, linker: None })
        }
        Way::Sources => {
            let sysroot = sysroot(&rustc())?;
            if !has_sources(&sysroot) {
                bail!("the component rust-src is not installed");
            }
            Ok(Toolchain {
                way,
                linker: linker()?,
            })
        }
        Way::Debian => {
            if !Path::new(DEBIAN_RUSTC).exists() || !Path::new(DEBIAN_CARGO).exists() {
                bail!("{DEBIAN_RUSTC} and {DEBIAN_CARGO} are not installed");
            }
            let version = shell::output(Command::new(DEBIAN_RUSTC).arg("--version"))?;
            if parse_version(&version).is_none_or(|version| version < OLDEST) {
                bail!(
                    "{DEBIAN_RUSTC} is {}, and the firmware needs {}.{} or later",
                    version.trim(),
                    OLDEST.0,
                    OLDEST.1
                );
            }
            if !has_sources(&sysroot(DEBIAN_RUSTC.as_ref())?) {
                bail!("rust-web-src is not installed");
            }
            Ok(Toolchain {
                way,
                linker: linker()?,
            })
        }
    }
}

/// The targets of every board, each once.
pub fn targets() -> Vec<&'static str> {
    let mut targets: Vec<&str> = boards::all().iter().map(|board| board.target).collect();
    targets.sort_unstable();
    targets.dedup();
    targets
}

fn rustc() -> std::ffi::OsString {
    std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())
}

fn sysroot(rustc: &std::ffi::OsStr) -> Result<PathBuf> {
    let path = shell::output(
        Command::new(rustc)
            .args(["--print", "sysroot"])
            .current_dir(shell::root()),
    )?;
    Ok(PathBuf::from(path.trim()))
}

/// Those of `targets` whose core isn't installed.
fn missing(targets: &[&'static str]) -> Result<Vec<&'static str>> {
    let library = sysroot(&rustc())?.join("lib").join("rustlib");
    let targets = targets.iter().copied();
    Ok(targets
        .filter(|target| !has_core(&library.join(target).join("lib")))
        .collect())
}

/// What the page is compiled for.
pub const WASM: &str = "wasm32-unknown-unknown";

/// Makes sure that the standard library for the page is there.
///
/// # Errors
/// When it isn't.
pub fn check_wasm() -> Result<()> {
    match &missing(&[WASM])?[..] {
        [] => Ok(()),
        _ => bail!("rustup's target {WASM} is not installed"),
    }
}

fn has_core(directory: &Path) -> bool {
    std::fs::read_dir(directory).is_ok_and(|entries| {
        entries
            .flatten()
            .any(|entry| entry.file_name().to_string_lossy().starts_with("libcore-"))
    })
}

fn has_sources(sysroot: &Path) -> bool {
    sysroot
        .join("lib/rustlib/src/rust/library/core/src/lib.rs")
        .exists()
}

/// The directory of `rust-lld`, the linker that rustc calls for these targets, unless PATH has it.
fn linker() -> Result<Option<PathBuf>> {
    if shell::on_path("rust-lld") {
        return Ok(None);
    }
    let host = shell::output(Command::new(rustc()).args(["--print", "host-tuple"]))?;
    let directory = sysroot(&rustc())?
        .join("lib/rustlib")
        .join(host.trim())
        .join("bin");
    if directory.join("rust-lld").exists() || directory.join("rust-lld.exe").exists() {
        return Ok(Some(directory));
    }
    bail!(
        "the linker rust-lld is neither on PATH nor in {}",
        directory.display()
    );
}

/// Major and minor of `rustc 1.96.0 (…)`.
fn parse_version(line: &str) -> Option<(u32, u32)> {
    let mut numbers = line.split_whitespace().nth(1)?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compilers_version_is_read_from_its_own_words() {
        assert_eq!(
            parse_version("rustc 1.96.0 (ac68faa20 2026-05-25)"),
            Some((1, 96))
        );
        assert_eq!(parse_version("rustc 1.63.0"), Some((1, 63)));
        assert_eq!(parse_version("command not found"), None);
    }

    #[test]
    fn every_board_has_its_target() {
        let due = [
            "riscv32imc-unknown-none-elf",
            "thumbv6m-none-eabi",
            "thumbv7em-none-eabihf",
            "thumbv8m.main-none-eabihf",
        ];
        assert_eq!(targets(), due);
    }
}
