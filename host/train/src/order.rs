//! The order in which an epoch meets the training ratings.
//!
//! A shuffle of many ratings that goes through memory in one line: each rating is thrown into
//! one of some hundred buckets, and each bucket's are dealt out to the batches that it reaches
//! (Rao 1961, Sandelius 1962). Which ratings share a batch is even over all choices, a function of
//! the seed and the epoch, and the same for any number of threads. Within a batch they stay in
//! the order of users, since a step is the same in any: that saves the trainer a search.

use super::random::{Random, Stream};
use super::sample::Sample;
use pocketrec_base::pages;
use pocketrec_base::threads::share;

/// Ratings a bucket, about: 384 KB of them.
const BUCKET: usize = 32_768;
/// Most buckets, so that each one's open cache line and page are at hand.
const BUCKETS: usize = 512;
/// Pieces that threads throw into the buckets.
const PIECES: usize = 64;

/// The training ratings, and room for an epoch's order of them: 24 bytes a rating.
#[derive(Debug)]
pub struct Order {
    samples: Vec<Sample>,
    shuffled: Vec<Sample>,
    seed: u64,
    batch: usize,
    threads: usize,
}

impl Order {
    /// Takes the ratings, for batches of `batch` (at least 1), and sorts them by user unless they
    /// are sorted.
    pub fn new(mut samples: Vec<Sample>, seed: u64, batch: usize, threads: usize) -> Self {
        samples.sort_by_key(|sample| sample.user);
        Self {
            shuffled: pages::filled(samples.len(), |place| samples[place]),
            samples,
            seed,
            batch: batch.max(1),
            threads,
        }
    }

    /// The ratings in the order of `epoch`. Each batch is sorted by user, but for those that a
    /// border of two buckets runs through, whose two parts are.
    pub fn of_epoch(&mut self, epoch: usize) -> &[Sample] {
        let random = Random::new(self.seed, Stream::Order, epoch as u64);
        let count = self.samples.len();
        let buckets = (count / BUCKET).clamp(1, BUCKETS);
        let starts = self.throw(random, buckets);
        let mut rest = self.shuffled.as_mut_slice();
        let mut parts = Vec::new();
        for bucket in 0..buckets {
            let (part, after) = rest.split_at_mut(starts[bucket + 1] - starts[bucket]);
            parts.push((starts[bucket], part));
            rest = after;
        }
        let batch = self.batch;
        share(
            self.threads,
            parts,
            <(Vec<Sample>, Vec<u32>)>::default,
            |(thrown, batches), (start, part)| {
                thrown.clear();
                thrown.extend_from_slice(part);
                // The batch of each place, shuffled, is the batch that each rating is dealt to;
                // `places` are where each batch goes on.
                batches.clear();
                let mut places = Vec::new();
                let mut at = 0;
                while at < part.len() {
                    let next = part.len().min((start + at) / batch * batch + batch - start);
                    batches.extend(std::iter::repeat_n(places.len() as u32, next - at));
                    places.push(at);
                    at = next;
                }
                // Positions beyond the ratings' own give the numbers for this half.
                for last in (1..batches.len()).rev() {
                    let position = (count + start + last) as u64;
                    batches.swap(last, random.below(position, last as u64 + 1) as usize);
                }
                for (sample, batch) in thrown.iter().zip(batches) {
                    let place = &mut places[*batch as usize];
                    part[*place] = *sample;
                    *place += 1;
                }
            },
        );
        &self.shuffled
    }

    /// Throws every rating into its bucket and returns where each bucket starts.
    fn throw(&mut self, random: Random, buckets: usize) -> Vec<usize> {
        let count = self.samples.len();
        let length = count.div_ceil(PIECES).max(1);
        let bucket = |position: usize| random.below(position as u64, buckets as u64) as usize;
        let pieces: Vec<&[Sample]> = self.samples.chunks(length).collect();
        let mut places = vec![vec![0usize; buckets]; pieces.len()];
        share(
            self.threads,
            places.iter_mut().enumerate(),
            || (),
            |(), (piece, counts)| {
                for i in 0..pieces[piece].len() {
                    counts[bucket(piece * length + i)] += 1;
                }
            },
        );
        // From counts to the place where each piece starts in each bucket.
        let mut starts = vec![0; buckets + 1];
        let mut at = 0;
        for bucket in 0..buckets {
            starts[bucket] = at;
            for counts in &mut places {
                at += std::mem::replace(&mut counts[bucket], at);
            }
        }
        starts[buckets] = at;
        let to = Place(self.shuffled.as_mut_ptr());
        share(
            self.threads,
            places.iter_mut().enumerate(),
            || (),
            |(), (piece, places)| {
                for (i, sample) in pieces[piece].iter().enumerate() {
                    let place = &mut places[bucket(piece * length + i)];
                    // SAFETY: the counts give every rating a place of its own below `count`, which
                    // `shuffled` is long.
                    unsafe { to.at(*place).write(*sample) };
                    *place += 1;
                }
            },
        );
        starts
    }
}

/// Memory that threads write to at places of their own.
struct Place(*mut Sample);

// SAFETY: each place is written by one thread, see `throw`.
unsafe impl Sync for Place {}

impl Place {
    /// # Safety
    /// `place` must lie within the memory.
    unsafe fn at(&self, place: usize) -> *mut Sample {
        // SAFETY: by the caller's promise.
        unsafe { self.0.add(place) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(count: u32) -> Vec<Sample> {
        let sample = |user| Sample {
            user,
            movie: 0,
            stars: 1.0,
        };
        (0..count).map(sample).collect()
    }

    fn order(count: u32, seed: u64, epoch: usize, threads: usize) -> Vec<u32> {
        let mut order = Order::new(samples(count), seed, 700, threads);
        order.of_epoch(epoch + 1);
        order
            .of_epoch(epoch)
            .iter()
            .map(|sample| sample.user)
            .collect()
    }

    /// Small, for Miri.
    #[test]
    fn a_shuffle_of_few_ratings_has_each_of_them_whoever_writes_it() {
        let samples: Vec<Sample> = (0..150)
            .map(|user| Sample {
                user,
                movie: user % 7,
                stars: 3.0,
            })
            .collect();
        let [one, two] = [1, 2].map(|threads| {
            let mut order = Order::new(samples.clone(), 3, 40, threads);
            order.of_epoch(1).to_vec()
        });
        assert_eq!(one, two);
        let mut users: Vec<u32> = one.iter().map(|sample| sample.user).collect();
        users.sort_unstable();
        assert!((0..150).eq(users));
    }

    #[test]
    fn every_rating_comes_once_an_epoch_and_epochs_and_seeds_differ() {
        for count in [0, 1, 2, 1000, 100_003] {
            let mut sorted = order(count, 1, 1, 2);
            sorted.sort_unstable();
            assert_eq!(sorted, (0..count).collect::<Vec<_>>());
        }
        assert_ne!(order(1000, 1, 1, 1), order(1000, 1, 2, 1));
        assert_ne!(order(1000, 1, 1, 1), order(1000, 2, 1, 1));
    }

    #[test]
    fn batches_are_sorted_by_user_in_at_most_two_parts_and_any_two_users_meet() {
        let count = 40_000;
        // The last user's ratings first, so that sorting has something to do.
        let mut samples = samples(count);
        samples.reverse();
        let mut order = Order::new(samples, 3, 700, 2);
        let mut met = 0;
        for epoch in 0..20 {
            for batch in order.of_epoch(epoch).chunks(700) {
                let falls = batch.windows(2).filter(|two| two[0].user > two[1].user);
                assert!(falls.count() <= 1);
                let of = |user| batch.iter().any(|sample| sample.user == user);
                met += usize::from(of(0) && of(count - 1)) + usize::from(of(0) && of(1));
            }
        }
        // Each pair has one chance in 57 an epoch: 0.7 expected, and 7 most unlikely.
        assert!(met < 7, "{met}");
    }

    #[test]
    fn the_order_does_not_depend_on_threads_or_on_earlier_epochs() {
        let due = order(100_003, 5, 3, 1);
        for threads in [2, 3, 8] {
            assert_eq!(order(100_003, 5, 3, threads), due);
        }
        let mut other = Order::new(samples(100_003), 5, 700, 2);
        for epoch in [9, 1, 3] {
            other.of_epoch(epoch);
        }
        assert!(other.shuffled.iter().map(|sample| sample.user).eq(due));
    }

    #[test]
    fn a_rating_is_as_likely_to_come_early_as_late() {
        // Where the first hundred ratings of 40,000 come, over ten epochs.
        let mut order = Order::new(samples(40_000), 2, 700, 1);
        let mut sum = 0usize;
        for epoch in 0..10 {
            let shuffled = order.of_epoch(epoch);
            let places = shuffled
                .iter()
                .enumerate()
                .filter(|(_, sample)| sample.user < 100);
            sum += places.map(|(place, _)| place).sum::<usize>();
        }
        let mean = sum as f64 / 1000.0;
        // The mean of 1,000 even places has a standard deviation of 365.
        assert!((mean - 20_000.0).abs() < 1_500.0, "{mean}");
    }
}
