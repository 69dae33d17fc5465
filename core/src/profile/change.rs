//! What a request changes of a profile, as a store keeps it.

use super::{Rating, Undo};
use crate::ids::MovieId;

/// A change of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Change {
    /// A movie was rated.
    Rated(Rating),
    /// The last rating was undone.
    Undone,
    /// A movie was forgotten.
    Forgot(MovieId),
    /// All was forgotten.
    ForgotAll,
    /// A live rating, in what a compaction writes.
    Live(Rating),
    /// A step of the way back, in what a compaction writes, oldest first.
    Undoable(Undo),
    /// Twelve bytes of a movie that is added to the image; in place of its owner the record has which of them. It changes
    /// nothing before [`Added`](Self::Added) follows.
    #[cfg(feature = "grow")]
    Part([u32; 3]),
    /// The movie of the parts before is added.
    #[cfg(feature = "grow")]
    Added {
        /// The CRC of the image that it is for.
        image: u32,
        /// The check of that and of all parts.
        check: u32,
    },
    /// A movie that was added is taken out again.
    #[cfg(feature = "grow")]
    Removed(MovieId),
    /// What the last request has done, in what a compaction writes; it changes nothing.
    Did(Done),
}

/// What a request has done so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Done {
    /// So many changes.
    Changes(u8),
    /// It took a rating back: what it was, which the log doesn't tell any more.
    Undone(Undo),
}

/// Which request it was: two that have the same number and the same body are one, asked again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Asked {
    /// The request's number.
    pub number: u32,
    /// The check of its frame: [`Frame::check`](crate::wire::Frame::check).
    pub check: u16,
}

/// A change, of whose profile, and for which request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Record {
    /// The owner.
    pub owner: u8,
    /// The change.
    pub change: Change,
    /// The request that asked for it; of no meaning for `Live` and `Undoable`, nor for a movie that is added.
    pub asked: Asked,
}
