//! What is asked of a board, and what it tells: the same for one on the desk, an emulated one and core on this PC.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use super::verb::Other;
use anyhow::Result;
use pocketrec::model::{Interval, Wanted};
use pocketrec::rank::Order;
use pocketrec::wire::{
    Capabilities, Explained, Hello, MAX_LIST, Owners, ProfileReply, Ranked, RatingEntry, Refusal,
    Reply, Request, Shared, Storage, StorageState, Who,
};
use pocketrec_base::error::{BadInput, Stopped};
use pocketrec_link::keep::{self, Keeper, no_owner};
use pocketrec_link::{Connection, LinkError, likely, ratings};

/// How many movies a list has.
pub const LIST: usize = MAX_LIST;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Ask {
    /// The best movies for the owner, of those that are wanted, in this order.
    Top(Wanted, Order),
    /// Between which stars the owner's rating of a movie is likely to be.
    Likely(u32),
    /// The best movies for the owner and another one, of those that are wanted, in this order.
    Together(Other, Wanted, Order),
    /// Why a prediction for another one is what it is.
    WhyFor(Other, u32),
    /// The movies whose rating would teach most.
    Suggest,
    /// The owner's ratings.
    Ratings,
    /// The movies nearest to one.
    Similar(u32),
    /// Why a prediction is what it is.
    Why(u32),
    /// The rating that the owner would give a movie.
    Predict(u32),
    /// The owner rates a movie.
    Rate(u32, f32),
    /// The last rating is taken back.
    Undo,
    /// A rating never was.
    Forget(u32),
    /// What is known of the owner.
    Me,
    /// How ratings are kept, and whose there are.
    Board,
}

impl Ask {
    /// Whether it changes what the board has learned.
    pub fn changes(self) -> bool {
        matches!(self, Self::Rate(..) | Self::Undo | Self::Forget(_))
    }
}

/// What the board tells.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// To [`Ask::Top`], [`Ask::Suggest`] and [`Ask::Similar`].
    Movies(Ask, Vec<Ranked>),
    /// To [`Ask::Likely`]; nothing where the board doesn't know it.
    Likely(u32, Option<Interval>),
    /// To [`Ask::Together`], and whether the owner and the other one have rated nothing yet.
    Shared(Other, Vec<Shared>, [bool; 2]),
    /// To [`Ask::WhyFor`].
    WhyFor(Other, u32, Explained),
    /// To [`Ask::Ratings`], in the order in which they count.
    Ratings(Vec<RatingEntry>),
    /// To [`Ask::Why`], and between which stars a rating is likely to be, where the board knows it.
    Why(u32, Explained, Option<Interval>),
    /// To [`Ask::Predict`].
    Stars(u32, f32),
    /// To [`Ask::Rate`].
    Rated {
        /// The movie.
        movie: u32,
        /// What it was given.
        stars: f32,
        /// What was predicted before.
        before: f32,
        /// What is predicted now.
        after: f32,
        /// Ratings in all.
        ratings: u32,
    },
    /// To [`Ask::Undo`].
    Undone {
        /// The movie.
        movie: u32,
        /// What it has again, if it had any before.
        stars: Option<f32>,
        /// Ratings in all.
        ratings: u32,
    },
    /// To [`Ask::Forget`].
    Forgotten {
        /// The movie.
        movie: u32,
        /// Ratings in all.
        ratings: u32,
    },
    /// To [`Ask::Me`].
    Me(ProfileReply),
    /// To [`Ask::Board`].
    Board(Box<(Owners, Storage)>),
}

/// What a board says of itself when it is met.
#[derive(Debug, Clone, PartialEq)]
pub struct About {
    /// The line's name.
    pub line: String,
    /// The firmware, in words.
    pub firmware: String,
    /// The model's name.
    pub model: String,
    /// The licence of the data that it was trained on.
    pub licence: String,
    /// Movies that it knows.
    pub movies: u32,
    /// The lowest rating, the highest, and the step between ratings.
    pub scale: (f32, f32, f32),
    /// How ratings are kept, in words.
    pub kept: String,
    /// Whether it says how sure its predictions are.
    pub is_sure: bool,
}

/// A board and one of its owners.
pub struct Device<L> {
    board: Connection<L>,
    owner: u8,
    /// Who writes down what a board learns that forgets it when it ends.
    keeper: Option<Keeper>,
    holder: Holder,
}

/// What a board ends with, and its ratings where it keeps none in flash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// Its power.
    Itself,
    /// `emulate`, which keeps them in a file.
    Emulate,
    /// This program, with what its flash has.
    ThisProgram,
}

impl<L: Read + Write> Device<L> {
    /// Meets the board behind a line, for its `owner`; `keeper` writes after each change, or `emulate`, where it is the
    /// `holder`.
    ///
    /// # Errors
    ///
    /// [`BadInput`] for an owner that it doesn't have; else what went wrong on the line, or why it has no model.
    pub fn meet(
        mut board: Connection<L>,
        owner: u8,
        keeper: Option<Keeper>,
        holder: Holder,
    ) -> Result<(Self, About)> {
        let hello = board.hello()?;
        let mut about = board.ask_for(
            &Request::ModelInfo,
            |_, _| (),
            |reply| match reply {
                Reply::ModelInfo(info) => Some(About {
                    line: String::new(),
                    firmware: firmware(&hello),
                    model: info.name.to_owned(),
                    licence: info.license.to_owned(),
                    movies: info.movies,
                    scale: (info.lowest, info.highest, info.step),
                    kept: String::new(),
                    is_sure: Capabilities(hello.capabilities).has(Capabilities::ODDS),
                }),
                _ => None,
            },
        )?;
        about.line = board.name().to_owned();
        let mut device = Self {
            board,
            owner,
            keeper,
            holder,
        };
        let (owners, storage) = device.storage()?;
        if owner >= owners.owners {
            return Err(BadInput::new(format!(
                "--owner is {owner}; {} has owners from 0 to {}",
                about.line,
                owners.owners.saturating_sub(1)
            ))
            .into());
        }
        about.kept = device.kept(&storage);
        Ok((device, about))
    }

    /// Where ratings are kept, in words.
    pub fn kept(&self, storage: &Storage) -> String {
        match (&self.keeper, self.holder) {
            (Some(keeper), _) => format!("kept in {}", keeper.path().display()),
            (None, Holder::ThisProgram) => "kept until this ends".into(),
            (None, Holder::Emulate) if is_lost(storage.state) => "kept by `emulate`".into(),
            (None, _) => kept(storage).to_owned(),
        }
    }

    /// That it was ended by a signal, and what becomes of ratings.
    pub fn ended(&self) -> Stopped {
        let kept = match (&self.keeper, self.holder) {
            (None, Holder::ThisProgram) => "nothing is kept",
            _ => "what was rated is kept",
        };
        Stopped(format!("Ended; {kept}"))
    }

    fn storage(&mut self) -> Result<(Owners, Storage), LinkError> {
        let owners = keep::owners(&mut self.board)?;
        let storage = self.board.ask_for(
            &Request::Storage,
            |_, _| (),
            |reply| match reply {
                Reply::Storage(storage) => Some(storage),
                _ => None,
            },
        )?;
        Ok((owners, storage))
    }

    /// Asks; `progress` is told how far a long answer has got.
    ///
    /// # Errors
    ///
    /// [`BadInput`] for a refusal of what was asked; else what went wrong on the line, or on the disk that keeps it.
    pub fn ask(&mut self, ask: Ask, progress: impl FnMut(u32, u32)) -> Result<Told> {
        let who = Who::Owner(self.owner);
        let count = LIST as u8;
        let request = match ask {
            Ask::Ratings => return Ok(Told::Ratings(ratings::all(&mut self.board, who)?)),
            Ask::Board => return Ok(Told::Board(Box::new(self.storage()?))),
            Ask::Likely(movie) => {
                let interval = likely::ask(&mut self.board, who, movie)?;
                return Ok(Told::Likely(movie, interval));
            }
            Ask::Top(wanted, order) => Request::TopN {
                who,
                count,
                include_rated: false,
                include_below: false,
                order,
                wanted,
            },
            Ask::Together(Other { who: with, .. }, ..) if with == who => {
                return Err(BadInput::new("that is you: name another").into());
            }
            Ask::Together(other, wanted, order) => Request::Together {
                who,
                count,
                with: other.who,
                agreement: other.agreement,
                order,
                wanted,
            },
            Ask::WhyFor(other, movie) => Request::Explain {
                who: other.who,
                movie,
            },
            Ask::Suggest => Request::Suggest { who, count },
            Ask::Similar(movie) => Request::Similar { movie, count },
            Ask::Why(movie) => Request::Explain { who, movie },
            Ask::Predict(movie) => Request::Predict { who, movie },
            Ask::Rate(movie, stars) => Request::Rate { who, movie, stars },
            Ask::Undo => Request::Undo { who },
            Ask::Forget(movie) => Request::Forget { who, movie },
            Ask::Me => Request::Profile { who },
        };
        let told = self
            .board
            .ask_for(&request, progress, |reply| told(ask, reply));
        let mut told = told.map_err(|why| match why {
            LinkError::Refused(Refusal::UnknownOwner(owner)) => {
                no_owner(&mut self.board, owner).into()
            }
            LinkError::Refused(why) if is_of_person(why) => BadInput::new(why).into(),
            LinkError::Lacks(what) => BadInput::new(what).into(),
            why => anyhow::Error::new(why),
        })?;
        let board = &mut self.board;
        match &mut told {
            Told::Why(movie, _, interval) => *interval = likely::ask(board, who, *movie)?,
            Told::Shared(other, _, have_none) => {
                let owners = keep::owners(board)?;
                *have_none = [who, other.who].map(|one| match one {
                    Who::Owner(owner) => owners.ratings.get(usize::from(owner)) == Some(&0),
                    Who::ImageUser(_) => false,
                });
            }
            _ => {}
        }
        if let Some(keeper) = self.keeper.as_mut().filter(|_| ask.changes()) {
            keeper.save(&mut self.board)?;
        }
        Ok(told)
    }

    /// As [`ask`](Self::ask), with the time that it took.
    ///
    /// # Errors
    ///
    /// As [`ask`](Self::ask).
    pub fn timed(&mut self, ask: Ask, progress: impl FnMut(u32, u32)) -> (Result<Told>, Duration) {
        let began = Instant::now();
        let told = self.ask(ask, progress);
        (told, began.elapsed())
    }
}

/// Whether a refusal is of what a person asked for, and not a failure of the board's own.
fn is_of_person(why: Refusal) -> bool {
    matches!(
        why,
        Refusal::UnknownMovie(_)
            | Refusal::UnknownUser(_)
            | Refusal::NoFacets
            | Refusal::NoFame
            | Refusal::OffScale
            | Refusal::NotRated(_)
            | Refusal::NothingToUndo
            | Refusal::LogFull
    )
}

fn told(ask: Ask, reply: Reply<'_>) -> Option<Told> {
    Some(match (ask, reply) {
        (Ask::Together(other, ..), Reply::Together(list)) => {
            Told::Shared(other, list.to_vec(), [false; 2])
        }
        (Ask::WhyFor(other, movie), Reply::Explained(explained)) => {
            Told::WhyFor(other, movie, explained)
        }
        (Ask::Top(..) | Ask::Suggest | Ask::Similar(_), Reply::Movies(list)) => {
            Told::Movies(ask, list.to_vec())
        }
        (Ask::Why(movie), Reply::Explained(explained)) => Told::Why(movie, explained, None),
        (Ask::Predict(movie), Reply::Stars(stars)) => Told::Stars(movie, stars),
        (
            Ask::Rate(movie, stars),
            Reply::Rated {
                before,
                after,
                ratings,
            },
        ) => Told::Rated {
            movie,
            stars,
            before,
            after,
            ratings,
        },
        (
            Ask::Undo,
            Reply::Undone {
                movie,
                stars,
                ratings,
            },
        ) => Told::Undone {
            movie,
            stars,
            ratings,
        },
        (Ask::Forget(movie), Reply::Forgotten { ratings }) => Told::Forgotten { movie, ratings },
        (Ask::Me, Reply::Profile(profile)) => Told::Me(profile),
        _ => return None,
    })
}

fn firmware(hello: &Hello) -> String {
    let [major, minor, patch] = hello.firmware;
    let learns = match Capabilities(hello.capabilities).has(Capabilities::LEARN) {
        true => "",
        false => ", which doesn't learn",
    };
    format!("firmware {major}.{minor}.{patch}{learns}")
}

/// How a board keeps ratings, in words.
fn kept(storage: &Storage) -> &'static str {
    match storage.state {
        StorageState::Flash | StorageState::Formatted => "kept in flash",
        StorageState::Closed => "flash can't be opened",
        StorageState::OtherVersion => "flash of another firmware's version",
        StorageState::Absent | StorageState::Failed => "kept in RAM",
    }
}

/// Whether ratings are gone with the board's power.
fn is_lost(state: StorageState) -> bool {
    matches!(state, StorageState::Absent | StorageState::Failed)
}
