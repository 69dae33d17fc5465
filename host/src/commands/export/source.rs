//! `host export --format c`: a header and a source in place of the image.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use serde::Serialize;

use crate::print::{self, Answer, Target, count};
use crate::say;
use pocketrec_base::error::BadInput;
use pocketrec_base::files::{self, Together};
use pocketrec_checkpoint::Checkpoint;
use pocketrec_export::{Chosen, Precision, c};
use pocketrec_tables as tables;

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A flash image.
    Image,
    /// C.
    C,
    /// The model's numbers as tables or arrays.
    Numbers(tables::Format),
}

impl Format {
    /// What is written to `out` where nothing says: an archive of arrays by its name, else an image.
    ///
    /// # Errors
    /// [`BadInput`] for the name of a table, of which there would be two.
    pub fn of(out: Option<&Target>) -> Result<Format> {
        match out.and_then(Target::file).and_then(tables::Format::of_name) {
            None => Ok(Format::Image),
            Some(tables::Format::Npz) => Ok(Format::Numbers(tables::Format::Npz)),
            Some(format) => Err(BadInput::new(format!(
                "--out ends like a table, and a model has one of users and one of movies: name a folder and add --format {}, or name an .npz",
                format.name()
            ))
            .into()),
        }
    }
}

/// A format by its name.
pub fn format(name: &str) -> Result<Format, String> {
    match name {
        "image" => Ok(Format::Image),
        "c" => Ok(Format::C),
        name => name
            .parse()
            .map(Format::Numbers)
            .map_err(|_| format!("it should be image, c, {}", tables::FORMATS)),
    }
}

/// # Errors
/// [`BadInput`] where two files can't go.
pub fn check(out: Option<&Target>) -> Result<()> {
    let Some(out) = out else {
        return Ok(());
    };
    match out.file() {
        Some(path) if path.extension().is_some_and(|end| end == "c" || end == "h") => Ok(()),
        _ => Err(BadInput::new(
            "--format c writes a header and a source: --out should be the source, such as model.c",
        )
        .into()),
    }
}

/// # Errors
/// [`BadInput`] for a name that says something else than an image.
pub fn check_image(out: Option<&Target>) -> Result<(), BadInput> {
    let Some(path) = out.and_then(Target::file) else {
        return Ok(());
    };
    let what = "an image is written, without a firmware (`--uf2`, `--hex`, `--elf` and `--format` write something else)";
    files::check_kind("--out", path, what, &["img", "bin"])
}

/// Writes the source to `out`, or beside the checkpoint, and the header beside it.
///
/// # Errors
/// [`BadInput`] for a model that C can't have; else what the disk says.
pub fn write(
    checkpoint: &Checkpoint,
    chosen: &Chosen,
    precision: Precision,
    from: &Path,
    out: Option<&Target>,
) -> Result<()> {
    let source = out.and_then(Target::file).map_or_else(
        || from.with_file_name("model.c"),
        |path| path.with_extension("c"),
    );
    let header = source.with_extension("h");
    let stem = source.file_stem().unwrap_or_default().to_string_lossy();
    let made = c::write(checkpoint, chosen, precision, &stem)?;
    let mut together = Together::default();
    for (path, text) in [(&header, &made.header), (&source, &made.source)] {
        files::check_file("--out", path)?;
        together
            .add(path, |file| file.write_all(text.as_bytes()))
            .with_context(|| format!("can't write {}; nothing was changed", path.display()))?;
    }
    together
        .commit()
        .map_err(|(path, error)| anyhow!("can't write {}: {error}", path.display()))?;
    print::answer(&Written {
        header,
        source,
        movies: chosen.movies.len(),
        users: chosen.users.len(),
        precision: precision.name(),
    })
}

/// What was written.
#[derive(Debug, Serialize)]
struct Written {
    #[serde(serialize_with = "print::path")]
    header: PathBuf,
    #[serde(serialize_with = "print::path")]
    source: PathBuf,
    movies: usize,
    users: usize,
    precision: &'static str,
}

impl Answer for Written {
    fn tell(&self) {
        say!(
            "Wrote {} and {}: {} and {} in {}, whose predictions have the bits of an image's",
            self.header.display(),
            self.source.display(),
            count(self.movies, "movie"),
            count(self.users, "user"),
            self.precision
        );
    }
}
