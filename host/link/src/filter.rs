//! What a person wants in a list, in words, and as a device filters by it.

use pocketrec::model::Wanted;
use pocketrec::model::facets::BETWEEN;
use pocketrec_base::error::BadInput;

/// Years from one to another, both among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Years {
    /// The first, or 0.
    pub from: u16,
    /// The last, or the largest number.
    pub to: u16,
}

/// Years such as `1990..1999`, `2010..`, `..1959` or `1994`.
///
/// # Errors
///
/// What would be right.
pub fn years(text: &str) -> Result<Years, String> {
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
        true => Ok(Years { from, to }),
        false => Err(format!("{from} is after {to}; {}", wrong())),
    }
}

/// Genres and years that are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Genres that a movie must have, all of them.
    pub all_of: Vec<String>,
    /// Genres of which it must have none.
    pub none_of: Vec<String>,
    /// Its years.
    pub years: Option<Years>,
}

impl Filter {
    /// Whether anything is wanted.
    pub fn is_open(&self) -> bool {
        self.all_of.is_empty() && self.none_of.is_empty() && self.years.is_none()
    }

    /// From a line such as `comedy -horror 1990..`: a genre by a word, one that isn't wanted behind a minus, and years.
    ///
    /// # Errors
    ///
    /// [`BadInput`] for years that are none, or said twice.
    pub fn read(line: &str) -> Result<Self, BadInput> {
        let mut filter = Self::default();
        for word in line.split([' ', '\t', ',']).filter(|word| !word.is_empty()) {
            if word.contains("..") || word.chars().all(|c| c.is_ascii_digit()) {
                let said = years(word).map_err(|why| BadInput::new(format!("`{word}`: {why}")))?;
                if filter.years.replace(said).is_some() {
                    return Err(BadInput::new(format!("`{line}` says years twice")));
                }
            } else if let Some(genre) = word.strip_prefix('-') {
                filter.none_of.push(genre.to_owned());
            } else {
                filter.all_of.push(word.to_owned());
            }
        }
        Ok(filter)
    }

    /// Makes sure that no genre is both wanted and not.
    ///
    /// # Errors
    ///
    /// [`BadInput`] that names it.
    pub fn can_be(&self) -> Result<(), BadInput> {
        let not: Vec<String> = self.none_of.iter().map(|genre| plain(genre)).collect();
        let both = |genre: &&String| not.contains(&plain(genre));
        match self.all_of.iter().find(both) {
            Some(genre) => Err(BadInput::new(format!(
                "`{genre}` is both wanted and left out, so the list would be empty: leave out one of them"
            ))),
            None => Ok(()),
        }
    }

    /// As a device filters that has an image of these genres ([`Model::genre_names`](pocketrec::model::Model::genre_names)).
    ///
    /// # Errors
    ///
    /// [`BadInput`] for a genre that there isn't, with those that there are, and for one that is both wanted and not.
    pub fn wanted(&self, names: &str) -> Result<Wanted, BadInput> {
        let bits = |genres: &[String]| {
            genres.iter().try_fold(0, |bits, genre| {
                let at = place(names.split(BETWEEN), genre)?;
                Ok::<u32, BadInput>(bits | 1 << at)
            })
        };
        self.can_be()?;
        let years = self.years.unwrap_or(Years {
            from: 0,
            to: u16::MAX,
        });
        Ok(Wanted {
            all_of: bits(&self.all_of)?,
            none_of: bits(&self.none_of)?,
            from: years.from,
            to: years.to,
        })
    }
}

/// The place of a genre among `names`, however it is written: `scifi` is `Sci-Fi`.
///
/// # Errors
///
/// [`BadInput`] for one that there isn't, with those that there are, or that says that there is none at all.
pub fn place<'n>(
    names: impl Iterator<Item = &'n str> + Clone,
    genre: &str,
) -> Result<usize, BadInput> {
    let folded = plain(genre);
    let found = names.clone().position(|name| plain(name) == folded);
    found.ok_or_else(|| {
        let names: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
        BadInput::new(match names.is_empty() {
            true => format!("no movie has the genre `{genre}`; none has any"),
            false => format!(
                "no movie has the genre `{genre}`; there are {}",
                names.join(", ")
            ),
        })
    })
}

/// A genre's letters and digits, small: `Sci-Fi` and `scifi` are one.
pub fn plain(genre: &str) -> String {
    let letters = genre.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: &str = "Comedy|Drama|Film-Noir|Sci-Fi";

    #[test]
    fn a_line_of_genres_and_years_is_what_a_device_filters_by() {
        let read = |line: &str| Filter::read(line).and_then(|filter| filter.wanted(NAMES));
        let any = Wanted::ANY;
        for (line, due) in [
            ("", any),
            ("comedy", Wanted { all_of: 1, ..any }),
            (
                "scifi -DRAMA -filmnoir 1990..",
                Wanted {
                    all_of: 8,
                    none_of: 6,
                    from: 1990,
                    to: u16::MAX,
                },
            ),
            (
                "comedy,drama, -sci-fi",
                Wanted {
                    all_of: 3,
                    none_of: 8,
                    ..any
                },
            ),
            (
                "..1959 drama",
                Wanted {
                    all_of: 2,
                    to: 1959,
                    ..any
                },
            ),
            (
                "1994",
                Wanted {
                    from: 1994,
                    to: 1994,
                    ..any
                },
            ),
        ] {
            assert_eq!(read(line).unwrap(), due, "{line}");
        }
        for (line, said) in [
            (
                "western",
                "no movie has the genre `western`; there are Comedy, Drama",
            ),
            ("-x", "no movie has the genre `x`"),
            ("2000..1990", "2000 is after 1990"),
            ("1990 1991", "says years twice"),
            ("drama -Drama", "`drama` is both wanted and left out"),
            ("..", "such as 1990..1999"),
        ] {
            let error = read(line).unwrap_err().to_string();
            assert!(error.contains(said), "{line}: {error}");
        }
        let none = Filter::read("western").unwrap().wanted("").unwrap_err();
        assert!(none.to_string().ends_with("none has any"), "{none}");
    }
}
