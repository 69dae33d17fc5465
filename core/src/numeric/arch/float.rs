//! Floating-point kernels for Cortex-M cores with a single-precision FPU: dense layer 0 over rows of 8 (or
//! multiples of 8) half-precision columns, then 4 relu units, then one.
//!
//! Whole functions in assembly, since stable Rust takes no floating-point registers as operands on these targets.
//! What makes them fast, counted on a Cortex-M4: VMUL and VADD (2 cycles) where a compiler picks VMLA (3), two
//! independent sums in turn so that no result is read by the next instruction, two movies at a time so that a
//! weight is loaded once for both, VCVTB and VCVTT for half precision, relu by integer registers, and layer 1
//! taken in as the units of layer 0 appear, so that those are never stored.
//!
//! Each sum runs in the order of [`Mlp::forward`](crate::mlp::Mlp::forward), product rounded, then added: the same
//! bits. VCVTB and the integer widening of [`f16`](crate::numeric::f16) agree on zeros and normal numbers, which
//! is all that a verified image holds.
//!
//! Advice for whoever changes this: `cargo xtask bench device` counts it and compares each result with the plain
//! form. Three movies at a time spill. VLDM needs addresses divisible by 4, also where it loads half words.

use core::arch::global_asm;

/// Columns that the kernels take at a time.
pub(crate) const COLUMNS: usize = 8;

/// Units of dense layer 1.
pub(crate) const SECOND: usize = 4;

/// What the movies of one call have in common.
#[derive(Clone, Copy)]
pub(crate) struct Net<'a> {
    /// The user's half of dense layer 0; its length is the number of units, a multiple of 4.
    pub(crate) half: &'a [f32],
    /// The movie's half of dense layer 0, a row a unit.
    pub(crate) weights: &'a [[f32; COLUMNS]],
    /// Dense layer 1, a row an input.
    pub(crate) second: &'a [[f32; SECOND]],
    /// The bias of dense layer 1.
    pub(crate) second_bias: &'a [f32; SECOND],
    /// Dense layer 2.
    pub(crate) output: &'a [f32; SECOND],
    /// The bias of dense layer 2.
    pub(crate) output_bias: f32,
    /// The user's row, where the model has a dot product.
    pub(crate) user: Option<&'a [f32; COLUMNS]>,
    /// Mean and the user's bias.
    pub(crate) base: f32,
}

/// A user of the image, for a single prediction.
#[derive(Clone, Copy)]
pub(crate) struct User<'a> {
    /// The user's row.
    pub(crate) row: &'a [u16; COLUMNS],
    /// The user's half of dense layer 0, a row a unit.
    pub(crate) weights: &'a [[f32; COLUMNS]],
    /// The bias of dense layer 0.
    pub(crate) bias: &'a [f32],
    /// Whether the model has a dot product.
    pub(crate) dot: bool,
}

/// What the assembly reads, by offset.
#[repr(C)]
struct Arguments {
    biases: *const u16,
    rows: *const [u16; COLUMNS],
    scores: *mut f32,
    pairs: usize,
    half: *const f32,
    weights: *const [f32; COLUMNS],
    second: *const [f32; SECOND],
    units: usize,
    second_bias: *const f32,
    output: *const f32,
    user: *const f32,
    output_bias: f32,
    base: f32,
    user_row: *const u16,
    user_weights: *const [f32; COLUMNS],
    bias: *const f32,
    gradient: *mut f32,
}

impl Arguments {
    const EMPTY: Self = Self {
        biases: core::ptr::null(),
        rows: core::ptr::null(),
        scores: core::ptr::null_mut(),
        pairs: 0,
        half: core::ptr::null(),
        weights: core::ptr::null(),
        second: core::ptr::null(),
        units: 0,
        second_bias: core::ptr::null(),
        output: core::ptr::null(),
        user: core::ptr::null(),
        output_bias: 0.0,
        base: 0.0,
        user_row: core::ptr::null(),
        user_weights: core::ptr::null(),
        bias: core::ptr::null(),
        gradient: core::ptr::null_mut(),
    };
}

unsafe extern "C" {
    /// `out[j] = from[j] + weights[j] . row` for `units` (even) rows of 8 weights that lie `stride` bytes apart.
    /// `out` may be `from`.
    fn pocketrec_add_columns_8(
        out: *mut f32,
        weights: *const f32,
        from: *const f32,
        row: *const f32,
        units: usize,
        stride: usize,
    );
    /// Scores of `pairs` pairs of movies whose rows and biases follow each other.
    fn pocketrec_score_pairs_8(arguments: *const Arguments);
    /// The score of one movie.
    fn pocketrec_score_one_8(arguments: *const Arguments);
    /// The score of one movie, and the MLP's derivative by the user's row.
    #[cfg(feature = "learn")]
    fn pocketrec_gradient_8(arguments: *const Arguments);
    /// The score of one movie for a user of the image; `half` is left out, and `user` is null without a dot product.
    fn pocketrec_predict_8(arguments: *mut Arguments);
    /// Scores, without an MLP, of `pairs` movies (not pairs of them).
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
    let arguments = Arguments {
        biases: biases.map_or(core::ptr::null(), <[u16]>::as_ptr),
        rows: rows.as_ptr(),
        scores: scores.as_mut_ptr(),
        pairs: movies,
        user: user.as_ptr(),
        base,
        ..Arguments::EMPTY
    };
    if movies > 0 {
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

/// `half[j] = bias[j] + weights[j] . row` for each unit j, in the order of the columns; `columns`, the length of
/// `row`, is a multiple of 8. False, and nothing done, where the shape isn't so.
/// 1,050 cycles on a Cortex-M4 for 32 units of 8 columns.
pub(crate) fn user_half(weights: &[f32], bias: &[f32], row: &[f32], half: &mut [f32]) -> bool {
    let (units, columns) = (bias.len(), row.len());
    if !units.is_multiple_of(2)
        || !columns.is_multiple_of(COLUMNS)
        || columns == 0
        || units == 0
        || units.checked_mul(columns) != Some(weights.len())
        || half.len() < units
    {
        return false;
    }
    let stride = columns.wrapping_mul(4);
    let mut from = bias.as_ptr();
    let out = half.as_mut_ptr();
    for (at, part) in row.as_chunks::<COLUMNS>().0.iter().enumerate() {
        // SAFETY: `units` rows of `columns` weights are there, and so are `units` biases and halves, as checked
        // above; `at` counts whole parts of a row, so each load stays within its row.
        unsafe {
            let weights = weights.as_ptr().add(at.wrapping_mul(COLUMNS));
            pocketrec_add_columns_8(out, weights, from, part.as_ptr(), units, stride);
        }
        from = out;
    }
    true
}

/// Scores of as many movies as `rows`, `scores` and, where there are any, `biases` have. False, and nothing done,
/// where the shape isn't the kernels'.
/// 1,240 cycles a movie on a Cortex-M4 for 32 units, 1,590 for a single one.
pub(crate) fn score(
    net: &Net<'_>,
    rows: &[[u16; COLUMNS]],
    biases: Option<&[u16]>,
    scores: &mut [f32],
) -> bool {
    let units = net.half.len();
    if !units.is_multiple_of(4)
        || units == 0
        || net.weights.len() != units
        || net.second.len() != units
        || !rows.as_ptr().addr().is_multiple_of(4)
    {
        return false;
    }
    let movies = rows
        .len()
        .min(scores.len())
        .min(biases.map_or(usize::MAX, <[u16]>::len));
    let mut arguments = Arguments {
        biases: biases.map_or(core::ptr::null(), <[u16]>::as_ptr),
        rows: rows.as_ptr(),
        scores: scores.as_mut_ptr(),
        pairs: 0,
        half: net.half.as_ptr(),
        weights: net.weights.as_ptr(),
        second: net.second.as_ptr(),
        units,
        second_bias: net.second_bias.as_ptr(),
        output: net.output.as_ptr(),
        user: net.user.map_or(core::ptr::null(), |user| user.as_ptr()),
        output_bias: net.output_bias,
        base: net.base,
        ..Arguments::EMPTY
    };
    let mut left = movies;
    // A pair's biases are loaded as one word: the first movie goes alone where they don't start at one.
    if !arguments.biases.addr().is_multiple_of(4) {
        // SAFETY: rows, scores and biases hold `left` elements.
        unsafe { one(&mut arguments, &mut left) };
    }
    arguments.pairs = left / 2;
    if arguments.pairs > 0 {
        // SAFETY: rows, scores and biases have `left` elements from where the arguments point, the slices of the
        // net have the lengths that the assembly takes from `units`, and rows and biases are aligned to 4.
        unsafe { pocketrec_score_pairs_8(&arguments) };
    }
    if left % 2 == 1 {
        // SAFETY: `advance` leaves the arguments at the last movie.
        unsafe {
            advance(&mut arguments, left.wrapping_sub(1));
            one(&mut arguments, &mut left);
        }
    }
    true
}

/// The score of one movie for a user of the image, whose half of dense layer 0 is computed on the way; the half of
/// `net` isn't read. `None` where the shape isn't the kernels'. 2,560 cycles on a Cortex-M4 for 32 units.
pub(crate) fn predict(
    net: &Net<'_>,
    user: &User<'_>,
    row: &[u16; COLUMNS],
    bias: Option<&u16>,
) -> Option<f32> {
    let units = user.bias.len();
    if !units.is_multiple_of(2)
        || units == 0
        || units > crate::MAX_UNITS
        || user.weights.len() != units
        || net.weights.len() != units
        || net.second.len() != units
        || !row.as_ptr().addr().is_multiple_of(4)
        || !user.row.as_ptr().addr().is_multiple_of(4)
    {
        return None;
    }
    let mut score = 0.0;
    let mut arguments = Arguments {
        biases: bias.map_or(core::ptr::null(), core::ptr::from_ref),
        rows: row,
        scores: &raw mut score,
        pairs: 0,
        half: core::ptr::null(),
        weights: net.weights.as_ptr(),
        second: net.second.as_ptr(),
        units,
        second_bias: net.second_bias.as_ptr(),
        output: net.output.as_ptr(),
        // Any but null asks for the dot product; the assembly puts the user's row there.
        user: if user.dot {
            net.output.as_ptr()
        } else {
            core::ptr::null()
        },
        output_bias: net.output_bias,
        base: net.base,
        user_row: user.row.as_ptr(),
        user_weights: user.weights.as_ptr(),
        bias: user.bias.as_ptr(),
        ..Arguments::EMPTY
    };
    // SAFETY: the layers have the lengths that the assembly takes from `units`, its frame has room for
    // `MAX_UNITS`, and both rows are aligned to 4.
    unsafe { pocketrec_predict_8(&raw mut arguments) };
    Some(score)
}

/// The score of one movie; the MLP's derivative by the user's row goes to `gradient`. `None`, and nothing done, where
/// the shape isn't the kernels'. 2,300 cycles on a Cortex-M4 for 32 units, half of them alive.
#[cfg(feature = "learn")]
pub(crate) fn gradient(
    net: &Net<'_>,
    user_weights: &[[f32; COLUMNS]],
    row: &[u16; COLUMNS],
    bias: Option<&u16>,
    gradient: &mut [f32; COLUMNS],
) -> Option<f32> {
    let units = net.half.len();
    if !units.is_multiple_of(2)
        || units == 0
        || units > crate::MAX_UNITS
        || user_weights.len() != units
        || net.weights.len() != units
        || net.second.len() != units
        || !row.as_ptr().addr().is_multiple_of(4)
    {
        return None;
    }
    let mut score = 0.0;
    let arguments = Arguments {
        biases: bias.map_or(core::ptr::null(), core::ptr::from_ref),
        rows: row,
        scores: &raw mut score,
        pairs: 0,
        half: net.half.as_ptr(),
        weights: net.weights.as_ptr(),
        second: net.second.as_ptr(),
        units,
        second_bias: net.second_bias.as_ptr(),
        output: net.output.as_ptr(),
        user: net.user.map_or(core::ptr::null(), |user| user.as_ptr()),
        output_bias: net.output_bias,
        base: net.base,
        user_row: core::ptr::null(),
        user_weights: user_weights.as_ptr(),
        bias: core::ptr::null(),
        gradient: gradient.as_mut_ptr(),
    };
    // SAFETY: the layers have the lengths that the assembly takes from `units`, its frame has room for
    // `MAX_UNITS`, and the row is aligned to 4.
    unsafe { pocketrec_gradient_8(&arguments) };
    Some(score)
}

/// Scores the movie at the front, if one is left, and steps behind it.
///
/// # Safety
///
/// Rows, scores and biases hold `left` more elements.
unsafe fn one(arguments: &mut Arguments, left: &mut usize) {
    if *left > 0 {
        // SAFETY: at least one element is there.
        unsafe {
            pocketrec_score_one_8(arguments);
            advance(arguments, 1);
        }
        *left = left.wrapping_sub(1);
    }
}

/// Moves rows, scores and biases `movies` further.
///
/// # Safety
///
/// They hold as many.
unsafe fn advance(arguments: &mut Arguments, movies: usize) {
    // SAFETY: the caller says so.
    unsafe {
        arguments.rows = arguments.rows.add(movies);
        arguments.scores = arguments.scores.add(movies);
        if !arguments.biases.is_null() {
            arguments.biases = arguments.biases.add(movies);
        }
    }
}

global_asm!(
    r#"
    .syntax unified
    .thumb
    .fpu fpv4-sp-d16

    .section .text.pocketrec_add_columns_8,"ax",%progbits
    .p2align 2
    .global pocketrec_add_columns_8
    .type pocketrec_add_columns_8,%function
    .thumb_func
pocketrec_add_columns_8:
    @ r0 out, r1 weights, r2 from, r3 row, stack: units, stride
    push {r4, lr}
    ldr r12, [sp, #8]
    ldr r4, [sp, #12]
    vpush {s16-s25}
    vldmia r3, {s0-s7}
1:
    vldmia r1, {s8-s15}
    add r1, r1, r4
    vldmia r1, {s16-s23}
    add r1, r1, r4
    vldmia r2!, {s24-s25}
    vmul.f32 s8, s8, s0
    vmul.f32 s16, s16, s0
    vmul.f32 s9, s9, s1
    vmul.f32 s17, s17, s1
    vmul.f32 s10, s10, s2
    vmul.f32 s18, s18, s2
    vmul.f32 s11, s11, s3
    vmul.f32 s19, s19, s3
    vmul.f32 s12, s12, s4
    vmul.f32 s20, s20, s4
    vmul.f32 s13, s13, s5
    vmul.f32 s21, s21, s5
    vmul.f32 s14, s14, s6
    vmul.f32 s22, s22, s6
    vmul.f32 s15, s15, s7
    vmul.f32 s23, s23, s7
    vadd.f32 s24, s24, s8
    vadd.f32 s25, s25, s16
    vadd.f32 s24, s24, s9
    vadd.f32 s25, s25, s17
    vadd.f32 s24, s24, s10
    vadd.f32 s25, s25, s18
    vadd.f32 s24, s24, s11
    vadd.f32 s25, s25, s19
    vadd.f32 s24, s24, s12
    vadd.f32 s25, s25, s20
    vadd.f32 s24, s24, s13
    vadd.f32 s25, s25, s21
    vadd.f32 s24, s24, s14
    vadd.f32 s25, s25, s22
    vadd.f32 s24, s24, s15
    vadd.f32 s25, s25, s23
    subs r12, r12, #2
    vstmia r0!, {s24-s25}
    bne 1b
    vpop {s16-s25}
    pop {r4, pc}
    .size pocketrec_add_columns_8, . - pocketrec_add_columns_8

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
    vldmia r2!, {s24-s27}
    PR_RELU s30, s31
    PR_MAC s24, s30, s31, s16, s20, s16, s20
    PR_MAC s25, s30, s31, s17, s21, s17, s21
    PR_MAC s26, s30, s31, s18, s22, s18, s22
    PR_MAC s27, s30, s31, s19, s23, s19, s23
    .endm

    .section .text.pocketrec_score_pairs_8,"ax",%progbits
    .p2align 2
    .global pocketrec_score_pairs_8
    .type pocketrec_score_pairs_8,%function
    .thumb_func
pocketrec_score_pairs_8:
    push {r4-r11, lr}
    vpush {s16-s31}
    @ r7 biases, r8 rows, r9 scores, r10 pairs
    ldmia.w r0, {r7, r8, r9, r10}
2:
    ldr r3, [r0, #16]
    ldr r1, [r0, #20]
    ldr r2, [r0, #24]
    ldr r4, [r0, #28]
    ldr r12, [r0, #32]
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
    ldr r12, [r0, #36]
    PR_RELU s16, s17
    PR_RELU s18, s19
    PR_RELU s20, s21
    PR_RELU s22, s23
    vldmia r12, {s24-s27}
    vldr s31, [r0, #44]
    PR_MAC s24, s16, s20, s30, s31, s31, s31
    PR_MAC s25, s17, s21, s30, s31, s30, s31
    PR_MAC s26, s18, s22, s30, s31, s30, s31
    PR_MAC s27, s19, s23, s30, s31, s30, s31
    @ s18, s19: base, plus bias
    ldr r5, [r0, #40]
    vldr s18, [r0, #48]
    vmov.f32 s19, s18
    cbz r7, 3f
    vldmia r7!, {s20}
    vcvtb.f32.f16 s21, s20
    vcvtt.f32.f16 s22, s20
    vadd.f32 s18, s18, s21
    vadd.f32 s19, s19, s22
3:
    cmp r5, #0
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
    vpop {s16-s31}
    pop {r4-r11, pc}
    .size pocketrec_score_pairs_8, . - pocketrec_score_pairs_8

    @ The score of one movie, stored where the arguments say; with `keep`, dense layer 0's units are stored at r8.
    @ Leaves layer 1's units in s26-s29. Changes r1-r6, r8 and r12.
    .macro PR_ONE keep
    ldr r6, [r0, #4]
    ldr r3, [r0, #16]
    ldr r1, [r0, #20]
    ldr r2, [r0, #24]
    ldr r4, [r0, #28]
    ldr r12, [r0, #32]
    vldmia r6, {s8-s11}
    vcvtb.f32.f16 s0, s8
    vcvtt.f32.f16 s1, s8
    vcvtb.f32.f16 s2, s9
    vcvtt.f32.f16 s3, s9
    vcvtb.f32.f16 s4, s10
    vcvtt.f32.f16 s5, s10
    vcvtb.f32.f16 s6, s11
    vcvtt.f32.f16 s7, s11
    vldmia r12, {s26-s29}
1:
    @ two units of layer 0
    vldmia r3!, {s24-s25}
    vldmia r1!, {s8-s23}
    vmul.f32 s8, s8, s0
    vmul.f32 s16, s16, s0
    vmul.f32 s9, s9, s1
    vmul.f32 s17, s17, s1
    vmul.f32 s10, s10, s2
    vmul.f32 s18, s18, s2
    vmul.f32 s11, s11, s3
    vmul.f32 s19, s19, s3
    vmul.f32 s12, s12, s4
    vmul.f32 s20, s20, s4
    vmul.f32 s13, s13, s5
    vmul.f32 s21, s21, s5
    vmul.f32 s14, s14, s6
    vmul.f32 s22, s22, s6
    vmul.f32 s15, s15, s7
    vmul.f32 s23, s23, s7
    vadd.f32 s24, s24, s8
    vadd.f32 s25, s25, s16
    vadd.f32 s24, s24, s9
    vadd.f32 s25, s25, s17
    vadd.f32 s24, s24, s10
    vadd.f32 s25, s25, s18
    vadd.f32 s24, s24, s11
    vadd.f32 s25, s25, s19
    vadd.f32 s24, s24, s12
    vadd.f32 s25, s25, s20
    vadd.f32 s24, s24, s13
    vadd.f32 s25, s25, s21
    vadd.f32 s24, s24, s14
    vadd.f32 s25, s25, s22
    vadd.f32 s24, s24, s15
    vadd.f32 s25, s25, s23
    vldmia r2!, {s8-s15}
    PR_RELU s24, s25
    .if \keep
    vstmia r8!, {s24-s25}
    .endif
    subs r4, r4, #2
    vmul.f32 s8, s8, s24
    vmul.f32 s9, s9, s24
    vmul.f32 s10, s10, s24
    vmul.f32 s11, s11, s24
    vadd.f32 s26, s26, s8
    vadd.f32 s27, s27, s9
    vadd.f32 s28, s28, s10
    vadd.f32 s29, s29, s11
    vmul.f32 s12, s12, s25
    vmul.f32 s13, s13, s25
    vmul.f32 s14, s14, s25
    vmul.f32 s15, s15, s25
    vadd.f32 s26, s26, s12
    vadd.f32 s27, s27, s13
    vadd.f32 s28, s28, s14
    vadd.f32 s29, s29, s15
    bne 1b

    @ s31: layer 2. s30: base, plus bias, plus dot product.
    ldr r12, [r0, #36]
    ldr r3, [r0, #40]
    ldr r2, [r0, #0]
    ldr r1, [r0, #8]
    PR_RELU s26, s27
    PR_RELU s28, s29
    vldmia r12, {s8-s11}
    vldr s31, [r0, #44]
    vmul.f32 s8, s8, s26
    vmul.f32 s9, s9, s27
    vmul.f32 s10, s10, s28
    vmul.f32 s11, s11, s29
    vldr s30, [r0, #48]
    vadd.f32 s31, s31, s8
    cbz r2, 3f
    ldrh r5, [r2]
    vmov s20, r5
    vcvtb.f32.f16 s20, s20
    vadd.f32 s30, s30, s20
3:
    vadd.f32 s31, s31, s9
    cbz r3, 4f
    vldmia r3!, {s16-s23}
    mov r6, #0
    vmov s12, r6
    vmul.f32 s16, s16, s0
    vmul.f32 s17, s17, s1
    vmul.f32 s18, s18, s2
    vmul.f32 s19, s19, s3
    vmul.f32 s20, s20, s4
    vmul.f32 s21, s21, s5
    vmul.f32 s22, s22, s6
    vmul.f32 s23, s23, s7
    vadd.f32 s12, s12, s16
    vadd.f32 s31, s31, s10
    vadd.f32 s12, s12, s17
    vadd.f32 s31, s31, s11
    vadd.f32 s12, s12, s18
    vadd.f32 s12, s12, s19
    vadd.f32 s12, s12, s20
    vadd.f32 s12, s12, s21
    vadd.f32 s12, s12, s22
    vadd.f32 s12, s12, s23
    vadd.f32 s30, s30, s12
    b 5f
4:
    vadd.f32 s31, s31, s10
    vadd.f32 s31, s31, s11
5:
    vadd.f32 s30, s30, s31
    vstr s30, [r1]
    .endm

    .section .text.pocketrec_score_one_8,"ax",%progbits
    .p2align 2
    .global pocketrec_score_one_8
    .type pocketrec_score_one_8,%function
    .thumb_func
pocketrec_score_one_8:
    push {r4-r6, lr}
    vpush {s16-s31}
    PR_ONE 0
    vpop {s16-s31}
    pop {r4-r6, pc}
    .size pocketrec_score_one_8, . - pocketrec_score_one_8

    .section .text.pocketrec_gradient_8,"ax",%progbits
    .p2align 2
    .global pocketrec_gradient_8
    .type pocketrec_gradient_8,%function
    .thumb_func
pocketrec_gradient_8:
    push {r4-r8, lr}
    vpush {s16-s31}
    sub sp, sp, #256
    mov r8, sp
    PR_ONE 1
    @ s8-s11: the output's derivative by the sums of layer 1
    ldr r12, [r0, #36]
    mov r6, #0
    vldmia r12, {s8-s11}
    vcmp.f32 s26, #0
    vmrs apsr_nzcv, fpscr
    it le
    vmovle s8, r6
    vcmp.f32 s27, #0
    vmrs apsr_nzcv, fpscr
    it le
    vmovle s9, r6
    vcmp.f32 s28, #0
    vmrs apsr_nzcv, fpscr
    it le
    vmovle s10, r6
    vcmp.f32 s29, #0
    vmrs apsr_nzcv, fpscr
    it le
    vmovle s11, r6
    @ s16-s23: the derivative by the user's row
    vmov s16, r6
    vmov s17, r6
    vmov s18, r6
    vmov s19, r6
    vmov s20, r6
    vmov s21, r6
    vmov s22, r6
    vmov s23, r6
    ldr r1, [r0, #24]
    ldr r2, [r0, #56]
    ldr r4, [r0, #28]
    mov r8, sp
1:
    ldr r5, [r8], #4
    cbz r5, 2f
    vldmia r1!, {s0-s3}
    vldmia r2!, {s24-s31}
    vmul.f32 s4, s0, s8
    vmul.f32 s5, s1, s9
    vmul.f32 s6, s2, s10
    vadd.f32 s4, s4, s5
    vmul.f32 s7, s3, s11
    vadd.f32 s4, s4, s6
    subs r4, r4, #1
    vadd.f32 s4, s4, s7
    vmul.f32 s24, s24, s4
    vmul.f32 s25, s25, s4
    vmul.f32 s26, s26, s4
    vmul.f32 s27, s27, s4
    vmul.f32 s28, s28, s4
    vmul.f32 s29, s29, s4
    vmul.f32 s30, s30, s4
    vmul.f32 s31, s31, s4
    vadd.f32 s16, s16, s24
    vadd.f32 s17, s17, s25
    vadd.f32 s18, s18, s26
    vadd.f32 s19, s19, s27
    vadd.f32 s20, s20, s28
    vadd.f32 s21, s21, s29
    vadd.f32 s22, s22, s30
    vadd.f32 s23, s23, s31
    bne 1b
    b 3f
2:
    @ A dead unit adds zeros to sums that are never -0.0: nothing changes.
    add r1, r1, #16
    add r2, r2, #32
    subs r4, r4, #1
    bne 1b
3:
    ldr r12, [r0, #64]
    vstmia r12, {s16-s23}
    add sp, sp, #256
    vpop {s16-s31}
    pop {r4-r8, pc}
    .size pocketrec_gradient_8, . - pocketrec_gradient_8

    .section .text.pocketrec_predict_8,"ax",%progbits
    .p2align 2
    .global pocketrec_predict_8
    .type pocketrec_predict_8,%function
    .thumb_func
pocketrec_predict_8:
    push {r4, lr}
    @ The frame: 0 what pocketrec_add_columns_8 takes on the stack, 8 the user's half, 264 the user's row.
    sub sp, sp, #296
    mov r4, r0
    ldr r1, [r4, #52]
    vldmia r1, {s8-s11}
    vcvtb.f32.f16 s0, s8
    vcvtt.f32.f16 s1, s8
    vcvtb.f32.f16 s2, s9
    vcvtt.f32.f16 s3, s9
    vcvtb.f32.f16 s4, s10
    vcvtt.f32.f16 s5, s10
    vcvtb.f32.f16 s6, s11
    vcvtt.f32.f16 s7, s11
    add r3, sp, #264
    vstmia r3, {s0-s7}
    ldr r12, [r4, #40]
    cmp r12, #0
    it ne
    strne r3, [r4, #40]
    ldr r1, [r4, #28]
    mov r2, #32
    str r1, [sp, #0]
    str r2, [sp, #4]
    add r0, sp, #8
    ldr r1, [r4, #56]
    ldr r2, [r4, #60]
    str r0, [r4, #16]
    bl pocketrec_add_columns_8
    mov r0, r4
    bl pocketrec_score_one_8
    add sp, sp, #296
    pop {r4, pc}
    .size pocketrec_predict_8, . - pocketrec_predict_8

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
    ldr r5, [r0, #40]
    vldr s15, [r0, #48]
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
