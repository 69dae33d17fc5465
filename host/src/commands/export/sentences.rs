//! What an export says of an image's contents, and of one that is too large.

use std::sync::Arc;

use anyhow::Result;
use pocketrec::image::TableKind;

use super::Args;
use crate::commands::trained;
use crate::print::{count, grouped};
use boards::Board;
use pocketrec_checkpoint::Checkpoint;
use pocketrec_export::bill::Bill;
use pocketrec_export::{Chosen, Facets, ImageBytes, Keep, Storage, build, fit};
use pocketrec_train::drift::Drift;

/// What the image holds, in one line.
pub fn held_sentence(
    args: &Args,
    storage: Storage,
    checkpoint: &Checkpoint,
    chosen: &Chosen,
    board: Board,
) -> String {
    let of = |some: usize, all: usize, what: &str| {
        let (some_text, all_text) = (grouped(some as u64), grouped(all as u64));
        if some == all {
            format!("all {all_text} {what}")
        } else {
            format!("{some_text} of {all_text} {what}")
        }
    };
    let movies = of(chosen.movies.len(), checkpoint.movie_ids.len(), "movies");
    let users = of(chosen.users.len(), checkpoint.user_ids.len(), "users");
    let why = match (&args.users, chosen.users.len()) {
        (Some(_), _) => String::new(),
        (None, 0) => format!(": none fit {} beside the movies", board.name),
        (None, all) if all == checkpoint.user_ids.len() => format!(", who fit {}", board.name),
        (None, _) => format!(", the most active that fit {}", board.name),
    };
    let stored = if args.precompute {
        ", with each movie's half of dense layer 0 stored"
    } else {
        ""
    };
    let (dims, of) = (storage.dims(checkpoint), checkpoint.parameters.movie_dim);
    let dim = match storage.dim {
        Some(_) => format!(" of {}", count(dims, "dimension")),
        None if dims < of => {
            format!(" of {dims} of {of} dimensions, as it takes an even number of them")
        }
        None => String::new(),
    };
    format!(
        "The image holds {movies} and {users}{why}, in {}{dim}{stored}",
        storage.precision.name()
    )
}

/// By how much the users' latest ratings have moved their biases, in one line; nothing without users.
pub fn drift_sentence(drift: &Drift, chosen: &Chosen) -> Option<String> {
    let squares = chosen
        .users
        .iter()
        .map(|&row| f64::from(drift.users[row]).powi(2));
    let count = chosen.users.len();
    (count > 0).then(|| {
        format!(
            "Users' biases are as of their last rating, {:.2} stars from those over all ratings (root mean square); \
             `--as-of all` leaves them",
            (squares.sum::<f64>() / count as f64).sqrt()
        )
    })
}

/// What is said of what the users have rated, in one line; `missing` is why it can't be known.
pub fn seen_sentence(
    args: &Args,
    bytes: &ImageBytes,
    missing: Option<&str>,
    board: Board,
) -> String {
    let table = Bill::of(bytes)
        .tables
        .into_iter()
        .find(|table| table.name == TableKind::UserSeen.name());
    let but = "so a device's lists for them may name it";
    match (table, args.seen, missing) {
        (Some(table), ..) => format!(
            "It stores which movies they have rated, in {}, so that a device leaves those out of their lists",
            count(table.bytes, "byte")
        ),
        (None, Keep::None, _) => {
            format!("It doesn't say what they have rated (`--seen none`), {but}")
        }
        (None, _, Some(why)) => {
            let advice = trained::advice(why);
            format!("It doesn't say what they have rated, {but}: {why} ({advice})")
        }
        (None, Keep::All, None) => "They have rated none of these movies".into(),
        (None, Keep::Fit, None) => {
            let fewer = match args.users {
                None => "with fewer users ",
                Some(_) => "",
            };
            format!(
                "What they have rated doesn't fit {} beside them, {but} (`--seen all` takes it in {fewer}all the same)",
                board.name
            )
        }
    }
}

/// What is said of genres and years, in one line; `facets` are those there are, or why there are none.
pub fn facets_sentence(
    bytes: &ImageBytes,
    facets: &std::result::Result<Arc<Facets>, String>,
    board: Board,
) -> String {
    let kinds = [
        TableKind::MovieFacets,
        TableKind::GenreSets,
        TableKind::GenreNames,
        TableKind::FirstYear,
    ];
    let tables = Bill::of(bytes).tables.into_iter();
    let those = tables.filter(|table| kinds.iter().any(|kind| kind.name() == table.name));
    let size: usize = those.map(|table| table.bytes).sum();
    let but = "so `query top --genre` is filtered on the PC";
    match (size, facets) {
        (0, Err(why)) => format!("It doesn't say genres and years ({why}), {but}"),
        (0, Ok(_)) => {
            format!(
                "Genres and years don't fit {} beside them, {but}",
                board.name
            )
        }
        (size, _) => format!(
            "It stores genres and years, in {}, so that a device can filter its lists",
            count(size, "byte")
        ),
    }
}

/// Why the image doesn't fit, and what would.
pub fn too_large(
    storage: Storage,
    checkpoint: &Checkpoint,
    chosen: &Chosen,
    bytes: &ImageBytes,
    board: Board,
) -> Result<String> {
    let region = board.image_region;
    let over = bytes.as_ref().len() - region;
    let fits = fit::movies_that_fit(checkpoint, chosen, storage, region)?;
    let with = match chosen.users.len() {
        0 => "without users".to_owned(),
        1 => "with this user".to_owned(),
        users => format!("with these {} users", grouped(users as u64)),
    };
    let advice = match fits {
        Some(1) => format!(
            "{with}, the most rated movie would fit (`--movies 1`), which carries {:.1} % of the ratings",
            100.0 * fit::share_of_ratings(checkpoint, 1)
        ),
        Some(number) => format!(
            "{with}, the {} most rated movies would fit (`--movies {number}`), which carry {:.1} % of the ratings",
            grouped(number as u64),
            100.0 * fit::share_of_ratings(checkpoint, number)
        ),
        None => format!("{with}, not even one movie would fit: choose fewer users"),
    };
    let stored = if storage.precompute {
        let without = Storage {
            precompute: false,
            ..storage
        };
        let plain = build(checkpoint, chosen, without)?.as_ref().len();
        format!(
            "; stored halves of dense layer 0 take {} of its {} bytes, and without `--precompute` {}",
            grouped((bytes.as_ref().len() - plain) as u64),
            grouped(bytes.as_ref().len() as u64),
            beyond(plain, region)
        )
    } else {
        String::new()
    };
    let seen = match &chosen.seen {
        Some(_) => {
            let without = Chosen {
                seen: None,
                ..chosen.clone()
            };
            let length = fit::length(checkpoint, &without, storage)?;
            format!(
                "; what the users have rated takes {} of its {} bytes, and without `--seen all` {}",
                grouped((bytes.as_ref().len() - length) as u64),
                grouped(bytes.as_ref().len() as u64),
                beyond(length, region)
            )
        }
        None => String::new(),
    };
    Ok(format!(
        "the image is {} too large for {}, whose region has {}{stored}{seen}; {advice}",
        count(over, "byte"),
        board.name,
        grouped(region as u64)
    ))
}

/// Whether so many bytes would fit, in a clause.
fn beyond(length: usize, region: usize) -> String {
    match length.checked_sub(region) {
        None | Some(0) => "it would fit".to_owned(),
        Some(over) => format!("{} would still be too many", count(over, "byte")),
    }
}
