//! Writes an image into a buffer: feature `write`, for a host.

use super::kind::{Element, TableKind};
use super::layout::{CRC_END, CRC_OFFSET, FORMAT, Header, MAGIC, MAX_TABLES, MAX_TEXT, Table};
use crate::numeric::crc32::Crc32;
use core::fmt;

/// Why an image can't be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WriteError {
    /// The buffer is full.
    BufferFull,
    /// The name or the licence line is longer than [`MAX_TEXT`].
    TextTooLong,
    /// More tables than [`MAX_TABLES`].
    TooManyTables {
        /// Announced.
        announced: u16,
    },
    /// More tables than were announced, or fewer.
    TableCount {
        /// Announced.
        announced: u16,
        /// Written.
        written: u16,
    },
    /// `rows` x `columns` elements aren't what `bytes` holds.
    Size {
        /// The kind's number.
        kind: u16,
    },
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::BufferFull => f.write_str("the buffer is too small for the image"),
            Self::TextTooLong => write!(f, "name and licence line have at most {MAX_TEXT} bytes"),
            Self::TooManyTables { announced } => {
                write!(
                    f,
                    "{announced} tables were announced, and an image has at most {MAX_TABLES}"
                )
            }
            Self::TableCount { announced, written } => {
                write!(f, "{announced} tables were announced and {written} written")
            }
            Self::Size { kind } => write!(f, "table kind {kind} has not rows x columns elements"),
        }
    }
}

impl core::error::Error for WriteError {}

/// Writes header and tables, in order, into a buffer of the caller's.
#[derive(Debug)]
pub struct ImageWriter<'b> {
    buffer: &'b mut [u8],
    at: usize,
    announced: u16,
    written: u16,
}

impl<'b> ImageWriter<'b> {
    /// Starts an image of `tables` tables in `buffer`.
    ///
    /// # Errors
    ///
    /// `TextTooLong`, `TooManyTables`, or `BufferFull` where the header doesn't fit.
    pub fn new(
        buffer: &'b mut [u8],
        name: &str,
        fingerprint: u64,
        license: &str,
        tables: u16,
    ) -> Result<Self, WriteError> {
        if name.len() > MAX_TEXT || license.len() > MAX_TEXT {
            return Err(WriteError::TextTooLong);
        }
        if tables > MAX_TABLES {
            return Err(WriteError::TooManyTables { announced: tables });
        }
        let header = Header {
            magic: MAGIC,
            format: FORMAT,
            length: 0,
            crc: 0,
            name,
            fingerprint,
            license,
            tables,
        };
        let at = postcard::to_slice(&header, buffer)
            .map_err(|_| WriteError::BufferFull)?
            .len();
        Ok(Self {
            buffer,
            at,
            announced: tables,
            written: 0,
        })
    }

    /// Appends a table of a known kind, required, with scale 1.
    ///
    /// # Errors
    ///
    /// As [`raw`](Self::raw).
    pub fn table(
        &mut self,
        kind: TableKind,
        index: u8,
        element: Element,
        rows: usize,
        columns: usize,
        bytes: &[u8],
    ) -> Result<(), WriteError> {
        let size_error = WriteError::Size {
            kind: kind.number(),
        };
        let expected = rows
            .checked_mul(columns)
            .and_then(|n| n.checked_mul(element.size()))
            .ok_or(size_error)?;
        if bytes.len() != expected {
            return Err(size_error);
        }
        self.raw(Table {
            kind: kind.number(),
            index,
            required: true,
            element: element.code(),
            rows: u32::try_from(rows).map_err(|_| size_error)?,
            columns: u32::try_from(columns).map_err(|_| size_error)?,
            scale: 1.0,
            padding: &[],
            bytes,
        })
    }

    /// Appends any table as it is, but for its padding, which is made to align the bytes. Nothing else of it is
    /// checked: tests write broken images with it, and later versions unknown kinds.
    ///
    /// # Errors
    ///
    /// `BufferFull`, or `TableCount` where one more was written than announced.
    pub fn raw(&mut self, mut table: Table<'_>) -> Result<(), WriteError> {
        if self.written == self.announced {
            return Err(WriteError::TableCount {
                announced: self.announced,
                written: self.written.saturating_add(1),
            });
        }
        let (at, length) = (self.at, table.bytes.len());
        let buffer = self.buffer.get_mut(at..).ok_or(WriteError::BufferFull)?;
        // Where the bytes start doesn't depend on what they are, so a first try without padding tells.
        table.padding = &[];
        let end = at
            + postcard::to_slice(&table, buffer)
                .map_err(|_| WriteError::BufferFull)?
                .len();
        let missing = (length.wrapping_sub(end)) % 4;
        table.padding = match missing {
            0 => &[],
            1 => &[0],
            2 => &[0; 2],
            _ => &[0; 3],
        };
        let used = postcard::to_slice(&table, buffer)
            .map_err(|_| WriteError::BufferFull)?
            .len();
        self.at = at + used;
        self.written += 1;
        Ok(())
    }

    /// Fills in length and CRC; returns the image's length.
    ///
    /// # Errors
    ///
    /// `TableCount` where fewer tables were written than announced.
    pub fn finish(self) -> Result<usize, WriteError> {
        if self.written != self.announced {
            return Err(WriteError::TableCount {
                announced: self.announced,
                written: self.written,
            });
        }
        let image = self
            .buffer
            .get_mut(..self.at)
            .ok_or(WriteError::BufferFull)?;
        seal(image);
        Ok(self.at)
    }
}

/// Writes length and CRC into the header of `image`.
fn seal(image: &mut [u8]) {
    let length = u32::try_from(image.len()).unwrap_or(u32::MAX).to_le_bytes();
    if let Some(field) = image.get_mut(CRC_OFFSET - 4..CRC_OFFSET) {
        field.copy_from_slice(&length);
    }
    let mut crc = Crc32::new();
    crc.update(image.get(..CRC_OFFSET).unwrap_or_default());
    crc.update(image.get(CRC_END..).unwrap_or_default());
    if let Some(field) = image.get_mut(CRC_OFFSET..CRC_END) {
        field.copy_from_slice(&crc.finish().to_le_bytes());
    }
}

/// A small image of its own array, aligned to 4 bytes: examples and tests borrow it.
#[derive(Clone, Debug)]
pub struct AlignedBytes<const WORDS: usize> {
    words: [u32; WORDS],
    length: usize,
}

impl<const WORDS: usize> AlignedBytes<WORDS> {
    /// All zeros, of the whole length.
    pub const fn new() -> Self {
        Self {
            words: [0; WORDS],
            length: WORDS * 4,
        }
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        bytemuck::cast_slice(&self.words)
            .get(..self.length)
            .unwrap_or_default()
    }

    /// The bytes, to be written.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        bytemuck::cast_slice_mut(&mut self.words)
            .get_mut(..self.length)
            .unwrap_or_default()
    }

    /// Keeps the first `length` bytes.
    pub fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length);
    }

    /// Writes length and CRC anew, over whatever the bytes are now: how tests make an image that is broken in
    /// one field and right in all others.
    pub fn reseal(&mut self) {
        seal(self.bytes_mut());
    }
}

impl<const WORDS: usize> Default for AlignedBytes<WORDS> {
    fn default() -> Self {
        Self::new()
    }
}
