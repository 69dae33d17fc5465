//! What a file of own ratings says: films as it names them, and what was given to each.

use std::fmt;

/// Where ratings come from, which tells their scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Movie ids and stars of the model's scale.
    Ids,
    /// Letterboxd: half a star to 5.
    Letterboxd,
    /// IMDb: 1 to 10.
    Imdb,
    /// Trakt: 1 to 10.
    Trakt,
    /// Titles and ratings of somebody else.
    Other,
}

impl Origin {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Origin::Ids => "movie ids",
            Origin::Letterboxd => "Letterboxd",
            Origin::Imdb => "IMDb",
            Origin::Trakt => "Trakt",
            Origin::Other => "titles",
        }
    }
}

/// A film as a file names it: at least one of these.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Film {
    /// MovieLens id.
    pub id: Option<u32>,
    /// The number in IMDb's `tt0111161`.
    pub imdb: Option<u32>,
    /// Id at themoviedb.org.
    pub tmdb: Option<u32>,
    /// Title.
    pub title: Option<String>,
    /// The title in the language of its makers.
    pub original: Option<String>,
    /// Year.
    pub year: Option<u16>,
}

impl fmt::Display for Film {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.title, self.year, self.id, self.imdb, self.tmdb) {
            (Some(title), Some(year), ..) if !title.ends_with(')') => write!(f, "{title} ({year})"),
            (Some(title), ..) => f.write_str(title),
            (_, _, Some(id), ..) => write!(f, "movie {id}"),
            (_, _, _, Some(imdb), _) => write!(f, "tt{imdb:07}"),
            (_, _, _, _, Some(tmdb)) => write!(f, "TMDB {tmdb}"),
            _ => f.write_str("a film without a name"),
        }
    }
}

/// A rating of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnRating {
    /// The line, or in JSON the entry, from 1.
    pub line: u64,
    /// Who gave it, where a file says so.
    pub user: Option<String>,
    /// Of what.
    pub film: Film,
    /// On the scale of the place that it comes from.
    pub stars: f32,
    /// When, in any unit that grows.
    pub when: Option<i64>,
}

/// Ratings of a file that was read whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Own {
    /// Where they come from.
    pub origin: Origin,
    /// In the file's order.
    pub ratings: Vec<OwnRating>,
    /// What was left out, a sentence each.
    pub notes: Vec<String>,
}
