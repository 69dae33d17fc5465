//! Many rows of 8 half-precision columns against one vector: dot products and cosines.

use core::arch::global_asm;

use super::COLUMNS;

/// What the assembly of [`dots`] reads, by offset.
#[repr(C)]
struct Arguments {
    biases: *const u16,
    rows: *const [u16; COLUMNS],
    scores: *mut f32,
    movies: usize,
    user: *const f32,
    base: f32,
}

unsafe extern "C" {
    /// Scores of `movies` movies without an MLP.
    fn pocketrec_score_dots_8(arguments: *const Arguments);
    /// Cosines of `movies` rows with `vector`, whose length is `length`.
    fn pocketrec_cosines_8(
        rows: *const [u16; COLUMNS],
        cosines: *mut f32,
        movies: usize,
        vector: *const f32,
        length: f32,
    );
}

/// Scores without an MLP: `base`, plus the bias where there are any, plus the dot product with `user`; as many as
/// `rows`, `scores` and `biases` have. False, and nothing done, where the rows aren't aligned to 4. 60 cycles a movie on
/// a Cortex-M4.
pub(crate) fn dots(
    user: &[f32; COLUMNS],
    base: f32,
    rows: &[[u16; COLUMNS]],
    biases: Option<&[u16]>,
    scores: &mut [f32],
) -> bool {
    let movies = rows
        .len()
        .min(scores.len())
        .min(biases.map_or(usize::MAX, <[u16]>::len));
    if !rows.as_ptr().addr().is_multiple_of(4) {
        return false;
    }
    if movies > 0 {
        let arguments = Arguments {
            biases: biases.map_or(core::ptr::null(), <[u16]>::as_ptr),
            rows: rows.as_ptr(),
            scores: scores.as_mut_ptr(),
            movies,
            user: user.as_ptr(),
            base,
        };
        // SAFETY: rows, scores and biases have `movies` elements, and the rows are aligned to 4.
        unsafe { pocketrec_score_dots_8(&arguments) };
    }
    true
}

/// Cosines of the angles between `rows` and `vector` of `length`, as many as `rows` and `cosines` have; false, and
/// nothing done, where the rows aren't aligned to 4. 95 cycles a row on a Cortex-M4.
pub(crate) fn cosines(
    rows: &[[u16; COLUMNS]],
    vector: &[f32; COLUMNS],
    length: f32,
    cosines: &mut [f32],
) -> bool {
    let movies = rows.len().min(cosines.len());
    if !rows.as_ptr().addr().is_multiple_of(4) {
        return false;
    }
    if movies > 0 {
        // SAFETY: `movies` rows and places are there, and the rows are aligned to 4.
        unsafe {
            pocketrec_cosines_8(
                rows.as_ptr(),
                cosines.as_mut_ptr(),
                movies,
                vector.as_ptr(),
                length,
            );
        }
    }
    true
}

global_asm!(
    r#"
    .syntax unified
    .thumb
    .fpu fpv4-sp-d16

    .section .text.pocketrec_score_dots_8,"ax",%progbits
    .p2align 2
    .global pocketrec_score_dots_8
    .type pocketrec_score_dots_8,%function
    .thumb_func
pocketrec_score_dots_8:
    push {r4-r6, lr}
    vpush {s16-s23}
    @ r1 biases, r2 rows, r3 scores, r4 movies left
    ldmia.w r0, {r1, r2, r3, r4}
    ldr r5, [r0, #16]
    vldr s15, [r0, #20]
    vldmia r5, {s16-s23}
    mov r6, #0
1:
    vldmia r2!, {s8-s11}
    vcvtb.f32.f16 s0, s8
    vcvtt.f32.f16 s1, s8
    vcvtb.f32.f16 s2, s9
    vcvtt.f32.f16 s3, s9
    vcvtb.f32.f16 s4, s10
    vcvtt.f32.f16 s5, s10
    vcvtb.f32.f16 s6, s11
    vcvtt.f32.f16 s7, s11
    vmov.f32 s13, s15
    cbz r1, 2f
    ldrh r5, [r1], #2
    vmov s14, r5
    vcvtb.f32.f16 s14, s14
    vadd.f32 s13, s13, s14
2:
    vmov s12, r6
    vmul.f32 s0, s0, s16
    vmul.f32 s1, s1, s17
    vmul.f32 s2, s2, s18
    vmul.f32 s3, s3, s19
    vmul.f32 s4, s4, s20
    vmul.f32 s5, s5, s21
    vmul.f32 s6, s6, s22
    vmul.f32 s7, s7, s23
    vadd.f32 s12, s12, s0
    vadd.f32 s12, s12, s1
    vadd.f32 s12, s12, s2
    vadd.f32 s12, s12, s3
    vadd.f32 s12, s12, s4
    vadd.f32 s12, s12, s5
    vadd.f32 s12, s12, s6
    vadd.f32 s12, s12, s7
    subs r4, r4, #1
    vadd.f32 s13, s13, s12
    vstmia r3!, {s13}
    bne 1b
    vpop {s16-s23}
    pop {r4-r6, pc}
    .size pocketrec_score_dots_8, . - pocketrec_score_dots_8

    .section .text.pocketrec_cosines_8,"ax",%progbits
    .p2align 2
    .global pocketrec_cosines_8
    .type pocketrec_cosines_8,%function
    .thumb_func
pocketrec_cosines_8:
    @ r0 rows, r1 cosines, r2 movies, r3 vector, s0 its length
    vpush {s16-s24}
    vmov.f32 s14, s0
    vldmia r3, {s16-s23}
    vmov.f32 s15, #1.0
    vmov.f32 s24, #-1.0
    mov r3, #0
1:
    vldmia r0!, {s8-s11}
    vcvtb.f32.f16 s0, s8
    vcvtt.f32.f16 s1, s8
    vcvtb.f32.f16 s2, s9
    vcvtt.f32.f16 s3, s9
    vcvtb.f32.f16 s4, s10
    vcvtt.f32.f16 s5, s10
    vcvtb.f32.f16 s6, s11
    vcvtt.f32.f16 s7, s11
    vmov s12, r3
    vmov s13, r3
    @ s12 the dot product, s13 the square of the row's length
    vmul.f32 s8, s16, s0
    vmul.f32 s9, s0, s0
    vadd.f32 s12, s12, s8
    vadd.f32 s13, s13, s9
    vmul.f32 s8, s17, s1
    vmul.f32 s9, s1, s1
    vadd.f32 s12, s12, s8
    vadd.f32 s13, s13, s9
    vmul.f32 s8, s18, s2
    vmul.f32 s9, s2, s2
    vadd.f32 s12, s12, s8
    vadd.f32 s13, s13, s9
    vmul.f32 s8, s19, s3
    vmul.f32 s9, s3, s3
    vadd.f32 s12, s12, s8
    vadd.f32 s13, s13, s9
    vmul.f32 s8, s20, s4
    vmul.f32 s9, s4, s4
    vadd.f32 s12, s12, s8
    vadd.f32 s13, s13, s9
    vmul.f32 s8, s21, s5
    vmul.f32 s9, s5, s5
    vadd.f32 s12, s12, s8
    vadd.f32 s13, s13, s9
    vmul.f32 s8, s22, s6
    vmul.f32 s9, s6, s6
    vadd.f32 s12, s12, s8
    vadd.f32 s13, s13, s9
    vmul.f32 s8, s23, s7
    vmul.f32 s9, s7, s7
    vadd.f32 s12, s12, s8
    vadd.f32 s13, s13, s9
    sub r2, r2, #1
    vsqrt.f32 s13, s13
    vmul.f32 s13, s14, s13
    vcmp.f32 s13, #0
    vdiv.f32 s12, s12, s13
    vmrs apsr_nzcv, fpscr
    it le
    vmovle s12, r3
    vcmp.f32 s12, s15
    vmrs apsr_nzcv, fpscr
    it gt
    vmovgt.f32 s12, s15
    vcmp.f32 s12, s24
    vmrs apsr_nzcv, fpscr
    it mi
    vmovmi.f32 s12, s24
    vstmia r1!, {s12}
    cmp r2, #0
    bne 1b
    vpop {s16-s24}
    bx lr
    .size pocketrec_cosines_8, . - pocketrec_cosines_8
"#,
    options(raw)
);
