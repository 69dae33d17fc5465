//! The results of an evaluation as a table for people, as CSV and as JSON.

use std::fmt::Write;

use serde::Serialize;

use super::odds::{self, Odds};
use pocketrec_base::print::{Align, grouped, table};
use pocketrec_metrics::ranking::{LENGTH, Ranking};

/// Errors of one way to predict, in stars.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Errors {
    /// What predicts.
    pub method: String,
    /// Root of the mean squared error.
    pub rmse: f64,
    /// Mean absolute error.
    pub mae: f64,
}

/// Figures of one way to rank.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Lists {
    /// What ranks.
    pub method: String,
    /// Its figures.
    #[serde(flatten)]
    pub ranking: Ranking,
}

/// How much of the lists by the first precision stays in another.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Kept {
    /// The model by the first precision.
    pub of: String,
    /// The model by another.
    pub method: String,
    /// Of ten movies by predicted stars alone, the mean share.
    pub stars_alone: f64,
    /// Of ten movies as a device ranks.
    pub as_ranked: f64,
}

/// What one fold gave.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FoldResult {
    /// Which fold.
    pub fold: String,
    /// Ratings learned from.
    pub train: usize,
    /// Ratings measured on.
    pub test: usize,
    /// Of those, how many are of a movie that nobody rated in training.
    pub unseen_movies: usize,
    /// Of those, how many are of a user who rated nothing in training.
    pub unseen_users: usize,
    /// Numbers a row of the model.
    pub dim: usize,
    /// Seconds of training.
    pub seconds: f64,
    /// Errors, the model's own last.
    pub errors: Vec<Errors>,
    /// How intervals held the ratings, if it was asked for.
    pub odds: Vec<Odds>,
    /// Lists, if they were asked for.
    pub lists: Vec<Lists>,
    /// What lists keep in further precisions, if both were asked for.
    pub kept: Vec<Kept>,
}

/// What an evaluation gave.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The data's name.
    pub data: String,
    /// How ratings were held back.
    pub protocol: String,
    /// The kind of model.
    pub model: String,
    /// How it was found.
    pub solver: String,
    /// Seed of folds and training.
    pub seed: u64,
    /// Each fold in turn.
    pub folds: Vec<FoldResult>,
}

/// Mean and standard deviation over folds (of a sample; 0 for a single fold).
fn spread(values: &[f64]) -> (f64, f64) {
    let count = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>();
    (mean, (squares / (count - 1.0).max(1.0)).sqrt())
}

impl Report {
    /// Mean RMSE and MAE over folds of a method, by its name.
    pub fn errors(&self, method: &str) -> Option<(f64, f64)> {
        let of = |pick: &dyn Fn(&Errors) -> f64| -> Vec<f64> {
            let all = self.folds.iter().flat_map(|fold| &fold.errors);
            all.filter(|e| e.method == method).map(pick).collect()
        };
        let (rmse, mae) = (of(&|e| e.rmse), of(&|e| e.mae));
        (!rmse.is_empty()).then(|| (spread(&rmse).0, spread(&mae).0))
    }

    /// Tables of means and spreads, and of each fold.
    pub fn text(&self) -> String {
        let mut out = String::new();
        let Some(first) = self.folds.first() else {
            return out;
        };
        let align = |columns: usize| -> Vec<Align> {
            std::iter::once(Align::Left)
                .chain((1..columns).map(|_| Align::Right))
                .collect()
        };
        let count = self.folds.len();
        let mut rows = vec![vec!["Predictions".to_owned(), "RMSE".into(), "MAE".into()]];
        if count > 1 {
            rows[0][1].push_str(" (± over folds)");
            rows[0][2].push_str(" (±)");
            rows[0].extend(self.folds.iter().map(|fold| fold.fold.clone()));
        }
        for (at, method) in first.errors.iter().enumerate() {
            let of = |pick: &dyn Fn(&Errors) -> f64| -> Vec<f64> {
                self.folds
                    .iter()
                    .map(|fold| pick(&fold.errors[at]))
                    .collect()
            };
            let (rmse, mae) = (of(&|e| e.rmse), of(&|e| e.mae));
            let cell = |values: &[f64]| match (spread(values), count) {
                ((mean, _), 1) => format!("{mean:.4}"),
                ((mean, deviation), _) => format!("{mean:.4} ± {deviation:.4}"),
            };
            let mut row = vec![method.method.clone(), cell(&rmse), cell(&mae)];
            if count > 1 {
                let pairs = rmse.iter().zip(&mae);
                row.extend(pairs.map(|(rmse, mae)| format!("{rmse:.4} {mae:.4}")));
            }
            rows.push(row);
        }
        out.push_str(&table(&align(rows[0].len()), &rows));
        let sum =
            |pick: &dyn Fn(&FoldResult) -> usize| self.folds.iter().map(pick).sum::<usize>() as u64;
        let tested = grouped(sum(&|fold| fold.test));
        for (unseen, what) in [
            (
                sum(&|fold| fold.unseen_movies),
                "of movies that nobody rated in training",
            ),
            (
                sum(&|fold| fold.unseen_users),
                "by people who rated nothing in training",
            ),
        ] {
            if unseen > 0 {
                let _ = writeln!(
                    out,
                    " {} of {tested} test ratings are {what}",
                    grouped(unseen)
                );
            }
        }
        let intervals = |at: usize| self.folds.iter().map(move |fold| &fold.odds[at].coverage);
        let rows = first.odds.iter().enumerate();
        let rows: Vec<_> = rows
            .map(|(at, odds)| (odds.method.clone(), intervals(at).collect()))
            .collect();
        let intervals = odds::text("Intervals", &rows);
        if !intervals.is_empty() {
            let _ = write!(out, "\n{intervals}");
        }
        if first.lists.is_empty() {
            return out;
        }
        let named = |text: &str| format!("{text}@{LENGTH}");
        let mut rows = vec![vec![
            "Lists".to_owned(),
            named("NDCG"),
            named("hit rate"),
            named("recall"),
            "movies named".into(),
            "of all".into(),
            "mean ratings".into(),
            "under 5".into(),
        ]];
        for (at, method) in first.lists.iter().enumerate() {
            let mean = |pick: &dyn Fn(&Ranking) -> f64| {
                let values: Vec<f64> = self
                    .folds
                    .iter()
                    .map(|fold| pick(&fold.lists[at].ranking))
                    .collect();
                spread(&values).0
            };
            rows.push(vec![
                method.method.clone(),
                format!("{:.4}", mean(&|r| r.ndcg)),
                format!("{:.4}", mean(&|r| r.hit_rate)),
                format!("{:.4}", mean(&|r| r.recall)),
                grouped(mean(&|r| r.coverage as f64).round() as u64),
                format!("{:.1} %", 100.0 * mean(&|r| r.coverage_share)),
                format!("{:.0}", mean(&|r| r.popularity)),
                format!("{:.1} %", 100.0 * mean(&|r| r.obscure)),
            ]);
        }
        let _ = write!(out, "\n{}", table(&align(8), &rows));
        if let Some(kept) = first.kept.first() {
            let head = format!("Of the {LENGTH} movies by {}, kept in", kept.of);
            let mut rows = vec![vec![
                head,
                "by stars alone".into(),
                "as a device ranks".into(),
            ]];
            for (at, kept) in first.kept.iter().enumerate() {
                let mean = |pick: &dyn Fn(&Kept) -> f64| {
                    let folds = self.folds.iter();
                    let all: Vec<f64> = folds.map(|fold| pick(&fold.kept[at])).collect();
                    format!("{:.2}", spread(&all).0 * LENGTH as f64)
                };
                rows.push(vec![
                    kept.method.clone(),
                    mean(&|kept| kept.stars_alone),
                    mean(&|kept| kept.as_ranked),
                ]);
            }
            let _ = write!(out, "\n{}", table(&align(3), &rows));
        }
        out
    }

    /// One line a figure: fold, method, measure, value.
    pub fn csv(&self) -> String {
        let mut out = String::from("fold,method,measure,value\n");
        let mut line = |fold: &str, method: &str, measure: &str, value: f64| {
            // A name with a comma would break the line; ours have none but a file's could.
            let plain = |text: &str| text.replace([',', '"', '\n'], " ");
            let _ = writeln!(
                out,
                "{},{},{measure},{value:.6}",
                plain(fold),
                plain(method)
            );
        };
        for fold in &self.folds {
            for e in &fold.errors {
                line(&fold.fold, &e.method, "rmse", e.rmse);
                line(&fold.fold, &e.method, "mae", e.mae);
            }
            for o in &fold.odds {
                let c = &o.coverage;
                for (measure, value) in [
                    ("within", c.within),
                    ("below", c.below),
                    ("above", c.above),
                    ("width", c.width),
                ] {
                    line(&fold.fold, &o.method, measure, value);
                }
                for (tenth, within) in (1..).zip(&c.within_by_width) {
                    line(
                        &fold.fold,
                        &o.method,
                        &format!("within_tenth_{tenth}"),
                        *within,
                    );
                }
            }
            for k in &fold.kept {
                line(&fold.fold, &k.method, "kept_by_stars", k.stars_alone);
                line(&fold.fold, &k.method, "kept_as_ranked", k.as_ranked);
            }
            for l in &fold.lists {
                let r = &l.ranking;
                for (measure, value) in [
                    ("ndcg", r.ndcg),
                    ("hit_rate", r.hit_rate),
                    ("recall", r.recall),
                    ("coverage", r.coverage as f64),
                    ("coverage_share", r.coverage_share),
                    ("popularity", r.popularity),
                    ("obscure", r.obscure),
                ] {
                    line(&fold.fold, &l.method, measure, value);
                }
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let fold = |name: &str, rmse: f64| FoldResult {
            fold: name.into(),
            train: 80,
            test: 20,
            unseen_movies: 1,
            unseen_users: 2,
            dim: 8,
            seconds: 0.5,
            errors: vec![Errors {
                method: "hybrid f16".into(),
                rmse,
                mae: 0.7,
            }],
            odds: Vec::new(),
            lists: vec![Lists {
                method: "popularity".into(),
                ranking: Ranking {
                    ndcg: 0.25,
                    coverage: 12,
                    ..Ranking::default()
                },
            }],
            kept: vec![Kept {
                of: "hybrid f32".into(),
                method: "hybrid f16".into(),
                stars_alone: rmse,
                as_ranked: 0.95,
            }],
        };
        Report {
            data: "test".into(),
            protocol: "2 folds".into(),
            model: "hybrid".into(),
            solver: "gibbs".into(),
            seed: 0,
            folds: vec![fold("fold 1", 0.9), fold("fold 2", 0.8)],
        }
    }

    #[test]
    fn the_table_has_means_and_spread_and_each_fold() {
        let text = report().text();
        for part in [
            "0.8500 ± 0.0707",
            "0.9000 0.7000",
            "2 of 40 test ratings",
            "NDCG@10",
            "0.2500",
            "8.50",
            "9.50",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
        assert_eq!(
            report()
                .errors("hybrid f16")
                .map(|(rmse, _)| (rmse * 1e6).round()),
            Some(850_000.0)
        );
        assert_eq!(report().errors("svd"), None);
    }

    #[test]
    fn csv_and_json_hold_every_figure() {
        let csv = report().csv();
        assert!(csv.starts_with("fold,method,measure,value\nfold 1,hybrid f16,rmse,0.900000\n"));
        assert!(csv.contains("fold 2,popularity,coverage,12.000000\n"));
        assert!(csv.contains("fold 2,hybrid f16,kept_as_ranked,0.950000\n"));
        let json = serde_json::to_value(report()).unwrap();
        assert_eq!(json["folds"][1]["errors"][0]["rmse"], 0.8);
        assert_eq!(json["folds"][0]["lists"][0]["ndcg"], 0.25);
    }
}
