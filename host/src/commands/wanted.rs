//! Which movies a list may have, by genre and year, and what it is sorted by.

use std::collections::BTreeSet;

use anyhow::Result;

use pocketrec_base::error::BadInput;
use pocketrec_data::{Titles, search};

/// Options about which movies a list may have.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct WantedArgs {
    /// Only movies of this genre, for example drama; if given twice, of both
    #[arg(long, value_name = "GENRE")]
    genre: Vec<String>,

    /// No movies of this genre
    #[arg(long, value_name = "GENRE")]
    not: Vec<String>,

    /// Only movies of these years, for example 1990..1999, 2010.., ..1959 or 1994
    #[arg(long, value_name = "FROM..TO", value_parser = years)]
    year: Option<Years>,
}

/// Years from one to another, both among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Years(u16, u16);

fn years(text: &str) -> Result<Years, String> {
    let wrong = || "it should be years such as 1990..1999, 2010.., ..1959 or 1994".to_owned();
    let year = |text: &str, open: u16| match text.trim() {
        "" => Ok(open),
        text => text.parse().map_err(|_| wrong()),
    };
    let (from, to) = match text.split_once("..") {
        Some((from, to)) if from.trim().is_empty() && to.trim().is_empty() => return Err(wrong()),
        Some((from, to)) => (year(from, 0)?, year(to, u16::MAX)?),
        None => {
            let only = text.trim().parse().map_err(|_| wrong())?;
            (only, only)
        }
    };
    match from <= to {
        true => Ok(Years(from, to)),
        false => Err(format!("{from} is behind {to}; {}", wrong())),
    }
}

/// The movies that a list may have.
#[derive(Debug)]
pub struct Wanted<'a> {
    titles: &'a Titles,
    all_of: Vec<String>,
    none_of: Vec<String>,
    years: Option<Years>,
}

impl WantedArgs {
    /// Whether it says nothing.
    pub fn is_open(&self) -> bool {
        self.genre.is_empty() && self.not.is_empty() && self.year.is_none()
    }

    /// The movies of `titles` that are wanted.
    ///
    /// # Errors
    /// [`BadInput`] for a genre that none of them has, with those that there are; and where no titles say.
    pub fn of<'a>(&self, titles: &'a Titles) -> Result<Wanted<'a>, BadInput> {
        if !self.is_open() && titles.is_empty() {
            return Err(BadInput::new(
                "--genre, --not and --year need the movies' titles and genres, and none lie beside the image: --titles names a file",
            ));
        }
        let all = titles.movies().iter().flat_map(|movie| &movie.genres);
        let all: BTreeSet<&str> = all.map(String::as_str).collect();
        let known = |option: &str, names: &[String]| -> Result<Vec<String>, BadInput> {
            let each = names.iter().map(|name| {
                let folded = plain(name);
                match all.iter().any(|genre| plain(genre) == folded) {
                    true => Ok(folded),
                    false => Err(BadInput::new(format!(
                        "no movie has the genre of {option} `{name}`; there are {}",
                        all.iter().copied().collect::<Vec<_>>().join(", ")
                    ))),
                }
            });
            each.collect()
        };
        Ok(Wanted {
            titles,
            all_of: known("--genre", &self.genre)?,
            none_of: known("--not", &self.not)?,
            years: self.year,
        })
    }
}

impl Wanted<'_> {
    /// Whether a movie is wanted. Where a year is asked for, one whose title has none isn't.
    pub fn has(&self, id: u32) -> bool {
        if self.all_of.is_empty() && self.none_of.is_empty() && self.years.is_none() {
            return true;
        }
        let Some(movie) = self.titles.get(id) else {
            return false;
        };
        let genres: Vec<String> = movie.genres.iter().map(|genre| plain(genre)).collect();
        let year = || search::year(&movie.title);
        self.all_of.iter().all(|genre| genres.contains(genre))
            && !self.none_of.iter().any(|genre| genres.contains(genre))
            && self.years.is_none_or(|Years(from, to)| {
                year().is_some_and(|year| (from..=to).contains(&year))
            })
    }
}

/// A genre's letters and digits, small: `Sci-Fi` and `scifi` are one.
fn plain(genre: &str) -> String {
    let letters = genre.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pocketrec_data::Movie;

    fn titles() -> Titles {
        let movie = |(id, title, genres): (u32, &str, &str)| Movie {
            id,
            title: title.into(),
            genres: genres.split('|').map(str::to_owned).collect(),
            ratings: 1,
        };
        Titles::new(
            [
                (1, "Alien (1979)", "Horror|Sci-Fi"),
                (2, "Big (1988)", "Comedy|Fantasy"),
                (3, "Moon (2009)", "Drama|Sci-Fi"),
                (4, "No year", "Drama"),
            ]
            .map(movie)
            .into(),
        )
    }

    fn wanted(genre: &[&str], not: &[&str], year: Option<&str>) -> Result<Vec<u32>, String> {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let args = WantedArgs {
            genre: owned(genre),
            not: owned(not),
            year: year.map(years).transpose()?,
        };
        let titles = titles();
        let wanted = args.of(&titles).map_err(|error| error.to_string())?;
        Ok((1..=5).filter(|id| wanted.has(*id)).collect())
    }

    #[test]
    fn genres_and_years_choose_movies_and_what_there_is_not_is_refused() {
        assert_eq!(wanted(&[], &[], None), Ok(vec![1, 2, 3, 4, 5]));
        assert_eq!(wanted(&["scifi"], &[], None), Ok(vec![1, 3]));
        assert_eq!(wanted(&["Sci-Fi", "drama"], &[], None), Ok(vec![3]));
        assert_eq!(wanted(&["sci-fi"], &["horror"], None), Ok(vec![3]));
        assert_eq!(wanted(&[], &[], Some("1980..")), Ok(vec![2, 3]));
        assert_eq!(wanted(&[], &[], Some("..1988")), Ok(vec![1, 2]));
        assert_eq!(wanted(&[], &[], Some("1979")), Ok(vec![1]));
        for (genre, year, said) in [
            (&["western"][..], None, "there are Comedy, Drama, Fantasy"),
            (&[], Some(".."), "such as 1990..1999"),
            (&[], Some("2000..1990"), "2000 is behind 1990"),
            (&[], Some("x"), "such as 1990..1999"),
        ] {
            let error = wanted(genre, &[], year).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
        let args = WantedArgs {
            genre: vec!["drama".into()],
            ..WantedArgs::default()
        };
        assert!(args.of(&Titles::default()).is_err());
    }
}
