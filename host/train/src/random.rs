//! Seeded random numbers that are the same on every machine and for any number of threads.
//!
//! Numbers are a function of a seed, a stream and a position (SplitMix64's output function), so any part of a table can be filled without the rest.

use pocketrec_base::random::{GOLDEN, below, mix};

/// Streams keep the uses of one seed apart.
#[derive(Clone, Copy, Debug)]
pub enum Stream {
    /// The user table's initial values.
    UserTable = 1,
    /// The movie table's initial values.
    MovieTable = 2,
    /// The order of ratings, an epoch at a time.
    Order = 3,
    /// Initial weights of the dense layers; a part is a layer.
    Layers = 4,
    /// The movies' interests before the first sweep; part 1 the codebook's first rows.
    Interest = 5,
    /// The codewords that books start from; a part is a book.
    Codes = 6,
}

/// Random numbers by position.
#[derive(Clone, Copy, Debug)]
pub struct Random {
    key: u64,
}

impl Random {
    /// The numbers of one stream; `part` tells apart layers or epochs within it.
    pub fn new(seed: u64, stream: Stream, part: u64) -> Self {
        let stream = mix(seed ^ GOLDEN).wrapping_add((stream as u64).wrapping_mul(GOLDEN));
        Self {
            key: mix(mix(stream).wrapping_add(part.wrapping_mul(GOLDEN))),
        }
    }

    /// 64 random bits at `position`.
    pub fn bits(self, position: u64) -> u64 {
        mix(self.key.wrapping_add(position.wrapping_mul(GOLDEN)))
    }

    /// A number drawn evenly from `[-bound, bound)` at `position`.
    pub fn symmetric(self, position: u64, bound: f32) -> f32 {
        let unit = (self.bits(position) >> 40) as f32 * (1.0 / 16_777_216.0);
        (unit * 2.0 - 1.0) * bound
    }

    /// An integer below `limit` at `position`.
    pub fn below(self, position: u64, limit: u64) -> u64 {
        below(self.bits(position), limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_and_parts_differ_and_repeat() {
        let a = Random::new(7, Stream::UserTable, 0);
        assert_eq!(a.bits(5), Random::new(7, Stream::UserTable, 0).bits(5));
        for other in [
            Random::new(8, Stream::UserTable, 0),
            Random::new(7, Stream::MovieTable, 0),
            Random::new(7, Stream::UserTable, 5),
        ] {
            assert_ne!(a.bits(5), other.bits(5));
        }
    }

    #[test]
    fn numbers_fill_their_range_evenly() {
        let random = Random::new(1, Stream::Order, 0);
        let mut buckets = [0u32; 10];
        let mut sum = 0.0f64;
        for position in 0..100_000 {
            let value = random.symmetric(position, 0.05);
            assert!((-0.05..0.05).contains(&value));
            sum += f64::from(value);
            buckets[random.below(position, 10) as usize] += 1;
        }
        assert!((sum / 100_000.0).abs() < 5e-4);
        for count in buckets {
            assert!((9_500..10_500).contains(&count), "{buckets:?}");
        }
    }
}
