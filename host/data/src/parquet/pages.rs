//! Pages as they lie in a file, unpacked where they are packed with zstd or gzip: by the crates that unpack all else here.

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
            CompressionCodec::ZSTD | CompressionCodec::GZIP => Some(codec),
            CompressionCodec::UNCOMPRESSED | CompressionCodec::SNAPPY => None,
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
