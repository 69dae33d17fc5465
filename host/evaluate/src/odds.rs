//! How many ratings lie in their prediction intervals: a row of a table for each way to predict.

use pocketrec::model::odds::SHARE;
use pocketrec_base::print::{Align, table};
use pocketrec_metrics::Coverage;
use serde::Serialize;

/// How the intervals of one way to predict held the ratings measured on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Odds {
    /// What predicts.
    pub method: String,
    /// How many ratings they held.
    #[serde(flatten)]
    pub coverage: Coverage,
}

/// The mean of some figures.
fn mean<'c>(all: &[&'c Coverage], figure: impl Fn(&'c Coverage) -> f64) -> f64 {
    all.iter().map(|one| figure(one)).sum::<f64>() / all.len().max(1) as f64
}

/// A table of rows with a name, each the mean over some of the same: folds, say. Empty where there is nothing to tell.
pub fn text(head: &str, rows: &[(String, Vec<&Coverage>)]) -> String {
    if rows.iter().all(|(_, all)| all.is_empty()) {
        return String::new();
    }
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    let mut cells = vec![vec![
        head.to_owned(),
        format!("in {:.0} %", 100.0 * SHARE),
        "below".into(),
        "above".into(),
        "stars wide".into(),
        "in, by tenths from narrow to wide".into(),
    ]];
    for (name, all) in rows.iter().filter(|(_, all)| !all.is_empty()) {
        let tenths = (0..all[0].within_by_width.len())
            .map(|tenth| format!("{:.0}", 100.0 * mean(all, |one| one.within_by_width[tenth])));
        cells.push(vec![
            name.clone(),
            percent(mean(all, |one| one.within)),
            percent(mean(all, |one| one.below)),
            percent(mean(all, |one| one.above)),
            format!("{:.2}", mean(all, |one| one.width)),
            tenths.collect::<Vec<_>>().join(" "),
        ]);
    }
    let mut align = [Align::Right; 6];
    (align[0], align[5]) = (Align::Left, Align::Left);
    table(&align, &cells)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_the_mean_of_its_folds() {
        let fold = |within: f64| Coverage {
            ratings: 10,
            within,
            below: 0.1,
            above: 0.9 - within,
            width: 2.0 * within,
            widths: vec![1.0; 10],
            within_by_width: vec![within; 10],
        };
        let (a, b) = (fold(0.78), fold(0.83));
        let text = text("Intervals", &[("mf".into(), vec![&a, &b])]);
        for part in ["80.5 %", "10.0 %", "9.5 %", "1.61", "80 80 80"] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
        assert_eq!(super::text("Intervals", &[("mf".into(), vec![])]), "");
    }
}
