//! A movie that is a sum of codewords, through the lesson's network from its codewords' halves of dense layer 0: 32 units,
//! 4 units, one. A movie at a time, for a ranking passes over most.
//!
//! A word has a byte of four units, so three additions add up four books. UXTAB16 widens two of the bytes and adds the
//! user's half, USAT16 is the relu, and two units that are both dead are passed over.

use core::arch::global_asm;

use crate::kernels::Lesson;
use crate::numeric::dsp::{Pair, dsp_core};
use crate::table::MAX_BOOKS;

/// What the assembly reads, by offset.
#[repr(C)]
struct Arguments {
    half: *const Pair,
    weights: *const Pair,
    second_bias: *const i32,
    output: *const Pair,
    output_bias: i32,
    rows: [*const u32; MAX_BOOKS],
}

unsafe extern "C" {
    /// The sum of the output.
    fn pocketrec_coded_32(arguments: *const Arguments) -> i32;
}

/// Words that a codeword's half has.
const FOURS: usize = Lesson::UNITS / 4;

/// Stands in where a movie has fewer than four codewords.
static NONE: [u32; FOURS] = [0; FOURS];

/// The output's sum for a movie of these `words`, which are rows of `halves`, of so many `units`; the user's half is in
/// pairs. A layer is its weights and its biases. `None` where the shape isn't the kernel's.
/// At most 31 instructions for four units, 100 bytes of stack.
#[inline(always)]
pub(crate) fn coded(
    (halves, units): (&[u32], usize),
    half: &[Pair],
    words: impl Iterator<Item = usize>,
    [second, output]: [(&[Pair], &[i32]); 2],
) -> Option<i32> {
    let weights = second.0.first_chunk::<{ 2 * Lesson::UNITS }>()?;
    let second_bias = second.1.first_chunk::<4>()?;
    let output_weights = output.0.first_chunk::<2>()?;
    let output_bias = output.1.first()?;
    let half = half.first_chunk::<{ Lesson::UNITS / 2 }>()?;
    if units != Lesson::UNITS || second.1.len() != 4 {
        return None;
    }
    let (all, _) = halves.as_chunks::<FOURS>();
    let mut rows = [NONE.as_ptr(); MAX_BOOKS];
    for (row, word) in rows.iter_mut().zip(words) {
        if let Some(found) = all.get(word) {
            *row = found.as_ptr();
        }
    }
    let arguments = Arguments {
        half: half.as_ptr(),
        weights: weights.as_ptr(),
        second_bias: second_bias.as_ptr(),
        output: output_weights.as_ptr(),
        output_bias: *output_bias,
        rows,
    };
    // SAFETY: each pointer is to as many numbers as 32 units and 4 take.
    Some(unsafe { pocketrec_coded_32(&arguments) })
}

global_asm!(
    dsp_core!(),
    r#"
    .syntax unified
    .thumb
    .section .text.pocketrec_coded_32,"ax",%progbits
    .p2align 2
    .global pocketrec_coded_32
    .type pocketrec_coded_32,%function
    .thumb_func
    @ Four units and their share in layer 1: r8-r11 the codewords' halves, r12 the user's, lr weights, r4-r7 sums.
    .macro PR_CODED
    ldr r0, [r8], #4
    ldr r1, [r9], #4
    ldr r2, [r10], #4
    ldr r3, [r11], #4
    add r0, r0, r1
    add r2, r2, r3
    add r0, r0, r2
    ldm r12!, {r1, r2}
    uxtab16 r1, r1, r0
    uxtab16 r2, r2, r0, ror #8
    usat16 r1, #15, r1
    usat16 r2, #15, r2
    cbz r1, 8f
    ldr r0, [lr]
    ldr r3, [lr, #4]
    smlad r4, r0, r1, r4
    smlad r5, r3, r1, r5
    ldr r0, [lr, #8]
    ldr r3, [lr, #12]
    smlad r6, r0, r1, r6
    smlad r7, r3, r1, r7
8:
    cbz r2, 9f
    ldr r0, [lr, #16]
    ldr r1, [lr, #20]
    ldr r3, [lr, #24]
    smlad r4, r0, r2, r4
    smlad r5, r1, r2, r5
    ldr r0, [lr, #28]
    smlad r6, r3, r2, r6
    smlad r7, r0, r2, r7
9:
    add lr, lr, #32
    .endm
pocketrec_coded_32:
    push {r4-r11, lr}
    ldr r12, [r0]
    ldr lr, [r0, #4]
    ldr r2, [r0, #8]
    add r3, r0, #20
    add r1, lr, #256
    ldm r2, {r4-r7}
    ldm r3, {r8-r11}
    push {r0, r1}
1:
    PR_CODED
    PR_CODED
    PR_CODED
    PR_CODED
    ldr r0, [sp, #4]
    cmp lr, r0
    bne 1b
    pop {r0, r1}
    ldr r1, [r0, #12]
    ldr r2, [r0, #16]
    pkhtb r4, r5, r4, asr #16
    pkhtb r6, r7, r6, asr #16
    ldr r3, [r1]
    ldr r1, [r1, #4]
    usat16 r4, #15, r4
    usat16 r6, #15, r6
    smlad r0, r3, r4, r2
    smlad r0, r1, r6, r0
    pop {r4-r11, pc}
    .size pocketrec_coded_32, . - pocketrec_coded_32
    .purgem PR_CODED
"#,
    options(raw)
);
