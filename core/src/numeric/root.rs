//! The square root. IEEE 754 has it exactly rounded, so whoever takes it has the same bits.
#![cfg_attr(cortex_m_float, allow(unsafe_code))]

/// The square root of `x`, which is positive: bit by bit, by additions that can't overflow.
#[cfg(any(test, not(cortex_m_float)))]
pub(crate) fn plain(x: f32) -> f32 {
    const ONE: u32 = 0x0080_0000;
    let bits = x.to_bits();
    if bits >= 0x7f80_0000 {
        return x;
    }
    // x is `left` times a power of two, with the leading bit at 23 or, where the power would be odd, at 24.
    let (mut left, mut exponent) = ((bits & (ONE - 1)) | ONE, (bits >> 23) as i32);
    if exponent == 0 {
        let up = bits.leading_zeros().wrapping_sub(8);
        left = bits.wrapping_shl(up);
        exponent = 1_i32.wrapping_sub(up as i32);
    }
    let power = exponent.wrapping_sub(127);
    if power & 1 != 0 {
        left <<= 1;
    }
    // The largest root, a bit at a time from the left, whose square is no more than what is there; one bit more than
    // the result has, to round by.
    let (mut root, mut twice) = (0_u32, 0_u32);
    let mut bit = ONE << 1;
    left <<= 1;
    while bit != 0 {
        let with = twice.wrapping_add(bit);
        if with <= left {
            twice = with.wrapping_add(bit);
            left = left.wrapping_sub(with);
            root = root.wrapping_add(bit);
        }
        left <<= 1;
        bit >>= 1;
    }
    // No root ends in exactly half a unit: what is left over rounds up where the further bit is set.
    let rounded = root.wrapping_add(root & 1) >> 1;
    let exponent = (power >> 1).wrapping_add(126) as u32;
    f32::from_bits(rounded.wrapping_add(exponent << 23))
}

#[cfg(cortex_m_float)]
unsafe extern "C" {
    fn pocketrec_square_root(x: f32) -> f32;
}

/// The square root of `x`, which isn't negative: 14 cycles.
#[cfg(cortex_m_float)]
#[inline]
pub(crate) fn square_root(x: f32) -> f32 {
    // SAFETY: arithmetic on a register.
    unsafe { pocketrec_square_root(x) }
}

#[cfg(cortex_m_float)]
core::arch::global_asm!(
    r#"
    .section .text.pocketrec_square_root, "ax"
    .syntax unified
    .thumb
    .fpu fpv4-sp-d16
    .global pocketrec_square_root
    .type pocketrec_square_root, %function
    .thumb_func
pocketrec_square_root:
    vsqrt.f32 s0, s0
    bx lr
    .size pocketrec_square_root, . - pocketrec_square_root
    .text
"#,
    options(raw)
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::disallowed_methods, reason = "std's is the oracle")]
    fn every_root_is_the_one_that_is_exactly_rounded() {
        let check = |bits: u32| {
            let x = f32::from_bits(bits);
            assert_eq!(plain(x).to_bits(), x.sqrt().to_bits(), "{x:e}");
        };
        // Every third fraction, of an even power of two and of an odd one; then every power, those of subnormals too.
        (0x3f80_0000..0x4080_0000).step_by(3).for_each(check);
        for power in 0..255_u32 {
            (1..1000).for_each(|n: u32| check(power << 23 | n.wrapping_mul(8_388_593) >> 9));
        }
        for bits in [1, 2, 3, 0x7f_ffff, 0x80_0000, 0x7f7f_ffff, 0x7f80_0000] {
            check(bits);
        }
    }
}
