//! Core compiled for every kind of processor that it is for, at cargo's own release profile: what a stranger's
//! `cargo build --release` does with it, whose assembly must assemble too.

use anyhow::Result;

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

/// The features that a device may choose; `write` is the host's.
const FEATURES: [&str; 14] = [
    "codes",
    "codes-mlp",
    "facets",
    "grow",
    "integers",
    "interest",
    "learn",
    "odds",
    "shapes",
    "together",
    "wide",
    "dsp",
    "defmt",
    "queue",
];

/// The sets of features that are built for a target: none, all, and each alone. 41 seconds of one core a target.
fn sets() -> Vec<String> {
    let mut sets = vec![String::new(), FEATURES.join(",")];
    sets.extend(FEATURES.map(String::from));
    sets
}

/// Builds core for `target` with each set of features.
///
/// # Errors
/// When one doesn't build, with its features.
pub fn build(toolchain: &Toolchain, target: &'static str) -> Result<()> {
    let toolchain = toolchain.for_target(target)?;
    for features in sets() {
        let mut command = toolchain.cargo("build", target);
        command
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
        let sets = sets();
        assert!(sets.contains(&FEATURES.join(",")) && sets.contains(&String::new()));
        assert!(
            FEATURES
                .iter()
                .all(|name| sets.iter().any(|set| set == name))
        );
    }
}
