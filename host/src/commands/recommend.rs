//! `host recommend`: the best movies for somebody, from an image, as a device ranks them.

use pocketrec::ids::{MovieId, UserId};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::Result;
use pocketrec::model::interest::Interest;
use pocketrec::model::{Model, Seen};
use pocketrec::rank::TopN;
use serde::Serialize;

use super::image::{DEFAULT, Loaded, Rated, TitlesArgs, User, user};
use super::trained;
use crate::note;
use crate::print::{self, Answer, Movie, Movies, count};

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

    /// Number of movies, at most 100
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u8).range(1..=LONGEST as i64))]
    count: u8,

    /// Weight of popularity, from -100 to 100: 1 is the image's own, higher favours well-known movies, 0 ignores
    /// popularity, below 0 favours obscure ones
    #[arg(long, value_name = "WEIGHT", default_value_t = 1.0, allow_negative_numbers = true, value_parser = weight)]
    fame: f32,

    /// Also list movies that the user has rated
    #[arg(long)]
    include_rated: bool,

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
/// [`BadInput`](pocketrec_base::error::BadInput) for a user that the image doesn't have, and for ratings that aren't
/// those of its training.
pub fn run(args: &Args) -> Result<()> {
    let loaded = Loaded::read(&args.image, &args.titles)?;
    let model = loaded.model()?;
    let User { id, state, name } = user(
        &loaded.people,
        &model,
        args.who.as_deref().or(args.user.as_deref()),
    )?;
    let interest = match id {
        Some(id) => model.interest_of_user(UserId(id)).unwrap_or_default(),
        None => Interest::NONE,
    };
    let mut top = TopN::<LONGEST>::with_limit(args.count.into())
        .with_fame(args.fame)
        .with_interest(interest);
    let known = match id {
        Some(id) if !args.include_rated => Known::of(args, &model, id)?,
        _ => Known::Nothing,
    };
    top.advance(&model, &state, |movie| !known.contains(movie.0), u32::MAX);
    let mut movies = Movies::with(&["Score", "Stars"]);
    for hit in top.hits() {
        let stars = model.predict_for(&state, hit.movie)?;
        movies.push(Movie::of(&loaded.titles, hit.movie.0), &[hit.score, stars]);
    }
    print::answer(&Recommended {
        user: id,
        movies,
        // The mean user has rated nothing.
        may_name_rated: id.is_some() && known.rated().may_be_named(),
        heading: format!("The best of {} for {name}", count(model.movies(), "movie")),
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
    footing: Option<String>,
}

impl Answer for Recommended {
    fn tell(&self) {
        note!("{}", self.heading);
        print::block(&self.movies.table().text());
        if let Some(footing) = &self.footing {
            note!("{footing}");
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
        let source = source.as_ref().map_err(|why| *why);
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
                advice: "`--data PATH` names the ratings",
            },
        }
    }
}
