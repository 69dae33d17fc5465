//! The product of a row of bytes and a vector of single-precision numbers. In assembly, so that it costs the same however
//! the rest is compiled.

use core::arch::global_asm;

unsafe extern "C" {
    /// `bytes[0] x[0] + bytes[1] x[1] + ...` from +0, in order, of `count` numbers.
    fn pocketrec_dot_i8(bytes: *const i8, x: *const f32, count: usize) -> f32;
}

/// `bytes[0] x[0] + bytes[1] x[1] + ...` from +0, each product rounded, then added, in order; as many as both have. 8
/// cycles a number on a Cortex-M4.
#[inline]
pub(crate) fn dot_of_bytes(bytes: &[i8], x: &[f32]) -> f32 {
    let count = bytes.len().min(x.len());
    // SAFETY: as many are there.
    unsafe { pocketrec_dot_i8(bytes.as_ptr(), x.as_ptr(), count) }
}

global_asm!(
    r#"
    .syntax unified
    .thumb
    .fpu fpv4-sp-d16

    .section .text.pocketrec_dot_i8,"ax",%progbits
    .p2align 2
    .global pocketrec_dot_i8
    .type pocketrec_dot_i8,%function
    .thumb_func
pocketrec_dot_i8:
    @ r0 bytes, r1 x, r2 count. The words that ldr takes need not be aligned.
    movs r3, #0
    vmov s0, r3
    subs r2, r2, #4
    blt 2f
1:
    ldr r3, [r0], #4
    vldmia r1!, {s1-s4}
    sxtb r12, r3
    vmov s5, r12
    sxtb r12, r3, ror #8
    vmov s6, r12
    sxtb r12, r3, ror #16
    vmov s7, r12
    asrs r3, r3, #24
    vmov s8, r3
    vcvt.f32.s32 s5, s5
    vcvt.f32.s32 s6, s6
    vcvt.f32.s32 s7, s7
    vcvt.f32.s32 s8, s8
    vmul.f32 s5, s5, s1
    vmul.f32 s6, s6, s2
    vadd.f32 s0, s0, s5
    vmul.f32 s7, s7, s3
    vadd.f32 s0, s0, s6
    vmul.f32 s8, s8, s4
    vadd.f32 s0, s0, s7
    subs r2, r2, #4
    vadd.f32 s0, s0, s8
    bge 1b
2:
    adds r2, r2, #4
    beq 4f
3:
    ldrsb r3, [r0], #1
    vldmia r1!, {s1}
    vmov s5, r3
    vcvt.f32.s32 s5, s5
    subs r2, r2, #1
    vmul.f32 s5, s5, s1
    vadd.f32 s0, s0, s5
    bne 3b
4:
    bx lr
    .size pocketrec_dot_i8, . - pocketrec_dot_i8
"#,
    options(raw)
);
