//! Which rows a batch touches, and how it is cut.
//!
//! A batch is sorted by user, so a user's ratings lie beside each other: a run. It is cut into
//! shards between runs. Movies are given slots in the order in which they are first met, and each
//! rating is told its movie's slot; so a shard has none of the slots that later shards begin.
//!
//! Advice for whoever changes this: no step here branches on the data. With a branch on whether a
//! row has been met, the wrong guesses cost more than all the rest.

use std::ops::Range;

use super::super::sample::Sample;
use super::super::simd::prefetch;

/// Samples that a shard has, at least about.
pub const SHARD: usize = 2_048;
/// Ratings that are given their slots between two looks at whether there is something better to do.
const PIECE: usize = 512;
/// Most shards a batch; beyond, they have more samples.
pub const SHARDS: usize = 8;

/// What a batch's ratings touch.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The ratings sorted by user, where they didn't come so.
    sorted: Vec<Sample>,
    /// The slot of each rating's movie.
    slots: Vec<u32>,
    slot_count: usize,
    /// The movie of each slot; one more, for what must be written but isn't wanted.
    movies: Vec<u32>,
    movie_count: usize,
    shard_count: usize,
    /// Where each shard's ratings start, and where the last one's end.
    cuts: [usize; SHARDS + 1],
    /// How many slots had been given before each shard, and in all.
    given: [usize; SHARDS + 1],
    /// How many ratings each slot has, where that is wanted.
    counts: Vec<u32>,
    /// How far the ratings have been given slots, and whether nothing is left to prepare.
    reached: usize,
    ready: bool,
}

/// One more than the slot of each movie, 0 for none; all zeros between batches.
#[derive(Clone, Debug)]
pub struct Places(Vec<u32>);

impl Places {
    /// For a table of `rows`.
    pub fn new(rows: usize) -> Self {
        Self(vec![0; rows])
    }
}

/// How many shards a batch of that size is cut into: a matter of its size alone.
pub fn shard_count(batch: usize) -> usize {
    (batch / SHARD).clamp(1, SHARDS)
}

/// Where the run that has `samples[place]` starts, or `place` itself at the end of all.
pub fn run_start(samples: &[Sample], place: usize) -> usize {
    let Some(sample) = samples.get(place) else {
        return samples.len();
    };
    let before = samples[..place].iter().rev();
    place - before.take_while(|other| other.user == sample.user).count()
}

/// Whether they are sorted by user. It is the first look at a batch, which comes from memory: what
/// follows is asked for some pages ahead, since a processor doesn't guess beyond the page that it is in.
fn are_sorted(samples: &[Sample]) -> bool {
    const AHEAD: usize = 1_024;
    const STEP: usize = 16;
    let mut last = 0;
    let mut sorted = true;
    for part in samples.chunks(STEP) {
        let ahead = part.as_ptr().wrapping_add(AHEAD).cast::<f32>();
        for line in 0..size_of::<[Sample; STEP]>().div_ceil(64) {
            prefetch(ahead.wrapping_add(line * 16));
        }
        for sample in part {
            sorted &= last <= sample.user;
            last = sample.user;
        }
    }
    sorted
}

impl Batch {
    /// Room for `length` ratings; `counted` where the ratings of each slot are to be counted.
    pub fn new(length: usize, counted: bool) -> Self {
        Self {
            sorted: Vec::new(),
            slots: vec![0; length],
            slot_count: 0,
            movies: vec![0; length + 1],
            movie_count: 0,
            shard_count: 1,
            cuts: [0; SHARDS + 1],
            given: [0; SHARDS + 1],
            counts: vec![0; if counted { length } else { 0 }],
            reached: 0,
            ready: true,
        }
    }

    /// The ratings sorted by user, given those that the batch was prepared from.
    pub fn samples<'a>(&'a self, given: &'a [Sample]) -> &'a [Sample] {
        if self.sorted.is_empty() {
            given
        } else {
            &self.sorted
        }
    }

    /// The slot of the movie of each of [`Batch::samples`].
    pub fn slots(&self) -> &[u32] {
        &self.slots[..self.slot_count]
    }

    /// The movie of each slot.
    pub fn movies(&self) -> &[u32] {
        &self.movies[..self.movie_count]
    }

    /// The ratings of a shard. No user's are in two.
    pub fn shard(&self, shard: usize) -> Range<usize> {
        self.cuts[shard]..self.cuts[shard + 1]
    }

    /// How many slots were given before each shard, and in all.
    pub fn given(&self) -> &[usize] {
        &self.given[..=self.shard_count]
    }

    /// How many ratings each slot has; empty where they aren't counted.
    pub fn counts(&self) -> &[u32] {
        let count = self.movie_count.min(self.counts.len());
        &self.counts[..count]
    }

    /// Sorts these ratings unless they are sorted, and gives slots to their movies.
    ///
    /// # Panics
    /// When a movie is not one of the table's, or there isn't room for so many.
    pub fn prepare(&mut self, samples: &[Sample], places: &mut Places) {
        self.begin();
        while self.go_on(samples, places) {}
    }

    /// Forgets the ratings that it was prepared from, to be prepared from others.
    pub fn begin(&mut self) {
        self.sorted.clear();
        (self.slot_count, self.movie_count) = (0, 0);
        (self.reached, self.ready) = (0, false);
    }

    /// Does some of [`Batch::prepare`], and returns whether more is left. The ratings must be the
    /// same each time, and `places` nobody else's meanwhile.
    ///
    /// # Panics
    /// As there.
    pub fn go_on(&mut self, given: &[Sample], places: &mut Places) -> bool {
        if self.ready {
            return false;
        }
        if self.reached == 0 && self.slot_count == 0 {
            self.cut(given);
        }
        let samples = if self.sorted.is_empty() {
            given
        } else {
            &self.sorted
        };
        let (start, cuts) = (self.reached, &self.cuts[1..=self.shard_count]);
        let next_cut = cuts.iter().copied().find(|cut| *cut > start);
        let end = next_cut.unwrap_or(start).min(start + PIECE);
        let mut met = self.movie_count as u32;
        let slots = self.slots[start..end].iter_mut();
        for (sample, slot) in samples[start..end].iter().zip(slots) {
            let place = &mut places.0[sample.movie as usize];
            let known = *place;
            let new = u32::from(known == 0);
            self.movies[met as usize] = sample.movie;
            met += new;
            // `known` is 0 for a new one: no choice, and so no branch.
            let now = known + met * new;
            *place = now;
            *slot = now - 1;
        }
        for (cut, given) in cuts.iter().zip(&mut self.given[1..]) {
            if *cut == end {
                *given = met as usize;
            }
        }
        (self.reached, self.movie_count) = (end, met as usize);
        if end < samples.len() {
            return true;
        }
        self.finish(places);
        false
    }

    /// Sorts the ratings unless they are sorted, and cuts them into shards.
    fn cut(&mut self, given: &[Sample]) {
        let mut samples = given;
        if !are_sorted(given) {
            self.sorted.extend_from_slice(given);
            self.sorted.sort_by_key(|sample| sample.user);
            samples = &self.sorted;
        }
        self.slot_count = samples.len();
        self.shard_count = shard_count(samples.len());
        self.given = [0; SHARDS + 1];
        for cut in 0..=self.shard_count {
            let even = samples.len() * cut / self.shard_count;
            self.cuts[cut] = run_start(samples, even);
        }
    }

    /// What is left when every rating has its slot.
    fn finish(&mut self, places: &mut Places) {
        let met = self.movie_count;
        for movie in &self.movies[..met] {
            places.0[*movie as usize] = 0;
        }
        if !self.counts.is_empty() {
            self.counts[..met].fill(0);
            for slot in &self.slots[..self.slot_count] {
                self.counts[*slot as usize] += 1;
            }
        }
        self.ready = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(batch: &mut Batch, places: &mut Places, rows: &[(u32, u32)]) {
        let sample = |(i, (user, movie)): (usize, &(u32, u32))| Sample {
            user: *user,
            movie: *movie,
            stars: i as f32,
        };
        let given: Vec<Sample> = rows.iter().enumerate().map(sample).collect();
        batch.prepare(&given, places);
        let mut sorted = given.clone();
        sorted.sort_by_key(|sample| sample.user);
        let samples = batch.samples(&given);
        assert_eq!(samples, sorted);

        assert_eq!(batch.slots().len(), sorted.len());
        for (sample, slot) in samples.iter().zip(batch.slots()) {
            assert_eq!(batch.movies()[*slot as usize], sample.movie);
        }
        let mut movies = batch.movies().to_vec();
        movies.sort_unstable();
        movies.dedup();
        assert_eq!(movies.len(), batch.movies().len(), "a movie has one slot");
        for (movie, count) in batch.movies().iter().zip(batch.counts()) {
            let due = sorted.iter().filter(|sample| sample.movie == *movie);
            assert_eq!(due.count(), *count as usize);
        }
        assert_eq!(batch.counts().len(), movies.len());
        assert!(places.0.iter().all(|place| *place == 0));

        let shards = shard_count(sorted.len());
        assert_eq!(batch.given().len(), shards + 1);
        assert_eq!(batch.given()[shards], movies.len());
        let mut at = 0;
        for shard in 0..shards {
            let range = batch.shard(shard);
            assert_eq!(range.start, at);
            at = range.end;
            if (1..sorted.len()).contains(&at) {
                assert_ne!(
                    sorted[at - 1].user,
                    sorted[at].user,
                    "a user is in two shards"
                );
            }
            let met: std::collections::BTreeSet<u32> =
                samples[..at].iter().map(|sample| sample.movie).collect();
            assert_eq!(batch.given()[shard + 1], met.len());
            let slots = &batch.slots()[range];
            assert!(slots.iter().all(|slot| (*slot as usize) < met.len()));
        }
        assert_eq!(at, sorted.len());

        for place in (0..=sorted.len()).step_by(sorted.len() / 50 + 1) {
            let start = run_start(samples, place);
            let same = |i: usize| sorted[i].user == sorted[place].user;
            assert!((start..place).all(same));
            assert!(start == 0 || place == sorted.len() || !same(start - 1));
            assert!(place < sorted.len() || start == place);
        }
    }

    #[test]
    fn long_batches_are_cut_between_users() {
        let mut places = Places::new(1_000);
        for (users, count) in [(1, 5_000), (3, 2_048), (900, 5_000), (50, 20_000)] {
            let mut batch = Batch::new(count as usize, true);
            let row = |i: u32| (i * i % 7_919 % users, i * 31 % 977 * i % 1_000);
            check(
                &mut batch,
                &mut places,
                &(0..count).map(row).collect::<Vec<_>>(),
            );
        }
        assert_eq!(
            [0, 5_000, 1 << 20].map(shard_count),
            [1, 5_000 / SHARD, SHARDS]
        );
    }

    #[test]
    fn a_batch_is_prepared_a_piece_at_a_time() {
        let sample = |i: u32| Sample {
            user: i / 3,
            movie: i * 7 % 50,
            stars: 1.0,
        };
        let samples: Vec<Sample> = (0..5_000).map(sample).collect();
        let mut places = Places::new(50);
        let mut batch = Batch::new(samples.len(), false);
        batch.prepare(&samples, &mut places);
        assert!(!batch.go_on(&samples, &mut places), "it was ready");
        let whole = batch.clone();
        // Each shard ends a piece too.
        let pieces = 2 * 2_500usize.div_ceil(PIECE);
        batch.begin();
        for piece in 1..=pieces {
            assert_eq!(batch.go_on(&samples, &mut places), piece < pieces);
        }
        assert_eq!(batch.slots(), whole.slots());
        assert_eq!(batch.movies(), whole.movies());
        assert_eq!(batch.given(), whole.given());
    }

    #[test]
    fn every_rating_has_the_slot_of_its_movie() {
        let mut places = Places::new(10);
        let mut batch = Batch::new(40, true);
        let long: Vec<(u32, u32)> = (0..40)
            .map(|i| (i * i % 11, [5, 5, 5, i % 7][i as usize % 4]))
            .collect();
        for rows in [
            &[(3, 9), (7, 0), (3, 9), (0, 1), (7, 3), (3, 9)][..],
            &[(7, 2), (7, 2)],
            &[],
            &[(9, 4), (3, 5)],
            &long,
            &[(1, 0)],
        ] {
            check(&mut batch, &mut places, rows);
        }
    }
}
