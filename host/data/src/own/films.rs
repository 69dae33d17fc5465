//! Which movie of the model a film of another site is.

use super::super::Titles;
use super::super::search::catalogue::Catalogue;
use super::film::{Film, Own};
use super::links::Links;

/// The movies that films are looked for among.
pub struct Films<'a> {
    titles: &'a Titles,
    catalogue: Catalogue,
    links: Links,
}

/// A rating of a movie of the model's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Met {
    /// The line that it is in.
    pub line: u64,
    /// The movie's id.
    pub movie: u32,
    /// On the scale of the file.
    pub stars: f32,
}

/// A rating of a film that isn't found.
#[derive(Debug, Clone, PartialEq)]
pub struct Missed {
    /// The line that it is in.
    pub line: u64,
    /// What film.
    pub film: String,
    /// On the scale of the file.
    pub stars: f32,
}

impl<'a> Films<'a> {
    /// The movies of `titles`, and what other sites call them.
    pub fn new(titles: &'a Titles, links: Links) -> Self {
        Films {
            titles,
            catalogue: Catalogue::new(titles),
            links,
        }
    }

    /// Splits ratings into those of movies that are found and the others. Of ratings of one movie the last stays.
    pub fn meet(&self, own: &Own) -> (Vec<Met>, Vec<Missed>) {
        let mut met: Vec<Met> = Vec::new();
        let mut missed = Vec::new();
        for rating in &own.ratings {
            match self.find(&rating.film) {
                Some(movie) => met.push(Met {
                    line: rating.line,
                    movie,
                    stars: rating.stars,
                }),
                None => missed.push(Missed {
                    line: rating.line,
                    film: rating.film.to_string(),
                    stars: rating.stars,
                }),
            }
        }
        let mut seen = std::collections::HashSet::new();
        met.reverse();
        met.retain(|rating| seen.insert(rating.movie));
        met.reverse();
        (met, missed)
    }

    /// The id of a film: the file's own, else by the ids of other sites, else by title and year.
    fn find(&self, film: &Film) -> Option<u32> {
        let listed = |id: &u32| self.titles.is_empty() || self.titles.get(*id).is_some();
        if let Some(id) = film.id.filter(listed) {
            return Some(id);
        }
        let linked = self.links.find(film.imdb, film.tmdb).filter(listed);
        let by_title = |title: &Option<String>| self.catalogue.find(title.as_deref()?, film.year);
        linked
            .or_else(|| by_title(&film.title))
            .or_else(|| by_title(&film.original))
            // The board says whether it has an id that no title is known of.
            .or(film.id)
    }
}
