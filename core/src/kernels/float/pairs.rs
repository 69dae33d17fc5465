//! Two movies at a time, for rankings: rows of 8 half-precision columns, a multiple of 4 relu units, then 4 relu
//! units, then one.
//!
//! A weight is loaded once for both; three movies would spill. Layer 1 is taken in as the units of layer 0 appear, so
//! that those are never stored, and left alone where the unit is dead for both. VLDM needs addresses divisible by 4,
//! also where it loads half words.

use core::arch::global_asm;

use super::one::{Movie, Person, one};
use super::{COLUMNS, Net};
use crate::MAX_UNITS;

/// What the assembly reads beside the net, by offset.
#[repr(C)]
struct Call {
    biases: *const u16,
    rows: *const [u16; COLUMNS],
    scores: *mut f32,
    pairs: usize,
    half: *const f32,
    user: *const f32,
}

unsafe extern "C" {
    /// Scores of `pairs` pairs of movies whose rows and biases follow each other.
    fn pocketrec_score_pairs_8(net: *const Net<'_>, call: *const Call, base: f32);
}

/// Scores of as many movies as `rows`, `scores` and, where there are any, `biases` have, for a user whose half of
/// dense layer 0 and row are given and whose bias and the mean are `base`. False, and nothing done, where the rows
/// aren't aligned to 4. 1,200 cycles a movie on a Cortex-M4 for 32 units, 1,500 for a single one.
pub(crate) fn score(
    net: &Net<'_>,
    user: (&[f32; MAX_UNITS], &[f32; COLUMNS]),
    base: f32,
    rows: &[[u16; COLUMNS]],
    biases: Option<&[u16]>,
    scores: &mut [f32],
) -> bool {
    if !rows.as_ptr().addr().is_multiple_of(4) {
        return false;
    }
    let (half, row) = user;
    let movies = rows
        .len()
        .min(scores.len())
        .min(biases.map_or(usize::MAX, <[u16]>::len));
    // A pair's biases are loaded as one word: the first movie goes alone where they don't start at one.
    let before = movies.min(biases.map_or(0, |biases| biases.as_ptr().addr() / 2 % 2));
    let pairs = movies.wrapping_sub(before) / 2;
    let behind = before.wrapping_add(pairs.wrapping_mul(2));
    if pairs > 0 {
        // SAFETY: rows, scores and biases have `movies` elements, the layers have the lengths that the assembly takes
        // from the net's units, a half has a number for each of them, and the rows and, from `before` on, the biases
        // are aligned to 4.
        unsafe {
            let call = Call {
                biases: biases.map_or(core::ptr::null(), |biases| biases.as_ptr().add(before)),
                rows: rows.as_ptr().add(before),
                scores: scores.as_mut_ptr().add(before),
                pairs,
                half: half.as_ptr(),
                user: row.as_ptr(),
            };
            pocketrec_score_pairs_8(net, &call, base);
        }
    }
    for at in (0..before).chain(behind..movies) {
        let bias = biases.and_then(|biases| biases.get(at));
        if let (Some(movie), Some(place)) = (rows.get(at), scores.get_mut(at))
            && let Some(score) = one(
                net,
                Person::Half(half, row),
                base,
                Movie::Stored(movie, bias),
                None,
            )
        {
            *place = score;
        }
    }
    true
}

global_asm!(
    r#"
    .syntax unified
    .thumb
    .fpu fpv4-sp-d16

    @ One weight, two movies: a0 = f0 + w x0, a1 = f1 + w x1.
    .macro PR_MAC w, x0, x1, a0, a1, f0, f1
    vmul.f32 s28, \w, \x0
    vmul.f32 s29, \w, \x1
    vadd.f32 \a0, \f0, s28
    vadd.f32 \a1, \f1, s29
    .endm
    @ Two relus: a negative number, -0.0 too, becomes +0.0.
    .macro PR_RELU a, b
    vmov r5, r6, \a, \b
    bic.w r5, r5, r5, asr #31
    bic.w r6, r6, r6, asr #31
    vmov \a, \b, r5, r6
    .endm
    @ One unit of layer 0 for two movies, and its share in layer 1. r1, r2, r3: weights, layer 1, user's half.
    .macro PR_UNIT
    vldmia r3!, {s31}
    vldmia r1!, {s24-s27}
    PR_MAC s24, s0, s8, s30, s31, s31, s31
    PR_MAC s25, s1, s9, s30, s31, s30, s31
    PR_MAC s26, s2, s10, s30, s31, s30, s31
    PR_MAC s27, s3, s11, s30, s31, s30, s31
    vldmia r1!, {s24-s27}
    PR_MAC s24, s4, s12, s30, s31, s30, s31
    PR_MAC s25, s5, s13, s30, s31, s30, s31
    PR_MAC s26, s6, s14, s30, s31, s30, s31
    PR_MAC s27, s7, s15, s30, s31, s30, s31
    vmov r5, r6, s30, s31
    bic.w r5, r5, r5, asr #31
    bic.w r6, r6, r6, asr #31
    orrs.w r11, r5, r6
    beq 5f
    vldmia r2!, {s24-s27}
    vmov s30, s31, r5, r6
    PR_MAC s24, s30, s31, s16, s20, s16, s20
    PR_MAC s25, s30, s31, s17, s21, s17, s21
    PR_MAC s26, s30, s31, s18, s22, s18, s22
    PR_MAC s27, s30, s31, s19, s23, s19, s23
    b 6f
5:
    add r2, r2, #16
6:
    .endm

    .section .text.pocketrec_score_pairs_8,"ax",%progbits
    .p2align 2
    .global pocketrec_score_pairs_8
    .type pocketrec_score_pairs_8,%function
    .thumb_func
pocketrec_score_pairs_8:
    push {r4-r11, lr}
    vpush {s16-s31}
    @ r0 net, lr call, r7 biases, r8 rows, r9 scores, r10 pairs
    mov lr, r1
    ldmia.w lr, {r7, r8, r9, r10}
    vpush {s0}
2:
    ldr r3, [lr, #16]
    ldr r2, [r0, #4]
    ldr r1, [r0, #8]
    ldr r4, [r0, #12]
    ldr r12, [r0, #16]
    @ s0-s7 and s8-s15: two rows. s16-s19 and s20-s23: layer 1 of each.
    vldmia r8!, {s16-s23}
    vcvtb.f32.f16 s0, s16
    vcvtt.f32.f16 s1, s16
    vcvtb.f32.f16 s2, s17
    vcvtt.f32.f16 s3, s17
    vcvtb.f32.f16 s4, s18
    vcvtt.f32.f16 s5, s18
    vcvtb.f32.f16 s6, s19
    vcvtt.f32.f16 s7, s19
    vcvtb.f32.f16 s8, s20
    vcvtt.f32.f16 s9, s20
    vcvtb.f32.f16 s10, s21
    vcvtt.f32.f16 s11, s21
    vcvtb.f32.f16 s12, s22
    vcvtt.f32.f16 s13, s22
    vcvtb.f32.f16 s14, s23
    vcvtt.f32.f16 s15, s23
    vldmia r12, {s16-s19}
    vldmia r12, {s20-s23}
1:
    PR_UNIT
    PR_UNIT
    PR_UNIT
    PR_UNIT
    subs r4, r4, #4
    bne 1b

    @ s30, s31: layer 2
    ldr r12, [r0, #20]
    PR_RELU s16, s17
    PR_RELU s18, s19
    PR_RELU s20, s21
    PR_RELU s22, s23
    vldmia r12, {s24-s27}
    vldr s31, [r0, #24]
    PR_MAC s24, s16, s20, s30, s31, s31, s31
    PR_MAC s25, s17, s21, s30, s31, s30, s31
    PR_MAC s26, s18, s22, s30, s31, s30, s31
    PR_MAC s27, s19, s23, s30, s31, s30, s31
    @ s18, s19: base, plus bias
    ldr r6, [r0, #28]
    ldr r5, [lr, #20]
    vldr s18, [sp]
    vmov.f32 s19, s18
    cbz r7, 3f
    vldmia r7!, {s20}
    vcvtb.f32.f16 s21, s20
    vcvtt.f32.f16 s22, s20
    vadd.f32 s18, s18, s21
    vadd.f32 s19, s19, s22
3:
    cmp r6, #0
    beq.w 4f
    @ s16, s17: dot products, from +0
    vldmia r5!, {s24-s27}
    mov r6, #0
    vmov s16, r6
    vmov s17, r6
    PR_MAC s24, s0, s8, s16, s17, s16, s17
    PR_MAC s25, s1, s9, s16, s17, s16, s17
    PR_MAC s26, s2, s10, s16, s17, s16, s17
    PR_MAC s27, s3, s11, s16, s17, s16, s17
    vldmia r5, {s24-s27}
    PR_MAC s24, s4, s12, s16, s17, s16, s17
    PR_MAC s25, s5, s13, s16, s17, s16, s17
    PR_MAC s26, s6, s14, s16, s17, s16, s17
    PR_MAC s27, s7, s15, s16, s17, s16, s17
    vadd.f32 s18, s18, s16
    vadd.f32 s19, s19, s17
4:
    vadd.f32 s18, s18, s30
    vadd.f32 s19, s19, s31
    subs r10, r10, #1
    vstmia r9!, {s18-s19}
    bne.w 2b
    add sp, sp, #4
    vpop {s16-s31}
    pop {r4-r11, pc}
    .size pocketrec_score_pairs_8, . - pocketrec_score_pairs_8
"#,
    options(raw)
);
