//! Integer scoring by SMLAD, two movies at a time: rows of 8, any multiple of 4 units, 4 units, one; from stored
//! halves of dense layer 0 where there are 32 units.
//!
//! A whole function in assembly: with two rows and two sums in registers a compiler spills (890 cycles a movie on a
//! Cortex-M4, against 500). It needs no FPU. Units go from the last to the first, since a pointer then meets the
//! stack pointer at the end and no register is needed for a count; in integers the order changes nothing.

use core::arch::global_asm;
use core::mem::MaybeUninit;

use crate::MAX_UNITS;
use crate::kernels::integer::{BLOCK, ROW_PAIRS, User};
use crate::numeric::dsp::{Pair, dsp_core, widen};

/// What the movies of one call have in common.
#[derive(Clone, Copy)]
pub(crate) struct Net<'a> {
    /// The user's part.
    pub(crate) user: &'a User,
    /// Dense layer 0, a row of 8 a unit.
    pub(crate) first: &'a [[Pair; 4]],
    /// Dense layer 1, a pair of inputs a row.
    pub(crate) second: &'a [[Pair; 4]],
    /// The bias of dense layer 1.
    pub(crate) second_bias: &'a [i32; 4],
    /// Dense layer 2.
    pub(crate) output: &'a [Pair; 2],
    /// The bias of dense layer 2.
    pub(crate) output_bias: i32,
    /// Bits by which the output's sum is finer than a score.
    pub(crate) output_shift: u32,
    /// Whether the model has a dot product.
    pub(crate) dot: bool,
    /// Bits by which a bias is coarser than a score.
    pub(crate) bias_shift: u32,
}

/// What the assembly reads, by offset.
#[repr(C)]
struct Arguments {
    biases: *const i16,
    rows: *const [Pair; 4],
    scores: *mut i32,
    pairs: usize,
    half: *const i32,
    first_end: *const [Pair; 4],
    second_end: *const [Pair; 4],
    units: usize,
    second_bias: *const i32,
    output: *const Pair,
    user: *const Pair,
    output_bias: i32,
    output_shift: u32,
    dot_round: i32,
    dot_shift: u32,
    base: i32,
    bias_shift: u32,
    stored: *const [Pair; HALF],
}

/// Pairs of units that the kernel of stored halves has.
const HALF: usize = 16;

unsafe extern "C" {
    /// Scores of `pairs` pairs of movies whose rows and biases follow each other.
    fn pocketrec_score_pairs_i16_8(arguments: *const Arguments);

    /// The same from stored halves of dense layer 0 of 32 units.
    fn pocketrec_score_pairs_half_32(arguments: *const Arguments);
}

/// Scores of as many pairs of movies as `rows`, `scores` and, where there are any, `biases` have: an odd one is
/// left to the caller. Returns how many movies were scored; 0 where the shape isn't the kernel's. `stored` is empty or
/// the movies' halves of dense layer 0, which are used where there are 32 units.
/// 510 cycles a movie on a Cortex-M4 for 32 units, 576 bytes of stack; from stored halves a movie of a ranking takes 310
/// in all, and 392 bytes.
pub(crate) fn score(
    net: &Net<'_>,
    rows: &[[Pair; 4]],
    stored: &[Pair],
    biases: Option<&[i16]>,
    scores: &mut [i32],
) -> usize {
    let units = net.first.len();
    if !units.is_multiple_of(4)
        || units == 0
        || units > MAX_UNITS
        || net.second.len().checked_mul(2) != Some(units)
    {
        return 0;
    }
    let (stored, _) = stored.as_chunks::<HALF>();
    let by_half = units == 2 * HALF && stored.len() >= rows.len().min(scores.len());
    let movies = rows
        .len()
        .min(scores.len())
        .min(biases.map_or(usize::MAX, <[i16]>::len));
    let pairs = movies / 2;
    if pairs == 0 {
        return 0;
    }
    let user = net.user;
    let arguments = Arguments {
        biases: biases.map_or(core::ptr::null(), <[i16]>::as_ptr),
        rows: rows.as_ptr(),
        scores: scores.as_mut_ptr(),
        pairs,
        half: user.half.as_ptr(),
        first_end: net.first.as_ptr_range().end,
        second_end: net.second.as_ptr_range().end,
        units,
        second_bias: net.second_bias.as_ptr(),
        output: net.output.as_ptr(),
        user: if net.dot { &user.row } else { &[0; ROW_PAIRS] }.as_ptr(),
        output_bias: net.output_bias,
        output_shift: net.output_shift,
        dot_round: 1_i32.wrapping_shl(user.dot_shift.wrapping_sub(1)),
        dot_shift: user.dot_shift,
        base: user.base,
        bias_shift: net.bias_shift,
        stored: stored.as_ptr(),
    };
    // SAFETY: rows, scores and biases have 2 x `pairs` elements; the layers have the lengths that the assembly
    // takes from `units`, and the frame has room for `MAX_UNITS`. By halves there are as many of these, and 32 units.
    unsafe {
        if by_half {
            pocketrec_score_pairs_half_32(&arguments);
        } else {
            pocketrec_score_pairs_i16_8(&arguments);
        }
    }
    pairs.wrapping_mul(2)
}

/// As [`score`], of at most [`BLOCK`] movies whose rows are bytes with a multiplier a row.
pub(crate) fn score_bytes(
    net: &Net<'_>,
    (rows, multipliers): (&[[u32; 2]], &[u8]),
    stored: &[Pair],
    biases: Option<&[i16]>,
    scores: &mut [i32],
) -> usize {
    // Zeros would take 12 cycles a movie.
    let mut wide = [const { MaybeUninit::<[Pair; 4]>::uninit() }; BLOCK];
    let count = BLOCK.min(rows.len()).min(multipliers.len());
    for ((place, row), by) in wide.iter_mut().zip(rows).zip(multipliers) {
        let [a, b] = *row;
        let by = u32::from(*by);
        let ([p, q], [r, s]) = (widen(a, by), widen(b, by));
        place.write([p, q, r, s]);
    }
    // SAFETY: the loop wrote as many as there are of the shortest of the three.
    let wide = unsafe { core::slice::from_raw_parts(wide.as_ptr().cast(), count) };
    score(net, wide, stored, biases, scores)
}

global_asm!(
    dsp_core!(),
    r#"
    .syntax unified
    .thumb
    .section .text.pocketrec_score_pairs_i16_8,"ax",%progbits
    .p2align 2
    .global pocketrec_score_pairs_i16_8
    .type pocketrec_score_pairs_i16_8,%function
    .thumb_func
    @ A unit of layer 0 for two movies, from the last to the first: r1 weights, r2 halves, r4-r7 and r8-r11 rows.
    .macro PR_IUNIT
    ldr r12, [r2, #-4]!
    ldr r0, [r1, #-16]!
    ldr lr, [r1, #4]
    smlad r3, r0, r4, r12
    smlad r12, r0, r8, r12
    smlad r3, lr, r5, r3
    smlad r12, lr, r9, r12
    ldr r0, [r1, #8]
    ldr lr, [r1, #12]
    smlad r3, r0, r6, r3
    smlad r12, r0, r10, r12
    smlad r3, lr, r7, r3
    smlad r12, lr, r11, r12
    pkhtb r0, r12, r3, asr #16
    usat16 r0, #15, r0
    str r0, [r2, #256]
    .endm
    @ Two units' share in layer 1 for two movies: r1 weights, r2 units, r4-r7 and r8-r11 sums.
    .macro PR_IPAIR off
    ldr r0, [r2, #(\off-8)]
    ldr lr, [r2, #(\off-4)]
    pkhbt r3, r0, lr, lsl #16
    pkhtb r12, lr, r0, asr #16
    ldr r0, [r1, #-16]!
    ldr lr, [r1, #4]
    smlad r4, r0, r3, r4
    smlad r8, r0, r12, r8
    smlad r5, lr, r3, r5
    smlad r9, lr, r12, r9
    ldr r0, [r1, #8]
    ldr lr, [r1, #12]
    smlad r6, r0, r3, r6
    smlad r10, r0, r12, r10
    smlad r7, lr, r3, r7
    smlad r11, lr, r12, r11
    .endm
    @ The dot products of the next two rows, which stay in r4-r7 and r8-r11; r0 is left at the arguments.
    .macro PR_IDOT frame
    ldr r0, [sp, #\frame]
    ldr r12, [sp, #(\frame+12)]
    ldr r3, [r0, #40]
    ldm r12!, {r4-r11}
    str r12, [sp, #(\frame+12)]
    ldr r12, [r0, #52]
    ldr r1, [r3, #0]
    ldr lr, [r3, #4]
    smlad r2, r1, r4, r12
    smlad r12, r1, r8, r12
    smlad r2, lr, r5, r2
    smlad r12, lr, r9, r12
    ldr r1, [r3, #8]
    ldr lr, [r3, #12]
    smlad r2, r1, r6, r2
    smlad r12, r1, r10, r12
    smlad r2, lr, r7, r2
    smlad r12, lr, r11, r12
    str r2, [sp, #(\frame+4)]
    str r12, [sp, #(\frame+8)]
    .endm
    @ From the sums of layer 1 of two movies, r4-r7 and r8-r11, to their scores; back to 2 while pairs are left.
    .macro PR_ITAIL frame
    ldr r0, [sp, #\frame]
    pkhtb r4, r5, r4, asr #16
    pkhtb r6, r7, r6, asr #16
    pkhtb r8, r9, r8, asr #16
    pkhtb r10, r11, r10, asr #16
    usat16 r4, #15, r4
    usat16 r6, #15, r6
    usat16 r8, #15, r8
    usat16 r10, #15, r10
    ldr r1, [r0, #36]
    ldr r3, [r0, #44]
    ldr r12, [r0, #48]
    ldr lr, [r0, #56]
    ldr r2, [r1]
    ldr r1, [r1, #4]
    ldr r5, [sp, #(\frame+4)]
    ldr r7, [sp, #(\frame+8)]
    smlad r4, r2, r4, r3
    smlad r8, r2, r8, r3
    smlad r4, r1, r6, r4
    smlad r8, r1, r10, r8
    asr r4, r4, r12
    asr r8, r8, r12
    asr r5, r5, lr
    asr r7, r7, lr
    ldr r1, [sp, #(\frame+16)]
    ldr r3, [r0, #60]
    add r4, r4, r5
    add r8, r8, r7
    add r4, r4, r3
    add r8, r8, r3
    cbz r1, 5f
    ldrsh r5, [r1], #2
    ldrsh r7, [r1], #2
    ldr r6, [r0, #64]
    str r1, [sp, #(\frame+16)]
    lsl r5, r5, r6
    lsl r7, r7, r6
    add r4, r4, r5
    add r8, r8, r7
5:
    ldr r3, [sp, #(\frame+20)]
    ldr r5, [sp, #(\frame+24)]
    str r4, [r3], #4
    str r8, [r3], #4
    subs r5, r5, #1
    str r3, [sp, #(\frame+20)]
    str r5, [sp, #(\frame+24)]
    bne 2b
    .endm
    @ Two units of layer 0 for two movies from their stored halves, and the units' share in layer 1: r2 the user's
    @ halves and the weights, r3 the first movie's halves, the other's 64 bytes behind, r4-r7 and r8-r11 sums.
    .macro PR_IHALF
    ldr r0, [r2, #-20]!
    ldr r1, [r3, #-4]!
    ldr r12, [r3, #64]
    ldr lr, [r2, #4]
    sadd16 r1, r1, r0
    sadd16 r12, r12, r0
    usat16 r1, #15, r1
    usat16 r12, #15, r12
    smlad r4, lr, r1, r4
    smlad r8, lr, r12, r8
    ldr r0, [r2, #8]
    ldr lr, [r2, #12]
    smlad r5, r0, r1, r5
    smlad r9, r0, r12, r9
    smlad r6, lr, r1, r6
    smlad r10, lr, r12, r10
    ldr r0, [r2, #16]
    smlad r7, r0, r1, r7
    smlad r11, r0, r12, r11
    .endm
pocketrec_score_pairs_i16_8:
    push {r4-r11, lr}
    @ The frame: the user's halves (64 words), pairs of a unit of both movies (64 words), then from 512: arguments,
    @ two dot products, rows, biases, scores, pairs left.
    sub sp, sp, #540
    str r0, [sp, #512]
    ldm r0, {r4-r7}
    str r4, [sp, #528]
    str r5, [sp, #524]
    str r6, [sp, #532]
    str r7, [sp, #536]
    @ r1, r3: the halves are copied, so that one pointer serves them and the units.
    ldr r1, [r0, #16]
    ldr r2, [r0, #28]
    mov r3, sp
1:
    ldm r1!, {r4-r7}
    stm r3!, {r4-r7}
    subs r2, r2, #4
    bne 1b
2:
    PR_IDOT 512
    ldr r2, [r0, #28]
    ldr r1, [r0, #20]
    add r2, sp, r2, lsl #2
3:
    PR_IUNIT
    PR_IUNIT
    PR_IUNIT
    PR_IUNIT
    cmp sp, r2
    bne 3b
    ldr r0, [sp, #512]
    ldr r2, [r0, #28]
    ldr r3, [r0, #32]
    ldr r1, [r0, #24]
    add r2, sp, r2, lsl #2
    ldm r3, {r4-r7}
    mov r8, r4
    mov r9, r5
    mov r10, r6
    mov r11, r7
4:
    PR_IPAIR 256
    PR_IPAIR 248
    sub r2, r2, #16
    cmp sp, r2
    bne 4b
    PR_ITAIL 512
    add sp, sp, #540
    pop {r4-r11, pc}
    .size pocketrec_score_pairs_i16_8, . - pocketrec_score_pairs_i16_8

    .section .text.pocketrec_score_pairs_half_32,"ax",%progbits
    .p2align 2
    .global pocketrec_score_pairs_half_32
    .type pocketrec_score_pairs_half_32,%function
    .thumb_func
pocketrec_score_pairs_half_32:
    push {r4-r11, lr}
    @ The frame: for each two units the user's halves and their 4 pairs of weights (80 words), so that one pointer
    @ serves both; then from 320 as above, and at 348 the stored halves.
    sub sp, sp, #356
    str r0, [sp, #320]
    ldm r0, {r4-r7}
    ldr r8, [r0, #68]
    str r4, [sp, #336]
    str r5, [sp, #332]
    str r6, [sp, #340]
    str r7, [sp, #344]
    str r8, [sp, #348]
    ldr r1, [r0, #16]
    ldr r2, [r0, #24]
    mov r3, sp
    sub r2, r2, #256
    mov r12, #16
1:
    ldm r1!, {r4, r5}
    ldm r2!, {r8-r11}
    pkhtb r7, r5, r4, asr #16
    subs r12, r12, #1
    stm r3!, {r7-r11}
    bne 1b
2:
    PR_IDOT 320
    ldr r1, [r0, #32]
    ldr r3, [sp, #348]
    add r2, sp, #320
    ldm r1, {r4-r7}
    add r3, r3, #64
    mov r8, r4
    mov r9, r5
    mov r10, r6
    mov r11, r7
3:
    PR_IHALF
    PR_IHALF
    PR_IHALF
    PR_IHALF
    cmp sp, r2
    bne 3b
    add r3, r3, #128
    str r3, [sp, #348]
    PR_ITAIL 320
    add sp, sp, #356
    pop {r4-r11, pc}
    .size pocketrec_score_pairs_half_32, . - pocketrec_score_pairs_half_32
"#,
    options(raw)
);
