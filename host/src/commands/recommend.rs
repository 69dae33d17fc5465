//! `host recommend`: the best movies for somebody, or for many as a table, from an image, as a device ranks them.

mod many;
mod together;

use pocketrec::ids::{MovieId, UserId};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::Result;
use pocketrec::model::interest::Interest;
use pocketrec::model::{Model, Seen};
use pocketrec::rank::{Agreement, TopN};
use serde::Serialize;

use super::image::{DEFAULT, Loaded, Rated, TitlesArgs, User, user};
use super::likely::Likely;
use super::out::OutArgs;
use super::trained;
use super::wanted::{By, WantedArgs, can_sort};
use crate::note;
use crate::print::{self, Answer, Movie, Movies, count};
use pocketrec_base::error::BadInput;

/// The longest list that is asked for on a PC; a device's is shorter.
const LONGEST: usize = 100;

/// Options of `host recommend`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A user in the image, by id, or by name if its ratings had names [default: the mean user, as for a new owner]
    #[arg(value_name = "ID|NAME", group = "whose")]
    who: Option<String>,

    /// The same, as an option
    #[arg(long, value_name = "ID|NAME", group = "whose")]
    user: Option<String>,

    /// Lists for all users of the image, as a table in --out
    #[arg(long, group = "whose", requires = "out")]
    all_users: bool,

    /// Lists for the users in the column `user` of a CSV or Parquet file, as a table in --out; - is standard input
    #[arg(long, value_name = "FILE", group = "whose", requires = "out")]
    users: Option<PathBuf>,

    #[command(flatten)]
    out: OutArgs,

    /// Number of movies, at most 100
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u8).range(1..=LONGEST as i64))]
    count: u8,

    /// Weight of popularity, from -100 to 100: 1 is the image's own, higher favours well-known movies, 0 ignores
    /// popularity, below 0 favours obscure ones
    #[arg(long, value_name = "WEIGHT", default_value_t = 1.0, allow_negative_numbers = true, value_parser = weight)]
    fame: f32,

    /// Also list movies that the user has rated
    #[arg(long)]
    include_rated: bool,

    /// Also list movies that are predicted below the user's own mean
    #[arg(long)]
    include_below: bool,

    /// Another user: the list is what both would like
    #[arg(long, value_name = "ID|NAME", conflicts_with = "fame")]
    with: Option<String>,

    /// Which of both is what a movie is worth to two: a score and stars count from each person's own mean
    #[arg(long, value_enum, default_value_t, requires = "with")]
    agree: Agree,

    /// The ratings that the model was trained on, to know what the user has rated [default: the image, else the path
    /// that training read]
    #[arg(
        long,
        value_name = "PATH",
        requires = "whose",
        conflicts_with = "include_rated"
    )]
    data: Option<PathBuf>,

    /// The image
    #[arg(long, value_name = "FILE", default_value = DEFAULT)]
    image: PathBuf,

    #[command(flatten)]
    titles: TitlesArgs,

    #[command(flatten)]
    wanted: WantedArgs,

    /// What the list is sorted by
    #[arg(long, value_enum, default_value_t, conflicts_with = "fame")]
    by: By,
}

/// Which of two scores counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Agree {
    /// The lower one, of who likes the movie less
    #[default]
    Least,
    /// The mean of both
    Mean,
}

impl From<Agree> for Agreement {
    fn from(agree: Agree) -> Self {
        match agree {
            Agree::Least => Self::Least,
            Agree::Mean => Self::Mean,
        }
    }
}

impl Args {
    /// A list as a device makes it, for somebody who looks for this.
    fn top(&self, interest: Interest) -> TopN<LONGEST> {
        let top = TopN::with_limit(self.count.into())
            .with_fame(self.fame)
            .with_interest(interest)
            .with_order(self.by.into());
        match self.include_below {
            true => top.with_below_mean(),
            false => top,
        }
    }

    /// What of a list of so many movies is to be said where it is short for want of movies above `whose` mean.
    fn below(&self, listed: usize, whose: &str) -> Option<String> {
        let below = print::below(listed, self.count.into(), whose);
        let below = below.filter(|_| !self.include_below);
        below.map(|line| format!("{line} (`--include-below` lists them too)"))
    }
}

/// What a user of the image looks for; the mean user looks for nothing.
fn interest_of(model: &Model<'_>, id: Option<u32>) -> Interest {
    match id {
        Some(id) => model.interest_of_user(UserId(id)).unwrap_or_default(),
        None => Interest::NONE,
    }
}

/// A weight that core takes as it is; others it would change without a word.
fn weight(text: &str) -> Result<f32, String> {
    let weight = text.parse().ok();
    weight
        .filter(|weight| (-100.0..=100.0).contains(weight))
        .ok_or_else(|| "it should be a number from -100 to 100".into())
}

/// Ranks and tells.
///
/// # Errors
/// [`BadInput`] for a user that the image doesn't have, and for ratings that aren't
/// those of its training.
pub fn run(args: &Args) -> Result<()> {
    let loaded = Loaded::read(&args.image, &args.titles)?;
    let model = loaded.model()?;
    let wanted = args.wanted.of(&loaded.titles)?;
    if let (Some(with), None, None) = (&args.with, &args.who, &args.user) {
        return Err(BadInput::new(format!(
            "a list for two needs both: `recommend 42 --with {with}` lists for user 42 and {with}"
        ))
        .into());
    }
    if let Some(out) = &args.out.out {
        if !args.all_users && args.users.is_none() {
            return Err(BadInput::new(
                "--out is for the lists of --all-users or --users FILE; leave it out to see one",
            )
            .into());
        }
        if args.by != By::Score || args.with.is_some() {
            return Err(BadInput::new(
                "lists in --out are sorted as a device sorts; leave out --by and --with",
            )
            .into());
        }
        return many::run(args, &loaded, &model, &wanted, out);
    }
    let User { id, state, name } = user(
        &loaded.people,
        &model,
        args.who.as_deref().or(args.user.as_deref()),
    )?;
    let interest = interest_of(&model, id);
    let known = match id {
        Some(id) if !args.include_rated => Known::of(args, &model, id)?,
        _ => Known::Nothing,
    };
    let order = args.by.into();
    can_sort(&model, order)?;
    let may = |movie: u32| !known.contains(movie) && wanted.has(movie);
    if let Some(with) = &args.with {
        let other = user(&loaded.people, &model, Some(with))?;
        let one = User { id, state, name };
        return together::tell(args, &loaded, [one, other], may);
    }
    let likely = Likely::of(&model, id);
    let mut top = args.top(interest);
    top.advance(&model, &state, |movie| may(movie.0), u32::MAX);
    let names = print::names(order);
    let mut movies = Movies::with(names);
    for hit in top.hits() {
        let stars = model.predict_for(&state, hit.movie)?;
        let interval = likely.interval(&state, model.movie_row(hit.movie)?);
        let numbers = match names.len() {
            1 => &[stars][..],
            _ => &[hit.score, stars],
        };
        movies.push_likely(Movie::of(&loaded.titles, hit.movie.0), numbers, interval);
    }
    print::answer(&Recommended {
        user: id,
        movies,
        // The mean user has rated nothing.
        may_name_rated: id.is_some() && known.rated().may_be_named(),
        heading: match args.wanted.is_open() {
            true => format!("The best of {} for {name}", count(model.movies(), "movie")),
            false => format!("The best of those movies for {name}"),
        },
        by: args.by,
        beside: print::Beside::of(&model),
        below: args.below(top.hits().len(), &format!("the mean of {name}")),
        footing: id.and_then(|_| known.rated().line(&name)),
    })
}

/// The best movies for somebody, by what they are ranked by: stars that aren't clamped to the scale, and what fame and
/// interest add.
#[derive(Debug, Serialize)]
struct Recommended {
    /// MovieLens id; nothing for the mean user.
    user: Option<u32>,
    movies: Movies,
    /// Whether what the user has rated may be among them; the mean user has rated nothing.
    may_name_rated: bool,
    #[serde(skip)]
    heading: String,
    #[serde(skip)]
    by: By,
    #[serde(skip)]
    beside: print::Beside,
    #[serde(skip)]
    below: Option<String>,
    #[serde(skip)]
    footing: Option<String>,
}

impl Answer for Recommended {
    fn tell(&self) {
        note!("{}", self.heading);
        print::block(&self.movies.text());
        if !self.movies.is_empty() {
            note!("{}", print::sorted_by(self.by.into(), self.beside));
        }
        for line in self.below.iter().chain(&self.footing) {
            note!("{line}");
        }
    }
}

/// What the host knows of what a user has rated.
enum Known<'a> {
    /// Nobody asked.
    Nothing,
    /// What the image says.
    Image(Seen<'a>),
    /// What the ratings say.
    Ratings(HashSet<u32>),
    /// Why there are no ratings.
    Missing(String),
}

impl<'a> Known<'a> {
    /// What the image says of the user `id`, or else the ratings that it was trained on.
    fn of(args: &Args, model: &'a Model<'a>, id: u32) -> Result<Self> {
        if let (Some(seen), None) = (model.seen(UserId(id)), &args.data) {
            return Ok(Self::Image(seen));
        }
        let fingerprint = model.header().fingerprint;
        let source = trained::source_beside(&args.image, fingerprint);
        let folder = args.image.parent().unwrap_or(Path::new(""));
        let source = source.as_ref().map_err(String::as_str);
        let found = trained::ratings(fingerprint, args.data.as_deref(), source, folder)?;
        let ratings = match found {
            Ok(data) => data.ratings,
            Err(why) => return Ok(Self::Missing(why)),
        };
        let row = ratings.user_row(id);
        let pairs = ratings.users.iter().zip(&ratings.movies);
        let own = pairs.filter(|(user, _)| Some(**user) == row);
        Ok(Self::Ratings(
            own.map(|(_, movie)| ratings.movie_ids[*movie as usize])
                .collect(),
        ))
    }

    fn contains(&self, movie: u32) -> bool {
        match self {
            Self::Nothing | Self::Missing(_) => false,
            Self::Image(seen) => seen.contains(MovieId(movie)),
            Self::Ratings(movies) => movies.contains(&movie),
        }
    }

    /// What a list does with it.
    fn rated(&self) -> Rated<'_> {
        match self {
            Self::Nothing => Rated::Listed,
            Self::Image(_) | Self::Ratings(_) => Rated::LeftOut,
            Self::Missing(why) => Rated::Unknown {
                why,
                advice: trained::advice(why),
            },
        }
    }
}
