//! Which users and movies of a checkpoint an image holds, and how a person says so.

use std::collections::HashSet;
use std::str::FromStr;
use std::sync::Arc;

use super::Rated;
use pocketrec_base::error::BadInput;
use pocketrec_base::print::count;
use pocketrec_train::checkpoint::Checkpoint;

/// The movies of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Movies {
    /// Every movie that somebody rated.
    All,
    /// So many of those with the most ratings; of equals those with the lowest ids.
    MostRated(usize),
    /// Those with at least so many ratings.
    MinRatings(u32),
    /// Those with these MovieLens ids.
    Ids(Vec<u32>),
}

/// The users of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Users {
    /// Every user.
    All,
    /// Nobody: a device has its own person.
    None,
    /// So many of those who rated most; of equals those with the lowest ids.
    MostActive(usize),
    /// Those with these MovieLens ids.
    Ids(Vec<u32>),
}

/// Rows of a checkpoint, ascending, and whether what the users have rated comes with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Rows of its user table; may be empty.
    pub users: Vec<usize>,
    /// Rows of its movie table; never empty.
    pub movies: Vec<usize>,
    /// What all users have rated, for an image that says it of its own.
    pub seen: Option<Arc<Rated>>,
}

impl Chosen {
    /// All that there are, without what they have rated.
    pub fn all(checkpoint: &Checkpoint) -> Self {
        Self {
            users: (0..checkpoint.user_ids.len()).collect(),
            movies: (0..checkpoint.movie_ids.len()).collect(),
            seen: None,
        }
    }
}

impl FromStr for Movies {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is not a choice of movies: all, a number (the most rated), min-ratings:20 or ids:1,50,260"
            )
        };
        match text.split_once(':') {
            Some(("min-ratings", number)) => {
                number.parse().map(Self::MinRatings).map_err(|_| wrong())
            }
            Some(("ids", ids)) => ids_of(ids).map(Self::Ids).ok_or_else(wrong),
            None if text == "all" => Ok(Self::All),
            None => match text.parse() {
                Ok(number) if number > 0 => Ok(Self::MostRated(number)),
                _ => Err(wrong()),
            },
            Some(_) => Err(wrong()),
        }
    }
}

impl FromStr for Users {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is not a choice of users: all, none, a number (the most active) or ids:1,42"
            )
        };
        match text.split_once(':') {
            Some(("ids", ids)) => ids_of(ids).map(Self::Ids).ok_or_else(wrong),
            None if text == "all" => Ok(Self::All),
            None if text == "none" => Ok(Self::None),
            None => match text.parse() {
                Ok(0) => Ok(Self::None),
                Ok(number) => Ok(Self::MostActive(number)),
                Err(_) => Err(wrong()),
            },
            Some(_) => Err(wrong()),
        }
    }
}

fn ids_of(text: &str) -> Option<Vec<u32>> {
    text.split(',').map(|id| id.trim().parse().ok()).collect()
}

impl Movies {
    /// The rows of `checkpoint`, ascending.
    ///
    /// # Errors
    ///
    /// [`BadInput`] for an id that the checkpoint doesn't have, or where no movie is left.
    pub fn rows(&self, checkpoint: &Checkpoint) -> Result<Vec<usize>, BadInput> {
        let rows = match self {
            Self::All => (0..checkpoint.movie_ids.len()).collect(),
            Self::MostRated(number) => most(&checkpoint.movie_counts, *number),
            Self::MinRatings(least) => {
                let counts = checkpoint.movie_counts.iter().enumerate();
                counts
                    .filter(|(_, n)| **n >= *least)
                    .map(|(row, _)| row)
                    .collect()
            }
            Self::Ids(ids) => rows_of("movie", ids, &checkpoint.movie_ids)?,
        };
        if rows.is_empty() {
            let most = checkpoint.movie_counts.iter().max().copied().unwrap_or(0);
            return Err(BadInput::new(format!(
                "no movie is left to export; the most rated one has {}",
                count(most, "rating")
            )));
        }
        Ok(rows)
    }
}

impl Users {
    /// The rows of `checkpoint`, ascending.
    ///
    /// # Errors
    ///
    /// [`BadInput`] for an id that the checkpoint doesn't have.
    pub fn rows(&self, checkpoint: &Checkpoint) -> Result<Vec<usize>, BadInput> {
        match self {
            Self::All => Ok((0..checkpoint.user_ids.len()).collect()),
            Self::None => Ok(Vec::new()),
            Self::MostActive(number) => Ok(most(&checkpoint.user_counts, *number)),
            Self::Ids(ids) => rows_of("user", ids, &checkpoint.user_ids),
        }
    }
}

/// The rows of the `number` largest counts, ascending; of equals the first rows.
fn most(counts: &[u32], number: usize) -> Vec<usize> {
    let mut rows: Vec<usize> = (0..counts.len()).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(counts[*row]));
    rows.truncate(number);
    rows.sort_unstable();
    rows
}

fn rows_of(what: &str, ids: &[u32], known: &[u32]) -> Result<Vec<usize>, BadInput> {
    let mut rows = HashSet::new();
    for id in ids {
        let row = known.binary_search(id).map_err(|_| {
            BadInput::new(format!(
                "{what} {id} is not in the checkpoint, which has {} {what}s with ids from {} to {}",
                known.len(),
                known.first().unwrap_or(&0),
                known.last().unwrap_or(&0)
            ))
        })?;
        rows.insert(row);
    }
    let mut rows: Vec<usize> = rows.into_iter().collect();
    rows.sort_unstable();
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_read_as_people_write_them() {
        assert_eq!("all".parse(), Ok(Movies::All));
        assert_eq!("1000".parse(), Ok(Movies::MostRated(1000)));
        assert_eq!("min-ratings:20".parse(), Ok(Movies::MinRatings(20)));
        assert_eq!("ids:1,50, 260".parse(), Ok(Movies::Ids(vec![1, 50, 260])));
        assert_eq!("none".parse(), Ok(Users::None));
        assert_eq!("0".parse(), Ok(Users::None));
        assert_eq!("50".parse(), Ok(Users::MostActive(50)));
        assert_eq!("ids:7".parse(), Ok(Users::Ids(vec![7])));
        for wrong in [
            "",
            "0",
            "-1",
            "ids:",
            "ids:x",
            "least:3",
            "min-ratings:",
            "1.5",
        ] {
            assert!(wrong.parse::<Movies>().is_err(), "{wrong}");
        }
        for wrong in ["", "-1", "ids:", "min-ratings:3", "some"] {
            assert!(wrong.parse::<Users>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_most_rated_are_taken_and_equals_by_row() {
        assert_eq!(most(&[5, 9, 5, 1, 9], 3), [0, 1, 4]);
        assert_eq!(most(&[5, 9], 7), [0, 1]);
        assert_eq!(most(&[5, 9], 0), [0_usize; 0]);
    }
}
