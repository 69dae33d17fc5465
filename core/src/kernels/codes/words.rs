//! Codewords, as a user meets them: what one adds to a score.

use super::COARSER;
#[cfg(feature = "codes-mlp")]
use crate::kernels::integer::Network;
#[cfg(feature = "codes-mlp")]
use crate::kernels::integer::coded::Coded;
use crate::kernels::integer::{ROW_PAIRS, User, dot};
use crate::kernels::{Kernel, ran};
use crate::table::{Codes, EmbeddingTable};

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
    #[inline]
    pub(crate) fn term(&self, user: &User, at: usize, place: &mut [u32; ROW_PAIRS]) -> i16 {
        let mut sum = self.bias(at);
        if let Some(rows) = &self.rows {
            // At most 2^29, as the bias is.
            sum = sum.wrapping_add(dot(user, rows.pairs(at, place)));
        }
        rounded(sum)
    }

    /// The bias of codeword `at`, as a score.
    #[inline]
    pub(crate) fn bias(&self, at: usize) -> i32 {
        let bias = self
            .biases
            .as_ref()
            .map_or(0, |table| table.first_integer(at));
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
pub(super) fn rounded(score: i32) -> i16 {
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
