//! `host query`: asks a board over its serial line.

mod at_hand;
mod facts;
mod json;
pub mod load;
pub mod ratings;
mod show;

use std::io::{Read, Write};
use std::path::PathBuf;

use anyhow::{Result, bail};
use pocketrec::wire::{MAX_LIST, Refusal, Reply, Request, Who};

use super::image::{Loaded, Rated};
use super::line::{BOARD, LineArgs};
use super::movie::{HELP, Purpose, choose};
use crate::print::{Target, progress::Step};
use crate::{note, say};
use at_hand::AtHand;
use load::LoadArgs;
use pocketrec_base::error::BadInput;
use pocketrec_base::signals;
use pocketrec_data::{Titles, search};
use pocketrec_export::people::People;
use pocketrec_link::{Connection, Line, LinkError, sense, twin};

/// Options of `host query`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where the board is
    #[command(flatten)]
    line: LineArgs,

    /// The image that the board holds: its titles, and what `--emulator` and `--twin` use; `none` shows ids [default:
    /// target/pocketrec/model.img]
    #[arg(long, value_name = "FILE", global = true, help_heading = BOARD)]
    image: Option<PathBuf>,

    /// Compute the same with core on this PC and report the first bit that differs
    #[arg(long, global = true, help_heading = BOARD)]
    twin: bool,

    /// What to ask
    #[command(subcommand)]
    question: Question,
}

/// Whom a question is about.
#[derive(Debug, Clone, clap::Args)]
struct WhoArgs {
    /// A user of the image, by id, or by name where its ratings had names [default: the device's owner]
    #[arg(long, value_name = "ID|NAME", conflicts_with = "owner")]
    user: Option<String>,

    /// Which owner of the device
    #[arg(long, value_name = "N", default_value_t = 0)]
    owner: u8,
}

impl WhoArgs {
    /// # Errors
    /// [`BadInput`] for a user who can't be meant.
    fn who(&self, people: &People) -> Result<Who> {
        Ok(match &self.user {
            Some(user) => Who::ImageUser(people.id(user)?),
            None => Who::Owner(self.owner),
        })
    }

    fn name(&self) -> String {
        match (&self.user, self.owner) {
            (Some(user), _) => format!("user {}", user.trim()),
            (None, 0) => "the device's owner".into(),
            (None, owner) => format!("the device's owner {owner}"),
        }
    }
}

/// Stars as a number; whether they are on the scale is for the board to say.
fn stars(text: &str) -> Result<f32, String> {
    let stars = text.parse().ok().filter(|stars: &f32| stars.is_finite());
    stars.ok_or_else(|| "it should be a number of stars, for instance 4.5".into())
}

/// Which owner a question is about.
#[derive(Debug, Clone, Copy, clap::Args)]
struct OwnerArgs {
    /// Which owner of the device
    #[arg(long, value_name = "N", default_value_t = 0)]
    owner: u8,
}

impl OwnerArgs {
    fn who(self) -> Who {
        Who::Owner(self.owner)
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
        #[arg(long, value_name = "TITLE|ID", help = HELP)]
        movie: String,
        #[command(flatten)]
        who: WhoArgs,
    },
    /// The best movies for somebody
    Top {
        #[command(flatten)]
        who: WhoArgs,
        /// How many movies, at most 20
        #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u8).range(1..=MAX_LIST as i64))]
        count: u8,
        /// List movies that they have rated, too
        #[arg(long)]
        include_rated: bool,
    },
    /// The movies nearest to one
    Similar {
        #[arg(long, value_name = "TITLE|ID", help = HELP)]
        movie: String,
        /// How many movies, at most 20
        #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u8).range(1..=MAX_LIST as i64))]
        count: u8,
    },
    /// The owner rates a movie, and the device learns
    Rate {
        #[arg(long, value_name = "TITLE|ID", help = HELP)]
        movie: String,
        /// Stars, on the scale of the model's ratings, for instance 4.5
        #[arg(long, value_name = "STARS", allow_negative_numbers = true, value_parser = stars)]
        stars: f32,
        #[command(flatten)]
        owner: OwnerArgs,
    },
    /// Somebody's embedding and bias
    Profile {
        #[command(flatten)]
        who: WhoArgs,
    },
    /// Take the owner's last rating back
    Undo {
        #[command(flatten)]
        owner: OwnerArgs,
    },
    /// The owner's rating of a movie, or all of them, never was
    #[command(group = clap::ArgGroup::new("what").required(true))]
    Forget {
        #[arg(long, value_name = "TITLE|ID", help = HELP, group = "what")]
        movie: Option<String>,
        /// All ratings: erased from flash before the answer
        #[arg(long, group = "what")]
        all: bool,
        #[command(flatten)]
        owner: OwnerArgs,
    },
    /// The owner's ratings, which are theirs to take away
    Ratings {
        /// Write them to this file, as CSV with the columns movieId and rating; - is standard output
        #[arg(long, value_name = "FILE")]
        save: Option<Target>,
        #[command(flatten)]
        load: LoadArgs,
        #[command(flatten)]
        owner: OwnerArgs,
    },
    /// The movies whose rating would teach the device most
    Suggest {
        #[command(flatten)]
        owner: OwnerArgs,
        /// How many movies, at most 20
        #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u8).range(1..=MAX_LIST as i64))]
        count: u8,
    },
    /// Why a prediction is what it is
    Explain {
        #[arg(long, value_name = "TITLE|ID", help = HELP)]
        movie: String,
        #[command(flatten)]
        who: WhoArgs,
    },
    /// Who lives on the device
    Owners,
    /// How it keeps their ratings
    Storage,
    /// Erase what is forgotten and what was replaced from flash now
    Compact,
    /// Erase all ratings of all owners for good and begin anew, also where flash can't be opened
    Format {
        /// Yes, all of them
        #[arg(long)]
        yes: bool,
    },
    /// How the board is, and why it started
    Health,
    /// Counters of its serial line
    Counters,
}

/// What the answers are shown with.
struct Asked<'a> {
    args: &'a Args,
    at_hand: AtHand,
    titles: Titles,
    people: People,
    /// The movie that the question is about, if it is about one.
    movie: Option<u32>,
}

/// Asks and tells.
///
/// # Errors
/// [`BadInput`] for a movie or a line that can't be meant; else what went wrong on the line, in a sentence.
pub fn run(args: &Args) -> Result<()> {
    let at_hand = AtHand::find(args.image.as_deref())?;
    let mut asked = Asked {
        args,
        titles: at_hand.titles(),
        people: at_hand.people(),
        at_hand,
        movie: None,
    };
    let request = asked.request()?;
    let mut given = None;
    if let Question::Ratings { save, load, .. } = &args.question {
        // Before a firmware is built.
        if let Some(target) = save {
            target.claim("--save")?;
        }
        given = load::Given::read(load, &asked.at_hand)?;
    }
    if args.twin {
        asked.at_hand.needed("--twin")?;
    }
    if args.line.room().is_some() {
        asked.at_hand.needed("--emulator")?;
        asked.at_hand.foresee(&request)?;
    }
    let mut board = args.line.connect(asked.at_hand.path())?;
    board.heed(signals::heed(""));
    asked.meet(&mut board, &request)?;
    match &args.question {
        Question::Hello => return asked.hello(&mut board),
        Question::Ratings { save, owner, .. } => {
            let who = owner.who();
            return match given {
                Some(file) => file.load(&mut board, &asked.at_hand, who),
                None => ratings::tell(&mut board, who, &asked.titles, save.as_ref()),
            };
        }
        _ => {}
    }
    let before = if args.twin {
        Some(twin::Before::take(&mut board, &request)?)
    } else {
        None
    };
    let answer = board.ask_checked(&request, progress())?;
    match answer.reply() {
        Some(Reply::Refused(Refusal::OffScale)) => return Err(beside_scale(&mut board)),
        Some(Reply::Refused(why)) => return Err(refused(why)),
        Some(reply) => {
            asked.show(&reply)?;
            if let Some(line) = asked.rated(&mut board)? {
                note!("{line}");
            }
        }
        None => {
            return Err(LinkError::Answer {
                request: sense::words(&request).to_owned(),
            }
            .into());
        }
    }
    if let Some(before) = before {
        let loaded = asked.at_hand.needed("--twin")?;
        compare(loaded, before, &request, answer.body(), &mut board)?;
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
        | Refusal::NotRated(_)
        | Refusal::NothingToUndo
        | Refusal::ListTooLong => BadInput::new(why).into(),
        _ => LinkError::Refused(why).into(),
    }
}

/// A rating that the board's model doesn't know, with those that it does.
fn beside_scale<L: Read + Write>(board: &mut Connection<L>) -> anyhow::Error {
    let scale = at_hand::info_of(board, |_, info| Ok((info.lowest, info.highest, info.step)));
    match scale {
        Ok(Some((lowest, highest, step))) => off_scale(lowest, highest, step),
        _ => refused(Refusal::OffScale),
    }
}

fn off_scale(lowest: f32, highest: f32, step: f32) -> anyhow::Error {
    BadInput::new(format!(
        "{}: --stars should be {lowest} to {highest} in steps of {step}",
        Refusal::OffScale
    ))
    .into()
}

/// Shows how far a long request is, where somebody looks.
fn progress() -> impl FnMut(u32, u32) {
    let step = Step::new();
    move |done, total| step.show(&format!("{done} of {total} movies"))
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
            say!("Twin: all {bytes} bytes are those of core on this PC")
        }
        twin::Verdict::NotComparable => {
            say!("Twin: this answer is the board's own, so there is nothing to compare");
        }
        twin::Verdict::Differs(how) => bail!("the twin on this PC answers otherwise: {how}"),
    }
    Ok(())
}

impl Asked<'_> {
    /// What a list for a user of the image does with what they have rated, which the board knows or doesn't.
    fn rated<L: Read + Write>(&self, board: &mut Connection<L>) -> Result<Option<String>> {
        let Question::Top {
            who,
            include_rated: false,
            ..
        } = &self.args.question
        else {
            return Ok(None);
        };
        if who.user.is_none() {
            return Ok(None);
        }
        let seen = board.ask_for(
            &Request::ModelInfo,
            |_, _| (),
            |reply| match reply {
                Reply::ModelInfo(info) => Some(info.seen),
                _ => None,
            },
        )?;
        let rated = match seen {
            true => Rated::LeftOut,
            false => Rated::Unknown {
                why: "the device's image doesn't say which those are",
                advice: "`export --seen all` writes one that does",
            },
        };
        Ok(Some(rated.line(&who.name())))
    }

    /// Whether movies are told of by their titles.
    fn names_movies(&self) -> bool {
        match &self.args.question {
            Question::Predict { .. }
            | Question::Top { .. }
            | Question::Similar { .. }
            | Question::Rate { .. }
            | Question::Undo { .. }
            | Question::Ratings { .. }
            | Question::Suggest { .. }
            | Question::Explain { .. } => true,
            Question::Forget { movie, .. } => movie.is_some(),
            _ => false,
        }
    }

    /// Finds out which image the board holds, before it is asked for anything that a wrong title could be read into, or
    /// that changes something.
    fn meet(&mut self, board: &mut Connection<Box<dyn Line>>, request: &Request) -> Result<()> {
        let names = self.names_movies();
        if !names && sense::change(request).is_none() {
            return Ok(());
        }
        let crc = at_hand::info_of(board, |board, info| {
            if names {
                self.at_hand.settle(board, info)?;
            }
            Ok(info.crc)
        })?;
        match crc {
            Some(crc) => self.args.line.way_back(board, crc),
            // Whose ids these are nobody knows.
            None => self.titles = Titles::default(),
        }
        Ok(())
    }

    /// The id that `text` means; an image isn't needed where an id is given.
    fn movie(&mut self, text: &str, purpose: Purpose) -> Result<u32> {
        let known = |id| {
            let at_hand = self.at_hand.has_movie(id);
            at_hand.unwrap_or_else(|| self.titles.is_empty() || self.titles.get(id).is_some())
        };
        let id = match search::id(text) {
            // The board says whether it has this id.
            Some(id) if search::find(&self.titles, known, text).is_nothing() => id,
            _ => choose(&self.titles, known, text, purpose)?,
        };
        self.movie = Some(id);
        Ok(id)
    }

    /// The title of the movie that the question is about.
    fn title(&self) -> String {
        self.movie
            .map_or_else(String::new, |id| self.titles.title(id))
    }

    fn request(&mut self) -> Result<Request> {
        let args = self.args;
        Ok(match &args.question {
            Question::Hello => Request::Hello,
            Question::Limits => Request::Limits,
            Question::Info => Request::ModelInfo,
            Question::Predict { movie, who } => Request::Predict {
                who: who.who(&self.people)?,
                movie: self.movie(movie, Purpose::Tell)?,
            },
            Question::Top {
                who,
                count,
                include_rated,
            } => Request::TopN {
                who: who.who(&self.people)?,
                count: *count,
                include_rated: *include_rated,
            },
            Question::Similar { movie, count } => Request::Similar {
                movie: self.movie(movie, Purpose::Tell)?,
                count: *count,
            },
            Question::Rate {
                movie,
                stars,
                owner,
            } => Request::Rate {
                who: owner.who(),
                movie: self.movie(movie, Purpose::Change)?,
                stars: *stars,
            },
            Question::Profile { who } => Request::Profile {
                who: who.who(&self.people)?,
            },
            Question::Undo { owner } => Request::Undo { who: owner.who() },
            Question::Forget { movie, owner, .. } => match movie {
                Some(movie) => Request::Forget {
                    who: owner.who(),
                    movie: self.movie(movie, Purpose::Change)?,
                },
                None => Request::ForgetMe { who: owner.who() },
            },
            Question::Ratings { owner, .. } => Request::Ratings {
                who: owner.who(),
                first: 0,
            },
            Question::Suggest { owner, count } => Request::Suggest {
                who: owner.who(),
                count: *count,
            },
            Question::Explain { movie, who } => Request::Explain {
                who: who.who(&self.people)?,
                movie: self.movie(movie, Purpose::Tell)?,
            },
            Question::Owners => Request::Owners,
            Question::Storage => Request::Storage,
            Question::Compact => Request::Compact,
            Question::Format { yes: true } => Request::Format,
            Question::Format { yes: false } => {
                return Err(BadInput::new(
                    "`query format` erases the ratings of every owner of the device for good; \
                     `query ratings --save FILE` saves an owner's first; then say `query format --yes`",
                )
                .into());
            }
            Question::Health => Request::Health,
            Question::Counters => Request::LinkCounters,
        })
    }
}
