//! `host synth`: synthetic ratings in the shape of a MovieLens release.

use std::ffi::OsStr;
use std::path::PathBuf;

use anyhow::{Context, Result, anyhow};
use serde::Serialize;

use crate::print::{self, Answer, bytes, count, progress, shell};
use crate::say;
use pocketrec_base::error::BadInput;
use pocketrec_base::files;
use pocketrec_base::threads;
use pocketrec_data::SYNTHETIC;
use pocketrec_data::synth::{self, Shape};
use pocketrec_tables::Format;

/// Options of `host synth`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The release whose size to take: ml-100k, ml-1m, ml-10m, ml-20m, ml-25m or ml-32m
    #[arg(long, value_name = "NAME", default_value = "ml-20m")]
    shape: String,

    /// Number of users, if different from the release's
    #[arg(long, value_name = "N")]
    users: Option<usize>,

    /// Number of movies, if different from the release's
    #[arg(long, value_name = "N")]
    movies: Option<usize>,

    /// Number of ratings, if different from the release's
    #[arg(long, value_name = "N")]
    ratings: Option<usize>,

    /// Random seed
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// How to write them: csv or parquet
    #[arg(long, value_name = "FORMAT", default_value = "csv", value_parser = format)]
    format: Format,

    /// Folder to write ratings.csv or ratings.parquet to [default: target/pocketrec/synthetic-SHAPE]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

fn format(name: &str) -> Result<Format, String> {
    let named = name.parse().ok();
    let known = named.filter(|format| matches!(format, Format::Csv | Format::Parquet));
    known.ok_or_else(|| "it should be csv or parquet".into())
}

/// The folder that `host synth` without options writes to, and what it writes if that isn't there.
///
/// # Errors
/// When the disk refuses.
pub fn usual() -> Result<PathBuf> {
    let args = Args {
        shape: "ml-20m".into(),
        users: None,
        movies: None,
        ratings: None,
        seed: 1,
        format: Format::Csv,
        out: None,
    };
    let folder = args.folder();
    if !folder.join("ratings.csv").is_file() {
        make(&args)?.tell();
    }
    Ok(folder)
}

impl Args {
    fn folder(&self) -> PathBuf {
        let usual = || PathBuf::from(files::FOLDER).join(format!("synthetic-{}", self.shape));
        self.out.clone().unwrap_or_else(usual)
    }
}

/// Makes up ratings and writes them.
///
/// # Errors
/// [`BadInput`] for a shape that can't be; else what failed.
pub fn run(args: &Args) -> Result<()> {
    print::answer(&make(args)?)
}

/// What was made up.
#[derive(Debug, Serialize)]
struct Made {
    /// The file.
    #[serde(serialize_with = "print::path")]
    path: PathBuf,
    bytes: u64,
    ratings: usize,
    movies: usize,
    users: usize,
    seed: u64,
    /// The RMSE that no model gets below.
    best_rmse: f64,
}

impl Made {
    fn sentence(&self) -> String {
        format!(
            "{} of {} by {}, seed {}; the best reachable RMSE is {:.4}",
            count(self.ratings, "made-up rating"),
            count(self.movies, "movie"),
            count(self.users, "user"),
            self.seed,
            self.best_rmse
        )
    }
}

impl Answer for Made {
    fn tell(&self) {
        say!("{}", self.sentence());
        say!("Wrote {} ({})", self.path.display(), bytes(self.bytes));
        let data = self.path.parent().unwrap_or(&self.path);
        let words = [OsStr::new("train"), OsStr::new("--data"), data.as_os_str()];
        print::next(&shell::command(words));
    }
}

fn make(args: &Args) -> Result<Made> {
    let named = Shape::named(&args.shape).ok_or_else(|| {
        BadInput::new(format!(
            "--shape is {}; it should be ml-100k, ml-1m, ml-10m, ml-20m, ml-25m or ml-32m",
            args.shape
        ))
    })?;
    let movies = args.movies.unwrap_or(named.movies);
    let shape = Shape {
        users: args.users.unwrap_or(named.users),
        movies,
        ratings: args.ratings.unwrap_or(named.ratings),
        top_movie: named
            .top_movie
            .max(u32::try_from(movies).unwrap_or(u32::MAX)),
    };
    shape.check().map_err(BadInput::new)?;
    let folder = args.folder();
    files::check_folder("--out", &folder)?;
    let [path, other] = match args.format {
        Format::Parquet => ["ratings.parquet", "ratings.csv"],
        _ => ["ratings.csv", "ratings.parquet"],
    }
    .map(|name| folder.join(name));
    let written = [&path, &other].into_iter().find(|path| path.exists());
    if let Some(path) = written.filter(|_| !folder.join(SYNTHETIC).exists()) {
        return Err(BadInput::new(format!(
            "{} exists and wasn't written by `synth`, which would overwrite it; give --out another folder",
            path.display()
        ))
        .into());
    }
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("can't create {}", folder.display()))?;
    let threads = threads::for_memory();
    let bar = progress::Count::new("users", shape.users as u64);
    let mut made = None;
    let mut together = files::Together::default();
    together
        .add(&path, |file| {
            let tell = |users: usize| bar.done(users as u64);
            made = Some(synth::write(
                &shape,
                args.seed,
                threads,
                args.format,
                file,
                tell,
            )?);
            Ok(())
        })
        .with_context(|| format!("can't write {}; nothing was changed", path.display()))?;
    bar.finish();
    let made = made.context("nothing was written")?;
    let made = Made {
        path,
        bytes: made.bytes,
        ratings: shape.ratings,
        movies: shape.movies,
        users: shape.users,
        seed: args.seed,
        best_rmse: made.floor,
    };
    let note = folder.join(SYNTHETIC);
    let text = format!(
        "{}\nMade by `host synth --shape {}`; free to use.\n",
        made.sentence(),
        args.shape
    );
    // Ahead of the ratings: without it nobody would know that they may be replaced.
    together
        .add_ahead(&note, |file| file.write_all(text.as_bytes()))
        .with_context(|| format!("can't write {}; nothing was changed", note.display()))?;
    // A folder has one set of ratings.
    together.remove(&other);
    together
        .commit()
        .map_err(|(place, error)| anyhow!("can't write {}: {error}", place.display()))?;
    Ok(made)
}
