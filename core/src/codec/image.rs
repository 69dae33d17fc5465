//! An image's header and tables from postcard's bytes: field by field, in less code than what serde derives.

use super::reader::Reader;
use crate::image::{Header, Table};

/// The header at the front of `bytes`, and what is behind it.
pub(crate) fn header(bytes: &[u8]) -> Option<(Header<'_>, &[u8])> {
    let mut reader = Reader::new(bytes);
    let header = Header {
        magic: reader.word().to_le_bytes(),
        format: reader.byte(),
        length: reader.word(),
        crc: reader.word(),
        name: reader.text(),
        fingerprint: u64::from(reader.word()) | u64::from(reader.word()) << 32,
        license: reader.text(),
        tables: reader.varint(u16::MAX.into()) as u16,
    };
    reader.end(header)
}

/// The table at the front of `bytes`, and what is behind it.
pub(crate) fn table(bytes: &[u8]) -> Option<(Table<'_>, &[u8])> {
    let mut reader = Reader::new(bytes);
    let table = Table {
        kind: reader.varint(u16::MAX.into()) as u16,
        index: reader.byte(),
        required: reader.flag(),
        element: reader.byte(),
        rows: reader.varint(u32::MAX as usize) as u32,
        columns: reader.varint(u32::MAX as usize) as u32,
        scale: f32::from_bits(reader.word()),
        padding: reader.bytes(),
        bytes: reader.bytes(),
    };
    reader.end(table)
}
