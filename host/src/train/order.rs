//! The order in which an epoch meets the training ratings.

use super::Sample;
use super::random::{Random, Stream};

/// Puts `samples` into the order of `epoch`, starting from whatever order they are in
/// (Fisher and Yates's shuffle).
pub fn shuffle(samples: &mut [Sample], seed: u64, epoch: usize) {
    let random = Random::new(seed, Stream::Order, epoch as u64);
    for last in (1..samples.len()).rev() {
        let other = random.below(last as u64, last as u64 + 1) as usize;
        samples.swap(last, other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rating_comes_once_an_epoch_and_epochs_differ() {
        let plain: Vec<_> = (0..1000)
            .map(|user| Sample {
                user,
                movie: 0,
                stars: 1.0,
            })
            .collect();
        let order = |seed, epoch| {
            let mut samples = plain.clone();
            shuffle(&mut samples, seed, epoch);
            samples.iter().map(|s| s.user).collect::<Vec<_>>()
        };
        let first = order(1, 0);
        assert_eq!(first, order(1, 0));
        assert_ne!(first, order(1, 1));
        assert_ne!(first, order(2, 0));
        let mut sorted = first;
        sorted.sort_unstable();
        assert_eq!(sorted, (0..1000).collect::<Vec<_>>());
    }
}
