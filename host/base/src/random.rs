//! Random numbers that are the same on every machine.

use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::{Rng, SeedableRng};

/// What SplitMix64 adds to its state a step: 2^64 over the golden ratio, odd.
pub const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The output function of SplitMix64 (Steele, Lea and Flood 2014): a bijection of 64 bits in which each input bit moves
/// about half of the output's. 0 stays 0.
pub fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// A hash of 64 bits to 64, which withstands no forgery.
pub fn hash(bits: u64) -> u64 {
    mix(bits.wrapping_add(GOLDEN))
}

/// Below `limit`, evenly: the high half of the product with 64 random bits (Lemire 2019, whose bias at limits of a few
/// million is below one part in 10^12).
pub fn below(bits: u64, limit: u64) -> u64 {
    ((u128::from(bits) * u128::from(limit)) >> 64) as u64
}

/// One random number after the other (PCG, O'Neill 2014).
#[derive(Clone, Debug)]
pub struct Sequence(Pcg64Mcg);

impl Sequence {
    /// The sequence of a seed.
    pub fn new(seed: u64) -> Self {
        Self(Pcg64Mcg::seed_from_u64(seed))
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        below(self.bits(), limit as u64) as usize
    }

    /// Evenly from 0 to 1 (left out).
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Fisher and Yates's shuffle (Knuth, The Art of Computer Programming 2, 3.4.2, algorithm P).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

/// A hash of many bytes, eight sums side by side: none waits for another.
pub fn digest(bytes: &[u8]) -> u64 {
    let mut sums = [1; 8];
    let (blocks, rest) = bytes.as_chunks::<64>();
    for block in blocks {
        for (sum, eight) in sums.iter_mut().zip(block.as_chunks().0) {
            *sum = hash(*sum ^ u64::from_le_bytes(*eight));
        }
    }
    let rest = rest.iter().copied().map(u64::from);
    let all = sums.into_iter().chain(rest);
    all.fold(bytes.len() as u64, |sum, next| hash(sum ^ next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_that_were_published() {
        // The first two of SplitMix64 from state 1234567, as many implementations are checked with.
        let state = 1_234_567u64;
        assert_eq!(hash(state), 6_457_827_717_110_365_317);
        assert_eq!(hash(state.wrapping_add(GOLDEN)), 3_203_168_211_198_807_973);
    }

    #[test]
    fn a_seed_has_its_own_numbers_within_their_limits_and_a_shuffle_keeps_all_items() {
        let mut random = Sequence::new(7);
        let mut again = Sequence::new(7);
        assert_ne!(Sequence::new(8).bits(), random.clone().bits());
        for limit in 1..200 {
            let number = random.below(limit);
            assert!(number < limit && number == again.below(limit));
            assert!((0.0..1.0).contains(&random.unit()));
            again.unit();
        }
        let mut items: Vec<u32> = (0..50).collect();
        random.shuffle(&mut items);
        assert!(!items.is_sorted());
        items.sort_unstable();
        assert!((0..50).eq(items));
    }
}
