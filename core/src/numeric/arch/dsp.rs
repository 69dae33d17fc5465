//! Two 16-bit multiplications at a time: SMLAD where a core has it, plain integer arithmetic elsewhere.

#[cfg(cortex_m_dsp)]
mod assembly;
#[cfg(cortex_m_dsp)]
pub(crate) use assembly::{Net, score};

/// `sum` plus the products of the low halves and of the high halves of `a` and `b`, all signed.
#[cfg(not(cortex_m_dsp))]
#[inline(always)]
pub(crate) fn multiply_add(a: u32, b: u32, sum: i32) -> i32 {
    let low = i32::from(a as i16).wrapping_mul(i32::from(b as i16));
    let high = (a as i32 >> 16).wrapping_mul(b as i32 >> 16);
    sum.wrapping_add(low).wrapping_add(high)
}

/// The top halves of `low` and `high` side by side, negative ones as 0.
#[cfg(not(cortex_m_dsp))]
#[inline(always)]
pub(crate) fn top_halves(low: i32, high: i32) -> u32 {
    let positive = |x: i32| (x & !(x >> 31)) as u32;
    positive(low) >> 16 | positive(high) & 0xffff_0000
}

/// `sum` plus the products of the low halves and of the high halves of `a` and `b`, all signed.
#[cfg(cortex_m_dsp)]
#[inline(always)]
pub(crate) fn multiply_add(a: u32, b: u32, sum: i32) -> i32 {
    let result;
    // SAFETY: arithmetic on registers. An overflow, which the verifier excludes, would only set the Q flag.
    unsafe {
        core::arch::asm!(
            "smlad {result}, {a}, {b}, {sum}",
            result = lateout(reg) result,
            a = in(reg) a,
            b = in(reg) b,
            sum = in(reg) sum,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    result
}

/// The top halves of `low` and `high` side by side, negative ones as 0.
#[cfg(cortex_m_dsp)]
#[inline(always)]
pub(crate) fn top_halves(low: i32, high: i32) -> u32 {
    let result;
    // SAFETY: arithmetic on registers.
    unsafe {
        core::arch::asm!(
            "pkhtb {result}, {high}, {low}, asr #16",
            "usat16 {result}, #15, {result}",
            result = lateout(reg) result,
            low = in(reg) low,
            high = in(reg) high,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    result
}
