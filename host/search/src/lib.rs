//! What movies are called, and the search for one by what a person types: the same on a PC and in the page.
//!
//! `fold` makes letters comparable, `names` takes titles apart, `index` holds both for all movies, and `grade`
//! says how well a movie fits. Here the grades become an answer: one movie, a few to choose from, or none.
//!
//! 9,000 titles take some milliseconds, 90,000 some tens, most of them to fold the titles.

#![deny(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "everything is printed by pocketrec_base::print, which escapes it"
)]

pub mod catalogue;
mod fold;
mod grade;
mod index;
mod names;
mod titles;

use fold::Folder;
use grade::{Class, Fit, Reading};
use index::Index;
pub use titles::{Movie, Titles};

/// What a search has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// The movie that is meant.
    One(Hit),
    /// Movies that may be meant, the likeliest first.
    Several(Vec<u32>),
    /// No movie; the nearest titles, the likeliest first.
    Nothing(Vec<u32>),
}

impl Found {
    /// Whether no movie was found.
    pub fn is_nothing(&self) -> bool {
        matches!(self, Found::Nothing(_))
    }
}

/// A movie that a search has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit {
    /// Its id.
    pub id: u32,
    /// How sure it is.
    pub how: How,
}

/// How sure a found movie is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// Its id or its whole title was typed.
    Literal,
    /// Each word that was typed is in its title and it is the only such movie, or its name was typed.
    Named,
    /// A word was typed in part, with a mistake, or the year is a year off.
    Guessed,
}

/// How many of the nearest titles an answer without a movie has.
const NEAREST: usize = 3;

/// The movie that a person means by `text`, among those whose ids are `known`.
///
/// `#300` and `id:300` are ids. So is a bare number, unless a movie is called so: then it is that movie. All else is a
/// name, whole or a few of its words in any order; articles, accents, signs, brackets and the year may be left out.
/// Of movies that fit equally well the one that more people have rated comes first. A movie whose name was typed is
/// meant, unless a more rated one has that as a part of its name, as `Lord of the Rings` has.
pub fn find(titles: &Titles, known: impl Fn(u32) -> bool, text: &str) -> Found {
    let text = text.trim();
    if let Some(id) = marked_id(text) {
        return match id.filter(|id| known(*id)) {
            Some(id) => literal(id),
            None => Found::Nothing(Vec::new()),
        };
    }
    let movies: Vec<&Movie> = titles
        .movies()
        .iter()
        .filter(|movie| known(movie.id))
        .collect();
    let mut whole = movies.iter().filter(|movie| movie.title.trim() == text);
    match (whole.next(), whole.next()) {
        (Some(movie), None) => return literal(movie.id),
        (Some(first), Some(second)) => {
            let more = whole.map(|movie| movie.id);
            return Found::Several([first.id, second.id].into_iter().chain(more).collect());
        }
        _ => {}
    }
    let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let indices = index::all(&movies);
    let readings = readings(text);
    let mut fits = fits(&indices, &readings);
    if is_number {
        // As a word among others it would be a mistyped id.
        fits.retain(|fit| fit.class <= Class::Part);
        if let Some(id) = text.parse().ok().filter(|id| known(*id))
            && fits.first().is_none_or(|best| best.class > Class::Bare)
        {
            let mut ids: Vec<u32> = fits.iter().map(|fit| fit.id).collect();
            if ids.is_empty() {
                return literal(id);
            }
            ids.push(id);
            return Found::Several(ids);
        }
    }
    let mut best = leading(&fits);
    match best.as_slice() {
        [] => Found::Nothing(grade::nearest(&indices, &readings, NEAREST)),
        [only] => Found::One(Hit {
            id: only.id,
            how: match only.class {
                Class::Prefix | Class::Guess => How::Guessed,
                Class::Starts if fits.iter().any(|fit| fit.class == Class::Words) => How::Guessed,
                _ => How::Named,
            },
        }),
        _ => {
            best.sort_by_key(|fit| (std::cmp::Reverse(fit.ratings), fit.order()));
            Found::Several(best.iter().map(|fit| fit.id).collect())
        }
    }
}

/// The movies that fit `text` in some way, the likeliest first, at most `most`: what a search shows while somebody types.
/// An id that was typed comes first.
pub fn listed(titles: &Titles, known: impl Fn(u32) -> bool, text: &str, most: usize) -> Vec<u32> {
    Shelf::new(titles, known).listed(text, most)
}

/// Titles that were folded once, for many searches.
pub struct Shelf {
    indices: Vec<Index>,
    /// Sorted.
    ids: Vec<u32>,
}

impl Shelf {
    /// The titles of the movies whose ids are `known`: a microsecond each.
    pub fn new(titles: &Titles, known: impl Fn(u32) -> bool) -> Self {
        let movies = titles.movies().iter();
        let movies: Vec<&Movie> = movies.filter(|movie| known(movie.id)).collect();
        Self {
            indices: index::all(&movies),
            ids: movies.iter().map(|movie| movie.id).collect(),
        }
    }

    /// As the function [`listed`].
    pub fn listed(&self, text: &str, most: usize) -> Vec<u32> {
        let has = |id: &u32| self.ids.binary_search(id).is_ok();
        let mut ids: Vec<u32> = id(text).filter(has).into_iter().collect();
        for fit in fits(&self.indices, &readings(text)) {
            if ids.len() >= most {
                break;
            }
            if !ids.contains(&fit.id) {
                ids.push(fit.id);
            }
        }
        ids
    }
}

/// The year in a title's brackets, or the first of a series' years.
pub fn year(title: &str) -> Option<u16> {
    names::parse(title).year
}

/// Whether a movie is called `text` as a whole, but for articles, accents, signs and the year.
pub fn is_name(titles: &Titles, known: impl Fn(u32) -> bool, text: &str) -> bool {
    let shelf = Shelf::new(titles, known);
    let best = fits(&shelf.indices, &readings(text)).first().copied();
    best.is_some_and(|fit| fit.class <= Class::Bare && fit.cost == 0)
}

fn literal(id: u32) -> Found {
    Found::One(Hit {
        id,
        how: How::Literal,
    })
}

/// The id that `text` may be: that of `#300` and `id:300`, and a bare number.
pub fn id(text: &str) -> Option<u32> {
    let text = text.trim();
    marked_id(text).unwrap_or_else(|| text.parse().ok())
}

/// What `#300` and `id:300` mark as an id, and [`None`] in it where that can't be one.
fn marked_id(text: &str) -> Option<Option<u32>> {
    let marked = text.strip_prefix('#').or_else(|| {
        let (mark, rest) = text.split_at_checked(3)?;
        mark.eq_ignore_ascii_case("id:").then_some(rest)
    })?;
    let id = marked.trim();
    let is_number = !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| id.parse().ok())
}

/// How what was typed may be read: as it is; with a word of four digits as the year; without a number 1 at the end,
/// which the first of several movies mostly doesn't have.
fn readings(text: &str) -> Vec<Reading> {
    let parsed = names::parse(text);
    let mut folder = Folder::default();
    let mut words: Vec<String> = Vec::new();
    for name in &parsed.names {
        for text in [name.article, name.body] {
            folder.words(text, |word| words.push(fold::spelling(word).to_owned()));
        }
    }
    words.retain(|word| word != "aka");
    words.truncate(Reading::MOST_WORDS);
    let mut all = vec![Reading::new(words.clone(), parsed.year, false)];
    if let Some(year) = parsed.year {
        // `Blade Runner (2049)`.
        let mut with = words.clone();
        with.push(year.to_string());
        all.push(Reading::new(with, None, false));
    } else if words.len() > 1 {
        for (at, word) in words.iter().enumerate() {
            if let Some(year) = names::year(word) {
                let mut without = words.clone();
                without.remove(at);
                all.push(Reading::new(without, Some(year), false));
            }
        }
    }
    if let [rest @ .., last] = words.as_slice()
        && !rest.is_empty()
        && fold::number(last) == Some(1)
    {
        let rest = match rest {
            [name @ .., part] if part == "part" && !name.is_empty() => name,
            _ => rest,
        };
        all.push(Reading::new(rest.to_vec(), parsed.year, true));
    }
    all.retain(|reading| !reading.is_empty());
    all.truncate(4);
    all
}

/// Every movie that fits in some way, the best first.
fn fits(indices: &[Index], readings: &[Reading]) -> Vec<Fit> {
    let each = |of: fn(&Index, &[Reading]) -> Vec<Fit>| {
        let fits = indices.iter().flat_map(|index| of(index, readings));
        fits.collect::<Vec<Fit>>()
    };
    let mut fits = each(grade::all);
    if fits.iter().all(|fit| fit.class == Class::Guess) {
        fits.extend(each(grade::initials));
    }
    if fits.is_empty() {
        fits = each(grade::run_together);
    }
    fits.sort_by_key(Fit::order);
    fits
}

/// The movies that are as good an answer as the best: those of its class and cost; and movies with at least as many
/// ratings whose name, or a part of it, was typed less exactly.
fn leading(fits: &[Fit]) -> Vec<Fit> {
    let Some(best) = fits.first() else {
        return Vec::new();
    };
    let level = |fit: &Fit| (fit.class, fit.cost, !fit.covers);
    let ratings = fits
        .iter()
        .filter(|fit| level(fit) == level(best))
        .map(|fit| fit.ratings)
        .max()
        .unwrap_or_default();
    let rivals = |fit: &&Fit| {
        level(fit) == level(best)
            || fit.ratings >= ratings
                && match best.class {
                    Class::Named | Class::Bare | Class::Part | Class::Shuffled => {
                        fit.class <= Class::Shuffled
                    }
                    Class::Starts => fit.class <= Class::Words,
                    Class::Guess => fit.cost == best.cost,
                    Class::Words | Class::Prefix => false,
                }
    };
    fits.iter().filter(rivals).copied().collect()
}
