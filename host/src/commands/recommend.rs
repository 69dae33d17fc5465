//! `host recommend`: the best movies for somebody, from an image, as a device ranks them.

use std::path::PathBuf;

use anyhow::Result;
use pocketrec::interest::Interest;
use pocketrec::rank::TopN;

use super::image::{DEFAULT, Loaded, list, order, user};
use crate::report::text::grouped;

/// The longest list that is asked for on a PC; a device's is shorter.
const LONGEST: usize = 100;

/// Options of `host recommend`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The user's MovieLens id [default: the mean user, as whom a device's owner starts]
    #[arg(long, value_name = "ID")]
    user: Option<u32>,

    /// How many movies, at most 100
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u8).range(1..=LONGEST as i64))]
    count: u8,

    /// How much fame counts, from -100 to 100: 1 as the image says, more names better known movies, 0 and less lesser
    /// known ones
    #[arg(long, value_name = "WEIGHT", default_value_t = 1.0, allow_negative_numbers = true, value_parser = weight)]
    fame: f32,

    /// The image
    #[arg(long, value_name = "FILE", default_value = DEFAULT)]
    image: PathBuf,
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
/// [`BadInput`](crate::error::BadInput) for a user that the image doesn't have.
pub fn run(args: &Args) -> Result<()> {
    let loaded = Loaded::read(&args.image)?;
    let model = loaded.model()?;
    let (state, name) = user(&model, args.user)?;
    let interest = match args.user {
        Some(id) => model.interest_of_user(id).unwrap_or_default(),
        None => Interest::NONE,
    };
    let mut top = TopN::<LONGEST>::keeping(args.count.into())
        .with_fame(args.fame)
        .with_interest(interest);
    top.advance(&model, &state, |_| true, u32::MAX);
    println!(
        "The best of {} movies for {name}",
        grouped(model.movies().into())
    );
    let movies: Vec<(u32, f32)> = top
        .hits()
        .iter()
        .filter_map(|hit| Some((hit.movie, model.predict_for(&state, hit.movie).ok()?)))
        .collect();
    let note = order(movies.iter().map(|(_, stars)| *stars));
    print!("{}{note}", list(&loaded.titles, "Stars", movies));
    Ok(())
}
