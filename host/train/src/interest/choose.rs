//! How fast ratings fade, and how many stars an interest is worth, and fame beside it: by the lists of people whose latest validation
//! rating is looked for, from what they had rated before it.

use super::found::kin_level;
use super::is_liked;
use super::kin::Found;
use super::settings::{ENOUGH, FADES, FAMES, PEOPLE, RANGE, SCORES, UNCHOSEN, VARIETY, WEIGHTS};
use crate::parameters::Parameters;
use crate::stop::Stop;
use pocketrec_data::{InOrder, Ratings, Split};
use pocketrec_metrics::ranking::{Judge, Ranking};

/// People whose lists are judged.
pub(super) struct Held<'a> {
    judge: Judge,
    ratings: &'a Ratings,
    /// Training ratings.
    order: &'a InOrder,
    /// When each person's held rating was given.
    times: Vec<u32>,
    counts: &'a [u32],
}

impl<'a> Held<'a> {
    pub(super) fn new(
        ratings: &'a Ratings,
        split: &Split,
        order: &'a InOrder,
        counts: &'a [u32],
    ) -> Self {
        let mut latest: Vec<Option<u32>> = vec![None; ratings.user_count()];
        for &row in &split.validation {
            let latest = &mut latest[ratings.users[row as usize] as usize];
            if latest.is_none_or(|other| ratings.when(row) > ratings.when(other)) {
                *latest = Some(row);
            }
        }
        let mut times = vec![0; latest.len()];
        let validation: Vec<u32> = latest.into_iter().flatten().collect();
        for &row in &validation {
            times[ratings.users[row as usize] as usize] = ratings.times[row as usize];
        }
        let people = (SCORES / counts.len().max(1)).clamp(1, PEOPLE);
        let split = Split {
            train: split.train.clone(),
            validation,
        };
        Self {
            judge: Judge::new(ratings, &split, people),
            ratings,
            order,
            times,
            counts,
        }
    }

    /// The fade whose lists find most in the mean of all weights and fames, for of single ones chance decides. Then, among
    /// what names [`VARIETY`] times as many different movies as the list of the most rated ones, the largest weight whose
    /// lists find [`ENOUGH`] at their best, and the fame with which they do; where nothing does, what names most.
    /// [`UNCHOSEN`] without validation ratings; nothing once `stop` says so.
    pub(super) fn choose(
        &self,
        parameters: &Parameters,
        kin: &Found,
        stop: Stop<'_>,
    ) -> Option<(f32, f32, f32)> {
        let (lowest, highest) = parameters.scale;
        let unit = ((highest - lowest) / RANGE).clamp(1.0 / 64.0, 4.0);
        let (fade, weight, fame) = UNCHOSEN;
        if self.judge.people() == 0 {
            return Some((fade, weight * unit, fame * unit));
        }
        let of_counts = |by: fn(f32) -> f32| -> Vec<f32> {
            self.counts.iter().map(|&count| by(count as f32)).collect()
        };
        let (logs, levels) = (of_counts(f32::ln_1p), of_counts(kin_level));
        let stars = self.judge.lists(|user, out| {
            if !stop() {
                parameters.raw_list(user as usize, out);
            }
        });
        let mut best = (f64::NEG_INFINITY, fade, Vec::new());
        for fade in FADES {
            let terms = self.judge.lists(|user, out| {
                if stop() {
                    return;
                }
                let user = user as usize;
                let terms = kin.terms(&kin.direction(&self.before(parameters, user), fade));
                for ((movie, out), level) in (0..).zip(out).zip(&levels) {
                    *out = level * kin.sum(&terms, movie);
                }
            });
            let mut tried = Vec::new();
            for weight in WEIGHTS {
                for fame in FAMES {
                    if stop() {
                        return None;
                    }
                    let (weight, fame) = (weight * unit, fame * unit);
                    let found = self.judged(&stars, &terms, (weight, fame, &logs));
                    tried.push((weight, fame, found));
                }
            }
            let found = tried.iter().map(|(_, _, found)| found.ndcg).sum();
            if found > best.0 {
                best = (found, fade, tried);
            }
        }
        let (_, fade, tried) = best;
        let enough = self.judge.popular().coverage as f64 * VARIETY;
        let (weight, fame) = pick(&tried, enough)?;
        Some((fade, weight, fame))
    }

    /// The movies that a person rated before the held rating and didn't dislike.
    fn before(&self, parameters: &Parameters, user: usize) -> Vec<u32> {
        let ratings = self.ratings;
        let rows = self.order.of(user);
        let earlier = |&row: &u32| ratings.times[row as usize] < self.times[user];
        let rows = &rows[..rows.partition_point(earlier)];
        rows.iter()
            .filter(|row| is_liked(parameters, ratings, **row))
            .map(|&row| ratings.movies[row as usize])
            .collect()
    }

    fn judged(
        &self,
        stars: &[f32],
        terms: &[f32],
        (weight, fame, logs): (f32, f32, &[f32]),
    ) -> Ranking {
        self.judge
            .judge_lists([stars, terms], |[stars, terms], out| {
                let beside = stars.iter().zip(terms).zip(logs);
                for (out, ((stars, term), log)) in out.iter_mut().zip(beside) {
                    *out = stars + fame * log + weight * term;
                }
            })
    }
}

/// Of weights and fames, the smaller weights first, the ones to take.
fn pick(tried: &[(f32, f32, Ranking)], enough: f64) -> Option<(f32, f32)> {
    let varied = |found: &Ranking| found.coverage as f64 >= enough;
    let most = (tried.iter())
        .filter(|(_, _, found)| varied(found))
        .fold(0.0, |most: f64, (_, _, found)| most.max(found.ndcg));
    let good = |found: &Ranking| varied(found) && found.ndcg >= most * ENOUGH;
    let largest = tried.iter().rfind(|(_, _, found)| good(found));
    let taken = match largest {
        Some((weight, _, _)) => tried
            .iter()
            .filter(|(other, _, found)| other == weight && varied(found))
            .max_by(|(_, _, a), (_, _, b)| a.ndcg.total_cmp(&b.ndcg)),
        None => tried.iter().max_by_key(|(_, _, found)| found.coverage),
    };
    taken.map(|(weight, fame, _)| (*weight, *fame))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{ModelKind, Options};

    #[test]
    fn lists_go_by_what_was_rated_before_and_not_disliked() {
        // One person gives five movies 4, 1, 5, 4 and 4 stars, one after the other; the fourth is held.
        let ratings = Ratings {
            user_ids: vec![1],
            movie_ids: (1..=5).collect(),
            users: vec![0; 5],
            movies: (0..5).collect(),
            stars: vec![4.0, 1.0, 5.0, 4.0, 4.0],
            times: (1..=5).collect(),
        };
        let split = Split {
            train: vec![0, 1, 2, 4],
            validation: vec![3],
        };
        let (order, _) = split.in_order(&ratings);
        let held = Held::new(&ratings, &split, &order, &[1; 5]);
        let options = Options {
            model: ModelKind::Mf,
            ..Options::default()
        };
        let mut parameters = Parameters::initial(&options, 1, 5, 3.5);
        assert_eq!(held.before(&parameters, 0), [0, 2]);
        // Of somebody who gives that little nothing is disliked.
        parameters.user_bias[0] = -2.0;
        assert_eq!(held.before(&parameters, 0), [0, 1, 2]);
    }

    #[test]
    fn the_largest_weight_is_taken_that_finds_nearly_what_the_best_does_and_names_enough() {
        let tried = |weight, fame, ndcg, coverage| {
            let found = Ranking {
                ndcg,
                coverage,
                ..Ranking::default()
            };
            (weight, fame, found)
        };
        let all = [
            tried(8.0, 0.2, 0.080, 600),
            tried(8.0, 0.5, 0.090, 300),
            tried(16.0, 0.2, 0.077, 700),
            tried(16.0, 0.5, 0.079, 600),
            tried(32.0, 0.2, 0.070, 900),
            tried(32.0, 0.5, 0.071, 800),
        ];
        assert_eq!(pick(&all, 500.0), Some((16.0, 0.5)));
        assert_eq!(pick(&all, 250.0), Some((8.0, 0.5)));
        assert_eq!(pick(&all, 2_000.0), Some((32.0, 0.2)));
        assert_eq!(pick(&[], 500.0), None);
    }
}
