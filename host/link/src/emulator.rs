//! Boots a board's firmware in its emulator and holds the other end of its serial line.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::firmware;
use super::port::READ_WAIT;
use boards::Board;
use pocketrec_base::child::Tied;
use pocketrec_base::error::BadInput;
use pocketrec_base::signals;

/// How long the emulator may take to connect its serial line.
const START: Duration = Duration::from_secs(20);

/// A firmware that runs in an emulator; the emulator ends with this value, and with this process. Reads and writes are its
/// UART's.
#[derive(Debug)]
pub struct Emulator {
    child: Tied,
    line: TcpStream,
}

impl Emulator {
    /// Makes sure that a board's emulator is installed, before minutes go into a firmware for it.
    ///
    /// # Errors
    ///
    /// What is missing, and how to get it. Of a board that has no emulator [`boot`](Self::boot) tells.
    pub fn is_there(board: Board) -> Result<()> {
        let Some(kind) = board.emulator else {
            return Ok(());
        };
        let name = of(kind, board);
        if program(name).is_none() {
            return Err(missing(&format!("the emulator {name} is")));
        }
        if let boards::Emulator::Node { .. } = kind
            && !packages(board).join("node_modules").is_dir()
        {
            let what = format!("the packages of {}'s emulator are", board.name);
            return Err(missing(&what));
        }
        Ok(())
    }

    /// Boots `elf`, a firmware of `board`, with `image` in its flash where there is one.
    ///
    /// # Errors
    ///
    /// [`BadInput`] for a board that has no emulator or an image that isn't there; else why it didn't start.
    pub fn boot(board: Board, elf: &Path, image: Option<&Path>) -> Result<Self> {
        Self::boot_with(board, elf, image, &[])
    }

    /// As [`boot`](Self::boot), with further arguments for the emulator, such as those of a control socket.
    ///
    /// # Errors
    ///
    /// As [`boot`](Self::boot).
    pub fn boot_with(
        board: Board,
        elf: &Path,
        image: Option<&Path>,
        arguments: &[String],
    ) -> Result<Self> {
        let Some(kind) = board.emulator else {
            let why = boards::parse_emulated(board.name).err().unwrap_or_default();
            return Err(BadInput::new(format!("`{}` has no emulator; {why}", board.name)).into());
        };
        if let Some(image) = image
            && !image.is_file()
        {
            return Err(BadInput::new(format!(
                "{} does not exist; `cargo run -p host -- export` writes an image",
                image.display()
            ))
            .into());
        }
        Self::start(of(kind, board), |command, line| {
            match kind {
                boards::Emulator::Qemu { machine } => {
                    qemu(command, machine, line, elf);
                    if board.qemu() == boards::QEMU_RISCV {
                        // It has firmware of its own, which would run in place of ours.
                        command.args(["-bios", "none"]);
                    }
                }
                boards::Emulator::Node { script } => node(command, board, script, line, elf),
            }
            if let Some(image) = image {
                command.args(Self::with_bytes(image, board.image_address));
            }
            command.args(arguments);
        })
    }

    /// Starts the emulator's program of that name, the system's or the one that `cargo xtask setup` brought. `tell` gives it
    /// its arguments, of which one has its serial line connect to the address.
    ///
    /// # Errors
    ///
    /// Why it didn't start, in its words.
    pub fn start(name: &str, tell: impl FnOnce(&mut Command, SocketAddr)) -> Result<Self> {
        // The firmware's UART connects to us: no name to agree on, no file to leave behind.
        let listener = TcpListener::bind("127.0.0.1:0").context("no socket for the emulator")?;
        let mut command = Command::new(program(name).unwrap_or_else(|| name.into()));
        tell(&mut command, listener.local_addr()?);
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = Tied::spawn(&mut command).map_err(|error| match error.kind() {
            ErrorKind::NotFound => missing(&format!("the emulator {name} is")),
            _ => anyhow::Error::new(error).context(format!("{name} can't be started")),
        })?;
        let line = accept(&listener, &mut child, name)?;
        Ok(Self { child, line })
    }
}

impl Emulator {
    /// An emulator's arguments that put a file's bytes into memory at `address` before the machine starts.
    pub fn with_bytes(file: &Path, address: u32) -> [String; 2] {
        // A comma in QEMU's option values is written twice.
        let file = file.display().to_string().replace(',', ",,");
        [
            "-device".into(),
            format!("loader,file={file},addr={address:#x},force-raw=on"),
        ]
    }

    /// Another end of its serial line, for who reads on one thread and writes on another.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn line(&self) -> io::Result<TcpStream> {
        self.line.try_clone()
    }

    /// Waits for the emulator's end; its last words.
    pub fn last_words(&mut self) -> String {
        // What can't be waited for has said what it had to.
        let _ = self.child.wait();
        last_words(&mut self.child)
    }
}

/// QEMU as a machine.
fn qemu(command: &mut Command, machine: &str, line: SocketAddr, elf: &Path) {
    command
        .args(["-machine", machine])
        .args(["-display", "none", "-monitor", "none"])
        .args(["-serial", &format!("tcp:{line},nodelay=on")])
        .arg("-kernel")
        .arg(elf);
}

/// Node.js with a script from the board's folder, which takes what QEMU takes as far as it is asked here, and finds its
/// packages in the project's target folder.
fn node(command: &mut Command, board: Board, script: &str, line: SocketAddr, elf: &Path) {
    command
        .arg(Path::new(board.folder).join(script))
        .env("POCKETREC_PACKAGES", packages(board))
        .args(["-serial", &format!("tcp:{line},nodelay=on")])
        .arg("-kernel")
        .arg(elf);
}

/// Where `cargo xtask setup` puts what the system lacks.
fn emulators() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    firmware::workspace().join(target).join("emulator")
}

/// Where the packages are of a board's emulator that Node.js runs.
fn packages(board: Board) -> PathBuf {
    emulators().join(board.name)
}

/// The program that emulates a board.
fn of(kind: boards::Emulator, board: Board) -> &'static str {
    match kind {
        boards::Emulator::Qemu { .. } => board.qemu(),
        boards::Emulator::Node { .. } => "node",
    }
}

fn missing(what: &str) -> anyhow::Error {
    anyhow::anyhow!("{what} not installed: `cargo xtask setup` says how to get it")
}

/// The system's program of that name, or else the copy that `cargo xtask setup` unpacked.
pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([emulators().join("bin")]);
    let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    folders
        .map(|folder| folder.join(&name))
        .find(|file| file.is_file())
}

fn accept(listener: &TcpListener, child: &mut Tied, name: &str) -> Result<TcpStream> {
    listener.set_nonblocking(true)?;
    let until = Instant::now() + START;
    loop {
        match listener.accept() {
            Ok((line, _)) => {
                line.set_nonblocking(false)?;
                line.set_read_timeout(Some(READ_WAIT))?;
                line.set_write_timeout(Some(READ_WAIT))?;
                line.set_nodelay(true)?;
                return Ok(line);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error).context("the emulator's serial line"),
        }
        if let Some(status) = child.try_wait()? {
            bail!("{name} ended at once ({status}): {}", last_words(child));
        }
        if signals::is_told_to_end() {
            bail!("told to end before {name} connected its serial line");
        }
        if Instant::now() > until {
            bail!("{name} did not connect its serial line");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The first line that an emulator that ended had to say, such as a lockup of its processor.
fn last_words(child: &mut Tied) -> String {
    let mut why = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        // What can't be read can't be told.
        let _ = stderr.read_to_string(&mut why);
    }
    let line = why.lines().find(|line| !line.trim().is_empty());
    line.unwrap_or("without a word").trim().to_owned()
}

impl Read for Emulator {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.line.read(buffer) {
            // Its end of the line closes only when it ends.
            Ok(0) if !buffer.is_empty() => {
                self.child.wait()?;
                Err(io::Error::other(last_words(&mut self.child)))
            }
            read => read,
        }
    }
}

impl Write for Emulator {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.line.flush()
    }
}
