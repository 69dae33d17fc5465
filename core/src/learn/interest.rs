//! What an owner looks for, by the latest ratings.

use crate::model::Model;
use crate::model::interest::{Interest, least_liked};
use crate::profile::Rating;

impl Model<'_> {
    /// The interest of somebody with these ratings, oldest first, who gives `mean` on the whole
    /// ([`UserState::mean`](crate::model::UserState::mean)): from the latest [`LATEST`](crate::model::interest::LATEST) that the
    /// model can use, without what was disliked ([`least_liked`]). Costs a look-up of an id and 1,024 additions for each, and
    /// 16,384 products; 1,100 bytes of stack.
    pub fn interest_of_ratings(&self, ratings: &[Rating], mean: f32) -> Interest {
        match self.interests() {
            Some((of, kin)) => {
                let scale = self.scale();
                let least = least_liked(mean, (scale.lowest, scale.highest));
                let liked = |rating: &&Rating| rating.stars() >= least;
                let mut rows =
                    (ratings.iter().rev().filter(liked)).filter_map(|rating| rating.row(self));
                of.of_latest(kin, &mut rows)
            }
            None => Interest::NONE,
        }
    }
}
