//! What a movie lacks of the most that its likeness could come to: a look-up in each of sixteen books, from which a loop
//! goes away as soon as it is too much. In assembly on a Cortex-M: with the DSP extension a word's nibbles are taken out
//! together, and without it the loop is a sixth of a compiler's, which writes out its turns.
#![allow(unsafe_code)]

#[cfg(cortex_m_dsp)]
use crate::numeric::dsp::dsp_core;

/// Books of codewords.
pub const BOOKS: usize = 16;

/// Codewords of a book: a nibble says which.
pub const WORDS: usize = 16;

/// Bytes of a movie's codes: book 0 is the low nibble of the first byte, book 1 its high one.
pub const BYTES: usize = BOOKS / 2;

/// What each codeword lacks of the most of its book: at most 2^15 - 2.
pub(crate) type Lacks = [[u16; WORDS]; BOOKS];

/// What a movie of these `codes` lacks, times `by`; where that is `room` or more, anything that is. `by` is at most 2^11.
#[inline(always)]
pub(crate) fn lack(lacks: &Lacks, codes: &[u8; BYTES], by: i32, room: i32) -> i32 {
    #[cfg(any(cortex_m_dsp, cortex_m_base))]
    // SAFETY: each of the 16 nibbles of 8 bytes leads to one of the 16 numbers of a book. Nothing is written.
    unsafe {
        assembly::pocketrec_lack(lacks.as_ptr().cast(), codes.as_ptr(), by, room)
    }
    #[cfg(not(any(cortex_m_dsp, cortex_m_base)))]
    plainly(lacks, codes, by, room)
}

/// The same in plain Rust: the oracle. Several loops call it, and in each it would take a quarter of a kilobyte.
#[cfg_attr(any(cortex_m_dsp, cortex_m_base), allow(dead_code))]
#[inline(never)]
fn plainly(lacks: &Lacks, codes: &[u8; BYTES], by: i32, room: i32) -> i32 {
    let (books, _) = lacks.as_chunks::<2>();
    let mut sum = 0_i32;
    for ([low, high], byte) in books.iter().zip(codes) {
        sum = sum
            .wrapping_add(one(low, byte & 15))
            .wrapping_add(one(high, byte >> 4));
        if sum.wrapping_mul(by) >= room {
            break;
        }
    }
    sum.wrapping_mul(by)
}

/// What a codeword lacks. Every nibble has one, which the compiler sees.
#[cfg_attr(any(cortex_m_dsp, cortex_m_base), allow(dead_code))]
#[inline(always)]
fn one(lacks: &[u16; WORDS], nibble: u8) -> i32 {
    i32::from(lacks.get(usize::from(nibble)).copied().unwrap_or_default())
}

#[cfg(any(cortex_m_dsp, cortex_m_base))]
mod assembly {
    unsafe extern "C" {
        pub(super) fn pocketrec_lack(
            lacks: *const u16,
            codes: *const u8,
            by: i32,
            room: i32,
        ) -> i32;
    }
}

/// The assembler's macro that adds to `sum` what the books from the one `at` so many bytes behind `lacks` have for the 8
/// nibbles of the word in `low`. `mask` is 0x1e1e1e1e, where a nibble is in each byte as a place among 16-bit numbers; the
/// other registers are used up.
#[cfg(cortex_m_dsp)]
macro_rules! nibbles {
    () => {
        r#"
    .macro pocketrec_nibbles sum, lacks, at, mask, low, high, a, b, c
    and \high, \mask, \low, lsr #3
    and \low, \mask, \low, lsl #1
    uxtab \a, \lacks, \low
    uxtab \b, \lacks, \high
    uxtab \c, \lacks, \low, ror #8
    ldrh \a, [\a, #\at]
    ldrh \b, [\b, #\at+32]
    ldrh \c, [\c, #\at+64]
    add \sum, \sum, \a
    add \sum, \sum, \b
    add \sum, \sum, \c
    uxtab \a, \lacks, \high, ror #8
    uxtab \b, \lacks, \low, ror #16
    uxtab \c, \lacks, \high, ror #16
    add \low, \lacks, \low, lsr #24
    add \high, \lacks, \high, lsr #24
    ldrh \a, [\a, #\at+96]
    ldrh \b, [\b, #\at+128]
    ldrh \c, [\c, #\at+160]
    ldrh \low, [\low, #\at+192]
    ldrh \high, [\high, #\at+224]
    add \sum, \sum, \a
    add \sum, \sum, \b
    add \sum, \sum, \c
    add \sum, \sum, \low
    add \sum, \sum, \high
    .endm
"#
    };
}
#[cfg(cortex_m_dsp)]
core::arch::global_asm!(
    "    .syntax unified\n    .thumb",
    dsp_core!(),
    nibbles!(),
    r#"
    .section .text.pocketrec_lack,"ax",%progbits
    .p2align 2
    .global pocketrec_lack
    .type pocketrec_lack,%function
    .thumb_func
pocketrec_lack:
    @ r0 lacks, r1 codes, which need not be aligned, r2 by, r3 room.
    push {r4-r9, lr}
    ldr r4, [r1]
    ldr r9, [r1, #4]
    mov r6, #0x1e1e1e1e
    mov r12, #0
    pocketrec_nibbles r12, r0, 0, r6, r4, r5, r7, r8, lr
    mul r4, r12, r2
    cmp r4, r3
    bge 1f
    pocketrec_nibbles r12, r0, 256, r6, r9, r5, r7, r8, lr
    mul r4, r12, r2
1:
    mov r0, r4
    pop {r4-r9, pc}
    .size pocketrec_lack, . - pocketrec_lack
    .purgem pocketrec_nibbles
"#,
    options(raw)
);

#[cfg(cortex_m_base)]
core::arch::global_asm!(
    r#"
    .syntax unified
    .thumb
    .section .text.pocketrec_lack,"ax",%progbits
    .p2align 2
    .global pocketrec_lack
    .type pocketrec_lack,%function
    .thumb_func
pocketrec_lack:
    @ r0 the lacks of the next book, r1 the next byte, r2 by, r3 room; r4 the sum, r6 that times by, r7 the end of the bytes.
    @ It leaves r8 to r12 as they are.
    push {r4-r7, lr}
    movs r4, #0
    adds r7, r1, #7
    adds r7, #1
1:
    ldrb r5, [r1]
    adds r1, #1
    lsls r6, r5, #28
    lsrs r6, r6, #27
    ldrh r6, [r0, r6]
    adds r4, r4, r6
    adds r0, #32
    lsrs r5, r5, #4
    lsls r5, r5, #1
    ldrh r5, [r0, r5]
    adds r4, r4, r5
    adds r0, #32
    mov r6, r4
    muls r6, r2, r6
    cmp r6, r3
    bge 2f
    cmp r1, r7
    bne 1b
2:
    mov r0, r6
    pop {r4-r7, pc}
    .size pocketrec_lack, . - pocketrec_lack
"#,
    options(raw)
);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_movie_lacks_what_its_books_do_or_more_than_there_is_room_for(
            lacks in prop::array::uniform16(prop::array::uniform16(0_u16..=0x7ffe)),
            codes in any::<[u8; BYTES]>(),
            by in 0_i32..=1 << 11,
            room in prop_oneof![Just(i32::MAX), Just(i32::MIN), -5_i32..1 << 30],
        ) {
            let nibbles = codes.iter().flat_map(|byte| [byte & 15, byte >> 4]);
            let due: i32 = lacks.iter().zip(nibbles).map(|(book, at)| i32::from(book[usize::from(at)])).sum();
            let due = due * by;
            for found in [lack(&lacks, &codes, by, room), plainly(&lacks, &codes, by, room)] {
                if due < room {
                    prop_assert_eq!(found, due);
                } else {
                    prop_assert!(found >= room && found <= due);
                }
            }
        }
    }
}
