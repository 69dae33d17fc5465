//! How fast ratings fade, and how many stars an interest is worth: by the lists of people whose latest validation
//! rating is looked for, from what they had rated before it.

use super::histories::Histories;
use super::movies::Movies;
use super::settings::{FADES, FIRST_WEIGHT, PEOPLE, SCORES, VARIETY, WEIGHTS};
use super::solve::{Square, Vector};
use super::stop::Stop;
use crate::parameters::Parameters;
use pocketrec_data::{Ratings, Split};
use pocketrec_metrics::ranking::{Judge, Ranking};

/// People whose lists are judged.
pub(super) struct Held<'a> {
    judge: Judge,
    histories: &'a Histories,
    /// When each person's held rating was given.
    times: Vec<u32>,
    counts: &'a [u32],
}

impl<'a> Held<'a> {
    pub(super) fn new(
        ratings: &Ratings,
        split: &Split,
        histories: &'a Histories,
        counts: &'a [u32],
    ) -> Self {
        let mut latest: Vec<Option<u32>> = vec![None; ratings.user_count()];
        let key = |row: u32| (ratings.times[row as usize], ratings.movies[row as usize]);
        for &row in &split.validation {
            let latest = &mut latest[ratings.users[row as usize] as usize];
            if latest.is_none_or(|other| key(row) > key(other)) {
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
            histories,
            times,
            counts,
        }
    }

    /// The fade whose lists find most at [`FIRST_WEIGHT`], and then the weight whose lists do, among those that
    /// name [`VARIETY`] times as many different movies as the list of the most rated ones: where none does, the
    /// weight that names most. Without validation ratings the first of each; nothing once `stop` says so.
    pub(super) fn choose(
        &self,
        parameters: &Parameters,
        movies: &Movies,
        precision: &Square,
        fame: f32,
        stop: Stop<'_>,
    ) -> Option<(f32, f32)> {
        if self.judge.people() == 0 {
            return Some((FADES[0], FIRST_WEIGHT));
        }
        let logs: Vec<f32> = (self.counts.iter())
            .map(|&count| fame * (count as f32).ln_1p())
            .collect();
        let stars = self.judge.lists(|user, out| {
            if stop() {
                return;
            }
            parameters.raw_list(user as usize, out);
            for (out, log) in out.iter_mut().zip(&logs) {
                *out += log;
            }
        });
        let mut best = (f64::NEG_INFINITY, FADES[0], Vec::new());
        for fade in FADES {
            let terms = self.judge.lists(|user, out| {
                if stop() {
                    return;
                }
                let user = user as usize;
                let history = self.histories.before(user, self.times[user]);
                let x = movies.person(precision, history, fade);
                for (out, row) in out.iter_mut().zip(&movies.rows) {
                    *out = dot(&x, row);
                }
            });
            if stop() {
                return None;
            }
            let found = self.judged(&stars, &terms, FIRST_WEIGHT).ndcg;
            if found > best.0 {
                best = (found, fade, terms);
            }
        }
        let (_, fade, terms) = best;
        let enough = self.judge.popular().coverage as f64 * VARIETY;
        let mut tried: Vec<(f32, Ranking)> = WEIGHTS
            .into_iter()
            .map(|weight| (weight, self.judged(&stars, &terms, weight)))
            .collect();
        if tried
            .iter()
            .any(|(_, found)| found.coverage as f64 >= enough)
        {
            tried.retain(|(_, found)| found.coverage as f64 >= enough);
            tried.sort_by(|(_, a), (_, b)| b.ndcg.total_cmp(&a.ndcg));
        } else {
            tried.sort_by_key(|(_, found)| std::cmp::Reverse(found.coverage));
        }
        let weight = tried.first().map_or(FIRST_WEIGHT, |(weight, _)| *weight);
        Some((fade, weight))
    }

    fn judged(&self, stars: &[f32], terms: &[f32], weight: f32) -> Ranking {
        let mut at = 0;
        self.judge.judge(|_, out| {
            let end = at + out.len();
            for ((out, stars), term) in out.iter_mut().zip(&stars[at..end]).zip(&terms[at..end]) {
                *out = stars + weight * term;
            }
            at = end;
        })
    }
}

fn dot(a: &Vector, b: &Vector) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
