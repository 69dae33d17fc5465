//! A hand on the emulator from outside of the firmware: its registers (GDB's protocol), beside its memory and resets
//! ([`pocketrec_link::control`]).

use anyhow::{Result, bail};
use std::io::{BufReader, Read, Write};
use std::net::TcpStream;

pub use pocketrec_link::control::{Qmp, Waiting};

/// The emulator's arguments that connect its debug protocol here.
///
/// # Errors
/// When the socket has no address.
pub fn gdb(waiting: &Waiting) -> Result<Vec<String>> {
    let port = waiting.address()?.port();
    Ok(vec![
        "-chardev".into(),
        format!("socket,id=debugger,host=127.0.0.1,port={port},nodelay=on"),
        "-gdb".into(),
        "chardev:debugger".into(),
    ])
}

/// Numbers of registers in GDB's protocol, of a Cortex-M; and a RISC-V's program counter's.
const LINK: u32 = 14;
const PROGRAM_COUNTER: u32 = 15;
const RISCV_PROGRAM_COUNTER: u32 = 32;

/// GDB's remote protocol, as far as tests need it.
pub struct Gdb {
    line: BufReader<TcpStream>,
    program_counter: u32,
    /// Where functions come back to: setting a breakpoint anew makes the emulator translate all code again.
    home: Option<u32>,
}

impl Gdb {
    /// Takes the connection of an emulator that was started, and lets the machine run.
    ///
    /// # Errors
    /// When there is none.
    pub fn take(waiting: Waiting) -> Result<Self> {
        let mut gdb = Self::hold(waiting)?;
        gdb.run()?;
        Ok(gdb)
    }

    /// Takes the connection of an emulator that was started, and keeps the machine stopped.
    ///
    /// # Errors
    /// When there is none.
    pub fn hold(waiting: Waiting) -> Result<Self> {
        let mut gdb = Self {
            line: BufReader::new(waiting.accept()?),
            program_counter: PROGRAM_COUNTER,
            home: None,
        };
        // A debugger that connects stops the machine, which a question about it would do too.
        gdb.send("?")?;
        gdb.stopped()?;
        // It numbers registers for those alone who have asked which there are.
        let about = gdb.ask("qXfer:features:read:target.xml:0,ffb")?;
        if about.contains("riscv") {
            gdb.program_counter = RISCV_PROGRAM_COUNTER;
        }
        Ok(gdb)
    }

    /// Calls a function of a held Cortex-M with up to four numbers, and returns what it returns. It comes back to
    /// `home`, an address of code that it doesn't run.
    ///
    /// # Errors
    /// When the emulator refuses.
    pub fn call(&mut self, function: u32, arguments: &[u32], home: u32) -> Result<u32> {
        let home = home & !1;
        if self.home != Some(home) {
            if let Some(old) = self.home.replace(home) {
                self.obey(&format!("z1,{old:x},2"))?;
            }
            self.obey(&format!("Z1,{home:x},2"))?;
        }
        for (register, value) in (0..).zip(arguments) {
            self.set(register, *value)?;
        }
        self.set(LINK, home | 1)?;
        self.set(PROGRAM_COUNTER, function & !1)?;
        self.run()?;
        self.stopped()?;
        let result = self.ask("p0")?;
        Ok(u32::from_str_radix(&result, 16)?.swap_bytes())
    }

    /// Writes bytes to a held machine's memory.
    ///
    /// # Errors
    /// When the emulator refuses.
    pub fn write(&mut self, address: u32, bytes: &[u8]) -> Result<()> {
        let text = bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>();
        self.obey(&format!("M{address:x},{:x}:{text}", bytes.len()))
    }

    /// Bytes of a held machine's memory.
    ///
    /// # Errors
    /// When the emulator refuses.
    pub fn read(&mut self, address: u32, length: u32) -> Result<Vec<u8>> {
        let text = self.ask(&format!("m{address:x},{length:x}"))?;
        let digits = text.as_bytes().as_chunks::<2>().0;
        digits
            .iter()
            .map(|two| Ok(u8::from_str_radix(std::str::from_utf8(two)?, 16)?))
            .collect()
    }

    /// Sets the program counter, and lets the machine run on from there.
    ///
    /// # Errors
    /// When the emulator refuses.
    pub fn jump(&mut self, address: u32) -> Result<()> {
        self.stop()?;
        self.set(self.program_counter, address)?;
        self.run()
    }

    fn set(&mut self, register: u32, value: u32) -> Result<()> {
        self.obey(&format!("P{register:x}={:08x}", value.swap_bytes()))
    }

    fn obey(&mut self, command: &str) -> Result<()> {
        match self.ask(command)?.as_str() {
            "OK" => Ok(()),
            answer => bail!("the emulator did not obey {command}: {answer}"),
        }
    }

    fn stop(&mut self) -> Result<()> {
        // A running machine takes any byte for this, and drops what comes with it: so nothing else is said.
        self.line.get_mut().write_all(&[0x03])?;
        self.stopped()
    }

    fn stopped(&mut self) -> Result<()> {
        while !self.packet()?.starts_with('T') {}
        Ok(())
    }

    fn run(&mut self) -> Result<()> {
        self.send("c")
    }

    fn ask(&mut self, text: &str) -> Result<String> {
        self.send(text)?;
        loop {
            // A late word that the machine has stopped is no answer.
            let packet = self.packet()?;
            if !packet.starts_with('T') {
                return Ok(packet);
            }
        }
    }

    fn send(&mut self, text: &str) -> Result<()> {
        let sum = text.bytes().fold(0_u8, u8::wrapping_add);
        let packet = format!("${text}#{sum:02x}");
        Ok(self.line.get_mut().write_all(packet.as_bytes())?)
    }

    fn packet(&mut self) -> Result<String> {
        let mut text = Vec::new();
        while self.byte()? != b'$' {}
        loop {
            match self.byte()? {
                b'#' => break,
                byte => text.push(byte),
            }
        }
        let _sum = [self.byte()?, self.byte()?];
        self.line.get_mut().write_all(b"+")?;
        Ok(String::from_utf8(text)?)
    }

    fn byte(&mut self) -> Result<u8> {
        let mut byte = [0];
        self.line.read_exact(&mut byte)?;
        Ok(byte[0])
    }
}
