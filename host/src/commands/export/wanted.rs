//! What an image is made from beside the checkpoint: ratings, titles, genres and years.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;

use super::{Args, trained};
use crate::print::{count, grouped};
use crate::warn;
use boards::Board;
use pocketrec_base::error::BadInput;
use pocketrec_checkpoint::Checkpoint;
use pocketrec_data::reading::TitlesFrom;
use pocketrec_data::{DataError, Dataset, Note, Ratings, Titles, load};
use pocketrec_export::{Facets, Keep, Rated, seen};

/// What the users of the checkpoint have rated of its movies: of a model that was trained here, all of `ratings`.
pub(super) fn rated(ratings: &Ratings, checkpoint: &Checkpoint) -> Rated {
    let (users, movies) = (&checkpoint.user_ids, &checkpoint.movie_ids);
    match ratings.user_ids == *users && ratings.movie_ids == *movies {
        true => Rated::new(ratings),
        false => Rated::new(&ratings.of_rows(users, movies)),
    }
}

/// Refuses what more users have rated than a table has numbers for.
pub(super) fn numbered(args: &Args, checkpoint: &Checkpoint, movies: usize) -> Result<()> {
    let numbered = seen::most_users(movies);
    let most = match &args.users {
        Some(users) => users.rows(checkpoint)?.len(),
        None => 0,
    };
    if args.seen == Keep::All && most > numbered {
        return Err(BadInput::new(format!(
            "`--seen all` with {} takes at most {}, and these are {}: choose fewer, or `--seen none`",
            count(movies, "movie"),
            count(numbered, "user"),
            grouped(most as u64)
        ))
        .into());
    }
    Ok(())
}

/// The ratings that the checkpoint at `from` was trained on, or why they can't be had.
pub(super) fn data(
    args: &Args,
    checkpoint: &Checkpoint,
    from: &Path,
) -> Result<std::result::Result<Dataset, String>> {
    let note = &checkpoint.data;
    let folder = from.parent().unwrap_or(Path::new(""));
    trained::ratings(note.fingerprint, args.data.as_deref(), Ok(note), folder)
}

/// The titles of the image's movies, with a warning of what is wrong with them; none where there are none.
pub(super) fn titles(
    args: &Args,
    checkpoint: &Checkpoint,
    data: Option<&Dataset>,
) -> Result<Option<Titles>> {
    let titles = match &args.titles {
        Some(TitlesFrom::Nowhere) => return Ok(None),
        Some(TitlesFrom::File(path)) => {
            let names = &checkpoint.data.movie_names;
            let listed = load::titles_in(path, names).map_err(DataError::into_anyhow)?;
            for told in &listed.notes {
                warn!("{told}");
            }
            let has = |id: &u32| listed.titles.get(*id).is_some();
            if !checkpoint.movie_ids.iter().any(has) {
                return Err(BadInput::new(format!(
                    "--titles {} has no movie of the model",
                    path.display()
                ))
                .into());
            }
            listed.titles
        }
        None => {
            let Some(data) = data else {
                let named = Titles::of_names(checkpoint.data.movie_names.all());
                return Ok((!named.is_empty()).then_some(named));
            };
            for note in &data.notes {
                if let Note::NoTitles(_) | Note::Titles(_) = note {
                    warn!("{note}");
                }
            }
            data.titles.clone()
        }
    };
    let titles = checkpoint.data.with_added(titles);
    Ok((!titles.is_empty()).then_some(titles))
}

/// Genres and years of the movies, or why none are stored.
pub(super) fn facets(
    args: &Args,
    named: Option<&Titles>,
    checkpoint: &Checkpoint,
) -> Result<std::result::Result<Arc<Facets>, String>> {
    if args.genres == Keep::None {
        return Ok(Err("`--genres none`".into()));
    }
    let filters = |board: &Board| board.features.contains(&"facets");
    if let (Keep::Fit, Some(board)) = (args.genres, args.board.filter(|board| !filters(board))) {
        return Ok(Err(format!("{}'s firmware doesn't filter", board.name)));
    }
    let found = named.map(|titles| Facets::new(titles, &checkpoint.movie_ids));
    let why = match found {
        Some(Ok(Some(facets))) => return Ok(Ok(Arc::new(facets))),
        Some(Err(why)) => why,
        Some(Ok(None)) => "no title has a genre or a year".into(),
        None => "there are no titles that say them".into(),
    };
    match args.genres {
        Keep::All => {
            Err(BadInput::new(format!("`--genres all` stores genres and years, and {why}")).into())
        }
        _ => Ok(Err(why)),
    }
}
