//! `host similar`: the movies nearest to one, from an image, as a device finds them.

use std::path::PathBuf;

use anyhow::Result;
use pocketrec::rank::Nearest;

use super::image::{DEFAULT, Loaded, list};
use super::movie::HELP;

/// The longest list that is asked for on a PC; a device's is shorter.
const LONGEST: usize = 100;

/// Options of `host similar`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(long, value_name = "TITLE|ID", help = HELP)]
    movie: String,

    /// How many movies, at most 100
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u8).range(1..=LONGEST as i64))]
    count: u8,

    /// The image
    #[arg(long, value_name = "FILE", default_value = DEFAULT)]
    image: PathBuf,
}

/// Looks and tells.
///
/// # Errors
/// [`BadInput`](crate::error::BadInput) for a movie that the image doesn't have.
pub fn run(args: &Args) -> Result<()> {
    let loaded = Loaded::read(&args.image)?;
    let model = loaded.model()?;
    let movie = loaded.movie(&model, &args.movie)?;
    let mut nearest =
        Nearest::<LONGEST>::keeping(args.count.into(), &model, model.movie_row(movie)?);
    nearest.advance(&model, u32::MAX);
    println!(
        "Nearest to {}, by the cosine of embeddings",
        loaded.titles.title(movie)
    );
    let movies = nearest.hits().iter().map(|hit| (hit.movie, hit.score));
    print!("{}", list(&loaded.titles, "Cosine", movies));
    Ok(())
}
