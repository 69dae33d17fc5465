//! `host selftest`: a whole transcript on a board, compared bit for bit with what core answers on this PC.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use pocketrec::wire::{Reply, Request, Who};
use serde::Serialize;

use super::image::DEFAULT;
use super::line::LineArgs;
use crate::print::{self, Answer, Target, count, progress::Step};
use crate::{note, say};
use pocketrec_base::error::BadInput;
use pocketrec_export::ImageBytes;
use pocketrec_link::transcript::Transcript;
use pocketrec_link::{Connection, questions};

/// Options of `host selftest`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where the board is
    #[command(flatten)]
    line: LineArgs,

    /// The image on the board
    #[arg(long, value_name = "FILE", default_value = DEFAULT)]
    image: PathBuf,

    /// Replay this file instead of queries generated from the image
    #[arg(long, value_name = "FILE")]
    transcript: Option<PathBuf>,

    /// Write the transcript to this file too; - is standard output
    #[arg(long, value_name = "FILE", conflicts_with = "transcript")]
    write: Option<Target>,

    /// Number of predictions to compare
    #[arg(long, value_name = "N", default_value_t = 2000)]
    predictions: usize,

    /// Number of rankings to compare, each for another user
    #[arg(long, value_name = "N", default_value_t = 20)]
    tops: usize,
}

/// Replays and tells.
///
/// # Errors
/// [`BadInput`] for a transcript of another image or one that can't be read; an error where an answer differs.
pub fn run(args: &Args) -> Result<()> {
    if let Some(target) = &args.write {
        target.claim("--write")?;
    }
    let transcript = match &args.transcript {
        Some(path) => read(path)?,
        None => {
            let bytes = ImageBytes::read(&args.image)?;
            let model = bytes.open(&args.image)?;
            let counts = questions::Counts {
                predictions: args.predictions,
                tops: args.tops,
                ..questions::Counts::FULL
            };
            Transcript::record(model, questions::of(&model, counts, 1))?
        }
    };
    if let Some(target) = &args.write {
        target.write(transcript.to_text().as_bytes())?;
        note!("Wrote {target}");
    }
    let mut board = args.line.connect(&args.image)?;
    check(&mut board, &transcript)?;
    let step = Step::new();
    let difference = transcript.replay(&mut board, |done, total| {
        step.show(&format!("{done} of {total} answers"));
    })?;
    drop(step);
    if let Some(difference) = difference {
        bail!("{difference}");
    }
    let replies = transcript.exchanges.iter();
    print::answer(&Same {
        line: board.name().to_owned(),
        answers: transcript.exchanges.len(),
        bytes: replies.map(|exchange| exchange.reply.len()).sum(),
    })
}

/// What a board and core answered alike.
#[derive(Debug, Serialize)]
struct Same {
    line: String,
    answers: usize,
    bytes: usize,
}

impl Answer for Same {
    fn tell(&self) {
        say!(
            "{}: all {}, {}, are those of core on a PC",
            self.line,
            count(self.answers, "answer"),
            count(self.bytes, "byte")
        );
    }
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
    let crc = board.image()?;
    if crc != transcript.crc {
        return Err(BadInput::new(format!(
            "the board's image has CRC-32 {crc:08x} and the transcript is of {:08x}: flash that image, or name it with `--image`",
            transcript.crc
        ))
        .into());
    }
    let added = pocketrec_link::added::all(board)?;
    if let Some(first) = added.and_then(|added| added.ids().next()) {
        return Err(BadInput::new(format!(
            "movies were added to the board's image, and a self-test is of the image alone: `query added --remove {first}` takes out one"
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
            "the device's owner has {}, and a self-test rates: it needs a device without any",
            count(ratings, "rating")
        );
    }
    Ok(())
}
