//! What the firmware and its emulated boards need beside Rust: found, listed, and installed when allowed.
//!
//! Nothing here changes rustup's default toolchain, an override or a link; `rustup target add` adds to the
//! toolchain that is in use, and Debian's packages lie beside it.

use anyhow::{Result, bail};
use std::io::Write;
use std::process::Command;

use crate::emulator::{self, Qemu};
use crate::toolchain::{self, Choice, Toolchain};
use crate::{browser, npm, shell};

/// How far the task runner may go by itself.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// Run what installs something without asking.
    pub yes: bool,
    /// The compiler that was asked for.
    pub choice: Choice,
}

/// A way to bring what is missing: commands, run one after the other, and an emulator to unpack then.
struct Remedy {
    what: &'static str,
    commands: Vec<Vec<String>>,
    then: Option<&'static Qemu>,
}

impl Remedy {
    fn new(what: &'static str, commands: Vec<Vec<String>>) -> Self {
        Self {
            what,
            commands,
            then: None,
        }
    }
}

/// The `setup` verb: brings everything, or says what could not be had.
///
/// # Errors
/// When the compiler or the emulator is still missing afterwards.
pub fn run(manner: Manner) -> Result<()> {
    let missing: Vec<String> = [
        compiler(manner),
        emulator(manner, &emulator::ARM),
        emulator(manner, &emulator::RISCV),
        packages(manner),
    ]
    .into_iter()
    .filter_map(Result::err)
    .map(|error| format!("{error:#}"))
    .collect();
    match missing.is_empty() {
        true => Ok(()),
        false => bail!("{}", missing.join("; ")),
    }
}

/// Finds a compiler for boards, or installs one.
///
/// # Errors
/// When there is none and it may not or can't be installed.
pub fn compiler(manner: Manner) -> Result<()> {
    if let Ok(toolchain) = toolchain::find(manner.choice) {
        eprintln!("compiler for boards: {}", toolchain.describe());
        return Ok(());
    }
    let mut remedies = Vec::new();
    let auto = manner.choice == Choice::Auto;
    if (auto || manner.choice == Choice::Rustup) && shell::on_path("rustup") {
        let mut command = words("rustup target add");
        command.extend(toolchain::targets().into_iter().map(String::from));
        remedies.push(Remedy::new(
            "rustup's targets, added to the toolchain in use",
            vec![command],
        ));
    }
    if manner.choice == Choice::Sources && shell::on_path("rustup") {
        remedies.push(Remedy::new(
            "rustup's sources of core, added to the toolchain in use",
            vec![words("rustup component add rust-src")],
        ));
    }
    if (auto || manner.choice == Choice::Debian) && shell::on_path("apt-get") {
        remedies.push(Remedy::new(
            "Debian's compiler and sources of core, beside rustup's",
            apt(&["rustc-web", "cargo-web", "rust-web-src"]),
        ));
    }
    bring("the compiler for boards", remedies, manner, || {
        toolchain::find(manner.choice).map(|toolchain| toolchain.describe())
    })
}

/// Finds an older toolchain of rustup's beside the one in use, or installs it.
///
/// # Errors
/// When there is no rustup, and when it may not or can't be installed.
pub fn old_toolchain(version: &str, manner: Manner) -> Result<()> {
    let name = format!("Rust {version}");
    if !shell::on_path("rustup") {
        bail!("{name} can't be had without rustup, so what needs it did not run");
    }
    let found = || {
        let mut command = Command::new("rustup");
        command.args(["run", version, "rustc", "--version"]);
        shell::output(&mut command).map(|line| line.trim().to_string())
    };
    let install = format!("rustup toolchain install {version} --profile minimal --no-self-update");
    let remedy = Remedy::new("a toolchain beside the one in use", vec![words(&install)]);
    bring(&name, vec![remedy], manner, found)
}

/// Finds Miri in rustup's nightly toolchain, or installs both.
///
/// # Errors
/// When there is no rustup, and when it may not or can't be installed: not every nightly has it.
pub fn miri(manner: Manner) -> Result<()> {
    if !shell::on_path("rustup") {
        bail!("Miri can't be had without rustup, so nothing was run under it");
    }
    let commands = vec![words(
        "rustup toolchain install nightly --profile minimal --no-self-update --component miri,rust-src",
    )];
    let remedy = Remedy::new(
        "a nightly toolchain with Miri, beside the one in use",
        commands,
    );
    bring("Miri", vec![remedy], manner, || {
        let mut command = Command::new("rustup");
        command.args(["component", "list", "--toolchain", "nightly", "--installed"]);
        let installed = shell::output(&mut command)?;
        // It compiles the standard library for itself.
        for component in ["miri", "rust-src"] {
            if !installed.lines().any(|line| line.starts_with(component)) {
                bail!("rustup's nightly toolchain has no {component}");
            }
        }
        Ok("rustup's nightly toolchain has it".into())
    })
}

/// Finds the cores of `targets`, which the compiler needs beside those of the boards, or installs them, or the sources
/// that they are built from.
///
/// # Errors
/// When one is missing and may not or can't be installed.
pub fn targets(manner: Manner, toolchain: &Toolchain, targets: &[&'static str]) -> Result<()> {
    for target in targets {
        let own = format!("rustup target add {target}");
        let remedies = vec![
            Remedy::new(
                "rustup's target, added to the toolchain in use",
                vec![words(&own)],
            ),
            Remedy::new(
                "where it isn't served: rustup's sources of core, which it is built from",
                vec![words("rustup component add rust-src")],
            ),
        ];
        bring(target, remedies, manner, || {
            let found = toolchain.for_target(target);
            found.map(|toolchain| toolchain.describe())
        })?;
    }
    Ok(())
}

/// Finds the standard library for WebAssembly, which the page is compiled with, or installs it.
///
/// # Errors
/// When it is missing and may not or can't be installed.
pub fn wasm(manner: Manner) -> Result<()> {
    let install = format!("rustup target add {}", toolchain::WASM);
    let remedy = Remedy::new(
        "rustup's target, added to the toolchain in use",
        vec![words(&install)],
    );
    bring(toolchain::WASM, vec![remedy], manner, || {
        toolchain::check_wasm().map(|()| "rustup's".into())
    })
}

/// Finds the browser and the packages of npm that the page is tested with, or installs them.
///
/// # Errors
/// When one is missing and may not or can't be installed.
pub fn browser(manner: Manner) -> Result<()> {
    packages(manner)?;
    let mut commands = Vec::new();
    if browser::chromium().is_err() && shell::on_path("apt-get") {
        commands.extend(apt(&["chromium"]));
    }
    commands.extend(browser::download());
    let remedy = Remedy::new(
        "Debian's Chromium, and packages of npm in the project's target folder",
        commands,
    );
    bring(
        "a browser to test the page with",
        vec![remedy],
        manner,
        browser::version,
    )
}

/// Finds a Python that makes environments of its own, or installs it.
///
/// # Errors
/// When there is none and it may not or can't be installed.
pub fn python(manner: Manner) -> Result<()> {
    let packages = [&["python3", "python3-venv"][..], &["python3"], &["python"]];
    bring("Python", program(packages), manner, || {
        // Debian has it in a package of its own.
        let modules = [
            "-c",
            "import ensurepip, sys, venv; print(sys.version.split()[0])",
        ];
        shell::output(Command::new("python3").args(modules))
    })
}

/// Finds a Java to run programs with, or installs it.
///
/// # Errors
/// When there is none and it may not or can't be installed.
pub fn java(manner: Manner) -> Result<()> {
    let packages = [
        &["default-jre-headless"][..],
        &["java-latest-openjdk-headless"],
        &["openjdk"],
    ];
    bring("Java", program(packages), manner, || {
        shell::output(Command::new("java").arg("-version"))
    })
}

/// The way to a program by this system's package manager: packages of Debian, of Fedora and of Homebrew.
fn program([debian, fedora, brew]: [&[&str]; 3]) -> Vec<Remedy> {
    let install =
        |line: &str, packages: &[&str]| [words(line), words(&packages.join(" "))].concat();
    let (what, commands) = if shell::on_path("apt-get") {
        ("Debian's packages", apt(debian))
    } else if shell::on_path("dnf") {
        (
            "Fedora's packages",
            vec![as_root(install("dnf install -y", fedora))],
        )
    } else if shell::on_path("brew") {
        ("Homebrew's packages", vec![install("brew install", brew)])
    } else {
        return Vec::new();
    };
    vec![Remedy::new(what, commands)]
}

/// Finds one of QEMU's emulators, or installs it.
///
/// # Errors
/// When there is none and it may not or can't be installed.
pub fn emulator(manner: Manner, qemu: &'static Qemu) -> Result<()> {
    if let Ok(version) = qemu.version() {
        eprintln!("emulator: {version}");
        return Ok(());
    }
    let what = format!("the emulator {}", qemu.name);
    bring(&what, emulators(qemu), manner, || qemu.version())
}

/// Finds the emulators that are packages of npm, or installs them.
///
/// # Errors
/// When one is missing and may not or can't be installed.
pub fn packages(manner: Manner) -> Result<()> {
    if let Ok(version) = npm::version() {
        eprintln!("emulators: {version}");
        return Ok(());
    }
    let mut commands = Vec::new();
    if !(shell::on_path("node") && shell::on_path("npm")) {
        commands.extend(if shell::on_path("apt-get") {
            apt(&["nodejs", "npm"])
        } else if shell::on_path("dnf") {
            vec![as_root(words("dnf install -y nodejs npm"))]
        } else {
            vec![words("brew install node")]
        });
    }
    commands.extend(npm::download());
    let remedy = Remedy::new("packages of npm, in the project's target folder", commands);
    bring("an emulator of npm", vec![remedy], manner, npm::version)
}

/// The ways to an emulator that this system has.
fn emulators(qemu: &'static Qemu) -> Vec<Remedy> {
    let [debian, fedora] = qemu.packages;
    if shell::on_path("apt-get") {
        vec![
            Remedy::new("Debian's package", apt(&[debian])),
            Remedy {
                what: "where that would remove another package: Debian's package unpacked into the project's target \
                       folder, the system left as it is",
                commands: qemu.download(),
                then: Some(qemu),
            },
        ]
    } else if shell::on_path("dnf") {
        let install = as_root([words("dnf install -y"), vec![fedora.into()]].concat());
        vec![Remedy::new("Fedora's package", vec![install])]
    } else if shell::on_path("brew") {
        let install = words("brew install qemu");
        vec![Remedy::new("Homebrew's package", vec![install])]
    } else {
        Vec::new()
    }
}

fn bring(
    what: &str,
    remedies: Vec<Remedy>,
    manner: Manner,
    check: impl Fn() -> Result<String>,
) -> Result<()> {
    let reason = match check() {
        Ok(_) => return Ok(()),
        Err(error) => format!("{error:#}"),
    };
    eprintln!("missing: {what} ({reason})");
    if remedies.is_empty() {
        bail!(
            "{what} is missing and this system's package manager is not one that is known here: install it by hand (QEMU \
             5.2 or later; rustup's compiler by `rustup target add {}`)",
            toolchain::targets().join(" ")
        );
    }
    for (number, remedy) in remedies.iter().enumerate() {
        eprintln!(
            "{} {}:",
            if number == 0 { "to install" } else { "or" },
            remedy.what
        );
        for command in &remedy.commands {
            eprintln!("    {}", command.join(" "));
        }
    }
    if !allowed(manner)? {
        bail!(
            "{what} is missing; the commands above install it, and so does `cargo xtask setup --yes`"
        );
    }
    let mut failures = Vec::new();
    for remedy in &remedies {
        let mut commands = remedy.commands.iter();
        let done = commands
            .try_for_each(|command| run_words(command))
            .and_then(|()| remedy.then.map_or(Ok(()), Qemu::unpack))
            .and_then(|()| check());
        match done {
            Ok(found) => {
                eprintln!("{what}: {found}");
                return Ok(());
            }
            Err(error) => {
                eprintln!("that failed: {error:#}");
                failures.push(format!("{error:#}"));
            }
        }
    }
    bail!("{what} could not be installed: {}", failures.join("; "));
}

/// Whether commands that install something may run: as root, in CI, by `--yes`, or by a person's word.
fn allowed(manner: Manner) -> Result<bool> {
    if manner.yes || shell::in_ci() || shell::is_root() {
        return Ok(true);
    }
    if !shell::on_terminal() {
        return Ok(false);
    }
    eprint!("run them now? [y/N] ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Installs Debian's packages, unless another would have to go for them: then apt refuses.
fn apt(packages: &[&str]) -> Vec<Vec<String>> {
    let mut install = words("apt-get install -y --no-install-recommends --no-remove");
    install.extend(packages.iter().map(|package| package.to_string()));
    vec![as_root(words("apt-get update -q")), as_root(install)]
}

/// The command, through `sudo` when this process may not change the system itself.
fn as_root(command: Vec<String>) -> Vec<String> {
    if shell::is_root() || !shell::on_path("sudo") {
        return command;
    }
    [words("sudo"), command].concat()
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(String::from).collect()
}

fn run_words(words: &[String]) -> Result<()> {
    // Installers are chatty; their words go where ours go, so that a verb's last line of stdout stays its own.
    let mut command = Command::new(&words[0]);
    command
        .args(&words[1..])
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdout(std::io::stderr());
    shell::run(&mut command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_command_that_installs_may_remove_a_package() {
        let every = [apt(&["a", "b"]), emulator::ARM.download()].concat();
        let installs: Vec<&Vec<String>> = every
            .iter()
            .filter(|command| command.contains(&"install".to_string()))
            .collect();
        assert_eq!(installs.len(), 2);
        for command in installs {
            let harmless =
                |word: &String| ["--no-remove", "--download-only"].contains(&word.as_str());
            assert!(command.iter().any(harmless), "{command:?}");
        }
    }
}
