//! Which users and movies of a checkpoint an image holds, and how a person says so.

use std::collections::HashSet;
use std::str::FromStr;
use std::sync::Arc;

use super::Facets;
use super::rated::Rated;
use pocketrec_base::error::BadInput;
use pocketrec_base::print::count;
use pocketrec_checkpoint::Checkpoint;
use pocketrec_data::Names;

/// The movies of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Movies {
    /// Every movie that somebody rated.
    All,
    /// So many of those with the most ratings; of equals those with the lowest ids.
    MostRated(usize),
    /// Those with at least so many ratings.
    MinRatings(u32),
    /// Those with these ids, as the ratings have them: numbers, or names where ids are names.
    Ids(Vec<String>),
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
    /// Those with these ids, as the ratings have them: numbers, or names where ids are names.
    Ids(Vec<String>),
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
    /// Genres and years of all movies, for an image that says those of its own.
    pub facets: Option<Arc<Facets>>,
}

impl Chosen {
    /// All that there are, without what they have rated.
    pub fn all(checkpoint: &Checkpoint) -> Self {
        Self {
            users: (0..checkpoint.user_ids.len()).collect(),
            movies: (0..checkpoint.movie_ids.len()).collect(),
            seen: None,
            facets: None,
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

/// Ids with commas between; one that has a comma itself stands in quotes, as in a table.
fn ids_of(text: &str) -> Option<Vec<String>> {
    let mut table = csv::ReaderBuilder::new()
        .has_headers(false)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let mut ids = csv::StringRecord::new();
    let is_there = table.read_record(&mut ids).ok()?;
    let ids = ids.iter().map(|id| (!id.is_empty()).then(|| id.to_owned()));
    ids.collect::<Option<_>>().filter(|_| is_there)
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
            Self::Ids(ids) => rows_of(
                "movie",
                ids,
                &checkpoint.movie_ids,
                &checkpoint.data.movie_names,
            )?,
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
            Self::Ids(ids) => rows_of(
                "user",
                ids,
                &checkpoint.user_ids,
                &checkpoint.data.user_names,
            ),
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

fn rows_of(
    what: &str,
    ids: &[String],
    known: &[u32],
    names: &Names,
) -> Result<Vec<usize>, BadInput> {
    let shown = |id: Option<&u32>| {
        let id = id.copied().unwrap_or_default();
        names.of(id).map_or_else(|| id.to_string(), str::to_owned)
    };
    let mut rows = HashSet::new();
    for text in ids {
        let id = match names.is_empty() {
            true => text.parse().ok(),
            false => names.id(text),
        };
        let row = id.and_then(|id| known.binary_search(&id).ok());
        let row = row.ok_or_else(|| {
            BadInput::new(format!(
                "{what} {text} is not in the checkpoint, which has {} with ids from {} to {}",
                count(known.len(), what),
                shown(known.first()),
                shown(known.last())
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
        let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
        assert_eq!(
            "ids:1,50, 260".parse(),
            Ok(Movies::Ids(ids(&["1", "50", "260"])))
        );
        assert_eq!("none".parse(), Ok(Users::None));
        assert_eq!("0".parse(), Ok(Users::None));
        assert_eq!("50".parse(), Ok(Users::MostActive(50)));
        assert_eq!("ids:7".parse(), Ok(Users::Ids(ids(&["7"]))));
        assert_eq!(
            "ids:A1, b:2,\"bob, jr\"".parse(),
            Ok(Users::Ids(ids(&["A1", "b:2", "bob, jr"])))
        );
        for wrong in [
            "",
            "0",
            "-1",
            "ids:",
            "ids:1,,2",
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
    fn ids_are_those_of_the_ratings_numbers_or_names() {
        let given = |ids: &[&str], known: &[u32], names: &Names| {
            let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
            rows_of("user", &ids, known, names).map_err(|error| error.to_string())
        };
        let numbers = Names::default();
        assert_eq!(
            given(&["9", "3", "9"], &[3, 7, 9], &numbers),
            Ok(vec![0, 2])
        );
        let named = Names::new(["A1", "b 2", "é"].map(String::from).into());
        assert_eq!(given(&["é", "A1"], &[1, 2, 3], &named), Ok(vec![0, 2]));
        for (id, names, said) in [
            (
                "4",
                &numbers,
                "user 4 is not in the checkpoint, which has 3 users with ids from 3 to 9",
            ),
            ("A1", &numbers, "user A1 is not"),
            ("a1", &named, "with ids from A1 to é"),
            // The number that a name has here is nobody's id.
            ("1", &named, "user 1 is not"),
        ] {
            let known = if names.is_empty() {
                [3, 7, 9]
            } else {
                [1, 2, 3]
            };
            let refused = given(&[id], &known, names).unwrap_err();
            assert!(refused.contains(said), "{refused}");
        }
    }

    #[test]
    fn the_most_rated_are_taken_and_equals_by_row() {
        assert_eq!(most(&[5, 9, 5, 1, 9], 3), [0, 1, 4]);
        assert_eq!(most(&[5, 9], 7), [0, 1]);
        assert_eq!(most(&[5, 9], 0), [0_usize; 0]);
    }
}
