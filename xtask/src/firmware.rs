//! Building the firmware of a board and finding its ELF file.

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use std::path::PathBuf;
use std::process::Stdio;

use crate::boards::{self, Board};
use crate::shell;
use crate::toolchain::Toolchain;

/// What the firmware is optimised for; a cargo profile of the workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Profile {
    /// Speed: opt-level 3.
    Firmware,
    /// Size: opt-level z, core at s.
    FirmwareS,
}

impl Profile {
    /// Both.
    pub const ALL: [Profile; 2] = [Profile::Firmware, Profile::FirmwareS];

    /// The profile's name in Cargo.toml.
    pub fn name(self) -> &'static str {
        match self {
            Profile::Firmware => "firmware",
            Profile::FirmwareS => "firmware-s",
        }
    }
}

/// How a firmware is built.
#[derive(Clone, Debug)]
pub struct Options {
    /// The cargo profile.
    pub profile: Profile,
    /// With defmt over RTT.
    pub log: bool,
    /// Further cargo features of the firmware, of [`BESIDE`](::boards::BESIDE).
    pub features: Vec<String>,
}

impl Options {
    /// The usual build of a profile: the one for size has no logs.
    pub fn usual(profile: Profile) -> Self {
        Self {
            profile,
            log: profile == Profile::Firmware,
            features: Vec::new(),
        }
    }
}

/// Builds a board's firmware and returns the path of its ELF file, which has a name of its own for each option.
///
/// # Errors
/// When cargo fails or names no executable.
pub fn build(toolchain: &Toolchain, board: Board, options: &Options) -> Result<PathBuf> {
    let mut features = boards::usual_features(board);
    let takes_room = |name: &String| board.no_grow_with.contains(&name.as_str());
    if options.features.iter().any(takes_room) {
        features.retain(|name| name != "firmware/grow");
    }
    let more = options.features.iter().map(String::as_str);
    features.extend(more.chain(["learn"]).map(|name| format!("firmware/{name}")));
    if options.log {
        features.push("log".into());
    }
    let directory = shell::target_directory().join("boards");
    std::fs::create_dir_all(&directory)?;
    // Cargo gives each board and profile one file, whatever the features: another build must not replace it before it
    // is copied. Unlocked when it is closed.
    let one_at_a_time = std::fs::File::create(directory.join(format!(
        ".lock-{}-{}",
        board.name,
        options.profile.name()
    )))?;
    one_at_a_time.lock()?;
    let built = build_board(toolchain, board, &features, options.profile)?;
    let logs = if options.log { "-log" } else { "" };
    let more = options.features.iter().map(|feature| format!("-{feature}"));
    let more = more.collect::<String>();
    let (board, profile) = (board.name, options.profile.name());
    let name = format!("{board}-{profile}{logs}{more}.elf");
    let elf = directory.join(&name);
    // Beside, then renamed: a test that boots the old file meanwhile reads a whole one.
    let beside = directory.join(format!(".{}-{name}", std::process::id()));
    std::fs::copy(&built, &beside)
        .and_then(|_| std::fs::rename(&beside, &elf))
        .with_context(|| format!("{} could not be written", elf.display()))?;
    Ok(elf)
}

/// Builds a board's package, with features as cargo takes them, and returns the path of its ELF file.
///
/// # Errors
/// As [`build`].
pub fn build_board(
    toolchain: &Toolchain,
    board: Board,
    features: &[String],
    profile: Profile,
) -> Result<PathBuf> {
    // Without it a laptop would compile the firmware too.
    let mut all = vec!["on-board"];
    all.extend(features.iter().map(String::as_str));
    build_package(
        toolchain,
        board.target,
        (board.name, board.name),
        &all,
        (profile.name(), &[]),
    )
}

/// Builds one binary of the firmware package and returns the path of its ELF file.
///
/// # Errors
/// As [`build`].
pub fn build_binary(
    toolchain: &Toolchain,
    target: &str,
    binary: &str,
    features: &[&str],
    profile: Profile,
) -> Result<PathBuf> {
    let profile = (profile.name(), &[][..]);
    build_package(toolchain, target, ("firmware", binary), features, profile)
}

/// As [`build_binary`], in a profile by its name, with further settings of cargo's configuration.
///
/// # Errors
/// As [`build`].
pub fn build_binary_with(
    toolchain: &Toolchain,
    target: &str,
    binary: &str,
    features: &[&str],
    profile: (&str, &[String]),
) -> Result<PathBuf> {
    build_package(toolchain, target, ("firmware", binary), features, profile)
}

fn build_package(
    toolchain: &Toolchain,
    target: &str,
    (package, binary): (&str, &str),
    features: &[&str],
    (profile, settings): (&str, &[String]),
) -> Result<PathBuf> {
    let mut command = toolchain.cargo("build", target);
    command
        .args(["-p", package, "--bin", binary])
        .args(["--no-default-features", "--features", &features.join(",")])
        .args(["--profile", profile])
        .args(settings)
        .arg("--message-format=json-render-diagnostics")
        .stdout(Stdio::piped());
    eprintln!("$ {}", shell::words(&command));
    let result = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("`{}` could not be started", shell::words(&command)))?;
    if !result.status.success() {
        bail!("the firmware `{binary}` for {target} did not build");
    }
    executable(&String::from_utf8_lossy(&result.stdout))
        .with_context(|| format!("cargo named no executable of `{binary}`"))
}

/// The last executable that cargo's messages name.
pub fn executable(messages: &str) -> Option<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|message| message.get("executable")?.as_str().map(PathBuf::from))
        .next_back()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executable_is_found_among_cargos_messages() {
        let messages = "{\"reason\":\"compiler-artifact\",\"executable\":null}\n\
                        {\"reason\":\"compiler-artifact\",\"executable\":\"/t/stm32f405\"}\n\
                        {\"reason\":\"build-finished\",\"success\":true}\n";
        assert_eq!(executable(messages), Some(PathBuf::from("/t/stm32f405")));
        assert_eq!(executable("{\"reason\":\"build-finished\"}\n"), None);
    }
}
