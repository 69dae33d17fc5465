//! `host query`: asks a board over its serial line.

pub(super) mod added;
mod at_hand;
mod facts;
mod filtered;
mod json;
mod likely;
pub mod load;
mod ports;
mod question;
pub mod ratings;
mod show;

use std::io::{Read, Write};
use std::path::PathBuf;

use anyhow::{Result, bail};
use pocketrec::model::{Interval, Wanted};
use pocketrec::rank::Order;
use pocketrec::wire::{Capabilities, Refusal, Reply, Request, Who};

use super::image::{Loaded, Rated, TitlesArgs};
use super::line::{BOARD, LineArgs, Place};
use super::movie::{Purpose, meant};
use super::wanted::WantedArgs;
use crate::print::progress::Step;
use crate::say;
pub(super) use at_hand::{AtHand, info_of};
use filtered::Lacks;
use pocketrec_base::error::BadInput;
use pocketrec_base::signals;
use pocketrec_data::{Titles, search};
use pocketrec_export::people::People;
use pocketrec_link::{Connection, Line, LinkError, keep, sense, twin};
use question::{Question, WhoArgs};

/// Options of `host query`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where the board is
    #[command(flatten)]
    line: LineArgs,

    /// The image on the board, for titles, --emulator and --twin; none shows ids instead of titles [default: that of
    /// `emulate`, the last one named with this port, or target/pocketrec/model.img]
    #[arg(long, value_name = "FILE", global = true, help_heading = BOARD)]
    image: Option<PathBuf>,

    #[command(flatten)]
    titles: TitlesArgs,

    /// Compute every answer on this PC too, and report the first bit that differs
    #[arg(long, global = true, help_heading = BOARD)]
    twin: bool,

    /// What to ask
    #[command(subcommand)]
    question: Question,
}

/// What the answers are shown with.
struct Asked<'a> {
    args: &'a Args,
    /// The owner where no option names one.
    usual: u8,
    at_hand: AtHand,
    titles: Titles,
    people: People,
    /// The movie that the question is about, if it is about one.
    movie: Option<u32>,
    /// Whom it is about, if it is about somebody.
    who: Option<WhoArgs>,
    /// The stars that it gives, if it rates.
    stars: Option<f32>,
    /// What a list of the best movies does with those that were rated, once that is known.
    rated: Option<Rated<'static>>,
    /// Between which stars ratings of the movies that stars are predicted for are likely to be, as far as that is known.
    likely: Vec<Option<Interval>>,
    /// Why the first movies of a list for two are there: a sentence for each.
    reasons: Vec<String>,
    /// Whether the board keeps ratings in its flash.
    is_in_flash: bool,
}

/// Whether movies are told of by their titles.
fn names_movies(question: &Question) -> bool {
    match question {
        Question::Predict { .. }
        | Question::Top { .. }
        | Question::Similar { .. }
        | Question::Rate { .. }
        | Question::Undo { .. }
        | Question::Ratings { .. }
        | Question::Suggest { .. }
        | Question::Explain { .. } => true,
        Question::Forget { all, .. } => !all,
        Question::Added { .. } => true,
        _ => false,
    }
}

/// Asks and tells.
///
/// # Errors
/// [`BadInput`] for a movie or a line that can't be meant; else what went wrong on the line, in a sentence.
pub fn run(args: &Args) -> Result<()> {
    if let Question::Ports = args.question {
        return ports::tell();
    }
    let place = args.line.place()?;
    let image = place.image(args.image.as_deref(), names_movies(&args.question));
    let at_hand = AtHand::find(image.as_deref(), &args.titles)?;
    let mut asked = Asked {
        args,
        usual: match args.question.takes_owner() {
            true => place.usual_owner(),
            false => 0,
        },
        titles: at_hand.titles(),
        people: at_hand.people(),
        at_hand,
        movie: None,
        who: None,
        stars: None,
        rated: None,
        likely: Vec::new(),
        reasons: Vec::new(),
        is_in_flash: false,
    };
    let request = asked.request()?;
    let mut given = None;
    if let Question::Ratings { save, load, .. } = &args.question {
        // Before a firmware is built.
        if let Some(target) = save {
            target.claim_kind("--save", "ratings are saved as CSV", &["csv"])?;
        }
        given = load::Given::read(load, &asked.at_hand)?;
    }
    if args.twin {
        asked.at_hand.needed("--twin")?;
    }
    if place.is_emulator() {
        asked.at_hand.needed("--emulator")?;
        asked.at_hand.foresee(&request)?;
    }
    let mut board = place.connect(asked.at_hand.path())?;
    board.heed(signals::heed(""));
    asked.meet(&mut board, &place, &request)?;
    let told = match (&args.question, given) {
        (Question::Hello, _) => asked.hello(&mut board),
        (Question::Added { .. }, _) => added::tell(&mut board, &asked.titles, asked.movie),
        (Question::Ratings { owner, .. }, Some(file)) => {
            file.load(&mut board, &asked.at_hand, owner.who(asked.usual))
        }
        (Question::Ratings { save, owner, .. }, None) => {
            let who = owner.who(asked.usual);
            ratings::tell(&mut board, who, &asked.titles, save.as_ref())
        }
        (Question::Top { wanted, by, .. }, _) => {
            let order = (*by).into();
            match asked.lacks(&mut board, &request, (wanted, order))? {
                None => ask(&mut asked, &mut board, &request),
                Some(lacks) => {
                    filtered::tell(&mut asked, &mut board, &request, (wanted, order), lacks)
                }
            }
        }
        _ => ask(&mut asked, &mut board, &request),
    };
    // An owner whom the board refused isn't remembered.
    let owner = args.question.owner().filter(|_| told.is_ok());
    place.remember(args.image.as_deref(), owner);
    told
}

/// Asks for what is one answer, and tells it.
fn ask(
    asked: &mut Asked<'_>,
    board: &mut Connection<Box<dyn Line>>,
    request: &Request,
) -> Result<()> {
    let before = if asked.args.twin {
        Some(twin::Before::take(board, request)?)
    } else {
        None
    };
    let answer = board.ask_checked(request, progress())?;
    match answer.reply() {
        Some(Reply::Refused(Refusal::OffScale)) => return Err(beside_scale(board)),
        Some(Reply::Refused(Refusal::UnknownOwner(owner))) => {
            return Err(keep::no_owner(board, owner).into());
        }
        Some(Reply::Refused(Refusal::NotRated(id))) => {
            return Err(not_rated(&asked.titles, id).into());
        }
        Some(Reply::Refused(why)) => return Err(load::told(LinkError::refused(request, why))),
        Some(reply) => {
            if let Reply::ModelInfo(info) = &reply {
                at_hand::warn_of(info);
            }
            asked.rated = asked.rated(board)?;
            asked.likely = asked.likely(board, request, &reply)?;
            asked.is_in_flash = can(board, Capabilities::STORAGE);
            if let Reply::Together(list) = &reply {
                asked.reasons = asked.reasons(board, request, list)?;
            }
            asked.show(&reply)?;
        }
        None => {
            return Err(LinkError::Answer {
                request: sense::words(request).to_owned(),
            }
            .into());
        }
    }
    if let Some(before) = before {
        let loaded = asked.at_hand.needed("--twin")?;
        compare(loaded, before, request, answer.body(), board)?;
    }
    Ok(())
}

/// A refusal of what a person typed is bad input; one of the board's own is a failure.
pub(super) fn refused(why: Refusal) -> anyhow::Error {
    match why {
        Refusal::UnknownMovie(_)
        | Refusal::UnknownUser(_)
        | Refusal::UnknownOwner(_)
        | Refusal::OffScale
        | Refusal::NotAnOwner
        | Refusal::NotRated(_)
        | Refusal::NothingToUndo
        | Refusal::OtherImage(_)
        | Refusal::NoRoom(_)
        | Refusal::MovieId(_)
        | Refusal::NotAdded(_)
        | Refusal::NoFame
        | Refusal::ListTooLong => BadInput::new(why).into(),
        _ => LinkError::Refused(why).into(),
    }
}

/// A rating that the board's model doesn't know, with those that it does.
fn beside_scale<L: Read + Write>(board: &mut Connection<L>) -> anyhow::Error {
    let scale = info_of(board, |_, info| Ok((info.lowest, info.highest, info.step)));
    match scale {
        Ok(Some((lowest, highest, step))) => off_scale(lowest, highest, step),
        _ => refused(Refusal::OffScale),
    }
}

/// That an owner hasn't rated a movie, by its title where there is one.
fn not_rated(titles: &Titles, id: u32) -> BadInput {
    BadInput::new(format!("the owner has not rated {}", titles.title(id)))
}

fn off_scale(lowest: f32, highest: f32, step: f32) -> anyhow::Error {
    BadInput::new(format!(
        "{}: --stars should be {lowest} to {highest} in steps of {step}",
        Refusal::OffScale
    ))
    .into()
}

/// Whether the board can do that.
fn can<L: Read + Write>(board: &Connection<L>, what: u32) -> bool {
    let able = board.greeted().map_or(0, |hello| hello.capabilities);
    Capabilities(able).has(what)
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
    /// What a list of the best movies does with what somebody has rated: a board knows it of its owners, and of users of
    /// the image or not.
    fn rated<L: Read + Write>(&self, board: &mut Connection<L>) -> Result<Option<Rated<'static>>> {
        let (Question::Top { include_rated, .. }, Some(who)) = (&self.args.question, &self.who)
        else {
            return Ok(None);
        };
        match (&who.user, include_rated) {
            (_, true) => return Ok(Some(Rated::Listed)),
            (None, false) => return Ok(Some(Rated::LeftOut)),
            (Some(_), false) => {}
        }
        let seen = board.ask_for(
            &Request::ModelInfo,
            |_, _| (),
            |reply| match reply {
                Reply::ModelInfo(info) => Some(info.seen),
                _ => None,
            },
        )?;
        Ok(Some(match seen {
            true => Rated::LeftOut,
            false => Rated::Unknown {
                why: "the device's image doesn't say which those are",
                advice: "`export --seen all` writes one that does",
            },
        }))
    }

    /// What the board lacks for a list of what is `wanted` in that order, so that this PC makes it; nothing where the board
    /// does by itself.
    fn lacks<L: Read + Write>(
        &self,
        board: &mut Connection<L>,
        request: &Request,
        (wanted, order): (&WantedArgs, Order),
    ) -> Result<Option<Lacks>> {
        if !wanted.is_open() {
            let filters = info_of(board, |_, info| Ok(info.facets))?;
            // The image at hand is the board's own.
            match self.at_hand.genres() {
                None => return Ok(Some(Lacks::Genres)),
                Some(_) if filters != Some(true) => return Ok(Some(Lacks::Filter)),
                Some(_) => {}
            }
        }
        let is_for_two = matches!(request, Request::Together { .. });
        Ok(if is_for_two && !can(board, Capabilities::TOGETHER) {
            Some(Lacks::Together)
        } else if order != Order::Score && !can(board, Capabilities::ORDERS) {
            Some(Lacks::Orders)
        } else {
            None
        })
    }

    /// Finds out which image the board holds, before it is asked for anything that a wrong title could be read into, or
    /// that changes something; warns where that image's model, or what the board keeps of its owners, is no good.
    fn meet(
        &mut self,
        board: &mut Connection<Box<dyn Line>>,
        place: &Place,
        request: &Request,
    ) -> Result<()> {
        let names = names_movies(&self.args.question);
        if !names && sense::change(request).is_none() {
            return Ok(());
        }
        if let Some(Who::Owner(_)) = sense::who(request) {
            at_hand::warn_of_storage(board, place.is_held())?;
        }
        let crc = info_of(board, |board, info| {
            if names {
                self.at_hand.settle(board, info, place.held())?;
                at_hand::warn_of(info);
            }
            Ok(info.crc)
        })?;
        match crc {
            Some(crc) => place.way_back(board, crc),
            // Whose ids these are nobody knows.
            None => self.titles = Titles::default(),
        }
        Ok(())
    }

    /// The id that `text` means; an image isn't needed where an id is given.
    fn movie(&mut self, text: &str, purpose: Purpose) -> Result<u32> {
        let known = |id| self.may_have(id);
        let id = match (meant(&self.titles, known, text, purpose)?, search::id(text)) {
            (Ok(id), _) => id,
            // The board says whether it has this id.
            (Err(_), Some(id)) => id,
            (Err(none), None) => return Err(none.into()),
        };
        self.movie = Some(id);
        Ok(id)
    }

    /// Whether the board may have a movie, as far as is known here.
    fn may_have(&self, id: u32) -> bool {
        let at_hand = self.at_hand.has_movie(id);
        at_hand.unwrap_or_else(|| self.titles.is_empty() || self.titles.get(id).is_some())
    }

    /// Whether a movie is called so.
    fn is_movie(&self, text: &str) -> bool {
        search::is_name(&self.titles, |id| self.may_have(id), text)
    }

    /// Whether somebody of the image is called so, as far as is known here.
    fn is_user(&self, text: &str) -> bool {
        let id = self.people.id(text);
        id.is_ok_and(|id| self.at_hand.has_user(id).unwrap_or(true))
    }

    /// Whom the question is about; kept for what is told of them.
    fn about(&mut self, who: WhoArgs) -> Result<Who> {
        let about = who.who(&self.people, self.usual);
        self.who = Some(who);
        about
    }

    /// The title of the movie that the question is about.
    fn title(&self) -> String {
        self.movie
            .map_or_else(String::new, |id| self.titles.title(id))
    }

    fn request(&mut self) -> Result<Request> {
        let args = self.args;
        Ok(match &args.question {
            Question::Hello | Question::Ports => Request::Hello,
            Question::Limits => Request::Limits,
            Question::Info => Request::ModelInfo,
            Question::Predict { about } => {
                let (movie, who) =
                    about.read(|who| self.is_user(who), |text| self.is_movie(text))?;
                Request::Predict {
                    who: self.about(who)?,
                    movie: self.movie(&movie, Purpose::Tell)?,
                }
            }
            Question::Top {
                who,
                count,
                include_rated,
                include_below,
                by,
                together,
                wanted,
            } => {
                let who = self.about(who.args())?;
                // Where the image says no genres, the list is filtered here.
                let wanted = match self.at_hand.genres() {
                    Some(names) => wanted.filter().wanted(names)?,
                    None => Wanted::ANY,
                };
                let count = *count;
                match together.with(&self.people)? {
                    Some(with) if with == who => {
                        return Err(BadInput::new(format!(
                            "the list is for {} already: --with names another",
                            together.name()
                        ))
                        .into());
                    }
                    Some(with) => Request::Together {
                        who,
                        count,
                        with,
                        agreement: together.agree().into(),
                        order: (*by).into(),
                        wanted,
                    },
                    None => Request::TopN {
                        who,
                        count,
                        include_rated: *include_rated,
                        include_below: *include_below,
                        order: (*by).into(),
                        wanted,
                    },
                }
            }
            Question::Similar { movie, count } => Request::Similar {
                movie: self.movie(&movie.text(), Purpose::Tell)?,
                count: *count,
            },
            Question::Rate { rated, owner } => {
                let (movie, stars) = rated.read(|text| self.is_movie(text))?;
                self.stars = Some(stars);
                Request::Rate {
                    who: owner.who(self.usual),
                    movie: self.movie(&movie, Purpose::Change)?,
                    stars,
                }
            }
            Question::Profile { who } => Request::Profile {
                who: self.about(who.args())?,
            },
            Question::Undo { owner } => Request::Undo {
                who: owner.who(self.usual),
            },
            Question::Forget {
                all: true, owner, ..
            } => Request::ForgetMe {
                who: owner.who(self.usual),
            },
            Question::Forget {
                words,
                movie,
                owner,
                ..
            } => Request::Forget {
                who: owner.who(self.usual),
                movie: self.movie(
                    &movie.clone().unwrap_or_else(|| words.join(" ")),
                    Purpose::Change,
                )?,
            },
            Question::Ratings { owner, .. } => Request::Ratings {
                who: owner.who(self.usual),
                first: 0,
            },
            Question::Suggest { owner, count } => Request::Suggest {
                who: owner.who(self.usual),
                count: *count,
            },
            Question::Explain { about } => {
                let (movie, who) =
                    about.read(|who| self.is_user(who), |text| self.is_movie(text))?;
                Request::Explain {
                    who: self.about(who)?,
                    movie: self.movie(&movie, Purpose::Tell)?,
                }
            }
            Question::Added { remove } if remove.is_empty() => Request::Added { at: 0 },
            Question::Added { remove } => Request::RemoveMovie {
                movie: self.movie(&remove.join(" "), Purpose::Change)?,
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
