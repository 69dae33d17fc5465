//! `host export --format npz|parquet|csv|jsonl`: the model's numbers for other programs, in place of the image.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use serde::Serialize;

use crate::print::{self, Answer, Target, count};
use crate::say;
use pocketrec_base::error::BadInput;
use pocketrec_base::files::{self, Together};
use pocketrec_checkpoint::Checkpoint;
use pocketrec_export::Chosen;
use pocketrec_export::arrays::{self, Side};
use pocketrec_tables::{Format, Table, write_arrays};

/// Rows that are put at a time.
const PART: usize = 1 << 13;

/// Where tables go: a file for npz, else a folder.
///
/// # Errors
/// [`BadInput`] for a place of the other kind, or that can't be written to.
pub fn place(format: Format, out: Option<&Target>, from: &Path) -> Result<Target> {
    match (format, out) {
        (Format::Npz, None) => Ok(Target::File(from.with_file_name("model.npz"))),
        (Format::Npz, Some(out)) => {
            out.claim_for_bytes("--out")?;
            Ok(out.clone())
        }
        (_, None) => Ok(Target::File(from.with_file_name("tables"))),
        (_, Some(Target::File(folder))) if Format::of_name(folder).is_none() || folder.is_dir() => {
            files::check_folder("--out", folder)?;
            Ok(Target::File(folder.clone()))
        }
        (_, Some(out)) => Err(BadInput::new(format!(
            "--format {} writes a table of users and one of movies: --out should be a folder, not {out}",
            format.name()
        ))
        .into()),
    }
}

/// Writes the numbers.
///
/// # Errors
/// [`BadInput`] for a model that tables can't have; else what the disk says. Nothing is written then.
pub fn write(checkpoint: &Checkpoint, chosen: &Chosen, format: Format, out: &Target) -> Result<()> {
    let files = match (format, out) {
        (Format::Npz, out) => {
            let arrays = arrays::arrays(checkpoint, chosen);
            out.write_with(|file| write_arrays(arrays, file))?;
            out.file().map(Path::to_owned).into_iter().collect()
        }
        (_, Target::File(folder)) => in_folder(checkpoint, chosen, format, folder)?,
        (_, Target::Stdout) => Vec::new(),
    };
    print::answer(&Written {
        files,
        format: format.name(),
        users: chosen.users.len(),
        movies: chosen.movies.len(),
        dims: [
            checkpoint.parameters.user_dim,
            checkpoint.parameters.movie_dim,
        ],
        licence: checkpoint.data.licence.clone(),
    })
}

fn in_folder(
    checkpoint: &Checkpoint,
    chosen: &Chosen,
    format: Format,
    folder: &Path,
) -> Result<Vec<PathBuf>> {
    arrays::check(checkpoint)?;
    std::fs::create_dir_all(folder)
        .with_context(|| format!("can't create {}", folder.display()))?;
    let mut together = Together::default();
    let failed = |path: &Path| format!("can't write {}; nothing was changed", path.display());
    let mut paths = Vec::new();
    for side in Side::BOTH {
        let rows = side.of(checkpoint, chosen);
        let path = folder.join(format!("{}.{}", side.file(), format.name()));
        let table = Table::new(format, &rows.columns());
        let count = rows.rows.len();
        together
            .add(&path, |file| {
                let mut writer = table.to(file)?;
                for start in (0..count).step_by(PART) {
                    let part = start..count.min(start + PART);
                    writer.put(table.packed(rows.cells(part)))?;
                }
                writer.finish()
            })
            .with_context(|| failed(&path))?;
        paths.push(path);
    }
    let p = &checkpoint.parameters;
    let path = folder.join("model.json");
    let model = Model {
        model: p.model.name(),
        data: &checkpoint.data.name,
        mean: p.mean,
        scale: [p.scale.0, p.scale.1],
        licence: &checkpoint.data.licence,
    };
    let text = serde_json::to_string_pretty(&model)? + "\n";
    together
        .add(&path, |file| file.write_all(text.as_bytes()))
        .with_context(|| failed(&path))?;
    paths.push(path);
    together
        .commit()
        .map_err(|(path, error)| anyhow!("can't write {}: {error}", path.display()))?;
    Ok(paths)
}

/// What stands beside the tables.
#[derive(Debug, Serialize)]
struct Model<'a> {
    model: &'static str,
    data: &'a str,
    /// A prediction is the mean, both biases and the dot product of both embeddings, clamped to the scale.
    mean: f32,
    scale: [f32; 2],
    licence: &'a str,
}

/// What was written.
#[derive(Debug, Serialize)]
struct Written {
    /// None where it went to standard output.
    files: Vec<PathBuf>,
    format: &'static str,
    users: usize,
    movies: usize,
    dims: [usize; 2],
    licence: String,
}

impl Answer for Written {
    fn tell(&self) {
        let files: Vec<String> = self
            .files
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        let what = format!(
            "{} and {} in single precision",
            count(self.users, "user"),
            count(self.movies, "movie")
        );
        match files.is_empty() {
            true => say!("Wrote {what}"),
            false => say!("Wrote {}: {what}", files.join(", ")),
        }
        say!("Licence: {}", self.licence);
    }
}
