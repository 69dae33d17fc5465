//! How much fame counts in a ranking: the weight of the confidence term, chosen on validation ratings.
//!
//! A ranking by predicted stars alone puts movies first that two people rated. It adds
//! `weight x ln(1 + ratings)`, in stars, so that what is said of many counts for more. A larger
//! weight names better known movies to everybody, and fewer of them.

use super::parameters::Parameters;
use pocketrec_data::{Ratings, Split};
use pocketrec_metrics::ranking::{Judge, Ranking};

/// The weights that are tried.
pub const WEIGHTS: [f32; 9] = [0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0];
/// The weight where there are no validation ratings to choose by.
pub const UNCHOSEN: f32 = 0.1;
/// People whose lists are judged, at most.
const PEOPLE: usize = 1_000;
/// Movies that are scored for all of them together, about at most: a second's work for the slowest model.
const SCORES: usize = 6_100_000;
/// The largest share of movies with under 5 ratings that a list may name.
const OBSCURE: f64 = 0.05;
/// The smallest share of the movies which predicted stars alone name that must still be named.
const VARIETY: f64 = 0.6;

/// What lists rank by, in a sentence: with this weight, and by what people look for or not.
pub fn sentence(weight: f32, interest: bool) -> String {
    let lifted = weight * (101.0_f32 / 11.0).ln();
    let fame = match weight > 0.0 {
        true => format!(
            ", by how often a movie was rated (100 ratings count for {lifted:.2} stars more than 10)"
        ),
        false => String::new(),
    };
    let interest = match interest {
        true => ", and by what somebody has rated lately",
        false => "",
    };
    format!("Lists rank by predicted stars{fame}{interest}")
}

/// The weight whose lists find most of the validation ratings (by NDCG), among those that name few
/// obscure movies and still name many different ones; of equals the smallest.
pub fn choose(parameters: &Parameters, ratings: &Ratings, split: &Split) -> f32 {
    if split.validation.is_empty() {
        return UNCHOSEN;
    }
    let people = (SCORES / ratings.movie_count().max(1)).clamp(1, PEOPLE);
    let judge = Judge::new(ratings, split, people);
    let logs: Vec<f32> = judge.counts().iter().map(|&n| (n as f32).ln_1p()).collect();
    let scores = judge.lists(|user, out| parameters.raw_list(user as usize, out));
    let tried: Vec<(f32, Ranking)> = WEIGHTS
        .into_iter()
        .map(|weight| {
            let ranking = judge.judge_lists([&scores], |[scores], out| {
                for ((out, score), log) in out.iter_mut().zip(scores).zip(&logs) {
                    *out = score + weight * log;
                }
            });
            (weight, ranking)
        })
        .collect();
    pick(&tried)
}

fn pick(tried: &[(f32, Ranking)]) -> f32 {
    let Some((_, alone)) = tried.first() else {
        return UNCHOSEN;
    };
    let least = alone.coverage as f64 * VARIETY;
    let varied = tried.iter().filter(|(_, r)| r.coverage as f64 >= least);
    let fine: Vec<_> = varied.filter(|(_, r)| r.obscure < OBSCURE).collect();
    let mut best: Option<&(f32, Ranking)> = None;
    for tried in fine {
        if best.is_none_or(|best| tried.1.ndcg > best.1.ndcg) {
            best = Some(tried);
        }
    }
    best.map_or(UNCHOSEN, |(weight, _)| *weight)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(weight: f32, ndcg: f64, coverage: usize, obscure: f64) -> (f32, Ranking) {
        let ranking = Ranking {
            ndcg,
            coverage,
            obscure,
            ..Ranking::default()
        };
        (weight, ranking)
    }

    #[test]
    fn the_best_list_is_taken_that_is_neither_obscure_nor_the_same_for_all() {
        let all = [
            tried(0.0, 0.010, 500, 0.15),
            tried(0.1, 0.020, 450, 0.01),
            tried(0.2, 0.021, 400, 0.00),
            tried(0.5, 0.030, 100, 0.00),
        ];
        assert_eq!(pick(&all), 0.2);
        assert_eq!(pick(&all[..1]), UNCHOSEN);
        assert_eq!(pick(&[]), UNCHOSEN);
    }
}
