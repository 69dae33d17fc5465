//! What lies on the desk whoever asks: titles, what is known of the board, the last lists, and what moved in them.

use std::collections::HashMap;

use pocketrec::model::Wanted;
use pocketrec::wire::Ranked;
use pocketrec_base::error::BadInput;
use pocketrec_base::print::number::{count, fixed, signed};
use pocketrec_data::Titles;
use pocketrec_link::filter::Filter;

use super::verb::Other;

/// Movies by their ids, and those that the board's model has.
#[derive(Debug, Clone, Default)]
pub struct Desk {
    /// What movies are called.
    pub titles: Titles,
    /// Ids that the model has, ascending; empty where no image at hand says so.
    pub movies: Vec<u32>,
    /// The genres by which the board filters; none where no image at hand says them.
    pub genres: Option<String>,
}

impl Desk {
    /// What a person wants in a list, as the board filters by it.
    ///
    /// # Errors
    ///
    /// [`BadInput`] for a genre or years that there aren't, and where no image says genres.
    pub fn wanted(&self, line: &str) -> Result<Wanted, BadInput> {
        let filter = Filter::read(line)?;
        match &self.genres {
            _ if filter.is_open() => Ok(Wanted::ANY),
            Some(names) => filter.wanted(names),
            None => Err(BadInput::new(
                "the image at hand says no genres and years: `export --genres all` stores them",
            )),
        }
    }

    /// Whether the model has a movie, as far as is known here.
    pub fn has(&self, id: u32) -> bool {
        match self.movies.is_empty() {
            true => self.titles.is_empty() || self.titles.get(id).is_some(),
            false => self.movies.binary_search(&id).is_ok(),
        }
    }

    /// The movie's title, in which nothing steers a terminal.
    pub fn title(&self, id: u32) -> String {
        let title = self.titles.title(id);
        match self.titles.get(id) {
            Some(_) => pocketrec_base::print::escape(&title).into_owned(),
            None => pocketrec_base::print::worded(&title).into_owned(),
        }
    }

    /// Its genres.
    pub fn genres(&self, id: u32) -> String {
        let genres = self.titles.get(id).map(|movie| movie.genres.join(", "));
        pocketrec_base::print::escape(&genres.unwrap_or_default()).into_owned()
    }
}

/// Where a movie of a list was before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Move {
    /// At the same place.
    Stays,
    /// So many places further up now, or down for a negative number; and what that did to its stars.
    By(i32, f32),
    /// It wasn't in the list.
    New,
}

/// What became of the best movies when something was learned.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Moves {
    by: HashMap<u32, Move>,
}

impl Moves {
    /// From one list to the next.
    pub fn between(before: &[Ranked], now: &[Ranked]) -> Self {
        let place = |list: &[Ranked], id: u32| list.iter().position(|ranked| ranked.movie == id);
        let by = now.iter().enumerate().map(|(at, ranked)| {
            let moved =
                match place(before, ranked.movie).and_then(|was| Some((was, before.get(was)?))) {
                    None => Move::New,
                    Some((was, _)) if was == at => Move::Stays,
                    Some((was, old)) => Move::By(was as i32 - at as i32, ranked.stars - old.stars),
                };
            (ranked.movie, moved)
        });
        Self { by: by.collect() }
    }

    /// What a movie of the list did, if the list moved.
    pub fn of(&self, id: u32) -> Option<Move> {
        self.by.get(&id).copied()
    }

    /// What moved in one sentence; `list` is the list as it is now.
    pub fn sentence(&self, desk: &Desk, list: &[Ranked]) -> String {
        let moved = |ranked: &&Ranked| !matches!(self.of(ranked.movie), None | Some(Move::Stays));
        let number = list.iter().filter(moved).count();
        if number == 0 {
            return format!("None of the best {} moved", list.len());
        }
        let mut most: Option<(i32, f32, u32)> = None;
        for ranked in list {
            if let Some(Move::By(places, stars)) = self.of(ranked.movie)
                && most.is_none_or(|(most, ..)| places.abs() > most.abs())
            {
                most = Some((places, stars, ranked.movie));
            }
        }
        let mut sentence = format!("Of the best {}, {number} moved", list.len());
        if let Some((places, stars, id)) = most {
            let way = match places > 0 {
                true => "up",
                false => "down",
            };
            sentence += &format!(
                ": most {}, {way} {} ({} stars)",
                desk.title(id),
                count(places.unsigned_abs(), "place"),
                signed(stars, 2)
            );
        }
        let mut new = list.iter().map(|ranked| ranked.movie);
        if let Some(first) = new.find(|id| self.of(*id) == Some(Move::New)) {
            let fresh = self
                .by
                .values()
                .filter(|moved| **moved == Move::New)
                .count();
            sentence += &match fresh {
                1 => format!("; {} is new", desk.title(first)),
                fresh => format!("; {fresh} are new, {} first", desk.title(first)),
            };
        }
        sentence
    }
}

/// A prediction's parts and the ratings that moved it, line by line.
pub fn why(desk: &Desk, explained: &pocketrec::wire::Explained) -> Vec<String> {
    why_for(desk, explained, None)
}

/// The same of a prediction for another one.
pub fn why_for(
    desk: &Desk,
    explained: &pocketrec::wire::Explained,
    other: Option<&Other>,
) -> Vec<String> {
    let mut lines = vec![format!(
        "{} what all predictions start from",
        fixed(explained.mean, 2)
    )];
    let ([general, taste], whose) = match other {
        None => (
            ["how you rate in general", "your taste and its kind"],
            "Your",
        ),
        Some(_) => (
            ["how they rate in general", "their taste and its kind"],
            "Their",
        ),
    };
    for (value, part) in [
        (explained.user_bias, general),
        (explained.movie_bias, "how it is rated in general"),
        (explained.dot, taste),
        (explained.mlp, "the network"),
    ] {
        // A part that a model doesn't have adds this very number.
        if value != 0.0 {
            lines.push(format!("{} {part}", signed(value, 2)));
        }
    }
    for because in &explained.because {
        lines.push(format!(
            "{whose} {} for {} moved it by {}",
            because.stars,
            desk.title(because.movie),
            signed(because.moved, 2)
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use pocketrec_data::Movie;

    fn desk() -> Desk {
        let movie = |id: u32| Movie {
            id,
            title: format!("Part {id}"),
            genres: vec!["Drama".into()],
            ratings: 1,
        };
        Desk {
            titles: Titles::new((1..=9).map(movie).collect()),
            movies: (1..=9).collect(),
            genres: None,
        }
    }

    fn list(ids: &[u32]) -> Vec<Ranked> {
        let ranked = |(at, id): (usize, &u32)| Ranked {
            movie: *id,
            score: 5.0 - at as f32,
            stars: 5.0 - at as f32,
        };
        ids.iter().enumerate().map(ranked).collect()
    }

    #[test]
    fn what_moved_is_told_by_places_and_stars_and_what_is_new_by_its_title() {
        let (before, now) = (list(&[1, 2, 3, 4]), list(&[4, 1, 2, 5]));
        let moves = Moves::between(&before, &now);
        assert_eq!(moves.of(4), Some(Move::By(3, 3.0)));
        assert_eq!(moves.of(1), Some(Move::By(-1, -1.0)));
        assert_eq!(moves.of(5), Some(Move::New));
        assert_eq!(
            moves.sentence(&desk(), &now),
            "Of the best 4, 4 moved: most Part 4, up 3 places (+3.00 stars); Part 5 is new"
        );
        let same = Moves::between(&before, &before);
        assert_eq!(same.sentence(&desk(), &before), "None of the best 4 moved");
    }

    #[test]
    fn a_movie_is_there_by_the_image_or_else_by_its_title() {
        let mut desk = desk();
        assert!(desk.has(9) && !desk.has(10));
        desk.movies = vec![1];
        assert!(!desk.has(9));
        desk.movies = Vec::new();
        assert!(desk.has(9) && !desk.has(10));
        assert_eq!(desk.title(10), "movie 10");
    }
}
