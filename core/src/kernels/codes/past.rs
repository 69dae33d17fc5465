//! The loop of a ranking by looking up: past movies that can't be above a bar. In assembly where a movie has four
//! codes and the core is a Cortex-M: compilers keep too few of the tables' addresses in registers, and look at confidence
//! bytes one by one.
#![allow(unsafe_code)]

use super::Lookup;
#[cfg(not(any(cortex_m_dsp, cortex_m_base)))]
use super::{COARSER, term};
#[cfg(cortex_m_dsp)]
use crate::numeric::dsp::dsp_core;
use crate::table::MAX_BOOKS;

/// The movies that are left.
#[derive(Clone, Copy)]
pub(super) struct Left<'a> {
    pub codes: &'a [[u8; MAX_BOOKS]],
    /// Confidence bytes, as many.
    pub known: &'a [u8],
}

/// The first movie whose key is above `bar`, the base apart: how many are before it, and that key.
#[inline(always)]
pub(super) fn past(lookup: &Lookup, left: Left<'_>, bar: i32) -> Option<(usize, i32)> {
    #[cfg(any(cortex_m_dsp, cortex_m_base))]
    return past_by_assembly(lookup, left, bar);
    #[cfg(not(any(cortex_m_dsp, cortex_m_base)))]
    past_plainly(lookup, left, bar)
}

/// The same in plain Rust.
#[cfg(not(any(cortex_m_dsp, cortex_m_base)))]
#[inline(always)]
fn past_plainly(lookup: &Lookup, left: Left<'_>, bar: i32) -> Option<(usize, i32)> {
    let mut movies = left.codes.iter().zip(left.known);
    loop {
        let (codes, known) = movies.next()?;
        if u32::from(*known) < lookup.least {
            continue;
        }
        let most = lookup.most.get(usize::from(*known)).copied();
        let terms = lookup.terms.iter().zip(codes);
        let terms = terms.fold(0_i32, |sum, (of, code)| sum.wrapping_add(term(of, *code)));
        let key = (terms << COARSER).wrapping_add(most.unwrap_or_default());
        if key > bar {
            // What is left tells where it is, so that nothing is counted on the way.
            let at = left.known.len().wrapping_sub(movies.len()).wrapping_sub(1);
            return Some((at, key));
        }
    }
}

#[cfg(any(cortex_m_dsp, cortex_m_base))]
mod assembly {
    /// Where the walk is, and what it looks at beside the books' terms. As the assembly has it.
    #[repr(C)]
    pub(super) struct Walk {
        /// The codes, less 4 for each unit of the address behind the movie's confidence byte.
        pub codes: *const u8,
        /// Four confidence bytes before this one are the last.
        pub limit: *const u8,
        pub most: *const i32,
        /// Confidence bytes to pass over: the largest one, four times; without the DSP extension the least one not to.
        pub below: u32,
        /// 1 in each byte where none is, else 0.
        pub all: u32,
        pub known: *const u8,
    }

    unsafe extern "C" {
        /// Walks until behind a movie whose key is above `bar`, or to the end of the confidence bytes; the key, `bar` or
        /// less where there is none.
        pub(super) fn pocketrec_look_up_4(walk: *mut Walk, terms: *const i16, bar: i32) -> i32;
    }
}

#[cfg(any(cortex_m_dsp, cortex_m_base))]
#[inline(always)]
fn past_by_assembly(lookup: &Lookup, left: Left<'_>, bar: i32) -> Option<(usize, i32)> {
    let (below, all) = lookup.passed_over()?;
    let known = left.known.get(..left.codes.len())?.as_ptr_range();
    let behind = known.start.addr().wrapping_add(1);
    let mut walk = assembly::Walk {
        codes: left
            .codes
            .as_ptr()
            .cast::<u8>()
            .wrapping_sub(behind.wrapping_mul(4)),
        limit: known.end.wrapping_sub(4),
        most: lookup.most.as_ptr(),
        below,
        all,
        known: known.start,
    };
    // SAFETY: as many codes are there as confidence bytes, 4 each; the four books lie one behind
    // the other; a byte never leads beyond a table of 256. Only `walk` is written.
    let key =
        unsafe { assembly::pocketrec_look_up_4(&mut walk, lookup.terms.as_ptr().cast(), bar) };
    let at = walk.known.addr().wrapping_sub(behind);
    (key > bar).then_some((at, key))
}

/// The assembler's macros that look at confidence bytes. `glance` goes on with r5 behind the one of the next movie that isn't
/// known too little, or where fewer than four are left to `end`, where `last` has them one by one and goes to
/// `found`, or on behind them all. r6 is the limit, r10 the bytes to pass over, lr 1 in each byte where none is; r3 and r0
/// are used up.
#[cfg(cortex_m_dsp)]
macro_rules! glance {
    () => {
        r#"
    .macro pocketrec_glance found, end
1:
    @ Four movies at a time, as long as all are known too little. The words that ldr takes need not be aligned.
    cmp r5, r6
    bhi \end
    ldr r0, [r5], #4
    uqsub8 r0, r0, r10
    orrs r0, r0, lr
    bne 2f
    cmp r5, r6
    bhi \end
    ldr r0, [r5], #4
    uqsub8 r0, r0, r10
    orrs r0, r0, lr
    beq 1b
2:
    @ To behind the first one that isn't.
    rbit r0, r0
    clz r0, r0
    sub r5, r5, #3
    add r5, r5, r0, lsr #3
    .endm

    .macro pocketrec_last found
1:
    add r3, r6, #4
    cmp r5, r3
    beq 2f
    ldrb r0, [r5], #1
    uqsub8 r3, r0, r10
    orrs r3, r3, lr
    beq 1b
    b \found
2:
    .endm
"#
    };
}
#[cfg(cortex_m_dsp)]
pub(super) use glance;

#[cfg(cortex_m_dsp)]
core::arch::global_asm!(
    "    .syntax unified\n    .thumb",
    dsp_core!(),
    glance!(),
    r#"
    .section .text.pocketrec_look_up_4,"ax",%progbits
    .p2align 2
    .global pocketrec_look_up_4
    .type pocketrec_look_up_4,%function
    .thumb_func
pocketrec_look_up_4:
    @ r0 walk, r1 terms, r2 bar; the walk's r4 codes, r6 limit, r7 most, r10 below, lr all, r5 known; r8 and r9 the terms of
    @ the second book and the third.
    push {r0, r4-r11, lr}
    ldr r5, [r0, #20]
    ldm r0, {r4, r6, r7, r10, lr}
    add r8, r1, #512
    add r9, r1, #1024
1:
    pocketrec_glance 3f, 5f
3:
    @ Its terms, and to r0 the most that it could come to.
    ldrb r0, [r5, #-1]
    ldr r3, [r4, r5, lsl #2]
    ldr r0, [r7, r0, lsl #2]
    uxtb r11, r3
    ubfx r12, r3, #8, #8
    ldrsh r11, [r1, r11, lsl #1]
    ldrsh r12, [r8, r12, lsl #1]
    add r11, r11, r12
    ubfx r12, r3, #16, #8
    lsrs r3, r3, #24
    add r3, r1, r3, lsl #1
    ldrsh r12, [r9, r12, lsl #1]
    ldrsh r3, [r3, #1536]
    add r11, r11, r12
    add r3, r3, r11
    add r0, r0, r3, lsl #8
    cmp r0, r2
    ble 1b
    b 6f
5:
    pocketrec_last 3b
    mov r0, r2
6:
    pop {r1}
    str r5, [r1, #20]
    pop {r4-r11, pc}
    .size pocketrec_look_up_4, . - pocketrec_look_up_4
    .purgem pocketrec_glance
    .purgem pocketrec_last
"#,
    options(raw)
);

/// As above on a Cortex-M0, with the byte in r0: r9 is the limit and r11 the least confidence byte to look at; r0 and r2 are used up.
#[cfg(cortex_m_base)]
macro_rules! glance {
    () => {
        r#"
    .macro pocketrec_glance end
1:
    @ Four movies at a time, as long as all are known too little.
    cmp r5, r9
    bhi \end
    ldrb r0, [r5]
    cmp r0, r11
    bhs 2f
    ldrb r0, [r5, #1]
    cmp r0, r11
    bhs 3f
    ldrb r0, [r5, #2]
    cmp r0, r11
    bhs 4f
    ldrb r0, [r5, #3]
    cmp r0, r11
    bhs 5f
    adds r5, #4
    b 1b
5:
    adds r5, #1
4:
    adds r5, #1
3:
    adds r5, #1
2:
    adds r5, #1
    .endm

    .macro pocketrec_last found
    mov r2, r9
    adds r2, #4
1:
    cmp r5, r2
    beq 2f
    ldrb r0, [r5]
    adds r5, #1
    cmp r0, r11
    blo 1b
    b \found
2:
    .endm
"#
    };
}
#[cfg(cortex_m_base)]
pub(super) use glance;

#[cfg(cortex_m_base)]
core::arch::global_asm!(
    "    .syntax unified\n    .thumb",
    glance!(),
    r#"
    @ Adds to r0 the term of the code that is `at` behind the first, of a book whose terms are in r1, r3 or r6.
    .macro pocketrec_term at, terms
    ldrb r2, [r4, #\at]
    lsls r2, r2, #1
    ldrsh r2, [\terms, r2]
    adds r0, r0, r2
    .endm

    .section .text.pocketrec_look_up_4,"ax",%progbits
    .p2align 2
    .global pocketrec_look_up_4
    .type pocketrec_look_up_4,%function
    .thumb_func
pocketrec_look_up_4:
    @ r0 walk, r1 terms, r2 bar; then r8 the bar, r5 known, r12 codes, r9 limit, r7 most, r11 the least confidence byte to
    @ look at; r3 and r6 the terms of the second book and the third, r10 how far the fourth's are from the first's.
    push {r0, r4-r7, lr}
    mov r4, r8
    mov r5, r9
    mov r6, r10
    mov r7, r11
    push {r4-r7}
    mov r8, r2
    ldm r0!, {r3, r6, r7}
    mov r12, r3
    mov r9, r6
    ldm r0!, {r3-r5}
    mov r11, r3
    movs r0, #2
    lsls r0, r0, #8
    adds r3, r1, r0
    adds r6, r3, r0
    lsls r2, r0, #1
    adds r2, r2, r0
    mov r10, r2
    pocketrec_glance 6f
7:
    lsls r4, r5, #2
    add r4, r12
    lsls r0, r0, #2
    ldr r0, [r7, r0]
    mov lr, r0
    movs r0, #0
    pocketrec_term 0, r1
    pocketrec_term 1, r3
    pocketrec_term 2, r6
    ldrb r2, [r4, #3]
    lsls r2, r2, #1
    add r2, r10
    ldrsh r2, [r1, r2]
    adds r0, r0, r2
    lsls r0, r0, #8
    add r0, lr
    cmp r0, r8
    ble 1b
    b 8f
6:
    pocketrec_last 7b
    mov r0, r8
8:
    pop {r1-r4}
    mov r8, r1
    mov r9, r2
    mov r10, r3
    mov r11, r4
    pop {r1}
    str r5, [r1, #20]
    pop {r4-r7, pc}
    .size pocketrec_look_up_4, . - pocketrec_look_up_4
    .purgem pocketrec_term
    .purgem pocketrec_glance
    .purgem pocketrec_last
"#,
    options(raw)
);
