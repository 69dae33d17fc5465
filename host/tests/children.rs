//! What the program has started is gone when it is, however it ends.
#![cfg(target_os = "linux")]

mod signals;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use pocketrec::image::example;
use pocketrec::model::Model;
use pocketrec_export::Contents;
use pocketrec_link::memory::MemoryBoard;
use tempfile::TempDir;

/// Longer than anything here takes on the busiest machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A folder with an image, and with programs that stand in for cargo and for the emulator. The emulator writes its
/// number and its arguments to a file, and stays until it is killed; so does cargo, with a compiler of its own, where
/// there is a file `slow`.
fn place() -> TempDir {
    let place = tempfile::tempdir().unwrap();
    let program = |name: &str, script: &str| {
        let path = place.path().join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    };
    program(
        "cargo",
        "cd $PLACE; if test -e slow; then sleep 600 & echo $$ $! > part; mv part cargo.pids; wait; fi; echo $PLACE/firmware.elf",
    );
    program(
        "qemu-system-arm",
        "cd $PLACE; echo $$ \"$@\" > part; mv part qemu.pids; exec sleep 600",
    );
    std::fs::write(place.path().join("firmware.elf"), "no firmware").unwrap();
    std::fs::write(place.path().join("model.img"), example().bytes()).unwrap();
    place
}

/// Where those programs are found first.
fn path(place: &TempDir) -> String {
    format!(
        "{}:{}",
        place.path().display(),
        std::env::var("PATH").unwrap_or_default()
    )
}

fn query(place: &TempDir, question: &str) -> Child {
    signals::as_usual(&mut Command::new(env!("CARGO_BIN_EXE_host")))
        .args(["query", question, "--emulator", "--image", "model.img"])
        .current_dir(place.path())
        .env("PATH", path(place))
        .env("CARGO", place.path().join("cargo"))
        .env("PLACE", place.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What a program wrote of itself, once it has.
fn written(path: &Path) -> String {
    let until = Instant::now() + PATIENCE;
    loop {
        match std::fs::read_to_string(path) {
            Ok(text) => return text,
            Err(_) if Instant::now() < until => std::thread::sleep(Duration::from_millis(5)),
            Err(error) => panic!("{}: {error}", path.display()),
        }
    }
}

/// Waits until there is no such process, but for one that nobody has asked how it ended.
fn is_gone(process: &str) -> bool {
    let stat = format!("/proc/{process}/stat");
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        let runs = std::fs::read_to_string(&stat).is_ok_and(|stat| {
            let state = stat.rsplit(')').next().unwrap_or_default();
            !state.trim_start().starts_with('Z')
        });
        if !runs {
            return true;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    false
}

#[test]
fn an_emulate_that_ctrl_c_ends_before_its_board_is_ready_says_so_and_that_nothing_was_changed() {
    let place = place();
    std::fs::write(place.path().join("slow"), "").unwrap();
    let host = signals::as_usual(&mut Command::new(env!("CARGO_BIN_EXE_host")))
        .args(["emulate", "--image", "model.img"])
        .current_dir(place.path())
        .env("XDG_RUNTIME_DIR", place.path())
        .env("PATH", path(&place))
        .env("CARGO", place.path().join("cargo"))
        .env("PLACE", place.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let text = written(&place.path().join("cargo.pids"));
    // As a terminal does, which sends it to all that run there.
    signal(&host, "-INT");
    let kill = Command::new("kill").args(text.split_whitespace()).status();
    assert!(kill.unwrap().success());
    let output = host.wait_with_output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{told}");
    let due = "Ended before the emulated stm32f405 was ready; nothing was changed\n";
    assert!(told.ends_with(due), "{told}");
    // What is booted is told before anybody waits for it.
    let first = told.lines().next().unwrap();
    let contents = Contents::of(&Model::open(example().bytes()).unwrap());
    let due = format!("booting stm32f405 with model.img: {contents}, written ");
    assert!(first.starts_with(&due), "{told}");
}

fn signal(process: &Child, name: &str) {
    let kill = Command::new("kill")
        .args([name, &process.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
}

#[test]
fn no_emulator_outlives_a_host_that_a_signal_ends() {
    for name in ["-INT", "-TERM", "-HUP", "-KILL"] {
        let place = place();
        let mut host = query(&place, "hello");
        let text = written(&place.path().join("qemu.pids"));
        let emulator = text.split(' ').next().unwrap();
        signal(&host, name);
        host.wait().unwrap();
        assert!(is_gone(emulator), "{name}: {text}");
    }
}

#[test]
fn no_build_outlives_a_host_that_a_signal_ends() {
    for name in ["-INT", "-TERM", "-HUP", "-KILL"] {
        let place = place();
        std::fs::write(place.path().join("slow"), "").unwrap();
        let mut host = query(&place, "hello");
        let text = written(&place.path().join("cargo.pids"));
        signal(&host, name);
        host.wait().unwrap();
        for process in text.split_whitespace() {
            assert!(is_gone(process), "{name}: {process} of {text}");
        }
    }
}

/// The emulator's end of its serial line, where its arguments say that it is.
fn serial(arguments: &str) -> TcpStream {
    let (_, rest) = arguments.split_once("tcp:").unwrap();
    TcpStream::connect(rest.split(',').next().unwrap()).unwrap()
}

#[test]
fn no_emulator_outlives_a_host_whose_output_nobody_reads_or_that_has_answered() {
    for reads in [true, false] {
        let place = place();
        let mut host = query(&place, "profile");
        let text = written(&place.path().join("qemu.pids"));
        let emulator = text.split(' ').next().unwrap();
        let mut line = serial(&text);
        if !reads {
            drop(host.stdout.take());
        }
        let image = example();
        let mut board = MemoryBoard::new(Model::open(image.bytes()));
        let mut buffer = [0; 512];
        while let Ok(count @ 1..) = line.read(&mut buffer) {
            board.write_all(&buffer[..count]).unwrap();
            while let Ok(count) = board.read(&mut buffer) {
                if line.write_all(&buffer[..count]).is_err() {
                    break;
                }
            }
        }
        let ended = host.wait().unwrap();
        match host.stdout.take() {
            Some(said) => {
                assert!(ended.success());
                let first = BufReader::new(said).lines().next().unwrap().unwrap();
                assert!(first.starts_with("Ratings: 0"), "{first}");
            }
            None => assert_eq!(ended.signal(), Some(13), "a closed pipe ends the program"),
        }
        assert!(is_gone(emulator), "{text}");
    }
}
