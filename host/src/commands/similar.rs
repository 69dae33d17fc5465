//! `host similar`: the movies nearest to one, from an image, as a device finds them.

use pocketrec::ids::MovieId;
use std::path::PathBuf;

use anyhow::Result;
use pocketrec::model::Model;
use pocketrec::rank::Nearest;
use serde::Serialize;

use super::image::{DEFAULT, Loaded, TitlesArgs};
use super::movie::MovieArgs;
use crate::note;
use crate::print::{self, Answer, Movie, Movies};
use pocketrec_base::error::BadInput;

/// The longest list that is asked for on a PC; a device's is shorter.
const LONGEST: usize = 100;

/// Options of `host similar`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    movie: MovieArgs,

    /// Number of movies, at most 100
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u8).range(1..=LONGEST as i64))]
    count: u8,

    /// Compare by taste instead, by the cosine of embeddings: who would give the same stars. Names movies that hardly
    /// anybody rated too
    #[arg(long)]
    by_taste: bool,

    /// A movie to add, by title or id: what is like both. May be given several times; goes by taste
    #[arg(long, value_name = "TITLE|ID")]
    plus: Vec<String>,

    /// A movie to take away, by title or id: what is like the first but unlike this one. May be given several times;
    /// goes by taste
    #[arg(long, value_name = "TITLE|ID")]
    minus: Vec<String>,

    /// The image
    #[arg(long, value_name = "FILE", default_value = DEFAULT)]
    image: PathBuf,

    #[command(flatten)]
    titles: TitlesArgs,
}

/// Looks and tells.
///
/// # Errors
/// [`BadInput`] for a movie that the image doesn't have, and for a sum of nothing.
pub fn run(args: &Args) -> Result<()> {
    let loaded = Loaded::read(&args.image, &args.titles)?;
    let model = loaded.model()?;
    let movie = loaded.movie(&model, &args.movie.text())?;
    if !args.plus.is_empty() || !args.minus.is_empty() {
        return sum(args, &loaded, &model, movie);
    }
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

/// Under so many ratings a movie's embedding says little: a sum doesn't name it, where numbers of ratings are known.
const FEWEST: u32 = 5;

/// What is nearest to a sum of movies' directions. Of unit vectors u the cosine of their sum v with a movie is the sum of
/// their cosines by v's length, and the square of that length is the sum of the cosines of every two of them.
fn sum(args: &Args, loaded: &Loaded, model: &Model<'_>, movie: u32) -> Result<()> {
    let mut terms = vec![(1.0_f32, movie)];
    for (sign, names) in [(1.0, &args.plus), (-1.0, &args.minus)] {
        for name in names {
            terms.push((sign, loaded.movie(model, name)?));
        }
    }
    let mut sums = vec![0.0_f32; model.movies() as usize];
    let mut cosines = sums.clone();
    let mut square = 0.0;
    let mut rows = Vec::new();
    for (sign, id) in &terms {
        let row = model.movie_row(MovieId(*id))?;
        model.similarity_rows(&model.movie_vector(row), 0, &mut cosines);
        sums.iter_mut()
            .zip(&cosines)
            .for_each(|(sum, cosine)| *sum += sign * cosine);
        rows.push((*sign, row));
    }
    for (sign, row) in &rows {
        square += sign * sums[*row as usize];
    }
    if square < 1e-6 {
        return Err(BadInput::new(
            "these movies cancel each other out; nothing is nearest to nothing",
        )
        .into());
    }
    let length = square.sqrt();
    let known = |id| {
        loaded
            .titles
            .get(id)
            .is_none_or(|movie| movie.ratings == 0 || movie.ratings >= FEWEST)
    };
    let mut near: Vec<(f32, u32)> = Vec::new();
    for (row, sum) in (0..).zip(&sums) {
        let Some(MovieId(id)) = model.movie_id(row) else {
            continue;
        };
        if terms.iter().all(|(_, named)| *named != id) && known(id) {
            near.push((sum / length, id));
        }
    }
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut movies = Movies::with(&["Likeness"]);
    for (cosine, id) in near.into_iter().take(args.count.into()) {
        movies.push(Movie::of(&loaded.titles, id), &[cosine]);
    }
    let named = terms.iter().map(|(sign, id)| Term {
        sign: if *sign > 0.0 { "+" } else { "-" },
        movie: Movie::of(&loaded.titles, *id),
    });
    print::answer(&Sum {
        sum: named.collect(),
        movies,
    })
}

/// A movie of a sum.
#[derive(Debug, Serialize)]
struct Term {
    sign: &'static str,
    #[serde(flatten)]
    movie: Movie,
}

/// The movies nearest to a sum of others, by the cosine of embeddings.
#[derive(Debug, Serialize)]
struct Sum {
    sum: Vec<Term>,
    movies: Movies,
}

impl Answer for Sum {
    fn tell(&self) {
        let terms = self
            .sum
            .iter()
            .enumerate()
            .map(|(at, term)| match (at, term.sign) {
                (0, _) => term.movie.to_string(),
                (_, sign) => format!(" {sign} {}", term.movie),
            });
        note!(
            "Nearest to {}, by the cosine of embeddings",
            terms.collect::<String>()
        );
        print::block(&self.movies.text());
    }
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
        print::block(&self.movies.text());
    }
}
