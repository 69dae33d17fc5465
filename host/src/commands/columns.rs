//! Numbers as other programs read them without a reader: one column a file, 4 bytes each, little-endian.

use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, Result, anyhow};

use pocketrec_base::files::Together;
use pocketrec_data::{Ratings, Split};
use pocketrec_train::{Options, orders};

/// User row of each rating.
pub const USERS: &str = "users.u32";
/// Movie row of each rating.
pub const MOVIES: &str = "movies.u32";
/// Stars of each rating.
pub const STARS: &str = "stars.f32";
/// Ascending numbers of the ratings that are held back.
pub const VALIDATION: &str = "validation.u32";

/// Numbers of the ratings that are trained on, in the order of an epoch, from 1.
pub fn order(epoch: usize) -> String {
    format!("order-{epoch}.u32")
}

/// A number of 4 bytes.
pub trait Number {
    /// Its bytes, little-endian.
    fn bytes(self) -> [u8; 4];
}

impl Number for u32 {
    fn bytes(self) -> [u8; 4] {
        self.to_le_bytes()
    }
}

impl Number for f32 {
    fn bytes(self) -> [u8; 4] {
        self.to_le_bytes()
    }
}

/// Columns that are written into a folder together, or none of them.
pub struct Columns<'a> {
    folder: &'a Path,
    together: Together,
}

impl<'a> Columns<'a> {
    /// Into that folder, which is made if it isn't there.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn new(folder: &'a Path) -> Result<Self> {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("can't create {}", folder.display()))?;
        Ok(Self {
            folder,
            together: Together::default(),
        })
    }

    /// Writes one column beside its place.
    ///
    /// # Errors
    /// When the disk refuses: then none is there.
    pub fn add(
        &mut self,
        name: &str,
        mut numbers: impl Iterator<Item = impl Number>,
    ) -> Result<()> {
        self.add_file(name, |file| {
            numbers.try_for_each(|number| file.write_all(&number.bytes()))
        })
    }

    /// Writes what belongs to the columns.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn add_file(
        &mut self,
        name: &str,
        fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<()> {
        let path = self.folder.join(name);
        self.together
            .add(&path, fill)
            .with_context(|| format!("can't write {}; nothing was changed", path.display()))
    }

    /// Puts all into their places.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn commit(self) -> Result<()> {
        let failed = self.together.commit();
        failed.map_err(|(path, error)| anyhow!("can't write {}: {error}", path.display()))
    }
}

/// Writes ratings in the order that they have in memory, and which of them are held back; then, for each of the first
/// `epochs`, the numbers of the others in the order in which Adam with these options meets them.
///
/// # Errors
/// When the disk refuses.
pub fn write_split(
    ratings: &Ratings,
    split: &Split,
    options: &Options,
    epochs: usize,
    folder: &Path,
) -> Result<()> {
    let mut columns = Columns::new(folder)?;
    columns.add(USERS, ratings.users.iter().copied())?;
    columns.add(MOVIES, ratings.movies.iter().copied())?;
    columns.add(STARS, ratings.stars.iter().copied())?;
    columns.add(VALIDATION, split.validation.iter().copied())?;
    if epochs > 0 {
        let mut orders = orders(ratings, split, options);
        for epoch in 1..=epochs {
            columns.add(&order(epoch), orders(epoch).into_iter())?;
        }
    }
    columns.commit()
}
