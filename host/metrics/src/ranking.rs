//! How good lists are: what a person rated later, found among the ten movies named first of all that they had not
//! rated.

use pocketrec::ids::UserId;
use pocketrec::model::Model;
use serde::Serialize;

use pocketrec_base::threads;
use pocketrec_data::{Ratings, Split};

/// Length of the lists that are judged.
pub const LENGTH: usize = 10;
/// The most people whose lists are judged, evenly spread over all; each costs a score a movie and a ranking.
pub const PEOPLE: usize = 5_000;

/// Figures of the lists of one way to rank, averaged over people who have ratings held back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Ranking {
    /// Normalised discounted cumulative gain: a held-back movie at place i counts 1 / log2(i + 1), over what the best
    /// order would have got (Järvelin and Kekäläinen 2002).
    pub ndcg: f64,
    /// Share of people with at least one of their held-back movies in the list.
    pub hit_rate: f64,
    /// Share of a person's held-back movies that is in the list.
    pub recall: f64,
    /// How many different movies all lists name.
    pub coverage: usize,
    /// The same as a share of all movies.
    pub coverage_share: f64,
    /// Mean number of training ratings of a movie that is named.
    pub popularity: f64,
    /// Share of named movies with fewer than 5 training ratings.
    pub obscure: f64,
    /// People judged.
    pub people: usize,
}

/// What lists are judged on: who rated what in training, and what was held back.
pub struct Judge {
    /// Who is judged, and what of theirs was held back.
    held: Vec<(u32, Vec<u32>)>,
    /// What each of them rated in training.
    rated: Vec<Vec<u32>>,
    counts: Vec<u32>,
}

/// A person's place among those judged, who it is with what was held back, and what was rated.
type Judged<'a> = (usize, (&'a (u32, Vec<u32>), &'a Vec<u32>));

impl Judge {
    /// From ratings and their split, with the lists of at most `people` people. O(ratings).
    pub fn new(ratings: &Ratings, split: &Split, people: usize) -> Self {
        let mut held = vec![Vec::new(); ratings.user_count()];
        for &rating in &split.validation {
            held[ratings.users[rating as usize] as usize].push(ratings.movies[rating as usize]);
        }
        let held: Vec<_> = (0u32..)
            .zip(held)
            .filter(|(_, movies)| !movies.is_empty())
            .collect();
        let step = held.len().div_ceil(people).max(1);
        let held: Vec<_> = held.into_iter().step_by(step).collect();
        // What others rated isn't kept: of millions of ratings that would take longest.
        let mut judged = vec![None; ratings.user_count()];
        for (place, (user, _)) in held.iter().enumerate() {
            judged[*user as usize] = Some(place);
        }
        let mut rated = vec![Vec::new(); held.len()];
        let mut counts = vec![0; ratings.movie_count()];
        for &rating in &split.train {
            let movie = ratings.movies[rating as usize];
            counts[movie as usize] += 1;
            if let Some(place) = judged[ratings.users[rating as usize] as usize] {
                rated[place].push(movie);
            }
        }
        Self {
            rated,
            held,
            counts,
        }
    }

    /// Training ratings of each movie.
    pub fn counts(&self) -> &[u32] {
        &self.counts
    }

    /// People whose lists are judged.
    pub fn people(&self) -> usize {
        self.held.len()
    }

    /// A score of each movie for each person judged, in the order in which [`judge`](Self::judge) asks: `fill` is
    /// given a user and the scores of all movies. People are shared out to all cores.
    pub fn lists(&self, fill: impl Fn(u32, &mut [f32]) + Sync) -> Vec<f32> {
        let movies = self.counts.len().max(1);
        let mut scores = vec![0.0; movies * self.held.len()];
        let lists = self.held.iter().zip(scores.chunks_mut(movies));
        let fill = |(): &mut (), ((user, _), list): (&(u32, _), &mut [f32])| fill(*user, list);
        threads::share(threads::available(), lists, || (), fill);
        scores
    }

    /// Judges the lists of `score`, which fills in a score for each movie row, for a user row. People are shared out to all
    /// cores.
    pub fn judge(&self, score: impl Fn(u32, &mut [f32]) + Sync) -> Ranking {
        self.judge_by(|_, user, scores| score(user, scores))
    }

    /// As [`judge`](Self::judge), from what [`lists`](Self::lists) gave: `score` is given a person's part of it.
    pub fn judge_lists<const N: usize>(
        &self,
        lists: [&[f32]; N],
        score: impl Fn([&[f32]; N], &mut [f32]) + Sync,
    ) -> Ranking {
        let movies = self.counts.len();
        self.judge_by(|place, _, scores| {
            score(lists.map(|all| &all[place * movies..][..movies]), scores);
        })
    }

    fn judge_by(&self, score: impl Fn(usize, u32, &mut [f32]) + Sync) -> Ranking {
        let movies = self.counts.len();
        let people = self.held.iter().zip(&self.rated).enumerate();
        let list = |scores: &mut Vec<f32>, (place, ((user, _), rated)): Judged<'_>| {
            score(place, *user, scores);
            for &movie in rated {
                scores[movie as usize] = f32::NEG_INFINITY;
            }
            best(scores)
        };
        let scores = || vec![0.0f32; movies];
        let lists = threads::share(threads::available(), people, scores, list);
        let mut named = vec![false; movies];
        let mut out = Ranking::default();
        let (mut entries, mut popularity, mut obscure) = (0usize, 0u64, 0usize);
        for ((_, held), list) in self.held.iter().zip(lists) {
            let mut gain = 0.0;
            let mut hits = 0;
            for (place, &movie) in list.iter().enumerate() {
                entries += 1;
                popularity += u64::from(self.counts[movie]);
                obscure += usize::from(self.counts[movie] < 5);
                named[movie] = true;
                if held.contains(&(movie as u32)) {
                    hits += 1;
                    gain += 1.0 / (place as f64 + 2.0).log2();
                }
            }
            let ideal: f64 = (0..held.len().min(LENGTH))
                .map(|i| 1.0 / (i as f64 + 2.0).log2())
                .sum();
            out.ndcg += gain / ideal;
            out.hit_rate += f64::from(u8::from(hits > 0));
            out.recall += f64::from(hits) / held.len() as f64;
        }
        out.people = self.held.len();
        let people = out.people.max(1) as f64;
        for figure in [&mut out.ndcg, &mut out.hit_rate, &mut out.recall] {
            *figure /= people;
        }
        out.coverage = named.iter().filter(|&&named| named).count();
        out.coverage_share = out.coverage as f64 / movies.max(1) as f64;
        out.popularity = popularity as f64 / entries.max(1) as f64;
        out.obscure = obscure as f64 / entries.max(1) as f64;
        out
    }

    /// Everybody gets the movies with the most training ratings.
    pub fn popular(&self) -> Ranking {
        self.judge(|_, scores| {
            for (score, &count) in scores.iter_mut().zip(&self.counts) {
                *score = count as f32;
            }
        })
    }

    /// The lists of a model for the image's users, by core.
    pub fn of_model(&self, model: &Model<'_>, user_ids: &[u32], by: By) -> Ranking {
        self.judge(|user, scores| score(model, user_ids[user as usize], by, scores))
    }

    /// The lists themselves, as [`of_model`](Self::of_model) judges them: at most [`LENGTH`] movie rows a person, best
    /// first.
    pub fn named(&self, model: &Model<'_>, user_ids: &[u32], by: By) -> Vec<Vec<usize>> {
        let all = self.held.iter().zip(&self.rated);
        let list = |scores: &mut Vec<f32>, ((user, _), rated): (&(u32, _), &Vec<u32>)| {
            score(model, user_ids[*user as usize], by, scores);
            for &movie in rated {
                scores[movie as usize] = f32::NEG_INFINITY;
            }
            best(scores)
        };
        let scores = || vec![0.0; self.counts.len()];
        threads::share(threads::available(), all, scores, list)
    }
}

/// What a model's lists go by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Predicted stars alone.
    Stars,
    /// As a device ranks where movies below one's own mean are asked for too.
    WithBelowMean,
    /// As a device ranks.
    Device,
}

/// A model's score of each movie for a user, 0 for a stranger.
fn score(model: &Model<'_>, user_id: u32, by: By, scores: &mut [f32]) {
    let id = UserId(user_id);
    let (Ok(state), Ok(interest)) = (model.user(id), model.interest_of_user(id)) else {
        scores.fill(0.0);
        return;
    };
    model.score_rows(&state, 0, scores);
    if by == By::Stars {
        return;
    }
    for (row, score) in (0u32..).zip(scores) {
        // A list has none of them.
        if by == By::Device && *score < state.mean() {
            *score = f32::NEG_INFINITY;
            continue;
        }
        *score += model.confidence_stars(row) + model.interest_stars(&interest, row);
    }
}

/// The share of what `lists` name that `others`, of the same people, name too, on the mean over people.
pub fn kept(lists: &[Vec<usize>], others: &[Vec<usize>]) -> f64 {
    let shares = lists
        .iter()
        .zip(others)
        .filter(|(list, _)| !list.is_empty());
    let shares = shares.map(|(list, other)| {
        let kept = list.iter().filter(|movie| other.contains(movie)).count();
        kept as f64 / list.len() as f64
    });
    let (sum, people) = shares.fold((0.0, 0_u32), |(sum, people), share| {
        (sum + share, people + 1)
    });
    sum / f64::from(people.max(1))
}

/// The [`LENGTH`] best rows, best first, equal scores by row; rows of -infinity are left out.
fn best(scores: &[f32]) -> Vec<usize> {
    /// Scores that are looked at together.
    const SOME: usize = 32;
    let mut list: Vec<usize> = Vec::with_capacity(LENGTH + 1);
    let mut least = f32::NEG_INFINITY;
    for (start, some) in (0..).step_by(SOME).zip(scores.chunks(SOME)) {
        // A quick look that lets few by, and none that belongs in the list.
        if !some
            .iter()
            .fold(false, |any, score| any | (*score >= least))
        {
            continue;
        }
        for (row, &score) in (start..).zip(some) {
            if score >= least && score > f32::NEG_INFINITY {
                let ahead = |&other: &usize| scores[other].total_cmp(&score).is_ge();
                list.insert(list.partition_point(ahead), row);
                list.truncate(LENGTH);
                if list.len() == LENGTH {
                    least = scores[list[LENGTH - 1]];
                }
            }
        }
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two users and 20 movies: user 0 rated movies 0 to 9 in training and has 10 and 19 held back; user 1 rated
    /// movie 0 and has movie 1 held back.
    fn judge() -> Judge {
        let mut ratings = Ratings {
            user_ids: vec![1, 2],
            movie_ids: (1..=20).collect(),
            ..Ratings::default()
        };
        let pairs = (0..10)
            .map(|m| (0, m))
            .chain([(1, 0), (0, 10), (0, 19), (1, 1)]);
        for (user, movie) in pairs {
            ratings.users.push(user);
            ratings.movies.push(movie);
            ratings.stars.push(4.0);
            ratings.times.push(0);
        }
        let split = Split {
            train: (0..11).collect(),
            validation: vec![11, 12, 13],
        };
        Judge::new(&ratings, &split, PEOPLE)
    }

    #[test]
    fn what_lists_keep_is_the_mean_of_each_persons_share() {
        let lists = [vec![1, 2, 3, 4], vec![5, 6], vec![]];
        let others = [vec![4, 3, 2, 9], vec![7, 8], vec![1]];
        assert_eq!(kept(&lists, &others), 0.375);
        assert_eq!(kept(&lists, &lists), 1.0);
        assert_eq!(kept(&[], &[]), 0.0);
    }

    #[test]
    fn a_perfect_list_scores_one_and_what_was_rated_is_never_named() {
        let perfect = judge().judge(|user, scores| {
            for (movie, score) in scores.iter_mut().enumerate() {
                let held = if user == 0 {
                    movie == 10 || movie == 19
                } else {
                    movie == 1
                };
                let rated = if user == 0 { movie < 10 } else { movie == 0 };
                *score = if rated {
                    9.0
                } else {
                    f32::from(u8::from(held))
                };
            }
        });
        assert!((perfect.ndcg - 1.0).abs() < 1e-12);
        assert_eq!(
            (perfect.hit_rate, perfect.recall, perfect.people),
            (1.0, 1.0, 2)
        );
    }

    #[test]
    fn places_count_as_the_formula_says() {
        // Movies in order of their number: user 0 gets 10 to 19, with hits at places 1 and 10; user 1 gets 1 to 10,
        // with a hit at place 1.
        let found = judge().judge(|_, scores| {
            for (movie, score) in scores.iter_mut().enumerate() {
                *score = -(movie as f32);
            }
        });
        let log = |place: f64| 1.0 / (place + 1.0).log2();
        let first = (log(1.0) + log(10.0)) / (log(1.0) + log(2.0));
        assert!((found.ndcg - (first + 1.0) / 2.0).abs() < 1e-12);
        assert_eq!(
            (found.hit_rate, found.recall, found.coverage),
            (1.0, 1.0, 19)
        );
        // Movies 1 to 9 have a training rating each and are named once; 11 entries have none.
        assert!((found.popularity - 9.0 / 20.0).abs() < 1e-12);
        assert_eq!(found.obscure, 1.0);
    }

    #[test]
    fn the_popular_list_is_by_count_and_equals_by_row() {
        let found = judge().popular();
        // User 1 gets movies 1 to 9 and one of no rating; user 0 those of no rating, 10 first.
        assert_eq!(found.hit_rate, 1.0);
        assert_eq!(found.coverage, 19);
    }

    #[test]
    fn the_best_are_those_that_sorting_puts_first() {
        for count in [0usize, 3, 10, 11, 400] {
            // Scores that come again, zeros of both signs, and some that are left out.
            let scores: Vec<f32> = (0..count)
                .map(|row| match row * 7919 % 23 {
                    0 => f32::NEG_INFINITY,
                    1 => f32::NAN,
                    2 => -0.0,
                    more => more as f32 - 14.0,
                })
                .collect();
            // All of them, and such that zeros are the best.
            for most in [9.0, 0.0] {
                let scores: Vec<f32> = (scores.iter())
                    .map(|&score| if score > most { -1.0 } else { score })
                    .collect();
                let mut sorted: Vec<usize> = (0..count)
                    .filter(|&row| scores[row] > f32::NEG_INFINITY)
                    .collect();
                sorted.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
                sorted.truncate(LENGTH);
                assert_eq!(best(&scores), sorted, "{count} up to {most}");
            }
        }
    }
}
