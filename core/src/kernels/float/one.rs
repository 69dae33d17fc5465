//! One movie at a time: a prediction, what is left over of a ranking's pairs, and the gradient that learning
//! follows, in one kernel for rows of 8 half-precision columns, then relu units, then 4 relu units, then one.
//!
//! It takes either the user's half of dense layer 0 or the user's row, whose half it then computes on the way, each
//! unit from the bias to the end in one register. A dead unit costs neither its share in layer 1 nor anything on the
//! way back: where a unit is alive, the places of its weights go on a list on the stack, which the way back reads.
//! Leaving out products with +0 changes no bit: sums that differ by them differ in the sign of a zero, which the relu
//! behind takes away, and a sum that starts from +0 never becomes -0.

use core::arch::global_asm;

use super::{COLUMNS, Net};
use crate::MAX_UNITS;

/// Somebody whose movie is scored.
#[derive(Clone, Copy)]
pub(crate) enum Person<'a> {
    /// The user's half of dense layer 0, and the row.
    Half(&'a [f32; MAX_UNITS], &'a [f32; COLUMNS]),
    /// A row in single precision.
    #[cfg_attr(
        not(feature = "learn"),
        expect(dead_code, reason = "only a step takes it")
    )]
    Row(&'a [f32; COLUMNS]),
    /// A row as an image holds it, in half precision. It has no gradient: an image doesn't learn.
    Stored(&'a [u16; COLUMNS]),
}

/// The movie that is scored.
#[derive(Clone, Copy)]
pub(crate) enum Movie<'a> {
    /// A row as an image holds it, in half precision, and the bias beside it.
    Stored(&'a [u16; COLUMNS], Option<&'a u16>),
    /// A row in single precision; the bias is in the base.
    #[cfg_attr(
        not(feature = "learn"),
        expect(dead_code, reason = "only a step takes it")
    )]
    Row(&'a [f32; COLUMNS]),
}

/// What the assembly reads beside the net, by offset.
#[repr(C)]
struct Call {
    start: *const f32,
    movie: *const u8,
    /// The user's row.
    row: *const u8,
    /// Twice 0 where `start` is a half and the row in single precision, twice 1 where it is a bias and the row in half
    /// precision, twice 2 where it is a bias and the row in single precision; and 1 where the movie's row is in single
    /// precision.
    kind: u32,
    bias: *const u16,
    gradient: *mut f32,
}

unsafe extern "C" {
    /// The score of one movie, and its derivative by the user's row where there is a place for it.
    fn pocketrec_one_8(net: *const Net<'_>, call: *const Call, base: f32) -> f32;
}

/// The score of one movie, whose base is mean and user's bias; its derivative by the user's row goes to `gradient`,
/// where there is one. `None`, and nothing done, where a row in half precision isn't aligned to 4.
///
/// For 32 units, half of them alive, on a Cortex-M4: 1,500 cycles from a half, 2,250 from a row, and 800 for the
/// gradient. Stack: 4 bytes a unit, and 130.
#[inline]
pub(crate) fn one(
    net: &Net<'_>,
    person: Person<'_>,
    base: f32,
    movie: Movie<'_>,
    gradient: Option<&mut [f32; COLUMNS]>,
) -> Option<f32> {
    let (start, row, kind): (_, *const u8, _) = match person {
        Person::Half(half, row) => (half.as_ptr(), row.as_ptr().cast(), 0),
        // Nothing is written down for a way back.
        Person::Stored(_) if gradient.is_some() => return None,
        Person::Stored(row) => (net.bias, row.as_ptr().cast(), 2),
        Person::Row(row) => (net.bias, row.as_ptr().cast(), 4),
    };
    let (movie, bias, wide): (*const u8, _, _) = match movie {
        Movie::Stored(row, bias) => (row.as_ptr().cast(), bias, 0),
        Movie::Row(row) => (row.as_ptr().cast(), None, 1),
    };
    if (movie.addr() | row.addr()) & 3 != 0 {
        return None;
    }
    let call = Call {
        start,
        movie,
        row,
        kind: kind | wide,
        bias: bias.map_or(core::ptr::null(), core::ptr::from_ref),
        gradient: gradient.map_or(core::ptr::null_mut(), |place| place.as_mut_ptr()),
    };
    // SAFETY: the layers have the lengths that the assembly takes from the net's units, which `Net::new` has checked,
    // a half has a number for each of them, and the rows that are loaded as words are aligned to 4.
    Some(unsafe { pocketrec_one_8(net, &call, base) })
}

global_asm!(
    r#"
    .syntax unified
    .thumb
    .fpu fpv4-sp-d16

    @ Eight half-precision numbers in words a to d.
    .macro PR_WIDEN8 a, b, c, d, x0, x1, x2, x3, x4, x5, x6, x7
    vcvtb.f32.f16 \x0, \a
    vcvtt.f32.f16 \x1, \a
    vcvtb.f32.f16 \x2, \b
    vcvtt.f32.f16 \x3, \b
    vcvtb.f32.f16 \x4, \c
    vcvtt.f32.f16 \x5, \c
    vcvtb.f32.f16 \x6, \d
    vcvtt.f32.f16 \x7, \d
    .endm
    @ Adds the products of s20-s27 and eight numbers to a sum; the last one is left in s30.
    .macro PR_MAC8 sum, x0, x1, x2, x3, x4, x5, x6, x7
    vmul.f32 s20, s20, \x0
    vmul.f32 s21, s21, \x1
    vadd.f32 \sum, \sum, s20
    vmul.f32 s22, s22, \x2
    vadd.f32 \sum, \sum, s21
    vmul.f32 s23, s23, \x3
    vadd.f32 \sum, \sum, s22
    vmul.f32 s24, s24, \x4
    vadd.f32 \sum, \sum, s23
    vmul.f32 s25, s25, \x5
    vadd.f32 \sum, \sum, s24
    vmul.f32 s26, s26, \x6
    vadd.f32 \sum, \sum, s25
    vmul.f32 s30, s27, \x7
    vadd.f32 \sum, \sum, s26
    .endm
    @ The sum of a unit of layer 0 over a user's row and a movie's, but for s30.
    .macro PR_WHOLE sum
    vldmia r1!, {s20-s27}
    PR_MAC8 \sum, s0, s1, s2, s3, s4, s5, s6, s7
    vldmia r4!, {s20-s27}
    vadd.f32 \sum, \sum, s30
    PR_MAC8 \sum, s8, s9, s10, s11, s12, s13, s14, s15
    .endm
    @ A unit's share in layer 1, whose weights are at a place.
    .macro PR_INTO_LAYER_1 place, unit
    vldmia \place, {s20-s23}
    vmul.f32 s20, s20, \unit
    vmul.f32 s21, s21, \unit
    vmul.f32 s22, s22, \unit
    vmul.f32 s23, s23, \unit
    vadd.f32 s16, s16, s20
    vadd.f32 s17, s17, s21
    vadd.f32 s18, s18, s22
    vadd.f32 s19, s19, s23
    .endm
    @ Four columns of two units whose sums are s28 and s29.
    .macro PR_TWO a, b, x0, x1, x2, x3
    vldmia \a!, {s20-s23}
    vldmia \b!, {s24-s27}
    vmul.f32 s20, s20, \x0
    vmul.f32 s24, s24, \x0
    vmul.f32 s21, s21, \x1
    vmul.f32 s25, s25, \x1
    vadd.f32 s28, s28, s20
    vadd.f32 s29, s29, s24
    vmul.f32 s22, s22, \x2
    vmul.f32 s26, s26, \x2
    vadd.f32 s28, s28, s21
    vadd.f32 s29, s29, s25
    vmul.f32 s23, s23, \x3
    vmul.f32 s27, s27, \x3
    vadd.f32 s28, s28, s22
    vadd.f32 s29, s29, s26
    vadd.f32 s28, s28, s23
    vadd.f32 s29, s29, s27
    .endm
    .macro PR_TWO_VMLA a, b, x0, x1, x2, x3
    vldmia \a!, {s20-s23}
    vldmia \b!, {s24-s27}
    vmla.f32 s28, s20, \x0
    vmla.f32 s29, s24, \x0
    vmla.f32 s28, s21, \x1
    vmla.f32 s29, s25, \x1
    vmla.f32 s28, s22, \x2
    vmla.f32 s29, s26, \x2
    vmla.f32 s28, s23, \x3
    vmla.f32 s29, s27, \x3
    .endm
    @ A unit's share in layer 1, and its place on the list, where it is alive.
    .macro PR_SHARE bits, unit
    cbz \bits, 2f
    str r2, [r7], #4
    vldmia r2, {s20-s23}
    vmla.f32 s16, s20, \unit
    vmla.f32 s17, s21, \unit
    vmla.f32 s18, s22, \unit
    vmla.f32 s19, s23, \unit
2:
    add.w r2, r2, #16
    .endm

    .section .text.pocketrec_one_8,"ax",%progbits
    .p2align 2
    .global pocketrec_one_8
    .type pocketrec_one_8,%function
    .thumb_func
pocketrec_one_8:
    push {r4-r11, lr}
    vpush {s16-s31}
    @ r1 the user's weights, r2 layer 1, r3 where units start, r4 the movie's weights, r5 movie, r6 units, lr the call
    mov lr, r1
    vmov.f32 s31, s0
    ldmia.w lr, {r3, r5, r10, r11}
    ldmia.w r0, {r1, r2, r4, r6, r8}
    mov r9, sp
    sub sp, sp, r6, lsl #2
    @ r7: the end of the list of living units
    mov r7, sp
    vldmia r8, {s16-s19}
    lsrs r11, r11, #1
    bcs.w 50f
    vldmia r5, {s20-s23}
    PR_WIDEN8 s20, s21, s22, s23, s8, s9, s10, s11, s12, s13, s14, s15
51:
    @ s0-s7 the user's row, s8-s15 the movie's, s16-s19 layer 1
    cmp r11, #1
    bne 1f
    vldmia r10, {s20-s23}
    PR_WIDEN8 s20, s21, s22, s23, s0, s1, s2, s3, s4, s5, s6, s7
10:
    @ For a prediction: two units at a time, and no list.
    vldmia r3!, {s28-s29}
    PR_WHOLE s28
    vadd.f32 s28, s28, s30
    PR_WHOLE s29
    vadd.f32 s29, s29, s30
    vmov r5, s28
    cmp r5, #0
    ble 2f
    PR_INTO_LAYER_1 r2, s28
2:
    vmov r5, s29
    cmp r5, #0
    ble 3f
    add r12, r2, #16
    PR_INTO_LAYER_1 r12, s29
3:
    adds r2, r2, #32
    subs r6, r6, #2
    bne.w 10b
    b 30f
1:
    vldmia r10, {s0-s7}
    bhi 40f
20:
    vldmia r3!, {s29}
    vldmia r4!, {s20-s27}
    PR_MAC8 s29, s8, s9, s10, s11, s12, s13, s14, s15
    vadd.f32 s29, s29, s30
    subs r6, r6, #1
    vmov r5, s29
    bic.w r5, r5, r5, asr #31
    cbz r5, 2f
    str r2, [r7], #4
    PR_INTO_LAYER_1 r2!, s29
    bne 20b
    b 30f
2:
    @ add would set flags if it were short.
    add.w r2, r2, #16
    bne 20b
    b 30f
40:
    @ The same from a row in single precision, for learning: two units at a time, and VMLA (3 cycles, 1 instruction)
    @ where it costs least, since a step has a limit of instructions. r1, r11 and r4, r10: the weights of both units.
    add r11, r1, #32
    add r10, r4, #32
    mov r12, r0
41:
    vldmia r3!, {s28-s29}
    PR_TWO_VMLA r1, r11, s0, s1, s2, s3
    PR_TWO_VMLA r1, r11, s4, s5, s6, s7
    add r1, r1, #32
    add r11, r11, #32
    PR_TWO_VMLA r4, r10, s8, s9, s10, s11
    PR_TWO r4, r10, s12, s13, s14, s15
    subs r6, r6, #2
    add.w r4, r4, #32
    vmov r5, r0, s28, s29
    add.w r10, r10, #32
    bic.w r5, r5, r5, asr #31
    bic.w r0, r0, r0, asr #31
    PR_SHARE r5, s28
    PR_SHARE r0, s29
    bne 41b
    mov r0, r12
30:
    @ Layer 1's relu: its units stay in r1, r2, r5 and r6 for the way back. s24: layer 2. s31: base, plus bias,
    @ plus dot product.
    ldr r12, [r0, #20]
    ldr r4, [r0, #28]
    ldr r3, [lr, #16]
    ldr r8, [lr, #20]
    vmov r1, r2, s16, s17
    vmov r5, r6, s18, s19
    bic.w r1, r1, r1, asr #31
    bic.w r2, r2, r2, asr #31
    bic.w r5, r5, r5, asr #31
    bic.w r6, r6, r6, asr #31
    vmov s16, s17, r1, r2
    vmov s18, s19, r5, r6
    vldmia r12, {s20-s23}
    vldr s24, [r0, #24]
    vmul.f32 s26, s20, s16
    vmul.f32 s27, s21, s17
    vadd.f32 s24, s24, s26
    vmul.f32 s28, s22, s18
    vadd.f32 s24, s24, s27
    vmul.f32 s29, s23, s19
    vadd.f32 s24, s24, s28
    cbz r3, 4f
    ldrh r3, [r3]
    vmov s30, r3
    vcvtb.f32.f16 s30, s30
    vadd.f32 s31, s31, s30
4:
    mov.w r3, #0
    cbz r4, 5f
    vmov s25, r3
    vmul.f32 s26, s0, s8
    vmul.f32 s27, s1, s9
    vadd.f32 s25, s25, s26
    vmul.f32 s28, s2, s10
    vadd.f32 s25, s25, s27
    vmul.f32 s26, s3, s11
    vadd.f32 s25, s25, s28
    vmul.f32 s27, s4, s12
    vadd.f32 s25, s25, s26
    vmul.f32 s28, s5, s13
    vadd.f32 s25, s25, s27
    vmul.f32 s26, s6, s14
    vadd.f32 s25, s25, s28
    vmul.f32 s27, s7, s15
    vadd.f32 s25, s25, s26
    vadd.f32 s24, s24, s29
    vadd.f32 s25, s25, s27
    vadd.f32 s31, s31, s25
    b 6f
5:
    vadd.f32 s24, s24, s29
6:
    vadd.f32 s0, s31, s24
    cmp r8, #0
    beq.w 9f
    @ The way back. r10: the score. s0-s7: the gradient, s16-s19: the output's derivative by the sums of layer 1.
    vmov r10, s0
    vmov r11, r12, s20, s21
    rsb.w r1, r1, #0
    rsb.w r2, r2, #0
    and.w r11, r11, r1, asr #31
    and.w r12, r12, r2, asr #31
    vmov s16, s17, r11, r12
    vmov r11, r12, s22, s23
    rsb.w r5, r5, #0
    rsb.w r6, r6, #0
    and.w r11, r11, r5, asr #31
    and.w r12, r12, r6, asr #31
    vmov s18, s19, r11, r12
    vmov s0, s1, r3, r3
    vmov s2, s3, r3, r3
    vmov s4, s5, r3, r3
    vmov s6, s7, r3, r3
    @ r12: twice a place in layer 1's weights, and this, is the place in the user's.
    ldmia.w r0, {r1, r2}
    sub r12, r1, r2, lsl #1
    mov r5, sp
    cmp r5, r7
    beq 8f
7:
    ldr r2, [r5], #4
    add r1, r12, r2, lsl #1
    vldmia r2, {s20-s23}
    vldmia r1, {s24-s31}
    vmul.f32 s20, s20, s16
    vmul.f32 s21, s21, s17
    vmul.f32 s22, s22, s18
    vadd.f32 s20, s20, s21
    vmul.f32 s23, s23, s19
    vadd.f32 s20, s20, s22
    cmp r5, r7
    vadd.f32 s20, s20, s23
    vmla.f32 s0, s24, s20
    vmla.f32 s1, s25, s20
    vmla.f32 s2, s26, s20
    vmla.f32 s3, s27, s20
    vmla.f32 s4, s28, s20
    vmla.f32 s5, s29, s20
    vmla.f32 s6, s30, s20
    vmla.f32 s7, s31, s20
    bne 7b
8:
    cbz r4, 4f
    vadd.f32 s0, s0, s8
    vadd.f32 s1, s1, s9
    vadd.f32 s2, s2, s10
    vadd.f32 s3, s3, s11
    vadd.f32 s4, s4, s12
    vadd.f32 s5, s5, s13
    vadd.f32 s6, s6, s14
    vadd.f32 s7, s7, s15
4:
    vstmia r8, {s0-s7}
    vmov s0, r10
9:
    mov sp, r9
    vpop {s16-s31}
    pop {r4-r11, pc}
50:
    vldmia r5, {s8-s15}
    b.w 51b
    .size pocketrec_one_8, . - pocketrec_one_8
"#,
    options(raw)
);
