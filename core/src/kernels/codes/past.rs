//! The loop of a ranking by looking up: past movies that can't be above a bar. In assembly where a movie has four
//! codes and the core is a Cortex-M: compilers keep too few of the tables' addresses in registers.
#![allow(unsafe_code)]

use super::{COARSER, Lookup, sum};
#[cfg(any(cortex_m_float, cortex_m_base))]
use crate::table::MAX_BOOKS;

/// The movies that are left.
#[derive(Clone, Copy)]
pub(super) struct Left<'a, const BOOKS: usize> {
    pub codes: &'a [[u8; BOOKS]],
    /// Confidence bytes, as many.
    pub known: &'a [u8],
}

/// Leaves the movies behind the first one whose key is above `bar`, the base apart, and gives that key; `None` when
/// there is no such movie.
///
/// By the manuals the instructions take about 21 cycles a movie of 4 codes on a Cortex-M4, 37 on a Cortex-M0.
#[inline(always)]
pub(super) fn past<const BOOKS: usize>(
    lookup: &Lookup,
    left: &mut Left<'_, BOOKS>,
    bar: i32,
) -> Option<i32> {
    #[cfg(any(cortex_m_float, cortex_m_base))]
    if BOOKS == MAX_BOOKS {
        return past_by_assembly(lookup, left, bar);
    }
    past_plainly(lookup, left, bar)
}

/// The same in plain Rust: the oracle.
#[inline(always)]
fn past_plainly<const BOOKS: usize>(
    lookup: &Lookup,
    left: &mut Left<'_, BOOKS>,
    bar: i32,
) -> Option<i32> {
    let terms = lookup.terms.first_chunk::<BOOKS>()?;
    let mut movies = left.codes.iter().zip(left.known);
    let found = loop {
        let Some((codes, known)) = movies.next() else {
            break None;
        };
        let most = lookup.most.get(usize::from(*known)).copied();
        let key = (sum(terms, codes) << COARSER).wrapping_add(most.unwrap_or_default());
        if key > bar {
            break Some(key);
        }
    };
    // What is left tells where it is, so that nothing is counted on the way.
    left.go(left.known.len().wrapping_sub(movies.len()));
    found
}

impl<const BOOKS: usize> Left<'_, BOOKS> {
    /// Leaves so many behind.
    #[inline(always)]
    fn go(&mut self, movies: usize) {
        self.codes = self.codes.get(movies..).unwrap_or_default();
        self.known = self.known.get(movies..).unwrap_or_default();
    }
}

#[cfg(any(cortex_m_float, cortex_m_base))]
mod assembly {
    /// Where the walk is, and what it looks at beside the books' terms.
    #[repr(C)]
    pub(super) struct Walk {
        pub codes: *const u8,
        pub known: *const u8,
        pub end: *const u8,
        pub most: *const i32,
    }

    unsafe extern "C" {
        /// Walks until behind a movie whose key is above `bar`, or to the end of the confidence bytes; the key, `bar` or
        /// less where there is none.
        pub(super) fn pocketrec_look_up_4(walk: *mut Walk, terms: *const i16, bar: i32) -> i32;
    }
}

#[cfg(any(cortex_m_float, cortex_m_base))]
#[inline(always)]
fn past_by_assembly<const BOOKS: usize>(
    lookup: &Lookup,
    left: &mut Left<'_, BOOKS>,
    bar: i32,
) -> Option<i32> {
    let count = left.codes.len().min(left.known.len());
    let known = left.known.get(..count)?.as_ptr_range();
    let mut walk = assembly::Walk {
        codes: left.codes.as_ptr().cast(),
        known: known.start,
        end: known.end,
        most: lookup.most.as_ptr(),
    };
    // SAFETY: as many codes are there as confidence bytes, 4 each, as the caller's BOOKS say; the four books lie one behind
    // the other; a byte never leads beyond a table of 256. Only `walk` is written.
    let key =
        unsafe { assembly::pocketrec_look_up_4(&mut walk, lookup.terms.as_ptr().cast(), bar) };
    left.go(walk.known.addr().wrapping_sub(known.start.addr()));
    (key > bar).then_some(key)
}

#[cfg(cortex_m_float)]
core::arch::global_asm!(
    r#"
    .syntax unified
    .thumb

    @ A movie: r4 codes, r5 confidence bytes, r1 and r8 to r10 the books' terms, r7 what comes beside, r2 the bar. What
    @ it comes to goes to r0. The word that ldr takes need not be aligned.
    .macro pocketrec_movie
    ldr r3, [r4], #4
    ldrb r0, [r5], #1
    uxtb r11, r3
    ubfx r12, r3, #8, #8
    ubfx lr, r3, #16, #8
    lsrs r3, r3, #24
    ldr r0, [r7, r0, lsl #2]
    ldrsh r11, [r1, r11, lsl #1]
    ldrsh r12, [r8, r12, lsl #1]
    ldrsh lr, [r9, lr, lsl #1]
    ldrsh r3, [r10, r3, lsl #1]
    add r11, r11, r12
    add r3, r3, lr
    add r3, r3, r11
    add r0, r0, r3, lsl #8
    cmp r0, r2
    bgt 3f
    .endm

    .section .text.pocketrec_look_up_4,"ax",%progbits
    .p2align 2
    .global pocketrec_look_up_4
    .type pocketrec_look_up_4,%function
    .thumb_func
pocketrec_look_up_4:
    @ r0 walk, r1 terms, r2 bar.
    push {r0, r4-r11, lr}
    ldrd r4, r5, [r0]
    ldrd r6, r7, [r0, #8]
    add r8, r1, #512
    add r9, r1, #1024
    add r10, r1, #1536
    mov r0, r2
    subs r3, r6, r5
    beq 3f
    @ Two movies a turn; of an odd number the first turn has one.
    lsls r3, r3, #31
    bne 2f
1:
    pocketrec_movie
2:
    pocketrec_movie
    cmp r5, r6
    bne 1b
3:
    pop {r1}
    strd r4, r5, [r1]
    pop {r4-r11, pc}
    .size pocketrec_look_up_4, . - pocketrec_look_up_4
    .purgem pocketrec_movie
"#,
    options(raw)
);

#[cfg(cortex_m_base)]
core::arch::global_asm!(
    r#"
    .syntax unified
    .thumb

    @ A movie: r4 codes, r5 confidence bytes, r1, r3 and r6 the first three books' terms and r10 how far the fourth's are
    @ from the first's, r7 what comes beside, r8 the bar. What it comes to goes to r0.
    .macro pocketrec_movie
    ldrb r0, [r4]
    lsls r0, r0, #1
    ldrsh r0, [r1, r0]
    ldrb r2, [r4, #1]
    lsls r2, r2, #1
    ldrsh r2, [r3, r2]
    adds r0, r0, r2
    ldrb r2, [r4, #2]
    lsls r2, r2, #1
    ldrsh r2, [r6, r2]
    adds r0, r0, r2
    ldrb r2, [r4, #3]
    lsls r2, r2, #1
    add r2, r10
    ldrsh r2, [r1, r2]
    adds r0, r0, r2
    ldrb r2, [r5]
    lsls r2, r2, #2
    ldr r2, [r7, r2]
    lsls r0, r0, #8
    adds r0, r0, r2
    adds r4, #4
    adds r5, #1
    cmp r0, r8
    bgt 3f
    .endm

    .section .text.pocketrec_look_up_4,"ax",%progbits
    .p2align 2
    .global pocketrec_look_up_4
    .type pocketrec_look_up_4,%function
    .thumb_func
pocketrec_look_up_4:
    @ r0 walk, r1 terms, r2 bar.
    push {r0, r4-r7, lr}
    mov r4, r8
    mov r5, r9
    mov r6, r10
    push {r4-r6}
    sub sp, #4
    mov r8, r2
    ldr r3, [r0, #8]
    mov r9, r3
    ldr r7, [r0, #12]
    ldr r4, [r0]
    ldr r5, [r0, #4]
    movs r0, #2
    lsls r0, r0, #8
    adds r3, r1, r0
    adds r6, r3, r0
    lsls r2, r0, #1
    adds r2, r2, r0
    mov r10, r2
    mov r0, r8
    mov r2, r9
    subs r2, r2, r5
    beq 3f
    @ Two movies a turn; of an odd number the first turn has one.
    lsls r2, r2, #31
    bne 2f
1:
    pocketrec_movie
2:
    pocketrec_movie
    cmp r5, r9
    bne 1b
3:
    add sp, #4
    pop {r1-r3}
    mov r8, r1
    mov r9, r2
    mov r10, r3
    pop {r1}
    str r4, [r1]
    str r5, [r1, #4]
    pop {r4-r7, pc}
    .size pocketrec_look_up_4, . - pocketrec_look_up_4
    .purgem pocketrec_movie
"#,
    options(raw)
);
