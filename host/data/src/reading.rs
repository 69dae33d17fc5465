//! What a person can say about ratings that can't be read off them.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::scale::GivenScale;
use pocketrec_base::print::Item;

/// How ratings are to be read; what isn't said is found out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// Which columns hold what.
    pub columns: Option<Columns>,
    /// The scale.
    pub scale: Option<GivenScale>,
    /// What may be done with the data, in place of what is known of MovieLens.
    pub licence: Option<String>,
    /// Where titles are.
    #[serde(default)]
    pub titles: Option<TitlesFrom>,
    /// A table of users with what is known of them.
    #[serde(default)]
    pub user_table: Option<TableFile>,
    /// A table of movies.
    #[serde(default)]
    pub movie_table: Option<TableFile>,
    /// What the things are called that are rated, where they aren't movies.
    #[serde(default)]
    pub item: Option<Item>,
}

/// Where titles are, as a person says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum TitlesFrom {
    /// Nowhere: movies go by their ids.
    Nowhere,
    /// In a file, whose name may be any bytes.
    File(#[serde(with = "as_text")] PathBuf),
}

impl From<OsString> for TitlesFrom {
    fn from(text: OsString) -> TitlesFrom {
        match text == "none" {
            true => TitlesFrom::Nowhere,
            false => TitlesFrom::File(text.into()),
        }
    }
}

/// A file that a person names, whose name may be any bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableFile(#[serde(with = "as_text")] pub PathBuf);

impl From<OsString> for TableFile {
    fn from(text: OsString) -> TableFile {
        TableFile(text.into())
    }
}

/// A path in a checkpoint, which is text.
mod as_text {
    use std::path::{Path, PathBuf};

    use pocketrec_base::files::name;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&name::text(path))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<PathBuf, D::Error> {
        String::deserialize(from).map(|text| name::path(&text))
    }
}

impl Reading {
    /// Whether nothing was said of the ratings themselves.
    pub fn is_plain(&self) -> bool {
        self.columns.is_none() && self.scale.is_none() && self.licence.is_none()
    }
}

/// A column, as a person names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// By number, from 1 on.
    Number(usize),
    /// By its name in the header.
    Name(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Number(number) => number.fmt(f),
            Place::Name(name) => name.fmt(f),
        }
    }
}

/// Which columns hold user, movie, rating and time: `user=1,item=asin,rating=overall,time=unixReviewTime`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Columns {
    /// Who rated.
    pub user: Place,
    /// What was rated.
    pub item: Place,
    /// How many stars.
    pub rating: Place,
    /// When, if that is to be read.
    pub time: Option<Place>,
}

impl Columns {
    /// Their places: user, movie, rating, and time if there is one.
    pub fn places(&self) -> [Option<&Place>; 4] {
        [
            Some(&self.user),
            Some(&self.item),
            Some(&self.rating),
            self.time.as_ref(),
        ]
    }
}

impl FromStr for Columns {
    type Err = String;

    fn from_str(text: &str) -> Result<Columns, String> {
        const RIGHT: &str = "it should name the columns of user, item and rating, and of time if there is one, by name or \
            number, for instance user=userId,item=asin,rating=3,time=4";
        let mut places: [Option<Place>; 4] = Default::default();
        for part in text.split(',') {
            let (what, column) = part.split_once('=').ok_or(RIGHT)?;
            let (what, column) = (what.trim(), column.trim());
            let which = match what.to_ascii_lowercase().as_str() {
                "user" => 0,
                "item" | "movie" => 1,
                "rating" => 2,
                "time" => 3,
                _ => return Err(format!("`{what}` is none of user, item, rating and time")),
            };
            let place = match column.parse::<usize>() {
                Ok(0) => return Err("columns are counted from 1".into()),
                Ok(number) => Place::Number(number),
                Err(_) if column.is_empty() => return Err(RIGHT.into()),
                Err(_) => Place::Name(column.into()),
            };
            if places[which].is_some() {
                return Err(format!("it names the column of {what} twice"));
            }
            if places.iter().flatten().any(|other| *other == place) {
                return Err(format!("column {place} can't be two things"));
            }
            places[which] = Some(place);
        }
        match places {
            [Some(user), Some(item), Some(rating), time] => Ok(Columns {
                user,
                item,
                rating,
                time,
            }),
            _ => Err(RIGHT.into()),
        }
    }
}

/// As it is given.
impl fmt::Display for Columns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "user={},item={},rating={}",
            self.user, self.item, self.rating
        )?;
        match &self.time {
            Some(time) => write!(f, ",time={time}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_come_back_as_they_were_said() {
        for text in [
            "user=1,item=2,rating=3",
            "user=User-ID,item=ISBN,rating=Book-Rating,time=4",
        ] {
            assert_eq!(text.parse::<Columns>().unwrap().to_string(), text);
        }
        let other = "rating=c, movie=b ,USER=a".parse::<Columns>().unwrap();
        assert_eq!(other.to_string(), "user=a,item=b,rating=c");
    }

    #[test]
    fn columns_that_are_none_are_refused_with_what_would_be_right() {
        for (text, said) in [
            ("", "for instance"),
            ("user", "for instance"),
            ("user=1,item=2", "for instance"),
            ("user=,item=2,rating=3", "for instance"),
            ("user=1,item=2,stars=3", "`stars` is none of"),
            ("user=0,item=2,rating=3", "counted from 1"),
            ("user=1,user=2,rating=3", "twice"),
            ("user=1,item=1,rating=3", "can't be two things"),
        ] {
            let error = text.parse::<Columns>().unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
