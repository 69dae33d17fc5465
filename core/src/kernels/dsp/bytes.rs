//! Dot products of many rows of 8 bytes with one vector: scores without an MLP. In assembly, so that they cost the same
//! however the rest is compiled.
//!
//! A row's multiplier is taken in once, after the sum, where [`dot`](crate::kernels::integer::dot) multiplies each
//! number. That is the same integer: the vector's magnitudes add up to at most 65,535, a byte's is at most 128 and a
//! multiplier at most 255, so neither sum leaves 32 bits.

use core::arch::global_asm;

use crate::kernels::integer::User;
use crate::numeric::dsp::{Pair, dsp_core};

/// What the assembly reads, by offset.
#[repr(C)]
struct Arguments {
    rows: *const [u32; 2],
    multipliers: *const u8,
    biases: *const i16,
    scores: *mut i32,
    movies: usize,
    /// The vector's numbers 0 and 2, 1 and 3, 4 and 6, 5 and 7: as SXTB16 takes bytes out of a word.
    vector: [Pair; 4],
    base: i32,
    dot_shift: u32,
    bias_shift: u32,
}

unsafe extern "C" {
    /// Scores of `movies` movies.
    fn pocketrec_dots_i8_8(arguments: *const Arguments);
}

/// Scores without an MLP: the user's base, plus the bias where there are any, plus the dot product; as many as `rows`,
/// `multipliers`, `scores` and `biases` have, which it returns. 29 cycles a movie on a Cortex-M4.
pub(crate) fn dots(
    user: &User,
    (rows, multipliers): (&[[u32; 2]], &[u8]),
    (biases, bias_shift): (Option<&[i16]>, u32),
    scores: &mut [i32],
) -> usize {
    let movies = rows
        .len()
        .min(multipliers.len())
        .min(scores.len())
        .min(biases.map_or(usize::MAX, <[i16]>::len));
    if movies > 0 {
        let [a, b, c, d, ..] = user.row;
        let low = |first: Pair, second: Pair| first & 0xffff | second << 16;
        let high = |first: Pair, second: Pair| first >> 16 | second & 0xffff_0000;
        let arguments = Arguments {
            rows: rows.as_ptr(),
            multipliers: multipliers.as_ptr(),
            biases: biases.map_or(core::ptr::null(), <[i16]>::as_ptr),
            scores: scores.as_mut_ptr(),
            movies,
            vector: [low(a, b), high(a, b), low(c, d), high(c, d)],
            base: user.base,
            dot_shift: user.dot_shift,
            bias_shift,
        };
        // SAFETY: rows, multipliers, scores and biases have `movies` elements.
        unsafe { pocketrec_dots_i8_8(&arguments) };
    }
    movies
}

global_asm!(
    dsp_core!(),
    r#"
    .syntax unified
    .thumb

    .section .text.pocketrec_dots_i8_8,"ax",%progbits
    .p2align 2
    .global pocketrec_dots_i8_8
    .type pocketrec_dots_i8_8,%function
    .thumb_func
pocketrec_dots_i8_8:
    push {r4-r11, lr}
    sub sp, sp, #4
    @ r1 rows, r2 multipliers, r3 biases, r4 scores, r5 movies left, r6-r9 the vector, r10 base, r11 the product's shift
    ldr lr, [r0, #44]
    add r0, r0, #4
    str lr, [sp]
    ldr r1, [r0, #-4]
    ldmia.w r0, {r2-r11}
1:
    ldr r12, [r1, #4]
    ldr lr, [r1], #8
    sxtb16 r0, r12
    sxtb16 r12, r12, ror #8
    smuad r0, r0, r8
    smlad r0, r12, r9, r0
    sxtb16 r12, lr
    sxtb16 lr, lr, ror #8
    smlad r0, r12, r6, r0
    smlad r0, lr, r7, r0
    ldrb r12, [r2], #1
    mul r0, r0, r12
    @ The last bit that is shifted out rounds.
    asrs r0, r0, r11
    adc r0, r0, r10
    cbz r3, 2f
    ldrsh r12, [r3], #2
    ldr lr, [sp]
    lsl r12, r12, lr
    add r0, r0, r12
2:
    subs r5, r5, #1
    str r0, [r4], #4
    bne 1b
    add sp, sp, #4
    pop {r4-r11, pc}
    .size pocketrec_dots_i8_8, . - pocketrec_dots_i8_8
"#,
    options(raw)
);
