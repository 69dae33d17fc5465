//! Directions of movies, which are sums of codewords, and sums of directions. In assembly on the smallest Cortex-M cores, where
//! a compiler's loop takes three times as long.
#![allow(unsafe_code)]

use super::lacks::{BOOKS, BYTES, WORDS};
use super::products::Quad;
#[cfg(not(cortex_m_base))]
use crate::numeric::{
    dsp::{BESIDE_A_BYTE, add_bytes},
    unroll::each,
    walk::numbered,
};
use core::cell::Cell;

/// Numbers in a movie's direction, and in a codeword.
pub const NUMBERS: usize = 64;

/// Words of four numbers in a codeword.
pub(crate) const QUADS: usize = NUMBERS / 4;

/// A codeword: signed bytes, four to a word.
pub(crate) type Codeword = [u32; QUADS];

/// The codewords, book after book.
pub(crate) type Codebook = [Codeword; BOOKS * WORDS];

/// A direction in 16-bit numbers.
pub(crate) type Direction = [Quad; QUADS];

/// Adds the direction of a movie of these `codes` times `by`, which is at most 2^12, in the order of [`Direction`]. Numbers
/// of a direction are within ±2^11.
#[cfg(cortex_m_base)]
#[inline(always)]
pub(crate) fn add(x: &mut [i32; NUMBERS], codebook: &Codebook, codes: &[u8; BYTES], by: i32) {
    // SAFETY: each of the 16 nibbles of 8 bytes leads to one of the 16 codewords of a book. `x` alone is written to.
    unsafe { pocketrec_add_direction(x, codebook, codes, by) }
}

/// Adds the direction of a movie of these `codes` times `by`, which is at most 2^12, in the order of [`Direction`]. Numbers
/// of a direction are within ±2^11.
#[cfg(not(cortex_m_base))]
pub(crate) fn add(x: &mut [i32; NUMBERS], codebook: &Codebook, codes: &[u8; BYTES], by: i32) {
    /// Words of codewords that are added up together: as many as a core has registers for, or all.
    const AT_ONCE: usize = if cfg!(cortex_m_dsp) { 4 } else { QUADS };
    /// How much more a sum of codewords' bytes comes to than that of their numbers.
    const MIDDLE: i32 = BOOKS as i32 * BESIDE_A_BYTE as i32;

    let by = i32::from(by as i16);
    let mut sums: Direction = [[0; 2]; QUADS];
    let (books, _) = codebook.as_chunks::<WORDS>();
    let (twos, _) = books.as_chunks::<2>();
    let (blocks, _) = sums.as_chunks_mut::<AT_ONCE>();
    for (block, sums) in numbered(blocks, 0) {
        for ([low, high], byte) in twos.iter().zip(codes) {
            for (words, nibble) in [(low, byte & 15), (high, byte >> 4)] {
                let word = words.get(usize::from(nibble));
                let quads = word.and_then(|word| word.as_chunks::<AT_ONCE>().0.get(block));
                if let Some(quads) = quads {
                    each(sums, quads, |sums, quad| {
                        *sums = add_bytes(*quad, *sums);
                    });
                }
            }
        }
    }
    let (twos, _) = x.as_chunks_mut::<2>();
    for (two, sum) in twos.iter_mut().zip(sums.as_flattened()) {
        for (x, sum) in two.iter_mut().zip([*sum as i16, (sum >> 16) as i16]) {
            let number = i32::from(sum).wrapping_sub(MIDDLE);
            *x = x.wrapping_add(number.wrapping_mul(by));
        }
    }
}

/// The low 16 bits of `x`, side by side as a kernel reads them: in its own place, for a small board's stack.
pub(crate) fn direction(x: &mut [i32; NUMBERS]) -> &Direction {
    let numbers = Cell::from_mut(&mut x[..]).as_slice_of_cells();
    let (twos, _) = numbers.as_chunks::<2>();
    for (to, [low, high]) in numbers.iter().zip(twos) {
        to.set(low.get() & 0xffff | high.get() << 16);
    }
    let [pairs, _]: &[Direction; 2] = bytemuck::must_cast_ref(x);
    pairs
}

#[cfg(cortex_m_base)]
unsafe extern "C" {
    fn pocketrec_add_direction(
        x: *mut [i32; NUMBERS],
        codebook: *const Codebook,
        codes: *const [u8; BYTES],
        by: i32,
    );
}

// Four words of each codeword at a time. Of a word's bytes, each 128 more than it is, the sum of all (T) and that of the
// second and the fourth (O) say what the first and the third come to: T - (O << 8), in as few instructions as there are. Both
// start below 0, so that the 128s are gone at the end.
#[cfg(cortex_m_base)]
core::arch::global_asm!(
    r#"
    .syntax unified
    .thumb

    .macro pocketrec_word offset, all, odd
    ldr r2, [r0, #\offset]
    eors r2, r7
    add \all, r2
    lsrs r2, r2, #8
    ands r2, r6
    add \odd, r2
    .endm

    @ Adds two numbers, times r7, to those at r6.
    .macro pocketrec_two pair
    sxth r2, \pair
    subs \pair, \pair, r2
    asrs \pair, \pair, #16
    muls r2, r7
    muls \pair, r7
    ldr r4, [r6]
    adds r2, r2, r4
    ldr r4, [r6, #4]
    adds r4, r4, \pair
    stm r6!, {r2, r4}
    .endm

    .section .text.pocketrec_add_direction,"ax",%progbits
    .p2align 2
    .global pocketrec_add_direction
    .type pocketrec_add_direction,%function
    .thumb_func
pocketrec_add_direction:
    push {r4-r7, lr}
    mov r4, r8
    mov r5, r9
    mov r6, r10
    mov r7, r11
    push {r4-r7}
    @ On the stack: where the 16 codewords are, in any order, then the next numbers of x, and the factor.
    push {r0, r3}
    movs r7, #1
    lsls r7, r7, #10
    movs r3, #8
1:
    ldrb r4, [r2]
    adds r2, #1
    lsls r5, r4, #28
    lsrs r5, r5, #22
    adds r5, r5, r1
    adds r1, r1, r7
    lsrs r4, r4, #4
    lsls r4, r4, #6
    adds r4, r4, r1
    adds r1, r1, r7
    push {r4, r5}
    subs r3, #1
    bne 1b
    @ r3: the first of the four words, in bytes from a codeword's beginning.
2:
    adr r0, 6f
    ldm r0!, {r4-r7}
    mov r8, r4
    mov r9, r5
    mov r10, r4
    mov r11, r5
    mov r12, r4
    mov lr, r5
    movs r1, #60
3:
    mov r0, sp
    ldr r0, [r0, r1]
    adds r0, r0, r3
    pocketrec_word 0, r4, r5
    pocketrec_word 4, r8, r9
    pocketrec_word 8, r10, r11
    pocketrec_word 12, r12, lr
    subs r1, #4
    bpl 3b
    mov r6, r12
    mov r7, lr
    push {r6, r7}
    mov r6, r10
    mov r7, r11
    push {r6, r7}
    mov r6, r8
    mov r7, r9
    push {r4-r7}
    ldr r6, [sp, #96]
    ldr r7, [sp, #100]
    movs r5, #4
4:
    pop {r0, r1}
    lsls r2, r1, #8
    subs r0, r0, r2
    pocketrec_two r0
    pocketrec_two r1
    subs r5, #1
    bne 4b
    str r6, [sp, #64]
    adds r3, #16
    cmp r3, #64
    bne 2b
    add sp, #72
    pop {r4-r7}
    mov r8, r4
    mov r9, r5
    mov r10, r6
    mov r11, r7
    pop {r4-r7, pc}
    .p2align 2
6:
    .word 0xf7f7f800
    .word 0xf7fff800
    .word 0x00ff00ff
    .word 0x80808080
    .size pocketrec_add_direction, . - pocketrec_add_direction
    .purgem pocketrec_word
    .purgem pocketrec_two
"#,
    options(raw)
);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    proptest! {
        #[test]
        fn a_direction_is_added_as_the_sum_of_its_codewords_numbers(
            mut codewords in prop::collection::vec(any::<Codeword>(), BOOKS * WORDS),
            extreme in prop_oneof![Just(None), any::<bool>().prop_map(Some)],
            codes in any::<[u8; BYTES]>(),
            by in prop_oneof![0..=1_i32 << 12, Just(1 << 12)],
            before in -1_000_000..1_000_000_i32,
        ) {
            if let Some(lowest) = extreme {
                codewords.fill([if lowest { 0x8080_8080 } else { 0x7f7f_7f7f }; QUADS]);
            }
            let bytes: Vec<i8> = codewords.as_flattened().iter().flat_map(|word| word.to_le_bytes().map(|byte| byte as i8)).collect();
            let mut x = [before; NUMBERS];
            add(&mut x, codewords.as_slice().try_into().unwrap(), &codes, by);
            for (quad, found) in x.as_chunks::<4>().0.iter().enumerate() {
                let due = [0, 2, 1, 3].map(|at| {
                    let numbers = (0..BOOKS).map(|book| {
                        let word = codes[book / 2] >> (4 * (book % 2)) & 15;
                        i32::from(bytes[(book * WORDS + usize::from(word)) * NUMBERS + 4 * quad + at])
                    });
                    before + by * numbers.sum::<i32>()
                });
                prop_assert_eq!(*found, due);
            }
        }
    }

    #[test]
    fn numbers_are_side_by_side_with_their_signs() {
        let mut x = [0; NUMBERS];
        x[..6].copy_from_slice(&[-1, 2, i32::from(i16::MIN), -32_767, 3, -4]);
        let pairs = direction(&mut x);
        assert_eq!(pairs[..2], [[0x0002_ffff, 0x8001_8000], [0xfffc_0003, 0]]);
    }
}
