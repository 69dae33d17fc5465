//! The scale that ratings are on: found from them, or given.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use pocketrec_base::threads::in_parts;

/// What is further from 0 isn't a rating but a count of something.
pub const LIMIT: f32 = 1000.0;
/// A device keeps the ratings of its owner in steps of this.
const QUARTER: f32 = 0.25;

/// The stars that a data set uses.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// Fewest stars.
    pub min: f32,
    /// Most stars.
    pub max: f32,
    /// Distance of neighbouring steps: 1 if every rating is whole, else a half or a quarter.
    pub step: f32,
}

impl Scale {
    /// MovieLens's: 0.5 to 5 by halves.
    pub const MOVIELENS: Scale = Scale {
        min: 0.5,
        max: 5.0,
        step: 0.5,
    };

    /// The scale that covers `stars`; 0.5 to 5 by halves if there are none.
    ///
    /// It goes from the fewest to the most stars by the largest step of 1, a half or a quarter that meets them all.
    /// Where none does (ratings such as -9.66), it goes by quarters, from a whole number to a whole number.
    pub fn of(stars: &[f32]) -> Scale {
        if stars.is_empty() {
            return Scale::MOVIELENS;
        }
        let parts = in_parts(stars.len(), |range| {
            let (mut min, mut max) = (f32::INFINITY, f32::NEG_INFINITY);
            let (mut odd, mut between) = (0, false);
            for &s in &stars[range] {
                min = if s < min { s } else { min };
                max = if s > max { s } else { max };
                let quarters = s * 4.0;
                let whole = quarters as i32;
                odd |= whole & 3;
                between |= whole as f32 != quarters;
            }
            (min, max, odd, between)
        });
        let over = |pick: fn(f32, f32) -> f32, of: fn(&(f32, f32, i32, bool)) -> f32| {
            parts.iter().map(of).reduce(pick).unwrap_or_default()
        };
        let (min, max) = (over(f32::min, |part| part.0), over(f32::max, |part| part.1));
        let odd = parts.iter().fold(0, |odd, part| odd | part.2);
        if parts.iter().any(|part| part.3) {
            return Scale {
                min: min.floor(),
                max: max.ceil(),
                step: QUARTER,
            };
        }
        Scale {
            min,
            max,
            step: match odd {
                0 => 1.0,
                2 => 0.5,
                _ => QUARTER,
            },
        }
    }

    /// Whether it is one that a release of MovieLens may have.
    pub fn is_movielens(&self) -> bool {
        let whole = Scale::MOVIELENS;
        self.min >= whole.min && self.max <= whole.max && self.step >= whole.step
    }
}

/// `1 to 10 by 1`.
impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {} by {}", self.min, self.max, self.step)
    }
}

/// A scale that a person states: `LOW..HIGH` or `LOW..HIGH/STEP`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct GivenScale {
    low: f32,
    high: f32,
    /// Found from the ratings if not given.
    step: Option<f32>,
}

impl GivenScale {
    /// Whether `stars` is a rating of it.
    pub fn has(&self, stars: f32) -> bool {
        let on_step = |step: f32| ((stars - self.low) / step).fract() == 0.0;
        (self.low..=self.high).contains(&stars) && self.step.is_none_or(on_step)
    }

    /// Whether `stars` is below it and the mark that many data sets have where somebody gave no rating: 0 or -1.
    pub fn says_none(&self, stars: f32) -> bool {
        stars < self.low && (stars == 0.0 || stars == -1.0)
    }

    /// With the step of `found`, the ratings' own, where none is given.
    pub fn with(&self, found: Scale) -> Scale {
        Scale {
            min: self.low,
            max: self.high,
            step: self.step.unwrap_or(found.step),
        }
    }
}

impl FromStr for GivenScale {
    type Err = String;

    fn from_str(text: &str) -> Result<GivenScale, String> {
        let wrong = || {
            "it should be LOW..HIGH or LOW..HIGH/STEP, for instance 1..10, -10..10/0.5 or 0.5..5"
                .to_owned()
        };
        let number = |text: &str| {
            let number: Option<f32> = text.trim().parse().ok();
            number.filter(|number| number.is_finite()).ok_or_else(wrong)
        };
        let (range, step) = match text.split_once('/') {
            Some((range, step)) => (range, Some(number(step)?)),
            None => (text, None),
        };
        let (low, high) = range.split_once("..").ok_or_else(wrong)?;
        let (low, high) = (
            number(low)?,
            number(high.strip_prefix('=').unwrap_or(high))?,
        );
        if low >= high {
            return Err(format!(
                "its lowest rating {low} should be below its highest, {high}"
            ));
        }
        if low < -LIMIT || high > LIMIT {
            return Err(format!("it should lie within -{LIMIT}..{LIMIT}"));
        }
        let quarters = |x: f32| (x / QUARTER).fract() == 0.0;
        if !quarters(low)
            || !quarters(high)
            || !step.is_none_or(|step| step > 0.0 && quarters(step))
        {
            return Err(
                "its numbers should be multiples of 0.25, in which a device keeps ratings".into(),
            );
        }
        if step.is_some_and(|step| ((high - low) / step).fract() != 0.0) {
            return Err("its step should lead from the lowest rating to the highest".into());
        }
        Ok(GivenScale { low, high, step })
    }
}

/// As it is given.
impl fmt::Display for GivenScale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.low, self.high)?;
        match self.step {
            Some(step) => write!(f, "/{step}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale(min: f32, max: f32, step: f32) -> Scale {
        Scale { min, max, step }
    }

    #[test]
    fn a_scale_covers_its_ratings_by_the_largest_step_that_meets_them() {
        assert_eq!(Scale::of(&[]), Scale::MOVIELENS);
        assert_eq!(Scale::of(&[1.0, 4.0, 3.0]), scale(1.0, 4.0, 1.0));
        assert_eq!(Scale::of(&[0.5, 5.0]), scale(0.5, 5.0, 0.5));
        assert_eq!(Scale::of(&[1.0, 2.0, 10.0]), scale(1.0, 10.0, 1.0));
        assert_eq!(Scale::of(&[0.0, 1.25, 3.5]), scale(0.0, 3.5, 0.25));
        assert_eq!(Scale::of(&[-9.66, 2.0, 9.9]), scale(-10.0, 10.0, 0.25));
        assert_eq!(Scale::of(&[-3.0, 3.0]), scale(-3.0, 3.0, 1.0));
        assert_eq!(Scale::of(&[0.0, 0.1, 1.0]), scale(0.0, 1.0, 0.25));
    }

    #[test]
    fn a_given_scale_comes_back_as_it_was_said() {
        for text in ["1..10", "-10..10", "0..100/1", "0.5..5/0.5", "-2.5..2.5"] {
            assert_eq!(text.parse::<GivenScale>().unwrap().to_string(), text);
        }
        assert_eq!("1..=5".parse::<GivenScale>().unwrap().to_string(), "1..5");
        let given: GivenScale = "-10..10/0.5".parse().unwrap();
        assert!(given.has(-10.0) && given.has(9.5) && !given.has(9.25) && !given.has(10.5));
        let given: GivenScale = "1..10".parse().unwrap();
        assert!(given.has(2.7) && given.says_none(0.0) && given.says_none(-1.0));
        assert!(!given.says_none(0.5) && !given.says_none(11.0) && !given.says_none(1.0));
        assert_eq!(given.with(scale(2.0, 9.0, 0.5)), scale(1.0, 10.0, 0.5));
    }

    #[test]
    fn a_scale_that_is_none_is_refused_with_what_would_be_right() {
        for (text, said) in [
            ("", "LOW..HIGH"),
            ("5", "LOW..HIGH"),
            ("1-5", "LOW..HIGH"),
            ("a..b", "LOW..HIGH"),
            ("1..nan", "LOW..HIGH"),
            ("5..1", "below its highest"),
            ("1..1", "below its highest"),
            ("1..5/0", "multiples of 0.25"),
            ("1..5/0.1", "multiples of 0.25"),
            ("1..5/3", "lead from the lowest"),
            ("1..5000", "within -1000..1000"),
        ] {
            let error = text.parse::<GivenScale>().unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
