//! A hand on the emulator from outside of the firmware: its memory and resets, over QEMU's machine protocol (QMP).

use anyhow::{Context, Result, bail};
use pocketrec_base::signals;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// No answer takes longer, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A socket that the emulator connects to when it starts.
#[derive(Debug)]
pub struct Waiting(TcpListener);

impl Waiting {
    /// A socket on a free port.
    ///
    /// # Errors
    /// When there is none.
    pub fn new() -> Result<Self> {
        Ok(Self(TcpListener::bind("127.0.0.1:0")?))
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the socket has no address.
    pub fn address(&self) -> Result<SocketAddr> {
        Ok(self.0.local_addr()?)
    }

    /// The emulator's arguments that connect its machine protocol here.
    ///
    /// # Errors
    /// When the socket has no address.
    pub fn qmp(&self) -> Result<Vec<String>> {
        Ok(vec!["-qmp".into(), format!("tcp:{}", self.address()?)])
    }

    /// The connection of an emulator that was started.
    ///
    /// # Errors
    /// When there is none.
    pub fn accept(self) -> Result<TcpStream> {
        self.0.set_nonblocking(true)?;
        let until = Instant::now() + PATIENCE;
        let stream = loop {
            match self.0.accept() {
                Ok((stream, _)) => break stream,
                Err(error)
                    if error.kind() == ErrorKind::WouldBlock
                        && Instant::now() < until
                        && !signals::is_told_to_end() =>
                {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(error) => return Err(error).context("the emulator's hand"),
            }
        };
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

/// QEMU's machine protocol.
#[derive(Debug)]
pub struct Qmp(BufReader<TcpStream>);

impl Qmp {
    /// Takes the connection of an emulator that was started.
    ///
    /// # Errors
    /// When it doesn't speak the protocol.
    pub fn take(waiting: Waiting) -> Result<Self> {
        let mut qmp = Self(BufReader::new(waiting.accept()?));
        let greeting = qmp.line()?;
        if greeting.get("QMP").is_none() {
            bail!("not a greeting: {greeting}");
        }
        qmp.execute("qmp_capabilities", json!({}))?;
        Ok(qmp)
    }

    /// Runs a command and returns what it returns; events that come meanwhile are skipped.
    ///
    /// # Errors
    /// When the emulator refuses.
    pub fn execute(&mut self, command: &str, arguments: Value) -> Result<Value> {
        let message = json!({ "execute": command, "arguments": arguments });
        writeln!(self.0.get_mut(), "{message}")?;
        loop {
            let mut answer = self.line()?;
            if let Some(error) = answer.get("error") {
                bail!("{command}: {error}");
            }
            if let Some(value) = answer.get_mut("return") {
                return Ok(value.take());
            }
        }
    }

    /// Bytes of the machine's memory, flash and RAM alike.
    ///
    /// # Errors
    /// When the emulator refuses.
    pub fn memory(&mut self, address: u32, length: u32) -> Result<Vec<u8>> {
        let file = tempfile::NamedTempFile::new()?;
        let arguments = json!({
            "val": address,
            "size": length,
            "filename": file.path().to_str().context("a path in UTF-8")?,
        });
        self.execute("memsave", arguments)?;
        Ok(std::fs::read(file.path())?)
    }

    /// Resets the machine, as its button would. RAM and flash keep what they hold.
    ///
    /// # Errors
    /// When the emulator refuses.
    pub fn reset(&mut self) -> Result<()> {
        self.execute("system_reset", json!({})).map(drop)
    }

    fn line(&mut self) -> Result<Value> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            bail!("the emulator closed its machine protocol");
        }
        Ok(serde_json::from_str(&line)?)
    }
}
