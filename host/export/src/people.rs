//! What the users of an image are called, in a file beside it, where their ratings gave them names and not numbers.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::beside::{IMAGE, image_of};
use pocketrec_base::error::BadInput;
use pocketrec_base::print::count;
use pocketrec_data::Names;

/// The names of an image's users, or the own ids of its movies; empty where their ids are their ratings' own numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct People {
    /// By name.
    names: Vec<(String, u32)>,
    /// Places among the names, by id.
    by_id: Vec<u32>,
}

/// The file of an image: `model.img` has `model.users.csv`.
pub fn path_of(image: &Path) -> PathBuf {
    image.with_extension("users.csv")
}

/// The names of users as a table of ids and names, whose header has the image's `crc` behind the columns.
///
/// # Errors
/// Where the CSV writer fails, which it has no reason to in memory.
pub fn to_csv(names: &Names, ids: impl Iterator<Item = u32>, crc: u32) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["userId", "name", &format!("{IMAGE}{crc:08x}")])?;
    for (id, name) in ids.filter_map(|id| Some((id, names.of(id)?))) {
        writer.write_record([&id.to_string(), name, ""])?;
    }
    writer.into_inner().context("the users can't be written")
}

impl People {
    /// Reads the names beside `image`, whose CRC-32 is `crc`; none where there is no such file, nor where it was written
    /// for another image.
    ///
    /// # Errors
    /// [`BadInput`] that names file and line where it isn't what [`to_csv`] writes.
    pub fn read(image: &Path, crc: Option<u32>) -> Result<People> {
        let path = path_of(image);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(People::default());
            }
            Err(error) => {
                return Err(error).with_context(|| format!("{} could not be read", path.display()));
            }
        };
        if crc.is_some() && image_of(&bytes) != crc {
            pocketrec_base::warn!(
                "{} has the users of another image than {}, so they go by their ids; `export` writes both files",
                path.display(),
                image.display()
            );
            return Ok(People::default());
        }
        let mut names = Vec::new();
        for record in csv::Reader::from_reader(&bytes[..]).deserialize::<(u32, String, String)>() {
            let (id, name, _) = record.map_err(|error| {
                BadInput::new(format!(
                    "{}: {error}; it should have lines of a user's id and name, as `export` writes them",
                    path.display()
                ))
            })?;
            names.push((name, id));
        }
        Ok(People::of(names))
    }

    /// Names and ids, in any order.
    pub fn of(mut names: Vec<(String, u32)>) -> People {
        names.sort();
        let mut by_id: Vec<u32> = (0..names.len() as u32).collect();
        by_id.sort_by_key(|place| names[*place as usize].1);
        People { names, by_id }
    }

    /// Whether there are names; else ids are their ratings' own numbers.
    pub fn are_named(&self) -> bool {
        !self.names.is_empty()
    }

    /// The id of a name.
    pub fn known(&self, name: &str) -> Option<u32> {
        let place = self
            .names
            .binary_search_by(|(other, _)| other.as_str().cmp(name));
        Some(self.names[place.ok()?].1)
    }

    /// The name of an id.
    pub fn name(&self, id: u32) -> Option<&str> {
        let of = |place: &u32| &self.names[*place as usize];
        let place = self
            .by_id
            .binary_search_by_key(&id, |place| of(place).1)
            .ok()?;
        Some(&of(&self.by_id[place]).0)
    }

    /// The id of the user whom a person means: by name where users have names, else by number.
    ///
    /// # Errors
    /// [`BadInput`] says what would be right.
    pub fn id(&self, text: &str) -> Result<u32, BadInput> {
        let text = text.trim();
        if self.names.is_empty() {
            return text.parse().map_err(|_| {
                BadInput::new(format!(
                    "--user is `{text}`; it should be the number of a user, for instance 42"
                ))
            });
        }
        match self
            .names
            .binary_search_by(|(name, _)| name.as_str().cmp(text))
        {
            Ok(place) => Ok(self.names[place].1),
            Err(place) => {
                let near = self.names[place.saturating_sub(1)..].iter().take(3);
                let near: Vec<&str> = near.map(|(name, _)| name.as_str()).collect();
                Err(BadInput::new(format!(
                    "no user of the image is called `{text}`; it has {}, such as {}",
                    count(self.names.len(), "user"),
                    near.join(", ")
                )))
            }
        }
    }

    /// What the user of an id is called in messages: `user 42`, or `user A1B2` by name.
    pub fn called(&self, id: u32) -> String {
        match self.name(id) {
            Some(name) => format!("user {name}"),
            None => format!("user {id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_the_names_that_their_ratings_gave_them() {
        let folder = tempfile::tempdir().unwrap();
        let image = folder.path().join("model.img");
        assert_eq!(
            People::read(&image, Some(7)).unwrap().id("42").ok(),
            Some(42)
        );
        let names = Names::new(["ann", "bob, jr", "cy"].map(String::from).into());
        std::fs::write(
            path_of(&image),
            to_csv(&names, [1, 2].into_iter(), 7).unwrap(),
        )
        .unwrap();
        let people = People::read(&image, Some(7)).unwrap();
        assert_eq!(
            (people.id("bob, jr").ok(), people.called(2)),
            (Some(2), "user bob, jr".into())
        );
        let error = people.id("cy").unwrap_err().to_string();
        assert!(
            error.contains("no user of the image is called `cy`; it has 2 users, such as bob, jr"),
            "{error}"
        );
        assert!(people.id("2").is_err());
        assert_eq!(People::read(&image, Some(8)).unwrap(), People::default());
        std::fs::write(path_of(&image), "userId,name,image 00000007\nx,ann,\n").unwrap();
        assert!(
            People::read(&image, Some(7))
                .unwrap_err()
                .to_string()
                .contains("model.users.csv")
        );
    }
}
