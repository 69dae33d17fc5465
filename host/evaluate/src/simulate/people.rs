//! Who is left out of training, which of their ratings they give, and which are left to measure on.

use std::collections::HashSet;

use super::outcome::{AT_LEAST, GIVEN};
use pocketrec_base::random::Sequence;
use pocketrec_data::Ratings;

/// A rating of somebody who was left out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rating {
    /// MovieLens id.
    pub movie: u32,
    /// Stars.
    pub stars: f32,
}

/// Somebody who was left out.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    /// MovieLens id.
    pub id: u32,
    /// The [`GIVEN`] ratings that this person gives on the device, in a random order.
    pub given: Vec<Rating>,
    /// The others: what predictions are measured on.
    pub rest: Vec<Rating>,
}

/// A data set without some people, and those people.
#[derive(Clone, Debug)]
pub struct Held {
    /// The people.
    pub people: Vec<Person>,
}

impl Held {
    /// Leaves out `count` people, drawn from those with at least [`AT_LEAST`] ratings of movies that somebody else
    /// rated too; all of those if there are fewer. The same seed gives the same people, and the same order of their
    /// ratings, on every machine.
    pub fn draw(ratings: &Ratings, count: usize, seed: u64) -> Held {
        let mut random = Sequence::new(seed ^ 0x7065_6f70_6c65); // "people"
        let mut raters = vec![0u32; ratings.movie_count()];
        let mut own = vec![Vec::new(); ratings.user_count()];
        for i in 0..ratings.len() {
            raters[ratings.movies[i] as usize] += 1;
            own[ratings.users[i] as usize].push(i);
        }
        let mut users: Vec<usize> = (0..own.len())
            .filter(|user| own[*user].len() >= AT_LEAST)
            .collect();
        random.shuffle(&mut users);
        users.truncate(count);
        // Movies that only people who are left out rated aren't in the model.
        for user in &users {
            for i in &own[*user] {
                raters[ratings.movies[*i] as usize] -= 1;
            }
        }
        let mut people = Vec::new();
        for user in users {
            let mut all: Vec<Rating> = own[user]
                .iter()
                .filter(|i| raters[ratings.movies[**i] as usize] > 0)
                .map(|i| Rating {
                    movie: ratings.movie_ids[ratings.movies[*i] as usize],
                    stars: ratings.stars[*i],
                })
                .collect();
            random.shuffle(&mut all);
            if all.len() > GIVEN {
                let rest = all.split_off(GIVEN);
                people.push(Person {
                    id: ratings.user_ids[user],
                    given: all,
                    rest,
                });
            }
        }
        people.sort_by_key(|person| person.id);
        Held { people }
    }

    /// The ratings of everybody else and the first `k` of each person who was left out.
    pub fn ratings_with(&self, all: &Ratings, k: usize) -> Ratings {
        let out: HashSet<u32> = self.people.iter().map(|person| person.id).collect();
        let given: HashSet<(u32, u32)> = self
            .people
            .iter()
            .flat_map(|person| {
                person.given[..k]
                    .iter()
                    .map(|rating| (person.id, rating.movie))
            })
            .collect();
        let kept: Vec<usize> = (0..all.len())
            .filter(|i| {
                let user = all.user_ids[all.users[*i] as usize];
                let movie = all.movie_ids[all.movies[*i] as usize];
                !out.contains(&user) || given.contains(&(user, movie))
            })
            .collect();
        let column = |rows: &[u32], ids: &[u32]| {
            let mut present: Vec<u32> = kept.iter().map(|i| ids[rows[*i] as usize]).collect();
            let each = present.clone();
            present.sort_unstable();
            present.dedup();
            let row = |id: &u32| present.binary_search(id).unwrap_or_default() as u32;
            let rows: Vec<u32> = each.iter().map(row).collect();
            (present, rows)
        };
        let (user_ids, users) = column(&all.users, &all.user_ids);
        let (movie_ids, movies) = column(&all.movies, &all.movie_ids);
        Ratings {
            user_ids,
            movie_ids,
            users,
            movies,
            stars: kept.iter().map(|i| all.stars[*i]).collect(),
            times: kept.iter().map(|i| all.times[*i]).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pocketrec_data::builtin;

    #[test]
    fn who_is_left_out_is_out_and_their_ratings_come_back_one_by_one() {
        let data = builtin::load().ratings;
        let held = Held::draw(&data, 100, 3);
        assert_eq!(held.people.len(), 100);
        assert!(
            held.people
                .iter()
                .all(|person| person.given.len() == GIVEN && !person.rest.is_empty())
        );
        let without = held.ratings_with(&data, 0);
        for person in &held.people {
            assert_eq!(without.user_row(person.id), None);
            let mut all: Vec<u32> = person
                .given
                .iter()
                .chain(&person.rest)
                .map(|r| r.movie)
                .collect();
            assert!(all.iter().all(|movie| without.movie_row(*movie).is_some()));
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len(), GIVEN + person.rest.len());
        }
        for k in [1, 20] {
            let with = held.ratings_with(&data, k);
            assert_eq!(with.len(), without.len() + k * held.people.len());
        }
        assert_eq!(Held::draw(&data, 100, 3).people, held.people);
        assert_ne!(Held::draw(&data, 100, 4).people, held.people);
    }
}
