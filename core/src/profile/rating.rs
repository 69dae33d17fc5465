//! One rating as it is stored in a log: 8 bytes.

use crate::ids::MovieId;
use crate::model::Model;

/// Stars are kept in steps of this: every scale of halves or wholes is.
const QUARTER: f32 = 0.25;

/// Bits of a tag that hold stars: quarters in two's complement, so from -512 to 511.75 stars.
const STAR_BITS: u32 = 12;

/// The largest sequence number: 20 bits.
pub const LAST_SEQUENCE: u32 = (1 << (32 - STAR_BITS)) - 1;

/// A rating of a movie, by its MovieLens id so that it stays valid under another model, and its place in the order of
/// ratings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Rating {
    movie: MovieId,
    /// Sequence number, then 12 bits of quarter stars.
    tag: u32,
}

impl Rating {
    /// A rating of `stars`, or `None` where that isn't a multiple of a quarter from -512 to 511.75, or `sequence` is
    /// beyond [`LAST_SEQUENCE`].
    pub fn new(movie: MovieId, stars: f32, sequence: u32) -> Option<Self> {
        if !(-512.0..=511.75).contains(&stars) || sequence > LAST_SEQUENCE {
            return None;
        }
        let quarters = (stars / QUARTER) as i32 as u32;
        let rating = Self {
            movie,
            tag: sequence << STAR_BITS | (quarters & ((1 << STAR_BITS) - 1)),
        };
        (rating.stars() == stars).then_some(rating)
    }

    /// The rating with this [`movie`](Self::movie) and [`tag`](Self::tag), as they are stored.
    pub const fn from_words(movie: u32, tag: u32) -> Self {
        Self {
            movie: MovieId(movie),
            tag,
        }
    }

    /// Which movie.
    pub const fn movie(self) -> MovieId {
        self.movie
    }

    /// Stars and sequence number in one word.
    pub const fn tag(self) -> u32 {
        self.tag
    }

    /// Stars.
    pub fn stars(self) -> f32 {
        let high = self.tag << (32 - STAR_BITS);
        (high as i32 >> (32 - STAR_BITS)) as f32 * QUARTER
    }

    /// The place in the order of ratings.
    pub const fn sequence(self) -> u32 {
        self.tag >> STAR_BITS
    }

    /// The movie's row in `model`; `None` if it lacks the movie or the stars are off its scale.
    pub fn row(self, model: &Model<'_>) -> Option<u32> {
        let row = model.movie_row(self.movie).ok()?;
        model.scale().contains(self.stars()).then_some(row)
    }
}

/// Whether `stars` is one of the ratings of `scale`.
#[cfg(any(test, feature = "learn"))]
pub(crate) fn is_on(scale: crate::model::RatingScale, stars: f32) -> bool {
    if !scale.contains(stars) {
        return false;
    }
    let steps = (stars - scale.lowest) / scale.step + 0.5;
    // Beyond 2^24 steps there is no telling.
    steps < 16_777_216.0 && scale.lowest + (steps as u32) as f32 * scale.step == stars
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RatingScale;

    #[test]
    fn every_quarter_comes_back_and_nothing_else_is_taken() {
        for quarters in -2048..2048_i16 {
            let stars = f32::from(quarters) / 4.0;
            let rating = Rating::new(MovieId(7), stars, LAST_SEQUENCE).unwrap();
            assert_eq!((rating.stars(), rating.movie()), (stars, MovieId(7)));
            assert_eq!(rating.sequence(), LAST_SEQUENCE);
            assert_eq!(Rating::from_words(7, rating.tag()), rating);
            assert_eq!(Rating::new(MovieId(7), stars + 0.125, 0), None);
        }
        for stars in [-512.25, -0.0001, 512.0, f32::INFINITY, f32::NAN] {
            assert_eq!(Rating::new(MovieId(7), stars, 0), None);
        }
        assert_eq!(Rating::new(MovieId(7), 4.0, LAST_SEQUENCE + 1), None);
    }

    #[test]
    fn ratings_between_the_steps_of_a_scale_are_off_it() {
        let scale = |lowest, highest, step| RatingScale {
            mean: 3.5,
            lowest,
            highest,
            step,
        };
        let (halves, wholes) = (scale(0.5, 5.0, 0.5), scale(1.0, 5.0, 1.0));
        for quarters in -4..30_i8 {
            let stars = f32::from(quarters) / 4.0;
            let on_halves = (2..=20).contains(&quarters) && quarters % 2 == 0;
            assert_eq!(is_on(halves, stars), on_halves, "{stars}");
            let on_wholes = (4..=20).contains(&quarters) && quarters % 4 == 0;
            assert_eq!(is_on(wholes, stars), on_wholes, "{stars}");
        }
        assert!(!is_on(halves, f32::NAN));
        assert!(!is_on(scale(0.0, 1.0e30, 1.0e-30), 1.0e29));
    }
}
