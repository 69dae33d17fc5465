//! Interest: what a user has been looking for recently, which a ranking adds to predicted stars.
//!
//! What people watch next is not what they would rate highest: a list by predicted stars alone finds less of it than
//! the list of the most rated movies. So an image may hold, beside the rows that predict stars, a small second model of
//! who rates what (implicit feedback: Hu, Koren and Volinsky 2008), in one byte per movie:
//!
//! ```text
//! y_m = level(m) c(m)          a movie: a row of a codebook, times how well known the movie is
//! x   = argmin  x' P0^-1 x + sum over the latest ratings of  d^age (1 - x y_m)^2
//! term(m) = weight  x y_m      stars
//! ```
//!
//! c(m) is one of at most [`MAX_CODES`] rows (vector quantisation: Gray 1984), level(m) follows from the movie's
//! confidence byte. P0 and the factor d, by which a rating counts less for each later one, come from the image. The
//! solution is a Kalman filter's, in `learn/interest.rs`. x y_m takes one product of vectors a code, and then
//! a look-up a movie.

use super::{LookupError, Model, ROW_LIMIT};
use crate::ids::UserId;
use crate::numeric::clamp;
use crate::numeric::fixed::{power_of_two, round};
#[cfg(not(cortex_m_float))]
use crate::numeric::unroll::both;
use crate::numeric::unroll::each_of_two;
use crate::numeric::walk::numbered;

/// The most rows of a codebook.
pub const MAX_CODES: usize = 128;

/// The most numbers in a row of it.
pub const MAX_INTEREST: usize = 16;

/// Levels that there are: one for four neighbouring confidence bytes.
pub const LEVELS: usize = 64;

/// Ratings that say what somebody looks for: the latest ones of movies that the model has.
pub const LATEST: usize = 32;

/// Bits behind the point of a term: 9 of the code's and 8 of the level's.
const BITS: i32 = 17;

/// The tables of an image; all of them were verified.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interests<'a> {
    /// A code a movie.
    pub codes: &'a [u8],
    /// Rows of `dimensions`.
    pub codebook: &'a [i8],
    pub scale: f32,
    pub dimensions: usize,
    /// In 256ths.
    pub levels: &'a [u8; LEVELS],
    /// P0: the lower triangle.
    #[cfg_attr(
        not(feature = "learn"),
        expect(dead_code, reason = "only an owner has ratings")
    )]
    pub spread: &'a [f32],
    /// Stars for x y = 1.
    pub weight: f32,
    /// The square root of d.
    #[cfg_attr(
        not(feature = "learn"),
        expect(dead_code, reason = "only an owner has ratings")
    )]
    pub fade: f32,
    /// Rows of the image's users, and what they are multiplied by.
    pub users: Option<(&'a [i8], f32)>,
}

/// What a ranking adds for each codeword of the image's codebook: 258 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interest {
    /// In 2^-9 stars.
    terms: [i16; MAX_CODES],
    any: bool,
}

impl Default for Interest {
    fn default() -> Self {
        Self::NONE
    }
}

impl Interest {
    /// No interest: adds nothing.
    pub const NONE: Self = Self {
        terms: [0; MAX_CODES],
        any: false,
    };

    /// Whether it adds anything.
    pub fn any(&self) -> bool {
        self.any
    }

    /// The terms of all codes.
    #[cfg(feature = "codes")]
    pub(crate) fn terms(&self) -> &[i16; MAX_CODES] {
        &self.terms
    }

    /// The largest term of a code, at least 0.
    #[cfg(feature = "codes")]
    pub(crate) fn largest(&self) -> i16 {
        let terms = self.terms.iter();
        terms.fold(0, |a, b| if a > *b { a } else { *b })
    }

    /// Stars in 2^-17.
    fn term(&self, code: u8, level: u8) -> i32 {
        let term = self.terms.get(usize::from(code)).copied();
        i32::from(term.unwrap_or_default()).wrapping_mul(i32::from(level))
    }
}

/// The product of a row of bytes and a vector, in order.
#[inline]
fn dot_of_bytes(row: &[i8], x: &[f32]) -> f32 {
    #[cfg(cortex_m_float)]
    return crate::kernels::float::dot_of_bytes(row, x);
    #[cfg(not(cortex_m_float))]
    {
        let mut sum = 0.0;
        both(row, x, |c, x| sum += f32::from(*c) * x);
        sum
    }
}

/// Row `at` of a table of `columns`.
pub(crate) fn nth_row(table: &[i8], columns: usize, at: usize) -> Option<&[i8]> {
    let start = at.wrapping_mul(columns);
    table.get(start..start.wrapping_add(columns))
}

impl<'a> Interests<'a> {
    /// How well known a movie of a confidence byte is, in 256ths.
    pub(crate) fn level(&self, known: u8) -> u8 {
        let level = self.levels.get(usize::from(known >> 2));
        level.copied().unwrap_or_default()
    }

    /// Adds the terms of the movies from row `first` on, whose confidence bytes are `known`, to scores in 2^-20
    /// stars.
    pub(crate) fn add_to_keys(
        &self,
        interest: &Interest,
        first: usize,
        known: &[u8],
        keys: &mut [i32],
    ) {
        let codes = self.codes.get(first..).unwrap_or_default();
        each_of_two(keys, codes, known, |key, code, known| {
            // At most 2^15 x 2^8 x 2^3.
            let term = interest.term(*code, self.level(*known)) << (20 - BITS);
            *key = key.saturating_add(term);
        });
    }

    /// The largest term of any movie whose confidence byte is `known`, in 2^-20 stars, `largest` being
    /// [`Interest::largest`].
    #[cfg(feature = "codes")]
    pub(crate) fn most(&self, largest: i16, known: u8) -> i32 {
        i32::from(largest).wrapping_mul(i32::from(self.level(known))) << (20 - BITS)
    }

    /// The same for scores in stars.
    pub(crate) fn add_to_stars(
        &self,
        interest: &Interest,
        first: usize,
        known: &[u8],
        scores: &mut [f32],
    ) {
        let codes = self.codes.get(first..).unwrap_or_default();
        each_of_two(scores, codes, known, |score, code, known| {
            *score += self.stars(interest, *code, *known);
        });
    }

    /// The term of a movie, in stars.
    pub(crate) fn stars(&self, interest: &Interest, code: u8, known: u8) -> f32 {
        interest.term(code, self.level(known)) as f32 * power_of_two(-BITS)
    }

    /// What x comes to for each code. Costs a product of vectors a code.
    #[inline(never)]
    pub(crate) fn interest(&self, x: &[f32]) -> Interest {
        let mut interest = Interest {
            terms: [0; MAX_CODES],
            any: true,
        };
        let unit = self.weight * self.scale * power_of_two(9);
        for (code, term) in numbered(&mut interest.terms, 0) {
            let Some(row) = nth_row(self.codebook, self.dimensions, code) else {
                break;
            };
            *term = round(dot_of_bytes(row, x) * unit, 32767) as i16;
        }
        interest
    }

    /// What the image's user of row `at` looks for.
    fn of_row(&self, at: usize) -> Interest {
        let Some((rows, scale)) = self.users else {
            return Interest::NONE;
        };
        let Some(row) = nth_row(rows, self.dimensions, at) else {
            return Interest::NONE;
        };
        let mut x = [0.0; MAX_INTEREST];
        for (x, value) in x.iter_mut().zip(row) {
            *x = clamp(f32::from(*value) * scale, -ROW_LIMIT, ROW_LIMIT);
        }
        self.interest(&x)
    }
}

impl Model<'_> {
    /// Whether the image has interests.
    pub fn has_interest(&self) -> bool {
        self.interests().is_some()
    }

    /// The interest of the image's user `id`; [`Interest::NONE`] if the image doesn't have it.
    ///
    /// # Errors
    ///
    /// [`LookupError::UnknownUser`].
    pub fn interest_of_user(&self, id: UserId) -> Result<Interest, LookupError> {
        let row = self.user_ids().and_then(|ids| ids.row(id.0));
        let row = row.ok_or(LookupError::UnknownUser(id))?;
        let interests = self.interests();
        Ok(interests.map_or(Interest::NONE, |of| of.of_row(row as usize)))
    }

    /// What a ranking adds to the movie of `row` for `interest`, in stars.
    pub fn interest_stars(&self, interest: &Interest, row: u32) -> f32 {
        let (Some(of), Some(known)) = (self.interests(), self.confidence(row)) else {
            return 0.0;
        };
        let code = of.codes.get(row as usize).copied().unwrap_or_default();
        of.stars(interest, code, known)
    }
}
