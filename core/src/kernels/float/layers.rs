//! Dense layers of any shape, a movie at a time: what every model takes that isn't of the lesson's shape, and the
//! user's half of all of them. In assembly, so that they cost the same however the rest is compiled.
//!
//! Each sum runs in the plain order. Where a layer ends in relu, an input of +0 is left out: its products could only
//! change the sign of a zero, which the relu takes away.

use core::arch::global_asm;

use crate::numeric::activation::Activation;

unsafe extern "C" {
    /// `out[j] = from[j] + weights[j] . x` for `units` rows of `columns` weights, then relu where it isn't 0. `out`
    /// may be `from`.
    fn pocketrec_rows(
        out: *mut f32,
        weights: *const f32,
        from: *const f32,
        x: *const f32,
        units: usize,
        columns: usize,
        relu: u32,
    );
    /// `out[k] = from[k] + sum over j of x[j] weights[j][k]` for `inputs` rows of `units` weights, then relu where it
    /// is 1 and not 0.
    fn pocketrec_columns(
        out: *mut f32,
        weights: *const f32,
        from: *const f32,
        x: *const f32,
        inputs: usize,
        units: usize,
        relu: u32,
    );
    /// Single-precision numbers of `count` half-precision ones.
    fn pocketrec_widen(out: *mut f32, halves: *const u16, count: usize);
}

/// `out[j] = activation(from[j] + weights[j] . x)`, a row of weights a unit. False, and nothing done, where the lengths
/// don't fit. 3.8 cycles a multiply-add on a Cortex-M4, and 10 a unit.
pub(crate) fn rows(
    weights: &[f32],
    from: &[f32],
    x: &[f32],
    activation: Activation,
    out: &mut [f32],
) -> bool {
    let (units, columns) = (from.len(), x.len());
    if units == 0 || out.len() < units || units.checked_mul(columns) != Some(weights.len()) {
        return false;
    }
    // SAFETY: `units` rows of `columns` weights are there, and so are `units` starts and places.
    unsafe {
        pocketrec_rows(
            out.as_mut_ptr(),
            weights.as_ptr(),
            from.as_ptr(),
            x.as_ptr(),
            units,
            columns,
            u32::from(activation == Activation::Relu),
        );
    }
    true
}

/// `out[k] = activation(from[k] + sum over j of x[j] weights[j][k])`, a row of weights an input. False, and nothing
/// done, where the lengths don't fit. 6 cycles a multiply-add on a Cortex-M4, half that where the input is +0.
pub(crate) fn columns(
    weights: &[f32],
    from: &[f32],
    x: &[f32],
    activation: Activation,
    out: &mut [f32],
) -> bool {
    let (units, inputs) = (from.len(), x.len());
    if inputs == 0
        || units == 0
        || out.len() < units
        || units.checked_mul(inputs) != Some(weights.len())
    {
        return false;
    }
    // SAFETY: `inputs` rows of `units` weights are there, and so are `units` starts and places.
    unsafe {
        pocketrec_columns(
            out.as_mut_ptr(),
            weights.as_ptr(),
            from.as_ptr(),
            x.as_ptr(),
            inputs,
            units,
            u32::from(activation == Activation::Relu),
        );
    }
    true
}

/// Half-precision numbers as single-precision ones, as many as both slices have. 6 cycles a number on a Cortex-M4.
pub(crate) fn widen(halves: &[u16], out: &mut [f32]) {
    let count = halves.len().min(out.len());
    // SAFETY: as many are there.
    unsafe { pocketrec_widen(out.as_mut_ptr(), halves.as_ptr(), count) };
}

global_asm!(
    r#"
    .syntax unified
    .thumb
    .fpu fpv4-sp-d16

    .section .text.pocketrec_rows,"ax",%progbits
    .p2align 2
    .global pocketrec_rows
    .type pocketrec_rows,%function
    .thumb_func
pocketrec_rows:
    @ r0 out, r1 weights, r2 from, r3 x, stack: units, columns, relu
    push {r4-r11, lr}
    ldr r12, [sp, #36]
    ldr r11, [sp, #40]
    lsl lr, r11, #2
1:
    @ four units at a time: r4-r7 their weights
    subs r12, r12, #4
    blt 5f
    mov r4, r1
    add r5, r4, lr
    add r6, r5, lr
    add r7, r6, lr
    vldmia r2!, {s0-s3}
    mov r8, r3
    lsrs r9, r11, #2
    beq 3f
2:
    vldmia r8!, {s4-s7}
    vldmia r4!, {s8-s11}
    vldmia r5!, {s12-s15}
    vmul.f32 s8, s8, s4
    vmul.f32 s12, s12, s4
    vmul.f32 s9, s9, s5
    vmul.f32 s13, s13, s5
    vadd.f32 s0, s0, s8
    vadd.f32 s1, s1, s12
    vmul.f32 s10, s10, s6
    vmul.f32 s14, s14, s6
    vadd.f32 s0, s0, s9
    vadd.f32 s1, s1, s13
    vmul.f32 s11, s11, s7
    vmul.f32 s15, s15, s7
    vadd.f32 s0, s0, s10
    vadd.f32 s1, s1, s14
    vadd.f32 s0, s0, s11
    vadd.f32 s1, s1, s15
    vldmia r6!, {s8-s11}
    vldmia r7!, {s12-s15}
    vmul.f32 s8, s8, s4
    vmul.f32 s12, s12, s4
    vmul.f32 s9, s9, s5
    vmul.f32 s13, s13, s5
    vadd.f32 s2, s2, s8
    vadd.f32 s3, s3, s12
    vmul.f32 s10, s10, s6
    vmul.f32 s14, s14, s6
    vadd.f32 s2, s2, s9
    vadd.f32 s3, s3, s13
    vmul.f32 s11, s11, s7
    vmul.f32 s15, s15, s7
    vadd.f32 s2, s2, s10
    vadd.f32 s3, s3, s14
    vadd.f32 s2, s2, s11
    vadd.f32 s3, s3, s15
    subs r9, r9, #1
    bne 2b
3:
    ands r9, r11, #3
    beq 4f
31:
    vldmia r8!, {s4}
    vldmia r4!, {s8}
    vldmia r5!, {s9}
    vldmia r6!, {s10}
    vldmia r7!, {s11}
    vmul.f32 s8, s8, s4
    vmul.f32 s9, s9, s4
    vmul.f32 s10, s10, s4
    vmul.f32 s11, s11, s4
    vadd.f32 s0, s0, s8
    vadd.f32 s1, s1, s9
    vadd.f32 s2, s2, s10
    vadd.f32 s3, s3, s11
    subs r9, r9, #1
    bne 31b
4:
    ldr r10, [sp, #44]
    mov r1, r7
    cmp r10, #0
    beq 41f
    vmov r4, r5, s0, s1
    vmov r6, r7, s2, s3
    bic.w r4, r4, r4, asr #31
    bic.w r5, r5, r5, asr #31
    bic.w r6, r6, r6, asr #31
    bic.w r7, r7, r7, asr #31
    vmov s0, s1, r4, r5
    vmov s2, s3, r6, r7
41:
    vstmia r0!, {s0-s3}
    b 1b
5:
    adds r12, r12, #4
    beq 9f
6:
    vldmia r2!, {s0}
    mov r8, r3
    lsrs r9, r11, #2
    beq 8f
7:
    vldmia r8!, {s4-s7}
    vldmia r1!, {s8-s11}
    vmul.f32 s8, s8, s4
    vmul.f32 s9, s9, s5
    vadd.f32 s0, s0, s8
    vmul.f32 s10, s10, s6
    vadd.f32 s0, s0, s9
    vmul.f32 s11, s11, s7
    vadd.f32 s0, s0, s10
    subs r9, r9, #1
    vadd.f32 s0, s0, s11
    bne 7b
8:
    ands r9, r11, #3
    beq 82f
81:
    vldmia r8!, {s4}
    vldmia r1!, {s8}
    vmul.f32 s8, s8, s4
    subs r9, r9, #1
    vadd.f32 s0, s0, s8
    bne 81b
82:
    ldr r10, [sp, #44]
    cmp r10, #0
    beq 83f
    vmov r4, s0
    bic.w r4, r4, r4, asr #31
    vmov s0, r4
83:
    vstmia r0!, {s0}
    subs r12, r12, #1
    bne 6b
9:
    pop {r4-r11, pc}
    .size pocketrec_rows, . - pocketrec_rows

    @ All groups of 4, 2 or 1 of the units that are left, which r12 counts.
    .macro PR_COLUMNS count
11:
    subs r12, r12, #\count
    blt 15f
    mov r4, r1
    mov r5, r3
    mov r6, r11
    .if \count == 4
    vldmia r2!, {s0-s3}
    .elseif \count == 2
    vldmia r2!, {s0-s1}
    .else
    vldmia r2!, {s0}
    .endif
12:
    ldr r7, [r5], #4
    orrs r8, r7, r9
    beq 13f
    .if \count == 4
    vldmia r4, {s8-s11}
    vmov s4, r7
    vmul.f32 s8, s8, s4
    vmul.f32 s9, s9, s4
    vmul.f32 s10, s10, s4
    vmul.f32 s11, s11, s4
    vadd.f32 s0, s0, s8
    vadd.f32 s1, s1, s9
    vadd.f32 s2, s2, s10
    vadd.f32 s3, s3, s11
    .elseif \count == 2
    vldmia r4, {s8-s9}
    vmov s4, r7
    vmul.f32 s8, s8, s4
    vmul.f32 s9, s9, s4
    vadd.f32 s0, s0, s8
    vadd.f32 s1, s1, s9
    .else
    vldr s8, [r4]
    vmov s4, r7
    vmul.f32 s8, s8, s4
    vadd.f32 s0, s0, s8
    .endif
13:
    add r4, r4, lr
    subs r6, r6, #1
    bne 12b
    add r1, r1, #(4 * \count)
    cmp r10, #0
    beq 14f
    vmov r7, s0
    bic.w r7, r7, r7, asr #31
    vmov s0, r7
    .if \count > 1
    vmov r7, s1
    bic.w r7, r7, r7, asr #31
    vmov s1, r7
    .endif
    .if \count == 4
    vmov r7, r8, s2, s3
    bic.w r7, r7, r7, asr #31
    bic.w r8, r8, r8, asr #31
    vmov s2, s3, r7, r8
    .endif
14:
    .if \count == 4
    vstmia r0!, {s0-s3}
    .elseif \count == 2
    vstmia r0!, {s0-s1}
    .else
    vstmia r0!, {s0}
    .endif
    b 11b
15:
    adds r12, r12, #\count
    .endm

    .section .text.pocketrec_columns,"ax",%progbits
    .p2align 2
    .global pocketrec_columns
    .type pocketrec_columns,%function
    .thumb_func
pocketrec_columns:
    @ r0 out, r1 weights, r2 from, r3 x, stack: inputs, units, relu
    push {r4-r11, lr}
    ldr r11, [sp, #36]
    ldr r12, [sp, #40]
    ldr r10, [sp, #44]
    lsl lr, r12, #2
    @ not 0 where no input may be left out
    eor r9, r10, #1
    PR_COLUMNS 4
    beq 16f
    PR_COLUMNS 2
    beq 16f
    PR_COLUMNS 1
16:
    pop {r4-r11, pc}
    .size pocketrec_columns, . - pocketrec_columns

    .section .text.pocketrec_widen,"ax",%progbits
    .p2align 2
    .global pocketrec_widen
    .type pocketrec_widen,%function
    .thumb_func
pocketrec_widen:
    @ r0 out, r1 halves, r2 count. The words that ldr takes need not be aligned.
    subs r2, r2, #2
    blt 2f
1:
    ldr r3, [r1], #4
    vmov s0, r3
    subs r2, r2, #2
    vcvtt.f32.f16 s1, s0
    vcvtb.f32.f16 s0, s0
    vstmia r0!, {s0-s1}
    bge 1b
2:
    adds r2, r2, #2
    beq 3f
    ldrh r3, [r1]
    vmov s0, r3
    vcvtb.f32.f16 s0, s0
    vstr s0, [r0]
3:
    bx lr
    .size pocketrec_widen, . - pocketrec_widen
"#,
    options(raw)
);
