//! `host query`: asks a board over its serial line.

use std::io::{IsTerminal, Read, Write};
use std::path::PathBuf;

use anyhow::{Result, bail};
use pocketrec::model::Parts;
use pocketrec::wire::{Capabilities, Hello, MAX_LIST, Refusal, Reply, Request, Reset, Status, Who};

use super::image::{DEFAULT, Loaded, list};
use super::line::LineArgs;
use crate::data::Titles;
use crate::error::BadInput;
use crate::export::sidecar;
use crate::link::{Connection, LinkError, twin};
use crate::report::text::grouped;

/// Options of `host query`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where the board is
    #[command(flatten)]
    line: LineArgs,

    /// The image: its titles, and what `--emulator` and `--twin` use
    #[arg(long, value_name = "FILE", global = true, default_value = DEFAULT)]
    image: PathBuf,

    /// Compute the same with core on this PC and report the first bit that differs
    #[arg(long, global = true)]
    twin: bool,

    /// What to ask
    #[command(subcommand)]
    question: Question,
}

/// Whom a question is about.
#[derive(Debug, Clone, Copy, clap::Args)]
struct WhoArgs {
    /// A user of the image, by MovieLens id [default: the device's owner]
    #[arg(long, value_name = "ID", conflicts_with = "owner")]
    user: Option<u32>,

    /// Which owner of the device
    #[arg(long, value_name = "N", default_value_t = 0)]
    owner: u8,
}

impl WhoArgs {
    fn who(self) -> Who {
        self.user.map_or(Who::Owner(self.owner), Who::ImageUser)
    }

    fn name(self) -> String {
        match self.who() {
            Who::ImageUser(id) => format!("user {id}"),
            Who::Owner(0) => "the device's owner".into(),
            Who::Owner(owner) => format!("the device's owner {owner}"),
        }
    }
}

#[derive(Debug, clap::Subcommand)]
enum Question {
    /// Who is there, with what model and under what licence
    Hello,
    /// How much of everything the device has
    Limits,
    /// What model it holds
    Info,
    /// The rating that somebody would give a movie
    Predict {
        /// The movie: its MovieLens id, its title, or a part of it
        #[arg(long, value_name = "ID|TITLE")]
        movie: String,
        #[command(flatten)]
        who: WhoArgs,
    },
    /// The best movies for somebody
    Top {
        #[command(flatten)]
        who: WhoArgs,
        /// How many movies
        #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u8).range(1..=MAX_LIST as i64))]
        count: u8,
    },
    /// The movies nearest to one
    Similar {
        /// The movie: its MovieLens id, its title, or a part of it
        #[arg(long, value_name = "ID|TITLE")]
        movie: String,
        /// How many movies
        #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u8).range(1..=MAX_LIST as i64))]
        count: u8,
    },
    /// The owner rates a movie, and the device learns
    Rate {
        /// The movie: its MovieLens id, its title, or a part of it
        #[arg(long, value_name = "ID|TITLE")]
        movie: String,
        /// Stars, on the model's scale
        #[arg(long)]
        stars: f32,
        /// Which owner of the device
        #[arg(long, value_name = "N", default_value_t = 0)]
        owner: u8,
    },
    /// Somebody's embedding and bias
    Profile {
        #[command(flatten)]
        who: WhoArgs,
    },
    /// How the board is, and why it started
    Health,
    /// Counters of its serial line
    Counters,
}

/// What the answers are shown with.
struct Asked<'a> {
    args: &'a Args,
    titles: Titles,
}

/// Asks and tells.
///
/// # Errors
/// [`BadInput`] for a movie or a line that can't be meant; else what went wrong on the line, in a sentence.
pub fn run(args: &Args) -> Result<()> {
    let asked = Asked {
        args,
        titles: sidecar::read(&args.image)?,
    };
    let request = asked.request()?;
    let mut board = args.line.connect(&args.image)?;
    if matches!(args.question, Question::Hello) {
        return asked.hello(&mut board);
    }
    let before = if args.twin {
        Some(twin::Before::take(&mut board, &request)?)
    } else {
        None
    };
    let answer = board.ask_with_progress(&request, progress())?;
    match answer.reply() {
        Some(Reply::Refused(why)) => return Err(refused(why)),
        Some(reply) => asked.show(&reply)?,
        None => {
            return Err(LinkError::Answer {
                request: format!("{request:?}"),
            }
            .into());
        }
    }
    if let Some(before) = before {
        let loaded = Loaded::read(&args.image)?;
        compare(&loaded, before, &request, answer.body(), &mut board)?;
    }
    Ok(())
}

/// A refusal of what a person typed is bad input; one of the board's own is a failure.
fn refused(why: Refusal) -> anyhow::Error {
    match why {
        Refusal::UnknownMovie(_)
        | Refusal::UnknownUser(_)
        | Refusal::UnknownOwner(_)
        | Refusal::OffScale
        | Refusal::NotAnOwner
        | Refusal::ListTooLong => BadInput::new(why).into(),
        _ => LinkError::Refused(why).into(),
    }
}

/// Shows how far a long request is, where somebody looks.
fn progress() -> impl FnMut(u32, u32) {
    let shown = std::io::stderr().is_terminal();
    move |done, total| {
        if shown {
            eprint!("\r{done} of {total} movies \r");
        }
    }
}

fn compare<L: Read + Write>(
    loaded: &Loaded,
    before: twin::Before,
    request: &Request,
    body: &[u8],
    board: &mut Connection<L>,
) -> Result<()> {
    let model = loaded.model()?;
    let same_image = before.crc == model.header().crc;
    if !same_image {
        return Err(BadInput::new(format!(
            "the board's image has CRC-32 {:08x} and {} has {:08x}: a twin needs the same image",
            before.crc,
            loaded.path.display(),
            model.header().crc
        ))
        .into());
    }
    match before.compare(model, request, body, board)? {
        twin::Verdict::Same(bytes) => {
            println!("Twin: all {bytes} bytes are those of core on this PC")
        }
        twin::Verdict::NotComparable => {
            println!("Twin: this answer is the board's own, so there is nothing to compare");
        }
        twin::Verdict::Differs(how) => bail!("the twin on this PC answers otherwise: {how}"),
    }
    Ok(())
}

impl Asked<'_> {
    /// The id that `text` means; an image isn't needed where an id is given.
    fn movie(&self, text: &str) -> Result<u32> {
        let known = |id| self.titles.is_empty() || self.titles.get(id).is_some();
        match text.trim().parse() {
            // The board says whether it has this id.
            Ok(id) if !known(id) && sidecar::find(&self.titles, known, text).is_err() => Ok(id),
            _ => Ok(sidecar::find(&self.titles, known, text)?),
        }
    }

    fn request(&self) -> Result<Request> {
        Ok(match &self.args.question {
            Question::Hello => Request::Hello,
            Question::Limits => Request::Limits,
            Question::Info => Request::ModelInfo,
            Question::Predict { movie, who } => Request::Predict {
                who: who.who(),
                movie: self.movie(movie)?,
            },
            Question::Top { who, count } => Request::TopN {
                who: who.who(),
                count: *count,
            },
            Question::Similar { movie, count } => Request::Similar {
                movie: self.movie(movie)?,
                count: *count,
            },
            Question::Rate {
                movie,
                stars,
                owner,
            } => Request::Rate {
                who: Who::Owner(*owner),
                movie: self.movie(movie)?,
                stars: *stars,
            },
            Question::Profile { who } => Request::Profile { who: who.who() },
            Question::Health => Request::Health,
            Question::Counters => Request::LinkCounters,
        })
    }

    /// Who is there and, where there is one, its model.
    fn hello<L: Read + Write>(&self, board: &mut Connection<L>) -> Result<()> {
        let hello = board.hello()?;
        println!("{}", greeting(&hello, board.name()));
        let info = board.ask(&Request::ModelInfo)?;
        match info.reply() {
            Some(Reply::Refused(why)) if hello.status == Status::NoModel as u8 => {
                println!("{}", LinkError::Refused(why));
                Ok(())
            }
            Some(Reply::Refused(why)) => Err(refused(why)),
            Some(reply) => self.show(&reply),
            None => Ok(()),
        }
    }

    fn show(&self, reply: &Reply<'_>) -> Result<()> {
        match reply {
            Reply::Stars(stars) => {
                if let Question::Predict { movie, who } = &self.args.question {
                    let title = self.titles.title(self.movie(movie)?);
                    println!("{stars:.2} stars: {} on {title}", who.name());
                }
            }
            Reply::Movies(movies) => {
                let name = match &self.args.question {
                    Question::Similar { movie, .. } => {
                        let title = self.titles.title(self.movie(movie)?);
                        println!("Nearest to {title}, by the cosine of embeddings");
                        "Cosine"
                    }
                    Question::Top { who, .. } => {
                        println!("The best movies for {}", who.name());
                        "Stars"
                    }
                    _ => "Stars",
                };
                let movies = movies.iter().map(|ranked| (ranked.movie, ranked.stars));
                print!("{}", list(&self.titles, name, movies));
            }
            Reply::Rated {
                before,
                after,
                ratings,
            } => {
                if let Question::Rate { movie, stars, .. } = &self.args.question {
                    let title = self.titles.title(self.movie(movie)?);
                    println!("{stars} stars for {title}: taken in, {ratings} in all");
                }
                println!("The device predicted {before:.2} before, and predicts {after:.2} now");
            }
            Reply::ModelInfo(info) => {
                let parts = Parts::from_bits(info.parts).map_or("unknown here", Parts::name);
                println!("Model: {} ({parts})", info.name);
                println!(
                    "Movies: {}, users: {}, rows of {} and {}",
                    grouped(info.movies.into()),
                    grouped(info.users.into()),
                    info.movie_dim,
                    info.user_dim
                );
                println!(
                    "Ratings: {} to {} by {}, mean {:.4}",
                    info.lowest, info.highest, info.step, info.mean
                );
                println!(
                    "Image: CRC-32 {:08x}, {} bytes",
                    info.crc,
                    grouped(info.length.into())
                );
                println!(
                    "Data: fingerprint {:016x}; licence: {}",
                    info.fingerprint, info.license
                );
            }
            Reply::Profile(profile) => {
                println!("Ratings: {}", profile.ratings);
                println!("Bias: {:.6}", profile.bias);
                let row: Vec<String> = profile.row.iter().map(|x| format!("{x:.6}")).collect();
                println!("Row: {}", row.join(" "));
            }
            Reply::Health(health) => {
                let why = match health.reset {
                    Reset::Power => "power or the reset button".to_owned(),
                    Reset::Panic => format!("a panic in line {}", health.at),
                    Reset::Fault => format!("a fault at address {:#010x}", health.at),
                    Reset::Arithmetic => "failed its check of the arithmetic".to_owned(),
                };
                println!(
                    "Board: {}, up for {:.1} s",
                    health.board,
                    f64::from(health.uptime) / 1e3
                );
                println!(
                    "Started by: {why}; crashes since the power came on: {}",
                    health.crashes
                );
            }
            // The rest is a list of named numbers, which its own form shows best.
            other => println!("{other:#?}"),
        }
        Ok(())
    }
}

fn greeting(hello: &Hello, line: &str) -> String {
    let [major, minor, patch] = hello.firmware;
    let mut can = Vec::new();
    for (bit, name) in [
        (Capabilities::LEARN, "learns"),
        (Capabilities::STORAGE, "remembers"),
        (Capabilities::LOG, "logs"),
    ] {
        if Capabilities(hello.capabilities).has(bit) {
            can.push(name);
        }
    }
    let can = if can.is_empty() {
        String::new()
    } else {
        format!(", {}", can.join(", "))
    };
    format!("{line}: pocketrec firmware {major}.{minor}.{patch}{can}")
}
