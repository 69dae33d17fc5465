//! Where an image and the files beside it go, and their writing: all of them, or none.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};

use crate::print::Target;
use pocketrec_base::files;
use pocketrec_checkpoint::Checkpoint;
use pocketrec_data::Titles;
use pocketrec_export::{Chosen, ImageBytes, people, sidecar};

/// The places.
pub(super) struct Placed {
    pub image: Target,
    /// The file of its movies' titles; none beside standard output.
    pub titles: Option<PathBuf>,
    /// The file of its users' names.
    pub people: Option<PathBuf>,
}

/// The files beside the image that were written.
pub(super) struct Written {
    pub titles: Option<PathBuf>,
    pub people: Option<PathBuf>,
}

impl Placed {
    /// Those of an image at `image`, which can be written.
    pub(super) fn at(image: Target) -> Result<Self> {
        image.claim_for_bytes("--out")?;
        let titles = image.file().map(sidecar::path_of);
        let people = image.file().map(people::path_of);
        for (what, beside) in [
            ("the file of the image's titles", &titles),
            ("the file of the names of the image's users", &people),
        ] {
            beside
                .iter()
                .try_for_each(|path| files::check_file(what, path))?;
        }
        Ok(Self {
            image,
            titles,
            people,
        })
    }

    /// Writes the image of what was `chosen` of the checkpoint, with the titles and names that it has. A file of those that
    /// an earlier image left is removed.
    pub(super) fn write(
        &self,
        bytes: &ImageBytes,
        checkpoint: &Checkpoint,
        chosen: &Chosen,
        named: Option<Titles>,
        from: &Path,
    ) -> Result<Written> {
        let crc = bytes.open(from)?.header().crc;
        let people = self.people.as_deref().zip(names(checkpoint, chosen, crc)?);
        let titles = self.titles.as_deref().zip(match named {
            Some(named) => Some(self::titles(named, checkpoint, chosen, crc)?),
            None => None,
        });
        let mut together = files::Together::default();
        let mut beside =
            |place: &Option<PathBuf>, csv: &Option<(&Path, Vec<u8>)>| match (place, csv) {
                (_, Some((path, csv))) => together
                    .add(path, |file| file.write_all(csv))
                    .with_context(|| failed(path)),
                (Some(path), None) => {
                    together.remove(path);
                    Ok(())
                }
                (None, None) => Ok(()),
            };
        beside(&self.people, &people)?;
        beside(&self.titles, &titles)?;
        // The image last: it says that what lies beside it is its own.
        match self.image.file() {
            Some(path) => together
                .add(path, |file| file.write_all(bytes.as_ref()))
                .with_context(|| failed(path))?,
            None => self.image.write(bytes.as_ref())?,
        }
        together
            .commit()
            .map_err(|(path, error)| anyhow!("can't write {}: {error}", path.display()))?;
        let place = |(path, _): (&Path, Vec<u8>)| path.to_owned();
        Ok(Written {
            titles: titles.map(place),
            people: people.map(place),
        })
    }
}

fn failed(path: &Path) -> String {
    format!("can't write {}; nothing was changed", path.display())
}

/// The names of the image's users, where they have some.
fn names(checkpoint: &Checkpoint, chosen: &Chosen, crc: u32) -> Result<Option<Vec<u8>>> {
    let names = &checkpoint.data.user_names;
    if names.is_empty() || chosen.users.is_empty() {
        return Ok(None);
    }
    let ids = chosen.users.iter().map(|row| checkpoint.user_ids[*row]);
    people::to_csv(names, ids, crc).map(Some)
}

/// The titles of the image's movies, with how often each was rated.
fn titles(named: Titles, checkpoint: &Checkpoint, chosen: &Chosen, crc: u32) -> Result<Vec<u8>> {
    let ids: Vec<u32> = chosen
        .movies
        .iter()
        .map(|row| checkpoint.movie_ids[*row])
        .collect();
    let counts = checkpoint.movie_counts.iter().copied();
    let counted = named.counted(checkpoint.movie_ids.iter().copied().zip(counts));
    let item = checkpoint.data.reading.item.as_ref();
    sidecar::to_csv(&counted, &ids, &checkpoint.data.movie_names, item, crc)
}
