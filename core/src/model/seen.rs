//! What the users of an image have rated: their lists leave it out.

use super::Model;
use crate::ids::IdIndex;

/// The movies that a user of an image has rated, as far as the image holds them: see [`Model::seen`].
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// User row x movies + movie row of each rating.
    pairs: IdIndex<'a>,
    movies: IdIndex<'a>,
    /// The pair of the user and the first movie.
    first: u32,
}

impl Seen<'_> {
    /// Whether the user has rated the movie `id`; `false` for one that the image doesn't have. Costs two look-ups, of
    /// the movie and of the pair.
    pub fn contains(&self, id: u32) -> bool {
        let row = self.movies.row(id);
        // The verifier has excluded that a pair passes 32 bits.
        row.is_some_and(|row| self.pairs.row(self.first.wrapping_add(row)).is_some())
    }
}

impl<'a> Model<'a> {
    /// Whether the image says which movies its users have rated.
    pub fn has_seen(&self) -> bool {
        self.seen.is_some()
    }

    /// The movies that the user `id` has rated; `None` where the image doesn't say or has no such user. The filter of a
    /// [ranking](crate::rank::TopN::advance) asks it. About 10 bits of flash a rating, and no RAM.
    pub fn seen(&self, id: u32) -> Option<Seen<'a>> {
        self.seen_at(self.user_at(id).ok()? as u32)
    }

    /// As [`seen`](Self::seen), for the user of `row`.
    pub(crate) fn seen_at(&self, row: u32) -> Option<Seen<'a>> {
        Some(Seen {
            pairs: self.seen?,
            movies: self.movie_ids,
            first: row.wrapping_mul(self.movies),
        })
    }
}
