//! The header and the tables as they stand in an image, and the limits of both.

use serde::{Deserialize, Serialize};

/// The first four bytes of every image.
pub const MAGIC: [u8; 4] = *b"PkRc";

/// The format this crate reads and writes.
pub const FORMAT: u8 = 1;

/// Where the CRC's four bytes start: the CRC covers what is before and behind them.
pub(super) const CRC_OFFSET: usize = 9;

/// Where the CRC's four bytes end.
pub(super) const CRC_END: usize = CRC_OFFSET + 4;

/// The longest name or licence line, in bytes: both fit a frame of the wire.
pub const MAX_TEXT: usize = 96;

/// The most tables of an image. A reader looks for a table among all of them, so what opening costs grows with their
/// number; those that this version knows are fewer than 50.
pub const MAX_TABLES: u16 = 64;

/// What stands before the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Header<'a> {
    /// [`MAGIC`].
    pub magic: [u8; 4],
    /// [`FORMAT`].
    pub format: u8,
    /// Bytes of the whole image.
    #[serde(with = "postcard::fixint::le")]
    pub length: u32,
    /// CRC-32 of all bytes but its own.
    #[serde(with = "postcard::fixint::le")]
    pub crc: u32,
    /// What the model is called, at most [`MAX_TEXT`] bytes.
    pub name: &'a str,
    /// Fingerprint of the data set the model was trained on.
    #[serde(with = "postcard::fixint::le")]
    pub fingerprint: u64,
    /// The licence line of that data set, at most [`MAX_TEXT`] bytes.
    pub license: &'a str,
    /// How many tables follow, at most [`MAX_TABLES`].
    pub tables: u16,
}

/// A table as it stands in an image.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table<'a> {
    /// The number of a [`TableKind`](super::TableKind), or of a kind that this version doesn't know.
    pub kind: u16,
    /// Which one of its kind: the dense layer, from 0; 0 elsewhere.
    pub index: u8,
    /// Whether a reader that doesn't know the kind must refuse the image.
    pub required: bool,
    /// The number of an [`Element`](super::Element).
    pub element: u8,
    /// Rows.
    pub rows: u32,
    /// Columns.
    pub columns: u32,
    /// What the elements of an integer table are multiplied by.
    pub scale: f32,
    /// 0 to 3 zeros that align `bytes`.
    #[serde(borrow)]
    pub padding: &'a [u8],
    /// The elements in row-major order.
    #[serde(borrow)]
    pub bytes: &'a [u8],
}

impl Table<'_> {
    /// No table.
    pub(crate) const EMPTY: Self = Self {
        kind: 0,
        index: 0,
        required: false,
        element: 0,
        rows: 0,
        columns: 0,
        scale: 0.0,
        padding: &[],
        bytes: &[],
    };
}
