//! What fits a board: how many users, or how many movies.

use super::device::DeviceBill;
use super::image::draft;
use super::{Chosen, Facets, Keep, Movies, Rated, Storage, Users, seen};
use boards::Board;
use pocketrec_base::error::BadInput;
use pocketrec_checkpoint::Checkpoint;
use std::sync::Arc;

/// How many of the most active users fit `region` bytes, in the place of those of `chosen`; `None` where its movies
/// alone don't. Drafts about log2(users) images.
///
/// # Errors
///
/// As [`build`](super::build).
pub fn users_that_fit(
    checkpoint: &Checkpoint,
    chosen: &Chosen,
    storage: impl Into<Storage>,
    region: usize,
) -> Result<Option<usize>, BadInput> {
    let storage = storage.into();
    let mut most = checkpoint.user_ids.len();
    if chosen.seen.is_some() {
        most = most.min(seen::most_users(chosen.movies.len()));
    }
    largest(most, region, |number| {
        let users = match number {
            0 => Users::None,
            number => Users::MostActive(number),
        };
        let chosen = Chosen {
            users: users.rows(checkpoint)?,
            ..chosen.clone()
        };
        length(checkpoint, &chosen, storage)
    })
}

/// What an image is to hold of its movies and beside them.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Rows of its movies.
    pub movies: Vec<usize>,
    /// Its users; without, as many of the most active as fit.
    pub users: Option<Users>,
    /// Whether it holds what they have rated, where that is known.
    pub seen: (Keep, Option<Arc<Rated>>),
    /// Whether it holds genres and years, where they are known.
    pub genres: (Keep, Option<Arc<Facets>>),
}

impl Asked {
    /// With all that is held in any case, and nobody whom nobody asked for.
    ///
    /// # Errors
    ///
    /// As [`Users::rows`].
    pub fn least(&self, checkpoint: &Checkpoint) -> Result<Chosen, BadInput> {
        Ok(Chosen {
            users: self.users(checkpoint)?,
            movies: self.movies.clone(),
            seen: self.seen.1.clone().filter(|_| self.seen.0 == Keep::All),
            facets: self.genres.1.clone().filter(|_| self.genres.0 == Keep::All),
        })
    }

    /// With what fits `region` bytes too: genres before users, of whom nobody said how many, and those before what they
    /// have rated.
    ///
    /// # Errors
    ///
    /// As [`build`](super::build).
    pub fn that_fits(
        &self,
        checkpoint: &Checkpoint,
        storage: Storage,
        region: usize,
    ) -> Result<Chosen, BadInput> {
        let fits = |with: &Chosen| Ok(length(checkpoint, with, storage)? <= region);
        let mut chosen = self.least(checkpoint)?;
        if let (Keep::Fit, Some(facets)) = &self.genres {
            let with = Chosen {
                facets: Some(facets.clone()),
                ..chosen.clone()
            };
            if fits(&with)? {
                chosen = with;
            }
        }
        if self.users.is_none() {
            let number = users_that_fit(checkpoint, &chosen, storage, region)?;
            chosen.users = match number {
                None | Some(0) => Vec::new(),
                Some(number) => Users::MostActive(number).rows(checkpoint)?,
            };
        }
        let numbered = seen::most_users(chosen.movies.len());
        if let (Keep::Fit, Some(rated)) = &self.seen
            && (1..=numbered).contains(&chosen.users.len())
        {
            let with = Chosen {
                seen: Some(rated.clone()),
                ..chosen.clone()
            };
            if fits(&with)? {
                chosen = with;
            }
        }
        Ok(chosen)
    }

    fn users(&self, checkpoint: &Checkpoint) -> Result<Vec<usize>, BadInput> {
        match &self.users {
            Some(users) => users.rows(checkpoint),
            None => Ok(Vec::new()),
        }
    }
}

/// How many of the most rated movies fit `region` bytes, in the place of those of `chosen`; `None` where not even one
/// does.
///
/// # Errors
///
/// As [`build`](super::build).
pub fn movies_that_fit(
    checkpoint: &Checkpoint,
    chosen: &Chosen,
    storage: impl Into<Storage>,
    region: usize,
) -> Result<Option<usize>, BadInput> {
    let storage = storage.into();
    let most = checkpoint.movie_ids.len().saturating_sub(1);
    let fit = largest(most, region, |number| {
        let chosen = Chosen {
            movies: Movies::MostRated(number + 1).rows(checkpoint)?,
            ..chosen.clone()
        };
        length(checkpoint, &chosen, storage)
    })?;
    Ok(fit.map(|number| number + 1))
}

/// Bytes of the image of `chosen`, which isn't built for it.
///
/// # Errors
///
/// As [`build`](super::build).
pub fn length(
    checkpoint: &Checkpoint,
    chosen: &Chosen,
    storage: impl Into<Storage>,
) -> Result<usize, BadInput> {
    Ok(draft(checkpoint, chosen, storage.into())?.as_ref().len())
}

/// The bill on `board` of the image of `chosen`, which isn't built for it: another image of the same size and shape is.
///
/// # Errors
///
/// As [`build`](super::build).
pub fn bill(
    checkpoint: &Checkpoint,
    chosen: &Chosen,
    storage: impl Into<Storage>,
    board: Board,
) -> Result<DeviceBill, BadInput> {
    let draft = draft(checkpoint, chosen, storage.into())?;
    Ok(DeviceBill::of(&draft, board))
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
    length: impl Fn(usize) -> Result<usize, BadInput>,
) -> Result<Option<usize>, BadInput> {
    if length(most)? <= region {
        return Ok(Some(most));
    }
    if length(0)? > region {
        return Ok(None);
    }
    let (mut best, mut too_many) = (0, most);
    while too_many - best > 1 {
        let middle = best + (too_many - best) / 2;
        if length(middle)? <= region {
            best = middle;
        } else {
            too_many = middle;
        }
    }
    Ok(Some(best))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Precision;
    use crate::image::tests;
    use crate::precision::Bytes;
    use pocketrec_data::synth::Shape;
    use pocketrec_train::{ModelKind, Options};

    /// The bill of an image of all movies of a shape in so many bytes and dimensions each, without users and what people
    /// look for.
    fn catalogue(shape: (&str, usize), (bytes, dim): (Bytes, usize), board: &str) -> DeviceBill {
        let options = Options {
            user_dim: dim,
            movie_dim: dim,
            ..tests::options(ModelKind::Mf, &[])
        };
        bill_of(shape, options, Precision::Codes(bytes), board)
    }

    /// The same of a model of these options.
    fn bill_of(
        (name, movies): (&str, usize),
        options: Options,
        precision: Precision,
        board: &str,
    ) -> DeviceBill {
        let shape = Shape {
            movies,
            ..Shape::named(name).unwrap()
        };
        let ids = shape.movie_ids(1);
        assert_eq!(ids.len(), movies);
        let checkpoint = tests::checkpoint(options, vec![1], ids);
        let chosen = Chosen {
            users: Vec::new(),
            movies: Movies::All.rows(&checkpoint).unwrap(),
            seen: None,
            facets: None,
        };
        let board = boards::by_name(board).unwrap();
        bill(&checkpoint, &chosen, precision, board).unwrap()
    }

    #[test]
    fn all_movies_of_the_20m_shape_take_less_than_172_kb_in_codes_before_the_lessons_mlp() {
        let mlp = || tests::options(ModelKind::Mlp, &[32, 4]);
        let of = |precision| bill_of(("ml-20m", 26_744), mlp(), precision, "pico");
        let bill = of(Precision::CODES);
        assert!(bill.bytes() <= 172_000, "{}", bill.bytes());
        assert!(bill.further_features().is_empty());
        let rows = of(Precision::I16).bytes();
        assert!(rows > 2 * bill.bytes(), "{rows}");
    }

    #[test]
    fn all_movies_of_the_20m_shape_fit_a_microbit_in_codes_of_4_bytes() {
        for dim in [8, 24] {
            let bill = catalogue(("ml-20m", 26_744), (Bytes::Four, dim), "microbit");
            assert!(bill.bytes() <= 192_512, "{dim}: {}", bill.bytes());
            // Rows of more than 8 take a firmware with the feature `wide`.
            assert_eq!(bill.further_features().is_empty(), dim == 8, "{dim}");
        }
    }

    #[test]
    fn all_movies_of_the_32m_shape_take_less_than_448_kb_in_codes_of_3_bytes() {
        let bill = catalogue(("ml-32m", 87_585), (Bytes::Three, 24), "pico");
        assert!(bill.bytes() <= 448 * 1024, "{}", bill.bytes());
    }
}
