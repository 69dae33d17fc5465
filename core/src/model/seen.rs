//! What the users of an image have rated: their lists leave it out.

use super::Model;
use crate::ids::{MovieId, UserId};

/// The movies that a user of an image has rated, as far as the image holds them: see [`Model::seen`].
#[derive(Clone, Copy, Debug)]
pub struct Seen<'m> {
    model: &'m Model<'m>,
    row: u32,
}

impl Seen<'_> {
    /// Whether the user has rated the movie `id`; `false` for one that the image doesn't have. Costs two look-ups, of
    /// the movie and of the pair.
    pub fn contains(&self, id: MovieId) -> bool {
        self.model.has_rated(self.row, id)
    }
}

impl Model<'_> {
    /// Whether the image says which movies its users have rated.
    pub fn has_seen(&self) -> bool {
        self.seen.is_some()
    }

    /// The movies that the user `id` has rated; `None` where the image doesn't say or has no such user. The filter of a
    /// [ranking](crate::rank::TopN::advance) asks it. About 10 bits of flash a rating, and no RAM.
    pub fn seen(&self, id: UserId) -> Option<Seen<'_>> {
        let row = self.user_at(id).ok()? as u32;
        self.has_seen().then_some(Seen { model: self, row })
    }

    /// Whether the image says that the user of `row` has rated the movie `id`.
    #[inline(never)]
    pub(crate) fn has_rated(&self, row: u32, id: MovieId) -> bool {
        // By reference: a copy would take as long as a good part of the look-up.
        let Some(pairs) = &self.seen else {
            return false;
        };
        // The verifier has excluded that a pair passes 32 bits.
        let first = row.wrapping_mul(self.movies);
        let movie = self.movie_ids.row(id.0);
        movie.is_some_and(|movie| pairs.row(first.wrapping_add(movie)).is_some())
    }
}
