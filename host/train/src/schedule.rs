//! How the learning rate changes over a run.

use serde::{Deserialize, Serialize};

/// The course of the learning rate after the warm-up, as a factor of the chosen rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// Always 1.
    #[default]
    Constant,
    /// From 1 to 0 along half a cosine, over all epochs (Loshchilov and Hutter 2017, without
    /// restarts).
    Cosine,
    /// Multiplied by `factor` after each `epochs`.
    Step {
        /// Epochs between two steps.
        epochs: usize,
        /// What the rate is multiplied by.
        factor: f32,
    },
}

impl Schedule {
    /// The schedule of a text as on the command line: `constant`, `cosine` or `step:EPOCHS:FACTOR`.
    pub fn from_name(text: &str) -> Option<Self> {
        match text {
            "constant" => Some(Self::Constant),
            "cosine" => Some(Self::Cosine),
            _ => {
                let (epochs, factor) = text.strip_prefix("step:")?.split_once(':')?;
                let epochs = epochs.parse().ok().filter(|epochs| *epochs > 0)?;
                let factor: f32 = factor.parse().ok()?;
                (factor > 0.0 && factor.is_finite()).then_some(Self::Step { epochs, factor })
            }
        }
    }
}

/// A schedule for a run of known length.
#[derive(Clone, Copy, Debug)]
pub struct Course {
    /// The schedule.
    pub schedule: Schedule,
    /// Steps over which the rate first rises from nothing, in a straight line.
    pub warm_up: usize,
    /// Steps an epoch.
    pub epoch_steps: usize,
    /// Epochs of the whole run.
    pub epochs: usize,
}

impl Course {
    /// The factor of the learning rate at a step, 1 for the first. A function of the step alone.
    pub fn factor(&self, step: u64) -> f32 {
        let done = step.saturating_sub(1) as f64;
        let after = match self.schedule {
            Schedule::Constant => 1.0,
            Schedule::Cosine => {
                let share = done / (self.epochs * self.epoch_steps).max(1) as f64;
                0.5 * (1.0 + libm::cos(std::f64::consts::PI * share.min(1.0)))
            }
            Schedule::Step { epochs, factor } => {
                let stairs = (step.saturating_sub(1)) / (epochs * self.epoch_steps).max(1) as u64;
                super::adam::power(f64::from(factor), stairs)
            }
        };
        let warm = match self.warm_up {
            0 => 1.0,
            steps => (step as f64 / steps as f64).min(1.0),
        };
        (after * warm) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn course(schedule: Schedule, warm_up: usize) -> Course {
        Course {
            schedule,
            warm_up,
            epoch_steps: 10,
            epochs: 4,
        }
    }

    #[test]
    fn each_schedule_has_the_factors_that_its_name_promises() {
        let constant = course(Schedule::Constant, 0);
        assert_eq!([1, 7, 400].map(|step| constant.factor(step)), [1.0; 3]);
        let cosine = course(Schedule::Cosine, 0);
        assert_eq!(cosine.factor(1), 1.0);
        assert!((cosine.factor(21) - 0.5).abs() < 1e-6);
        assert!(cosine.factor(40) < 0.01);
        assert_eq!(cosine.factor(41), 0.0);
        let factor = 0.5;
        let step = course(Schedule::Step { epochs: 2, factor }, 0);
        assert_eq!(
            [1, 20, 21, 40, 41].map(|s| step.factor(s)),
            [1.0, 1.0, 0.5, 0.5, 0.25]
        );
    }

    #[test]
    fn a_warm_up_rises_in_a_straight_line_and_then_leaves_the_schedule_alone() {
        let warm = course(Schedule::Constant, 4);
        let factors = [1, 2, 3, 4, 5].map(|step| warm.factor(step));
        assert_eq!(factors, [0.25, 0.5, 0.75, 1.0, 1.0]);
    }

    #[test]
    fn names_are_read_and_others_are_refused() {
        let step = Schedule::Step {
            epochs: 3,
            factor: 0.1,
        };
        assert_eq!(Schedule::from_name("step:3:0.1"), Some(step));
        assert_eq!(Schedule::from_name("cosine"), Some(Schedule::Cosine));
        assert_eq!(Schedule::from_name("constant"), Some(Schedule::Constant));
        for text in [
            "",
            "step",
            "step:0:0.5",
            "step:3",
            "step:3:-1",
            "linear",
            "step:3:nan",
        ] {
            assert_eq!(Schedule::from_name(text), None, "{text}");
        }
    }
}
