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

/// The inverse of [`stars`], exact where that is; held to 32 bits.
pub(crate) fn key(score: f32) -> i32 {
    if super::SOFTWARE_FLOAT {
        key_by_bits(score)
    } else {
        (score * power_of_two(SCORE_BITS as i32)) as i32
    }
}

/// The same of a number without floating point.
#[cfg_attr(not(target_os = "none"), allow(dead_code))]
#[inline(never)]
fn key_by_bits(score: f32) -> i32 {
    let bits = score.to_bits();
    // Below 2^24, in counts of a key's times 2^finer.
    let fraction = bits & 0x7f_ffff | 0x80_0000;
    let finer = (bits >> 23 & 0xff).wrapping_sub(127 + 23 - SCORE_BITS) as i32;
    let is_negative = bits >> 31 != 0;
    let magnitude = match finer {
        ..-24 => 0,
        -24..0 => fraction.wrapping_shr(finer.wrapping_neg() as u32),
        0..8 => fraction.wrapping_shl(finer as u32),
        _ => return if is_negative { i32::MIN } else { i32::MAX },
    } as i32;
    if is_negative {
        magnitude.wrapping_neg()
    } else {
        magnitude
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_key_without_floating_point_is_the_same(
            bits in prop_oneof![
                any::<u32>(),
                // Scores, and what is about as large as a key can be.
                (-20.0_f32..20.0).prop_map(f32::to_bits),
                (-2_100.0_f32..2_100.0).prop_map(f32::to_bits),
                (0_u32..1 << 24).prop_map(|small| small << 8),
            ],
        ) {
            let score = f32::from_bits(bits);
            prop_assume!(!score.is_nan());
            prop_assert_eq!(key_by_bits(score), (score * power_of_two(SCORE_BITS as i32)) as i32);
        }
    }

    #[test]
    fn a_key_is_held_to_its_bits() {
        for (score, due) in [
            (2048.0, i32::MAX),
            (-2048.0, i32::MIN),
            (f32::MAX, i32::MAX),
            (f32::MIN, i32::MIN),
            (0.0, 0),
            (-0.0, 0),
            (f32::MIN_POSITIVE, 0),
        ] {
            assert_eq!((key(score), key_by_bits(score)), (due, due), "{score}");
        }
    }
}
