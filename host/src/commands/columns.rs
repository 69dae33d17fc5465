//! Numbers as other programs read them without a reader: one column a file, 4 bytes each, little-endian.

use std::path::Path;

use anyhow::{Context, Result};

use pocketrec_base::files;
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

/// Writes one column into a folder, which is made if it isn't there.
///
/// # Errors
/// When the disk refuses.
pub fn write(folder: &Path, name: &str, numbers: impl Iterator<Item = impl Number>) -> Result<()> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("can't create {}", folder.display()))?;
    let path = folder.join(name);
    files::write_with(&path, |file| {
        let mut numbers = numbers;
        numbers.try_for_each(|number| file.write_all(&number.bytes()))
    })
    .with_context(|| format!("can't write {}", path.display()))
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
    write(folder, USERS, ratings.users.iter().copied())?;
    write(folder, MOVIES, ratings.movies.iter().copied())?;
    write(folder, STARS, ratings.stars.iter().copied())?;
    write(folder, VALIDATION, split.validation.iter().copied())?;
    if epochs == 0 {
        return Ok(());
    }
    let mut orders = orders(ratings, split, options);
    (1..=epochs).try_for_each(|epoch| write(folder, &order(epoch), orders(epoch).into_iter()))
}
