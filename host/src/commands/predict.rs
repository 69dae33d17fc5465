//! `host predict`: one rating, from an image, as a device computes it.

use std::path::PathBuf;

use anyhow::Result;

use super::image::{DEFAULT, Loaded, user};
use super::movie::HELP;

/// Options of `host predict`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(long, value_name = "TITLE|ID", help = HELP)]
    movie: String,

    /// The user's MovieLens id [default: the mean user, as whom a device's owner starts]
    #[arg(long, value_name = "ID")]
    user: Option<u32>,

    /// The image
    #[arg(long, value_name = "FILE", default_value = DEFAULT)]
    image: PathBuf,
}

/// Predicts and tells.
///
/// # Errors
/// [`BadInput`](crate::error::BadInput) for a user or a movie that the image doesn't have.
pub fn run(args: &Args) -> Result<()> {
    let loaded = Loaded::read(&args.image)?;
    let model = loaded.model()?;
    let movie = loaded.movie(&model, &args.movie)?;
    let (state, name) = user(&model, args.user)?;
    let stars = model.predict_for(&state, movie)?;
    println!("{stars:.2} stars: {name} on {}", loaded.titles.title(movie));

    let parts = model.explain(&state, model.movie_row(movie)?);
    let has = model.parts();
    let mut sum = format!("{:.2} mean and user", parts.base);
    for (part, value, there) in [
        ("movie", parts.movie_bias, has.biases),
        ("dot product", parts.dot, has.dot),
        ("network", parts.mlp, has.mlp),
    ] {
        if there {
            let sign = if value < 0.0 { '-' } else { '+' };
            sum += &format!(" {sign} {:.2} {part}", value.abs());
        }
    }
    println!("       {sum}");
    Ok(())
}
