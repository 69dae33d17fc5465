//! `host bench train --peers`: what others need for the same work, timed in turn with ours.
//!
//! Each is a small script in `host/peers` that times a bounded number of steps and prints one line of JSON: who it is, and
//! the seconds of an epoch (or of reading a file, with those of processor time).

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::peer::{Peer, Work};
use super::report::{best, median};
use super::samples::write_samples;
use super::trainer::{Train, Trainer};
use crate::commands::synth;
use crate::note;
use crate::print::{self, Column, Table, bytes, count, seconds};
use pocketrec_base::child::Tied;
use pocketrec_base::error::BadInput;
use pocketrec_data::{DataError, Dataset, Silent};
use pocketrec_train::{ModelKind, Sample};

/// What a script prints.
#[derive(serde::Deserialize)]
struct Told {
    who: String,
    seconds: f64,
    /// Seconds of processor time, of all threads; told by those who read.
    processor: Option<f64>,
}

/// A row of a table.
struct Row {
    work: Work,
    script: &'static str,
    arguments: Vec<String>,
    threads: usize,
    who: String,
    times: Vec<f64>,
    processor: Vec<f64>,
}

/// The others, with their rows so far.
pub(super) struct Others {
    python: PathBuf,
    /// What they read, for as long as they do.
    _folder: Folder,
    rows: Vec<Row>,
    /// What loaders read, and the seconds of ours, on the clock and of processor time.
    reading: Option<(PathBuf, [Vec<f64>; 2])>,
}

/// A folder of this process that is gone afterwards.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        // Left behind, it is in the system's folder for such things.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Others {
    /// Finds out who is there, and writes the samples down for them.
    pub(super) fn new(args: &Train, samples: &[Sample], cores: usize) -> Result<Self> {
        let peers = present(&args.python, &args.peers)?;
        let has = |work: Work| peers.iter().any(|peer| peer.work() == work);
        if has(Work::Network) && args.model != ModelKind::Mlp {
            return Err(BadInput::new(
                "torch, keras and tensorflow train the lesson's network: leave --model out, or name other --peers",
            )
            .into());
        }
        let folder = std::env::temp_dir().join(format!("pocketrec-peers-{}", std::process::id()));
        let folder = Folder(folder);
        if has(Work::Network) || has(Work::Factors) {
            write_samples(samples, &folder.0)?;
        }
        let reading = match has(Work::Reading) {
            true => Some((ratings_file(args)?, Default::default())),
            false => None,
        };
        let mut rows = Vec::new();
        let mut settings = vec![1, cores];
        settings.dedup();
        for peer in peers {
            let work = peer.work();
            for (script, more) in peer.scripts() {
                let threads = if work == Work::Reading {
                    &settings[settings.len() - 1..]
                } else {
                    &settings[..]
                };
                for &threads in threads {
                    let mut arguments: Vec<String> =
                        more.iter().copied().map(String::from).collect();
                    let mut say =
                        |name: &str, value: String| arguments.extend([name.to_owned(), value]);
                    if let (Work::Reading, Some((path, _))) = (work, &reading) {
                        say("--data", path.display().to_string());
                    } else {
                        say("--rows", folder.0.display().to_string());
                        say("--users", args.users.to_string());
                        say("--movies", args.movies.to_string());
                        say("--ratings", args.ratings.to_string());
                        say("--batch", args.batch.to_string());
                        say("--threads", threads.to_string());
                    }
                    rows.push(Row {
                        work,
                        script,
                        arguments,
                        threads,
                        who: (*script).into(),
                        times: Vec::new(),
                        processor: Vec::new(),
                    });
                }
            }
        }
        Ok(Self {
            python: args.python.clone(),
            _folder: folder,
            rows,
            reading,
        })
    }

    /// Whether somebody factorises without a network, so that `mf` of ours is to be timed too.
    pub(super) fn has_factors(&self) -> bool {
        self.rows.iter().any(|row| row.work == Work::Factors)
    }

    /// Lets each have a turn.
    pub(super) fn round(&mut self, round: usize, rounds: usize) -> Result<()> {
        if let Some((path, [times, processor])) = &mut self.reading {
            if times.is_empty() {
                // From now on the system has the file in memory, for everybody.
                Dataset::load(path, &Silent).map_err(DataError::into_anyhow)?;
            }
            let (clock, before) = (Instant::now(), processor_time());
            let data = Dataset::load(path, &Silent).map_err(DataError::into_anyhow)?;
            times.push(clock.elapsed().as_secs_f64());
            processor.extend(
                processor_time()
                    .zip(before)
                    .map(|(now, before)| now - before),
            );
            drop(data);
        }
        for row in &mut self.rows {
            let told = ask(&self.python, row.script, &row.arguments)?;
            print::log(&format!(
                "round {round} of {rounds}: {}, {}: {}",
                told.who,
                count(row.threads, "thread"),
                seconds(told.seconds)
            ));
            row.who = told.who;
            row.times.push(told.seconds);
            row.processor.extend(told.processor);
        }
        Ok(())
    }

    /// The tables, with their names.
    pub(super) fn tables(
        &self,
        trainers: &[Trainer],
        ratings: usize,
    ) -> Vec<(&'static str, Table)> {
        let mut tables = Vec::new();
        for (name, work, model, title) in [
            (
                "network",
                Work::Network,
                ModelKind::Mlp,
                "An epoch, the lesson's network",
            ),
            (
                "factors",
                Work::Factors,
                ModelKind::Mf,
                "An epoch, 8 factors",
            ),
        ] {
            let ours: Vec<Line> = trainers
                .iter()
                .filter(|trainer| trainer.model == model)
                .map(|trainer| Line {
                    who: format!("pocketrec, --model {}", model.name()),
                    threads: trainer.threads,
                    times: &trainer.quiet,
                    processor: &[],
                })
                .collect();
            let table = self.compare(title, work, &ours, Some(ratings));
            tables.extend(table.map(|table| (name, table)));
        }
        if let Some((path, [times, processor])) = &self.reading {
            let size = std::fs::metadata(path).map_or(0, |meta| meta.len());
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let title = format!("Reading {name}, {}", bytes(size));
            let ours = [Line {
                who: "pocketrec, ids made dense".into(),
                threads: pocketrec_base::threads::available(),
                times,
                processor,
            }];
            let table = self.compare(&title, Work::Reading, &ours, None);
            tables.extend(table.map(|table| ("reading", table)));
        }
        tables
    }

    /// One table: ours first, then theirs, each beside our best.
    fn compare(
        &self,
        title: &str,
        work: Work,
        ours: &[Line<'_>],
        ratings: Option<usize>,
    ) -> Option<Table> {
        let theirs: Vec<Line> = self
            .rows
            .iter()
            .filter(|row| row.work == work && !row.times.is_empty())
            .map(|row| Line {
                who: row.who.clone(),
                threads: row.threads,
                times: &row.times,
                processor: &row.processor,
            })
            .collect();
        if theirs.is_empty() {
            return None;
        }
        let fastest = ours
            .iter()
            .map(|line| median(line.times))
            .fold(f64::INFINITY, f64::min);
        let numbers = [
            "Threads",
            "Median s",
            "Best s",
            match work {
                Work::Reading => "Processor s",
                Work::Network | Work::Factors => "M ratings/s",
            },
            "Ours is faster by",
        ];
        let mut columns = vec![Column::text(title)];
        columns.extend(numbers.map(Column::number));
        let mut table = Table::new(columns);
        let line = |line: &Line, factor: String| {
            let median = median(line.times);
            vec![
                line.who.clone(),
                line.threads.to_string(),
                format!("{median:.3}"),
                format!("{:.3}", best(line.times)),
                match (ratings, line.processor) {
                    (Some(ratings), _) => format!("{:.1}", ratings as f64 / median / 1e6),
                    (None, []) => "-".into(),
                    (None, times) => format!("{:.3}", self::median(times)),
                },
                factor,
            ]
        };
        for one in ours {
            table.row(line(one, String::new()));
        }
        for one in &theirs {
            table.row(line(one, format!("{:.2}", median(one.times) / fastest)));
        }
        Some(table)
    }
}

/// Somebody's times.
struct Line<'a> {
    who: String,
    threads: usize,
    times: &'a [f64],
    processor: &'a [f64],
}

/// Seconds of processor time that this process has taken, of all its threads; nothing where the system doesn't tell.
#[cfg(unix)]
fn processor_time() -> Option<f64> {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the call writes the one value that it is given, which lives beyond it.
    let told = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    (told == 0).then(|| time.tv_sec as f64 + time.tv_nsec as f64 / 1e9)
}

#[cfg(not(unix))]
fn processor_time() -> Option<f64> {
    None
}

/// The ratings that loaders read: everybody can read a plain file.
fn ratings_file(args: &Train) -> Result<PathBuf> {
    let path = match &args.data {
        Some(path) => path.clone(),
        None => synth::usual()?,
    };
    let inside = ["ratings.csv", "ratings.parquet"].map(|name| path.join(name));
    let mut files = inside.into_iter().chain([path]);
    files.find(|path| path.is_file()).ok_or_else(|| {
        BadInput::new(
            "--data should be a ratings.csv or a ratings.parquet, or a folder that has one",
        )
        .into()
    })
}

/// Those of `peers` whose packages Python has; the others are named.
fn present(python: &Path, peers: &[Peer]) -> Result<Vec<Peer>> {
    let mut packages: Vec<&str> = peers
        .iter()
        .flat_map(|peer| peer.packages())
        .copied()
        .collect();
    packages.sort_unstable();
    packages.dedup();
    let find = "import importlib.util, sys\nfor name in sys.argv[1:]:\n  if not importlib.util.find_spec(name): print(name)";
    let mut command = Command::new(python);
    command.args(["-c", find]).args(&packages);
    let output = captured(&mut command).map_err(|error| {
        BadInput::new(format!(
            "--python is {}, which can't be started ({error}); it should be a Python that has {}",
            python.display(),
            packages.join(", ")
        ))
    })?;
    if !output.status.success() {
        bail!(
            "{} can't tell what it has: {}",
            python.display(),
            last_line(&output.stderr)
        );
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let missing: Vec<&str> = text.split_whitespace().collect();
    if !missing.is_empty() {
        note!(
            "{} has no {}, so who needs them is left out",
            python.display(),
            missing.join(", ")
        );
    }
    let has = |peer: &&Peer| {
        peer.packages()
            .iter()
            .all(|package| !missing.contains(package))
    };
    Ok(peers.iter().filter(has).copied().collect())
}

/// Runs a script and reads the line that it ends with.
fn ask(python: &Path, script: &str, arguments: &[String]) -> Result<Told> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("peers")
        .join(script);
    let mut command = Command::new(python);
    command.arg(&path).args(arguments);
    let output =
        captured(&mut command).with_context(|| format!("{} can't be started", python.display()))?;
    if !output.status.success() {
        bail!("{script} failed: {}", last_line(&output.stderr));
    }
    let line = last_line(&output.stdout);
    serde_json::from_str(&line).with_context(|| format!("{script} ended with `{line}`"))
}

fn captured(command: &mut Command) -> std::io::Result<Output> {
    Tied::output(command.stdout(Stdio::piped()).stderr(Stdio::piped()))
}

fn last_line(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    text.trim_end()
        .lines()
        .last()
        .unwrap_or_default()
        .to_owned()
}
