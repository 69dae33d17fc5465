//! `host` as a person runs it with an emulator: what it says, and that no emulator outlives it.

#[path = "../../../host/tests/signals/mod.rs"]
mod signals;

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use pocketrec_link::emulator::program;
use tempfile::TempDir;
use tests::image::made_up;

/// Longer than anything here takes on the busiest machine: a firmware is built.
const PATIENCE: Duration = Duration::from_secs(600);

/// A folder with an image, and with a program that is found in place of QEMU: it writes its number to a file and becomes
/// QEMU, with arguments more.
fn place(arguments: &str) -> Result<TempDir> {
    let place = tempfile::tempdir()?;
    std::fs::create_dir(place.path().join("bin"))?;
    std::fs::create_dir(place.path().join("run"))?;
    let name = "qemu-system-arm";
    let qemu = program(name).context("QEMU is installed")?;
    let (to, at) = (place.path().join("bin").join(name), place.path().display());
    let script = format!(
        "#!/bin/sh\necho $$ > '{at}/part'\nmv '{at}/part' '{at}/qemu.pid'\nexec '{}' {arguments} \"$@\"\n",
        qemu.display()
    );
    std::fs::write(&to, script)?;
    std::fs::set_permissions(&to, PermissionsExt::from_mode(0o755))?;
    std::fs::create_dir(place.path().join("desk"))?;
    std::fs::write(place.path().join("desk/model.img"), made_up(3, 100)?)?;
    Ok(place)
}

/// The program, where that QEMU is found first.
fn host(place: &TempDir, arguments: &[&str]) -> Result<Command> {
    let mut path = place.path().join("bin").into_os_string();
    path.push(":");
    path.push(std::env::var_os("PATH").context("a PATH")?);
    let mut command = Command::new(env!("CARGO_BIN_EXE_host-of-tests"));
    command
        .args(arguments)
        .current_dir(place.path().join("desk"))
        .env("PATH", path)
        .env("XDG_RUNTIME_DIR", place.path().join("run"))
        .env("XDG_CONFIG_HOME", place.path().join("run"))
        .env_remove("POCKETREC_PORT")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    signals::as_usual(&mut command);
    Ok(command)
}

/// Waits for something.
fn until<T>(what: &str, mut there: impl FnMut() -> Option<T>) -> Result<T> {
    let end = Instant::now() + PATIENCE;
    loop {
        match there() {
            Some(found) => return Ok(found),
            None if Instant::now() > end => bail!("{what} took too long"),
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

/// The number of the QEMU of a place, once it is QEMU.
fn qemu(place: &TempDir) -> Option<String> {
    let pid = std::fs::read_to_string(place.path().join("qemu.pid")).ok()?;
    let exe = std::fs::read_link(format!("/proc/{}/exe", pid.trim())).ok()?;
    exe.to_str()?.contains("qemu").then(|| pid.trim().into())
}

/// Waits until there is no such process.
fn gone(pid: &str) -> Result<()> {
    let there = Path::new("/proc").join(pid);
    until("the end of QEMU", || (!there.exists()).then_some(()))
}

fn names(folder: &Path) -> Result<Vec<String>> {
    let entries = std::fs::read_dir(folder)?;
    entries
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect()
}

fn told(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn an_emulate_that_is_ended_while_its_board_boots_leaves_no_emulator_and_no_file() -> Result<()> {
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        // A processor that doesn't start: the board is never ready.
        let place = place("-S")?;
        let mut host = host(&place, &["emulate", "microbit", "--image", "model.img"])?.spawn()?;
        let pid = until("QEMU", || {
            qemu(&place).or_else(|| {
                // What fails before says why below.
                matches!(host.try_wait(), Ok(Some(_))).then(String::new)
            })
        })?;
        let id = host.id().to_string();
        let kill = Command::new("kill").args([signal, &id]).status()?;
        ensure!(kill.success() || pid.is_empty());
        let output = host.wait_with_output()?;
        let (said, errors) = told(&output);
        assert_eq!(output.status.code(), Some(code), "{said}{errors}");
        let due = "Ended before the emulated microbit was ready; nothing was changed\n";
        assert!(errors.ends_with(due), "{errors}");
        assert_eq!(said, "");
        gone(&pid)?;
        assert_eq!(names(&place.path().join("desk"))?, ["model.img"]);
        assert_eq!(names(&place.path().join("run/pocketrec"))?, [""; 0]);
    }
    Ok(())
}

#[test]
fn a_console_boots_a_board_does_what_lines_say_and_leaves_no_emulator() -> Result<()> {
    for (lines, code) in [
        ("rate id:7 5\nratings\n", 0),
        ("rate id:7 5\nratings\nquit\n", 0),
        // The first line that can't be meant is the last.
        ("rate id:7 5\nratings\nrate id:7 9\n", 2),
    ] {
        let place = place("")?;
        let arguments = ["console", "--emulator=microbit", "--image", "model.img"];
        let mut host = host(&place, &arguments)?.spawn()?;
        let mut input = host.stdin.take().context("a pipe")?;
        input.write_all(lines.as_bytes())?;
        drop(input);
        let output = host.wait_with_output()?;
        let (said, errors) = told(&output);
        assert_eq!(output.status.code(), Some(code), "{said}{errors}");
        let booted = "booting microbit with model.img: made-up in f16 of 8 dimensions, with 100 movies and 3 users, written ";
        assert!(errors.contains(booted), "{errors}");
        assert!(said.contains("5 stars for movie 7"), "{said}");
        let pid = std::fs::read_to_string(place.path().join("qemu.pid"))?;
        gone(pid.trim())?;
        assert_eq!(names(&place.path().join("desk"))?, ["model.img"]);
    }
    Ok(())
}
