//! Arithmetic, of numbers and slices of them: IEEE single precision in one written order, so that a PC, an emulator and
//! a board give the same bits. It knows no shape and no table; kernels of those are built from it.

pub mod activation;
pub mod crc32;
pub mod dot;
#[cfg_attr(not(feature = "integers"), allow(dead_code))]
pub(crate) mod dsp;
pub mod f16;
#[cfg_attr(not(feature = "integers"), allow(dead_code))]
pub(crate) mod fixed;
pub(crate) mod pace;
#[cfg(test)]
pub(crate) mod random;
mod root;
#[allow(dead_code, reason = "features choose which of its loops there are")]
pub(crate) mod unroll;
#[allow(dead_code, reason = "as above")]
pub(crate) mod walk;

/// Whether this is a core that has floating point as software alone.
pub(crate) const SOFTWARE_FLOAT: bool = cfg!(all(target_os = "none", not(target_abi = "eabihf")));

/// The square root of `x`, correctly rounded, by a core's own instruction where it has one: the same bits on every machine. Negative numbers give 0, so that no NaN can arise.
pub fn square_root(x: f32) -> f32 {
    #[cfg(not(cortex_m_float))]
    use root::plain as root;
    #[cfg(cortex_m_float)]
    use root::square_root as root;
    if x > 0.0 { root(x) } else { 0.0 }
}

/// `x` held between `low` and `high` by comparison, without the signed-zero and NaN cases in which
/// `f32::clamp` differs between machines. A NaN becomes `low`.
#[inline(never)] // A comparison each way for ten callers: half a kilobyte of a firmware.
pub fn clamp(x: f32, low: f32, high: f32) -> f32 {
    if x > high {
        high
    } else if x >= low {
        x
    } else {
        low
    }
}

/// Whether one of some numbers may have a magnitude of 2 or more, by their bits, all of them or-ed.
#[inline(always)]
pub(crate) fn may_pass(bits: u32) -> bool {
    bits & 0x4000_0000 != 0
}

/// Whether the magnitude of each of `numbers` is at most `limit`, which is at least 2. Numbers below 2, as most are,
/// have a bit of their exponent clear.
#[cfg(all(cortex_m_float, feature = "learn"))]
#[inline(always)]
pub(crate) fn are_within(numbers: &[f32], limit: f32) -> bool {
    let bits = numbers.iter().fold(0, |bits, x| bits | x.to_bits());
    !may_pass(bits) || are_within_limit(numbers, limit)
}

/// As [`are_within`], of 8 numbers: without a loop, which takes three times as long where it isn't unrolled.
#[cfg(all(cortex_m_float, feature = "learn"))]
#[inline(always)]
pub(crate) fn are_8_within(numbers: &[f32; 8], limit: f32) -> bool {
    let [a, b, c, d, e, f, g, h] = numbers;
    let front = a.to_bits() | b.to_bits() | c.to_bits() | d.to_bits();
    let back = e.to_bits() | f.to_bits() | g.to_bits() | h.to_bits();
    !may_pass(front | back) || are_within_limit(numbers, limit)
}

/// Of positive numbers the bits are in order, so that one subtraction a number tells, and one test all of them.
#[cold]
#[inline(never)]
fn are_within_limit(numbers: &[f32], limit: f32) -> bool {
    let outside = numbers.iter().fold(0, |outside, x| {
        outside | limit.to_bits().wrapping_sub(magnitude(*x).to_bits())
    });
    outside as i32 >= 0
}

/// Each of `numbers` clamped to ±`limit` as by [`clamp`]; they rarely have to be.
#[cfg(feature = "learn")]
#[inline(always)]
pub(crate) fn clamp_all(numbers: Option<&mut [f32]>, limit: f32) {
    if may_pass(unroll::all_bits(numbers.as_deref().unwrap_or_default())) {
        clamp_each(numbers, limit);
    }
}

/// Each of `numbers` clamped to ±`limit`, for callers that know their bits: where [`may_pass`] says so.
#[cold]
#[inline(never)]
pub(crate) fn clamp_each(numbers: Option<&mut [f32]>, limit: f32) {
    let numbers = numbers.unwrap_or_default();
    if !are_within_limit(numbers, limit) {
        for x in numbers {
            *x = clamp(*x, -limit, limit);
        }
    }
}

/// The magnitude of `x`: its bits without the sign.
pub fn magnitude(x: f32) -> f32 {
    f32::from_bits(x.to_bits() & 0x7fff_ffff)
}
