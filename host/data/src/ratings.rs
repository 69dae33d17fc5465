//! Ratings in memory: who gave which movie how many stars, and when.

use std::ops::Range;

use super::Scale;
use pocketrec_base::random::hash;
use pocketrec_base::threads::{for_memory, in_parts, share};

/// Ratings as four parallel columns, users and movies as dense rows.
///
/// A row is the rank of a MovieLens id among the ids that occur, so `user_ids` and `movie_ids` ascend and
/// `user_ids[users[i]]` is the id that the file had. No pair of user and movie occurs twice. Memory is 16 bytes
/// a rating and 4 bytes an id.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ratings {
    /// MovieLens id of each user row, ascending.
    pub user_ids: Vec<u32>,
    /// MovieLens id of each movie row, ascending.
    pub movie_ids: Vec<u32>,
    /// User row of each rating.
    pub users: Vec<u32>,
    /// Movie row of each rating.
    pub movies: Vec<u32>,
    /// Stars of each rating.
    pub stars: Vec<f32>,
    /// When each rating was given, in seconds since 1970 (UTC).
    pub times: Vec<u32>,
}

/// Numbers of ratings by user, each user's in the order in which they were given. Memory is 4 bytes a rating.
#[derive(Debug, Clone, PartialEq)]
pub struct InOrder {
    starts: Vec<usize>,
    ratings: Vec<u32>,
}

impl InOrder {
    /// Number of users, those without ratings among them.
    pub fn users(&self) -> usize {
        self.starts.len() - 1
    }

    /// One user's.
    pub fn of(&self, user: usize) -> &[u32] {
        &self.ratings[self.starts[user]..self.starts[user + 1]]
    }

    /// Each user's.
    pub fn each(&self) -> impl ExactSizeIterator<Item = &[u32]> {
        self.starts
            .windows(2)
            .map(|pair| &self.ratings[pair[0]..pair[1]])
    }
}

impl Ratings {
    /// Number of ratings.
    pub fn len(&self) -> usize {
        self.stars.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.stars.is_empty()
    }

    /// Number of distinct users.
    pub fn user_count(&self) -> usize {
        self.user_ids.len()
    }

    /// Number of distinct movies that somebody rated.
    pub fn movie_count(&self) -> usize {
        self.movie_ids.len()
    }

    /// What sorts ratings by time: when the rating of a number was given, and of equal times its movie's row.
    pub fn when(&self, rating: u32) -> (u32, u32) {
        (self.times[rating as usize], self.movies[rating as usize])
    }

    /// The ratings with these numbers by user, each user's in the order in which they were given; of equal times by movie.
    pub fn in_order(&self, ratings: impl Iterator<Item = u32> + Clone) -> InOrder {
        let mut starts = vec![0usize; self.user_count() + 1];
        for rating in ratings.clone() {
            starts[self.users[rating as usize] as usize + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut next = starts.clone();
        let mut all = vec![0u32; starts[starts.len() - 1]];
        for rating in ratings {
            let next = &mut next[self.users[rating as usize] as usize];
            all[*next] = rating;
            *next += 1;
        }
        /// Users that a thread takes at a time.
        const USERS: usize = 1_024;
        let mut parts = Vec::new();
        let mut rest = &mut all[..];
        let mut done = 0;
        for first in (0..self.user_count()).step_by(USERS) {
            let starts = &starts[first..(first + USERS + 1).min(starts.len())];
            let (some, others) = rest.split_at_mut(starts[starts.len() - 1] - done);
            parts.push((starts, some));
            (rest, done) = (others, done + parts[parts.len() - 1].1.len());
        }
        // What is compared stands in one number, so that nothing is looked up while sorting.
        let key = |rating: u32| {
            let (time, movie) = self.when(rating);
            u128::from(time) << 64 | u128::from(movie) << 32 | u128::from(rating)
        };
        let sort = |keys: &mut Vec<u128>, (starts, some): (&[usize], &mut [u32])| {
            for pair in starts.windows(2) {
                let own = &mut some[pair[0] - starts[0]..pair[1] - starts[0]];
                keys.clear();
                keys.extend(own.iter().map(|&rating| key(rating)));
                keys.sort_unstable();
                for (rating, key) in own.iter_mut().zip(&*keys) {
                    *rating = *key as u32;
                }
            }
        };
        share(for_memory(), parts, Vec::new, sort);
        InOrder {
            starts,
            ratings: all,
        }
    }

    /// The row of a user's MovieLens id, if that user rated anything. O(log users).
    pub fn user_row(&self, id: u32) -> Option<u32> {
        self.user_ids.binary_search(&id).ok().map(|row| row as u32)
    }

    /// The row of a movie's MovieLens id, if anybody rated it. O(log movies).
    pub fn movie_row(&self, id: u32) -> Option<u32> {
        self.movie_ids.binary_search(&id).ok().map(|row| row as u32)
    }

    /// Those of given users and movies alone, in rows that are places in the given ids, which ascend. O(ratings).
    pub fn of_rows(&self, user_ids: &[u32], movie_ids: &[u32]) -> Ratings {
        let places = |own: &[u32], wanted: &[u32]| -> Vec<Option<u32>> {
            let place = |id| wanted.binary_search(id).ok().map(|row| row as u32);
            own.iter().map(place).collect()
        };
        let users = places(&self.user_ids, user_ids);
        let movies = places(&self.movie_ids, movie_ids);
        let mut found = Ratings {
            user_ids: user_ids.to_vec(),
            movie_ids: movie_ids.to_vec(),
            ..Ratings::default()
        };
        for i in 0..self.len() {
            let pair = (
                users[self.users[i] as usize],
                movies[self.movies[i] as usize],
            );
            if let (Some(user), Some(movie)) = pair {
                found.users.push(user);
                found.movies.push(movie);
                found.stars.push(self.stars[i]);
                found.times.push(self.times[i]);
            }
        }
        found
    }

    /// A fingerprint of the content: ids, stars and times, whatever the order of the ratings.
    ///
    /// Each rating is hashed to 64 bits ([`hash`]) and the sum, modulo
    /// 2^64, is hashed once more with the count. It tells data sets apart; it doesn't withstand forgery. O(ratings).
    pub fn fingerprint(&self) -> u64 {
        let sum = |range: Range<usize>| {
            range.fold(0u64, |sum, i| {
                let user = self.user_ids[self.users[i] as usize];
                let movie = self.movie_ids[self.movies[i] as usize];
                let pair = hash(u64::from(user) << 32 | u64::from(movie));
                let rest = u64::from(self.stars[i].to_bits()) << 32 | u64::from(self.times[i]);
                sum.wrapping_add(hash(pair ^ rest))
            })
        };
        let sum = in_parts(self.len(), sum)
            .into_iter()
            .fold(0u64, u64::wrapping_add);
        hash(sum ^ hash(self.len() as u64))
    }

    /// Smallest and largest stars and the step between them.
    pub fn scale(&self) -> Scale {
        Scale::of(&self.stars)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybodys_ratings_are_put_in_order_and_equal_times_by_movie() {
        let ratings = Ratings {
            user_ids: vec![4, 7, 9],
            movie_ids: vec![1, 3, 5],
            users: vec![0, 2, 2, 0, 2],
            movies: vec![0, 2, 1, 1, 0],
            stars: vec![1.0; 5],
            times: vec![30, 20, 20, 10, 40],
        };
        let ordered = ratings.in_order(0..5);
        assert!(ordered.each().eq([&[3, 0][..], &[], &[2, 1, 4]]));
        assert_eq!((ordered.users(), ordered.of(2)), (3, &[2, 1, 4][..]));
    }

    #[test]
    fn many_people_are_put_in_order_as_one_is() {
        let mut random = pocketrec_base::random::Sequence::new(7);
        let (users, movies) = (3_000u32, 40u32);
        let mut ratings = Ratings {
            user_ids: (0..users).collect(),
            movie_ids: (0..movies).collect(),
            ..Ratings::default()
        };
        for at in 0..20_000u32 {
            ratings.users.push(at.wrapping_mul(7919) % users);
            ratings.movies.push(random.below(movies as usize) as u32);
            ratings.stars.push(1.0);
            ratings.times.push(random.below(5) as u32);
        }
        let some = (0..20_000).filter(|row| row % 3 != 0);
        let found = ratings.in_order(some.clone());
        for user in 0..users {
            let mut due: Vec<u32> = some
                .clone()
                .filter(|&row| ratings.users[row as usize] == user)
                .collect();
            due.sort_by_key(|&row| (ratings.when(row), row));
            assert_eq!(found.of(user as usize), due);
        }
    }

    #[test]
    fn ratings_of_other_rows_keep_who_rated_what_and_leave_strangers_out() {
        let ratings = Ratings {
            user_ids: vec![4, 7, 9],
            movie_ids: vec![1, 3],
            users: vec![0, 1, 2, 1],
            movies: vec![0, 1, 0, 0],
            stars: vec![1.0, 2.0, 3.0, 4.0],
            times: vec![10, 20, 30, 40],
        };
        let found = ratings.of_rows(&[2, 7, 9], &[0, 1, 2]);
        assert_eq!(found.users, [2, 1]);
        assert_eq!(found.movies, [1, 1]);
        assert_eq!((found.stars, found.times), (vec![3.0, 4.0], vec![30, 40]));
        assert_eq!((found.user_ids.len(), found.movie_ids.len()), (3, 3));
    }
}
