//! What a Kalman filter does with a covariance: its product with a vector, and its narrowing. In assembly, so that they
//! cost the same however the rest is compiled.
//!
//! The covariance is a lower triangle, row after row. Two rows at a time share each load of the vectors; each sum runs in
//! the order of the columns, as in the plain form.

use core::arch::global_asm;

unsafe extern "C" {
    /// `product[i] = sum over j of P[i][j] g[j]`, in order, of `side` rows.
    fn pocketrec_times(triangle: *const f32, side: usize, g: *const f32, product: *mut f32);

    /// `P[i][j] -= gain[i] spread[j]` of `side` rows; the bits of all of P, or-ed.
    fn pocketrec_narrow(
        triangle: *mut f32,
        side: usize,
        gain: *const f32,
        spread: *const f32,
    ) -> u32;
}

/// Whether a triangle of `side` rows and two vectors beside it have these lengths or more.
#[inline]
fn fit(triangle: usize, side: usize, a: usize, b: usize) -> bool {
    // Beyond this the number of entries could leave 32 bits.
    side < 1 << 15
        && triangle >= side.wrapping_mul(side.wrapping_add(1)) / 2
        && a >= side
        && b >= side
}

/// The product of the lower triangle of the first `side` rows of a symmetric matrix and `g`. Nothing is done where the
/// lengths don't fit. 10 cycles an entry on a Cortex-M4.
#[inline]
pub(crate) fn times(triangle: &[f32], side: usize, g: &[f32], product: &mut [f32]) {
    if fit(triangle.len(), side, g.len(), product.len()) {
        // SAFETY: the triangle has `side` rows, and the vectors as many numbers.
        unsafe { pocketrec_times(triangle.as_ptr(), side, g.as_ptr(), product.as_mut_ptr()) };
    }
}

/// Takes the product of `gain` and `spread` off the lower triangle of the first `side` rows, and returns the bits of what
/// is left, or-ed. Nothing is done where the lengths don't fit. 10 cycles an entry on a Cortex-M4.
#[inline]
pub(crate) fn narrow(triangle: &mut [f32], side: usize, gain: &[f32], spread: &[f32]) -> u32 {
    if !fit(triangle.len(), side, gain.len(), spread.len()) {
        return 0;
    }
    // SAFETY: the triangle has `side` rows, and the vectors as many numbers.
    unsafe { pocketrec_narrow(triangle.as_mut_ptr(), side, gain.as_ptr(), spread.as_ptr()) }
}

global_asm!(
    r#"
    .syntax unified
    .thumb
    .fpu fpv4-sp-d16

    .section .text.pocketrec_times,"ax",%progbits
    .p2align 2
    .global pocketrec_times
    .type pocketrec_times,%function
    .thumb_func
pocketrec_times:
    @ r0 row n, r1 rows left, r2 g, r3 product, r4 n
    push {r4-r7, lr}
    movs r4, #0
1:
    @ s0-s1 the vector's own numbers, s2-s3 the rows' sums
    add r12, r2, r4, lsl #2
    mov r6, r2
    mov r7, r3
    lsrs r5, r4, #1
    subs r1, r1, #2
    blt 5f
    vldmia r12, {s0-s1}
    mov r12, r5
    add r5, r0, r4, lsl #2
    vsub.f32 s2, s0, s0
    adds r5, r5, #4
    vsub.f32 s3, s0, s0
    cbz r4, 3f
2:
    vldmia r0!, {s4-s5}
    vldmia r5!, {s6-s7}
    vldmia r6!, {s8-s9}
    vldmia r7, {s10-s11}
    vmul.f32 s12, s4, s8
    vmul.f32 s13, s6, s8
    vmul.f32 s14, s5, s9
    vmul.f32 s15, s7, s9
    vadd.f32 s2, s2, s12
    vadd.f32 s3, s3, s13
    vmul.f32 s4, s4, s0
    vmul.f32 s5, s5, s0
    vadd.f32 s2, s2, s14
    vadd.f32 s3, s3, s15
    vmul.f32 s6, s6, s1
    vmul.f32 s7, s7, s1
    vadd.f32 s10, s10, s4
    vadd.f32 s11, s11, s5
    vadd.f32 s10, s10, s6
    vadd.f32 s11, s11, s7
    subs r12, r12, #1
    vstmia r7!, {s10-s11}
    bne 2b
3:
    vldmia r0, {s4}
    vldmia r5!, {s6-s7}
    vmul.f32 s4, s4, s0
    vmul.f32 s12, s6, s0
    vmul.f32 s6, s6, s1
    vmul.f32 s7, s7, s1
    vadd.f32 s2, s2, s4
    vadd.f32 s3, s3, s12
    vadd.f32 s2, s2, s6
    vadd.f32 s3, s3, s7
    mov r0, r5
    adds r4, r4, #2
    vstmia r7, {s2-s3}
    b 1b
5:
    @ the last row of an odd number
    adds r1, r1, #2
    beq 9f
    vldmia r12, {s0}
    vsub.f32 s2, s0, s0
    cbz r5, 7f
6:
    vldmia r0!, {s4-s5}
    vldmia r6!, {s8-s9}
    vldmia r7, {s10-s11}
    vmul.f32 s8, s8, s4
    vmul.f32 s4, s4, s0
    vadd.f32 s2, s2, s8
    vmul.f32 s9, s9, s5
    vmul.f32 s5, s5, s0
    vadd.f32 s2, s2, s9
    vadd.f32 s10, s10, s4
    vadd.f32 s11, s11, s5
    subs r5, r5, #1
    vstmia r7!, {s10-s11}
    bne 6b
7:
    vldmia r0, {s4}
    vmul.f32 s4, s4, s0
    vadd.f32 s2, s2, s4
    vstmia r7, {s2}
9:
    pop {r4-r7, pc}
    .size pocketrec_times, . - pocketrec_times

    .section .text.pocketrec_narrow,"ax",%progbits
    .p2align 2
    .global pocketrec_narrow
    .type pocketrec_narrow,%function
    .thumb_func
pocketrec_narrow:
    @ r0 row n, r1 rows left, r2 gain, r3 spread, r4 n, r10 the bits
    push {r4-r10, lr}
    movs r4, #0
    mov r10, r4
1:
    mov r6, r3
    lsrs r12, r4, #1
    subs r1, r1, #2
    blt 5f
    vldmia r2!, {s0-s1}
    add r5, r0, r4, lsl #2
    adds r5, r5, #4
    cbz r4, 3f
2:
    vldmia r0, {s4-s5}
    vldmia r5, {s6-s7}
    vldmia r6!, {s8-s9}
    vmul.f32 s10, s8, s0
    vmul.f32 s11, s9, s0
    vmul.f32 s12, s8, s1
    vmul.f32 s13, s9, s1
    vsub.f32 s4, s4, s10
    vsub.f32 s5, s5, s11
    vsub.f32 s6, s6, s12
    vsub.f32 s7, s7, s13
    vstmia r0!, {s4-s5}
    vstmia r5!, {s6-s7}
    vmov r7, r8, s4, s5
    vmov r9, lr, s6, s7
    orrs r7, r7, r8
    orr r9, r9, lr
    orr r10, r10, r7
    orr r10, r10, r9
    subs r12, r12, #1
    bne 2b
3:
    vldmia r0, {s4}
    vldmia r5, {s6-s7}
    vldmia r6, {s8-s9}
    vmul.f32 s10, s8, s0
    vmul.f32 s12, s8, s1
    vmul.f32 s13, s9, s1
    vsub.f32 s4, s4, s10
    vsub.f32 s6, s6, s12
    vsub.f32 s7, s7, s13
    vstmia r0, {s4}
    vstmia r5!, {s6-s7}
    vmov r7, r8, s6, s7
    vmov r9, s4
    mov r0, r5
    orrs r7, r7, r8
    orr r10, r10, r9
    orr r10, r10, r7
    adds r4, r4, #2
    b 1b
5:
    @ the last row of an odd number
    adds r1, r1, #2
    beq 9f
    vldmia r2, {s0}
    cbz r4, 7f
6:
    vldmia r0, {s4-s5}
    vldmia r6!, {s8-s9}
    vmul.f32 s8, s8, s0
    vmul.f32 s9, s9, s0
    vsub.f32 s4, s4, s8
    vsub.f32 s5, s5, s9
    subs r12, r12, #1
    vstmia r0!, {s4-s5}
    vmov r7, r8, s4, s5
    orr r10, r10, r7
    orr r10, r10, r8
    bne 6b
7:
    vldmia r0, {s4}
    vldmia r6, {s8}
    vmul.f32 s8, s8, s0
    vsub.f32 s4, s4, s8
    vmov r7, s4
    vstmia r0, {s4}
    orr r10, r10, r7
9:
    mov r0, r10
    pop {r4-r10, pc}
    .size pocketrec_narrow, . - pocketrec_narrow
"#,
    options(raw)
);
