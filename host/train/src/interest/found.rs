//! What is found of people's interests, as a checkpoint has it and a device ranks with it.

use pocketrec::model::interest::LEVELS;

/// What people look for.
#[derive(Clone, Debug, PartialEq)]
pub struct Interest {
    /// Numbers in a row of the codebook, and in a person's vector.
    pub dim: usize,
    /// Which row of the codebook a movie has.
    pub codes: Vec<u8>,
    /// Rows of `dim`, whole multiples of [`scale`](Self::scale).
    pub codebook: Vec<f32>,
    /// What the codebook's rows are multiples of.
    pub scale: f32,
    /// The power of (1 + ratings) that a movie's row is multiplied by.
    pub power: f32,
    /// Covariance of people's vectors before any rating: the lower triangle.
    pub spread: Vec<f32>,
    /// What a rating counts for when one more has been given.
    pub fade: f32,
    /// Stars for an interest of 1.
    pub weight: f32,
    /// Each person's vector, rows of `dim`.
    pub users: Vec<f32>,
    /// Which codewords each movie's direction is the sum of: [`BYTES`](pocketrec::model::kin::BYTES) for a movie, as an
    /// image holds them.
    pub kin_codes: Vec<u8>,
    /// The codewords of [`pocketrec::model::kin`], book after book.
    pub kin_codebook: Vec<f32>,
}

/// What likeness with a movie is multiplied by for its confidence byte, in 256ths, a level for four bytes: n / (n + 10) for
/// n ratings, and nothing for under 5.
pub fn kin_levels(counts: &[u32]) -> [u8; LEVELS] {
    let most = most(counts);
    std::array::from_fn(|level| {
        let ratings = ((level as f32 * 4.0 + 1.5) / 255.0 * most).exp_m1();
        match ratings >= 4.5 {
            true => (ratings / (ratings + 10.0) * 255.0).round() as u8,
            false => 0,
        }
    })
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

/// What a movie's row is multiplied by for its confidence byte, in 256ths, a level for four bytes: the power of
/// (1 + ratings), over that of the best known movie.
pub fn levels(counts: &[u32], power: f32) -> [u8; LEVELS] {
    let most = most(counts);
    std::array::from_fn(|level| {
        let byte = level as f32 * 4.0 + 1.5;
        let below = (byte / 255.0 - 1.0) * most * power;
        (below.exp() * 255.0).round().clamp(0.0, 255.0) as u8
    })
}
