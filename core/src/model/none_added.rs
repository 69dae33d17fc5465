//! In place of [`added`](super::added) where the feature `grow` isn't compiled in: the image's movies are all.

use super::Model;

impl<'a> Model<'a> {
    #[inline(always)]
    pub(crate) fn part_of(&self, row: u32) -> (&Model<'a>, u32) {
        (self, row)
    }

    #[inline(always)]
    pub(crate) fn has_more(&self) -> bool {
        false
    }
}
