//! The `examples` verb: the firmware of a stranger, each a workspace of its own as a stranger's is, built as its README
//! says and asked in an emulator where it has one.

use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::firmware::executable;
use crate::setup::{self, Manner};
use crate::shell;
use crate::toolchain::{self, Toolchain};

/// A firmware of `examples/`.
struct Example {
    /// What its file is called here, as the tests ask for it.
    name: &'static str,
    /// Its workspace, and its package there.
    workspace: &'static str,
    package: &'static str,
    features: &'static str,
    target: &'static str,
}

const EXAMPLES: [Example; 5] = [
    Example {
        name: "rp2040",
        workspace: "embassy",
        package: "rp2040",
        features: "",
        target: "thumbv6m-none-eabi",
    },
    Example {
        name: "nrf52840",
        workspace: "embassy",
        package: "nrf52840",
        features: "",
        target: "thumbv7em-none-eabihf",
    },
    Example {
        name: "m4f",
        workspace: "cortex-m",
        package: "bare",
        features: "",
        target: "thumbv7em-none-eabihf",
    },
    Example {
        name: "m33",
        workspace: "cortex-m",
        package: "bare",
        features: "m33",
        target: "thumbv8m.main-none-eabihf",
    },
    Example {
        name: "riscv",
        workspace: "riscv",
        package: "bare",
        features: "",
        target: "riscv32imac-unknown-none-elf",
    },
];

/// Builds every example and runs the tests of those that an emulator has.
///
/// # Errors
/// When one doesn't build or answers otherwise than core on this machine, and when an emulator can't be had.
pub fn run(manner: Manner) -> Result<()> {
    setup::run(manner)?;
    let toolchain = toolchain::find(manner.choice)?;
    let targets = EXAMPLES.each_ref().map(|example| example.target);
    setup::targets(manner, &toolchain, &targets)?;
    let folder = shell::target_directory().join("examples");
    std::fs::create_dir_all(&folder)?;
    for example in &EXAMPLES {
        let built = build(&toolchain, example)?;
        let elf = folder.join(format!("{}.elf", example.name));
        std::fs::copy(&built, &elf)
            .with_context(|| format!("{} could not be written", elf.display()))?;
    }
    test(&folder)
}

/// Builds an example and returns the path of its ELF file.
fn build(toolchain: &Toolchain, example: &Example) -> Result<PathBuf> {
    let toolchain = toolchain.for_target(example.target)?;
    let manifest = shell::root()
        .join("examples")
        .join(example.workspace)
        .join("Cargo.toml");
    let mut command = toolchain.cargo("build", example.target);
    command
        .env(
            "CARGO_TARGET_DIR",
            shell::target_directory().join("examples"),
        )
        .arg("--manifest-path")
        .arg(manifest)
        .args(["--locked", "--release", "-p", example.package])
        .args(["--features", example.features])
        .arg("--message-format=json-render-diagnostics");
    eprintln!("$ {}", shell::words(&command));
    let built = command
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .output()
        .context("cargo could not be started")?;
    if !built.status.success() {
        bail!("the example {} did not build", example.name);
    }
    executable(&String::from_utf8_lossy(&built.stdout))
        .with_context(|| format!("cargo named no executable of {}", example.name))
}

/// Runs the examples' tests with the files of a folder.
fn test(folder: &Path) -> Result<()> {
    shell::run(
        shell::cargo()
            .env("POCKETREC_EXAMPLES", folder)
            .args(["test", "-p", "tests", "--features", "tests/examples"])
            .args(["--test", "it", "examples::"]),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_firmware_that_the_docs_show_is_in_an_example_which_is_built() {
        let sources = EXAMPLES.iter().map(|example| {
            let workspace = shell::root().join("examples").join(example.workspace);
            let member = workspace.join(example.package).join("src/main.rs");
            let own = workspace.join("src/main.rs");
            std::fs::read_to_string(member).or_else(|_| std::fs::read_to_string(own))
        });
        let sources = sources.collect::<Result<Vec<_>, _>>().unwrap();
        let text = std::fs::read_to_string(shell::root().join("docs/BOARD.md")).unwrap();
        let shown = text.split("```rust,ignore\n").skip(1);
        let shown = shown.map(|rest| rest.split("```").next().unwrap());
        let shown = shown.collect::<Vec<_>>();
        assert_eq!(shown.len(), 3);
        for code in shown {
            assert!(
                sources.iter().any(|source| source.contains(code)),
                "no example has:\n{code}"
            );
        }
    }
}
