//! What fits a board: how many users, or how many movies.

use super::image::draft;
use super::{Chosen, ImageBytes, Movies, Storage, Users, build};
use crate::error::BadInput;
use crate::train::checkpoint::Checkpoint;

/// The largest group that fits a region, and its image.
#[derive(Clone, Debug)]
pub struct Fit {
    /// How many: the most active users, or the most rated movies.
    pub number: usize,
    /// The image with them.
    pub image: ImageBytes,
}

/// As many of the most active users as fit `region` bytes beside `movies`; `None` where the movies alone don't.
/// Drafts about log2(users) images and builds one.
///
/// # Errors
///
/// As [`build`].
pub fn users_that_fit(
    checkpoint: &Checkpoint,
    movies: &[usize],
    storage: impl Into<Storage>,
    region: usize,
) -> Result<Option<Fit>, BadInput> {
    let storage = storage.into();
    let chosen = |number| -> Result<Chosen, BadInput> {
        let users = match number {
            0 => Users::None,
            number => Users::MostActive(number),
        };
        Ok(Chosen {
            users: users.rows(checkpoint)?,
            movies: movies.to_vec(),
        })
    };
    let fit = largest(checkpoint.user_ids.len(), region, |number| {
        draft(checkpoint, &chosen(number)?, storage)
    })?;
    let Some(Fit { number, .. }) = fit else {
        return Ok(None);
    };
    let image = build(checkpoint, &chosen(number)?, storage)?;
    Ok(Some(Fit { number, image }))
}

/// As many of the most rated movies as fit `region` bytes beside `users`; `None` where not even one does.
///
/// # Errors
///
/// As [`build`].
pub fn movies_that_fit(
    checkpoint: &Checkpoint,
    users: &[usize],
    storage: impl Into<Storage>,
    region: usize,
) -> Result<Option<Fit>, BadInput> {
    let storage = storage.into();
    let chosen = |number| -> Result<Chosen, BadInput> {
        Ok(Chosen {
            users: users.to_vec(),
            movies: Movies::MostRated(number).rows(checkpoint)?,
        })
    };
    let most = checkpoint.movie_ids.len().saturating_sub(1);
    let fit = largest(most, region, |number| {
        draft(checkpoint, &chosen(number + 1)?, storage)
    })?;
    let Some(number) = fit.map(|fit| fit.number + 1) else {
        return Ok(None);
    };
    let image = build(checkpoint, &chosen(number)?, storage)?;
    Ok(Some(Fit { number, image }))
}

/// The share of all ratings that the `number` most rated movies carry, from 0 to 1.
pub fn share_of_ratings(checkpoint: &Checkpoint, number: usize) -> f64 {
    let mut counts = checkpoint.movie_counts.clone();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    let sum = |counts: &[u32]| counts.iter().map(|n| f64::from(*n)).sum::<f64>();
    sum(&counts[..number.min(counts.len())]) / sum(&counts).max(1.0)
}

/// A number of `0..=most` whose image fits, all of them or one of which one more doesn't fit. An image grows with its
/// rows, so it is the largest; only where one more row changes the form of an id index can the image shrink, by a
/// quarter of that index at most, and a larger number fit too.
fn largest(
    most: usize,
    region: usize,
    image: impl Fn(usize) -> Result<ImageBytes, BadInput>,
) -> Result<Option<Fit>, BadInput> {
    let fits = |number| {
        image(number).map(|image| {
            let fits = image.as_ref().len() <= region;
            fits.then_some(Fit { number, image })
        })
    };
    if let Some(all) = fits(most)? {
        return Ok(Some(all));
    }
    let Some(mut best) = fits(0)? else {
        return Ok(None);
    };
    let mut too_many = most;
    while too_many - best.number > 1 {
        let middle = best.number + (too_many - best.number) / 2;
        match fits(middle)? {
            Some(fit) => best = fit,
            None => too_many = middle,
        }
    }
    Ok(Some(best))
}
