//! `cargo xtask bench device`: what core's work costs on each core, counted in the emulator, beside a snapshot.
//! `cargo xtask bench train` only hands over to `host bench train`.

mod cycles;
mod snapshot;
mod thumb;
mod trace;

use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;

use crate::firmware::executable;
use crate::setup::{self, Manner};
use crate::shell;
use crate::toolchain::Toolchain;
use cycles::Table;
use snapshot::{Line, Snapshot};

/// A core and a build to count.
struct Setting {
    core: &'static str,
    build: &'static str,
    machine: &'static str,
    target: &'static str,
    /// A cargo profile of the workspace.
    profile: &'static str,
    /// Flags for the compiler; the workspace's own where there are none.
    flags: Option<&'static str>,
    /// Where this machine has room for images; behind the flash where nothing is said.
    images: Option<&'static str>,
    /// Cycles are modelled only by the core's own manual, so not for M7 and M55.
    table: Option<Table>,
}

impl Setting {
    fn features(&self) -> &'static str {
        match self.target {
            MAINLINE => "device,dsp",
            _ => "device",
        }
    }
}

const FLOAT: &str = "thumbv7em-none-eabihf";
const SMALL: &str = "thumbv6m-none-eabi";
const MAINLINE: &str = "thumbv8m.main-none-eabihf";

/// The firmware's own build.
const WORKSPACE: &str = "workspace";

/// The build with core as the firmware has it and all else at 3, and its profile: core's kernels must cost no more in the
/// firmware's own build.
const CALLER_AT_3: &str = "caller-at-3";

const SETTINGS: [Setting; 8] = [
    Setting {
        core: "M4F",
        build: WORKSPACE,
        machine: "mps2-an386",
        target: FLOAT,
        profile: "firmware",
        flags: None,
        images: None,
        table: Some(Table::M4),
    },
    Setting {
        core: "M4F",
        build: "no-flags",
        machine: "mps2-an386",
        target: FLOAT,
        profile: "firmware",
        flags: Some(""),
        images: None,
        table: Some(Table::M4),
    },
    Setting {
        core: "M4F",
        build: CALLER_AT_3,
        machine: "mps2-an386",
        target: FLOAT,
        profile: CALLER_AT_3,
        flags: None,
        images: None,
        table: Some(Table::M4),
    },
    Setting {
        core: "M4F",
        build: "core-at-s",
        machine: "mps2-an386",
        target: FLOAT,
        profile: "firmware-s",
        flags: None,
        images: None,
        table: Some(Table::M4),
    },
    Setting {
        core: "M7",
        build: WORKSPACE,
        machine: "mps2-an500",
        target: FLOAT,
        profile: "firmware",
        flags: None,
        images: None,
        table: None,
    },
    Setting {
        core: "M33",
        build: WORKSPACE,
        machine: "mps2-an505",
        target: MAINLINE,
        profile: "firmware",
        flags: None,
        images: None,
        table: None,
    },
    Setting {
        core: "M55",
        build: WORKSPACE,
        machine: "mps3-an547",
        target: FLOAT,
        profile: "firmware",
        flags: None,
        // Its flash is half a megabyte; this is RAM.
        images: Some("0x01000000"),
        table: None,
    },
    Setting {
        core: "M0",
        build: WORKSPACE,
        // A Cortex-M3, which runs the code of a Cortex-M0 instruction by instruction, with more flash than any M0 here.
        machine: "mps2-an385",
        target: SMALL,
        profile: "firmware",
        flags: None,
        images: None,
        table: Some(Table::M0),
    },
];

/// Times training on this machine, by the verb of `host` that does it.
///
/// # Errors
/// When it fails.
pub fn train(options: &[String]) -> Result<()> {
    let mut command = shell::cargo();
    command.args(["run", "--quiet", "-p", "host", "--", "bench", "train"]);
    shell::run(command.args(options))
}

/// The snapshot's place in the repository.
fn path() -> PathBuf {
    shell::root().join("bench").join("snapshot.txt")
}

/// Counts everything, prints the table and compares it with the snapshot, or writes it where told to `bless`.
///
/// # Errors
/// When a build, the emulator or a kernel's own check fails, or with the compiler that made the snapshot when a count
/// grew by more than [`snapshot::ALLOWED`], or is higher by more than [`snapshot::ALLOWED_CALLER`] than for a caller at
/// opt-level 3.
pub fn device(
    toolchain: &Toolchain,
    manner: Manner,
    bless: bool,
    only: Option<&str>,
) -> Result<()> {
    let settings = chosen(only)?;
    let targets = settings.iter().map(|setting| setting.target);
    setup::targets(manner, toolchain, &targets.collect::<Vec<_>>())?;
    let mut lines = Vec::new();
    let mut results: BTreeMap<String, String> = BTreeMap::new();
    for setting in &settings {
        let elf = build(toolchain, setting)?;
        let footprint = trace::footprint(&elf)?;
        eprintln!(
            "{} {}: {} ({} bytes of flash with its images, {} of RAM)",
            setting.core, setting.build, setting.machine, footprint.flash, footprint.ram
        );
        let run = trace::run(&elf, setting.machine, setting.table)?;
        for (name, bits) in run.bits {
            let known = results.entry(name.clone()).or_insert_with(|| bits.clone());
            if *known != bits {
                bail!(
                    "{} {} gives other bits for {name} ({bits}) than the cores before it ({known})",
                    setting.core,
                    setting.build
                );
            }
        }
        for region in run.regions {
            lines.push(Line::new(setting.core, setting.build, &region));
        }
    }
    let counted = Snapshot {
        compiler: toolchain.version(),
        lines,
    };
    println!("{counted}");
    let mut dearer = counted.dearer(CALLER_AT_3, WORKSPACE);
    for (_, sentence) in &dearer {
        println!("{sentence}");
    }
    if bless {
        let path = path();
        let counted = match only {
            Some(_) => read()?.with(counted)?,
            None => counted,
        };
        std::fs::write(&path, counted.to_string())
            .with_context(|| format!("writing {}", path.display()))?;
        eprintln!("wrote {}", path.display());
        return Ok(());
    }
    let before = read()?.keeping(|core, build| {
        let same = |setting: &&Setting| (setting.core, setting.build) == (core, build);
        settings.iter().any(same)
    });
    let changes = before.changes(&counted);
    for change in &changes {
        println!("{change}");
    }
    // As with what grew: what was blessed isn't held against the code.
    let known = before.dearer(CALLER_AT_3, WORKSPACE);
    dearer.retain(|(work, _)| known.iter().all(|(other, _)| other != work));
    let grown = changes.iter().filter(|change| change.too_much()).count();
    if grown == 0 && dearer.is_empty() {
        return Ok(());
    }
    if before.compiler == counted.compiler && grown == 0 {
        bail!(
            "{} counts are higher than for a caller at opt-level 3: see above",
            dearer.len()
        );
    }
    if before.compiler == counted.compiler {
        bail!(
            "{grown} counts grew by more than {} %: see above, and bless them with \
             `cargo xtask bench device --bless` if that is meant",
            snapshot::ALLOWED * 100.0
        );
    }
    println!(
        "{grown} counts grew and {} are higher than for a caller at opt-level 3, with another compiler than the \
         snapshot's ({}): not held against the code",
        dearer.len(),
        before.compiler
    );
    Ok(())
}

/// The snapshot as it was written.
fn read() -> Result<Snapshot> {
    let path = path();
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("{}: run with --bless to write it", path.display()))?;
    text.parse()
        .with_context(|| format!("reading {}", path.display()))
}

/// The settings to count: all of them, or the one that is named as in the snapshot.
///
/// # Errors
/// For a name that none of them has: counting nothing would look like nothing that grew.
fn chosen(only: Option<&str>) -> Result<Vec<&'static Setting>> {
    let name = |setting: &Setting| format!("{}/{}", setting.core, setting.build);
    let all: &'static [Setting] = &SETTINGS;
    let settings: Vec<&Setting> = all
        .iter()
        .filter(|setting| only.is_none_or(|only| only == name(setting)))
        .collect();
    match (only, settings.is_empty()) {
        (Some(only), true) => bail!(
            "--only is {only}; it should be one of {}",
            SETTINGS.each_ref().map(name).join(", ")
        ),
        _ => Ok(settings),
    }
}

/// Builds the bench for a setting and returns its ELF file.
fn build(toolchain: &Toolchain, setting: &Setting) -> Result<PathBuf> {
    let toolchain = toolchain.for_target(setting.target)?;
    let mut command = toolchain.cargo("build", setting.target);
    command
        .args([
            "-p",
            "bench",
            "--bin",
            "bench",
            "--features",
            setting.features(),
        ])
        .args(["--profile", setting.profile])
        .arg("--message-format=json-render-diagnostics")
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit());
    if let Some(flags) = setting.flags {
        // This one replaces what the configuration says, and may be empty.
        command.env("CARGO_ENCODED_RUSTFLAGS", flags);
    }
    if let Some(at) = setting.images {
        command.env("BENCH_IMAGES", at);
    }
    eprintln!("$ {}", shell::words(&command));
    let result = command
        .output()
        .with_context(|| format!("`{}` could not be started", shell::words(&command)))?;
    if !result.status.success() {
        bail!("the bench for {} did not build", setting.target);
    }
    let elf = executable(&String::from_utf8_lossy(&result.stdout))
        .context("cargo named no executable of the bench")?;
    // The next setting's build may overwrite it.
    let own = elf.with_file_name(format!("bench-{}-{}.elf", setting.core, setting.build));
    std::fs::copy(&elf, &own).with_context(|| format!("copying {}", elf.display()))?;
    Ok(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_counted_by_its_name_and_a_wrong_name_is_refused() {
        assert_eq!(chosen(None).unwrap().len(), SETTINGS.len());
        let one = chosen(Some("M4F/core-at-s")).unwrap();
        assert_eq!((one.len(), one[0].profile), (1, "firmware-s"));
        let error = chosen(Some("M4/workspace")).map(|_| ()).unwrap_err();
        assert!(error.to_string().contains("M4F/workspace, "), "{error}");
    }
}
