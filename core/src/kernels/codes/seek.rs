//! The loop of a ranking by looking up for somebody who looks for something: past movies that can't be above a bar with
//! what is sought. In assembly on a Cortex-M, as the loop beside it ([`past`](super::past)).
//!
//! Once a ranking what two books' codewords lack of the most is added up for each byte of a movie's codes, in counts that
//! are so large that a byte holds it, rounded down. So a byte of codes is one look-up, and what a movie lacks by these is
//! never more than what it lacks. A movie that isn't passed over has its whole key looked up.
#![allow(unsafe_code)]

use super::Lookup;
#[cfg(any(cortex_m_dsp, cortex_m_base))]
use super::past::glance;
use crate::kernels::lacks::{BOOKS, BYTES, Lacks, WORDS};
use crate::model::interest;
use crate::model::kin::LEVELS;
#[cfg(cortex_m_dsp)]
use crate::numeric::dsp::dsp_core;
use core::hint::black_box;
#[cfg(any(cortex_m_dsp, cortex_m_base))]
use core::marker::PhantomData;

/// Bytes of a movie's codes that are looked up whole, first ones first: their books differ most. A Cortex-M0 has little RAM.
const WHOLE: usize = if cfg!(cortex_m_dsp) { BYTES } else { 4 };

/// What codewords lack of the most, rounded down: 2 KB with the DSP extension, else 1.1 KB.
pub(super) type Gate = GateOf<WHOLE, { BOOKS - 2 * WHOLE }>;

/// The same with so many bytes whole, and the books of the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
#[repr(C)]
pub(super) struct GateOf<const WHOLE: usize, const REST: usize> {
    /// Of both books of a byte, four of its 256 values in a word.
    whole: [[u32; 64]; WHOLE],
    /// Of a book of the other bytes, four of its 16 codewords in a word.
    rest: [[u32; 4]; REST],
    /// In counts of 2^shift.
    shift: u32,
}

impl<const WHOLE: usize, const REST: usize> GateOf<WHOLE, REST> {
    /// Of nothing that is sought.
    pub(super) const NONE: Self = Self {
        whole: [[0; 64]; WHOLE],
        rest: [[0; 4]; REST],
        shift: 0,
    };

    /// Takes in what is sought. Costs some 400 instructions a byte of codes.
    #[inline(never)]
    pub(super) fn take(&mut self, lacks: &Lacks) {
        let mut most = 0;
        // Here and below of a length that a compiler doesn't know: written out, loops take ten times the flash.
        for lack in black_box(lacks.as_flattened()) {
            most = if *lack > most { *lack } else { most };
        }
        // Of two books.
        let mut most = u32::from(most) << 1;
        let mut shift = 0_u32;
        while most > u8::MAX.into() {
            most >>= 1;
            shift = shift.wrapping_add(1);
        }
        self.shift = shift;
        let mut counts = [[0; 4]; BOOKS];
        let (fours, _) = lacks.as_flattened().as_chunks::<4>();
        for (word, four) in black_box(counts.as_flattened_mut()).iter_mut().zip(fours) {
            *word = u32::from_ne_bytes(four.map(|lack| u32::from(lack).wrapping_shr(shift) as u8));
        }
        let (pairs, _) = counts.as_chunks::<2>();
        for (table, [low, high]) in black_box(&mut self.whole[..]).iter_mut().zip(pairs) {
            let high: &[u8; WORDS] = bytemuck::must_cast_ref(high);
            let (rows, _) = table.as_chunks_mut::<4>();
            for (row, count) in rows.iter_mut().zip(high) {
                // At most 255 with any of the low ones.
                let count = u32::from(*count).wrapping_mul(0x0101_0101);
                for (to, low) in row.iter_mut().zip(low) {
                    *to = low.wrapping_add(count);
                }
            }
        }
        if let Some(rest) = counts.last_chunk() {
            self.rest = *rest;
        }
    }

    /// What a movie of these `codes` comes to that gets `most` but for what it lacks, of which a count is 2^-shift of `by`, if
    /// that is above `bar`: never less than what it comes to. In plain Rust.
    #[cfg_attr(any(cortex_m_dsp, cortex_m_base), allow(dead_code))]
    #[inline(always)]
    fn bound(&self, codes: &[u8; BYTES], most: i32, by: i32, bar: i32) -> Option<i32> {
        // At most 2^29 with what is lacking, as an interest is.
        let by = by.wrapping_shl(self.shift);
        let (first, rest) = codes.split_at_checked(WHOLE)?;
        let mut lack = 0;
        for (table, code) in self.whole.iter().zip(first) {
            let table: &[u8; 256] = bytemuck::must_cast_ref(table);
            let count = table.get(usize::from(*code)).copied();
            lack = i32::from(count.unwrap_or_default()).wrapping_add(lack);
        }
        let mut bound = most.wrapping_sub(by.wrapping_mul(lack));
        for ([low, high], code) in self.rest.as_chunks::<2>().0.iter().zip(rest) {
            if bound <= bar {
                return None;
            }
            for (book, nibble) in [(low, code & 15), (high, code >> 4)] {
                let book: &[u8; WORDS] = bytemuck::must_cast_ref(book);
                let count = book.get(usize::from(nibble)).copied();
                let count = i32::from(count.unwrap_or_default());
                bound = bound.wrapping_sub(by.wrapping_mul(count));
            }
        }
        (bound > bar).then_some(bound)
    }
}

/// The movies that are left, and what is known of them.
#[derive(Clone, Copy)]
pub(super) struct Sought<'a> {
    /// What they are sought by.
    pub codes: &'a [[u8; BYTES]],
    /// Confidence bytes, as many.
    pub known: &'a [u8],
    pub levels: &'a [u8; LEVELS],
}

/// A walk through them.
#[cfg(not(any(cortex_m_dsp, cortex_m_base)))]
pub(super) struct Walk<'a> {
    left: Sought<'a>,
    at: usize,
}

#[cfg(not(any(cortex_m_dsp, cortex_m_base)))]
impl<'a> Walk<'a> {
    /// From the first one on; `None` where no movie can be above the bar.
    pub(super) fn of(_: &Lookup, left: Sought<'a>) -> Option<Self> {
        Some(Self { left, at: 0 })
    }

    /// The next movie that could be above `bar` without its terms, by what it lacks of the most for how well known it is: how
    /// many are before it, and what it could come to. In plain Rust.
    #[inline(always)]
    pub(super) fn next(&mut self, lookup: &Lookup, bar: i32) -> Option<(usize, i32)> {
        loop {
            let at = self.at;
            let (codes, known) = (self.left.codes.get(at)?, *self.left.known.get(at)?);
            self.at = at.wrapping_add(1);
            if u32::from(known) < lookup.least {
                continue;
            }
            let most = lookup.most.get(usize::from(known)).copied()?;
            let level = self.left.levels.get(usize::from(known >> 2)).copied()?;
            let by = interest::key(1, level.into());
            if let Some(bound) = lookup.gate.bound(codes, most, by, bar) {
                return Some((at, bound));
            }
        }
    }
}

/// A walk through them: where it is, and what it looks at beside the gate. As the assembly has it; the first six as
/// [`past`](super::past) has them.
#[cfg(any(cortex_m_dsp, cortex_m_base))]
#[repr(C)]
pub(super) struct Walk<'a> {
    /// The codes, less 8 for each unit of the address behind the movie's confidence byte.
    codes: *const u8,
    limit: *const u8,
    most: *const i32,
    below: u32,
    all: u32,
    known: *const u8,
    levels: *const u8,
    /// Bits of what a level and a count come to that a key has more.
    shift: u32,
    /// Behind the address of the first confidence byte.
    behind: usize,
    of: PhantomData<(Sought<'a>, &'a Lookup)>,
}

#[cfg(any(cortex_m_dsp, cortex_m_base))]
unsafe extern "C" {
    /// Walks until behind a movie whose bound is above `bar`, or to the end of the confidence bytes; the bound, `bar` or
    /// less where there is none.
    fn pocketrec_seek(walk: *mut Walk<'_>, gate: *const Gate, bar: i32) -> i32;
}

#[cfg(any(cortex_m_dsp, cortex_m_base))]
impl<'a> Walk<'a> {
    /// From the first one on; `None` where no movie can be above the bar.
    #[inline(always)]
    pub(super) fn of(lookup: &'a Lookup, left: Sought<'a>) -> Option<Self> {
        let (below, all) = lookup.passed_over()?;
        let known = left.known.get(..left.codes.len())?.as_ptr_range();
        let behind = known.start.addr().wrapping_add(1);
        let codes = left.codes.as_ptr().cast::<u8>();
        Some(Self {
            codes: codes.wrapping_sub(behind.wrapping_mul(8)),
            limit: known.end.wrapping_sub(4),
            most: lookup.most.as_ptr(),
            below,
            all,
            known: known.start,
            levels: left.levels.as_ptr(),
            shift: lookup.gate.shift.wrapping_add(interest::KEY_BITS),
            behind,
            of: PhantomData,
        })
    }

    /// The next movie that could be above `bar` without its terms, by what it lacks of the most for how well known it is: how
    /// many are before it, and what it could come to.
    #[inline(always)]
    pub(super) fn next(&mut self, lookup: &'a Lookup, bar: i32) -> Option<(usize, i32)> {
        // SAFETY: as many codes are there as confidence bytes, 8 each; the gate's tables lie one behind the other, of 256
        // bytes and then of 16, and neither a byte nor a nibble leads beyond one of them, nor a fourth of a byte beyond the
        // levels. Only the walk is written.
        let bound = unsafe { pocketrec_seek(self, &raw const lookup.gate, bar) };
        (bound > bar).then(|| (self.known.addr().wrapping_sub(self.behind), bound))
    }
}

#[cfg(cortex_m_dsp)]
core::arch::global_asm!(
    "    .syntax unified\n    .thumb",
    dsp_core!(),
    glance!(),
    r#"
    .section .text.pocketrec_seek,"ax",%progbits
    .p2align 2
    .global pocketrec_seek
    .type pocketrec_seek,%function
    .thumb_func
pocketrec_seek:
    @ r0 walk, r1 gate, r2 bar; the walk's r4 codes, r6 limit, r7 most, r10 below, lr all, r5 known, r8 levels, r9 shift.
    push {r0, r4-r11, lr}
    add r3, r0, #20
    ldm r3, {r5, r8, r9}
    ldm r0, {r4, r6, r7, r10, lr}
1:
    pocketrec_glance 3f, 5f
3:
    @ To r12 what its first four bytes lack, to r11 what a count of that is, and to r0 the most that it could come to.
    ldr r3, [r4, r5, lsl #3]
    uxtab r0, r1, r3
    uxtab r11, r1, r3, ror #8
    uxtab r12, r1, r3, ror #16
    add r3, r1, r3, lsr #24
    ldrb r0, [r0]
    ldrb r11, [r11, #256]
    ldrb r12, [r12, #512]
    ldrb r3, [r3, #768]
    add r0, r0, r11
    add r12, r12, r3
    add r12, r12, r0
    ldrb r0, [r5, #-1]
    lsrs r3, r0, #2
    ldrb r11, [r8, r3]
    ldr r0, [r7, r0, lsl #2]
    lsl r11, r11, r9
    mls r0, r12, r11, r0
    cmp r0, r2
    ble 1b
    @ The others'.
    add r3, r4, r5, lsl #3
    ldr r3, [r3, #4]
    uxtab r12, r1, r3
    uxtab r6, r1, r3, ror #8
    uxtab r10, r1, r3, ror #16
    add r3, r1, r3, lsr #24
    ldrb r12, [r12, #1024]
    ldrb r6, [r6, #1280]
    ldrb r10, [r10, #1536]
    ldrb r3, [r3, #1792]
    add r12, r12, r6
    add r3, r3, r10
    add r12, r12, r3
    mls r0, r12, r11, r0
    ldr r3, [sp]
    ldr r6, [r3, #4]
    ldr r10, [r3, #12]
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
    .size pocketrec_seek, . - pocketrec_seek
    .purgem pocketrec_glance
    .purgem pocketrec_last
"#,
    options(raw)
);

#[cfg(cortex_m_base)]
core::arch::global_asm!(
    "    .syntax unified\n    .thumb",
    glance!(),
    r#"
    @ Takes off r2 what both books of the byte that is `at` behind the first lack, times r4; r7 goes on by two books. Compares r2
    @ with the bar; r0 and r6 are used up.
    .macro pocketrec_two at
    ldrb r0, [r3, #\at]
    lsrs r6, r0, #4
    lsls r0, r0, #28
    lsrs r0, r0, #28
    ldrb r0, [r7, r0]
    adds r7, #16
    ldrb r6, [r7, r6]
    adds r7, #16
    adds r0, r0, r6
    muls r0, r4, r0
    subs r2, r2, r0
    cmp r2, r8
    .endm

    .section .text.pocketrec_seek,"ax",%progbits
    .p2align 2
    .global pocketrec_seek
    .type pocketrec_seek,%function
    .thumb_func
pocketrec_seek:
    @ r0 walk, r1 gate, r2 bar; then r8 the bar, r5 known, r12 codes, r9 limit, lr most, r10 levels, r11 the least confidence
    @ byte to look at, and the shift on the stack; r3, r6 and r7 the tables of the second byte, the third and the fourth.
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
    mov lr, r7
    ldm r0!, {r3-r7}
    mov r11, r3
    mov r10, r6
    push {r7}
9:
    movs r0, #1
    lsls r0, r0, #8
    adds r3, r1, r0
    adds r6, r3, r0
    adds r7, r6, r0
    pocketrec_glance 6f
7:
    @ What its first four bytes lack.
    lsls r4, r5, #3
    add r4, r12
    ldrb r0, [r4]
    ldrb r0, [r1, r0]
    ldrb r2, [r4, #1]
    ldrb r2, [r3, r2]
    adds r0, r0, r2
    ldrb r2, [r4, #2]
    ldrb r2, [r6, r2]
    adds r0, r0, r2
    ldrb r2, [r4, #3]
    ldrb r2, [r7, r2]
    adds r0, r0, r2
    @ To r2 the most that it could come to, with that.
    subs r2, r5, #1
    ldrb r2, [r2]
    lsrs r4, r2, #2
    add r4, r10
    ldrb r4, [r4]
    muls r4, r0, r4
    ldr r0, [sp]
    lsls r4, r0
    lsls r2, r2, #2
    add r2, lr
    ldr r2, [r2]
    subs r2, r2, r4
    cmp r2, r8
    ble 1b
    @ To r4 what a count comes to, to r7 the other books, and to r3 its codes.
    subs r4, r5, #1
    ldrb r4, [r4]
    lsrs r4, r4, #2
    add r4, r10
    ldrb r4, [r4]
    lsls r4, r0
    adds r7, #128
    adds r7, #128
    lsls r3, r5, #3
    add r3, r12
    pocketrec_two 4
    ble 9b
    pocketrec_two 5
    ble 9b
    pocketrec_two 6
    ble 9b
    pocketrec_two 7
    ble 9b
    b 8f
6:
    pocketrec_last 7b
    mov r2, r8
8:
    mov r0, r2
    add sp, #4
    pop {r1-r4}
    mov r8, r1
    mov r9, r2
    mov r10, r3
    mov r11, r4
    pop {r1}
    str r5, [r1, #20]
    pop {r4-r7, pc}
    .size pocketrec_seek, . - pocketrec_seek
    .purgem pocketrec_two
    .purgem pocketrec_glance
    .purgem pocketrec_last
"#,
    options(raw)
);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Eight bytes whole are what a core with the DSP extension has, four what the others have.
        #[test]
        fn gates_of_any_bytes_whole_let_the_same_movies_pass_and_none_that_lacks_less_is_refused(
            lacks in prop_oneof![Just(0x7ffe_u16), 0_u16..0x7ffe].prop_flat_map(|largest| {
                prop::array::uniform16(prop::array::uniform16(0..=largest))
            }),
            movies in prop::collection::vec((any::<[u8; BYTES]>(), 0_i32..1 << 28, any::<u8>()), 1..40),
            bar in prop_oneof![Just(i32::MIN), -(1 << 20)..1_i32 << 28],
        ) {
            let mut whole = GateOf::<8, 0>::NONE;
            let mut half = GateOf::<4, 8>::NONE;
            let mut none = GateOf::<0, 16>::NONE;
            whole.take(&lacks);
            half.take(&lacks);
            none.take(&lacks);
            // No finer than a byte needs: two books lack twice the largest at most.
            let largest = lacks.iter().flatten().max().copied().unwrap();
            prop_assert!(whole.shift == 0 || (2 * u32::from(largest)) >> (whole.shift - 1) > 255);
            prop_assert_eq!([half.shift, none.shift], [whole.shift; 2]);
            for (codes, most, level) in movies {
                let by = interest::key(1, level.into());
                let nibbles = codes.iter().flat_map(|byte| [byte & 15, byte >> 4]);
                let lacks = lacks.iter().zip(nibbles).map(|(book, at)| i32::from(book[usize::from(at)]));
                let count = lacks.clone().map(|lack| lack >> whole.shift).sum::<i32>();
                let bound = most - ((by * count) << whole.shift);
                let due = (bound > bar).then_some(bound);
                prop_assert!(bound >= most - by * lacks.sum::<i32>());
                prop_assert_eq!(whole.bound(&codes, most, by, bar), due);
                prop_assert_eq!(half.bound(&codes, most, by, bar), due);
                prop_assert_eq!(none.bound(&codes, most, by, bar), due);
            }
        }
    }
}
