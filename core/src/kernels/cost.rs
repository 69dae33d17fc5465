//! About how long work with a model takes, to cut it into slices of some milliseconds: near enough that a slice is at most
//! a few times as long as it should be. What a board's bill says comes from counts (`bench/snapshot.txt`), with which a
//! test of the PC's side compares these.

use super::{Machine, Shape};
use crate::MAX_LAYERS;

/// Clock cycles of a core, about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Costs {
    /// A movie of a ranking.
    pub ranked: u32,
    /// A movie of a list in another order than that of scores.
    pub sorted: u32,
    /// A movie that another is compared with.
    pub compared: u32,
    /// A rating that is folded in.
    pub rating: u32,
}

/// A movie's sixteen look-ups in tables of which movies belong together, or as many of them as matter.
const LOOKED_UP: u32 = 150;
/// A movie compared by such look-ups with one whose terms are made first, all in all.
const COMPARED_BY_KIN: u32 = 150;

impl Costs {
    /// Those of a `shape` on a `machine`; one without a floating-point unit computes in software.
    pub fn of(shape: &Shape<'_>, machine: Machine) -> Self {
        let dim = shape.movie_dim as u32;
        // Every layer's multiply-adds, of the first the movie's half.
        let mut layers = 0_u32;
        let mut inputs = dim;
        for units in shape.units.iter().take(MAX_LAYERS) {
            let units = *units as u32;
            layers = layers.saturating_add(inputs.saturating_mul(units));
            inputs = units;
        }
        let dot = if shape.dot { dim } else { 0 };
        let products = layers.saturating_add(dot);
        // What a movie takes beside its products, and each of these.
        let (movie, product) = match (shape.movies.is_integer(), machine) {
            // Before an MLP what bounds them is, and few go into it.
            _ if cfg!(any(feature = "codes-mlp", not(target_os = "none")))
                && shape.codes
                && !shape.units.is_empty() =>
            {
                (if machine.dsp { 45 } else { 100 }, 0)
            }
            // Sums of codewords are looked up, however many dimensions they have, of the few movies that are known to enough.
            _ if shape.codes => (if machine.dsp { 15 } else { 30 }, 0),
            (true, Machine { dsp: true, .. }) => (80, 2),
            (true, _) => (550, 12),
            (false, Machine { float: true, .. }) => (100, 5),
            (false, _) => (1_000, 400),
        };
        // Learning and cosines are in single precision whatever the tables are in.
        let (cosine, belief, gradient) = match machine.float {
            true => (20, 40, 20),
            false => (2_200, 850, 1_800),
        };
        // A movie by itself, twice over.
        let plain = match (shape.movies.is_integer(), machine.float) {
            (false, false) => 1_800,
            _ => 40,
        };
        // The belief in a row and its bias is a matrix.
        let side = (shape.user_dim as u32).saturating_add(1);
        let belief = side.saturating_mul(side).saturating_mul(belief);
        Self {
            ranked: products.saturating_mul(product).saturating_add(movie),
            sorted: products.saturating_mul(plain).saturating_add(1_000),
            compared: dim.saturating_mul(cosine),
            rating: layers.saturating_mul(gradient).saturating_add(belief),
        }
    }

    /// As they are where movies are compared by tables of which belong together, in integers.
    pub const fn with_kin(self) -> Self {
        Self {
            compared: COMPARED_BY_KIN,
            ..self
        }
    }

    /// As they are where a ranking looks up, beside a score, how much a movie belongs to what somebody looks for.
    pub const fn with_interest(self) -> Self {
        // Where most movies are passed over, so are their look-ups.
        let few = self.ranked.saturating_mul(2);
        let more = if few < LOOKED_UP { few } else { LOOKED_UP };
        Self {
            ranked: self.ranked.saturating_add(more),
            ..self
        }
    }

    /// How many things of `cost` cycles a poll of `cycles` takes: one at least.
    pub fn slice(cycles: u32, cost: u32) -> u32 {
        cycles.checked_div(cost).unwrap_or(1).max(1)
    }
}
