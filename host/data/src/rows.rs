//! From MovieLens ids to dense rows, each pair of user and movie once.

use std::ops::Range;

use super::columns::Columns;
use super::ids::Ranks;
use super::names::Closed;
use super::ratings::Ratings;
use pocketrec_base::threads::{in_parts, share};

/// Ratings, and what became of ids and lines on the way.
#[derive(Debug, PartialEq)]
pub struct Dense {
    /// The ratings.
    pub ratings: Ratings,
    /// How many were dropped.
    pub dropped: usize,
    /// What the user ids were.
    pub users: Closed,
    /// What the movie ids were.
    pub movies: Closed,
}

/// Turns ids into rows in place, on `threads` threads, and keeps the latest of ratings of the same user and movie
/// (of equally late ones the one further down the file); the others keep their order. O(ratings).
pub fn dense(columns: Columns, threads: usize) -> Dense {
    let Columns {
        users,
        movies,
        stars,
        times,
        told: _,
    } = columns;
    let (mut user_rows, set, users) = users.close();
    let (user_ids, user_ranks) = set.rank();
    replace(&mut user_rows, &user_ranks, threads);
    let (mut movie_rows, set, movies) = movies.close();
    let (movie_ids, movie_ranks) = set.rank();
    replace(&mut movie_rows, &movie_ranks, threads);
    let mut ratings = Ratings {
        user_ids,
        movie_ids,
        users: user_rows,
        movies: movie_rows,
        stars,
        times,
    };
    let dropped = if ascends(&ratings) {
        0
    } else {
        keep_latest(&mut ratings)
    };
    Dense {
        ratings,
        dropped,
        users,
        movies,
    }
}

fn replace(ids: &mut [u32], ranks: &Ranks, threads: usize) {
    let part = ids.len().div_ceil(threads.max(1)).max(1);
    let replace = |(): &mut (), part: &mut [u32]| {
        let (mut last, mut row) = (part[0], ranks.of(part[0]));
        for id in part {
            // Files are mostly sorted by user.
            if *id != last {
                (last, row) = (*id, ranks.of(*id));
            }
            *id = row;
        }
    };
    share(threads, ids.chunks_mut(part), || (), replace);
}

/// Whether ratings ascend by user and then movie, as GroupLens's CSV files do: then no pair is there twice.
fn ascends(ratings: &Ratings) -> bool {
    let key = |i: usize| u64::from(ratings.users[i]) << 32 | u64::from(ratings.movies[i]);
    let part = |range: Range<usize>| range.into_iter().all(|i| i == 0 || key(i - 1) < key(i));
    in_parts(ratings.len(), part)
        .into_iter()
        .all(|ascends| ascends)
}

/// Drops all but the latest rating of each pair.
fn keep_latest(ratings: &mut Ratings) -> usize {
    // A counting sort of the ratings' numbers by user, which keeps file order within a user.
    let mut starts = vec![0u32; ratings.user_count() + 1];
    for &user in &ratings.users {
        starts[user as usize + 1] += 1;
    }
    for user in 1..starts.len() {
        starts[user] += starts[user - 1];
    }
    let mut next = starts.clone();
    let mut order = vec![0u32; ratings.len()];
    for (i, &user) in ratings.users.iter().enumerate() {
        order[next[user as usize] as usize] = i as u32;
        next[user as usize] += 1;
    }
    // For each movie, which user rated it last here, and by which rating.
    let mut seen = vec![(u32::MAX, 0u32); ratings.movie_count()];
    let mut dropped = Vec::new();
    for user in 0..ratings.user_count() {
        for &i in &order[starts[user] as usize..starts[user + 1] as usize] {
            let slot = &mut seen[ratings.movies[i as usize] as usize];
            if slot.0 == user as u32 {
                let earlier = slot.1;
                if ratings.times[i as usize] >= ratings.times[earlier as usize] {
                    dropped.push(earlier);
                    slot.1 = i;
                } else {
                    dropped.push(i);
                }
            } else {
                *slot = (user as u32, i);
            }
        }
    }
    dropped.sort_unstable();
    remove(&mut ratings.users, &dropped);
    remove(&mut ratings.movies, &dropped);
    remove(&mut ratings.stars, &dropped);
    remove(&mut ratings.times, &dropped);
    dropped.len()
}

/// Removes the elements at `places`, which ascend.
fn remove<T>(column: &mut Vec<T>, places: &[u32]) {
    if places.is_empty() {
        return;
    }
    let (mut place, mut i) = (places.iter().peekable(), 0);
    column.retain(|_| {
        let drop = place.next_if(|p| **p == i).is_some();
        i += 1;
        !drop
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn columns(rows: &[(u32, u32, u8, u32)]) -> Columns {
        let mut columns = Columns::default();
        for &(user, movie, halves, time) in rows {
            columns.users.push(user);
            columns.movies.push(movie);
            columns.stars.push(f32::from(halves) / 2.0);
            columns.times.push(time);
        }
        columns
    }

    proptest! {
        #[test]
        fn each_pair_stays_once_with_its_latest_rating(
            rows in proptest::collection::vec((0u32..9, 1000u32..1008, 1u8..11, 0u32..5), 1..120),
            threads in 1usize..4,
        ) {
            let mut latest: BTreeMap<(u32, u32), (u8, u32)> = BTreeMap::new();
            for &(user, movie, halves, time) in &rows {
                let slot = latest.entry((user, movie)).or_insert((halves, time));
                if time >= slot.1 {
                    *slot = (halves, time);
                }
            }
            let Dense { ratings, dropped, .. } = dense(columns(&rows), threads);
            prop_assert_eq!(ratings.len() + dropped, rows.len());
            let got: BTreeMap<(u32, u32), (u8, u32)> = (0..ratings.len())
                .map(|i| {
                    let pair = (
                        ratings.user_ids[ratings.users[i] as usize],
                        ratings.movie_ids[ratings.movies[i] as usize],
                    );
                    (pair, ((ratings.stars[i] * 2.0) as u8, ratings.times[i]))
                })
                .collect();
            prop_assert_eq!(got.len(), ratings.len());
            prop_assert_eq!(got, latest);
        }
    }

    #[test]
    fn what_is_kept_keeps_its_order() {
        let Dense {
            ratings, dropped, ..
        } = dense(
            columns(&[
                (7, 70, 2, 5),
                (3, 30, 4, 1),
                (7, 70, 6, 9),
                (3, 31, 8, 1),
                (3, 30, 10, 0),
            ]),
            2,
        );
        assert_eq!(dropped, 2);
        assert_eq!(ratings.stars, [2.0, 3.0, 4.0]);
        assert_eq!(ratings.users, [0, 1, 0]);
        assert_eq!(ratings.movies, [0, 2, 1]);
    }
}
