//! Which rows a batch touches, and which of its ratings touch each.
//!
//! A batch is sorted by user, so a user's ratings lie beside each other and a slot is a run of
//! them. A movie's are found by counting: each movie gets a slot, and slots are dealt out by how
//! many ratings they have, so that a processor guesses the numbers right. Either way the
//! gradients of equal rows are summed in the order of the ratings, whichever thread does it.
//!
//! Advice for whoever changes this: no step here branches on the data. With a branch on whether a
//! row has been met, the wrong guesses cost more than all the rest.

use std::ops::Range;

use super::super::Sample;

/// Slots of so many ratings and more are dealt out together.
const LONGEST: usize = 16;

/// A row that a batch touches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slot {
    /// The row.
    pub row: u32,
    /// Where its ratings start.
    pub first: u32,
    /// How many ratings of it the batch has.
    pub count: u32,
}

impl Slot {
    fn end(&self) -> usize {
        (self.first + self.count) as usize
    }
}

/// A batch, sorted by user, with its slots.
#[derive(Clone, Debug)]
pub struct Batch {
    samples: Vec<Sample>,
    users: Vec<Slot>,
    user_count: usize,
    movies: Vec<Slot>,
    movie_count: usize,
    /// The ratings, slot of movies by slot.
    order: Vec<u32>,
    /// Movies in order of first meeting; one more, for what must be written but isn't wanted.
    met: Vec<u32>,
    /// How many earlier ratings of its movie a rating has.
    rank: Vec<u32>,
}

/// What counts the ratings of each movie; all zeros between batches.
#[derive(Clone, Debug)]
pub struct Counts(Vec<u32>);

impl Counts {
    /// For a table of `rows`.
    pub fn new(rows: usize) -> Self {
        Self(vec![0; rows])
    }
}

impl Batch {
    /// Room for `length` ratings.
    pub fn new(length: usize) -> Self {
        Self {
            samples: Vec::with_capacity(length),
            users: vec![Slot::default(); length],
            user_count: 0,
            movies: vec![Slot::default(); length],
            movie_count: 0,
            order: vec![0; length],
            met: vec![0; length + 1],
            rank: vec![0; length],
        }
    }

    /// The ratings, sorted by user.
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// The users' slots, in the order of their ratings.
    pub fn users(&self) -> &[Slot] {
        &self.users[..self.user_count]
    }

    /// The movies' slots; their ratings are those that [`Batch::order`] has there.
    pub fn movies(&self) -> &[Slot] {
        &self.movies[..self.movie_count]
    }

    /// The ratings, movie by movie.
    pub fn order(&self) -> &[u32] {
        &self.order[..self.samples.len()]
    }

    /// The slots of users all of whose ratings lie in `range`.
    pub fn users_within(&self, range: Range<usize>) -> Range<usize> {
        let users = self.users();
        let start = users.partition_point(|slot| (slot.first as usize) < range.start);
        let end = users.partition_point(|slot| slot.end() <= range.end);
        start..end.max(start)
    }

    /// The slot of the user whose ratings lie on both sides of `border`, if there is one.
    pub fn user_across(&self, border: usize) -> Option<usize> {
        let slot = self.users().partition_point(|slot| slot.end() <= border);
        let across = |slot: &Slot| (slot.first as usize) < border;
        self.users().get(slot).is_some_and(across).then_some(slot)
    }

    /// Takes these ratings, sorts them unless they are sorted and finds their slots.
    ///
    /// # Panics
    /// When a movie is not one of the table's, or there isn't room for so many.
    pub fn prepare(&mut self, samples: &[Sample], counts: &mut Counts) {
        self.samples.clear();
        self.samples.extend_from_slice(samples);
        self.samples.sort_by_key(|sample| sample.user);
        self.find_users();
        self.find_movies(&mut counts.0);
    }

    fn find_users(&mut self) {
        let (mut count, mut first) = (0, 0);
        let mut rest = self.samples.iter().peekable();
        let mut end = 0;
        while let Some(sample) = rest.next() {
            end += 1;
            self.users[count] = Slot {
                row: sample.user,
                first,
                count: end - first,
            };
            let last = rest.peek().is_none_or(|next| next.user != sample.user);
            first = if last { end } else { first };
            count += usize::from(last);
        }
        self.user_count = count;
    }

    fn find_movies(&mut self, counts: &mut [u32]) {
        let mut met = 0;
        for (sample, rank) in self.samples.iter().zip(&mut self.rank) {
            let count = &mut counts[sample.movie as usize];
            *rank = *count;
            self.met[met] = sample.movie;
            met += usize::from(*count == 0);
            *count += 1;
        }
        self.movie_count = met;
        // A counting sort by the number of ratings, stable.
        let class = |count: u32| (count as usize).min(LONGEST);
        let mut places = [0usize; LONGEST + 2];
        for movie in &self.met[..met] {
            places[class(counts[*movie as usize]) + 1] += 1;
        }
        for length in 1..places.len() {
            places[length] += places[length - 1];
        }
        for movie in &self.met[..met] {
            let count = counts[*movie as usize];
            let place = &mut places[class(count)];
            self.movies[*place].row = *movie;
            self.movies[*place].count = count;
            *place += 1;
        }
        // From here on `counts` are where each movie's ratings start.
        let mut first = 0;
        for slot in &mut self.movies[..met] {
            slot.first = first;
            counts[slot.row as usize] = first;
            first += slot.count;
        }
        for (i, (sample, rank)) in self.samples.iter().zip(&self.rank).enumerate() {
            let place = counts[sample.movie as usize] + rank;
            self.order[place as usize] = i as u32;
        }
        for movie in &self.met[..met] {
            counts[*movie as usize] = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(batch: &mut Batch, counts: &mut Counts, rows: &[(u32, u32)]) {
        let sample = |(i, (user, movie)): (usize, &(u32, u32))| Sample {
            user: *user,
            movie: *movie,
            stars: i as f32,
        };
        let samples: Vec<Sample> = rows.iter().enumerate().map(sample).collect();
        batch.prepare(&samples, counts);
        let mut sorted = samples;
        sorted.sort_by_key(|sample| sample.user);
        assert_eq!(batch.samples(), sorted);

        let mut at = 0;
        for slot in batch.users() {
            assert_eq!(slot.first as usize, at);
            let of = |sample: &&Sample| sample.user == slot.row;
            assert_eq!(sorted.iter().filter(of).count(), slot.count as usize);
            assert!(sorted[at..slot.end()].iter().all(|s| s.user == slot.row));
            at = slot.end();
        }
        assert_eq!(at, sorted.len());

        let (mut at, mut fewest) = (0, 0);
        for slot in batch.movies() {
            assert_eq!(slot.first as usize, at);
            let due: Vec<u32> = (0..sorted.len() as u32)
                .filter(|i| sorted[*i as usize].movie == slot.row)
                .collect();
            assert_eq!(batch.order()[at..slot.end()], due);
            let class = due.len().min(LONGEST);
            assert!(class >= fewest && class > 0, "fewer ratings come first");
            (at, fewest) = (slot.end(), class);
        }
        assert_eq!(at, sorted.len());
        assert!(counts.0.iter().all(|count| *count == 0));

        for border in 0..=sorted.len() {
            let mut whole = batch.users_within(0..border).collect::<Vec<_>>();
            whole.extend(batch.user_across(border));
            whole.extend(batch.users_within(border..sorted.len()));
            assert_eq!(whole, (0..batch.users().len()).collect::<Vec<_>>());
            let inside = batch.users_within(border / 2..border);
            let inside: Vec<u32> = batch.users()[inside].iter().map(|slot| slot.row).collect();
            let mut due: Vec<u32> = sorted[border / 2..border].iter().map(|s| s.user).collect();
            due.dedup();
            let outside = |user: &u32| {
                let mut others = sorted[..border / 2].iter().chain(&sorted[border..]);
                !others.any(|sample| sample.user == *user)
            };
            due.retain(outside);
            assert_eq!(inside, due);
        }
    }

    #[test]
    fn every_rating_is_in_the_slots_of_its_rows_and_in_order() {
        let mut counts = Counts::new(10);
        let mut batch = Batch::new(40);
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
            check(&mut batch, &mut counts, rows);
        }
    }
}
