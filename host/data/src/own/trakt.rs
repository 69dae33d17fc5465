//! Trakt's JSON: a list of `{"rated_at": …, "rating": 8, "type": "movie", "movie": {"title": …, "year": …, "ids": …}}`.

use std::path::Path;

use serde_json::Value;

use super::film::{Film, Origin, Own, OwnRating};
use super::table::imdb;
use super::when::when;
use pocketrec_base::error::BadInput;

/// Reads a list of ratings, or an object that has one under `movies` or `ratings`.
///
/// # Errors
/// [`BadInput`] where it isn't JSON, or with the first entry that isn't a rating.
pub fn read(text: &str, path: &Path) -> Result<Own, BadInput> {
    let shown = path.display();
    let value: Value = serde_json::from_str(text)
        .map_err(|error| BadInput::new(format!("{shown} isn't whole JSON: {error}")))?;
    let list = match &value {
        Value::Array(list) => Some(list),
        Value::Object(object) => ["movies", "ratings"]
            .iter()
            .find_map(|name| object.get(*name)?.as_array()),
        _ => None,
    };
    let list = list.ok_or_else(|| {
        BadInput::new(format!(
            "{shown} should hold a list of ratings, as Trakt exports it: `[{{\"rating\": 8, \"movie\": {{…}}}}]`"
        ))
    })?;
    let mut own = Own {
        origin: Origin::Trakt,
        ratings: Vec::new(),
        notes: Vec::new(),
    };
    let mut shows = 0;
    for (line, entry) in (1..).zip(list) {
        let movie = entry.get("movie");
        let kind = entry.get("type").and_then(Value::as_str).unwrap_or("movie");
        if kind != "movie"
            || movie.is_none() && (entry.get("show").is_some() || entry.get("episode").is_some())
        {
            shows += 1;
            continue;
        }
        let movie = movie.unwrap_or(entry);
        let text = |of: &Value, name: &str| of.get(name).and_then(Value::as_str).map(str::to_owned);
        let whole = |of: Option<&Value>| {
            of.and_then(Value::as_u64)
                .and_then(|n| u32::try_from(n).ok())
        };
        let ids = movie.get("ids");
        let film = Film {
            id: None,
            imdb: ids.and_then(|ids| imdb(ids.get("imdb")?.as_str()?)),
            tmdb: whole(ids.and_then(|ids| ids.get("tmdb"))),
            title: text(movie, "title"),
            original: text(movie, "original_title"),
            year: whole(movie.get("year")).and_then(|year| year.try_into().ok()),
        };
        let stars = entry
            .get("rating")
            .and_then(Value::as_f64)
            .map(|stars| stars as f32);
        let named = film.title.is_some() || film.imdb.is_some() || film.tmdb.is_some();
        let Some(stars) = stars.filter(|stars| stars.is_finite() && named) else {
            return Err(BadInput::new(format!(
                "{shown} entry {line} should have a `rating` and a `movie` with a title or ids"
            )));
        };
        own.ratings.push(OwnRating {
            line,
            user: None,
            film,
            stars,
            when: text(entry, "rated_at").as_deref().and_then(when),
        });
    }
    if shows > 0 {
        own.notes.push(format!(
            "{shows} entries about series and episodes were left out"
        ));
    }
    Ok(own)
}
