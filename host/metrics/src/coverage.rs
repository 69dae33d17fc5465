//! Coverage: how many ratings lie in their prediction intervals, of all and by how wide those are.

use pocketrec::model::Interval;
use serde::Serialize;

/// Groups of as many intervals each, from the narrowest to the widest.
pub const GROUPS: usize = 10;

/// How intervals held ratings that a model had not seen.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Coverage {
    /// Ratings that have an interval.
    pub ratings: usize,
    /// Share of them in their interval.
    pub within: f64,
    /// Share below.
    pub below: f64,
    /// Share above.
    pub above: f64,
    /// Mean width of an interval, in stars.
    pub width: f64,
    /// Mean width of each tenth of the intervals, the narrowest first.
    pub widths: Vec<f64>,
    /// Share of each tenth's ratings in their interval.
    pub within_by_width: Vec<f64>,
}

impl Coverage {
    /// Of intervals and the ratings that they are for; `None` where there are fewer than ten.
    pub fn of(mut pairs: Vec<(Interval, f32)>) -> Option<Self> {
        if pairs.len() < GROUPS {
            return None;
        }
        let width = |(interval, _): &(Interval, f32)| interval.high - interval.low;
        // Of equal width as they came.
        pairs.sort_by(|a, b| width(a).total_cmp(&width(b)));
        let share = |pairs: &[(Interval, f32)], is: fn(&(Interval, f32)) -> bool| {
            pairs.iter().filter(|pair| is(pair)).count() as f64 / pairs.len() as f64
        };
        let within =
            |(interval, stars): &(Interval, f32)| (interval.low..=interval.high).contains(stars);
        let mean = |pairs: &[(Interval, f32)]| {
            let sum: f64 = pairs.iter().map(|pair| f64::from(width(pair))).sum();
            sum / pairs.len() as f64
        };
        let groups = || {
            let at = |group: usize| pairs.len() * group / GROUPS;
            (0..GROUPS).map(move |group| at(group)..at(group + 1))
        };
        Some(Self {
            ratings: pairs.len(),
            within: share(&pairs, within),
            below: share(&pairs, |(interval, stars)| *stars < interval.low),
            above: share(&pairs, |(interval, stars)| *stars > interval.high),
            width: mean(&pairs),
            widths: groups().map(|group| mean(&pairs[group])).collect(),
            within_by_width: groups().map(|group| share(&pairs[group], within)).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_counted_of_all_and_of_each_tenth_by_width() {
        let pairs = (0..20u8).rev().map(|number| {
            let half = f32::from(number) / 10.0;
            let interval = Interval {
                low: 3.0 - half,
                high: 3.0 + half,
            };
            (interval, if number < 10 { 4.0 } else { 2.0 })
        });
        let found = Coverage::of(pairs.collect()).unwrap();
        assert_eq!((found.ratings, found.within), (20, 0.5));
        assert_eq!((found.below, found.above), (0.0, 0.5));
        assert!((found.width - 1.9).abs() < 1e-6 && (found.widths[0] - 0.1).abs() < 1e-6);
        let by_width: Vec<f64> = (0..10)
            .map(|group| f64::from(u8::from(group >= 5)))
            .collect();
        assert_eq!(found.within_by_width, by_width);
        assert_eq!(Coverage::of(vec![(Interval::default(), 0.0); 9]), None);
    }
}
