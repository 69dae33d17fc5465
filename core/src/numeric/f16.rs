//! IEEE half precision: widening on the device, and rounding on the host (feature `write`).
//!
//! An image holds only zeros and normal numbers, so widening is a shift and an addition of integers. That is
//! immune to a flush-to-zero mode, and on a Cortex-M without half-precision instructions a tenth of the cost of
//! a multiplication by 2^112.

/// The single-precision number of the half-precision `bits`, for zeros and normal numbers. A subnormal gives a
/// zero of its sign; infinities and NaNs, which no verified image holds, give large finite numbers.
///
/// ```
/// assert_eq!(pocketrec::numeric::f16::widen(0x3c00), 1.0);
/// assert_eq!(pocketrec::numeric::f16::widen(0xc100), -2.5);
/// ```
#[inline]
pub const fn widen(bits: u16) -> f32 {
    let sign = ((bits & 0x8000) as u32) << 16;
    let magnitude = (bits & 0x7fff) as u32;
    if magnitude < 0x400 {
        f32::from_bits(sign)
    } else {
        f32::from_bits(sign | ((magnitude << 13) + (112 << 23)))
    }
}

/// The half-precision bits nearest to `x`, ties to even, with magnitudes below 2^-14 rounded to zero or 2^-14
/// (an error of at most 2^-15, about 3.1e-5), or `None` for what half precision can't hold: a NaN, an infinity,
/// or a magnitude that rounds above 65,504.
#[cfg(feature = "write")]
pub fn round(x: f32) -> Option<u16> {
    const SMALLEST: f32 = 1.0 / 16384.0;
    let magnitude = crate::numeric::magnitude(x);
    let sign = ((x.to_bits() >> 16) & 0x8000) as u16;
    if magnitude < SMALLEST {
        return Some(if magnitude < SMALLEST / 2.0 {
            0
        } else {
            sign | 0x0400
        });
    }
    let bits = half::f16::from_f32(x);
    bits.is_finite().then_some(bits.to_bits())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widening_is_exact_for_every_finite_normal_value() {
        let mut checked = 0;
        for bits in 0..=u16::MAX {
            let oracle = half::f16::from_bits(bits);
            if oracle.is_normal() || oracle.to_f32() == 0.0 {
                assert_eq!(
                    widen(bits).to_bits(),
                    oracle.to_f32().to_bits(),
                    "{bits:04x}"
                );
                checked += 1;
            }
        }
        assert_eq!(checked, 61_440 + 2);
    }

    #[cfg(feature = "write")]
    #[test]
    fn rounding_is_to_nearest_and_gives_no_subnormal() {
        for bits in 0..=u16::MAX {
            let value = half::f16::from_bits(bits);
            if value.is_normal() {
                assert_eq!(round(value.to_f32()), Some(bits));
            }
        }
        let mut x = 1.0e-9_f32;
        while x < 1.0e-3 {
            for y in [x, -x] {
                let back = widen(round(y).unwrap());
                assert!((back - y).abs() <= 1.0 / 32768.0, "{y} became {back}");
                assert!(back == 0.0 || half::f16::from_f32(back).is_normal());
            }
            x *= 1.01;
        }
        assert_eq!(round(65_519.0), Some(0x7bff));
        assert_eq!(round(65_520.0), None);
        assert_eq!(round(f32::NAN), None);
        assert_eq!(round(f32::NEG_INFINITY), None);
    }
}
