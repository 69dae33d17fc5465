//! `host map`: the movies of an image on a plane, as a table that a page or a picture is drawn from.

use std::path::{Path, PathBuf};

use anyhow::Result;
use pocketrec::ids::MovieId;
use serde::Serialize;

use super::image::{DEFAULT, Loaded, TitlesArgs};
use crate::print::{self, Answer, Target, count};
use crate::say;
use pocketrec_base::error::BadInput;
use pocketrec_export::map;

/// Options of `host map`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The image
    #[arg(long, value_name = "FILE", default_value = DEFAULT)]
    image: PathBuf,

    #[command(flatten)]
    titles: TitlesArgs,

    /// File to write, tab-separated: a line for each movie, with its id, title, genres, number of ratings, and place on
    /// the map, x and y from -1 to 1; - is standard output [default: beside the image, for example model.map.tsv]
    #[arg(long, value_name = "FILE")]
    out: Option<Target>,
}

/// Lays out and writes.
///
/// # Errors
/// [`BadInput`] for an image that can't be read or has no titles; else what the disk says.
pub fn run(args: &Args) -> Result<()> {
    let usual = || Target::File(args.image.with_extension("map.tsv"));
    let out = args.out.clone().unwrap_or_else(usual);
    out.claim_kind(
        "--out",
        "a map is written as text with tabs",
        &["tsv", "txt"],
    )?;
    let loaded = Loaded::read(&args.image, &args.titles)?;
    let model = loaded.model()?;
    if loaded.titles.is_empty() {
        return Err(BadInput::new(format!(
            "{} has no titles to name on a map; `--titles FILE` gives them",
            args.image.display()
        ))
        .into());
    }
    let titles = &loaded.titles;
    let id = |row| model.movie_id(row).unwrap_or(MovieId(0)).0;
    let ratings = |row| titles.get(id(row)).map_or(0, |movie| movie.ratings);
    let places = map::of(&model, ratings);
    let item = print::item::named();
    let id_column = print::item::id_column(item.as_ref());
    let mut text = format!("{id_column}\ttitle\tgenres\tratings\tx\ty");
    // What the things are called stands where no reader looks for a column, as in a titles file.
    if let Some(item) = item {
        text.push_str(&format!("\titem {item}"));
    }
    text.push('\n');
    for (row, [x, y]) in (0..).zip(&places) {
        let genres = titles.get(id(row)).map(|movie| movie.genres.join("|"));
        // A reader of tables takes a tab for the end of a cell.
        let title = titles.title(id(row));
        // One without a title is `movie 300`, which is ours.
        let title = match titles.get(id(row)) {
            Some(_) => title,
            None => print::worded(&title).into_owned(),
        };
        let title = title.replace(['\t', '\n', '\r'], " ");
        let genres = genres.unwrap_or_default().replace(['\t', '\n', '\r'], " ");
        let line = format!(
            "{}\t{title}\t{genres}\t{}\t{x:.3}\t{y:.3}\n",
            id(row),
            ratings(row)
        );
        text.push_str(&line);
    }
    out.write(text.as_bytes())?;
    print::answer(&Mapped {
        movies: places.len(),
        map: out.file(),
    })
}

/// What was written.
#[derive(Debug, Serialize)]
struct Mapped<'a> {
    movies: usize,
    map: Option<&'a Path>,
}

impl Answer for Mapped<'_> {
    fn tell(&self) {
        if let Some(path) = self.map {
            say!(
                "{} on a plane: {}",
                count(self.movies, "movie"),
                path.display()
            );
        }
    }
}
