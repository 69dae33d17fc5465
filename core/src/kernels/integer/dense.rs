//! Integer scoring of any shape by the kernel of [`layers`].

use core::mem::MaybeUninit;

use super::{Layer, Network, UNIT_PAIRS};
use crate::kernels::dsp::layers;
use crate::numeric::dsp::{Pair, multiply_add};
use crate::{MAX_LAYERS, MAX_UNITS};

impl Network<'_> {
    /// Any shape that an image may have.
    /// Apart, so that its registers and stack are not the lesson's.
    #[inline(never)]
    pub(super) fn any(&self, half: &[i32; MAX_UNITS], row: &[Pair], later: &[Layer<'_>]) -> i32 {
        let mut places = [MaybeUninit::uninit(); UNIT_PAIRS];
        let half = half.get(..self.steps.len()).unwrap_or_default();
        let units = layers::rows(self.first, row, half, &mut places);
        through(units, later)
    }
}

/// The layers behind dense layer 0, whose units are the first `pairs` of `units`.
#[inline]
pub(super) fn behind(units: &mut [Pair; UNIT_PAIRS], pairs: usize, later: &[Layer<'_>]) -> i32 {
    through(units.get(..pairs).unwrap_or_default(), later)
}

#[inline(never)]
fn through(units: &[Pair], later: &[Layer<'_>]) -> i32 {
    let mut units = units;
    let mut places = [[MaybeUninit::uninit(); UNIT_PAIRS]; MAX_LAYERS - 2];
    let mut places = places.iter_mut();
    for layer in later {
        // One unit is the output.
        if let [bias] = layer.bias {
            let pairs = layer.weights.iter().zip(units);
            return pairs.fold(*bias, |sum, (w, pair)| multiply_add(*w, *pair, sum));
        }
        let Some(places) = places.next() else { break };
        units = layers::columns(layer.weights, units, layer.bias, places);
    }
    0
}
