//! Splits by time: a model learns from what came before and is measured on what came after, as it is in use.

use std::str::FromStr;

use pocketrec_base::error::BadInput;
use pocketrec_data::{Dataset, Split, time};

use super::protocol::Fold;

/// Which ratings are the later ones.
#[derive(Clone, Debug, PartialEq)]
pub enum ByTime {
    /// The last share of each person's, between 0 and 1.
    Last(f64),
    /// Everybody's from this second since 1970 on.
    From(u32),
}

impl FromStr for ByTime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is not a split by time: last:0.1 (the last tenth of each person's ratings) or from:2015-01-01 \
                 (all ratings from that day on)"
            )
        };
        match text.split_once(':') {
            Some(("last", share)) => share
                .parse()
                .ok()
                .filter(|share| *share > 0.0 && *share < 1.0)
                .map(Self::Last),
            Some(("from", moment)) => {
                time::read(moment.trim().as_bytes()).map(|(at, _)| Self::From(at))
            }
            _ => None,
        }
        .ok_or_else(wrong)
    }
}

impl ByTime {
    /// The split, as the only fold.
    ///
    /// # Errors
    /// [`BadInput`] where no rating, or every one, would be held back.
    pub fn fold<'a>(&self, data: &'a Dataset) -> Result<Fold<'a>, BadInput> {
        let held = match self {
            Self::Last(share) => last_of_each(data, *share),
            Self::From(moment) => data.ratings.times.iter().map(|at| at >= moment).collect(),
        };
        let (validation, train): (Vec<u32>, Vec<u32>) =
            (0..data.ratings.len() as u32).partition(|&row| held[row as usize]);
        if !validation.is_empty() && !train.is_empty() {
            return Ok(Fold {
                name: self.name(),
                data,
                split: Split { train, validation },
            });
        }
        Err(BadInput::new(match self {
            Self::Last(share) => format!(
                "{}: nobody has enough ratings for a share of {share} to be one; take a larger share",
                data.name
            ),
            Self::From(_) => {
                let times = &data.ratings.times;
                let day = |at: Option<&u32>| time::day(at.copied().unwrap_or_default());
                format!(
                    "{}: its ratings are from {} to {}, so a cut at {} leaves none on one side",
                    data.name,
                    day(times.iter().min()),
                    day(times.iter().max()),
                    self.moment()
                )
            }
        }))
    }

    /// What tables call the split.
    fn name(&self) -> String {
        match self {
            Self::Last(share) => format!("last {share} of each"),
            Self::From(_) => format!("from {}", self.moment()),
        }
    }

    /// How ratings are held back, in words.
    pub fn words(&self) -> String {
        match self {
            Self::Last(share) => {
                format!(
                    "the last {} % of each person's ratings held back",
                    share * 100.0
                )
            }
            Self::From(_) => format!("all ratings from {} on held back", self.moment()),
        }
    }

    fn moment(&self) -> String {
        match self {
            Self::From(moment) => time::day(*moment),
            Self::Last(_) => String::new(),
        }
    }
}

/// Whether each rating is among the last `share` of its person's, rounded to the nearest number and never all; of equal
/// times the higher movie id is the later.
fn last_of_each(data: &Dataset, share: f64) -> Vec<bool> {
    let ratings = &data.ratings;
    let mut held = vec![false; ratings.len()];
    for rows in ratings.in_order(0..ratings.len() as u32).each() {
        let count = (rows.len() as f64 * share).round() as usize;
        let count = count.min(rows.len().saturating_sub(1));
        for row in &rows[rows.len() - count..] {
            held[*row as usize] = true;
        }
    }
    held
}

#[cfg(test)]
mod tests {
    use super::*;
    use pocketrec_data::{Ratings, Titles};

    /// Two people with ten and three ratings, a day after each other, in no order.
    fn data() -> Dataset {
        let mut ratings = Ratings {
            user_ids: vec![1, 2],
            movie_ids: (1..=10).collect(),
            ..Ratings::default()
        };
        for (user, movies) in [(0, 10), (1, 3)] {
            for movie in 0..movies {
                ratings.users.push(user);
                ratings.movies.push(movie);
                ratings.stars.push(1.0 + (movie % 5) as f32);
                ratings.times.push((movie * 7 % 10) * 86_400);
            }
        }
        Dataset::new("days".into(), ratings, Titles::default(), String::new())
    }

    #[test]
    fn the_last_share_of_each_persons_ratings_is_held_back_and_never_all_of_them() {
        let data = data();
        let held = |share| ByTime::Last(share).fold(&data).unwrap().split;
        // Movie 7 was rated on day 9, movie 4 on day 8; of the other's three, movie 1 on day 7.
        assert_eq!(held(0.2).validation, [4, 7, 11]);
        assert_eq!(held(0.1).validation, [7]);
        let most = held(0.99);
        assert_eq!(most.train, [0, 10]);
        assert_eq!(most.validation.len(), 11);
        let error = ByTime::Last(0.001).fold(&data).unwrap_err().to_string();
        assert!(error.contains("take a larger share"), "{error}");
    }

    #[test]
    fn a_cut_holds_back_everything_from_its_day_on() {
        let data = data();
        let fold = ByTime::from_str("from:1970-01-08")
            .unwrap()
            .fold(&data)
            .unwrap();
        let times = |rows: &[u32]| -> Vec<u32> {
            rows.iter()
                .map(|&row| data.ratings.times[row as usize] / 86_400)
                .collect()
        };
        assert!(times(&fold.split.validation).iter().all(|day| *day >= 7));
        assert!(times(&fold.split.train).iter().all(|day| *day < 7));
        assert_eq!(fold.split.validation.len(), 4);
        for day in ["1970-01-01", "1970-01-11"] {
            let error = ByTime::from_str(&format!("from:{day}"))
                .unwrap()
                .fold(&data);
            let error = error.unwrap_err().to_string();
            assert!(error.contains("from 1970-01-01 to 1970-01-10"), "{error}");
            assert!(error.contains(day), "{error}");
        }
    }

    #[test]
    fn splits_are_read_as_people_write_them() {
        assert_eq!("last:0.1".parse(), Ok(ByTime::Last(0.1)));
        assert_eq!("from:2015-01-01".parse(), Ok(ByTime::From(1_420_070_400)));
        assert_eq!("from:1420070400".parse(), Ok(ByTime::From(1_420_070_400)));
        for wrong in [
            "",
            "last",
            "last:",
            "last:0",
            "last:1",
            "last:nan",
            "last:10%",
            "from:",
            "from:2015",
            "0.1",
        ] {
            let parsed = wrong.parse::<ByTime>();
            // A year alone is a number of seconds, and in 1970.
            assert!(
                parsed.is_err() || wrong == "from:2015",
                "{wrong}: {parsed:?}"
            );
        }
    }
}
