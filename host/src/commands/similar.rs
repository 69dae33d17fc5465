//! `host similar`: the movies nearest to one, from an image, as a device finds them.

use pocketrec::ids::MovieId;
use std::path::PathBuf;

use anyhow::Result;
use pocketrec::rank::Nearest;
use serde::Serialize;

use super::image::{DEFAULT, Loaded, TitlesArgs};
use super::movie::MovieArgs;
use crate::note;
use crate::print::{self, Answer, Movie, Movies};

/// The longest list that is asked for on a PC; a device's is shorter.
const LONGEST: usize = 100;

/// Options of `host similar`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    movie: MovieArgs,

    /// Number of movies, at most 100
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u8).range(1..=LONGEST as i64))]
    count: u8,

    /// Compare by taste instead, by the cosine of embeddings: who would give the same stars. Names movies that hardly
    /// anybody rated too
    #[arg(long)]
    by_taste: bool,

    /// The image
    #[arg(long, value_name = "FILE", default_value = DEFAULT)]
    image: PathBuf,

    #[command(flatten)]
    titles: TitlesArgs,
}

/// Looks and tells.
///
/// # Errors
/// [`BadInput`](pocketrec_base::error::BadInput) for a movie that the image doesn't have.
pub fn run(args: &Args) -> Result<()> {
    let loaded = Loaded::read(&args.image, &args.titles)?;
    let model = loaded.model()?;
    let movie = loaded.movie(&model, &args.movie.text())?;
    let row = model.movie_row(MovieId(movie))?;
    let by_kin = model.has_kin() && !args.by_taste;
    let mut nearest = match by_kin {
        true => Nearest::<LONGEST>::with_limit(args.count.into(), &model, row),
        false => Nearest::by_taste(args.count.into(), &model, row),
    };
    nearest.advance(&model, u32::MAX);
    let mut movies = Movies::with(&["Likeness"]);
    for hit in nearest.hits() {
        movies.push(Movie::of(&loaded.titles, hit.movie.0), &[hit.score]);
    }
    print::answer(&Similar {
        movie: Movie::of(&loaded.titles, movie),
        movies,
        by_kin,
    })
}

/// The movies nearest to one, by who rates them together or by the cosine of embeddings.
#[derive(Debug, Serialize)]
struct Similar {
    movie: Movie,
    movies: Movies,
    #[serde(skip)]
    by_kin: bool,
}

impl Answer for Similar {
    fn tell(&self) {
        match self.by_kin {
            true => note!("Nearest to {}, by who rates both", self.movie),
            false => note!("Nearest to {}, by the cosine of embeddings", self.movie),
        }
        print::block(&self.movies.table().text());
    }
}
