//! `host predict`: a rating, or those of a table, from an image, as a device computes it.

mod many;

use pocketrec::ids::{MovieId, UserId};
use pocketrec::model::Interval;
use std::path::PathBuf;

use anyhow::Result;
use serde::Serialize;

use super::image::{DEFAULT, Loaded, TitlesArgs, User, user};
use super::likely::Likely;
use super::movie::HELP;
use super::out::OutArgs;
use crate::print::number::fixed;
use crate::print::{self, Answer, Movie, signed};
use crate::{note, say};
use pocketrec_base::error::BadInput;
use pocketrec_data::search::{is_name, words};
use pocketrec_link::likely::clause;

/// Options of `host predict`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A user of the image and the movie, as in `42 alien`, or the movie alone
    #[arg(
        value_name = "USER TITLE|ID",
        required_unless_present_any = ["movie", "pairs"],
        conflicts_with_all = ["movie", "pairs"]
    )]
    words: Vec<String>,

    #[arg(long, value_name = "TITLE|ID", help = HELP)]
    movie: Option<String>,

    /// A user in the image, by id, or by name if its ratings had names [default: the mean user, as for a new owner]
    #[arg(long, value_name = "ID|NAME")]
    user: Option<String>,

    /// Pairs to predict, as CSV or Parquet with the columns user and movie, for a table with --out; - is standard input
    #[arg(long, value_name = "FILE", requires = "out", conflicts_with_all = ["movie", "user"])]
    pairs: Option<PathBuf>,

    /// With --pairs: two more columns, low and high, between which four ratings of five are
    #[arg(long, requires = "pairs")]
    likely: bool,

    #[command(flatten)]
    out: OutArgs,

    /// The image
    #[arg(long, value_name = "FILE", default_value = DEFAULT)]
    image: PathBuf,

    #[command(flatten)]
    titles: TitlesArgs,
}

/// Predicts and tells.
///
/// # Errors
/// [`BadInput`] for a user or a movie that the image doesn't have.
pub fn run(args: &Args) -> Result<()> {
    let loaded = Loaded::read(&args.image, &args.titles)?;
    let model = loaded.model()?;
    match (&args.pairs, &args.out.out) {
        (Some(pairs), Some(out)) => {
            return many::run(&loaded, &model, (pairs, args.likely), (out, &args.out));
        }
        (None, Some(_)) => {
            let sentence = "--out is for the predictions of --pairs, which names no table; leave it out to see one";
            return Err(BadInput::new(sentence).into());
        }
        (_, None) => {}
    }
    let is_user = |text: &str| {
        let id = loaded.people.id(text);
        args.user.is_none() && id.is_ok_and(|id| model.user(UserId(id)).is_ok())
    };
    let known = |id| model.movie_row(MovieId(id)).is_ok();
    let is_movie = |text: &str| is_name(&loaded.titles, known, text);
    let (typed, movie) = match &args.movie {
        Some(movie) => (None, movie.clone()),
        None => words::predicted(&args.words, is_user, is_movie)?,
    };
    let movie = loaded.movie(&model, &movie)?;
    let who = args.user.as_deref().or(typed.as_deref());
    let User { id, state, name } = user(&loaded.people, &model, who)?;
    let row = model.movie_row(MovieId(movie))?;
    let explained = model.explain(&state, row);
    let has = model.parts();
    let part = |value: f32, there: bool| there.then_some(value);
    print::answer(&Prediction {
        movie: Movie::of(&loaded.titles, movie),
        user: id,
        stars: model.predict_for(&state, MovieId(movie))?,
        likely: Likely::of(&model, id).interval(&state, row),
        parts: Parts {
            mean_and_user: explained.base,
            movie: part(explained.movie_bias, has.biases),
            dot_product: part(explained.dot, has.dot),
            network: part(explained.mlp, has.mlp),
        },
        name,
    })
}

/// A prediction and what it is the sum of.
#[derive(Debug, Serialize)]
struct Prediction {
    movie: Movie,
    /// MovieLens id; nothing for the mean user.
    user: Option<u32>,
    stars: f32,
    /// Between which stars four ratings of five are; nothing where the image doesn't say it.
    likely: Option<Interval>,
    parts: Parts,
    #[serde(skip)]
    name: String,
}

/// Stars of each part; nothing where the model has no such part.
#[derive(Debug, Serialize)]
struct Parts {
    mean_and_user: f32,
    movie: Option<f32>,
    dot_product: Option<f32>,
    network: Option<f32>,
}

impl Answer for Prediction {
    fn tell(&self) {
        say!(
            "{} stars{}: {} on {}",
            fixed(self.stars, 2),
            clause(self.likely),
            self.name,
            self.movie
        );
        let mut sum = format!("{} mean and user", fixed(self.parts.mean_and_user, 2));
        for (part, value) in [
            ("movie", self.parts.movie),
            ("dot product", self.parts.dot_product),
            ("network", self.parts.network),
        ] {
            if let Some(value) = value {
                let value = signed(value, 2);
                let (sign, digits) = value.split_at(1);
                sum += &format!(" {sign} {digits} {part}");
            }
        }
        note!("       {sum}");
    }
}
