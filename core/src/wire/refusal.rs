//! Why a device doesn't do what it was asked.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::MAX_LIST;
use super::error::FrameError;
use crate::image::ImageError;

/// Why a request is not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Refusal {
    /// The model doesn't have this movie.
    UnknownMovie(u32),
    /// The model doesn't have this user.
    UnknownUser(u32),
    /// There is no model, and why.
    NoModel(NoModel),
    /// The frame was not understood; a reply to no request in particular has the number 0.
    BadFrame(FrameError),
    /// A long request is under way and another one waits: ask again later.
    Busy,
    /// The long request was cancelled.
    Cancelled,
    /// The device has fewer owners.
    UnknownOwner(u8),
    /// Only an owner can rate, not a user of the image.
    NotAnOwner,
    /// The rating isn't on the model's scale.
    OffScale,
    /// More movies were asked for than a list holds.
    ListTooLong,
    /// This firmware was built without it.
    NotSupported,
    /// The owner's log is full: forget something first.
    LogFull,
    /// The owner didn't rate this movie.
    NotRated(u32),
    /// There is no rating left that could be undone.
    NothingToUndo,
    /// Flash didn't take the change, so it was not made.
    StorageFailed,
    /// Flash can't be read to find out whether it took the change; in RAM it isn't made.
    StorageUnsure,
    /// What was asked is done and stays done, but old records of it are still in flash.
    NotErased,
    /// What is in flash couldn't be opened, so nothing is changed: `Format` erases it.
    StorageClosed,
    /// All ratings are gone from RAM, but flash isn't erased: what is left may come back at the next start.
    NotFormatted,
    /// What is in flash was written by a firmware of another version, so nothing is changed: `Format` erases it.
    StorageOfOtherVersion,
    /// The image says nothing of genres and years, or the firmware was built without reading it: lists can't be filtered.
    NoFacets,
    /// The movie that is to be added is for another image than the device's, which has this CRC.
    OtherImage(u32),
    /// There is room for so many added movies, and they are there.
    NoRoom(u8),
    /// The id of a movie that is added isn't above this one, the highest so far.
    MovieId(u32),
    /// A movie for this image has so many bytes.
    MovieLength(u16),
    /// What is said of the movie for a table of the image couldn't be in that.
    BadMovie(NoModel),
    /// This movie wasn't added.
    NotAdded(u32),
    /// The image doesn't say how well known movies are, by which the list is to be sorted.
    NoFame,
}

#[cfg(feature = "grow")]
impl From<crate::model::entry::NotAdded> for Refusal {
    fn from(why: crate::model::entry::NotAdded) -> Self {
        use crate::model::entry::NotAdded;
        match why {
            NotAdded::Full(room) => Self::NoRoom(room as u8),
            NotAdded::Id(last) => Self::MovieId(last.0),
            NotAdded::Length(bytes) => Self::MovieLength(bytes as u16),
            NotAdded::Bad(why) => Self::BadMovie(why.into()),
        }
    }
}

/// An [`ImageError`] as it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct NoModel {
    /// The error's code.
    pub code: u8,
    /// Its first detail.
    pub a: u32,
    /// Its second detail.
    pub b: u32,
}

impl From<ImageError> for NoModel {
    fn from(error: ImageError) -> Self {
        let (code, a, b) = error.to_numbers();
        Self { code, a, b }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::UnknownMovie(id) => write!(f, "movie {id} is not in the device's model"),
            Self::UnknownUser(id) => write!(f, "user {id} is not in the device's model"),
            Self::NoModel(NoModel { code, a, b }) => match ImageError::from_numbers(code, a, b) {
                Some(why) => write!(f, "the device has no model: {why}"),
                None => write!(
                    f,
                    "the device has no model: error {code} ({a}, {b}), unknown here"
                ),
            },
            Self::BadFrame(why) => write!(f, "the device did not understand: {why}"),
            Self::Busy => {
                f.write_str("the device is busy: a long request runs and another one waits")
            }
            Self::Cancelled => f.write_str("the request was cancelled"),
            Self::UnknownOwner(owner) => write!(f, "the device has no owner {owner}"),
            Self::NotAnOwner => {
                f.write_str("only an owner of the device can rate, not a user of the image")
            }
            Self::OffScale => f.write_str("the rating is not on the model's scale"),
            Self::ListTooLong => write!(f, "a list holds at most {MAX_LIST} movies"),
            Self::NotSupported => f.write_str("the device's firmware was built without this"),
            Self::LogFull => f.write_str(
                "the owner's log of ratings is full: forget a movie first (nothing was dropped)",
            ),
            Self::NotRated(id) => write!(f, "the owner has not rated movie {id}"),
            Self::NothingToUndo => f.write_str("there is no rating left to undo"),
            Self::StorageFailed => {
                f.write_str("the device's flash didn't take the change, so nothing was changed")
            }
            Self::StorageUnsure => f.write_str(
                "the device's flash failed and can't be read to find out whether it took the change: \
                 the list of ratings tells after a restart",
            ),
            Self::NotErased => f.write_str(
                "it is done and stays done, but the device's flash didn't erase all of the old records: \
                 a compaction tries again",
            ),
            Self::StorageClosed => f.write_str(
                "what the device's flash holds can't be opened, so nothing was changed: \
                 a restart tries again, formatting erases it and starts over",
            ),
            Self::NotFormatted => f.write_str(
                "the device's flash didn't erase everything: no rating is in use now, but what is left may be \
                 back after a restart; formatting again may help",
            ),
            Self::StorageOfOtherVersion => f.write_str(
                "the device's flash holds ratings as a firmware of another version writes them, so nothing was changed: \
                 that version still reads them, formatting erases them and starts over",
            ),
            Self::NoFacets => f.write_str(
                "the device knows no genres and years: its image was exported without them, or its firmware built so",
            ),
            Self::OtherImage(crc) => write!(
                f,
                "the movie is for another image than the device's, whose CRC is {crc:08x}"
            ),
            Self::NoRoom(room) => write!(
                f,
                "the device has room for {room} added movies, and they are there: remove one first"
            ),
            Self::MovieId(last) => write!(
                f,
                "a movie that is added to the device needs an id above {last}, the highest so far"
            ),
            Self::MovieLength(bytes) => {
                write!(f, "a movie for the device's image has {bytes} bytes")
            }
            Self::BadMovie(NoModel { code, a, b }) => match ImageError::from_numbers(code, a, b) {
                Some(why) => write!(f, "the device can't take the movie: {why}"),
                None => write!(
                    f,
                    "the device can't take the movie: error {code} ({a}, {b}), unknown here"
                ),
            },
            Self::NotAdded(id) => write!(f, "movie {id} was not added to the device"),
            Self::NoFame => f.write_str(
                "the device's image doesn't say how well known its movies are, so no list is sorted by that",
            ),
        }
    }
}

impl core::error::Error for Refusal {}
