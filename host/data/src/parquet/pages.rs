//! Pages as they lie in a file, unpacked here where they are packed: their headers claim sizes, and memory is to follow
//! what is in a page. The crate below looks at their checksums, which are of packed bytes.

use std::fs::File;
use std::io::Read;
use std::sync::Arc;

use flate2::read::MultiGzDecoder;
use parquet::basic::CompressionCodec;
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::serialized_reader::SerializedPageReader;
use ruzstd::decoding::StreamingDecoder;

/// Bytes that a packed byte of a page holds at most, beyond the first [`FEW`] of them.
const MOST_UNPACKED: usize = 100;
const FEW: usize = 1 << 24;
/// What three bytes of snappy's hold at most: a copy of 64.
const MOST_OF_SNAPPY: usize = 64;

/// Pages of a column's chunk.
pub struct Pages {
    pages: SerializedPageReader<File>,
    packed: Option<CompressionCodec>,
}

impl Pages {
    /// Those of a chunk with so many rows.
    ///
    /// # Errors
    /// Where they are packed in a way that isn't known, or lie beyond the file.
    pub fn new(file: File, chunk: &ColumnChunkMetaData, rows: usize) -> Result<Pages> {
        let codec = chunk.compression_codec();
        let packed = match codec {
            CompressionCodec::ZSTD | CompressionCodec::GZIP | CompressionCodec::SNAPPY => {
                Some(codec)
            }
            CompressionCodec::UNCOMPRESSED => None,
            other => {
                return Err(ParquetError::NYI(format!(
                    "it is packed with {other:?}; write it with snappy, zstd or gzip"
                )));
            }
        };
        let plain;
        let chunk = match packed {
            None => chunk,
            Some(_) => {
                let builder = chunk.clone().into_builder();
                plain = builder
                    .set_compression_codec(CompressionCodec::UNCOMPRESSED)
                    .build()?;
                &plain
            }
        };
        let pages = SerializedPageReader::new(Arc::new(file), chunk, rows, None)?;
        Ok(Pages { pages, packed })
    }

    fn unpacked(&self, bytes: &[u8]) -> Result<Vec<u8>> {
        let most = FEW.max(bytes.len().saturating_mul(MOST_UNPACKED)) as u64;
        let damaged = |error: &dyn std::fmt::Display| ParquetError::General(error.to_string());
        let mut out = Vec::new();
        let read = match self.packed {
            Some(CompressionCodec::SNAPPY) => {
                let length = snap::raw::decompress_len(bytes).map_err(|error| damaged(&error))?;
                if length > bytes.len().saturating_mul(MOST_OF_SNAPPY).div_ceil(3) {
                    return Err(damaged(&format!(
                        "a page of {} bytes says that it holds {length}, which snappy can't",
                        bytes.len()
                    )));
                }
                let unpacked = snap::raw::Decoder::new().decompress_vec(bytes);
                return unpacked.map_err(|error| damaged(&error));
            }
            Some(CompressionCodec::ZSTD) => {
                let decoder = StreamingDecoder::new(bytes).map_err(|error| damaged(&error))?;
                decoder.take(most + 1).read_to_end(&mut out)
            }
            _ => MultiGzDecoder::new(bytes)
                .take(most + 1)
                .read_to_end(&mut out),
        };
        read.map_err(|error| damaged(&error))?;
        match out.len() as u64 > most {
            true => Err(damaged(&"a page unpacks to more than 100 times its size")),
            false => Ok(out),
        }
    }
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Result<Page>> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let Some(mut page) = self.pages.get_next_page()? else {
            return Ok(None);
        };
        if self.packed.is_none() {
            return Ok(Some(page));
        }
        match &mut page {
            Page::DataPage { buf, .. } | Page::DictionaryPage { buf, .. } => {
                if !buf.is_empty() {
                    *buf = self.unpacked(buf)?.into();
                }
            }
            Page::DataPageV2 {
                buf,
                def_levels_byte_len,
                rep_levels_byte_len,
                is_compressed: true,
                ..
            } => {
                let levels = *def_levels_byte_len as usize + *rep_levels_byte_len as usize;
                let cut = || ParquetError::EOF("a page ends within its levels".into());
                let (levels, rest) = buf.split_at_checked(levels).ok_or_else(cut)?;
                let mut whole = levels.to_vec();
                if !rest.is_empty() {
                    whole.extend(self.unpacked(rest)?);
                }
                *buf = whole.into();
            }
            Page::DataPageV2 { .. } => {}
        }
        Ok(Some(page))
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.pages.skip_next_page()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Arc;

    use parquet::schema::parser::parse_message_type;
    use parquet::schema::types::SchemaDescriptor;

    use super::*;
    use crate::damage::no_memory_is_claimed;

    /// A number as Thrift's compact protocol has it.
    fn varint(number: i32) -> Vec<u8> {
        let mut rest = ((number << 1) ^ (number >> 31)) as u32;
        let mut bytes = Vec::new();
        while rest > 127 {
            bytes.push(rest as u8 | 128);
            rest >>= 7;
        }
        bytes.push(rest as u8);
        bytes
    }

    /// What pages of a column of a file are, in which a page of version 1 claims to hold so much.
    fn read(codec: CompressionCodec, packed: &[u8], claim: i32, sum: u32) -> Result<Vec<Page>> {
        let field = |number: i32| [vec![0x15], varint(number)].concat();
        let mut page = Vec::new();
        // The kind of page, both sizes, the checksum; then how many values, and how they and their levels are written.
        for number in [0, claim, packed.len() as i32, sum as i32] {
            page.extend(field(number));
        }
        page.push(0x1c);
        for number in [1000, 0, 3, 3] {
            page.extend(field(number));
        }
        page.extend([0, 0]);
        page.extend(packed);
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&page).unwrap();
        let schema = parse_message_type("message m { REQUIRED DOUBLE x; }").unwrap();
        let schema = SchemaDescriptor::new(Arc::new(schema));
        let chunk = ColumnChunkMetaData::builder(schema.column(0))
            .set_compression_codec(codec)
            .set_data_page_offset(0)
            .set_num_values(1000)
            .set_total_compressed_size(page.len() as i64)
            .build()?;
        Pages::new(file, &chunk, 1000)?.collect()
    }

    /// The checksum that page headers have, bit by bit.
    fn sum(bytes: &[u8]) -> u32 {
        let sum = bytes.iter().fold(u32::MAX, |sum, byte| {
            (0..8).fold(sum ^ u32::from(*byte), |sum, _| match sum & 1 {
                0 => sum >> 1,
                _ => sum >> 1 ^ 0xedb8_8320,
            })
        });
        !sum
    }

    fn packings(values: &[u8]) -> [(CompressionCodec, Vec<u8>); 4] {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(values).unwrap();
        let level = ruzstd::encoding::CompressionLevel::Fastest;
        let snappy = snap::raw::Encoder::new().compress_vec(values).unwrap();
        [
            (CompressionCodec::UNCOMPRESSED, values.to_vec()),
            (CompressionCodec::GZIP, gzip.finish().unwrap()),
            (
                CompressionCodec::ZSTD,
                ruzstd::encoding::compress_to_vec(values, level),
            ),
            (CompressionCodec::SNAPPY, snappy),
        ]
    }

    #[test]
    fn memory_follows_what_a_page_holds_and_not_what_it_claims() {
        let values: Vec<u8> = (0..8000u32).map(|at| (at * at / 31) as u8).collect();
        for (codec, packed) in packings(&values) {
            let pages = read(codec, &packed, i32::MAX, sum(&packed)).unwrap();
            assert_eq!(pages.len(), 1);
            assert_eq!(pages[0].buffer(), &values, "{codec:?}");
        }
        // What snappy packs best is within what it can, and what says more of itself isn't.
        let zeros = vec![0; 1 << 20];
        let packed = snap::raw::Encoder::new().compress_vec(&zeros).unwrap();
        let snappy = CompressionCodec::SNAPPY;
        let pages = read(snappy, &packed, 1 << 20, sum(&packed)).unwrap();
        assert_eq!(pages[0].buffer(), &zeros);
        let claims = [&[0xff, 0xff, 0xff, 0xff, 7][..], &packed[3..]].concat();
        let told = read(snappy, &claims, i32::MAX, sum(&claims)).unwrap_err();
        assert!(told.to_string().contains("which snappy can't"), "{told}");
        no_memory_is_claimed();
    }

    #[test]
    fn a_flipped_bit_is_told_by_the_checksum_of_its_page() {
        let values: Vec<u8> = (0..8000u32).map(|at| (at * at / 31) as u8).collect();
        for (codec, mut packed) in packings(&values) {
            let sum = sum(&packed);
            let middle = packed.len() / 2;
            packed[middle] ^= 1;
            let told = read(codec, &packed, 8000, sum).unwrap_err().to_string();
            assert!(told.contains("checksum"), "{codec:?}: {told}");
        }
    }
}
