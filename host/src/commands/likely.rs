//! How sure predictions are for somebody, from an image.

use pocketrec::ids::UserId;
use pocketrec::learn::FoldIn;
use pocketrec::model::{Interval, Model, UserState};

/// What an image knows of somebody's ratings.
pub enum Likely<'m> {
    /// Of a user, the deviation of theirs.
    User(&'m Model<'m>, Option<f32>),
    /// Of somebody new, how people differ.
    New(&'m Model<'m>, Box<FoldIn>),
}

impl<'m> Likely<'m> {
    /// Of a user of the image, or of somebody new.
    pub fn of(model: &'m Model<'m>, id: Option<u32>) -> Self {
        match id {
            Some(id) => Self::User(model, model.deviation_of_user(UserId(id))),
            None => Self::New(model, Box::new(FoldIn::new(model))),
        }
    }

    /// Between which stars a rating of the movie of `row` is likely to be, where the image says it.
    pub fn interval(&self, user: &UserState, row: u32) -> Option<Interval> {
        let (model, deviation) = match self {
            Self::User(model, deviation) => (model, *deviation),
            Self::New(model, fold) => (model, fold.deviation(model, row)),
        };
        model.interval(user, row, deviation?)
    }
}
