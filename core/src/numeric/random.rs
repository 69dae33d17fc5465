//! Numbers for tests, from a seed: Knuth's linear congruential generator, of which the upper bits are taken.

use std::vec::Vec;

pub(crate) struct Numbers(pub u64);

impl Numbers {
    pub(crate) fn bits(&mut self) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 32) as u32
    }

    /// A whole number below `limit`, at most 2^31.
    pub(crate) fn below(&mut self, limit: u32) -> u32 {
        (self.bits() >> 1) % limit
    }

    /// A whole number of at most `largest`, either way.
    pub(crate) fn sixteen(&mut self, largest: u32) -> i16 {
        (self.below(2 * largest + 1) as i32 - largest as i32) as i16
    }

    /// A number of at most `scale`, either way.
    pub(crate) fn single(&mut self, scale: f32) -> f32 {
        (self.bits() as f32 / (1_u32 << 31) as f32 - 1.0) * scale
    }

    pub(crate) fn singles(&mut self, count: usize, scale: f32) -> Vec<f32> {
        (0..count).map(|_| self.single(scale)).collect()
    }
}
