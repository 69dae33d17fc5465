//! Runs a bench firmware in the emulator, one translated block an instruction, and counts what it executes
//! between its marks.
//!
//! The emulator logs the address of every block it enters; with blocks of one instruction that is the executed
//! path, exactly. The firmware calls `bench_begin` and `bench_end` around each region and prints
//! `region NAME UNITS STACK` behind each, in order. `expect NAME SYMBOL` says which function in assembly core chose for a
//! region's work: it must be among what was executed there.

use anyhow::{Context, Result, bail};
use object::{Object, ObjectSection, ObjectSymbol, SectionFlags, elf};
use std::collections::{BTreeSet, HashMap};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{ChildStderr, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use super::cycles::{Counter, Table};
use super::thumb::{self, Instruction};
use crate::child::Tied;
use crate::{emulator, shell};

/// What a region cost, as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// Its name.
    pub name: String,
    /// How many predictions, movies or steps it did.
    pub units: u64,
    /// Instructions executed.
    pub instructions: u64,
    /// Modelled cycles, where the core has a table.
    pub cycles: Option<u64>,
    /// Bytes of stack it used.
    pub stack: u64,
}

/// What a firmware occupies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Footprint {
    /// Bytes of flash: code, constants and the first values of variables.
    pub flash: u64,
    /// Bytes of RAM taken by variables.
    pub ram: u64,
}

/// An ELF file: its code by address, its marks and what it occupies.
struct Program {
    code: Vec<(u32, Vec<u8>)>,
    begin: u32,
    end: u32,
    /// Core's functions in assembly, by their first instruction.
    kernels: HashMap<u32, String>,
}

impl Program {
    fn read(elf: &Path) -> Result<Self> {
        let data = std::fs::read(elf).with_context(|| format!("reading {}", elf.display()))?;
        let file = object::File::parse(&*data)?;
        let mark = |name: &str| {
            file.symbols()
                .find(|symbol| symbol.name() == Ok(name))
                .map(|symbol| symbol.address() as u32 & !1)
                .with_context(|| format!("{} has no symbol {name}", elf.display()))
        };
        let mut code = Vec::new();
        for section in file.sections() {
            if is(section.flags(), elf::SHF_EXECINSTR) {
                code.push((section.address() as u32, section.data()?.to_vec()));
            }
        }
        let kernels = file.symbols().filter_map(|symbol| {
            let name = symbol.name().ok()?;
            let at = symbol.address() as u32 & !1;
            name.starts_with("pocketrec_")
                .then(|| (at, name.to_owned()))
        });
        Ok(Self {
            kernels: kernels.collect(),
            code,
            begin: mark("bench_begin")?,
            end: mark("bench_end")?,
        })
    }

    fn half_word(&self, at: u32) -> Option<u16> {
        self.code.iter().find_map(|(start, bytes)| {
            let offset = at.checked_sub(*start)? as usize;
            let pair = bytes.get(offset..offset + 2)?;
            Some(u16::from_le_bytes([pair[0], pair[1]]))
        })
    }

    fn instruction(&self, at: u32) -> Option<Instruction> {
        let first = self.half_word(at)?;
        let second = self.half_word(at.wrapping_add(2)).unwrap_or(0);
        Some(thumb::decode(first, second))
    }
}

fn is(flags: SectionFlags, bit: u32) -> bool {
    matches!(flags, SectionFlags::Elf { sh_flags } if sh_flags & u64::from(bit) != 0)
}

/// What the program in `elf` occupies.
///
/// # Errors
/// When the file can't be read.
pub fn footprint(elf: &Path) -> Result<Footprint> {
    let data = std::fs::read(elf).with_context(|| format!("reading {}", elf.display()))?;
    let file = object::File::parse(&*data)?;
    let (mut flash, mut ram) = (0, 0);
    for section in file.sections() {
        if !is(section.flags(), elf::SHF_ALLOC) {
            continue;
        }
        let in_ram = is(section.flags(), elf::SHF_WRITE);
        let has_bytes = section.file_range().is_some();
        if in_ram {
            ram += section.size();
        }
        if has_bytes {
            flash += section.size();
        }
    }
    Ok(Footprint { flash, ram })
}

/// What a run of the bench firmware gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The regions, the cost of empty marks taken off.
    pub regions: Vec<Region>,
    /// Fingerprints of results, by name: the same on every core.
    pub bits: Vec<(String, String)>,
}

/// Runs `elf` on `machine`.
///
/// # Errors
/// When the emulator fails, the firmware panics, or marks and printed names don't match.
pub fn run(elf: &Path, machine: &str, table: Option<Table>) -> Result<Run> {
    let program = Program::read(elf)?;
    let printed = elf.with_extension(format!("{machine}.txt"));
    let mut command = Command::new(emulator::program());
    command
        .args(["-M", machine, "-display", "none", "-monitor", "none"])
        .args(["-serial", "none", "-d", "exec,nochain"])
        .arg("-chardev")
        .arg(format!("file,id=printed,path={}", printed.display()))
        .args([
            "-semihosting-config",
            "enable=on,target=native,chardev=printed",
        ])
        .args(one_instruction_a_block()?)
        .arg("-kernel")
        .arg(elf)
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let watched = watched(&mut command, LIMIT, |log| count(&program, log, table))?;
    let said = std::fs::read_to_string(&printed).unwrap_or_default();
    let Some((counts, status)) = watched else {
        bail!(late(machine, &said));
    };
    if !status.success() {
        bail!(
            "the bench firmware failed on {machine} ({status}): {}",
            said.trim()
        );
    }
    expected(&counts, &said)?;
    Ok(Run {
        regions: name(counts, &said)?,
        bits: bits(&said),
    })
}

/// How long a run may take: a firmware whose stack ran into its variables goes round for ever.
const LIMIT: Duration = Duration::from_secs(900);

/// Runs a command and reads its standard error to the end; `None` where it took longer than `limit` and was stopped.
fn watched<T>(
    command: &mut Command,
    limit: Duration,
    read: impl FnOnce(BufReader<ChildStderr>) -> Result<T>,
) -> Result<Option<(T, ExitStatus)>> {
    let mut child = Tied::spawn(command)
        .with_context(|| format!("`{}` could not be started", shell::words(command)))?;
    let log = BufReader::new(child.stderr.take().context("the emulator's log")?);
    let (done, ended) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        let child = scope.spawn(move || {
            let late = ended.recv_timeout(limit) == Err(RecvTimeoutError::Timeout);
            if late {
                child.kill()?;
            }
            Ok::<_, std::io::Error>((child, late))
        });
        let result = read(log);
        drop(done);
        let Ok(watch) = child.join() else {
            bail!("the emulator could not be watched");
        };
        let (mut child, late) = watch?;
        if result.is_err() {
            // Nobody reads what it says any more. It may have ended by itself.
            let _ = child.kill();
        }
        let status = child.wait()?;
        match late {
            true => Ok(None),
            false => Ok(Some((result?, status))),
        }
    })
}

/// That a run took too long, how far it came and what to try.
fn late(machine: &str, said: &str) -> String {
    let last = match said.lines().rev().find(|line| !line.trim().is_empty()) {
        Some(line) => format!("its last line was `{}`", line.trim()),
        None => "it printed nothing".to_owned(),
    };
    format!(
        "the bench firmware on {machine} had not ended after {} s, and was stopped; {last}. Most likely what follows \
         it needs more stack than {machine} has RAM beside the variables, or never ends: look at what was added there, \
         or give it less to do on this core",
        LIMIT.as_secs()
    )
}

/// Whether each region went through the kernel that core chose for it.
///
/// # Errors
/// That names the first that didn't: core's choice, or the table that the PC's bill is made from, would be wrong.
fn expected(counts: &[Counted], said: &str) -> Result<()> {
    let names = said.lines().filter_map(|line| {
        let name = line.strip_prefix("region ")?.split_whitespace().next()?;
        Some(name)
    });
    let regions: HashMap<&str, &Counted> = names.zip(counts).collect();
    for line in said.lines().filter_map(|line| line.strip_prefix("expect ")) {
        let (name, kernel) = line.split_once(' ').context("a kernel's name")?;
        let region = regions.get(name);
        let region = region.with_context(|| format!("no region is called {name}"))?;
        if !region.kernels.contains(kernel) {
            bail!(
                "core chose {kernel} for {name}, and it wasn't executed there; what was: {:?}",
                region.kernels
            );
        }
    }
    Ok(())
}

/// The lines `bits NAME FINGERPRINT`.
fn bits(said: &str) -> Vec<(String, String)> {
    said.lines()
        .filter_map(|line| line.strip_prefix("bits ")?.split_once(' '))
        .map(|(name, bits)| (name.to_string(), bits.to_string()))
        .collect()
}

/// The emulator's option for blocks of one instruction; its name changed in version 8.1.
fn one_instruction_a_block() -> Result<Vec<&'static str>> {
    let version = shell::output(Command::new(emulator::program()).arg("--version"))?;
    let numbers = version
        .split_whitespace()
        .find_map(|word| {
            let mut parts = word.split('.');
            Some((
                parts.next()?.parse::<u32>().ok()?,
                parts.next()?.parse::<u32>().ok()?,
            ))
        })
        .unwrap_or((0, 0));
    Ok(if numbers >= (8, 1) {
        vec!["-accel", "tcg,one-insn-per-tb=on"]
    } else {
        vec!["-singlestep"]
    })
}

/// What was counted between two marks.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Counted {
    instructions: u64,
    cycles: Option<u64>,
    /// Core's functions in assembly that were entered.
    kernels: BTreeSet<String>,
}

/// Counts the regions of a log.
fn count(program: &Program, mut log: impl BufRead, table: Option<Table>) -> Result<Vec<Counted>> {
    let mut decoded: HashMap<u32, Instruction> = HashMap::new();
    let mut regions = Vec::new();
    let mut counter: Option<Counter> = None;
    let mut kernels = BTreeSet::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        if log.read_until(b'\n', &mut line)? == 0 {
            return Ok(regions);
        }
        let Some(at) = address(&line) else { continue };
        if at == program.begin {
            counter = Some(Counter::new(table.unwrap_or(Table::M4)));
            kernels = BTreeSet::new();
        } else if at == program.end
            && let Some(counter) = counter.take()
        {
            let (instructions, cycles) = counter.finish();
            regions.push(Counted {
                instructions,
                cycles: table.map(|_| cycles),
                kernels: std::mem::take(&mut kernels),
            });
        }
        if let Some(counter) = &mut counter {
            let instruction = match decoded.get(&at) {
                Some(instruction) => *instruction,
                None => {
                    let new = program
                        .instruction(at)
                        .with_context(|| format!("code was executed outside the ELF at {at:#x}"))?;
                    decoded.insert(at, new);
                    new
                }
            };
            counter.step(at, instruction);
            if let Some(kernel) = program.kernels.get(&at) {
                kernels.insert(kernel.clone());
            }
        }
    }
}

/// The program counter of a line `Trace 0: 0x… [flags/PC/…/…] symbol`.
fn address(line: &[u8]) -> Option<u32> {
    let rest = line.strip_prefix(b"Trace ")?;
    let open = rest.iter().position(|byte| *byte == b'[')?;
    let inside = std::str::from_utf8(rest.get(open + 1..)?).ok()?;
    u32::from_str_radix(inside.split('/').nth(1)?, 16).ok()
}

/// Names the counted regions by what the firmware printed, and takes the cost of the region `empty` off each.
fn name(counts: Vec<Counted>, said: &str) -> Result<Vec<Region>> {
    let names = said
        .lines()
        .filter_map(|line| line.strip_prefix("region "))
        .map(|line| {
            let mut words = line.split_whitespace();
            let name = words.next().context("a region without a name")?.to_string();
            let mut number = || -> Result<u64> { Ok(words.next().context("a number")?.parse()?) };
            Ok((name, number()?, number()?))
        })
        .collect::<Result<Vec<_>>>()?;
    if names.len() != counts.len() || names.is_empty() {
        bail!(
            "{} regions were counted and {} named: {}",
            counts.len(),
            names.len(),
            said.trim()
        );
    }
    let empty = names
        .iter()
        .zip(&counts)
        .find_map(|((name, _, _), count)| (name == "empty").then(|| count.clone()))
        .context("the bench firmware measures no empty region")?;
    Ok(names
        .into_iter()
        .zip(counts)
        .filter(|((name, _, _), _)| name != "empty")
        .map(|((name, units, stack), counted)| Region {
            name,
            units,
            instructions: counted.instructions.saturating_sub(empty.instructions),
            cycles: counted
                .cycles
                .map(|cycles| cycles.saturating_sub(empty.cycles.unwrap_or(0))),
            stack,
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `bench_begin` at 0, `bench_end` at 2 (both `bx lr`), and at 4 a loop `subs r0, #1; bne`.
    fn program() -> Program {
        let code = [0x70, 0x47, 0x70, 0x47, 0x01, 0x38, 0xfd, 0xd1];
        Program {
            code: vec![(0, code.to_vec())],
            begin: 0,
            end: 2,
            kernels: HashMap::from([(4, "pocketrec_loop".to_owned())]),
        }
    }

    fn counted(instructions: u64, cycles: Option<u64>) -> Counted {
        Counted {
            instructions,
            cycles,
            kernels: BTreeSet::new(),
        }
    }

    fn log(path: &[u32]) -> String {
        path.iter()
            .map(|at| format!("Trace 0: 0x7f00 [00000000/{at:08x}/00000110/ff000201] name\n"))
            .collect()
    }

    #[test]
    fn a_loop_of_known_length_is_counted_exactly() {
        let mut path = vec![4, 6, 0];
        for _ in 0..50 {
            path.extend([4, 6]);
        }
        path.extend([2, 4, 6, 0, 2]);
        let counts = count(&program(), log(&path).as_bytes(), Some(Table::M4)).unwrap();
        // bx lr (3), 50 turns of 1 + 3, the last one's branch not taken... to the mark, which is a jump.
        let counted = |instructions, cycles, kernels: &[&str]| Counted {
            instructions,
            cycles: Some(cycles),
            kernels: kernels.iter().map(|name| name.to_string()).collect(),
        };
        let due = [
            counted(101, 3 + 50 * 4 - 2, &["pocketrec_loop"]),
            counted(1, 3, &[]),
        ];
        assert_eq!(counts, due);
        let named = "region empty 1 0\nregion turns 1 0\n";
        let expect = |line: &str| expected(&counts, &format!("{line}\n{named}"));
        assert!(expect("expect empty pocketrec_loop").is_ok());
        let error = expect("expect turns pocketrec_loop")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("core chose pocketrec_loop for turns"),
            "{error}"
        );
        assert!(expect("expect nothing pocketrec_loop").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_run_that_never_ends_is_stopped_and_told_with_its_last_line() {
        let run = |script: &str, limit: Duration| {
            let mut command = Command::new("sh");
            command.args(["-c", script]).stderr(Stdio::piped());
            let read = |log: BufReader<ChildStderr>| Ok(log.split(b'\n').count());
            watched(&mut command, limit, read).unwrap()
        };
        let short = Duration::from_millis(200);
        assert!(run("exec sleep 600", short).is_none());
        assert!(run("while :; do echo Trace >&2; done", short).is_none());
        let (lines, status) = run("echo Trace >&2", Duration::from_secs(600)).unwrap();
        assert_eq!((lines, status.success()), (1, true));
        let told = late("microbit", "region empty 1 0\nregion step 1 96\n");
        assert!(
            told.contains("its last line was `region step 1 96`"),
            "{told}"
        );
        assert!(late("microbit", "").contains("it printed nothing"));
    }

    #[test]
    fn the_marks_own_cost_is_taken_off() {
        let regions = name(
            vec![counted(10, Some(20)), counted(110, Some(320))],
            "region empty 1 0\nregion score 4 64\n",
        )
        .unwrap();
        assert_eq!(
            regions,
            [Region {
                name: "score".into(),
                units: 4,
                instructions: 100,
                cycles: Some(300),
                stack: 64
            }]
        );
    }

    #[test]
    fn fingerprints_are_found_among_what_is_printed() {
        let said = "region empty 1 0\nbits i16 00ff00ff\nbits step 1\n";
        let found = bits(said);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0], ("i16".into(), "00ff00ff".into()));
    }

    #[test]
    fn a_region_without_a_name_is_an_error() {
        assert!(name(vec![counted(1, None)], "").is_err());
        assert!(name(vec![counted(1, None)], "region empty 1 0\nregion a 1 0\n").is_err());
    }
}
