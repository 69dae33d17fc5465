//! Integer scoring of any shape in plain Rust.

use super::super::{Kernel, ran};
use super::{Layer, Network, UNIT_PAIRS};
use crate::MAX_UNITS;
use crate::numeric::dsp::{Pair, multiply_add, top_halves};
use crate::numeric::walk::rows;

/// Whether four sums at a time stand in registers: two where these are few.
const FOURS: bool = cfg!(not(target_os = "none"));

impl Network<'_> {
    /// Any shape that an image may have.
    #[inline]
    pub(super) fn any(&self, half: &[i32; MAX_UNITS], row: &[Pair], later: &[Layer<'_>]) -> i32 {
        self.any_by::<FOURS>(half, row, later)
    }

    /// By `FOURS`, four sums at a time where there are four, else two.
    /// Apart, so that its registers and stack are not the lesson's.
    #[inline(never)]
    pub(super) fn any_by<const FOURS: bool>(
        &self,
        half: &[i32; MAX_UNITS],
        row: &[Pair],
        later: &[Layer<'_>],
    ) -> i32 {
        ran(Kernel::IntegerLayers);
        let mut units = [0; UNIT_PAIRS];
        let mut places = units.iter_mut();
        let mut weights = self.first;
        let mut halves = &half[..];
        if FOURS {
            let fours = self.pairs.wrapping_mul(4).max(1);
            let mut fours_of_rows = rows(weights, fours);
            for (of_four, half) in fours_of_rows.by_ref().zip(half.as_chunks::<4>().0) {
                let (ab, cd) = of_four.split_at_checked(fours / 2).unwrap_or_default();
                let (of_a, of_b) = ab.split_at_checked(self.pairs).unwrap_or_default();
                let (of_c, of_d) = cd.split_at_checked(self.pairs).unwrap_or_default();
                let [mut a, mut b, mut c, mut d] = *half;
                let ab = of_a.iter().zip(of_b);
                for (((wa, wb), (wc, wd)), q) in ab.zip(of_c.iter().zip(of_d)).zip(row) {
                    a = multiply_add(*wa, *q, a);
                    b = multiply_add(*wb, *q, b);
                    c = multiply_add(*wc, *q, c);
                    d = multiply_add(*wd, *q, d);
                }
                for (pair, place) in [top_halves(a, b), top_halves(c, d)]
                    .into_iter()
                    .zip(&mut places)
                {
                    *place = pair;
                }
                halves = halves.get(4..).unwrap_or_default();
            }
            weights = fours_of_rows.rest();
        }
        let twos = rows(weights, self.pairs.wrapping_mul(2));
        for ((place, half), weights) in places.zip(halves.as_chunks::<2>().0).zip(twos) {
            let [mut a, mut b] = *half;
            let (of_a, of_b) = weights.split_at_checked(self.pairs).unwrap_or_default();
            for ((wa, wb), q) in of_a.iter().zip(of_b).zip(row) {
                a = multiply_add(*wa, *q, a);
                b = multiply_add(*wb, *q, b);
            }
            *place = top_halves(a, b);
        }
        behind_by::<FOURS>(&mut units, later)
    }
}

/// The layers behind dense layer 0, the places of whose units are working memory.
#[inline]
pub(super) fn behind(units: &mut [Pair; UNIT_PAIRS], _pairs: usize, later: &[Layer<'_>]) -> i32 {
    behind_by::<FOURS>(units, later)
}

/// The layers behind dense layer 0, whose units these are; their places are working memory. A unit's sum stays in a
/// register, by `FOURS` beside three others'.
#[inline(never)]
fn behind_by<const FOURS: bool>(units: &mut [Pair; UNIT_PAIRS], later: &[Layer<'_>]) -> i32 {
    let mut other = [0; UNIT_PAIRS];
    let (mut units, mut next) = (&mut *units, &mut other);
    let mut output = 0;
    for layer in later {
        let (mut weights, mut bias) = (layer.weights, layer.bias);
        let outputs = bias.len();
        let mut places = next.iter_mut();
        if FOURS {
            while let Some((four, left)) = bias.split_first_chunk::<4>() {
                let [a, b, c, d] = sums(units, weights, outputs, *four);
                for (pair, place) in [top_halves(a, b), top_halves(c, d)]
                    .into_iter()
                    .zip(&mut places)
                {
                    *place = pair;
                }
                bias = left;
                weights = weights.get(4..).unwrap_or_default();
            }
        }
        while let Some((two, left)) = bias.split_first_chunk::<2>() {
            let [a, b] = sums(units, weights, outputs, *two);
            if let Some(place) = places.next() {
                *place = top_halves(a, b);
            }
            bias = left;
            weights = weights.get(2..).unwrap_or_default();
        }
        // An odd number of units is the output.
        if let [bias] = bias {
            [output] = sums(units, weights, outputs, [*bias]);
        }
        core::mem::swap(&mut units, &mut next);
    }
    output
}

/// The sums of `N` units that stand beside each other, the first of which has the first of `weights`; a row of these
/// is of `outputs` units.
#[inline(always)]
fn sums<const N: usize>(
    units: &[Pair; UNIT_PAIRS],
    mut weights: &[Pair],
    outputs: usize,
    mut sums: [i32; N],
) -> [i32; N] {
    for pair in units {
        let Some(columns) = weights.first_chunk::<N>() else {
            break;
        };
        weights = weights.get(outputs..).unwrap_or_default();
        for (sum, w) in sums.iter_mut().zip(columns) {
            *sum = multiply_add(*w, *pair, *sum);
        }
    }
    sums
}
