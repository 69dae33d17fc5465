//! Stored halves: what dense layer 0 makes of each movie's row, held in the image beside it.
//!
//! ```text
//! stored half, unit j:     m[j] = (Σ_i W[j][i] q[i] + 2^15) >> 16   |m| <= 2^14
//! the user's half:         half[j] = u[j] 2^16 + 2^15               u whole, -2^14 <= u < 2^14
//! dense layer 0:           h[j] = max(u[j] + m[j], 0)               in 16 bits
//! ```
//!
//! With such a user's half this is the h of the arithmetic without stored halves, to the bit: a movie's score is the
//! same from its row and from its stored half. What an image without them does otherwise is not to round the user's
//! half, by at most half a count of each unit.

use super::{MAX_HALF, Network, ROUND, UNIT_PAIRS, User, behind, behind_lesson};
use crate::MAX_UNITS;
use crate::kernels::{Kernel, ran};
use crate::numeric::dsp::{Pair, multiply_add, top_halves};
use crate::numeric::unroll::each;
use crate::numeric::walk::rows;

impl User {
    /// Rounds the user's half of dense layer 0, of so many units, to multiples of 2^16, [`ROUND`] added.
    #[inline(never)]
    pub(crate) fn round_half(&mut self, units: usize) {
        // `ROUND` is there already, so cutting rounds.
        let halves = self.half.get_mut(..units).unwrap_or_default();
        each(halves, &[(); MAX_UNITS], |half, ()| {
            *half = (*half).min(MAX_HALF - 1) & !0xffff | ROUND;
        });
    }
}

impl<'a> Network<'a> {
    /// The stored halves of the movies from `row` on; empty where the image has none.
    #[inline]
    pub(crate) fn stored_from(&self, row: usize) -> &'a [Pair] {
        row.checked_mul(self.steps.len() / 2)
            .and_then(|start| self.stored.get(start..))
            .unwrap_or_default()
    }

    /// As [`forward`](Self::forward), from the stored half of the movie of `row`; outside the table it is zeros.
    /// Apart, so that its stack isn't the others'.
    #[inline(never)]
    pub(crate) fn forward_stored(&self, half: &[i32; MAX_UNITS], row: usize) -> i32 {
        let found = self.stored_from(row).get(..self.steps.len() / 2);
        let stored = found.unwrap_or(&[0; UNIT_PAIRS]);
        let (halves, _) = half.as_chunks::<2>();
        let inputs = halves.iter().zip(stored);
        let units = |(half, stored): (&[i32; 2], &Pair)| {
            let [a, b] = *half;
            top_halves(
                a.wrapping_add((stored << 16) as i32),
                b.wrapping_add((stored & 0xffff_0000) as i32),
            )
        };
        let sum = match self.later() {
            [second, output] if second.bias.len() == 4 && output.bias.len() == 1 => {
                ran(Kernel::IntegerStored);
                behind_lesson(inputs, units, second, output)
            }
            later if cfg!(feature = "shapes") => {
                ran(Kernel::IntegerStoredLayers);
                let mut places = [0; UNIT_PAIRS];
                for (place, input) in places.iter_mut().zip(inputs) {
                    *place = units(input);
                }
                behind(&mut places, self.steps.len() / 2, later)
            }
            // The verifier has refused it.
            _ => 0,
        };
        sum.wrapping_shr(self.output_shift)
    }

    /// Whether `stored` is the half of dense layer 0 of a movie's row, to the bit. [`bounds`](Self::bounds) has
    /// excluded that a sum leaves 32 bits.
    #[inline(never)]
    pub(crate) fn is_half_of(&self, stored: &[Pair], row: &[Pair]) -> bool {
        let twos = rows(self.first, self.pairs.wrapping_mul(2));
        stored.iter().zip(twos).all(|(stored, weights)| {
            let (of_a, of_b) = weights.split_at_checked(self.pairs).unwrap_or_default();
            let [mut a, mut b] = [ROUND; 2];
            for ((wa, wb), q) in of_a.iter().zip(of_b).zip(row) {
                a = multiply_add(*wa, *q, a);
                b = multiply_add(*wb, *q, b);
            }
            *stored == (a as u32) >> 16 | (b as u32) & 0xffff_0000
        })
    }
}
