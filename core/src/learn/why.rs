//! Why a prediction is what it is: how much each of a person's ratings moved it.
//!
//! At the end of a fold-in x = x0 + P Σ g_i y_i, with y_i what rating i leaves over of the mean user's score. So the
//! score of a movie with gradient g moved, to first order, by Σ (g' P g_i) y_i: one term a rating, and they add up.

use super::FoldIn;
use super::{MAX_LEARNED, gradient};
use crate::model::Model;
use crate::profile::Rating;

/// The way from a person's ratings to one prediction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Influence {
    /// P g of the movie that is predicted.
    toward: [f32; MAX_LEARNED],
}

impl Influence {
    /// The influence on the prediction for the movie of `row`, after a whole `fold`. Costs a gradient.
    pub fn on(model: &Model<'_>, fold: &FoldIn, row: u32) -> Self {
        let g = gradient(model, fold.state(), row);
        Self {
            toward: fold.belief().times(&g.by),
        }
    }

    /// How many stars `rating`, one of those that were folded in, moved it; 0 for one that the model can't use.
    /// Costs a gradient.
    pub fn of(&self, model: &Model<'_>, fold: &FoldIn, rating: Rating) -> f32 {
        let Some(row) = rating.row(model) else {
            return 0.0;
        };
        let g = gradient(model, fold.state(), row);
        fold.belief().dot(&self.toward, &g.by) * fold.surprise(&g, rating.stars())
    }
}
