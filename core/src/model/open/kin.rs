//! The tables of movies that belong together: found and checked.

use super::{ANY, Found};
use crate::image::{Element, ImageError, TableKind};
use crate::model::kin::{BOOKS, BYTES, Codeword, Kin, NUMBERS, WORDS};
use crate::numeric::pace::Pace;

/// The other tables, which stand for nothing without [`TableKind::KinCode`].
const KINDS: [TableKind; 2] = [TableKind::KinCodebook, TableKind::KinLevels];

/// The scale of a codebook is a power of two from this to 1.
const LEAST: f32 = 1.0 / 65536.0;

/// What the image says of movies that belong together, where it has codes for each; `known` are the confidence bytes.
#[inline(never)]
pub(super) fn open<'a, P: Pace>(
    found: &Found<'a, P>,
    movies: u32,
    known: Option<&'a [u8]>,
) -> Option<Kin<'a>> {
    let kind = TableKind::KinCode;
    if !found.has(kind) {
        if KINDS.into_iter().any(|kind| found.has(kind)) {
            found.refuse(ImageError::Missing(kind));
        }
        return None;
    }
    let (codes, _) = found.bytes(kind, movies, BYTES as u32).as_chunks();
    let Some(known) = known else {
        found.refuse(ImageError::Missing(TableKind::MovieConfidence));
        return None;
    };
    let kind = TableKind::KinCodebook;
    let scale = found.need(kind, 0, ANY, ANY).scale;
    // Written so that a NaN is refused too.
    if !(LEAST..=1.0).contains(&scale) || scale.to_bits() & 0x007f_ffff != 0 {
        found.value(kind);
    }
    let words = (BOOKS * WORDS) as u32;
    let values = found.bytes_of((kind, 0), Element::I8, words, NUMBERS as u32);
    // A table begins at a multiple of four bytes.
    let codebook: &[Codeword] = bytemuck::try_cast_slice(values).unwrap_or_default();
    let levels = found.bytes(TableKind::KinLevels, ANY, ANY);
    let (Ok(codebook), Ok(levels)) = (codebook.try_into(), levels.try_into()) else {
        found.shape(TableKind::KinLevels);
        return None;
    };
    Some(Kin {
        codes,
        codebook,
        scale,
        levels,
        known,
        #[cfg(feature = "grow")]
        more: &[],
    })
}
