//! Fixed point: scores in 2^-20 stars, powers of two, and rounding that costs no arithmetic of a soft float it needn't.

/// Bits behind the point of a score.
pub(crate) const SCORE_BITS: u32 = 20;

/// 2^`exponent`, for exponents from -126 to 127.
pub(crate) fn power_of_two(exponent: i32) -> f32 {
    f32::from_bits((exponent.wrapping_add(127) as u32 & 0xff) << 23)
}

/// The exponent of `x` where it is a power of two from 2^-24 to 2^8.
pub(crate) fn exponent(x: f32) -> Option<i32> {
    let bits = x.to_bits();
    let exponent = (bits >> 23) as i32 - 127;
    (bits & 0x7f_ffff == 0 && (-24..=8).contains(&exponent)).then_some(exponent)
}

/// A score in stars. Exact below 16 stars, which a score on any rating scale of MovieLens is.
#[inline]
pub(crate) fn stars(score: i32) -> f32 {
    // A power of two: on a core without an FPU the exponent alone is changed.
    if super::SOFTWARE_FLOAT {
        let bits = (score as f32).to_bits();
        f32::from_bits(if score == 0 {
            bits
        } else {
            bits.wrapping_sub(SCORE_BITS << 23)
        })
    } else {
        score as f32 * (1.0 / (1 << SCORE_BITS) as f32)
    }
}

/// The inverse of [`stars`], exact where that is.
pub(crate) fn key(score: f32) -> i32 {
    (score * power_of_two(SCORE_BITS as i32)) as i32
}

/// `x` times 2^[`SCORE_BITS`], to nearest, clamped to ±2^28.
pub(crate) fn score(x: f32) -> i32 {
    round(x * power_of_two(SCORE_BITS as i32), 1 << 28)
}

/// `x` clamped to ±`limit`. (`Ord::clamp` would bring a panic along.)
pub(crate) fn between(x: i32, limit: i32) -> i32 {
    if x > limit {
        limit
    } else if x < limit.wrapping_neg() {
        limit.wrapping_neg()
    } else {
        x
    }
}

/// `x` to the nearest integer, halves away from zero, clamped to ±`limit`.
pub(crate) fn round(x: f32, limit: i32) -> i32 {
    let nearest = if x > 0.0 {
        (x + 0.5) as i32
    } else {
        (x - 0.5) as i32
    };
    between(nearest, limit)
}
