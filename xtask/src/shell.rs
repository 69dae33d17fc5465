//! Running other programs: one way to start, show and capture them, and where the project lies.

use anyhow::{Context, Result, bail};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::child;

/// The workspace's folder: that of the package which cargo runs, also where this program was built in another copy.
pub fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let told = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let own = told.filter(|path| path.ends_with("xtask"));
        let package = own.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = package.parent().expect("xtask lies in the workspace");
        root.to_path_buf()
    })
}

/// The cargo that started the task runner.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    as_a_person(&mut command);
    command
}

/// Takes from a command what cargo told the task runner of its own package. It isn't in a person's shell, and crates whose
/// build scripts watch it (ring, and with it all that fetches) would be compiled anew for each of the two.
pub fn as_a_person(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let told = ["CARGO_PKG_", "CARGO_MANIFEST_"];
        let name_is = |start: &&str| name.to_string_lossy().starts_with(*start);
        if told.iter().any(name_is) {
            command.env_remove(&name);
        }
    }
}

/// Where cargo puts what it builds.
pub fn target_directory() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(directory) => std::path::absolute(root().join(directory)).expect("a path"),
        None => root().join("target"),
    }
}

/// The command as a person would type it.
pub fn words(command: &Command) -> String {
    let mut line = String::new();
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            line += &format!(
                "{}={} ",
                name.to_string_lossy(),
                quoted(&value.to_string_lossy())
            );
        }
    }
    let program = Path::new(command.get_program());
    line += &program
        .file_name()
        .unwrap_or(command.get_program())
        .to_string_lossy();
    for argument in command.get_args() {
        line += " ";
        line += &quoted(&argument.to_string_lossy());
    }
    line
}

fn quoted(word: &str) -> String {
    if !word.is_empty()
        && word
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_=/.,:+@".contains(c))
    {
        word.to_string()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// Runs a command to its end, its output shown.
///
/// # Errors
/// When it can't be started or ends with another code than 0.
pub fn run(command: &mut Command) -> Result<()> {
    eprintln!("$ {}", words(command));
    child::end_with_this_process(command);
    let status = command
        .status()
        .with_context(|| format!("`{}` could not be started", words(command)))?;
    if !status.success() {
        bail!("`{}` failed ({status})", words(command));
    }
    Ok(())
}

/// Runs a command and returns what it printed; its complaints are shown only when it fails.
///
/// # Errors
/// When it can't be started or ends with another code than 0.
pub fn output(command: &mut Command) -> Result<String> {
    child::end_with_this_process(command);
    let result = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("`{}` could not be started", words(command)))?;
    if !result.status.success() {
        bail!(
            "`{}` failed ({}): {}",
            words(command),
            result.status,
            String::from_utf8_lossy(&result.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&result.stdout).into_owned())
}

/// Whether a program of this name is on PATH.
pub fn on_path(program: &str) -> bool {
    let Some(path) = std::env::var_os("PATH") else {
        return false;
    };
    std::env::split_paths(&path).any(|directory| {
        directory.join(program).is_file() || directory.join(format!("{program}.exe")).is_file()
    })
}

/// Whether this process may change the system without `sudo`.
pub fn is_root() -> bool {
    output(Command::new("id").arg("-u")).is_ok_and(|uid| uid.trim() == "0")
}

/// Whether this runs in continuous integration.
pub fn in_ci() -> bool {
    std::env::var_os("CI")
        .is_some_and(|value| !value.is_empty() && value != "false" && value != "0")
}

/// Whether there is a person to ask.
pub fn on_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_is_started_without_what_is_told_of_the_task_runner() {
        // Cargo tells a test of its package, as it tells the task runner.
        assert!(std::env::var_os("CARGO_PKG_NAME").is_some());
        let command = cargo();
        let mut removed = command.get_envs().filter(|(_, value)| value.is_none());
        assert!(removed.any(|(name, _)| name == "CARGO_PKG_NAME"));
        assert!(command.get_envs().all(|(_, value)| value.is_none()));
    }
}
