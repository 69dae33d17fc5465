//! Which movies a list may have, by genre and year, and what it is sorted by.

use std::collections::BTreeSet;

use anyhow::Result;

use pocketrec::model::Model;
use pocketrec::rank::Order;
use pocketrec_base::error::BadInput;
use pocketrec_data::{Titles, search};
use pocketrec_link::filter::{self, Filter, Years, plain, years};

/// Options about which movies a list may have.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct WantedArgs {
    /// Only movies of this genre, for example drama; of several, as in comedy,drama, only movies of all
    #[arg(long, value_name = "GENRES", value_delimiter = ',')]
    genre: Vec<String>,

    /// Leave out movies of this genre; repeat for several
    #[arg(long, value_name = "GENRES", value_delimiter = ',')]
    not: Vec<String>,

    /// Only movies of these years, for example 1990..1999, 2010.., ..1959 or 1994
    #[arg(long, value_name = "FROM..TO", value_parser = years)]
    year: Option<Years>,
}

/// What a list is sorted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum By {
    /// Predicted stars, popularity and what the user looks for
    #[default]
    Score,
    /// Predicted stars alone
    Stars,
    /// How well the movie suits the user's taste, however good it is in general
    Taste,
    /// How well known it is, by how many people rated it in training
    Fame,
    /// How far its predicted stars are above those for somebody unknown
    Surprise,
}

impl From<By> for Order {
    fn from(by: By) -> Self {
        match by {
            By::Score => Self::Score,
            By::Stars => Self::Stars,
            By::Taste => Self::Taste,
            By::Fame => Self::Fame,
            By::Surprise => Self::Surprise,
        }
    }
}

/// Whether an image of this PC can be sorted so.
///
/// # Errors
/// [`BadInput`] where it doesn't say how well known movies are.
pub fn can_sort(model: &Model<'_>, order: Order) -> Result<(), BadInput> {
    match order == Order::Fame && !model.has_confidence() {
        true => Err(BadInput::new(
            "--by fame needs an image that says how well known its movies are, and this one doesn't",
        )),
        false => Ok(()),
    }
}

/// The movies that a list may have.
#[derive(Debug)]
pub struct Wanted<'a> {
    titles: &'a Titles,
    filter: Filter,
}

impl WantedArgs {
    /// Whether it says nothing.
    pub fn is_open(&self) -> bool {
        self.genre.is_empty() && self.not.is_empty() && self.year.is_none()
    }

    /// The same as a filter.
    pub fn filter(&self) -> Filter {
        Filter {
            all_of: self.genre.clone(),
            none_of: self.not.clone(),
            years: self.year,
        }
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
        for genre in self.genre.iter().chain(&self.not) {
            filter::place(all.iter().copied(), genre)?;
        }
        self.filter().can_be()?;
        Ok(Wanted {
            titles,
            filter: self.filter(),
        })
    }
}

impl Wanted<'_> {
    /// Whether a movie is wanted. Where a year is asked for, one whose title has none isn't.
    pub fn has(&self, id: u32) -> bool {
        let filter = &self.filter;
        if filter.is_open() {
            return true;
        }
        let Some(movie) = self.titles.get(id) else {
            return false;
        };
        let genres: Vec<String> = movie.genres.iter().map(|genre| plain(genre)).collect();
        let has = |genre: &String| genres.contains(&plain(genre));
        let year = || search::year(&movie.title);
        filter.all_of.iter().all(has)
            && !filter.none_of.iter().any(has)
            && filter.years.is_none_or(|Years { from, to }| {
                year().is_some_and(|year| (from..=to).contains(&year))
            })
    }
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
        let both = wanted(&["Sci-Fi"], &["horror", "scifi"], None);
        assert!(
            both.unwrap_err()
                .contains("`Sci-Fi` is both wanted and left out")
        );
        for (genre, year, said) in [
            (&["western"][..], None, "there are Comedy, Drama, Fantasy"),
            (&[], Some(".."), "such as 1990..1999"),
            (&[], Some("2000..1990"), "2000 is after 1990"),
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
