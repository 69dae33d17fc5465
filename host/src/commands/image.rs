//! What commands that read an image share: which one, its titles, and how lists of movies are shown.

use std::path::{Path, PathBuf};

use anyhow::Result;
use pocketrec::model::{Model, UserState};

use super::movie::{Purpose, choose};
use crate::print::count;
use crate::print::{Movie, Movies};
use crate::warn;
use pocketrec_base::error::BadInput;
use pocketrec_data::Titles;
use pocketrec_export::people::People;
use pocketrec_export::{ImageBytes, sidecar};

/// Where `export` writes the image unless told otherwise, and where all others look.
pub const DEFAULT: &str = "target/pocketrec/model.img";

/// An image and its titles, read whole.
pub struct Loaded {
    /// Where it was read from.
    pub path: PathBuf,
    /// The image's bytes.
    pub bytes: ImageBytes,
    /// The titles beside it; may be empty.
    pub titles: Titles,
    /// What its users are called, where they have names.
    pub people: People,
}

impl Loaded {
    /// Reads the image at `path`, and the titles and the names of users beside it.
    ///
    /// # Errors
    ///
    /// [`BadInput`] where there is no image or the names of its users are broken; else what the disk says.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = ImageBytes::read(path)?;
        let crc = Model::open(bytes.as_ref())
            .ok()
            .map(|model| model.header().crc);
        Ok(Self {
            path: path.to_owned(),
            titles: titles(path, crc),
            people: People::read(path, crc)?,
            bytes,
        })
    }

    /// Verifies the image.
    ///
    /// # Errors
    ///
    /// [`BadInput`] names the field at fault.
    pub fn model(&self) -> Result<Model<'_>> {
        self.bytes.open(&self.path)
    }

    /// The id of the movie that `text` means; a line on stderr says which it is, where that isn't what was typed.
    ///
    /// # Errors
    ///
    /// [`BadInput`] says which movies could be meant.
    pub fn movie(&self, model: &Model<'_>, text: &str) -> Result<u32> {
        let known = |id| model.movie_row(id).is_ok();
        choose(&self.titles, known, text, Purpose::Tell)
    }
}

/// The titles beside an image of this CRC-32, with a warning of what is wrong with them.
fn titles(image: &Path, crc: Option<u32>) -> Titles {
    let listed = sidecar::read(image, crc);
    for told in &listed.notes {
        warn!("{told}");
    }
    listed.titles
}

/// A user of the command line.
pub struct User {
    /// The id in the image; none for the mean user.
    pub id: Option<u32>,
    /// What the model knows of them.
    pub state: UserState,
    /// What to call them.
    pub name: String,
}

/// The user of an image that a person names, by number or by name, or the mean user where none is given.
///
/// # Errors
///
/// [`BadInput`] for a user that the image doesn't have, with what it has.
pub fn user(people: &People, model: &Model<'_>, user: Option<&str>) -> Result<User> {
    let Some(text) = user else {
        return Ok(User {
            id: None,
            state: model.mean_user(),
            name: "the mean user".into(),
        });
    };
    let id = people.id(text)?;
    let state = model.user(id).map_err(|_| {
        let has = match model.user_ids() {
            None => "which holds no users: without `--user` the mean user is asked".into(),
            Some(ids) => format!(
                "which has {} with ids from {} to {}",
                count(ids.len(), "user"),
                ids.id(0).unwrap_or_default(),
                ids.id(ids.len() - 1).unwrap_or_default()
            ),
        };
        BadInput::new(format!("user {id} is not in the image, {has}"))
    })?;
    Ok(User {
        id: Some(id),
        state,
        name: people.called(id),
    })
}

/// What lists for users of an image are, which may say what they have rated.
pub fn held(seen: bool) -> &'static str {
    match seen {
        true => "without what they have rated",
        false => "what they have rated may be among them",
    }
}

/// What a list of the best movies for a user of the image does with those that they have rated.
#[derive(Clone, Copy, Debug)]
pub enum Rated<'a> {
    /// It is without them.
    LeftOut,
    /// It isn't known which they are.
    Unknown {
        /// Why, as a clause.
        why: &'a str,
        /// What would tell, as a clause.
        advice: &'a str,
    },
}

impl Rated<'_> {
    /// That in one line, for the user of that `name`.
    pub fn line(self, name: &str) -> String {
        match self {
            Self::LeftOut => {
                format!(
                    "Without the movies that {name} has rated (`--include-rated` lists them too)"
                )
            }
            Self::Unknown { why, advice } => {
                format!("Movies that {name} has rated may be among these: {why} ({advice})")
            }
        }
    }
}

/// A list of movies as text: rank, number, title and genres. `name` is what the number is.
pub fn list(
    titles: &Titles,
    name: &'static str,
    movies: impl IntoIterator<Item = (u32, f32)>,
) -> String {
    let mut list = Movies::with(&[name]);
    for (id, number) in movies {
        list.push(Movie::of(titles, id), &[number]);
    }
    list.table().text()
}
