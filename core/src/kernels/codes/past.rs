//! The loop of a ranking by looking up: past movies that can't be above a bar. In assembly where a movie has four
//! codes and the core is a Cortex-M: compilers keep too few of the tables' addresses in registers, and look at confidence
//! bytes one by one.
#![allow(unsafe_code)]

use super::{COARSER, Lookup, sum};
#[cfg(cortex_m_dsp)]
use crate::kernels::lacks::nibbles;
use crate::model::interest;
use crate::model::kin::{BYTES, Kin, KinTerms};
#[cfg(cortex_m_dsp)]
use crate::numeric::dsp::dsp_core;
#[cfg(any(cortex_m_dsp, cortex_m_base))]
use crate::table::MAX_BOOKS;

/// The movies that are left.
#[derive(Clone, Copy)]
pub(super) struct Left<'a, const BOOKS: usize> {
    pub codes: &'a [[u8; BOOKS]],
    /// Confidence bytes, as many.
    pub known: &'a [u8],
    /// What somebody looks for.
    pub sought: Option<Sought<'a>>,
}

/// What somebody looks for, of as many movies.
#[derive(Clone, Copy)]
pub(super) struct Sought<'a> {
    pub codes: &'a [[u8; BYTES]],
    pub kin: &'a Kin<'a>,
    pub terms: &'a KinTerms,
}

impl<const BOOKS: usize> Left<'_, BOOKS> {
    /// What the movie that is `at` behind the first doesn't get of the most that there is for how well known it is, or
    /// something that is at least `room` where that is.
    #[inline(always)]
    fn lack(&self, at: usize, room: i32) -> i32 {
        let Some(sought) = &self.sought else {
            return 0;
        };
        let (Some(codes), Some(known)) = (sought.codes.get(at), self.known.get(at)) else {
            return 0;
        };
        let by = interest::key(1, sought.kin.level(*known));
        sought.terms.lack(codes, by, room)
    }
}

/// The first movie whose key is above `bar`, the base apart: how many are before it, and that key.
#[inline(always)]
pub(super) fn past<const BOOKS: usize>(
    lookup: &Lookup,
    left: Left<'_, BOOKS>,
    bar: i32,
) -> Option<(usize, i32)> {
    #[cfg(any(cortex_m_dsp, cortex_m_base))]
    if BOOKS == MAX_BOOKS {
        return past_by_assembly(lookup, left, bar);
    }
    past_plainly(lookup, left, bar)
}

/// The same in plain Rust: the oracle.
#[inline(always)]
fn past_plainly<const BOOKS: usize>(
    lookup: &Lookup,
    left: Left<'_, BOOKS>,
    bar: i32,
) -> Option<(usize, i32)> {
    let terms = lookup.terms.first_chunk::<BOOKS>()?;
    let mut movies = left.codes.iter().zip(left.known);
    loop {
        let (codes, known) = movies.next()?;
        if u32::from(*known) < lookup.least {
            continue;
        }
        let most = lookup.most.get(usize::from(*known)).copied();
        let key = (sum(terms, codes) << COARSER).wrapping_add(most.unwrap_or_default());
        if key > bar {
            // What is left tells where it is, so that nothing is counted on the way.
            let at = left.known.len().wrapping_sub(movies.len()).wrapping_sub(1);
            // Below 2^31: a key is, and a bar that any is above.
            let key = key.wrapping_sub(left.lack(at, key.saturating_sub(bar)));
            if key > bar {
                return Some((at, key));
            }
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
        pub sought: Sought,
    }

    /// What is sought.
    #[repr(C)]
    pub(super) struct Sought {
        /// The codes, less 8 for each unit of the same address; null where nothing is sought.
        codes: *const u8,
        lacks: *const u16,
        levels: *const u8,
    }

    impl Sought {
        /// `behind` is the address behind the first confidence byte.
        pub(super) fn of(sought: Option<super::Sought<'_>>, behind: usize) -> Self {
            let nothing = core::ptr::null();
            sought.map_or(
                Self {
                    codes: nothing,
                    lacks: core::ptr::null(),
                    levels: nothing,
                },
                |sought| Self {
                    codes: sought
                        .codes
                        .as_ptr()
                        .cast::<u8>()
                        .wrapping_sub(behind.wrapping_mul(8)),
                    lacks: sought.terms.lacks().as_ptr().cast(),
                    levels: sought.kin.levels.as_ptr(),
                },
            )
        }
    }

    unsafe extern "C" {
        /// Walks until behind a movie whose key is above `bar`, or to the end of the confidence bytes; the key, `bar` or
        /// less where there is none.
        pub(super) fn pocketrec_look_up_4(walk: *mut Walk, terms: *const i16, bar: i32) -> i32;
    }
}

#[cfg(any(cortex_m_dsp, cortex_m_base))]
#[inline(always)]
fn past_by_assembly<const BOOKS: usize>(
    lookup: &Lookup,
    left: Left<'_, BOOKS>,
    bar: i32,
) -> Option<(usize, i32)> {
    let Ok(least) = u8::try_from(lookup.least) else {
        return None;
    };
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
        below: match cfg!(cortex_m_dsp) {
            true => u32::from(least.saturating_sub(1)).wrapping_mul(0x0101_0101),
            false => least.into(),
        },
        all: if least == 0 { 0x0101_0101 } else { 0 },
        known: known.start,
        sought: assembly::Sought::of(left.sought, behind),
    };
    // SAFETY: as many codes are there as confidence bytes, 4 each, as the caller's BOOKS say; the four books lie one behind
    // the other; a byte never leads beyond a table of 256, and a fourth of it never beyond the levels; where there is
    // something sought, it is of as many movies, and of their codes the books have all. Only `walk` is written.
    let key =
        unsafe { assembly::pocketrec_look_up_4(&mut walk, lookup.terms.as_ptr().cast(), bar) };
    let at = walk.known.addr().wrapping_sub(behind);
    (key > bar).then_some((at, key))
}

#[cfg(cortex_m_dsp)]
core::arch::global_asm!(
    "    .syntax unified\n    .thumb",
    dsp_core!(),
    nibbles!(),
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
    @ Four movies at a time, as long as all are known too little. The words that ldr takes need not be aligned.
    cmp r5, r6
    bhi 5f
    ldr r0, [r5], #4
    uqsub8 r0, r0, r10
    orrs r0, r0, lr
    bne 2f
    cmp r5, r6
    bhi 5f
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
    ldrb r0, [r5, #-1]
3:
    @ Its terms, and to r0 the most that it could come to.
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
    @ What it lacks of that.
    ldr r3, [sp]
    ldrb r12, [r5, #-1]
    ldr r11, [r3, #24]
    ldr r6, [r3, #28]
    ldr r9, [r3, #32]
    cmp r11, #0
    beq 6f
    add r11, r11, r5, lsl #3
    lsr r12, r12, #2
    ldrb r4, [r9, r12]
    ldr r8, [r11]
    ldr r11, [r11, #4]
    lsl r4, r4, #3
    mov r7, #0x1e1e1e1e
    mov r3, #0
    pocketrec_nibbles r3, r6, 0, r7, r8, r9, r10, r12, lr
    mul r12, r3, r4
    qsub lr, r0, r2
    cmp r12, lr
    bge 4f
    pocketrec_nibbles r3, r6, 256, r7, r11, r9, r10, r12, lr
    mul r12, r3, r4
    sub r0, r0, r12
    cmp r0, r2
    bgt 6f
4:
    ldr r3, [sp]
    ldm r3, {r4, r6, r7, r10, lr}
    add r8, r1, #512
    add r9, r1, #1024
    b 1b
5:
    @ The last ones, fewer than four.
    add r3, r6, #4
    cmp r5, r3
    ittt ne
    ldrbne r0, [r5], #1
    uqsub8ne r3, r0, r10
    orrsne r3, r3, lr
    beq 7f
    b 3b
7:
    add r3, r6, #4
    cmp r5, r3
    bne 5b
    mov r0, r2
6:
    pop {r1}
    str r5, [r1, #20]
    pop {r4-r11, pc}
    .size pocketrec_look_up_4, . - pocketrec_look_up_4
    .purgem pocketrec_nibbles
"#,
    options(raw)
);

#[cfg(cortex_m_base)]
core::arch::global_asm!(
    r#"
    .syntax unified
    .thumb

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
1:
    @ Four movies at a time, as long as all are known too little.
    cmp r5, r9
    bhi 6f
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
    @ What it lacks of that.
    ldr r4, [sp, #16]
    ldr r2, [r4, #24]
    cmp r2, #0
    beq 8f
    push {r0, r1, r3}
    lsls r1, r5, #3
    adds r1, r1, r2
    subs r2, r5, #1
    ldrb r2, [r2]
    lsrs r2, r2, #2
    ldr r3, [r4, #32]
    ldrb r2, [r3, r2]
    lsls r2, r2, #3
    mov r3, r8
    subs r3, r0, r3
    bvc 5f
    @ The bar is below everything.
    movs r3, #0
    mvns r3, r3
    lsrs r3, r3, #1
5:
    ldr r0, [r4, #28]
    bl pocketrec_lack
    pop {r2}
    pop {r1, r3}
    subs r0, r2, r0
    cmp r0, r8
    ble 1b
    b 8f
6:
    @ The last ones, fewer than four.
    mov r2, r9
    adds r2, #4
7:
    cmp r5, r2
    beq 9f
    ldrb r0, [r5]
    cmp r0, r11
    bhs 2b
    adds r5, #1
    b 7b
9:
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
"#,
    options(raw)
);
