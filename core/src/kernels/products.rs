//! The products of a vector of 16-bit numbers with rows of signed bytes: what each codeword comes to for somebody. In assembly
//! on Cortex-M cores with the DSP extension and on the smallest ones, for four rows at a time, so that the vector's numbers
//! are loaded once for them.
#![allow(unsafe_code)]

use crate::numeric::dsp::Pair;
#[cfg(cortex_m_dsp)]
use crate::numeric::dsp::dsp_core;
#[cfg(not(any(cortex_m_dsp, cortex_m_base)))]
use crate::numeric::dsp::multiply_add_bytes;

/// Four numbers of the vector: the first and the third, then the second and the fourth, as a word's bytes are widened.
pub(crate) type Quad = [Pair; 2];

/// Four numbers in their order, as they meet a word's bytes.
#[cfg(feature = "codes")]
#[inline(always)]
pub(crate) fn quad([a, b]: [Pair; 2]) -> Quad {
    [a & 0xffff | b << 16, a >> 16 | b & 0xffff_0000]
}

/// Rows whose products are made together.
pub(crate) const ROWS: usize = 16;

/// Writes the products of `x` and the first [`ROWS`] rows, of as many words as `x` has quads; nothing where there are fewer rows.
/// A sum must stay within 32 bits. 7 cycles for each word of a row on a Cortex-M4, 20 on a Cortex-M0.
#[inline(always)]
pub(crate) fn products(rows: &[u32], x: &[Quad], sums: &mut [i32; ROWS]) {
    let words = x.len().checked_mul(ROWS);
    if x.is_empty() || words.is_none_or(|words| rows.len() < words) {
        return;
    }
    #[cfg(any(cortex_m_dsp, cortex_m_base))]
    // SAFETY: there are as many words for each sum as quads, one at least.
    unsafe {
        pocketrec_products(rows.as_ptr(), x.as_ptr(), sums, x.len() << 2);
    }
    #[cfg(not(any(cortex_m_dsp, cortex_m_base)))]
    for (sum, row) in sums
        .iter_mut()
        .zip(crate::numeric::walk::rows(rows, x.len()))
    {
        let quads = x.iter().zip(row);
        *sum = quads.fold(0, |sum, (quad, word)| multiply_add_bytes(*word, *quad, sum));
    }
}

#[cfg(any(cortex_m_dsp, cortex_m_base))]
unsafe extern "C" {
    /// Writes the products of [`ROWS`] rows of `row` bytes, 4 at least, and `x`, a quad for four bytes.
    fn pocketrec_products(rows: *const u32, x: *const Quad, sums: *mut [i32; ROWS], row: usize);
}

#[cfg(cortex_m_dsp)]
core::arch::global_asm!(
    "    .syntax unified\n    .thumb",
    dsp_core!(),
    r#"
    .macro pocketrec_product word, sum
    sxtb16 r12, \word
    sxtb16 \word, \word, ror #8
    smlad \sum, r12, r8, \sum
    smlad \sum, \word, r9, \sum
    .endm

    @ A word of each of the four rows.
    .macro pocketrec_words
    ldrd r8, r9, [r1], #8
    ldr r10, [r0]
    ldr r11, [r0, r3]
    pocketrec_product r10, r4
    pocketrec_product r11, r5
    ldr r10, [r0, r3, lsl #1]
    ldr r11, [r0, lr]
    adds r0, #4
    pocketrec_product r10, r6
    pocketrec_product r11, r7
    .endm

    .section .text.pocketrec_products,"ax",%progbits
    .p2align 2
    .global pocketrec_products
    .type pocketrec_products,%function
    .thumb_func
pocketrec_products:
    @ r0 the next word of the first of four rows, r1 the next pairs, r2 the end of the pairs, r3 a row's bytes, lr three
    @ rows' bytes, r4-r7 the sums. On the stack: where the next four go, and how many fours are left.
    push {r4-r11, lr}
    mov r4, r2
    movs r5, #4
    push {r4, r5}
    add lr, r3, r3, lsl #1
    add r2, r1, r3, lsl #1
1:
    movs r4, #0
    movs r5, #0
    movs r6, #0
    movs r7, #0
    @ Two words a turn; of an odd number the first one alone.
    tst r3, #4
    bne 3f
2:
    pocketrec_words
3:
    pocketrec_words
    cmp r1, r2
    bne 2b
    ldrd r8, r9, [sp]
    stm r8!, {r4-r7}
    sub r1, r1, r3, lsl #1
    add r0, r0, lr
    subs r9, r9, #1
    strd r8, r9, [sp]
    bne 1b
    add sp, sp, #8
    pop {r4-r11, pc}
    .size pocketrec_products, . - pocketrec_products
    .purgem pocketrec_product
    .purgem pocketrec_words
"#,
    options(raw)
);

#[cfg(cortex_m_base)]
core::arch::global_asm!(
    r#"
    .syntax unified
    .thumb

    .macro pocketrec_product sum
    ldr r2, [r0]
    add r0, r12
    sxtb r3, r2
    muls r3, r5
    add \sum, r3
    lsls r3, r2, #16
    asrs r3, r3, #24
    muls r3, r7
    add \sum, r3
    lsls r3, r2, #8
    asrs r3, r3, #24
    muls r3, r4
    add \sum, r3
    asrs r2, r2, #24
    muls r2, r6
    add \sum, r2
    .endm

    .section .text.pocketrec_products,"ax",%progbits
    .p2align 2
    .global pocketrec_products
    .type pocketrec_products,%function
    .thumb_func
pocketrec_products:
    @ r0 the next word of the first of four rows, r1 the next pairs, r12 a row's bytes, lr the end of the pairs, r8-r11 the
    @ sums. On the stack: to the next word of the first row from behind the last, where the next four go, and how many
    @ fours are left.
    push {r4-r7, lr}
    mov r4, r8
    mov r5, r9
    mov r6, r10
    mov r7, r11
    push {r4-r7}
    mov r12, r3
    lsls r6, r3, #2
    rsbs r6, r6, #0
    adds r6, r6, #4
    movs r5, #4
    push {r2, r5, r6}
    lsls r3, r3, #1
    adds r3, r3, r1
    mov lr, r3
1:
    movs r2, #0
    mov r8, r2
    mov r9, r2
    mov r10, r2
    mov r11, r2
2:
    ldm r1!, {r4, r6}
    sxth r5, r4
    asrs r4, r4, #16
    sxth r7, r6
    asrs r6, r6, #16
    pocketrec_product r8
    pocketrec_product r9
    pocketrec_product r10
    pocketrec_product r11
    ldr r2, [sp, #8]
    adds r0, r0, r2
    cmp r1, lr
    bne 2b
    pop {r2, r3}
    mov r4, r8
    mov r5, r9
    mov r6, r10
    mov r7, r11
    stm r2!, {r4-r7}
    @ Behind the first row, and three more; and back to the first pairs.
    mov r4, r12
    lsls r5, r4, #1
    subs r1, r1, r5
    adds r5, r5, r4
    adds r0, r0, r5
    subs r3, r3, #1
    push {r2, r3}
    bne 1b
    add sp, #12
    pop {r4-r7}
    mov r8, r4
    mov r9, r5
    mov r10, r6
    mov r11, r7
    pop {r4-r7, pc}
    .size pocketrec_products, . - pocketrec_products
    .purgem pocketrec_product
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
        fn a_product_is_the_sum_of_numbers_times_bytes_in_their_order(
            x in prop::collection::vec(any::<[i16; 4]>(), 1..17),
            bytes in prop::collection::vec(any::<i8>(), 4 * 17 * ROWS),
            too_few in any::<bool>(),
        ) {
            let columns = 4 * x.len();
            let numbers = x.as_flattened();
            let product = |row: usize| -> i32 {
                let row = &bytes[row * columns..][..columns];
                row.iter().zip(numbers).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum()
            };
            let fours = bytes.as_chunks::<4>().0.iter();
            let words: Vec<u32> = fours.map(|four| u32::from_le_bytes(four.map(|byte| byte as u8))).collect();
            let pair = |low: i16, high: i16| u32::from(low as u16) | u32::from(high as u16) << 16;
            let x: Vec<Quad> = x.iter().map(|[a, b, c, d]| quad([pair(*a, *b), pair(*c, *d)])).collect();
            let words = &words[..x.len() * ROWS - usize::from(too_few)];
            let mut found = [7; ROWS];
            products(words, &x, &mut found);
            prop_assert_eq!(found, if too_few { [7; ROWS] } else { core::array::from_fn(product) });
        }
    }
}
