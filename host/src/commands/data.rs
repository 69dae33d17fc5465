//! Where ratings come from, and what a person can say about them: the options that commands which read some share.

use std::path::{Path, PathBuf};

use anyhow::Result;
use pocketrec::image::MAX_TEXT;

use crate::print::{self, Item, progress};
use crate::{note, warn};
use pocketrec_base::error::BadInput;
use pocketrec_data::reading::{Columns, TableFile, TitlesFrom};
use pocketrec_data::scale::GivenScale;
use pocketrec_data::{DataError, Dataset, Note, Reading, builtin};

/// The ratings, and how they are to be read.
#[derive(Debug, Default, clap::Args)]
pub struct DataArgs {
    /// Ratings: a file, the folder or zip of a MovieLens release, Parquet files ('part-*.parquet'), JSON, or - for standard input [default: the ratings that
    /// ship with the project]
    #[arg(long, value_name = "PATH")]
    pub data: Option<PathBuf>,

    /// Columns of --data, by name or number, for example user=userId,item=asin,rating=3,time=4 [default: recognised by
    /// name]
    #[arg(long, value_name = "COLUMNS")]
    pub(super) columns: Option<Columns>,

    /// Rating scale of --data, as LOW..HIGH or LOW..HIGH/STEP, for example 1..10 [default: inferred from the ratings]
    #[arg(long, value_name = "SCALE", allow_hyphen_values = true)]
    pub(super) scale: Option<GivenScale>,

    /// Licence of --data: one line, stored in models and images [default: known for MovieLens releases]
    #[arg(long, value_name = "LINE", visible_alias = "license", value_parser = licence)]
    pub(super) licence: Option<String>,

    /// Titles of the movies in --data: a file such as movies.csv, or none [default: the file beside the ratings]
    #[arg(long, value_name = "PATH|none")]
    pub(super) titles: Option<TitlesFrom>,

    /// A table of the users in --data, CSV or Parquet: a column of ids, and columns of what is known of them, such as age and
    /// occupation [default: u.user or users.dat beside the ratings]
    #[arg(long, value_name = "FILE")]
    pub(super) user_table: Option<TableFile>,

    /// A table of the movies in --data, CSV or Parquet: a column of ids, and columns of what is known of them besides title
    /// and genres, such as tags
    #[arg(long, value_name = "FILE")]
    pub(super) movie_table: Option<TableFile>,

    /// What the rated things are called where they aren't movies: joke, or city/cities; models and images keep it, and
    /// all that is printed says so
    #[arg(long, value_name = "WORD")]
    pub(super) item_name: Option<Item>,
}

/// A line that an image's header has room for.
pub(super) fn licence(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.contains(char::is_control) {
        return Err("it should be a line of text".into());
    }
    if text.len() > MAX_TEXT {
        return Err(format!(
            "it has {} bytes, and an image has room for {MAX_TEXT}",
            text.len()
        ));
    }
    Ok(text.into())
}

impl DataArgs {
    /// How the ratings are to be read.
    pub fn reading(&self) -> Reading {
        Reading {
            columns: self.columns.clone(),
            scale: self.scale,
            licence: self.licence.clone(),
            titles: self.titles.clone(),
            user_table: self.user_table.clone(),
            movie_table: self.movie_table.clone(),
            item: self.item_name.clone(),
        }
    }

    /// The ratings, with a bar while they are read; those that were read before come from `cache`, if one is named.
    ///
    /// # Errors
    /// What reading them says; [`BadInput`] where something is said of --data that isn't there.
    pub fn load(&self, cache: Option<&Path>) -> Result<Dataset> {
        if let Some(item) = &self.item_name {
            print::item::call(item);
        }
        let reading = self.reading();
        let Some(path) = &self.data else {
            self.refuse_without_data()?;
            return Ok(builtin::load());
        };
        let bar = progress::Bytes::new("reading");
        let data = match cache {
            Some(cache) => Dataset::load_cached(path, &reading, cache, &bar),
            None => Dataset::load_as(path, &reading, &bar),
        };
        bar.finish();
        data.map_err(DataError::into_anyhow)
    }

    /// # Errors
    /// [`BadInput`] where something is said of ratings whose form is known.
    fn refuse_without_data(&self) -> Result<()> {
        let given = [
            (self.columns.is_some(), "--columns"),
            (self.scale.is_some(), "--scale"),
            (self.licence.is_some(), "--licence"),
            (self.titles.is_some(), "--titles"),
            (self.user_table.is_some(), "--user-table"),
            (self.movie_table.is_some(), "--movie-table"),
            (self.item_name.is_some(), "--item-name"),
        ];
        match given.into_iter().find(|(given, _)| *given) {
            None => Ok(()),
            Some((_, option)) => Err(BadInput::new(format!(
                "{option} says something of --data, which isn't given; the ratings that ship with the project need nothing said"
            ))
            .into()),
        }
    }
}

/// Prints what a person should know of how ratings were read, a line each.
pub fn tell(data: &Dataset) {
    for told in &data.notes {
        match told {
            Note::NoTitles(_) | Note::Titles(_) => warn!("{told}"),
            _ => note!("{told}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        data: DataArgs,
    }

    fn parsed(words: &[&str]) -> Result<DataArgs, String> {
        let words = ["host"].iter().chain(words);
        Line::try_parse_from(words)
            .map(|line| line.data)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_said_of_ratings_is_taken_and_a_negative_scale_too() {
        let args = parsed(&[
            "--data",
            "x",
            "--scale",
            "-10..10/0.5",
            "--columns",
            "user=a,item=b,rating=c",
            "--license",
            " mine ",
        ]);
        let reading = args.unwrap().reading();
        assert_eq!(reading.scale.unwrap().to_string(), "-10..10/0.5");
        assert_eq!(
            reading.columns.unwrap().to_string(),
            "user=a,item=b,rating=c"
        );
        assert_eq!(reading.licence.unwrap(), "mine");
    }

    #[test]
    fn what_is_said_of_ratings_that_are_not_named_is_refused() {
        for (option, value) in [
            ("--scale", "1..10"),
            ("--licence", "x"),
            ("--columns", "user=1,item=2,rating=3"),
        ] {
            let error = parsed(&[option, value]).unwrap().load(None).unwrap_err();
            assert!(error.to_string().starts_with(option), "{error}");
            assert_eq!(crate::exit::code(&error), 2);
        }
        assert!(
            parsed(&["--licence", &"x".repeat(97)])
                .unwrap_err()
                .contains("has room for 96")
        );
        assert!(
            parsed(&["--licence", "a\nb"])
                .unwrap_err()
                .contains("a line of text")
        );
    }
}
