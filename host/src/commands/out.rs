//! Tables out: where they go, in which format, and how many rows are made on all cores and written in order.

use std::io;

use anyhow::{Error, Result};
use pocketrec_base::error::BadInput;
use pocketrec_base::threads;
use pocketrec_tables::{FORMATS, Format, Kind, Packed, Table};

use crate::print::Target;

/// Where a table goes.
#[derive(Debug, Clone, clap::Args)]
pub struct OutArgs {
    /// File to write the table to: .parquet, .npz, .csv or .jsonl; - is standard output
    #[arg(long, value_name = "FILE")]
    pub out: Option<Target>,

    /// Format of --out: parquet, npz, csv or jsonl [default: by how its name ends]
    #[arg(long, value_name = "FORMAT", requires = "out")]
    format: Option<Format>,
}

impl OutArgs {
    /// Where the table goes and how it is written; the place is made sure of.
    ///
    /// # Errors
    /// [`BadInput`] for a name that tells no format, and for a place that can't be written to.
    pub fn claimed(&self, out: &Target) -> Result<Format> {
        let of_name = out.file().and_then(Format::of_name);
        let format = self.format.or(of_name).ok_or_else(|| {
            BadInput::new(match out {
                Target::Stdout => {
                    format!("--out is -, whose name tells no format; --format should be {FORMATS}")
                }
                Target::File(path) => format!(
                    "--out {} should end with .parquet, .npz, .csv or .jsonl, or --format say which it is",
                    path.display()
                ),
            })
        })?;
        match format {
            Format::Parquet | Format::Npz => out.claim_for_bytes("--out")?,
            Format::Csv | Format::JsonLines => out.claim("--out")?,
        }
        Ok(format)
    }
}

/// The column of an id: whole numbers, or texts where ids have names.
pub fn id(named: bool) -> Kind {
    match named {
        true => Kind::Text,
        false => Kind::Whole,
    }
}

/// Parts of a round a thread: what makes long ones wait for one another is spread among them.
const PARTS: usize = 4;

/// Writes a table whose rows come in parts: `next` gives one after the other, `work` makes rows of it on any thread, and
/// they are written in order. A file is whole or isn't there; memory is that of a few parts.
///
/// # Errors
/// The first of `next`, `work` or the disk.
pub fn write<T: Send>(
    table: &Table,
    out: &Target,
    mut next: impl FnMut() -> Result<Option<T>>,
    work: impl Fn(T) -> Result<Packed> + Sync,
) -> Result<()> {
    let mut failed: Option<Error> = None;
    let cores = threads::available();
    let written = out.write_with(|file| {
        let mut writer = table.to(file)?;
        let mut fail = |error: Error| {
            failed = Some(error);
            io::Error::other("the rows can't be made")
        };
        loop {
            let mut parts = Vec::new();
            while parts.len() < cores * PARTS {
                match next().map_err(&mut fail)? {
                    Some(part) => parts.push(part),
                    None => break,
                }
            }
            if parts.is_empty() {
                return writer.finish();
            }
            for packed in threads::share(cores, parts, || (), |(), part| work(part)) {
                writer.put(packed.map_err(&mut fail)?)?;
            }
        }
    });
    match failed {
        Some(error) => Err(error),
        None => written,
    }
}
