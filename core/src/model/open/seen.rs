//! The table of rated movies: found and checked.

use super::{ANY, Found, cast};
use crate::ids::EliasFano;
use crate::image::ImageError;
use crate::image::{Element, TableKind};
use crate::numeric::pace::Pace;

/// The pairs of users and movies that were rated, where the image has them: each of a user and a movie that there are.
#[inline(never)]
pub(super) fn open<'a, P: Pace>(
    found: &Found<'a, P>,
    users: u32,
    movies: u32,
) -> Option<EliasFano<'a>> {
    let kind = TableKind::UserSeen;
    if !found.has(kind) {
        return None;
    }
    let most = u64::from(users) * u64::from(movies);
    if users == 0 || most > 1 << 32 {
        found.shape(kind);
    }
    let words = cast(found.bytes_of((kind, 0), Element::U32, 1, ANY));
    let pairs = EliasFano::new(words, found.pace);
    let last = pairs.and_then(|pairs| pairs.last());
    if last.is_none_or(|last| u64::from(last) >= most) {
        found.refuse(ImageError::Ids(kind));
    }
    pairs
}
