//! `host selftest`: a whole transcript on a board, compared bit for bit with what core answers on this PC.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use pocketrec::wire::{Reply, Request, Who};

use super::image::{DEFAULT, Loaded};
use super::line::LineArgs;
use crate::error::BadInput;
use crate::files;
use crate::link::transcript::Transcript;
use crate::link::{Connection, questions};
use crate::report::text::grouped;

/// Options of `host selftest`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where the board is
    #[command(flatten)]
    line: LineArgs,

    /// The image that the board holds
    #[arg(long, value_name = "FILE", default_value = DEFAULT)]
    image: PathBuf,

    /// Replay this file instead of questions made up from the image
    #[arg(long, value_name = "FILE")]
    transcript: Option<PathBuf>,

    /// Write the transcript to this file too
    #[arg(long, value_name = "FILE", conflicts_with = "transcript")]
    write: Option<PathBuf>,

    /// Predictions to compare
    #[arg(long, value_name = "N", default_value_t = 2000)]
    predictions: usize,

    /// Rankings to compare, for as many users
    #[arg(long, value_name = "N", default_value_t = 20)]
    tops: usize,
}

/// Replays and tells.
///
/// # Errors
/// [`BadInput`] for a transcript of another image or one that can't be read; an error where an answer differs.
pub fn run(args: &Args) -> Result<()> {
    if let Some(path) = &args.write {
        files::check_file("--write", path)?;
    }
    let transcript = match &args.transcript {
        Some(path) => read(path)?,
        None => {
            let loaded = Loaded::read(&args.image)?;
            let model = loaded.model()?;
            let counts = questions::Counts {
                predictions: args.predictions,
                tops: args.tops,
                ..questions::Counts::FULL
            };
            Transcript::record(model, questions::of(&model, counts, 1))?
        }
    };
    if let Some(path) = &args.write {
        files::write(path, transcript.to_text().as_bytes())
            .with_context(|| format!("can't write {}", path.display()))?;
        println!("Wrote {}", path.display());
    }
    let mut board = args.line.connect(&args.image)?;
    check(&mut board, &transcript)?;
    let shown = std::io::stderr().is_terminal();
    let difference = transcript.replay(&mut board, |done, total| {
        if shown {
            eprint!("\r{done} of {total} answers \r");
        }
    })?;
    if let Some(difference) = difference {
        bail!("{difference}");
    }
    let bytes: usize = transcript
        .exchanges
        .iter()
        .map(|exchange| exchange.reply.len())
        .sum();
    println!(
        "{}: all {} answers, {} bytes, are those of core on a PC",
        board.name(),
        grouped(transcript.exchanges.len() as u64),
        grouped(bytes as u64)
    );
    Ok(())
}

fn read(path: &Path) -> Result<Transcript> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| BadInput::new(format!("{} can't be read: {error}", path.display())))?;
    Transcript::parse(&text)
        .map_err(|why| BadInput::new(format!("{}: {why}", path.display())).into())
}

/// Makes sure that the board holds the transcript's image, and that its owner is as fresh as the transcript's.
fn check<L: std::io::Read + std::io::Write>(
    board: &mut Connection<L>,
    transcript: &Transcript,
) -> Result<()> {
    let crc = board.ask_for(
        &Request::ModelInfo,
        |_, _| (),
        |reply| match reply {
            Reply::ModelInfo(info) => Some(info.crc),
            _ => None,
        },
    )?;
    if crc != transcript.crc {
        return Err(BadInput::new(format!(
            "the board's image has CRC-32 {crc:08x} and the transcript is of {:08x}: flash that image, or name it with `--image`",
            transcript.crc
        ))
        .into());
    }
    let who = Who::Owner(0);
    let ratings = board.ask_for(
        &Request::Profile { who },
        |_, _| (),
        |reply| match reply {
            Reply::Profile(profile) => Some(profile.ratings),
            _ => None,
        },
    )?;
    if ratings > 0 {
        bail!(
            "the device's owner has {ratings} ratings, and a self-test rates: it needs a device without any"
        );
    }
    Ok(())
}
