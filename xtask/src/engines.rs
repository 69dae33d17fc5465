//! The `engines` verb: examples that train on other engines, on more than one process, and hand over to `host import`.
//!
//! An example's README is what is run: its blocks of `sh`, one after the other, from the repository's root. Where training
//! is to outlive one of its processes, that is killed here, and the model must be the one of a run that nothing befell.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::child::Tied;
use crate::setup::{self, Manner};
use crate::shell;

/// A folder of `examples/`, which leaves what it makes in a folder of that name in `target/`.
struct Engine {
    name: &'static str,
    /// Whether it runs on Java.
    java: bool,
    /// Whether a process is killed while it trains.
    killed: bool,
}

const ENGINES: [Engine; 3] = [
    Engine {
        name: "pytorch-ddp",
        java: false,
        killed: true,
    },
    Engine {
        name: "torchrec",
        java: false,
        killed: false,
    },
    Engine {
        name: "spark-als",
        java: true,
        killed: false,
    },
];

/// What they are called.
pub fn names() -> [&'static str; ENGINES.len()] {
    ENGINES.each_ref().map(|engine| engine.name)
}

/// Runs the engines, or some of them; also after one failed.
///
/// # Errors
/// When something that a README says fails, when an engine can't be had (what didn't run isn't green), and when a model is
/// another one after a process was killed.
pub fn run(manner: Manner, only: &[String]) -> Result<()> {
    let chosen = |engine: &&Engine| only.is_empty() || only.iter().any(|name| name == engine.name);
    let mut failed = Vec::new();
    for engine in ENGINES.iter().filter(chosen) {
        eprintln!("-- {}", engine.name);
        if let Err(error) = engine.run(manner) {
            eprintln!("error: {error:#}");
            failed.push(format!("{}: {error:#}", engine.name));
        }
    }
    if !failed.is_empty() {
        bail!("these did not run to their end:\n  {}", failed.join("\n  "));
    }
    Ok(())
}

impl Engine {
    fn run(&self, manner: Manner) -> Result<()> {
        setup::python(manner)?;
        if self.java {
            setup::java(manner)?;
        }
        for block in blocks(&self.readme()?) {
            match self.killed && block.contains("torchrun") {
                true => self.outlive(&block)?,
                false => follow(&block, |_| Ok(()))?,
            }
        }
        Ok(())
    }

    fn readme(&self) -> Result<String> {
        let path = shell::root()
            .join("examples")
            .join(self.name)
            .join("README.md");
        std::fs::read_to_string(&path).with_context(|| format!("{} can't be read", path.display()))
    }

    /// Trains twice: once as it is, and once with a process killed behind the third checkpoint. The second model stays.
    fn outlive(&self, block: &str) -> Result<()> {
        let folder = shell::root().join("target").join(self.name).join("trained");
        let model = || {
            let path: PathBuf = folder.join("model.safetensors");
            std::fs::read(&path).with_context(|| format!("{} can't be read", path.display()))
        };
        let anew = || match folder.exists() {
            true => std::fs::remove_dir_all(&folder),
            false => Ok(()),
        };
        anew()?;
        follow(block, |_| Ok(()))?;
        let whole = model()?;
        anew()?;
        let (mut process, mut checkpoints) = (None, 0);
        let (mut killed, mut resumed) = (false, false);
        follow(block, |line| {
            process = process.take().or_else(|| second_process(line));
            checkpoints += usize::from(line.starts_with("checkpoint after step"));
            resumed |= line.starts_with("going on after step");
            if checkpoints == 3
                && !killed
                && let Some(id) = &process
            {
                shell::run(Command::new("kill").args(["-9", id]))?;
                killed = true;
            }
            Ok(())
        })?;
        ensure!(
            killed && resumed,
            "training was not killed after its third checkpoint, or did not go on"
        );
        ensure!(
            model()? == whole,
            "the model differs from that of a run of which no process was killed"
        );
        eprintln!("the same model, bit for bit, after a process was killed");
        Ok(())
    }
}

/// The id of the process that isn't the first, where a line tells it.
fn second_process(line: &str) -> Option<String> {
    let (_, id) = line
        .strip_prefix("process 1 of ")?
        .split_once(" has the id ")?;
    id.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| id.to_owned())
}

/// What a README says to type: its blocks of `sh`.
fn blocks(readme: &str) -> Vec<String> {
    let parts = readme.split("```sh\n").skip(1);
    parts
        .filter_map(|part| Some(part.split_once("```")?.0.to_owned()))
        .collect()
}

/// Runs lines of a shell from the repository's root, shows what they print, and hands on each line of it.
fn follow(block: &str, mut each: impl FnMut(&str) -> Result<()>) -> Result<()> {
    for line in block.lines() {
        eprintln!("$ {line}");
    }
    let mut command = Command::new("sh");
    command
        .args(["-euc", block])
        .current_dir(shell::root())
        .stdout(Stdio::piped());
    shell::as_a_person(&mut command);
    let mut shell = Tied::spawn(&mut command).context("`sh` could not be started")?;
    let printed = shell.stdout.take().context("nothing to read from")?;
    for line in BufReader::new(printed).lines() {
        let line = line?;
        eprintln!("{line}");
        each(&line)?;
    }
    let status = shell.wait()?;
    ensure!(
        status.success(),
        "what the README says failed ({status}):\n{block}"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_of_an_engine_is_run_as_its_readme_says() {
        let folders = std::fs::read_dir(shell::root().join("examples")).unwrap();
        let folders = folders.map(|folder| folder.unwrap().path());
        let python = folders.filter(|folder| folder.join("requirements.txt").exists());
        let mut found: Vec<String> = python
            .map(|folder| folder.file_name().unwrap().to_str().unwrap().to_owned())
            .collect();
        found.sort();
        let mut known = names().to_vec();
        known.sort_unstable();
        assert_eq!(found, known);
        for engine in &ENGINES {
            let blocks = blocks(&engine.readme().unwrap());
            for word in [
                "requirements.txt",
                "host -- synth",
                "--check",
                "host -- export",
            ] {
                assert!(
                    blocks.iter().any(|block| block.contains(word)),
                    "{} in {}",
                    word,
                    engine.name
                );
            }
            // What is killed writes there.
            let own = format!("target/{}/trained", engine.name);
            assert!(blocks.iter().any(|block| block.contains(&own)));
        }
    }

    #[test]
    fn blocks_are_those_of_the_shell_and_a_failure_in_one_is_told() {
        let readme = "a\n```sh\nfalse\ntrue\n```\nb\n```text\nc\n```\n```sh\nd\n```\n";
        assert_eq!(blocks(readme), ["false\ntrue\n", "d\n"]);
        let told = follow("false\ntrue\n", |_| Ok(())).unwrap_err().to_string();
        assert!(told.starts_with("what the README says failed"), "{told}");
    }

    #[test]
    fn lines_come_as_they_are_printed() {
        let mut lines = Vec::new();
        let each = |line: &str| {
            lines.push(line.to_owned());
            Ok(())
        };
        follow("echo one\necho process 1 of 2 has the id 12", each).unwrap();
        assert_eq!(lines[0], "one");
        assert_eq!(second_process(&lines[1]), Some("12".into()));
        assert_eq!(second_process("process 0 of 2 has the id 12"), None);
        assert_eq!(second_process("process 1 of 2 has the id 12;"), None);
    }
}
