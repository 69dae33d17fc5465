//! What `host query` may be asked, and what stands behind each question.

use anyhow::Result;
use pocketrec::wire::{MAX_LIST, Who};

use super::super::movie::{HELP, MovieArgs};
use super::load::LoadArgs;
use crate::print::Target;
use pocketrec_base::error::BadInput;
use pocketrec_data::search::words::{self, stars};
use pocketrec_export::people::People;

/// Whom a question is about.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct WhoArgs {
    /// A user of the image, by id, or by name where its ratings had names [default: the device's owner]
    #[arg(long, value_name = "ID|NAME", conflicts_with = "owner")]
    pub user: Option<String>,

    /// Which owner of the device [default: 0, or the last one at this port]
    #[arg(long, value_name = "N")]
    owner: Option<u8>,
}

impl WhoArgs {
    /// Whether it says nothing.
    fn is_open(&self) -> bool {
        self.user.is_none() && self.owner.is_none()
    }

    /// `usual` is the owner where nobody is named.
    ///
    /// # Errors
    /// [`BadInput`] for a user who can't be meant.
    pub fn who(&self, people: &People, usual: u8) -> Result<Who> {
        Ok(match &self.user {
            Some(user) => Who::ImageUser(people.id(user)?),
            None => Who::Owner(self.owner.unwrap_or(usual)),
        })
    }

    /// Whom it is about, in words.
    pub fn name(&self, usual: u8) -> String {
        match (&self.user, self.owner.unwrap_or(usual)) {
            (Some(user), _) => format!("user {}", user.trim()),
            (None, 0) => "the device's owner".into(),
            (None, owner) => format!("the device's owner {owner}"),
        }
    }
}

/// Which owner a question is about.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct OwnerArgs {
    /// Which owner of the device [default: 0, or the last one at this port]
    #[arg(long, value_name = "N")]
    owner: Option<u8>,
}

impl OwnerArgs {
    /// `usual` is the owner where none is named.
    pub fn who(self, usual: u8) -> Who {
        Who::Owner(self.owner.unwrap_or(usual))
    }
}

/// Whom a question is about that is about nothing else: a user may stand there as a word.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct AnyoneArgs {
    /// A user of the image, by id or by name [default: the device's owner]
    #[arg(value_name = "ID|NAME", conflicts_with_all = ["user", "owner"])]
    word: Option<String>,

    #[command(flatten)]
    who: WhoArgs,
}

impl AnyoneArgs {
    /// The same by options alone.
    pub fn args(&self) -> WhoArgs {
        WhoArgs {
            user: self.word.clone().or(self.who.user.clone()),
            owner: self.who.owner,
        }
    }
}

/// A movie, and whom a question is about: as words, or by their options.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct AboutArgs {
    /// A user of the image and the movie, as in `42 alien`, or the movie alone
    #[arg(
        value_name = "USER TITLE|ID",
        required_unless_present = "movie",
        conflicts_with = "movie"
    )]
    words: Vec<String>,

    #[arg(long, value_name = "TITLE|ID", help = HELP)]
    movie: Option<String>,

    #[command(flatten)]
    who: WhoArgs,
}

impl AboutArgs {
    /// The movie and the person, by what [`words::predicted`] makes of the words.
    ///
    /// # Errors
    /// [`BadInput`] where they can be read in two ways.
    pub fn read(
        &self,
        is_user: impl Fn(&str) -> bool,
        is_movie: impl Fn(&str) -> bool,
    ) -> Result<(String, WhoArgs), BadInput> {
        if let Some(movie) = &self.movie {
            return Ok((movie.clone(), self.who.clone()));
        }
        let is_user = |text: &str| self.who.user.is_none() && is_user(text);
        let (user, movie) = words::predicted(&self.words, is_user, is_movie)?;
        let user = self.who.user.clone().or(user);
        Ok((movie, WhoArgs { user, ..self.who }))
    }
}

/// A movie and its stars, as words or by their options.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct RatedArgs {
    /// The movie and then its stars, as in `alien 4.5`
    #[arg(
        value_name = "TITLE|ID STARS",
        required_unless_present = "movie",
        allow_negative_numbers = true
    )]
    words: Vec<String>,

    #[arg(long, value_name = "TITLE|ID", help = HELP)]
    movie: Option<String>,

    /// Stars, on the scale of the model's ratings, for instance 4.5
    #[arg(long, value_name = "STARS", allow_negative_numbers = true, value_parser = stars)]
    stars: Option<f32>,
}

impl RatedArgs {
    /// The movie and its stars, by what [`words::rated`] makes of the words.
    ///
    /// # Errors
    /// [`BadInput`] where one is missing, or they can be read in two ways.
    pub fn read(&self, is_movie: impl Fn(&str) -> bool) -> Result<(String, f32), BadInput> {
        let words = self.words.join(" ");
        match (&self.movie, self.stars) {
            (Some(movie), Some(stars)) if words.is_empty() => Ok((movie.clone(), stars)),
            (Some(_), Some(_)) => Err(BadInput::new(format!(
                "`{words}` is neither the movie nor its stars: --movie and --stars say both"
            ))),
            (None, Some(stars)) => Ok((words, stars)),
            (Some(_), None) if words.is_empty() => {
                Err(BadInput::new("how many stars? `--stars 4.5` says it"))
            }
            (Some(movie), None) => match stars(&words) {
                Ok(stars) => Ok((movie.clone(), stars)),
                Err(why) => Err(BadInput::new(format!("the stars are `{words}`; {why}"))),
            },
            (None, None) => words::rated(&self.words, is_movie),
        }
    }
}

#[derive(Debug, clap::Subcommand)]
pub(super) enum Question {
    /// Which serial ports there are, and which boards `emulate` holds
    Ports,
    /// Who is there, with what model and under what licence
    Hello,
    /// How much of everything the device has
    Limits,
    /// What model it holds
    Info,
    /// The rating that somebody would give a movie
    Predict {
        #[command(flatten)]
        about: AboutArgs,
    },
    /// The best movies for somebody
    Top {
        #[command(flatten)]
        who: AnyoneArgs,
        /// How many movies, at most 20
        #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u8).range(1..=MAX_LIST as i64))]
        count: u8,
        /// List movies that they have rated, too
        #[arg(long)]
        include_rated: bool,
    },
    /// The movies nearest to one
    Similar {
        #[command(flatten)]
        movie: MovieArgs,
        /// How many movies, at most 20
        #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u8).range(1..=MAX_LIST as i64))]
        count: u8,
    },
    /// The owner rates a movie, and the device learns
    Rate {
        #[command(flatten)]
        rated: RatedArgs,
        #[command(flatten)]
        owner: OwnerArgs,
    },
    /// Somebody's embedding and bias
    Profile {
        #[command(flatten)]
        who: AnyoneArgs,
    },
    /// Take the owner's last rating back
    Undo {
        #[command(flatten)]
        owner: OwnerArgs,
    },
    /// The owner's rating of a movie, or all of them, never was
    #[command(group = clap::ArgGroup::new("what").required(true).multiple(false))]
    Forget {
        #[arg(value_name = "TITLE|ID", help = HELP, group = "what")]
        words: Vec<String>,
        /// The same as an option
        #[arg(long, value_name = "TITLE|ID", group = "what")]
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
        #[command(flatten)]
        about: AboutArgs,
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

impl Question {
    /// The owner whom an option names.
    pub fn owner(&self) -> Option<u8> {
        match self {
            Self::Predict { about } | Self::Explain { about } => about.who.owner,
            Self::Top { who, .. } | Self::Profile { who } => who.who.owner,
            Self::Rate { owner, .. }
            | Self::Undo { owner }
            | Self::Forget { owner, .. }
            | Self::Ratings { owner, .. }
            | Self::Suggest { owner, .. } => owner.owner,
            _ => None,
        }
    }

    /// Whether it is about an owner, whom no option names.
    pub fn takes_owner(&self) -> bool {
        match self {
            Self::Predict { about } | Self::Explain { about } => about.who.is_open(),
            Self::Top { who, .. } | Self::Profile { who } => who.args().is_open(),
            Self::Rate { owner, .. }
            | Self::Undo { owner }
            | Self::Forget { owner, .. }
            | Self::Ratings { owner, .. }
            | Self::Suggest { owner, .. } => owner.owner.is_none(),
            _ => false,
        }
    }
}
