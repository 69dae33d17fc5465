//! The flash image: one postcard message, a header and tagged tables, borrowed in place.
//!
//! # Layout
//!
//! All numbers are little-endian. `varint` is postcard's (7 bits a byte, low first).
//!
//! ```text
//!  offset
//!       0  magic          "PkRc"
//!       4  format         u8       this is format 1
//!       5  length         u32      of the whole image, padding included
//!       9  crc            u32      CRC-32 of bytes 0..9 and 13..length
//!      13  name           varint length, UTF-8
//!          fingerprint    u64      of the data set the model was trained on
//!          license        varint length, UTF-8: the data's licence line
//!          tables         varint   how many tables follow, at most 64
//!
//!  then each table:
//!          kind           varint   see TableKind
//!          index          u8       which one of its kind: the dense layer; 0 elsewhere
//!          required       u8       1: a reader that doesn't know the kind refuses the image; 0: it skips it
//!          element        u8       0 u8, 1 i8, 2 i16, 3 f16, 4 f32, 5 u32, 6 i32
//!          rows           varint
//!          columns        varint
//!          scale          f32      what the elements of an integer table are multiplied by; 1 elsewhere
//!          padding        varint length 0 to 3, zeros, so that the bytes below start at an
//!                                  offset divisible by 4
//!          bytes          varint length, rows x columns elements in row-major order
//! ```
//!
//! There are no offsets that could overlap or wrap: each table follows the one before it, and a length that
//! exceeds the image is refused where it stands.
//!
//! Later versions add tables, not formats: optional ones are skipped by readers that don't know them.
//!
//! # What a reader promises
//!
//! [`Model::open`](crate::model::Model::open) reads every byte once (CRC, bounds, ids, weights) and returns an
//! error for anything it would not answer from. After that nothing is checked again and nothing can fail.

#[cfg(feature = "write")]
pub mod builder;
mod error;
#[cfg(feature = "write")]
mod example;
#[cfg(feature = "write")]
pub mod integers;
mod kind;
mod layout;
#[cfg(feature = "write")]
mod writer;

#[cfg(feature = "facets")]
pub(crate) use crate::codec::text;
pub use error::{Feature, ImageError};
#[cfg(feature = "write")]
pub use example::example;
pub use kind::{Element, TableKind};
pub use layout::{FORMAT, Header, MAGIC, MAX_TABLES, MAX_TEXT, Table};
#[cfg(feature = "write")]
pub use writer::{AlignedBytes, ImageWriter, WriteError};

use crate::numeric::crc32::Crc32;
use crate::numeric::pace::walked;
use layout::{CRC_END, CRC_OFFSET};

/// An image whose header and CRC are right: its tables can be walked. What they hold is checked by
/// [`Model::open`](crate::model::Model::open).
#[derive(Clone, Copy, Debug)]
pub struct Image<'a> {
    /// What stands before the tables.
    pub header: Header<'a>,
    bytes: &'a [u8],
    tables: &'a [u8],
}

impl<'a> Image<'a> {
    /// Reads the header and checks length and CRC. `bytes` may be longer than the image, as a flash region is.
    /// Costs about 14 instructions a byte.
    ///
    /// # Errors
    ///
    /// [`ImageError::Misaligned`] for bytes that don't start at an address divisible by 4, then, in this order,
    /// `TooShort`, `Magic`, `Format`, `Length`, `Crc`, `Header` and `TooManyTables`, each named after the field.
    #[inline(never)]
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ImageError> {
        let sealed = Sealed::find(bytes)?;
        let mut crc = sealed.begin();
        crc.update(sealed.rest());
        sealed.open(crc.finish())
    }

    /// The tables, in the order in which they stand. An item is an error when a table can't be read, or when
    /// bytes are left over behind the last one; nothing follows an error.
    pub fn tables(&self) -> Tables<'a> {
        Tables {
            image: self.bytes,
            rest: self.tables,
            at: 0,
            count: self.header.tables,
            ended: false,
        }
    }

    /// All bytes of the image.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

/// An image whose CRC isn't known to be right yet.
#[derive(Clone, Copy)]
pub(crate) struct Sealed<'a> {
    bytes: &'a [u8],
    /// The CRC that it should have.
    stated: u32,
}

impl<'a> Sealed<'a> {
    /// The image at the front of `bytes`, by its length.
    pub(crate) fn find(bytes: &'a [u8]) -> Result<Self, ImageError> {
        if !(bytes.as_ptr() as usize).is_multiple_of(4) {
            return Err(ImageError::Misaligned);
        }
        let have = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let Some((fixed, _)) = bytes.split_first_chunk::<CRC_END>() else {
            return Err(ImageError::TooShort { have });
        };
        let [m0, m1, m2, m3, format, l0, l1, l2, l3, c0, c1, c2, c3] = *fixed;
        if [m0, m1, m2, m3] != MAGIC {
            return Err(ImageError::Magic);
        }
        if format != FORMAT {
            return Err(ImageError::Format { found: format });
        }
        let length = u32::from_le_bytes([l0, l1, l2, l3]);
        let Some(bytes) = bytes.get(..length as usize).filter(|b| b.len() > CRC_END) else {
            return Err(ImageError::Length {
                stated: length,
                have,
            });
        };
        Ok(Self {
            bytes,
            stated: u32::from_le_bytes([c0, c1, c2, c3]),
        })
    }

    /// The CRC of what is before its own bytes.
    pub(crate) fn begin(&self) -> Crc32 {
        let mut crc = Crc32::new();
        crc.update(self.bytes.get(..CRC_OFFSET).unwrap_or_default());
        crc
    }

    /// The bytes behind its own.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes.get(CRC_END..).unwrap_or_default()
    }

    /// The image, if that is its CRC.
    pub(crate) fn open(self, computed: u32) -> Result<Image<'a>, ImageError> {
        let Self { bytes, stated } = self;
        if stated != computed {
            return Err(ImageError::Crc { stated, computed });
        }
        let (header, tables) = crate::codec::header(bytes).ok_or(ImageError::Header)?;
        if header.tables > MAX_TABLES {
            return Err(ImageError::TooManyTables {
                found: header.tables,
            });
        }
        Ok(Image {
            header,
            bytes,
            tables,
        })
    }
}

/// The tables of an image: see [`Image::tables`].
#[derive(Clone, Debug)]
pub struct Tables<'a> {
    image: &'a [u8],
    rest: &'a [u8],
    at: u16,
    count: u16,
    ended: bool,
}

impl<'a> Tables<'a> {
    fn read(&mut self) -> Result<Table<'a>, ImageError> {
        walked(1, READ);
        let unreadable = ImageError::Table { at: self.at };
        let (table, rest) = crate::codec::table(self.rest).ok_or(unreadable)?;
        if table.padding.len() > 3 || table.padding.iter().any(|&b| b != 0) {
            return Err(unreadable);
        }
        let offset = (table.bytes.as_ptr() as usize).wrapping_sub(self.image.as_ptr() as usize);
        if !offset.is_multiple_of(4) {
            return Err(
                TableKind::from_number(table.kind).map_or(unreadable, ImageError::Alignment)
            );
        }
        self.rest = rest;
        self.at = self.at.wrapping_add(1);
        Ok(table)
    }
}

impl<'a> Iterator for Tables<'a> {
    type Item = Result<Table<'a>, ImageError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        if self.at == self.count {
            self.ended = true;
            let bytes = u32::try_from(self.rest.len()).unwrap_or(u32::MAX);
            return (bytes > 0).then_some(Err(ImageError::Trailing { bytes }));
        }
        let item = self.read();
        self.ended = item.is_err();
        Some(item)
    }
}

/// Cycles that reading a table's front takes at most, on a Cortex-M0.
pub(crate) const READ: u32 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Model;
    use crate::numeric::crc32::BYTE;
    use crate::numeric::pace::WALKED;

    #[test]
    fn opening_reads_tables_by_the_thousand_at_most_however_many_there_are() {
        let original = example();
        let image = Image::parse(original.bytes()).unwrap();
        let mut filled = AlignedBytes::<1024>::new();
        let Header {
            name,
            fingerprint,
            license,
            tables,
            ..
        } = image.header;
        let mut writer =
            ImageWriter::new(filled.bytes_mut(), name, fingerprint, license, MAX_TABLES).unwrap();
        // Those that nobody knows come first, so that each look walks through all of them.
        for _ in tables..MAX_TABLES {
            let unknown = Table {
                kind: 4711,
                ..Table::EMPTY
            };
            writer.raw(unknown).unwrap();
        }
        for table in image.tables() {
            writer.raw(table.unwrap()).unwrap();
        }
        let length = writer.finish().unwrap();
        filled.truncate(length);
        let bytes = length as u64 * u64::from(BYTE);
        WALKED.set(0);
        assert!(Model::open(filled.bytes()).is_ok());
        let reads = WALKED.get().saturating_sub(bytes) / u64::from(READ);
        assert!((1_000..12_000).contains(&reads), "{reads}");
    }
}
