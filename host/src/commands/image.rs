//! What commands that read an image share: which one, its titles, and how lists of movies are shown.

use pocketrec::ids::{MovieId, UserId};
use std::path::{Path, PathBuf};

use anyhow::Result;
use pocketrec::model::{Model, UserState};

use super::movie::{Purpose, choose};
use crate::print::{self, count};
use crate::print::{Movie, Movies};
use crate::warn;
use pocketrec_base::error::BadInput;
use pocketrec_data::reading::TitlesFrom;
use pocketrec_data::{DataError, Names, Titles, load};
use pocketrec_export::people::People;
use pocketrec_export::{ImageBytes, sidecar};

/// Where `export` writes the image unless told otherwise, and where all others look.
pub const DEFAULT: &str = "target/pocketrec/model.img";

/// The image of a command that is about nothing else: by its place, or by `--image` as other commands name it.
#[derive(Debug, clap::Args)]
pub struct ImageArgs {
    /// The image
    #[arg(value_name = "IMAGE", default_value = DEFAULT)]
    image: PathBuf,

    /// The image, as other commands name it
    #[arg(
        long = "image",
        value_name = "FILE",
        hide = true,
        conflicts_with = "image"
    )]
    named: Option<PathBuf>,
}

impl ImageArgs {
    /// Where it is.
    pub fn path(&self) -> &Path {
        self.named.as_ref().unwrap_or(&self.image)
    }
}

/// The option of commands that show movies of an image.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct TitlesArgs {
    /// The movies' titles: a file such as movies.csv, or none, which shows ids [default: those that lie beside the image]
    #[arg(long, value_name = "PATH|none", global = true)]
    titles: Option<TitlesFrom>,
}

impl TitlesArgs {
    /// Whether somebody said where titles are.
    pub fn is_given(&self) -> bool {
        self.titles.is_some()
    }

    /// The titles of the movies of the image at `image`, which may be none or broken: those of the file that was named,
    /// with the numbers of ratings that lie beside the image; else those beside it, with a warning of what is wrong with
    /// them.
    ///
    /// # Errors
    /// [`BadInput`] where the file that was named can't be read or has no movie of the image.
    pub fn read(&self, image: Option<&Path>, model: Option<&Model<'_>>) -> Result<Titles> {
        let crc = model.map(|model| model.header().crc);
        if let Some(item) = image.and_then(|image| sidecar::item_of(image, crc)) {
            print::item::call(&item);
        }
        let beside = |warns: bool| {
            let listed = image
                .map(|image| sidecar::read(image, crc))
                .unwrap_or_default();
            for told in listed.notes.iter().filter(|_| warns) {
                warn!("{told}");
            }
            listed.titles
        };
        let path = match &self.titles {
            None => return Ok(beside(true)),
            Some(TitlesFrom::Nowhere) => return Ok(Titles::default()),
            Some(TitlesFrom::File(path)) => path,
        };
        let listed = load::titles_in(path, &Names::default()).map_err(DataError::into_anyhow)?;
        let mut ids = listed.titles.movies().iter().map(|movie| movie.id);
        if let Some(model) = model
            && !ids.any(|id| model.movie_row(MovieId(id)).is_ok())
        {
            let sentence = format!("--titles {} has no movie of the image", path.display());
            return Err(BadInput::new(sentence).into());
        }
        for told in &listed.notes {
            warn!("{told}");
        }
        let beside = beside(false);
        let counts = beside
            .movies()
            .iter()
            .map(|movie| (movie.id, movie.ratings));
        Ok(listed.titles.counted(counts))
    }
}

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
    /// The movies' own ids, where their ratings had texts for them.
    pub own_ids: People,
}

impl Loaded {
    /// Reads the image at `path`, its titles, and the names of users beside it.
    ///
    /// # Errors
    ///
    /// [`BadInput`] where there is no image, its titles are named and can't be read, or the names of its users are broken;
    /// else what the disk says.
    pub fn read(path: &Path, titles: &TitlesArgs) -> Result<Self> {
        let bytes = ImageBytes::read(path)?;
        let model = Model::open(bytes.as_ref()).ok();
        let crc = model.as_ref().map(|model| model.header().crc);
        Ok(Self {
            path: path.to_owned(),
            titles: titles.read(Some(path), model.as_ref())?,
            people: People::read(path, crc)?,
            own_ids: sidecar::own_ids(path, crc),
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
        let known = |id| model.movie_row(MovieId(id)).is_ok();
        choose(&self.titles, known, text, Purpose::Tell)
    }
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
    let state = model.user(UserId(id)).map_err(|_| {
        let has = match model.user_ids() {
            None => "which holds no users: leave out `--user` for the mean user".into(),
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

/// What lists for users of an image do, which may say what they have rated.
pub fn held(seen: bool) -> &'static str {
    match seen {
        true => "leave out what they have rated",
        false => "may include what they have rated",
    }
}

/// What a list of the best movies for somebody does with those that they have rated.
#[derive(Clone, Copy, Debug)]
pub enum Rated<'a> {
    /// It may name them, as it was asked to.
    Listed,
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
    /// Whether such a movie may be in the list.
    pub fn may_be_named(self) -> bool {
        !matches!(self, Self::LeftOut)
    }

    /// That in one line, for the user of that `name`, where it isn't what they asked for.
    pub fn line(self, name: &str) -> Option<String> {
        match self {
            Self::Listed => None,
            Self::LeftOut => Some(format!(
                "Without the movies that {name} has rated (`--include-rated` lists them too)"
            )),
            Self::Unknown { why, advice } => Some(format!(
                "Movies that {name} has rated may be among these: {why} ({advice})"
            )),
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
