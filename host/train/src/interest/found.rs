//! What is found of people's interests, as a checkpoint has it and a device ranks with it.

use pocketrec::model::kin::LEVELS;

/// The smallest scale of codewords; core wants a power of two from 2^-16 on.
const LEAST_SCALE: f32 = 1.0 / 32_768.0;

/// What people look for.
#[derive(Clone, Debug, PartialEq)]
pub struct Interest {
    /// What a rating counts for when one more has been given.
    pub fade: f32,
    /// Stars for a likeness of 1.
    pub weight: f32,
    /// Stars for the logarithm of one more than a movie's ratings, beside it.
    pub fame: f32,
    /// The rows of the movies that each person rated last and didn't dislike, [`LATEST`](pocketrec::model::interest::LATEST) of
    /// them, the last one first; [`u32::MAX`] where there are no more.
    pub latest: Vec<u32>,
    /// Which codewords each movie's direction is the sum of: [`BYTES`](pocketrec::model::kin::BYTES) for a movie, as an
    /// image holds them.
    pub kin_codes: Vec<u8>,
    /// The codewords of [`pocketrec::model::kin`], book after book: multiples of [`kin_scale`].
    pub kin_codebook: Vec<f32>,
}

/// What likeness with a movie is multiplied by for its confidence byte, in 256ths, a level for four bytes: n / (n + 10) for
/// n ratings, and nothing for under 5.
pub fn kin_levels(counts: &[u32]) -> [u8; LEVELS] {
    let most = most(counts);
    std::array::from_fn(|level| {
        let ratings = ((level as f32 * 4.0 + 1.5) / 255.0 * most).exp_m1();
        (kin_level(ratings) * 255.0).round() as u8
    })
}

/// What likeness with a movie of so many ratings is multiplied by.
pub(super) fn kin_level(ratings: f32) -> f32 {
    match ratings >= 4.5 {
        true => ratings / (ratings + 10.0),
        false => 0.0,
    }
}

/// What a number of codewords counts in an image, a power of two from 2^-15 on: the least that 8 bits hold the largest by.
pub fn kin_scale(codebook: &[f32]) -> f32 {
    let largest = codebook.iter().fold(0.0f32, |most, x| most.max(x.abs()));
    let mut scale = 1.0;
    while scale > LEAST_SCALE && largest <= scale * 63.5 {
        scale /= 2.0;
    }
    scale
}

/// Confidence bytes of movies with so many ratings: the logarithm of one more, of 255 steps.
pub fn confidence_bytes(counts: &[u32]) -> Vec<u8> {
    let most = most(counts);
    counts
        .iter()
        .map(|&count| ((count as f32).ln_1p() / most * 255.0).round() as u8)
        .collect()
}

/// The largest logarithm of one more than a movie's ratings.
pub fn most(counts: &[u32]) -> f32 {
    let most = counts.iter().copied().max().unwrap_or_default();
    (most as f32).ln_1p().max(f32::MIN_POSITIVE)
}
