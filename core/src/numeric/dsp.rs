//! Two 16-bit multiplications at a time: SMLAD where a core has it, plain integer arithmetic elsewhere.
#![allow(unsafe_code)]

/// What tells the assembler that the core has the extension, which is optional in Armv8-M; an M4 surely has it.
#[cfg(all(cortex_m_dsp, not(armv8m)))]
macro_rules! dsp_core {
    () => {
        ""
    };
}
/// As above.
#[cfg(all(cortex_m_dsp, armv8m))]
macro_rules! dsp_core {
    () => {
        ".cpu cortex-m33"
    };
}
#[cfg(cortex_m_dsp)]
pub(crate) use dsp_core;

/// Two 16-bit numbers, the earlier one in the low half.
pub(crate) type Pair = u32;

/// `sum` plus the products of the low halves and of the high halves of `a` and `b`, all signed.
#[cfg(not(cortex_m_dsp))]
#[inline(always)]
pub(crate) fn multiply_add(a: u32, b: u32, sum: i32) -> i32 {
    let low = i32::from(a as i16).wrapping_mul(i32::from(b as i16));
    let high = (a as i32 >> 16).wrapping_mul(b as i32 >> 16);
    sum.wrapping_add(low).wrapping_add(high)
}

/// `sum` plus the products of four signed bytes with four signed 16-bit numbers: `pairs` has those of the first byte and the
/// third, then those of the second and the fourth.
#[cfg(not(any(cortex_m_dsp, cortex_m_base)))]
#[inline(always)]
pub(crate) fn multiply_add_bytes(bytes: u32, pairs: [Pair; 2], sum: i32) -> i32 {
    let [even, odd] = pairs;
    let product = |byte: u32, number: i32| i32::from(byte as i8).wrapping_mul(number);
    sum.wrapping_add(product(bytes, i32::from(even as i16)))
        .wrapping_add(product(bytes >> 8, i32::from(odd as i16)))
        .wrapping_add(product(bytes >> 16, even as i32 >> 16))
        .wrapping_add(product(bytes >> 24, odd as i32 >> 16))
}

/// How much more than a byte [`add_bytes`] adds: where it takes a subtraction of each to have its sign.
#[cfg(not(cortex_m_base))]
pub(crate) const BESIDE_A_BYTE: u32 = if cfg!(cortex_m_dsp) { 0 } else { 128 };

/// `pairs` and four signed bytes, [`BESIDE_A_BYTE`] with each of them: the first byte and the third are added to the first
/// pair, the others to the second. What they come to has 16 bits.
#[cfg(not(any(cortex_m_dsp, cortex_m_base)))]
#[inline(always)]
pub(crate) fn add_bytes(bytes: u32, pairs: [Pair; 2]) -> [Pair; 2] {
    let [even, odd] = pairs;
    let bytes = bytes ^ 0x8080_8080;
    [
        even.wrapping_add(bytes & 0x00ff_00ff),
        odd.wrapping_add((bytes >> 8) & 0x00ff_00ff),
    ]
}

/// `pairs` and four signed bytes, [`BESIDE_A_BYTE`] with each of them: the first byte and the third are added to the first
/// pair, the others to the second. What they come to has 16 bits.
#[cfg(cortex_m_dsp)]
#[inline(always)]
pub(crate) fn add_bytes(bytes: u32, pairs: [Pair; 2]) -> [Pair; 2] {
    let [mut even, mut odd] = pairs;
    // SAFETY: arithmetic on registers.
    unsafe {
        core::arch::asm!(
            dsp_core!(),
            "sxtab16 {even}, {even}, {bytes}",
            "sxtab16 {odd}, {odd}, {bytes}, ror #8",
            bytes = in(reg) bytes,
            even = inout(reg) even,
            odd = inout(reg) odd,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    [even, odd]
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
            dsp_core!(),
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
            dsp_core!(),
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

/// Four signed bytes, each times `by` (at most 255), as two pairs of 16-bit numbers.
#[cfg(not(cortex_m_dsp))]
#[inline(always)]
pub(crate) fn widen(bytes: u32, by: u32) -> [u32; 2] {
    let times = |byte: u32| (i32::from(byte as i8).wrapping_mul(by as i32)) as u32;
    let pair = |low: u32, high: u32| low & 0xffff | high << 16;
    [
        pair(times(bytes), times(bytes >> 8)),
        pair(times(bytes >> 16), times(bytes >> 24)),
    ]
}

/// Four signed bytes, each times `by` (at most 255), as two pairs of 16-bit numbers.
#[cfg(cortex_m_dsp)]
#[inline(always)]
pub(crate) fn widen(bytes: u32, by: u32) -> [u32; 2] {
    let (first, second);
    // SAFETY: arithmetic on registers.
    unsafe {
        core::arch::asm!(
            dsp_core!(),
            "sxtb16 {even}, {bytes}",
            "sxtb16 {odd}, {bytes}, ror #8",
            "smulbb {first}, {even}, {by}",
            "smultb {second}, {even}, {by}",
            "smulbb {even}, {odd}, {by}",
            "smultb {odd}, {odd}, {by}",
            "pkhbt {first}, {first}, {even}, lsl #16",
            "pkhbt {second}, {second}, {odd}, lsl #16",
            bytes = in(reg) bytes,
            by = in(reg) by,
            even = out(reg) _,
            odd = out(reg) _,
            first = out(reg) first,
            second = out(reg) second,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    [first, second]
}
