//! Codewords, as a user meets them: what one adds to a score.

use super::COARSER;
#[cfg(feature = "codes-mlp")]
use crate::kernels::integer::Network;
#[cfg(feature = "codes-mlp")]
use crate::kernels::integer::coded::Coded;
use crate::kernels::integer::{ROW_PAIRS, User, dot};
use crate::kernels::products::{ROWS, products, quad};
use crate::kernels::{Kernel, ran};
use crate::table::{Codes, EmbeddingTable};
use core::hint::black_box;

/// The codewords, as a user meets them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words<'a> {
    /// Their rows, where there is a dot product.
    pub(crate) rows: Option<EmbeddingTable<'a>>,
    /// Their biases, where there are any.
    pub(crate) biases: Option<EmbeddingTable<'a>>,
    /// Bits by which a bias is coarser than a score.
    pub(crate) bias_shift: u32,
    /// The network and their halves of its dense layer 0, where there is one.
    #[cfg(feature = "codes-mlp")]
    pub(crate) network: Option<(&'a Network<'a>, &'a Coded<'a>)>,
}

impl Words<'_> {
    /// The term of codeword `at`, counted over all books.
    #[cfg_attr(not(feature = "codes-mlp"), inline(never))]
    #[cfg_attr(feature = "codes-mlp", inline)]
    pub(crate) fn term(&self, user: &User, at: usize, place: &mut [u32; ROW_PAIRS]) -> i16 {
        let mut sum = self.bias(at);
        if let Some(rows) = &self.rows {
            // At most 2^29, as the bias is.
            sum = sum.wrapping_add(dot(user, rows.pairs(at, place)));
        }
        rounded(sum)
    }

    /// The terms of the codewords from `at` on, whose `rows` are bytes that are multiplied at the end: the same as
    /// [`term`](Self::term)'s. [`ROWS`] at a time, as long as that lasts.
    #[inline(never)]
    pub(super) fn terms_by_bytes(
        &self,
        user: &User,
        (rows, multipliers): (&[u32], &[u8]),
        mut at: usize,
        terms: &mut [i16],
    ) {
        let mut x = [[0; 2]; ROW_PAIRS / 2];
        let (pairs, _) = user.row.as_chunks::<2>();
        // As if of another length, here and below: written out it takes twice the flash.
        for (x, pairs) in black_box(&mut x[..]).iter_mut().zip(pairs) {
            *x = quad(*pairs);
        }
        let quads = rows.len() / multipliers.len().max(1);
        let x = x.get(..quads).unwrap_or_default();
        let half = 1_i32.wrapping_shl(user.dot_shift.wrapping_sub(1));
        let mut sums = [0; ROWS];
        for terms in terms.as_chunks_mut::<ROWS>().0 {
            let rows = rows.get(at.wrapping_mul(quads)..);
            products(rows.unwrap_or_default(), x, &mut sums);
            let multipliers = multipliers.get(at..).unwrap_or_default();
            let each = sums.iter().zip(multipliers);
            for (term, (sum, by)) in black_box(&mut terms[..]).iter_mut().zip(each) {
                // A row's magnitudes add up to at most 65,535, so that times 128 and times 255 it stays below 2^31.
                let sum = sum.wrapping_mul(i32::from(*by)).wrapping_add(half);
                *term = rounded(self.bias(at).wrapping_add(sum.wrapping_shr(user.dot_shift)));
                at = at.wrapping_add(1);
            }
        }
    }

    /// The bias of codeword `at`, as a score.
    #[inline]
    pub(crate) fn bias(&self, at: usize) -> i32 {
        let bias = self.biases.as_ref().map_or(0, |table| table.integer(at));
        bias.wrapping_shl(self.bias_shift)
    }

    /// Whether anything but a network's output is added up.
    #[cfg(feature = "codes-mlp")]
    #[inline]
    pub(super) fn has_terms(&self) -> bool {
        self.rows.is_some() || self.biases.is_some()
    }

    /// The score of the movie of `row`.
    #[inline(never)]
    pub(crate) fn score(&self, user: &User, codes: &Codes<'_>, row: usize) -> i32 {
        let sum = user.base.wrapping_add(self.sum(user, codes, row));
        #[cfg(feature = "codes-mlp")]
        let sum = sum.wrapping_add(self.output(user, codes, row));
        sum
    }

    /// The terms of the movie of `row`, one at a time.
    #[cfg_attr(feature = "codes-mlp", inline(never))]
    #[cfg_attr(not(feature = "codes-mlp"), inline(always))]
    pub(crate) fn sum(&self, user: &User, codes: &Codes<'_>, row: usize) -> i32 {
        #[cfg(feature = "codes-mlp")]
        if !self.has_terms() {
            return 0;
        }
        ran(Kernel::CodeTerms);
        let mut place = [0; ROW_PAIRS];
        let mut sum = 0_i32;
        for at in codes.words(row) {
            sum = sum.wrapping_add(self.term(user, at, &mut place).into());
        }
        sum << COARSER
    }

    /// The network's output for the movie of `row`, 0 without one.
    #[cfg(feature = "codes-mlp")]
    pub(crate) fn output(&self, user: &User, codes: &Codes<'_>, row: usize) -> i32 {
        let Some((network, coded)) = self.network else {
            return 0;
        };
        network.forward_coded(coded, user.counts(), (codes, row))
    }
}

/// A score as a term, held to 16 bits.
#[inline]
fn rounded(score: i32) -> i16 {
    held(score.wrapping_add(1 << (COARSER - 1)) >> COARSER)
}

#[inline]
pub(super) fn held(x: i32) -> i16 {
    match i16::try_from(x) {
        Ok(x) => x,
        Err(_) if x > 0 => i16::MAX,
        Err(_) => i16::MIN,
    }
}
