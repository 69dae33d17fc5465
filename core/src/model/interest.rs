//! Interest: what somebody has been looking for recently, which a ranking adds to predicted stars.
//!
//! What people watch next is not what they would rate highest: a list by predicted stars alone finds less of it than
//! the list of the most rated movies. It is what belongs together with what they watched last, by the directions of
//! [`kin`](super::kin):
//!
//! ```text
//! x       = sum over the latest ratings, the last one first, of  fade^age c(m),  made to have a length of 1
//! term(m) = weight  level(m)  x c(m)    stars
//! ```
//!
//! c(m) is a movie's direction and level(m) follows from how well known it is. So what somebody looks for takes no byte
//! of a movie beside those that say which movies belong together; fade and weight are two numbers of the image, and its
//! users are kept by their latest [`LATEST`] movies.
//!
//! What somebody disliked ([`least_liked`]) is not among these ratings: after one star for a movie, nobody looks for its sequel.
//!
//! Sums, products and terms are integers; only the root and the quotient of a length are taken in single precision. x c(m)
//! is made for each codeword once a ranking, and then a movie is at most sixteen look-ups: none where it couldn't enter the
//! list with the most that there is for how well known it is, and no more once it lacks too much of that.

use super::kin::{Kin, KinTerms, NUMBERS};
use super::{LookupError, Model};
use crate::ids::UserId;
use crate::kernels::directions::direction;
use crate::numeric::fixed::{between, power_of_two, round};
use crate::numeric::unroll::each_of_two;
use crate::numeric::{SOFTWARE_FLOAT, square_root};

/// Ratings that say what somebody looks for: the latest ones of movies that the model has, without what was disliked.
pub const LATEST: usize = 16;

/// The lowest rating that says what somebody looks for who gives `mean` on the whole
/// ([`UserState::mean`](super::UserState::mean)): two ninths of the scale below that, a star on a scale from 0.5 to 5.
pub fn least_liked(mean: f32, (lowest, highest): (f32, f32)) -> f32 {
    mean - (highest - lowest) * (1.0 / 4.5)
}

/// Bits of a term behind the point: 9 of the codewords' and 8 of the level's.
pub(crate) const BITS: i32 = 17;

/// Bits of x that terms don't have, so that its rounding is beneath theirs. As many as 16 bits have room for: a likeness of
/// 1 may count some 64 stars at a scale of 2^-7.
const FINER: u32 = 7;

/// Bits behind the point of what a rating counts.
const FADE_BITS: u32 = 12;

/// What the image says of interests beside its kin; all of it was verified.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interests<'a> {
    /// Stars for a likeness of 1.
    pub weight: f32,
    /// What a rating counts when one more has been given, in 2^-12.
    pub fade: u32,
    /// The image's users.
    pub users: Option<Latest<'a>>,
}

/// The latest movies that the image's users didn't dislike, [`LATEST`] of each, the last one first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Latest<'a> {
    /// Rows of movies, little end first; all ones stand for none.
    pub rows: &'a [u8],
    /// Bytes of each.
    pub width: usize,
}

impl<'a> Latest<'a> {
    /// The movies' rows of the user of row `at`; none for a row outside the table.
    pub(crate) fn of(&self, at: usize) -> impl Iterator<Item = u32> + use<'a> {
        let (width, bytes) = (self.width, LATEST.wrapping_mul(self.width));
        let start = at.wrapping_mul(bytes);
        let mut left = self.rows.get(start..start.wrapping_add(bytes));
        core::iter::from_fn(move || {
            let (row, behind) = left.and_then(|left| left.split_at_checked(width))?;
            left = Some(behind);
            let number = |sum: u32, byte: &u8| (sum << 8) | u32::from(*byte);
            let filled = !row.is_empty() && row.iter().any(|byte| *byte != u8::MAX);
            filled.then(|| row.iter().rev().fold(0, number))
        })
    }
}

/// What a ranking adds for each codeword of the image's kin: 520 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interest {
    /// In 2^-9 stars, of a movie that is as well known as any.
    terms: KinTerms,
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
        terms: KinTerms::NONE,
        any: false,
    };

    /// Whether it adds anything.
    pub fn any(&self) -> bool {
        self.any
    }

    /// What each codeword adds.
    #[cfg(feature = "codes")]
    pub(crate) fn terms(&self) -> &KinTerms {
        &self.terms
    }
}

/// Bits behind the point that a key has more than a term.
pub(crate) const KEY_BITS: u32 = 20 - BITS as u32;

/// A sum of terms times a level as a key, in 2^-20 stars: at most 2^29.
#[inline(always)]
pub(crate) fn key(sum: i32, level: i32) -> i32 {
    sum.wrapping_mul(level) << KEY_BITS
}

impl Interests<'_> {
    /// The interest of somebody whose latest movies have these `rows`, the last one first. Costs 16 additions of
    /// [`NUMBERS`] for each and 16,384 products.
    #[inline(never)]
    pub(crate) fn of_latest(&self, kin: &Kin<'_>, rows: &mut dyn Iterator<Item = u32>) -> Interest {
        let mut x = [0_i32; NUMBERS];
        let mut counts = 1_u32 << FADE_BITS;
        // Not by `take`, whose count panics where overflow is looked for.
        for _ in 0..LATEST {
            let Some(row) = rows.next() else {
                break;
            };
            // All counts together are at most 2^16, so that a sum is at most 2^27.
            kin.add(&mut x, row, counts as i32);
            counts = counts.wrapping_mul(self.fade) >> FADE_BITS;
        }
        // Terms have 8 bits less than BITS, and a codeword's number is its part of one.
        let bits = BITS - 8 + FINER as i32;
        if !lengthen(&mut x, power_of_two(bits) * self.weight * kin.scale) {
            return Interest::NONE;
        }
        Interest {
            terms: kin.terms_of(direction(&mut x), FINER),
            any: true,
        }
    }
}

/// Gives `x` this length, within a 2^14th of it; then each number, within a 2^14th of the largest, is rounded to the nearest
/// integer of 16 bits. `false` where all are zeros. In integers but for a root and a quotient: in software floating point
/// a number's square and product would take as long as its sum of codewords.
fn lengthen(x: &mut [i32; NUMBERS], length: f32) -> bool {
    // The largest one's leading bit goes to the left, beneath the sign.
    let mut all = 0;
    for x in &*x {
        all |= x ^ (x >> 31);
    }
    let up = (all as u32 | 1).leading_zeros().wrapping_sub(1);
    let mut square = 0_i32;
    for x in &mut *x {
        *x = x.wrapping_shl(up);
        // At most 2^15, so that 64 squares without their last 6 bits come to at most 2^30.
        let high = (*x >> 15).wrapping_add(1) >> 1;
        square = square.wrapping_add(high.wrapping_mul(high) >> 6);
    }
    if square == 0 {
        return false;
    }
    // By what the upper 16 bits are to be multiplied: `factor` of 16 bits, `down` of them behind the point.
    let by = (length * (1.0 / 8.0) / square_root(square as f32)).to_bits();
    let down = 142_u32.wrapping_sub(by >> 23);
    let factor = match down < 32 {
        true => (by >> 8) & 0x7fff | 0x8000,
        // Less than half of one comes of any.
        false => 0,
    } as i32;
    for x in x {
        let low = (*x as u32 & 0xffff).wrapping_mul(factor as u32) >> 16;
        let product = (*x >> 16).wrapping_mul(factor).wrapping_add(low as i32);
        let twice = product.wrapping_shr(down.wrapping_sub(1));
        *x = between(twice.wrapping_add(1) >> 1, i16::MAX.into());
    }
    true
}

impl Kin<'_> {
    /// The term of the movie of row `at`, in 2^-17 stars; 0 for a row outside the tables.
    #[inline(never)]
    pub(crate) fn term_of(&self, interest: &Interest, at: usize) -> i32 {
        match (self.codes.get(at), self.known.get(at)) {
            (Some(codes), Some(known)) => {
                interest.terms.sum(codes).wrapping_mul(self.level(*known))
            }
            _ => 0,
        }
    }

    /// Adds the terms of the movies from row `first` on to scores in 2^-20 stars; of one that isn't above `bar` then,
    /// it leaves another that isn't.
    pub(crate) fn add_to_keys(
        &self,
        interest: &Interest,
        first: usize,
        bar: i32,
        keys: &mut [i32],
    ) {
        let codes = self.codes.get(first..).unwrap_or_default();
        let known = self.known.get(first..).unwrap_or_default();
        let terms = &interest.terms;
        each_of_two(keys, codes, known, |to, codes, known| {
            let level = self.level(*known);
            let most = to.saturating_add(key(terms.most(), level));
            if level != 0 && most > bar {
                let room = match most {
                    // More than that, perhaps.
                    i32::MAX => i32::MAX,
                    most => most.saturating_sub(bar),
                };
                let lack = terms.lack(codes, key(1, level), room);
                *to = to.saturating_add(key(terms.most(), level).wrapping_sub(lack));
            } else {
                *to = most;
            }
        });
    }

    /// The same for scores in stars.
    pub(crate) fn add_to_stars(
        &self,
        interest: &Interest,
        first: usize,
        bar: f32,
        scores: &mut [f32],
    ) {
        /// As far from 0, a score is rounded by at most 2^-14 stars.
        const FAR: f32 = 1024.0;
        let codes = self.codes.get(first..).unwrap_or_default();
        let known = self.known.get(first..).unwrap_or_default();
        let terms = &interest.terms;
        each_of_two(scores, codes, known, |score, codes, known| {
            let level = self.level(*known);
            if level == 0 {
                return;
            }
            if SOFTWARE_FLOAT {
                // What a movie could come to is no cheaper there than its look-ups.
                let term = terms.sum(codes).wrapping_mul(level);
                *score += term as f32 * power_of_two(-BITS);
                return;
            }
            let most = terms.most().wrapping_mul(level);
            let high = *score + most as f32 * power_of_two(-BITS);
            if high > bar {
                let room = match high < FAR && bar > -FAR {
                    // Rounding of the three is in the eighth of a hundredth of a star.
                    true => round((high - bar) * power_of_two(BITS) + 128.0, 1 << 29),
                    false => i32::MAX,
                };
                let term = most.wrapping_sub(terms.lack(codes, level, room));
                *score += term as f32 * power_of_two(-BITS);
            } else {
                *score = high;
            }
        });
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
        let Some((of, kin)) = self.interests() else {
            return Ok(Interest::NONE);
        };
        Ok(of.users.map_or(Interest::NONE, |users| {
            of.of_latest(kin, &mut users.of(row as usize))
        }))
    }

    /// What a ranking adds to the movie of `row` for `interest`, in stars.
    pub fn interest_stars(&self, interest: &Interest, row: u32) -> f32 {
        let (part, row) = self.part_of(row);
        let term = part
            .interests()
            .map_or(0, |(_, kin)| kin.term_of(interest, row as usize));
        term as f32 * power_of_two(-BITS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::kin::{BOOKS, BYTES, LEVELS, QUADS, WORDS};
    use crate::numeric::fixed;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_get_the_length_that_is_due_and_each_its_part(
            numbers in prop::collection::vec(-1_i32 << 27..=1 << 27, NUMBERS),
            fewer in 0_u32..27,
            length in (-20.0_f32..23.0).prop_map(f32::exp2),
        ) {
            let numbers: std::vec::Vec<_> = numbers.iter().map(|x| x >> fewer).collect();
            let mut x: [i32; NUMBERS] = numbers.as_slice().try_into().unwrap();
            let before = numbers.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
            prop_assert_eq!(lengthen(&mut x, length), before > 0.0);
            prop_assume!(before > 0.0);
            let by = f64::from(length) / before;
            let largest = numbers.iter().map(|x| x.unsigned_abs()).max().map_or(0.0, f64::from) * by;
            for (found, number) in x.iter().zip(&numbers) {
                let due = f64::from(*number) * by;
                // Half of one is rounding; then the length's error and what a number's last bits are.
                let held = due.clamp(-32_767.0, 32_767.0);
                let far = 0.5 + largest.min(32_768.0) / 16_384.0 + f64::EPSILON;
                prop_assert!((f64::from(*found) - held).abs() <= far, "{} for {}", found, due);
            }
        }

        #[test]
        fn a_movie_above_the_bar_has_its_whole_term_and_no_other_passes_it(
            codebook in prop::collection::vec(any::<[u32; QUADS]>(), BOOKS * WORDS),
            levels in prop::collection::vec(any::<u8>(), LEVELS),
            movies in prop::collection::vec((any::<[u8; BYTES]>(), any::<u8>(), -3.0_f32..5.0), 1..40),
            far in prop_oneof![Just(1.0_f32), Just(1e6)],
            bar in prop_oneof![Just(f32::MIN), -2.0_f32..30.0],
        ) {
            let codes: std::vec::Vec<_> = movies.iter().map(|(codes, _, _)| *codes).collect();
            let known: std::vec::Vec<_> = movies.iter().map(|(_, known, _)| *known).collect();
            let kin = Kin {
                codes: &codes,
                codebook: codebook.as_slice().try_into().unwrap(),
                scale: 1.0 / 256.0,
                levels: levels.as_slice().try_into().unwrap(),
                known: &known,
                #[cfg(feature = "grow")]
                more: &[],
            };
            let interests = Interests { weight: 24.0, fade: 3000, users: None };
            let interest = interests.of_latest(&kin, &mut [0].into_iter());
            let bar = bar * far;
            let scores: std::vec::Vec<_> = movies.iter().map(|(_, _, score)| score * far).collect();
            let mut stars = scores.clone();
            kin.add_to_stars(&interest, 0, bar, &mut stars);
            let mut keys: std::vec::Vec<_> = scores.iter().map(|score| fixed::key(*score)).collect();
            kin.add_to_keys(&interest, 0, fixed::key(bar), &mut keys);
            for (row, score) in scores.iter().enumerate() {
                let term = kin.term_of(&interest, row);
                let due = score + term as f32 * power_of_two(-BITS);
                let found = stars[row];
                prop_assert!(if due > bar { found == due } else { found <= bar }, "{} for {}, above {}", found, due, bar);
                let due = fixed::key(*score).saturating_add(term << (20 - BITS));
                let (found, bar) = (keys[row], fixed::key(bar));
                prop_assert!(if due > bar { found == due } else { found <= bar }, "{} for {}, above {}", found, due, bar);
            }
            // By kin alike, of whose keys none has a sign that matters.
            let all = |bar| {
                let mut keys = std::vec![0; movies.len()];
                kin.keys(&interest.terms, 0, bar, &mut keys);
                keys
            };
            let dues = all(-(1 << 27));
            let bar = dues[0] / 2;
            for (due, found) in dues.iter().zip(all(bar)) {
                prop_assert!(if *due > bar { found == *due } else { found <= bar }, "{} for {}, above {}", found, due, bar);
            }
        }
    }
}
