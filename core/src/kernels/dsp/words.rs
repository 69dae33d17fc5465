//! The products of a direction with the codewords of a book: of four codewords at a time, so that the direction's numbers
//! are loaded once for them.

use core::arch::global_asm;

use crate::model::kin::{Codeword, Direction, WORDS};
use crate::numeric::dsp::dsp_core;

unsafe extern "C" {
    /// Writes 16 sums.
    fn pocketrec_words(words: *const Codeword, direction: *const Direction, sums: *mut i32);
}

/// The product of each codeword and the direction. 7 cycles for each word of a codeword on a Cortex-M4.
#[inline(always)]
pub(crate) fn products(words: &[Codeword; WORDS], direction: &Direction) -> [i32; WORDS] {
    let mut sums = [0; WORDS];
    // SAFETY: it reads 16 codewords and as many pairs as each has words, and writes as many sums as there are.
    unsafe { pocketrec_words(words.as_ptr(), direction, sums.as_mut_ptr()) };
    sums
}

global_asm!(
    "    .syntax unified\n    .thumb",
    dsp_core!(),
    r#"
    .macro pocketrec_product word, even, odd, temporary, sum
    sxtb16 \temporary, \word
    sxtb16 \word, \word, ror #8
    smlad \sum, \temporary, \even, \sum
    smlad \sum, \word, \odd, \sum
    .endm

    .section .text.pocketrec_words,"ax",%progbits
    .p2align 2
    .global pocketrec_words
    .type pocketrec_words,%function
    .thumb_func
pocketrec_words:
    @ r0 the next word of the first of four codewords, r1 the next pairs, r2 the next sums, r3 the end of the pairs.
    push {r4-r11, lr}
    add r12, r0, #1024
    push {r12}
    add r3, r1, #128
1:
    movs r4, #0
    movs r5, #0
    movs r6, #0
    movs r7, #0
2:
    .rept 2
    ldrd r8, r9, [r1], #8
    ldr r10, [r0]
    ldr r11, [r0, #64]
    pocketrec_product r10, r8, r9, r12, r4
    pocketrec_product r11, r8, r9, r12, r5
    ldr r10, [r0, #128]
    ldr r11, [r0, #192]
    adds r0, #4
    pocketrec_product r10, r8, r9, r12, r6
    pocketrec_product r11, r8, r9, r12, r7
    .endr
    cmp r1, r3
    bne 2b
    stm r2!, {r4-r7}
    sub r1, r1, #128
    add r0, r0, #192
    ldr r12, [sp]
    cmp r0, r12
    bne 1b
    pop {r12}
    pop {r4-r11, pc}
    .size pocketrec_words, . - pocketrec_words
    .purgem pocketrec_product
"#,
    options(raw)
);
