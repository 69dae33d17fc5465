//! Facets: the genres and the year of a movie, by which lists are filtered.
//!
//! A movie takes 20 bits. Few hundred sets of genres are in use, so it names its set by 12 of them, and its year by the
//! other 8, as years from the first one. Two movies share five bytes:
//!
//! ```text
//! byte       0              1                   2               3                    4
//!     year of the first, its set's low byte, year of the second, its set's low byte, high nibbles: first low, second high
//! ```

use super::Model;
use serde::{Deserialize, Serialize};

/// Bytes of two movies.
pub const PAIR: usize = 5;

/// The most sets of genres in an image.
pub const MAX_SETS: usize = 1 << 12;

/// The most genres in an image: a set is 32 bits.
pub const MAX_GENRES: usize = 32;

/// The most bytes of all genres' names in an image.
pub const MAX_NAMES: usize = 4096;

/// Years from an image's first one to its last.
pub const YEARS: u16 = u8::MAX as u16;

/// What stands between two names of genres.
pub const BETWEEN: char = '|';

/// Which movies a list may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Wanted {
    /// Genres that a movie must have, all of them: bit n is the image's genre n ([`Model::genre_names`]).
    pub all_of: u32,
    /// Genres of which a movie must have none.
    pub none_of: u32,
    /// The first year.
    pub from: u16,
    /// The last year.
    pub to: u16,
}

impl Wanted {
    /// Any movie.
    pub const ANY: Self = Self {
        all_of: 0,
        none_of: 0,
        from: 0,
        to: u16::MAX,
    };

    /// Whether a movie of these genres and this year is wanted. One whose year isn't known is where any year is.
    pub fn has(&self, genres: u32, year: Option<u16>) -> bool {
        genres & self.all_of == self.all_of
            && genres & self.none_of == 0
            && match year {
                Some(year) => self.from <= year && year <= self.to,
                None => self.from == 0 && self.to == u16::MAX,
            }
    }
}

impl Default for Wanted {
    fn default() -> Self {
        Self::ANY
    }
}

/// The tables of an image; all of them were verified.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facets<'a> {
    /// Two movies each.
    pub pairs: &'a [[u8; PAIR]],
    /// Genres of each set.
    pub sets: &'a [u32],
    /// The year before that of a byte of 1.
    pub before: u16,
    /// The genres' names, that of bit 0 first.
    pub names: &'a str,
}

/// The number of a movie's set, and its year's byte: of the first or the second of a pair.
pub(crate) fn facet(pair: &[u8; PAIR], is_second: bool) -> (u16, u8) {
    let [year, low, second_year, second_low, high] = *pair;
    if is_second {
        (
            u16::from(high >> 4) << 8 | u16::from(second_low),
            second_year,
        )
    } else {
        (u16::from(high & 15) << 8 | u16::from(low), year)
    }
}

impl Facets<'_> {
    /// The number of a movie's set, and its year's byte.
    #[cfg(feature = "grow")]
    pub(super) fn place(&self, row: u32) -> (u16, u8) {
        let pair = self.pairs.get((row >> 1) as usize);
        pair.map_or((0, 0), |pair| facet(pair, row & 1 != 0))
    }

    /// The genres and the year of the movie of `row`; none for a row outside the table.
    #[inline(never)]
    fn of(&self, row: u32) -> (u32, Option<u16>) {
        let Some(pair) = self.pairs.get((row >> 1) as usize) else {
            return (0, None);
        };
        let (set, year) = facet(pair, row & 1 != 0);
        let genres = self.sets.get(usize::from(set)).copied();
        let year = (year != 0).then(|| self.before.wrapping_add(u16::from(year)));
        (genres.unwrap_or_default(), year)
    }
}

impl<'a> Model<'a> {
    /// Whether the image says of which genres and years its movies are, and this library was built with the feature
    /// `facets`.
    pub fn has_facets(&self) -> bool {
        self.facets.is_some()
    }

    /// The names of the genres, that of bit 0 first, with [`BETWEEN`] between two of them; none in an image that doesn't
    /// say.
    pub fn genre_names(&self) -> Option<&'a str> {
        self.facets.as_ref().map(|facets| facets.names)
    }

    /// The genres of the movie of `row`, a bit each, and its year where that is known.
    pub fn facets(&self, row: u32) -> (u32, Option<u16>) {
        let (model, row) = self.part_of(row);
        match &model.facets {
            Some(facets) => facets.of(row),
            None => (0, None),
        }
    }

    /// Whether the movie of `row` is `wanted`. Costs a look-up or two; in an image that doesn't say, none is but where any
    /// is.
    #[inline]
    pub fn is_wanted(&self, row: u32, wanted: &Wanted) -> bool {
        if !cfg!(feature = "facets") || *wanted == Wanted::ANY {
            return true;
        }
        let (genres, year) = self.facets(row);
        wanted.has(genres, year)
    }
}
