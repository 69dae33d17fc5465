//! How sure a prediction for an owner is, by what their ratings have told.

use super::{FoldIn, gradient};
use crate::model::Model;

impl FoldIn {
    /// The standard deviation of a rating of the movie of `row`, after a whole fold-in, as
    /// [`Model::interval`] takes it; `None` where the image doesn't say it. Costs a gradient, P g and a square root.
    #[inline(never)]
    pub fn deviation(&self, model: &Model<'_>, row: u32) -> Option<f32> {
        let g = gradient(model, self.state(), row);
        model.deviation(self.belief().variance(&g.by))
    }
}
