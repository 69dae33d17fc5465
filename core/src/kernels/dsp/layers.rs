//! Dense layers of any size in integers, a movie at a time: what every model takes that isn't of the lesson's shape. In
//! assembly, so that they cost the same however the rest is compiled.

use core::arch::global_asm;
use core::mem::MaybeUninit;

use crate::MAX_UNITS;
use crate::numeric::dsp::{Pair, dsp_core};

/// Room for the units of a layer.
pub(crate) type Places = [MaybeUninit<Pair>; MAX_UNITS / 2];

unsafe extern "C" {
    /// The top halves of `units` sums that start from `sums`, two a place. `unit` and `input` are the bytes from a
    /// weight to that of the next unit, and of the next pair of inputs. At least 2 units, an even number of them, and
    /// at least one pair of inputs.
    fn pocketrec_dense_i16(
        weights: *const Pair,
        inputs: *const Pair,
        unit: usize,
        input: usize,
        inputs_end: *const Pair,
        sums: *const i32,
        places: *mut MaybeUninit<Pair>,
        units: usize,
    );
}

/// The units of a layer whose weights stand unit after unit, from `sums`; none where the lengths don't fit. 2 cycles a
/// multiply-add on a Cortex-M4, and 8 a unit.
pub(crate) fn rows<'p>(
    weights: &[Pair],
    inputs: &[Pair],
    sums: &[i32],
    places: &'p mut Places,
) -> &'p [Pair] {
    dense(weights, inputs, sums, (inputs.len(), 1), places)
}

/// As [`rows`], of weights that stand input after input.
pub(crate) fn columns<'p>(
    weights: &[Pair],
    inputs: &[Pair],
    sums: &[i32],
    places: &'p mut Places,
) -> &'p [Pair] {
    dense(weights, inputs, sums, (1, sums.len()), places)
}

/// `apart`: words from a weight to that of the next unit, and of the next pair of inputs.
#[inline(always)]
fn dense<'p>(
    weights: &[Pair],
    inputs: &[Pair],
    sums: &[i32],
    apart: (usize, usize),
    places: &'p mut Places,
) -> &'p [Pair] {
    let units = sums.len();
    if inputs.is_empty()
        || units == 0
        || units % 2 == 1
        || units / 2 > places.len()
        || units.checked_mul(inputs.len()) != Some(weights.len())
    {
        return &[];
    }
    // SAFETY: a weight is there for each unit and pair of inputs, as are the sums and half as many places, which the
    // kernel writes.
    unsafe {
        pocketrec_dense_i16(
            weights.as_ptr(),
            inputs.as_ptr(),
            apart.0.wrapping_mul(4),
            apart.1.wrapping_mul(4),
            inputs.as_ptr_range().end,
            sums.as_ptr(),
            places.as_mut_ptr(),
            units,
        );
        core::slice::from_raw_parts(places.as_ptr().cast(), units / 2)
    }
}

global_asm!(
    dsp_core!(),
    r#"
    .syntax unified
    .thumb
    .section .text.pocketrec_dense_i16,"ax",%progbits
    .p2align 2
    .global pocketrec_dense_i16
    .type pocketrec_dense_i16,%function
    .thumb_func
pocketrec_dense_i16:
    @ r0 weights, r1 inputs, r2 and r3 the bytes between units and inputs
    push {r0, r1, r4-r11, lr}
    @ The frame: the next weights and the inputs, and from 44 on what the caller put there: the inputs' end, sums,
    @ places, units left. r11 is three units further, lr the inputs' end.
    ldr lr, [sp, #44]
    ldr r4, [sp, #48]
    ldr r9, [sp, #56]
    add r11, r2, r2, lsl #1
    cmp r9, #4
    blo 3f
1:
    ldr r0, [sp]
    ldr r1, [sp, #4]
    add r8, r0, r2, lsl #2
    str r8, [sp]
    mov r8, r4
    ldm r8!, {r4-r7}
    str r8, [sp, #48]
2:
    ldr r12, [r1], #4
    ldr r8, [r0]
    ldr r9, [r0, r2]
    ldr r10, [r0, r2, lsl #1]
    smlad r4, r8, r12, r4
    ldr r8, [r0, r11]
    smlad r5, r9, r12, r5
    smlad r6, r10, r12, r6
    smlad r7, r8, r12, r7
    add r0, r3
    cmp r1, lr
    bne 2b
    ldr r8, [sp, #52]
    ldr r9, [sp, #56]
    pkhtb r4, r5, r4, asr #16
    pkhtb r6, r7, r6, asr #16
    usat16 r4, #15, r4
    usat16 r6, #15, r6
    str r4, [r8], #4
    str r6, [r8], #4
    ldr r4, [sp, #48]
    str r8, [sp, #52]
    sub r9, #4
    str r9, [sp, #56]
    cmp r9, #4
    bhs 1b
3:
    cmp r9, #0
    beq 5f
    ldr r0, [sp]
    ldr r1, [sp, #4]
    ldrd r4, r5, [r4]
4:
    ldr r12, [r1], #4
    ldr r8, [r0]
    ldr r9, [r0, r2]
    add r0, r3
    smlad r4, r8, r12, r4
    smlad r5, r9, r12, r5
    cmp r1, lr
    bne 4b
    ldr r8, [sp, #52]
    pkhtb r4, r5, r4, asr #16
    usat16 r4, #15, r4
    str r4, [r8]
5:
    pop {r0, r1, r4-r11, pc}
    .size pocketrec_dense_i16, . - pocketrec_dense_i16
"#,
    options(raw)
);
