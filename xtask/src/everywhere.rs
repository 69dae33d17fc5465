//! Core compiled for every kind of processor that it is for, at cargo's own release profile: what a stranger's
//! `cargo build --release` does with it, whose assembly must assemble too.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Result, bail};

use crate::shell;
use crate::toolchain::Toolchain;

/// Every target that core is built for, those of the boards among them.
pub const TARGETS: [&str; 12] = [
    "thumbv6m-none-eabi",
    "thumbv7m-none-eabi",
    "thumbv7em-none-eabi",
    "thumbv7em-none-eabihf",
    "thumbv8m.base-none-eabi",
    "thumbv8m.main-none-eabi",
    "thumbv8m.main-none-eabihf",
    "riscv32imc-unknown-none-elf",
    "riscv32imac-unknown-none-elf",
    "riscv32imafc-unknown-none-elf",
    "wasm32-unknown-unknown",
    "aarch64-unknown-none",
];

/// Those for which each feature alone is built whenever CI runs: portable code, and assembly for an FPU and DSP.
const KINDS: [&str; 2] = ["riscv32imc-unknown-none-elf", "thumbv7em-none-eabihf"];

/// How much of it is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Every feature alone for every target.
    All,
    /// Every feature alone for a target of each kind, all and none for every target.
    Kinds,
}

/// The features that a device may choose; `write` is the host's.
const FEATURES: [&str; 15] = [
    "codes",
    "codes-mlp",
    "facets",
    "grow",
    "integers",
    "interest",
    "learn",
    "odds",
    "orders",
    "shapes",
    "together",
    "wide",
    "dsp",
    "defmt",
    "queue",
];

/// The sets of features that are built for a target: none, all, and each alone.
fn sets(target: &str, extent: Extent) -> Vec<String> {
    let mut sets = vec![String::new(), FEATURES.join(",")];
    if extent == Extent::All || KINDS.contains(&target) {
        sets.extend(FEATURES.map(String::from));
    }
    sets
}

/// Builds core for every target, with each set of features.
///
/// # Errors
/// When some don't build: each target, with the features.
pub fn run(toolchain: &Toolchain, extent: Extent) -> Result<()> {
    let failed = Mutex::new(Vec::new());
    let next = AtomicUsize::new(0);
    // Cargo compiles one set at a time, on one core: a lane for each core, in folders of their own.
    let lane = |number: usize| {
        let folder = shell::target_directory().join(format!("everywhere-{number}"));
        while let Some(target) = TARGETS.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(error) = build(toolchain, target, extent, &folder) {
                eprintln!("error: {error:#}");
                let mut failed = failed.lock().expect("no panic");
                failed.push(format!("{target}: {error:#}"));
            }
        }
    };
    let lane = &lane;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for number in 0..cores.min(LANES) {
            scope.spawn(move || lane(number));
        }
    });
    let failed = failed.into_inner().expect("no panic");
    if !failed.is_empty() {
        bail!("core does not build for {}", failed.join("; "));
    }
    Ok(())
}

/// As many folders at most.
const LANES: usize = 4;

fn build(toolchain: &Toolchain, target: &'static str, extent: Extent, folder: &Path) -> Result<()> {
    let toolchain = toolchain.for_target(target)?;
    for features in sets(target, extent) {
        let mut command = toolchain.cargo("build", target);
        command
            .env("CARGO_TARGET_DIR", folder)
            .args(["--quiet", "-p", "pocketrec", "--lib", "--release"])
            .args(["--no-default-features", "--features", &features]);
        shell::run(&mut command)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toolchain;

    #[test]
    fn every_boards_target_is_among_those_that_core_is_built_for() {
        let boards = toolchain::targets();
        assert!(boards.iter().all(|target| TARGETS.contains(target)));
    }

    #[test]
    fn every_feature_of_core_for_devices_is_built_alone_and_with_all_others() {
        let manifest = std::fs::read_to_string(shell::root().join("core/Cargo.toml")).unwrap();
        let (_, features) = manifest.split_once("[features]").unwrap();
        let (features, _) = features.split_once("\n[").unwrap();
        let named = features.lines().filter_map(|line| line.split_once(" = "));
        let named = named.map(|(name, _)| name).collect::<Vec<_>>();
        for name in &named {
            let known = FEATURES.contains(name) || ["default", "write"].contains(name);
            assert!(known, "{name} isn't built by `cargo xtask ci`");
        }
        for target in TARGETS {
            let least = sets(target, Extent::Kinds);
            assert_eq!(least[..2], [String::new(), FEATURES.join(",")]);
            assert_eq!(sets(target, Extent::All)[2..], FEATURES);
            assert_eq!(least[2..].is_empty(), !KINDS.contains(&target));
        }
        assert!(KINDS.iter().all(|target| TARGETS.contains(target)));
    }
}
