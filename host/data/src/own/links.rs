//! A release's `links.csv`: which movie has which id at IMDb and at themoviedb.org.

use std::collections::HashMap;
use std::path::Path;

use super::super::decode::decode;
use super::super::movies::number;
use super::table::imdb;

/// Movies by the ids of other sites.
#[derive(Debug, Default)]
pub struct Links {
    imdb: HashMap<u32, u32>,
    tmdb: HashMap<u32, u32>,
}

impl Links {
    /// Reads a file with the columns `movieId`, `imdbId` and `tmdbId`.
    ///
    /// # Errors
    /// A sentence where it can't be read or has no such columns.
    pub fn read(path: &Path) -> Result<Links, String> {
        let shown = path.display();
        let bytes =
            std::fs::read(path).map_err(|error| format!("{shown} can't be read: {error}"))?;
        let text = decode(&bytes).text;
        let mut reader = csv::ReaderBuilder::new()
            .flexible(true)
            .from_reader(text.as_bytes());
        let header = reader
            .headers()
            .map_err(|error| format!("{shown}: {error}"))?
            .clone();
        let find = |name: &str| {
            header
                .iter()
                .position(|cell| cell.trim().eq_ignore_ascii_case(name))
        };
        let (Some(movie), by_imdb, by_tmdb) = (find("movieId"), find("imdbId"), find("tmdbId"))
        else {
            return Err(format!(
                "{shown}, line 1: the header should be `movieId,imdbId,tmdbId`"
            ));
        };
        let mut links = Links::default();
        for record in reader.records().flatten() {
            let Some(movie) = record.get(movie).and_then(number) else {
                continue;
            };
            if let Some(id) = by_imdb.and_then(|at| imdb(record.get(at)?)) {
                links.imdb.insert(id, movie);
            }
            if let Some(id) = by_tmdb.and_then(|at| number(record.get(at)?)) {
                links.tmdb.insert(id, movie);
            }
        }
        Ok(links)
    }

    /// The movie with one of these ids.
    pub fn find(&self, imdb: Option<u32>, tmdb: Option<u32>) -> Option<u32> {
        let by_imdb = imdb.and_then(|id| self.imdb.get(&id));
        by_imdb.or_else(|| self.tmdb.get(&tmdb?)).copied()
    }
}
