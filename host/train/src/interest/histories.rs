//! Who rated what, in the order in which it was given.

use pocketrec_data::Ratings;

/// Everybody's training ratings in the order in which they were given; of equal times by movie.
pub(super) struct Histories {
    starts: Vec<usize>,
    pub(super) movies: Vec<u32>,
    times: Vec<u32>,
}

impl Histories {
    pub(super) fn new(ratings: &Ratings, rows: &[u32]) -> Self {
        let mut starts = vec![0usize; ratings.user_count() + 1];
        for &row in rows {
            starts[ratings.users[row as usize] as usize + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut next = starts.clone();
        let mut order = vec![0u32; rows.len()];
        for &row in rows {
            let at = &mut next[ratings.users[row as usize] as usize];
            order[*at] = row;
            *at += 1;
        }
        let key = |&row: &u32| (ratings.times[row as usize], ratings.movies[row as usize]);
        for user in starts.windows(2) {
            order[user[0]..user[1]].sort_unstable_by_key(key);
        }
        Self {
            movies: order
                .iter()
                .map(|&row| ratings.movies[row as usize])
                .collect(),
            times: order
                .iter()
                .map(|&row| ratings.times[row as usize])
                .collect(),
            starts,
        }
    }

    pub(super) fn people(&self) -> usize {
        self.starts.len() - 1
    }

    /// The movies that a person rated, the first first.
    pub(super) fn of(&self, user: usize) -> &[u32] {
        &self.movies[self.starts[user]..self.starts[user + 1]]
    }

    /// Those that were rated before `time`.
    pub(super) fn before(&self, user: usize, time: u32) -> &[u32] {
        let times = &self.times[self.starts[user]..self.starts[user + 1]];
        &self.of(user)[..times.partition_point(|&other| other < time)]
    }
}
