//! What `host query` may be asked, and what stands behind each question.

use anyhow::Result;
use pocketrec::wire::{MAX_LIST, Who};

use super::super::line::owner;
use super::super::movie::{HELP, MovieArgs};
use super::super::recommend::Agree;
use super::super::wanted::{By, WantedArgs};
use super::load::LoadArgs;
use crate::print::Target;
use pocketrec_base::error::BadInput;
use pocketrec_data::search::words::{self, stars};
use pocketrec_export::people::People;

/// The user or owner that a query is about.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct WhoArgs {
    /// A user in the image, by id, or by name if its ratings had names [default: the device's owner]
    #[arg(long, value_name = "ID|NAME", conflicts_with = "owner")]
    pub user: Option<String>,

    /// Which owner of the device [default: 0, or the last one of this board]
    #[arg(long, value_name = "N", value_parser = owner)]
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

/// The owner that a query is about.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct OwnerArgs {
    /// Which owner of the device [default: 0, or the last one of this board]
    #[arg(long, value_name = "N", value_parser = owner)]
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

/// The other one of two, for a list of what both would like.
#[derive(Debug, Clone, clap::Args)]
#[group(id = "together", multiple = false)]
pub(super) struct WithArgs {
    /// Another owner of the device: the list is what both would like
    #[arg(long, value_name = "N", value_parser = owner)]
    with: Option<u8>,

    /// A user of the image, by id or by name: the list is what both would like
    #[arg(long, value_name = "ID|NAME")]
    with_user: Option<String>,
}

/// For a list for two: with whom, and what a movie is worth to both.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct TogetherArgs {
    #[command(flatten)]
    with: WithArgs,

    /// Which of both is what a movie is worth to two: a score and stars count from each person's own mean
    #[arg(long, value_enum, default_value_t, requires = "together")]
    agree: Agree,
}

impl TogetherArgs {
    /// With whom, where it is a list for two.
    ///
    /// # Errors
    /// [`BadInput`] for a user who can't be meant.
    pub fn with(&self, people: &People) -> Result<Option<Who>> {
        Ok(match (&self.with.with_user, self.with.with) {
            (Some(user), _) => Some(Who::ImageUser(people.id(user)?)),
            (None, Some(owner)) => Some(Who::Owner(owner)),
            (None, None) => None,
        })
    }

    /// Whether it is a list for one.
    pub fn is_open(&self) -> bool {
        self.with.with.is_none() && self.with.with_user.is_none()
    }

    /// Who that is, in words.
    pub fn name(&self) -> String {
        match (&self.with.with_user, self.with.with) {
            (Some(user), _) => format!("user {}", user.trim()),
            (None, owner) => format!("the device's owner {}", owner.unwrap_or(0)),
        }
    }

    /// What a movie is worth to both.
    pub fn agree(&self) -> Agree {
        self.agree
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

    /// Stars, on the model's rating scale, for example 4.5
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
            (None, None) => words::rated(&self.words, is_movie, |movie, stars| {
                format!("`--movie \"{movie}\" --stars {stars}`")
            }),
        }
    }
}

#[derive(Debug, clap::Subcommand)]
pub(super) enum Question {
    /// List serial ports and boards held by `emulate`
    Ports,
    /// Show the board, its model and the model's licence
    Hello,
    /// Show the device's limits: owners, ratings, list length, model and memory sizes
    Limits,
    /// Show the model on the device
    Info,
    /// Predict the rating that a user or owner would give a movie
    Predict {
        #[command(flatten)]
        about: AboutArgs,
    },
    /// Recommend movies to a user or owner
    #[command(visible_alias = "recommend")]
    Top {
        #[command(flatten)]
        who: AnyoneArgs,
        /// Number of movies, at most 20
        #[arg(short = 'n', long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u8).range(1..=MAX_LIST as i64))]
        count: u8,
        /// Also list movies that they have rated
        #[arg(long, conflicts_with = "together")]
        include_rated: bool,
        /// Also list movies that are predicted below their own mean
        #[arg(long, conflicts_with = "together")]
        include_below: bool,
        /// What the list is sorted by
        #[arg(long, value_enum, default_value_t)]
        by: By,
        #[command(flatten)]
        together: TogetherArgs,
        #[command(flatten)]
        wanted: WantedArgs,
    },
    /// List the movies most similar to one
    Similar {
        #[command(flatten)]
        movie: MovieArgs,
        /// Number of movies, at most 20
        #[arg(short = 'n', long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u8).range(1..=MAX_LIST as i64))]
        count: u8,
    },
    /// Rate a movie as the owner; the device learns from it
    Rate {
        #[command(flatten)]
        rated: RatedArgs,
        #[command(flatten)]
        owner: OwnerArgs,
    },
    /// Show the embedding and bias of a user or owner
    Profile {
        #[command(flatten)]
        who: AnyoneArgs,
    },
    /// Undo the owner's last rating
    Undo {
        #[command(flatten)]
        owner: OwnerArgs,
    },
    /// Delete the owner's rating of a movie, or all of them, for good
    #[command(group = clap::ArgGroup::new("what").required(true).multiple(false))]
    Forget {
        #[arg(value_name = "TITLE|ID", help = HELP, group = "what")]
        words: Vec<String>,
        /// The same, as an option
        #[arg(long, value_name = "TITLE|ID", group = "what")]
        movie: Option<String>,
        /// Delete all ratings, and erase them from flash before answering
        #[arg(long, group = "what")]
        all: bool,
        #[command(flatten)]
        owner: OwnerArgs,
    },
    /// List, save or load the owner's ratings
    Ratings {
        /// Save the ratings to this file, as CSV with columns movieId and rating; - is standard output
        #[arg(long, value_name = "FILE")]
        save: Option<Target>,
        #[command(flatten)]
        load: LoadArgs,
        #[command(flatten)]
        owner: OwnerArgs,
    },
    /// List the movies whose ratings would teach the device most
    Suggest {
        #[command(flatten)]
        owner: OwnerArgs,
        /// Number of movies, at most 20
        #[arg(short = 'n', long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u8).range(1..=MAX_LIST as i64))]
        count: u8,
    },
    /// Explain a prediction: its parts and the ratings that moved it most
    #[command(visible_alias = "why")]
    Explain {
        #[command(flatten)]
        about: AboutArgs,
    },
    /// List the movies that `add-movie` added to the device's image, or take one out again
    Added {
        /// Take this one out; its ratings stay, and are of no use without it
        #[arg(long, value_name = "TITLE|ID", num_args = 1..)]
        remove: Vec<String>,
    },
    /// List the device's owners
    Owners,
    /// Show how the device's flash is used for ratings
    Storage,
    /// Erase deleted and replaced ratings from flash now
    Compact,
    /// Erase all ratings of all owners and start over, even if the stored ratings can't be read
    Format {
        /// Confirm that everything is to be erased
        #[arg(long)]
        yes: bool,
    },
    /// Show the board's uptime and why it last started
    Health,
    /// Show the counters of the serial line
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
